/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header space. The first byte says which of two:
 *  - even: steps of 5 bytes (add or subtract, value, mask; big-endian) in a world of 13 bits
 *    (packet_universe.h). What is in the space at the end is what a table of all packets says.
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
#define MAX_STEPS   16
#define MAX_REGIONS 64

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

static void check_space(const struct fl_space *space, const bool *wanted)
{
    struct cube cubes[MAX_REGIONS];

    ovs_assert(space->n_regions <= MAX_REGIONS);
    for (size_t i = 0; i < space->n_regions; i++) {
        cubes[i] = cube_of_region(&space->regions[i]);
        ovs_assert(!cube_is_empty(cubes[i]));
        check_drawn(&space->regions[i]);
    }
    for (uint32_t packet = 0; packet < UNIVERSE_SIZE; packet++) {
        size_t n = 0;

        for (size_t i = 0; universe_can_be[packet] && i < space->n_regions; i++) {
            n += cube_has(cubes[i], packet);
        }
        ovs_assert(n == (universe_can_be[packet] && wanted[packet]));
    }
}

static void take_step(struct fl_space *space, const uint8_t *step, bool *wanted)
{
    struct cube cube = cube_of((uint32_t)(step[1] << 8 | step[2]),
                               (uint32_t)(step[3] << 8 | step[4]));
    size_t n_before = space->n_regions;
    bool adds = !(step[0] & 1);
    struct match region;
    int error;

    region_of_cube(cube, &region);
    error = adds ? fl_space_add(space, &region) : fl_space_subtract(space, &region);
    if (error) {
        ovs_assert(error == -E2BIG && space->n_regions == n_before);
        return;
    }
    for (uint32_t packet = 0; packet < UNIVERSE_SIZE; packet++) {
        wanted[packet] = cube_has(cube, packet) ? adds : wanted[packet];
    }
}

static void take_steps(const uint8_t *data, size_t size)
{
    static bool wanted[UNIVERSE_SIZE];
    struct fl_space space;

    memset(wanted, 0, sizeof wanted);
    fl_space_init(&space, MAX_REGIONS);
    for (size_t i = 0; i < MAX_STEPS && (i + 1) * STEP_BYTES <= size; i++) {
        take_step(&space, data + i * STEP_BYTES, wanted);
    }
    check_space(&space, wanted);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;

    if (!ready) {
        universe_init();
        ready = true;
    }
    if (size > 1 && !(data[0] & 1)) {
        take_steps(data + 1, size - 1);
    } else if (size >= 2 + ETH_HEADER_LEN) {
        take_frame(data + 1, size - 1);
    }
    return 0;
}
