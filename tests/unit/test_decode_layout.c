/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Flows are put together again however they were wrapped: at each width, in the middle of anything or
 * at commas, behind the marks of mails, comments and lists.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/decoded.h"

#define VERBOSE_TC                                                                        \
    "skb_priority(0/0),skb_mark(0/0),ct_state(0/0x23),ct_zone(0/0),ct_mark(0/0),"         \
    "ct_label(0/0x1),recirc_id(0),dp_hash(0/0),in_port(rep7),packet_type(ns=0/0,id=0/0)," \
    "eth(src=02:aa:00:00:00:07,dst=02:bb:00:00:00:01),eth_type(0x0800),"                  \
    "ipv4(src=10.77.2.7/0.0.0.0,dst=10.77.1.9,proto=6,tos=0/0,ttl=64/0,frag=no),"         \
    "tcp(src=800/0,dst=2049), packets:902341, bytes:81112227, used:0.410s, flags:SFP., "

static const char *const flows[] = {
    "ufid:11111111-2222-4333-8444-555555555555, " VERBOSE_TC
    "offloaded:yes, dp:tc, actions:ct(zone=5,nat),recirc(0x1f)",

    "ufid:21111111-2222-4333-8444-555555555555, recirc_id(0x1f),dp_hash(0/0),skb_priority(0/0),"
    "in_port(uplink0),skb_mark(0/0),ct_state(0x22/0x37),ct_zone(0x5/0),ct_mark(0/0),ct_label(0/0),"
    "ct_tuple4(src=10.77.2.7/0.0.0.0,dst=10.77.1.9/0.0.0.0,proto=6/0,tp_src=800/0,tp_dst=2049/0),"
    "eth(src=02:bb:00:00:00:01,dst=02:aa:00:00:00:07),eth_type(0x8100),vlan(vid=77,pcp=0),"
    "encap(eth_type(0x0800),ipv4(src=10.77.1.9,dst=10.77.2.7,proto=6,tos=0/0xfc,ttl=58,frag=no),"
    "tcp(src=2049,dst=0/0),tcp_flags(0/0)), packets:90210, bytes:8111222, used:12.004s, dp:ovs, "
    "actions:set(eth(src=02:cc:00:00:00:01,dst=02:aa:00:00:00:07)),set(ipv4(ttl=57)),pop_vlan,"
    "push_vlan(vid=301,pcp=0),bond0, dp-extra-info:miniflow_bits(9,1)",

    "recirc_id(0),in_port(12),eth(src=02:aa:00:00:00:07,dst=02:bb:00:00:00:01),eth_type(0x86dd),"
    "ipv6(src=fd00::7,dst=fd00::/ffff::,proto=17,frag=no),udp(dst=2049), packets:23, bytes:2300, "
    "used:never, actions:userspace(pid=4294967295,slow_path(action))",

    "tunnel(tun_id=0x4,src=10.6.1.3,dst=10.6.1.7,tp_dst=6081,geneve({class=0x102,type=0x80,len=4,"
    "0x20007/0x7fffffff}),flags(-df+csum+key)),recirc_id(0),in_port(2),eth(),eth_type(0x0800),"
    "ipv4(proto=6,frag=no),tcp_flags(psh|ack), packets:180737, bytes:9400154, used:0.000s, "
    "actions:set(tunnel(tun_id=0x4,dst=10.6.1.8,ttl=64,tp_dst=6081,flags(df|key))),2",
};

/* What stands before each line, and behind it. */
static const struct {
    const char *before;
    const char *behind;
} marks[] = {
    { "", "" },   { "> ", "" }, { ">> > ", "" }, { "    ", "" },
    { "\t", "" }, { "# ", "" }, { "// ", "" },   { " * ", "" },
    { "", "  " }, { "", "\r" }, { "  ", " \\" }, { "\xe2\x94\x82 ", " \xe2\x94\x82" },
};

/* Bytes of @s that fit on a line. */
static size_t next_piece(const char *s, size_t width, bool at_commas)
{
    size_t n = strlen(s);

    if (n <= width)
        return n;
    for (size_t i = width; at_commas && i > 0; i--) {
        if (s[i - 1] == ',')
            return i;
    }
    return width;
}

static void wrap(struct ds *text, const char *flow, size_t width, bool at_commas, size_t mark)
{
    while (*flow) {
        size_t n = next_piece(flow, width, at_commas);
        bool last = !flow[n];

        ds_put_cstr(text, marks[mark].before);
        ds_put_buffer(text, flow, n);
        /* The last line of a flow is not continued. */
        ds_put_cstr(text, last && strchr(marks[mark].behind, '\\') ? "" : marks[mark].behind);
        ds_put_char(text, '\n');
        flow += n;
        while (at_commas && *flow == ' ')
            flow++;
    }
}

/* The flows of @text without their lines. */
static char *flows_without_lines(const char *text)
{
    char *decoded = flows_of(text);
    char *rest = decoded, *line;
    struct ds result = DS_EMPTY_INITIALIZER;

    while ((line = strsep(&rest, "\n")) && *line)
        ds_put_format(&result, "%s\n", line + strcspn(line, ":") + 2);
    free(decoded);
    return ds_steal_cstr(&result);
}

static void check_wrapped(const char *wanted, size_t width, bool at_commas, size_t mark)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    char *is;

    for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
        wrap(&text, flows[i], width, at_commas, mark);
    ds_put_cstr(&text, "And some words that follow, by nobody in particular.\n");
    is = flows_without_lines(ds_cstr(&text));
    if (strcmp(is, wanted))
        fail_msg("wrapped at %zu%s:\n%s\nis\n%swanted\n%s", width, at_commas ? ", at commas" : "",
                 ds_cstr(&text), is, wanted);
    free(is);
    ds_destroy(&text);
}

static void check_all_widths(bool at_commas)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    char *wanted;

    for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
        ds_put_format(&text, "%s\n", flows[i]);
    wanted = flows_without_lines(ds_cstr(&text));
    for (size_t width = 32; width < 200; width++) {
        for (size_t mark = 0; mark < ARRAY_SIZE(marks); mark++)
            check_wrapped(wanted, width, at_commas, mark);
    }
    free(wanted);
    ds_destroy(&text);
}

static void flows_cut_anywhere_are_joined(void **state)
{
    (void)state;
    check_all_widths(false);
}

static void flows_wrapped_at_commas_are_joined(void **state)
{
    (void)state;
    check_all_widths(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_cut_anywhere_are_joined),
        cmocka_unit_test(flows_wrapped_at_commas_are_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
