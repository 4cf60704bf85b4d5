/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A megaflow holds for the values of every bit that the classifier had to look at, and for more of NORMAL:
 * one pair of MAC addresses. That makes thousands of regions of one rule, of which all fare alike. But what
 * flows test of the headers is known: all flows of the bridges on the way are read. Packets of which all
 * these tests say the same take the same way through the flows; and where the pipeline and the rule hand
 * the same packet to NORMAL, NORMAL does the same with it. So what is right for one packet is right for all
 * those that no flow tells from it.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/region.h"
#include "lib/prove_internal.h"

/* Each other test may make one more region to ask about, and those of two headers multiply. */
#define MAX_OTHERS           1000
#define MAX_OTHERS_OF_HEADER 4
/* Tests whose packets are asked about first. */
#define MAX_HINTS 500

void fl_prove_forget(struct fl_prover *p)
{
    fl_prove_forget_seen(p);
    free(p->hints);
    p->hints = NULL;
}

/*
 * Headers by which flows choose, and NORMAL. Not those that actions look at: whether there is a VLAN header,
 * TTL (dec_ttl), TOS (tunnels inherit it).
 */
void fl_prove_blind_headers(struct flow *bits)
{
    memset(bits, 0, sizeof *bits);
    memset(&bits->dl_src, 0xff, sizeof bits->dl_src);
    memset(&bits->dl_dst, 0xff, sizeof bits->dl_dst);
    bits->vlans[0].tci = htons(VLAN_PCP_MASK);
    bits->nw_src = bits->nw_dst = OVS_BE32_MAX;
    bits->ipv6_src = bits->ipv6_dst = in6addr_exact;
    bits->tp_src = bits->tp_dst = bits->tcp_flags = OVS_BE16_MAX;
}

static void leave(struct flow *bits, const struct flow *taken)
{
    for (size_t i = 0; i < FLOW_U64S; i++) {
        ((uint64_t *)bits)[i] &= ~((const uint64_t *)taken)[i];
    }
}

int fl_prove_hints(struct fl_prover *p, const struct fl_rule *rule)
{
    const struct fl_openflow_reading *reading;
    const struct fl_openflow_tests *tests;
    const struct fl_openflow_test *test;
    int error = fl_pipeline_bridge(p->pipeline, rule->bridge, &reading, p->err);

    free(p->hints);
    p->hints = NULL;
    p->n_hints = 0;
    if (error) {
        return error;
    }
    tests = fl_openflow_tests_of(reading, fl_prove_port(rule));
    HMAP_FOR_EACH(test, node, &tests->by_hash) {
        struct match match;

        minimatch_expand(&test->match, &match);
        if (p->n_hints < MAX_HINTS && fl_region_intersect(&match, &rule->match, &match)) {
            p->hints = xrealloc(p->hints, (p->n_hints + 1) * sizeof *p->hints);
            p->hints[p->n_hints++] = match;
        }
    }
    return 0;
}

/* A header that is blind or not as a whole. */
#define FIELD(NAME)                                                   \
    {                                                                 \
        offsetof(struct flow, NAME), sizeof(((struct flow *)0)->NAME) \
    }
static const struct {
    size_t offset, size;
} headers[] = {
    FIELD(dl_src),   FIELD(dl_dst),   FIELD(vlans[0].tci), FIELD(nw_src), FIELD(nw_dst),
    FIELD(ipv6_src), FIELD(ipv6_dst), FIELD(tp_src),       FIELD(tp_dst), FIELD(tcp_flags),
};
#undef FIELD

static bool tests_header(const struct flow *mask, size_t header)
{
    const uint8_t *bytes = (const uint8_t *)mask + headers[header].offset;
    bool any = false;

    for (size_t i = 0; i < headers[header].size; i++) {
        any |= bytes[i] != 0;
    }
    return any;
}

static void add_other(struct fl_blind *blind, const struct match *test)
{
    for (size_t i = 0; i < blind->n_others; i++) {
        if (match_equal(&blind->others[i], test)) {
            return;
        }
    }
    blind->others = xrealloc(blind->others, (blind->n_others + 1) * sizeof *blind->others);
    blind->others[blind->n_others++] = *test;
}

