/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages of ctnetlink as connections: recorded from a kernel (entry-*, by tests/kernel/datapath.py), and
 * made by hand where no traffic brought such an entry about.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "lib/conntrack/entries.h"

static size_t read_message(const char *name, void *bytes, size_t size)
{
    const char *source = getenv("FLOWLIFT_SOURCE");
    _cleanup_free char *path = xasprintf("%s/tests/fuzz/corpus/conntrack/%s", source ? source : ".",
                                         name);
    FILE *file = fopen(path, "rb");
    size_t n;

    if (!file)
        fail_msg("cannot open %s", path);
    n = fread(bytes, 1, size, file);
    fclose(file);
    return n;
}

static void put_end(struct ds *text, const struct in6_addr *address, uint16_t port)
{
    ipv6_format_mapped(address, text);
    ds_put_format(text, " %u ", port);
}

/* PROTO SRC PORT > DST PORT, the same of the reply, and the rest */
static void describe(const struct fl_connection *c, struct ds *text)
{
    static const char *const offloads[] = { "?", "no", "software", "hardware" };

    ds_put_format(text, "%u: ", c->proto);
    put_end(text, &c->orig_src, c->orig_sport);
    ds_put_cstr(text, "> ");
    put_end(text, &c->orig_dst, c->orig_dport);
    ds_put_cstr(text, "| ");
    put_end(text, &c->reply_src, c->reply_sport);
    ds_put_cstr(text, "> ");
    put_end(text, &c->reply_dst, c->reply_dport);
    ds_put_format(text, "| zone %u of %u mark %" PRIu32 " state %u offload %s%s%s", c->zone,
                  c->zone_of, c->mark, c->tcp_state, offloads[c->offload],
                  c->established ? " established" : "", fl_connection_has_nat(c) ? " nat" : "");
    if (c->orig_packets != FL_CONNECTION_COUNT_UNKNOWN)
        ds_put_format(text, " packets %" PRIu64 "/%" PRIu64 " bytes %" PRIu64 "/%" PRIu64,
                      c->orig_packets, c->reply_packets, c->orig_bytes, c->reply_bytes);
}

static void assert_message(const char *name, const char *want)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_connection connection;
    uint64_t message[128];
    size_t n = read_message(name, message, sizeof message);

    assert_true(fl_conntrack_decode(message, n, &connection));
    describe(&connection, &text);
    assert_string_equal(ds_cstr(&text), want);
    ds_destroy(&text);
}

static void test_made_by_hand(void **state OVS_UNUSED)
{
    assert_message("tcp-hardware",
                   "6: 10.1.0.1 1000 > 10.1.0.2 2049 | 10.1.0.2 2049 > 10.1.0.1 1000 | zone 5 of 0 "
                   "mark 5 state 3 offload hardware established packets 10/9 bytes 1000/900");
    assert_message("icmp",
                   "1: 10.1.0.1 77 > 10.1.0.2 2048 | 10.1.0.2 77 > 10.1.0.1 0 | zone 0 of 0 "
                   "mark 0 state 0 offload no");
    assert_message("udp6-zone-of-orig",
                   "17: fd00::1 5 > fd00::1 53 | fd00::1 53 > fd00::1 5 | zone "
                   "7 of 1 mark 0 state 0 offload ?");
}

static void test_recorded(void **state OVS_UNUSED)
{
    assert_message("entry-00",
                   "6: 10.1.0.1 1000 > 10.1.0.2 2049 | 10.1.0.2 2049 > 10.1.0.1 1000 | zone "
                   "5 of 0 mark 3 state 3 offload no established");
    assert_message("entry-01", "1: 10.1.0.1 77 > 10.1.0.2 2048 | 10.1.0.2 77 > 10.1.0.1 0 | zone "
                               "0 of 0 mark 0 state 0 offload no");
    assert_message("entry-02", "6: fd00::1 7 > fd00::2 8 | fd00::2 8 > fd00::1 7 | zone "
                               "0 of 0 mark 0 state 3 offload no established");
    assert_message("entry-03",
                   "6: 10.1.0.1 2000 > 10.9.0.1 2049 | 10.1.0.9 2049 > 10.1.0.1 2000 | zone "
                   "5 of 0 mark 0 state 3 offload no established nat");
    assert_message("entry-04",
                   "6: 10.1.0.1 1001 > 10.1.0.2 80 | 10.1.0.2 80 > 10.1.0.1 1001 | zone "
                   "0 of 0 mark 0 state 1 offload no");
    assert_message("entry-05", "17: 10.1.0.1 5 > 10.1.0.2 53 | 10.1.0.2 53 > 10.1.0.1 5 | zone "
                               "5 of 0 mark 0 state 0 offload no");
}

/* Cut anywhere, it is no message, and nothing behind its end is read. */
static void test_cut(void **state OVS_UNUSED)
{
    struct fl_connection connection;
    uint64_t message[128];
    size_t n = read_message("tcp-hardware", message, sizeof message);

    for (size_t i = 0; i < n; i++) {
        void *part = xmemdup(message, MAX(i, 1));

        assert_false(fl_conntrack_decode(part, i, &connection));
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_made_by_hand),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
