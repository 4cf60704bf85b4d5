/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the JSON form of a flow set, which flowset_json.c shows. A match must read back to the very same
 * match, so only the form in which it is written is taken: a file that was changed by hand is told what
 * that form is.
 */
#include <errno.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-flow.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/flowset.h"
#include "flows/json_read.h"
#include "flows/limits.h"

/* A match or actions of a rule, in bytes; ours have some 150. */
#define MAX_TEXT        8192u
#define MAX_RELAXATIONS 256u
#define MAX_EXCEPTIONS  256u
#define MAX_PORTS       64u

static int read_hex(const json_t *object, const char *where, const char *key, uint64_t max,
                    uint64_t *value, struct fl_error *err)
{
    const char *text;
    char *end;
    int error = fl_json_string(object, where, key, 18, &text, err);
    unsigned long long number;

    if (error) {
        return error;
    }
    number = strtoull(text, &end, 16);
    if (strncmp(text, "0x", 2) || !text[2] || *end || number > max) {
        return fl_error_set(err, -EINVAL, "%s%s%s must be a hexadecimal number up to 0x%" PRIx64,
                            where, where[0] ? "." : "", key, max);
    }
    *value = number;
    return 0;
}

/* Return: NULL and *@match, or what is wrong with @text (free()). */
static char *parse_match(const char *text, struct match *match)
{
    struct ofputil_flow_stats_request request;
    enum ofputil_protocol usable;
    struct fl_rule rule = { .priority = 0 };
    _cleanup_free char *again = NULL;
    char *wrong = parse_ofp_flow_stats_request_str(&request, false, text, NULL, NULL, &usable);

    if (wrong) {
        return wrong;
    }
    rule.match = request.match;
    again = fl_rule_match_text(&rule);
    if (strcmp(again, text)) {
        return xasprintf("write it as \"%s\"", again);
    }
    *match = request.match;
    return NULL;
}

/* Return: NULL when @text are OpenFlow actions, else what is wrong (free()). */
static char *check_actions(const char *text)
{
    struct ofpbuf ofpacts;
    char *wrong;

    if (!text[0]) {
        return xstrdup("it is empty");
    }
    wrong = fl_ofpacts_parse(text, &ofpacts);
    ofpbuf_uninit(&ofpacts);
    return wrong;
}

static int refuse_text(const char *where, const char *key, const char *wrong, struct fl_error *err)
{
    return fl_error_set(err, -EINVAL, "%s.%s is no OpenFlow %s: %s", where, key, key, wrong);
}

static int read_direction(const json_t *json, const char *where, struct fl_rule *rule,
                          struct fl_error *err)
{
    const char *text;
    int error = fl_json_string(json, where, "direction", 16, &text, err);

    if (error) {
        return error;
    }
    if (!strcmp(text, "from-vm")) {
        rule->direction = FL_FROM_VM;
        return 0;
    }
    if (!strcmp(text, "to-vm")) {
        rule->direction = FL_TO_VM;
        return 0;
    }
    return fl_error_set(err, -EINVAL, "%s.direction must be \"from-vm\" or \"to-vm\"", where);
}

static int read_match(const json_t *json, const char *where, struct fl_rule *rule,
                      struct fl_error *err)
{
    _cleanup_free char *wrong = NULL;
    const char *text;
    int error = fl_json_string(json, where, "match", MAX_TEXT, &text, err);

    if (error) {
        return error;
    }
    wrong = parse_match(text, &rule->match);
    return wrong ? refuse_text(where, "match", wrong, err) : 0;
}

static int read_actions(const json_t *json, const char *where, struct fl_rule *rule,
                        struct fl_error *err)
{
    _cleanup_free char *wrong = NULL;
    const char *text;
    int error = fl_json_string(json, where, "actions", MAX_TEXT, &text, err);

    if (error) {
        return error;
    }
    wrong = check_actions(text);
    if (wrong) {
        return refuse_text(where, "actions", wrong, err);
    }
    rule->actions = xstrdup(text);
    return 0;
}

/* What is allocated before an error is freed with the whole set. */
static int read_rule(const json_t *json, const char *where, struct fl_flowset *set,
                     struct fl_error *err)
{
    struct fl_rule *rule = fl_flowset_add(set);
    const char *bridge;
    int64_t priority;
    int error = fl_json_object(json, where, err);

    if (!error) {
        error = fl_json_string(json, where, "bridge", FL_LIMIT_NAME_BYTES, &bridge, err);
    }
    if (!error) {
        error = fl_json_integer(json, where, "priority", 0, UINT16_MAX, -1, &priority, err);
    }
    if (!error) {
        error = fl_json_boolean(json, where, "decoy", &rule->decoy, err);
    }
    if (error) {
        return error;
    }
    if (priority < 0) {
        return fl_error_set(err, -EINVAL, "%s.priority is missing", where);
    }
    rule->bridge = xstrdup(bridge);
    rule->priority = (uint16_t)priority;
    error = read_direction(json, where, rule, err);
    if (!error) {
        error = read_match(json, where, rule, err);
    }
    return error ? error : read_actions(json, where, rule, err);
}

