/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what a probe reads from the kernel: the first byte says whether the rest is an acknowledgement
 * or a message of a dump.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tc/encode.h"
#include "lib/tc/probe_message.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see_ack(const void *message, size_t n)
{
    static _Alignas(4) uint8_t request[FL_TC_MESSAGE_BYTES];
    static struct fl_tc_filter filter;
    struct fl_tc_ack ack;

    if (fl_tc_ack_decode(message, n, &ack))
        return;
    REQUIRE(ack.error <= 0 && ack.error >= -4095);
    REQUIRE(strlen(ack.text) < sizeof ack.text);
    for (const char *p = ack.text; *p; p++)
        REQUIRE((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f);
    fl_tc_filter_clear(&filter);
    filter.protocol = 0x800;
    fl_tc_put_key(&filter, FL_TC_KEY_ETH_TYPE)->n = 0x800;
    fl_tc_fill_masks(&filter);
    REQUIRE(!fl_tc_encode(&filter, 1, request, sizeof request, NULL));
    if (ack.has_offset)
        fl_tc_attribute_at((const void *)request, ack.offset);
}

static void see_message(const void *message, size_t n)
{
    struct fl_tc_seen seen;

    if (fl_tc_seen_decode(message, n, &seen))
        return;
    REQUIRE(!fl_tc_is_probe(&seen) || (fl_tc_is_probe_chain(seen.chain) && seen.is_flower &&
                                       seen.handle >> 16 == 0xf10f && seen.priority == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *message;

    if (size < 1 + sizeof(struct nlmsghdr))
        return 0;
    message = xmemdup(data + 1, size - 1);
    if (data[0] & 1)
        see_ack(message, size - 1);
    else
        see_message(message, size - 1);
    free(message);
    return 0;
}
