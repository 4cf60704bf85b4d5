/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header space. The first byte says which of two:
 *  - even: its other bits say how many regions the space may have; then steps of 5 bytes (add or
 *    subtract, value, mask; big-endian) in a world of 13 bits (packet_universe.h). What is in the space
 *    at the end is what a table of all packets says, once; the first region is drawn from.
 *  - odd: a byte that makes masks, then an Ethernet frame. A region that this frame is in is never
 *    empty, what is drawn from it is in it, and nothing is left of it once it has been subtracted.
 */
#include <errno.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/packet_universe.h"

#include "flows/draw.h"
#include "flows/space.h"

#define STEP_BYTES  5
#define MAX_STEPS   8
#define MAX_REGIONS 32

/* By their numbers, a bit for each. */
#define WORD_PACKETS 64
struct packet_set {
    uint64_t words[UNIVERSE_SIZE / WORD_PACKETS];
};
static struct packet_set can_be;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_random(void *state_)
{
    uint32_t *state = state_;

    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void check_drawn(const struct match *region)
{
    uint32_t state = 1;
    struct flow packet;

    ovs_assert(!fl_region_is_empty(region));
    ovs_assert(fl_draw_packet(region, NULL, &packet));
    ovs_assert(fl_region_has(region, &packet));
    ovs_assert(fl_draw_at_random(region, next_random, &state, &packet));
    ovs_assert(fl_region_has(region, &packet));
}

/* Those that can be. Low bits of a number say which packet of a word it is, the others which word. */
static void packets_of_cube(struct cube cube, struct packet_set *packets)
{
    const uint32_t low = WORD_PACKETS - 1;
    const struct cube in_word = { cube.value & low, cube.mask & low };
    const struct cube of_words = { cube.value & ~low, cube.mask & ~low };
    uint64_t word = 0;

    for (uint32_t i = 0; i < WORD_PACKETS; i++) {
        word |= (uint64_t)cube_has(in_word, i) << i;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(packets->words); i++) {
        bool has = cube_has(of_words, i * WORD_PACKETS);

        packets->words[i] = has ? word & can_be.words[i] : 0;
    }
}

/* Takes the packets of @region out of @left: there are some, and all of them were left. */
static void take_out(const struct match *region, struct packet_set *left)
{
    uint64_t any = 0, missing = 0;
    struct packet_set packets;

    packets_of_cube(cube_of_region(region), &packets);
    for (size_t i = 0; i < ARRAY_SIZE(left->words); i++) {
        any |= packets.words[i];
        missing |= packets.words[i] & ~left->words[i];
        left->words[i] &= ~packets.words[i];
    }
    ovs_assert(any);
    ovs_assert(!missing);
}

static void check_space(const struct fl_space *space, const struct packet_set *wanted)
{
    struct packet_set left = *wanted;

    ovs_assert(space->n_regions <= space->max_regions);
    for (size_t i = 0; i < space->n_regions; i++) {
        take_out(&space->regions[i], &left);
    }
    for (size_t i = 0; i < ARRAY_SIZE(left.words); i++) {
        ovs_assert(!left.words[i]);
    }
    if (space->n_regions) {
        check_drawn(&space->regions[0]);
    }
}

static void take_step(struct fl_space *space, const uint8_t *step, struct packet_set *wanted)
{
    struct cube cube = cube_of((uint32_t)(step[1] << 8 | step[2]),
                               (uint32_t)(step[3] << 8 | step[4]));
    size_t n_before = space->n_regions;
    bool adds = !(step[0] & 1);
    struct packet_set packets;
    struct match region;
    int error;

    region_of_cube(cube, &region);
    error = adds ? fl_space_add(space, &region) : fl_space_subtract(space, &region);
    if (error) {
        ovs_assert(error == -E2BIG && space->n_regions == n_before);
        return;
    }
    packets_of_cube(cube, &packets);
    for (size_t i = 0; i < ARRAY_SIZE(packets.words); i++) {
        uint64_t word = wanted->words[i] & ~packets.words[i];

        wanted->words[i] = adds ? word | packets.words[i] : word;
    }
}

static void take_steps(uint8_t bound, const uint8_t *data, size_t size)
{
    struct packet_set wanted = { { 0 } };
    struct fl_space space;

    fl_space_init(&space, 1 + bound % MAX_REGIONS);
    for (size_t i = 0; i < MAX_STEPS && (i + 1) * STEP_BYTES <= size; i++) {
        take_step(&space, data + i * STEP_BYTES, &wanted);
    }
    check_space(&space, &wanted);
    fl_space_destroy(&space);
}

static void take_frame(const uint8_t *data, size_t size)
{
    uint32_t state = data[0];
    struct dp_packet frame;
    struct fl_space space;
    struct match region;
    uint8_t *mask = (uint8_t *)&region.wc.masks;

    dp_packet_init(&frame, 0);
    dp_packet_put(&frame, data + 1, size - 1);
    match_init_catchall(&region);
    flow_extract(&frame, &region.flow);
    dp_packet_uninit(&frame);
    for (size_t i = 0; i < sizeof region.wc.masks; i++) {
        mask[i] = (uint8_t)(state % 4 ? next_random(&state) : UINT8_MAX);
    }
    match_zero_wildcarded_fields(&region);
    check_drawn(&region);

    fl_space_init(&space, 1);
    ovs_assert(!fl_space_add(&space, &region) && space.n_regions == 1);
    ovs_assert(!fl_space_subtract(&space, &region) && !space.n_regions);
    fl_space_destroy(&space);
}

static void init(void)
{
    universe_init();
    for (uint32_t i = 0; i < UNIVERSE_SIZE; i++) {
        can_be.words[i / WORD_PACKETS] |= (uint64_t)universe_can_be[i] << i % WORD_PACKETS;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;

    if (!ready) {
        init();
        ready = true;
    }
    if (size > 1 && !(data[0] & 1)) {
        take_steps(data[0] / 2, data + 1, size - 1);
    } else if (size >= 2 + ETH_HEADER_LEN) {
        take_frame(data + 1, size - 1);
    }
    return 0;
}