/* One element of a list; @where names it. */
typedef int take_element(const json_t *json, const char *where, struct fl_flowset *set,
                         struct fl_error *err);

static int read_list(const json_t *json, const char *key, size_t max, take_element *take,
                     struct fl_flowset *set, struct fl_error *err)
{
    const json_t *list;
    const json_t *element;
    size_t i;
    int error = fl_json_array(json, "", key, max, &list, err);

    if (error) {
        return error;
    }
    json_array_foreach(list, i, element) {
        char where[48];

        snprintf(where, sizeof where, "%s[%" PRIuSIZE "]", key, i);
        error = take(element, where, set, err);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int read_wide(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    struct fl_flowset wide = { .n_rules = 0 };
    int error = json_object_get(json, "wide")
                    ? read_list(json, "wide", FL_LIMIT_RULES, read_rule, &wide, err)
                    : 0;

    /* What was read before an error is freed with the whole set. */
    set->wide = wide.rules;
    set->n_wide = wide.n_rules;
    return error;
}

static int read_zones(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    const json_t *zones;
    const json_t *element;
    size_t i;
    int error = fl_json_array(json, "", "zones", FL_LIMIT_ZONES, &zones, err);

    if (error) {
        return error;
    }
    set->zones = xcalloc(json_array_size(zones), sizeof *set->zones);
    json_array_foreach(zones, i, element) {
        json_int_t zone = json_integer_value(element);

        if (!json_is_integer(element) || zone < 0 || zone > UINT16_MAX) {
            return fl_error_set(err, -EINVAL, "zones[%" PRIuSIZE "] must be 0 to 65535", i);
        }
        set->zones[set->n_zones++] = (uint16_t)zone;
    }
    return 0;
}

static int read_port_mac(const json_t *json, const char *where, struct fl_rule_port *port,
                         struct fl_error *err)
{
    const char *mac;
    int error = fl_json_string_or_null(json, where, "mac", ETH_ADDR_STRLEN, &mac, err);

    if (!error && mac) {
        port->has_mac = eth_addr_from_string(mac, &port->mac);
        error = port->has_mac ? 0 : fl_error_set(err, -EINVAL, "%s.mac is no MAC address", where);
    }
    return error;
}

/* What is allocated before an error is freed with the whole set. */
static int read_port(const json_t *json, const char *where, struct fl_flowset *set,
                     struct fl_error *err)
{
    struct fl_rule_port *port = fl_flowset_add_port(set);
    const char *bridge, *name, *iface_id;
    int64_t ofport;
    int error = fl_json_object(json, where, err);

    error = error ? error
                  : fl_json_string(json, where, "bridge", FL_LIMIT_NAME_BYTES, &bridge, err);
    if (!error) {
        port->bridge = xstrdup(bridge);
        error = fl_json_string(json, where, "name", FL_LIMIT_NAME_BYTES, &name, err);
    }
    if (!error) {
        port->interface = xstrdup(name);
        error = fl_json_integer(json, where, "ofport", 0, UINT16_MAX, -1, &ofport, err);
    }
    if (!error) {
        error = fl_json_boolean(json, where, "vm", &port->of_vm, err);
    }
    if (!error) {
        error = fl_json_string_or_null(json, where, "iface_id", FL_LIMIT_NAME_BYTES, &iface_id,
                                       err);
    }
    if (error) {
        return error;
    }
    if (ofport < 0) {
        return fl_error_set(err, -EINVAL, "%s.ofport is missing", where);
    }
    port->ofport = u16_to_ofp((uint16_t)ofport);
    port->iface_id = nullable_xstrdup(iface_id);
    return read_port_mac(json, where, port, err);
}

static int read_ports(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    return json_object_get(json, "ports") ? read_list(json, "ports", MAX_PORTS, read_port, set, err)
                                          : 0;
}

static int read_relaxation(const json_t *json, const char *where, struct fl_flowset *set,
                           struct fl_error *err)
{
    const char *id, *example;
    int error = fl_json_object(json, where, err);

    if (!error) {
        error = fl_json_string(json, where, "id", FL_LIMIT_NAME_BYTES, &id, err);
    }
    if (!error) {
        error = fl_json_string_or_null(json, where, "example", MAX_TEXT, &example, err);
    }
    if (!error) {
        fl_flowset_add_relaxation(set, id, example);
    }
    return error;
}

static int read_exception(const json_t *json, const char *where, struct fl_flowset *set,
                          struct fl_error *err)
{
    const char *example, *why;
    int error = fl_json_object(json, where, err);

    if (!error) {
        error = fl_json_string(json, where, "example", MAX_TEXT, &example, err);
    }
    if (!error) {
        error = fl_json_string(json, where, "why", MAX_TEXT, &why, err);
    }
    if (!error) {
        fl_flowset_add_exception(set, example, why);
    }
    return error;
}

static int read_exceptions(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    return json_object_get(json, "exceptions")
               ? read_list(json, "exceptions", MAX_EXCEPTIONS, read_exception, set, err)
               : 0;
}

/* Every rule must hold the guard that the set says it has. */
static int check_guard(const struct fl_flowset *set, struct fl_error *err)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct match *match = &set->rules[i].match;
        uint32_t mask = match->wc.masks.regs[set->guard_reg];

        if (~mask & set->guard_mask || match->flow.regs[set->guard_reg] & set->guard_mask) {
            return fl_error_set(err, -EINVAL, "rules[%" PRIuSIZE "].match lacks the guard bit", i);
        }
    }
    return 0;
}