/* Sorts the tests of one bridge: those that hold for @packet, and others that packets of the rule may meet. */
static void sort_tests(const struct fl_openflow_tests *tests, const struct match *rule,
                       const struct flow *packet, struct fl_blind *blind)
{
    const struct fl_openflow_test *test;

    if (hmap_count(&tests->by_hash) > FL_OPENFLOW_MAX_TESTS) {
        memset(&blind->bits, 0, sizeof blind->bits);
        memset(&blind->busy, 0xff, sizeof blind->busy);
        return;
    }
    HMAP_FOR_EACH(test, node, &tests->by_hash) {
        struct match match, both;

        minimatch_expand(&test->match, &match);
        if (fl_region_has(&match, packet)) {
            leave(&blind->bits, &match.wc.masks);
        } else if (blind->n_others <= MAX_OTHERS && fl_region_intersect(&match, rule, &both)) {
            add_other(blind, &match);
        }
    }
}

/* A header of which flows test many values is left to the megaflows. */
static void leave_busy_headers(struct fl_blind *blind)
{
    size_t kept = 0;

    if (blind->n_others > MAX_OTHERS) {
        memset(&blind->bits, 0, sizeof blind->bits);
        memset(&blind->busy, 0xff, sizeof blind->busy);
    }
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        size_t n = 0;

        for (size_t j = 0; j < blind->n_others; j++) {
            n += tests_header(&blind->others[j].wc.masks, i);
        }
        if (n > MAX_OTHERS_OF_HEADER) {
            memset((uint8_t *)&blind->bits + headers[i].offset, 0, headers[i].size);
            memset((uint8_t *)&blind->busy + headers[i].offset, 0xff, headers[i].size);
        }
    }
    for (size_t i = 0; i < blind->n_others; i++) {
        bool matters = false;

        for (size_t j = 0; j < FLOW_U64S; j++) {
            matters |= ((const uint64_t *)&blind->bits)[j] &
                       ((const uint64_t *)&blind->others[i].wc.masks)[j];
        }
        if (matters) {
            blind->others[kept++] = blind->others[i];
        }
    }
    blind->n_others = kept;
}

/*
 * A packet that has passed a patch port is in by another port from then on, also one that leads back to the same
 * bridge: then a bridge has a second heading in one step, and each step begins with its flow.
 */
static bool is_same_step(const char *heading, const char *next)
{
    return !memmem(heading, (size_t)(next - heading), "\nFlow: ", strlen("\nFlow: "));
}

static int look_at_bridges(struct fl_prover *p, const struct fl_rule *rule, const char *text,
                           const struct flow *packet, struct fl_blind *blind)
{
    static const char heading[] = "bridge(\"";
    const char *before = NULL;
    bool has_left = false;

    for (const char *at = text; (at = strstr(at, heading)); at += strlen(heading)) {
        const char *name = at + strlen(heading);
        char *bridge = xmemdup0(name, strcspn(name, "\""));
        const struct fl_openflow_reading *reading;
        int error = fl_pipeline_bridge(p->pipeline, bridge, &reading, p->err);
        ofp_port_t in_port;

        has_left |= strcmp(bridge, rule->bridge) != 0 || (before && is_same_step(before, at));
        before = at;
        in_port = has_left ? OFPP_ANY : fl_prove_port(rule);
        free(bridge);
        if (error) {
            return error;
        }
        leave(&blind->bits, &reading->usage.read);
        sort_tests(fl_openflow_tests_of(reading, in_port), &rule->match, packet, blind);
    }
    return 0;
}

/* ---- What is written ---- */

/*
 * A value that is written over the same value shows in no datapath action: of packets that have another
 * value there, the fate would say something else. So what actions write counts as seen, unless a whole
 * address is set and the fate shows it at every output.
 */
enum written { NOT_WRITTEN, WRITTEN_WHOLE, WRITTEN };

/* A table's number and the match of the flow that was hit: "10. in_port=2,dl_src=..., priority 100". */
static bool is_heading(const char *line)
{
    size_t n_digits = strspn(line, "0123456789");

    return n_digits && line[n_digits] == '.';
}

