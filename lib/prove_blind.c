/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NORMAL tests both MAC addresses and the priority of every packet, to learn and to look up, so that a
 * megaflow of it holds for one pair of addresses. The flows of the bridges mostly do not look at them, or
 * for a few values: packets of which all these tests say the same take the same way through the flows.
 * And where the pipeline and the rule hand the same packet to NORMAL, NORMAL does the same with it.
 * So what is right for one packet is right for all those that no flow tells from it.
 */
#include <stdlib.h>
#include <string.h>

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
            error = look_at_bridges(p, rule, traces[i]->text, packet, blind);
        }
    }
    if (error) {
        free(blind->others);
    }
    return error;
}
