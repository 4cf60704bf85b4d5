/* SPDX-License-Identifier: Apache-2.0 */

/* See space.h. */

#include "flows/space.h"

#include <errno.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

/*
 * What makes the kind of a packet is split first. Then the other pieces are of one kind each, and those
 * with fields that this kind does not have are seen to be empty.
 */
static const struct flow kind_fields = {
    .packet_type = OVS_BE32_MAX,
    .dl_type = OVS_BE16_MAX,
    .nw_frag = UINT8_MAX,
    .nw_proto = UINT8_MAX,
};

void fl_space_init(struct fl_space *space, size_t max_regions)
{
    *space = (struct fl_space){ .max_regions = max_regions };
}

void fl_space_destroy(struct fl_space *space)
{
    free(space->regions);
    fl_space_init(space, 0);
}

static int append(struct fl_space *space, const struct match *region)
{
    if (fl_region_is_empty(region)) {
        return 0;
    }
    if (space->n_regions >= space->max_regions) {
        return -E2BIG;
    }
    if (space->n_regions == space->allocated) {
        space->regions = x2nrealloc(space->regions, &space->allocated, sizeof *space->regions);
    }
    space->regions[space->n_regions++] = *region;
    return 0;
}

/* Of @rest, the packets that differ from @region in bit @bit of a byte go to @space; the others stay. */
static int split_at(struct fl_space *space, struct match *rest, const struct match *region,
                    size_t byte, uint8_t bit)
{
    uint8_t wanted = ((const uint8_t *)&region->flow)[byte] & bit;
    uint8_t *value = (uint8_t *)&rest->flow + byte;
    int error;

    ((uint8_t *)&rest->wc.masks)[byte] |= bit;
    *value = (uint8_t)(*value | (~wanted & bit));
    error = append(space, rest);
    *value = (uint8_t)((*value & ~bit) | wanted);
    return error;
}

/* The same for all bits of some fields that @region tests and @rest does not, as on the wire: high first. */
static int split_fields(struct fl_space *space, struct match *rest, const struct match *region,
                        bool of_kind)
{
    const uint8_t *tested = (const uint8_t *)&region->wc.masks;
    const uint8_t *bound = (const uint8_t *)&rest->wc.masks;
    const uint8_t *kind = (const uint8_t *)&kind_fields;

    for (size_t i = 0; i < sizeof(struct flow); i++) {
        unsigned int bits = tested[i] & ~bound[i] & (of_kind ? kind[i] : ~kind[i]);

        for (unsigned int bit = 0x80; bits && bit; bit >>= 1) {
            int error = bits & bit ? split_at(space, rest, region, i, (uint8_t)bit) : 0;

            if (error) {
                return error;
            }
        }
    }
    return 0;
}

/* Puts what @from has outside of @region into @space. */
static int append_outside(struct fl_space *space, const struct match *from,
                          const struct match *region)
{
    struct match rest = *from;
    struct match both;
    int error;

    if (!fl_region_intersect(from, region, &both)) {
        return append(space, from);
    }
    error = split_fields(space, &rest, region, true);
    return error ? error : split_fields(space, &rest, region, false);
}

static int append_all_outside(struct fl_space *space, const struct fl_space *from,
                              const struct match *region)
{
    int error = 0;

    for (size_t i = 0; !error && i < from->n_regions; i++) {
        error = append_outside(space, &from->regions[i], region);
    }
    return error;
}

int fl_space_subtract(struct fl_space *space, const struct match *region)
{
    struct fl_space result;
    int error;

    fl_space_init(&result, space->max_regions);
    error = append_all_outside(&result, space, region);
    if (error) {
        fl_space_destroy(&result);
        return error;
    }
    free(space->regions);
    *space = result;
    return 0;
}

int fl_space_add(struct fl_space *space, const struct match *region)
{
    size_t n_before = space->n_regions;
    struct fl_space fresh;
    int error;

    fl_space_init(&fresh, space->max_regions);
    error = append(&fresh, region);
    for (size_t i = 0; !error && i < n_before; i++) {
        error = fl_space_subtract(&fresh, &space->regions[i]);
    }
    for (size_t i = 0; !error && i < fresh.n_regions; i++) {
        error = append(space, &fresh.regions[i]);
    }
    if (error) {
        space->n_regions = n_before;
    }
    fl_space_destroy(&fresh);
    return error;
}

bool fl_space_has(const struct fl_space *space, const struct flow *packet)
{
    for (size_t i = 0; i < space->n_regions; i++) {
        if (fl_region_has(&space->regions[i], packet)) {
            return true;
        }
    }
    return false;
}
