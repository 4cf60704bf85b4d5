/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_TRACE_RULES_H
#define FLOWLIFT_OVS_TRACE_RULES_H

/*
 * The OpenFlow flows that a traced packet hit, from the text of ofproto/trace.
 */

#include <stddef.h>
#include <stdint.h>

struct fl_traced_rule {
    char *bridge;
    unsigned int table;
    int priority;
    uint64_t cookie;
    char *match; /* As OVS prints it; "" matches all. */
};

/**
 * fl_trace_rules() - all of them, in the order in which the packet came to them
 * @text: fl_trace.text
 * @rules: an array owned by the caller: fl_traced_rules_free()
 * Lookups that found nothing are left out.
 * Return: how many; at most FL_LIMIT_TRACED_RULES.
 * Source: OVS 3.1 ofproto/ofproto-dpif-xlate.c, xlate_report_table() and xlate_actions().
 */
size_t fl_trace_rules(const char *text, struct fl_traced_rule **rules);
void fl_traced_rules_free(struct fl_traced_rule *rules, size_t n);

#endif
