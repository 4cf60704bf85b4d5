/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NORMAL tests both MAC addresses and the priority of every packet, to learn and to look up, so that a
 * megaflow of it holds for one pair of addresses. The flows of the bridges mostly do not look at them, or
 * for a few values: packets of which all these tests say the same take the same way through the flows.
 * And where the pipeline and the rule hand the same packet to NORMAL, NORMAL does the same with it.
 * So what is right for one packet is right for all those that no flow tells from it. Without NORMAL this
 * holds all the more, and is of use when a flow tests one address: OVS then looks at the addresses of all
 * packets that might have met this flow.
 */
#include <stdlib.h>
#include <string.h>

#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/region.h"
#include "lib/prove_internal.h"

struct fl_prove_usage {
    char *bridge;
    ofp_port_t in_port;
    struct fl_openflow_usage usage;
};

void fl_prove_forget(struct fl_prover *p)
{
    fl_prove_forget_last(p);
    for (size_t i = 0; i < p->n_usages; i++) {
        fl_openflow_usage_release(&p->usages[i].usage);
        free(p->usages[i].bridge);
    }
    free(p->usages);
    p->usages = NULL;
    p->n_usages = 0;
}

/* What NORMAL tests. Not whether there is a VLAN header, which decides what actions do to it. */
static void bits_of_normal(struct flow *bits)
{
    memset(bits, 0, sizeof *bits);
    memset(&bits->dl_src, 0xff, sizeof bits->dl_src);
    memset(&bits->dl_dst, 0xff, sizeof bits->dl_dst);
    bits->vlans[0].tci = htons(VLAN_PCP_MASK);
}

static int usage_of(struct fl_prover *p, const char *bridge, ofp_port_t in_port,
                    const struct fl_openflow_usage **found)
{
    struct fl_openflow_usage usage;
    struct fl_openflow *of;
    struct flow bits;
    int error;

    for (size_t i = 0; i < p->n_usages; i++) {
        if (!strcmp(p->usages[i].bridge, bridge) && p->usages[i].in_port == in_port) {
            *found = &p->usages[i].usage;
            return 0;
        }
    }
    bits_of_normal(&bits);
    error = fl_openflow_open(bridge, FL_PROOF_TIMEOUT_MS, &of, p->err);
    if (error) {
        return error;
    }
    error = fl_openflow_usage_read(of, in_port, &bits, &usage, p->err);
    fl_openflow_close(of);
    if (!error) {
        p->usages = xrealloc(p->usages, (p->n_usages + 1) * sizeof *p->usages);
        p->usages[p->n_usages++] = (struct fl_prove_usage){
            .bridge = xstrdup(bridge),
            .in_port = in_port,
            .usage = usage,
        };
        *found = &p->usages[p->n_usages - 1].usage;
    }
    return error;
}

static void leave(struct flow *bits, const struct flow *taken)
{
    for (size_t i = 0; i < FLOW_U64S; i++) {
        ((uint64_t *)bits)[i] &= ~((const uint64_t *)taken)[i];
    }
}

/* Sorts the tests of one bridge: those that hold for @packet, and the others. */
static void sort_tests(const struct fl_openflow_usage *usage, const struct flow *packet,
                       struct fl_blind *blind)
{
    leave(&blind->bits, &usage->read);
    if (usage->tests.n > FL_OPENFLOW_MAX_TESTS) {
        memset(&blind->bits, 0, sizeof blind->bits);
        return;
    }
    for (size_t i = 0; i < usage->tests.n; i++) {
        const struct match *test = &usage->tests.tests[i];

        if (fl_region_has(test, packet)) {
            leave(&blind->bits, &test->wc.masks);
            continue;
        }
        blind->others = xrealloc(blind->others, (blind->n_others + 1) * sizeof *blind->others);
        blind->others[blind->n_others++] = *test;
    }
}

static int look_at_bridges(struct fl_prover *p, const struct fl_rule *rule, const char *text,
                           const struct flow *packet, struct fl_blind *blind)
{
    static const char heading[] = "bridge(\"";

    for (const char *at = text; (at = strstr(at, heading)); at += strlen(heading)) {
        const char *name = at + strlen(heading);
        char *bridge = xmemdup0(name, strcspn(name, "\""));
        bool is_first = !strcmp(bridge, rule->bridge);
        const struct fl_openflow_usage *usage;
        int error = usage_of(p, bridge, is_first ? rule->match.flow.in_port.ofp_port : OFPP_ANY,
                             &usage);

        free(bridge);
        if (error) {
            return error;
        }
        sort_tests(usage, packet, blind);
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
    const struct {
        const char *const *names;
        struct flow bits;
    } fields[] = {
        { dl_src, { .dl_src = eth_addr_exact } },
        { dl_dst, { .dl_dst = eth_addr_exact } },
        { pcp, { .vlans[0].tci = htons(VLAN_PCP_MASK) } },
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
    bits_of_normal(&blind->bits);
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
    }
    return error;
}