static int read_guard(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    const json_t *guard = json_object_get(json, "guard");
    int64_t reg;
    uint64_t mask;
    int error;

    if (!guard || json_is_null(guard)) {
        return 0;
    }
    error = fl_json_object(guard, "guard", err);
    if (!error) {
        error = fl_json_integer(guard, "guard", "reg", 0, FLOW_N_REGS - 1, -1, &reg, err);
    }
    if (!error) {
        error = read_hex(guard, "guard", "mask", UINT32_MAX, &mask, err);
    }
    if (error) {
        return error;
    }
    if (reg < 0 || !mask) {
        return fl_error_set(err, -EINVAL, "guard needs a reg and a mask that is not 0");
    }
    set->guard_reg = (unsigned int)reg;
    set->guard_mask = (uint32_t)mask;
    return check_guard(set, err);
}

static int read_vm(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    const json_t *vm = json_object_get(json, "vm");
    const char *id, *name;
    uint64_t cookie;
    int error = fl_json_object(vm, "vm", err);

    if (!error) {
        error = fl_json_string(vm, "vm", "id", FL_LIMIT_NAME_BYTES, &id, err);
    }
    if (!error) {
        error = fl_json_string(vm, "vm", "name", FL_LIMIT_NAME_BYTES, &name, err);
    }
    if (!error) {
        error = read_hex(json, "", "cookie", UINT64_MAX, &cookie, err);
    }
    if (error) {
        return error;
    }
    if (cookie != fl_cookie_of_vm(id)) {
        return fl_error_set(err, -EINVAL, "cookie does not belong to vm.id");
    }
    fl_flowset_init(set, id, name);
    return 0;
}

static int read_rest(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    const char *basis;
    int64_t traces, regions, proof_ms;
    int error = fl_json_integer(json, "", "traces", 0, UINT32_MAX, 0, &traces, err);

    if (!error) {
        error = fl_json_integer(json, "", "regions", 0, UINT32_MAX, 0, &regions, err);
    }
    if (!error) {
        error = fl_json_integer(json, "", "proof_ms", 0, INT32_MAX, 0, &proof_ms, err);
    }
    if (!error) {
        error = fl_json_string_or_null(json, "", "basis", MAX_TEXT, &basis, err);
    }
    if (error) {
        return error;
    }
    set->n_traces = (unsigned int)traces;
    set->n_regions = (unsigned int)regions;
    set->proof_ms = proof_ms;
    set->basis = nullable_xstrdup(basis);
    return 0;
}

int fl_flowset_from_json(const json_t *json, struct fl_flowset *setp, struct fl_error *err)
{
    struct fl_flowset set = { .n_rules = 0 };
    int error = fl_json_object(json, "", err);

    if (!error) {
        error = read_vm(json, &set, err);
    }
    if (!error) {
        error = read_list(json, "rules", FL_LIMIT_RULES, read_rule, &set, err);
    }
    if (!error) {
        error = read_guard(json, &set, err);
    }
    if (!error) {
        error = read_wide(json, &set, err);
    }
    if (!error) {
        error = read_zones(json, &set, err);
    }
    if (!error) {
        error = read_ports(json, &set, err);
    }
    if (!error) {
        error = read_list(json, "relaxations", MAX_RELAXATIONS, read_relaxation, &set, err);
    }
    if (!error) {
        error = read_exceptions(json, &set, err);
    }
    if (!error) {
        error = read_rest(json, &set, err);
    }
    if (error) {
        fl_flowset_destroy(&set);
        return error;
    }
    *setp = set;
    return 0;
}
