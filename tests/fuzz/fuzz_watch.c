/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of the watch over devices: pieces of two bytes of length (little endian) and what was received.
 * The list of devices is asked for first, with sequence 1 and portid 2. What is told must name a device, and
 * events come only after the list.
 */
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tc/watch_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fl_tc_event *event, void *watched_)
{
    const struct fl_tc_watched *watched = watched_;

    ovs_assert(!watched->is_listing);
    ovs_assert(event->kind < FL_TC_EVERYTHING);
    ovs_assert(event->name && event->why && fl_tc_event_name(event->kind));
    ovs_assert(event->kind > FL_TC_LINK_CHANGED || (event->ifindex > 0 && *event->name));
}

/* Exactly as long as it is, so that a read past the end is seen. */
static int take_piece(struct fl_tc_watched *watched, const uint8_t *bytes, size_t n)
{
    void *copy = malloc(n ? n : 1);
    int ret;

    memcpy(copy, bytes, n);
    ret = fl_tc_watched_take(watched, copy, n, check, watched);
    free(copy);
    return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_tc_watched watched;
    uint32_t sequence = 1;

    fl_tc_watched_init(&watched);
    fl_tc_watched_list(&watched, sequence, 2);
    while (size >= 2) {
        size_t n = MIN((size_t)(data[0] | data[1] << 8), size - 2);
        int ret = take_piece(&watched, data + 2, n);

        ovs_assert(ret <= 1);
        ovs_assert(ret != 1 || !watched.is_listing);
        if (ret < 0)
            fl_tc_watched_list(&watched, ++sequence, 2);
        data += 2 + n;
        size -= 2 + n;
    }
    fl_tc_watched_destroy(&watched);
    return 0;
}
