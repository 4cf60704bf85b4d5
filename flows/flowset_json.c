/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON form of a flow set:
 *
 *     {"vm": {"id": "...", "name": "..."},
 *      "cookie": "0xf10f...",
 *      "guard": {"reg": 15, "mask": "0x80000000"}          or null
 *      "rules": [{"bridge": "br0", "direction": "from-vm", "priority": 65000,
 *                 "match": "tcp,in_port=2", "actions": "output:1", "decoy": false}],
 *      "wide": [...],                                       rules before the proof; may be left out
 *      "zones": [2],                                        conntrack zones; may be left out
 *      "ports": [{"bridge": "br0", "name": "vnet3", "ofport": 12, "vm": true,    may be left out
 *                 "iface_id": "...", "mac": "52:54:00:..."}],                    the last two: or null
 *      "relaxations": [{"id": "ct-invalid", "example": "tcp,in_port=2"}],
 *      "exceptions": [{"example": "tcp,in_port=2", "why": "..."}],   may be left out, as the next three
 *      "traces": 12, "regions": 4, "proof_ms": 20,
 *      "basis": "..."}                                      or null
 *
 * A match is kept as OpenFlow text. flowset_read.c reads it.
 */
#include <inttypes.h>

#include <ovs/flow.h>

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

static json_t *port_to_json(const struct fl_rule_port *port)
{
    char mac[ETH_ADDR_STRLEN + 1];

    snprintf(mac, sizeof mac, ETH_ADDR_FMT, ETH_ADDR_ARGS(port->mac));
    return json_pack("{s:o, s:o, s:i, s:b, s:o, s:o}", "bridge", fl_json_of_string(port->bridge),
                     "name", fl_json_of_string(port->interface), "ofport",
                     (int)ofp_to_u16(port->ofport), "vm", (int)port->of_vm, "iface_id",
                     fl_json_of_string(port->iface_id), "mac",
                     fl_json_of_string(port->has_mac ? mac : NULL));
}

static json_t *rules_to_json(const struct fl_rule *rules, size_t n)
{
    json_t *json = json_array();

    for (size_t i = 0; i < n; i++) {
        json_array_append_new(json, rule_to_json(&rules[i]));
    }
    return json;
}

json_t *fl_flowset_to_json(const struct fl_flowset *set)
{
    json_t *relaxations = json_array(), *zones = json_array();
    json_t *exceptions = json_array(), *ports = json_array();

    for (size_t i = 0; i < set->n_zones; i++) {
        json_array_append_new(zones, json_integer(set->zones[i]));
    }
    for (size_t i = 0; i < set->n_ports; i++) {
        json_array_append_new(ports, port_to_json(&set->ports[i]));
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
    return json_pack("{s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
                     "vm", "id", fl_json_of_string(set->vm_id), "name",
                     fl_json_of_string(set->vm_name), "cookie", json_of_hex(set->cookie), "guard",
                     guard_to_json(set), "rules", rules_to_json(set->rules, set->n_rules), "wide",
                     rules_to_json(set->wide, set->n_wide), "zones", zones, "ports", ports,
                     "relaxations", relaxations, "exceptions", exceptions, "traces",
                     (json_int_t)set->n_traces, "regions", (json_int_t)set->n_regions, "proof_ms",
                     (json_int_t)set->proof_ms, "basis", fl_json_of_string(set->basis));
}
