/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ofproto/trace prints. Whatever is accepted must make sense: a fate, and steps that are whole.
 */
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flows/limits.h"
#include "lib/ovs/trace.h"
#include "lib/ovs/trace_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first step's region without what packets do not have at entry. */
static const struct match *no_connection(const struct fl_trace *trace)
{
    static struct match match;
    struct flow *mask = &match.wc.masks;

    match = trace->steps[0].region;
    mask->recirc_id = mask->dp_hash = mask->ct_mark = 0;
    mask->ct_state = 0;
    mask->ct_nw_src = mask->ct_nw_dst = 0;
    mask->ct_zone = 0;
    mask->ct_tp_src = mask->ct_tp_dst = 0;
    mask->ct_nw_proto = 0;
    mask->ct_label = OVS_U128_ZERO;
    mask->ct_ipv6_src = mask->ct_ipv6_dst = in6addr_any;
    return &match;
}

static void check_fate(const struct fl_trace *trace)
{
    const struct fl_fate *fate = trace->fate;
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_fate_format(fate, &text);
    fl_fate_format_involved(fate->involves, &text);
    match_format(&fate->region, NULL, &text, OFP_DEFAULT_PRIORITY);
    ds_destroy(&text);
    ovs_assert(fate->n_outputs <= FL_LIMIT_OUTPUTS && fate->n_cts <= FL_LIMIT_CT_ACTIONS);
    ovs_assert(fl_fate_same(fate, fate, &fate->region) == !fate->undecided);
    /* A region is no wider than the first step's, and the packet with its values is in it. */
    ovs_assert(!flow_wildcards_has_extra(&fate->region.wc, &no_connection(trace)->wc));
    ovs_assert(fl_fate_covers(fate, &fate->region.flow));
    for (size_t i = 0; i < fate->n_outputs; i++) {
        ovs_assert(fate->outputs[i].port[0]);
        ovs_assert(fate->outputs[i].n_pushed <= FL_FATE_MAX_PUSHED);
    }
}

static void check(const struct fl_trace *trace, const char *text)
{
    ovs_assert(!strcmp(trace->text, text));
    ovs_assert(trace->n_steps > 0);
    for (size_t i = 0; i < trace->n_steps; i++) {
        ovs_assert(trace->steps[i].megaflow && trace->steps[i].datapath_actions);
        ovs_assert(!i == !trace->steps[i].recirc_id);
    }
    check_fate(trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0((const char *)data, size);
    struct fl_error err = FL_ERROR_INIT;
    struct fl_trace *trace = NULL;
    struct fl_traced_rule *rules;
    size_t n = fl_trace_rules(text, &rules);

    for (size_t i = 0; i < n; i++)
        ovs_assert(strstr(text, rules[i].match) && strstr(text, rules[i].bridge));
    if (!fl_trace_parse(text, &trace, &err)) {
        check(trace, text);
        fl_trace_destroy(trace);
    } else {
        ovs_assert(err.code < 0 && err.text[0]);
    }
    fl_traced_rules_free(rules, n);
    free(text);
    return 0;
}