/* @names: of one field, whatever the action calls it. */
static enum written written_by(const char *line, size_t length, const char *const names[])
{
    bool whole = !strncmp(line, "mod_dl_", strlen("mod_dl_")) ||
                 (!strncmp(line, "set_field:", strlen("set_field:")) && !memchr(line, '/', length));

    for (size_t i = 0; names[i]; i++) {
        if (memmem(line, length, names[i], strlen(names[i]))) {
            return whole ? WRITTEN_WHOLE : WRITTEN;
        }
    }
    return NOT_WRITTEN;
}

/* The pipeline's lines are indented, and each action that ran has one that begins with it. */
static enum written written_in(const struct fl_trace *trace, const char *const names[])
{
    enum written written = NOT_WRITTEN;

    for (const char *line = trace->text; *line;) {
        size_t length = strcspn(line, "\n"), indent = strspn(line, " ");

        if (indent && !is_heading(line + indent)) {
            enum written by_line = written_by(line + indent, length - indent, names);

            written = MAX(written, by_line);
        }
        line += length + (line[length] == '\n');
    }
    return written;
}

static bool shows(const struct fl_fate *fate, const struct flow *field)
{
    for (size_t i = 0; i < fate->n_outputs; i++) {
        for (size_t j = 0; j < FLOW_U64S; j++) {
            if (((const uint64_t *)field)[j] & ~((const uint64_t *)&fate->outputs[i].set_mask)[j]) {
                return false;
            }
        }
    }
    return true;
}

static void leave_written(const struct fl_trace *trace, struct fl_blind *blind)
{
    static const char *const dl_src[] = { "dl_src", "eth_src", "ETH_SRC", NULL };
    static const char *const dl_dst[] = { "dl_dst", "eth_dst", "ETH_DST", NULL };
    static const char *const pcp[] = { "vlan_pcp", "VLAN_PCP", "vlan_tci", "VLAN_TCI", NULL };
    static const char *const src[] = { "nw_src", "ip_src", "IP_SRC", "ipv6_src", "IPV6_SRC", NULL };
    static const char *const dst[] = { "nw_dst", "ip_dst", "IP_DST", "ipv6_dst", "IPV6_DST", NULL };
    static const char *const ports[] = { "tp_src",  "tp_dst",  "tcp_src", "tcp_dst",
                                         "udp_src", "udp_dst", "TCP_SRC", "TCP_DST",
                                         "UDP_SRC", "UDP_DST", NULL };
    const struct {
        const char *const *names;
        struct flow bits;
    } fields[] = {
        { dl_src, { .dl_src = eth_addr_exact } },
        { dl_dst, { .dl_dst = eth_addr_exact } },
        { pcp, { .vlans[0].tci = htons(VLAN_PCP_MASK) } },
        { src, { .nw_src = OVS_BE32_MAX, .ipv6_src = in6addr_exact } },
        { dst, { .nw_dst = OVS_BE32_MAX, .ipv6_dst = in6addr_exact } },
        { ports, { .tp_src = OVS_BE16_MAX, .tp_dst = OVS_BE16_MAX, .tcp_flags = OVS_BE16_MAX } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        enum written written = written_in(trace, fields[i].names);

        if (written == WRITTEN ||
            (written == WRITTEN_WHOLE && !shows(trace->fate, &fields[i].bits))) {
            leave(&blind->bits, &fields[i].bits);
        }
    }
}

int fl_prove_blind(struct fl_prover *p, const struct fl_rule *rule, const struct flow *packet,
                   const struct fl_trace *const *traces, size_t n, struct fl_blind *blind)
{
    int error = 0;

    memset(blind, 0, sizeof *blind);
    fl_prove_blind_headers(&blind->bits);
    leave(&blind->bits, &rule->match.wc.masks);
    for (size_t i = 0; !error && i < n; i++) {
        bool is_new = true;

        for (size_t j = 0; j < i; j++) {
            is_new &= traces[j] != traces[i];
        }
        if (is_new) {
            leave_written(traces[i], blind);
            error = look_at_bridges(p, rule, traces[i]->text, packet, blind);
        }
    }
    if (error) {
        free(blind->others);
        return error;
    }
    leave_busy_headers(blind);
    return 0;
}
