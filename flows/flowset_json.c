/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON form of a flow set:
 *
 *     {"vm": {"id": "...", "name": "..."},
 *      "cookie": "0xf10f...",
 *      "guard": {"reg": 15, "mask": "0x80000000"}          or null
 *      "rules": [{"bridge": "br0", "direction": "from-vm", "priority": 65000,
 *                 "match": "tcp,in_port=2", "actions": "output:1", "decoy": false}],
 *      "zones": [2],                                        conntrack zones; may be left out
 *      "relaxations": [{"id": "ct-invalid", "example": "tcp,in_port=2"}],
 *      "exceptions": [{"example": "tcp,in_port=2", "why": "..."}],   may be left out, as the next three
 *      "traces": 12, "regions": 4, "proof_ms": 20,
 *      "basis": "..."}                                      or null
 *
 * A match is kept as OpenFlow text. flowset_read.c reads it.
 */
#include <inttypes.h>

#include "flows/cleanup.h"
#include "flows/flowset.h"
#include "flows/json_read.h"

static json_t *json_of_hex(uint64_t value)
{
    return json_sprintf("0x%" PRIx64, value);
}

static json_t *rule_to_json(const struct fl_rule *rule)
{
    _cleanup_free char *match = fl_rule_match_text(rule);

    return json_pack("{s:o, s:s, s:i, s:o, s:o, s:b}", "bridge", fl_json_of_string(rule->bridge),
                     "direction", rule->direction == FL_FROM_VM ? "from-vm" : "to-vm", "priority",
                     (int)rule->priority, "match", fl_json_of_string(match), "actions",
                     fl_json_of_string(rule->actions), "decoy", (int)rule->decoy);
}

static json_t *guard_to_json(const struct fl_flowset *set)
{
    if (!set->guard_mask) {
        return json_null();
    }
    return json_pack("{s:i, s:o}", "reg", (int)set->guard_reg, "mask",
                     json_of_hex(set->guard_mask));
}

json_t *fl_flowset_to_json(const struct fl_flowset *set)
{
    json_t *rules = json_array(), *relaxations = json_array(), *zones = json_array();
    json_t *exceptions = json_array();

    for (size_t i = 0; i < set->n_rules; i++) {
        json_array_append_new(rules, rule_to_json(&set->rules[i]));
    }
    for (size_t i = 0; i < set->n_zones; i++) {
        json_array_append_new(zones, json_integer(set->zones[i]));
    }
    for (size_t i = 0; i < set->n_relaxations; i++) {
        json_array_append_new(relaxations,
                              json_pack("{s:o, s:o}", "id",
                                        fl_json_of_string(set->relaxations[i].id), "example",
                                        fl_json_of_string(set->relaxations[i].example)));
    }
    for (size_t i = 0; i < set->n_exceptions; i++) {
        json_array_append_new(exceptions,
                              json_pack("{s:o, s:o}", "example",
                                        fl_json_of_string(set->exceptions[i].example), "why",
                                        fl_json_of_string(set->exceptions[i].why)));
    }
    return json_pack("{s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "vm", "id",
                     fl_json_of_string(set->vm_id), "name", fl_json_of_string(set->vm_name),
                     "cookie", json_of_hex(set->cookie), "guard", guard_to_json(set), "rules",
                     rules, "zones", zones, "relaxations", relaxations, "exceptions", exceptions,
                     "traces", (json_int_t)set->n_traces, "regions", (json_int_t)set->n_regions,
                     "proof_ms", (json_int_t)set->proof_ms, "basis", fl_json_of_string(set->basis));
}
