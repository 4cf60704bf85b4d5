/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_REMEDY_EXAMPLE_H
#define FLOWLIFT_TESTS_REMEDY_EXAMPLE_H

/* A remedy as "flowlift apply" leaves it, with everything in it that can be there. */

#include <jansson.h>
#include <string.h>

#include "lib/store/remedies.h"

static inline void remedy_example_rule(struct fl_flowset *set, enum fl_direction direction,
                                       uint16_t in_port)
{
    struct fl_rule *rule = fl_flowset_add(set);

    rule->bridge = strdup("br-int");
    rule->direction = direction;
    rule->priority = FL_RULE_PRIORITY;
    rule->actions = strdup("NORMAL");
    match_set_in_port(&rule->match, (ofp_port_t)in_port);
    match_set_dl_type(&rule->match, htons(0x0800));
    match_set_nw_proto(&rule->match, 6);
}

/* To be destroyed. */
static inline void remedy_example(struct fl_remedy *remedy, const char *vm_id, const char *vm_name)
{
    memset(remedy, 0, sizeof *remedy);
    fl_flowset_init(&remedy->set, vm_id, vm_name);
    remedy_example_rule(&remedy->set, FL_FROM_VM, 1);
    remedy_example_rule(&remedy->set, FL_TO_VM, 2);
    fl_flowset_guard(&remedy->set, 15, 1);
    fl_flowset_add_relaxation(&remedy->set, "ct-invalid", NULL);
    remedy->state = FL_REMEDY_INSTALLED;
    remedy->reason = strdup("installed; no storage traffic yet");
    remedy->ticket = strdup("T-1");
    remedy->who = strdup("root");
    remedy->created_ms = 1767225600123;
    remedy->changed_ms = 1767225601000;
    remedy->before = json_pack("{s:s, s:s}", "name", vm_name, "verdict", "stranded");
}

#endif
