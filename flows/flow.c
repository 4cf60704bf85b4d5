/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/flow.h"

#include <inttypes.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/simap.h>
#include <ovs/util.h>
#include <ovs/uuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/limits.h"

/* Paths */

static const struct {
    const char *name;
    const char *key;
} path_names[FL_N_PATHS] = {
    [FL_PATH_HW] = { "hw", "hw" },
    [FL_PATH_HW_PARTIAL] = { "hw-partial", "hw_partial" },
    [FL_PATH_TC_SW] = { "tc-sw", "tc_sw" },
    [FL_PATH_DP_SW] = { "dp-sw", "dp_sw" },
    [FL_PATH_UPCALL] = { "upcall", "upcall" },
    [FL_PATH_UNKNOWN] = { "unknown", "unknown" },
};

const char *fl_path_name(enum fl_path path)
{
    return path_names[path].name;
}

const char *fl_path_key(enum fl_path path)
{
    return path_names[path].key;
}

bool fl_path_from_name(const char *name, enum fl_path *path)
{
    for (enum fl_path i = 0; i < FL_N_PATHS; i++) {
        if (!strcmp(name, path_names[i].name)) {
            *path = i;
            return true;
        }
    }
    return false;
}

enum fl_path fl_path_worse(enum fl_path a, enum fl_path b)
{
    return a > b ? a : b;
}

/* Nesting of actions; OVS itself stops at 32 (MAX_ODP_NESTED). */
#define MAX_ACTION_DEPTH 32

static bool sends_all_to_userspace(const struct nlattr *actions, size_t len, unsigned int depth);

/* Samples are copies of packets that the datapath forwards by itself. */
static bool is_sample(const struct nlattr *userspace)
{
    const struct nlattr *data = nl_attr_find_nested(userspace, OVS_USERSPACE_ATTR_USERDATA);
    uint16_t type;

    if (!data || nl_attr_get_size(data) < sizeof type)
        return false;
    memcpy(&type, nl_attr_get(data), sizeof type);
    return type == USER_ACTION_COOKIE_SFLOW || type == USER_ACTION_COOKIE_FLOW_SAMPLE ||
           type == USER_ACTION_COOKIE_IPFIX;
}

static bool nested_sends_all(const struct nlattr *outer, uint16_t type, unsigned int depth)
{
    const struct nlattr *list = nl_attr_find_nested(outer, type);

    return list && sends_all_to_userspace(nl_attr_get(list), nl_attr_get_size(list), depth);
}

static bool samples_everything(const struct nlattr *sample)
{
    const struct nlattr *probability = nl_attr_find_nested(sample, OVS_SAMPLE_ATTR_PROBABILITY);

    return probability && nl_attr_get_u32(probability) == UINT32_MAX;
}

static bool sends_all_to_userspace(const struct nlattr *actions, size_t len, unsigned int depth)
{
    const struct nlattr *a;
    size_t left;

    if (depth > MAX_ACTION_DEPTH)
        return false;
    NL_ATTR_FOR_EACH(a, left, actions, len) {
        bool sends = false;

        switch (nl_attr_type(a)) {
        case OVS_ACTION_ATTR_USERSPACE: sends = !is_sample(a); break;
        case OVS_ACTION_ATTR_CLONE:
            sends = sends_all_to_userspace(nl_attr_get(a), nl_attr_get_size(a), depth + 1);
            break;
        case OVS_ACTION_ATTR_SAMPLE:
            sends = samples_everything(a) &&
                    nested_sends_all(a, OVS_SAMPLE_ATTR_ACTIONS, depth + 1);
            break;
        case OVS_ACTION_ATTR_CHECK_PKT_LEN:
            sends = nested_sends_all(a, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER, depth + 1) &&
                    nested_sends_all(a, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL, depth + 1);
            break;
        }
        if (sends)
            return true;
    }
    return false;
}

static enum fl_path path_of_layer(enum fl_layer layer)
{
    switch (layer) {
    case FL_LAYER_OVS: return FL_PATH_DP_SW;
    case FL_LAYER_TC: return FL_PATH_TC_SW;
    /* DPDK and DOCA name the layer only of what the NIC took: without "offloaded:" it is cut off. */
    case FL_LAYER_DPDK:
    case FL_LAYER_DOCA:
    case FL_LAYER_NONE:
    case FL_LAYER_OTHER: break;
    }
    return FL_PATH_UNKNOWN;
}

enum fl_path fl_flow_path(const struct fl_flow *flow)
{
    if (flow->has_actions && sends_all_to_userspace(flow->actions, flow->actions_len, 0))
        return FL_PATH_UPCALL;

    switch (flow->offloaded) {
    case FL_OFFLOADED_YES: return flow->layer == FL_LAYER_OVS ? FL_PATH_HW_PARTIAL : FL_PATH_HW;
    case FL_OFFLOADED_PARTIAL: return FL_PATH_HW_PARTIAL;
    case FL_OFFLOADED_NONE: return path_of_layer(flow->layer);
    case FL_OFFLOADED_OTHER: break;
    }
    return FL_PATH_UNKNOWN;
}

void fl_flow_format_id(const struct fl_flow *flow, char buf[37])
{
    struct uuid uuid;

    memcpy(&uuid, &flow->id, sizeof uuid);
    snprintf(buf, UUID_LEN + 1, UUID_FMT, UUID_ARGS(&uuid));
}

/* Ports */

struct fl_ports {
    struct simap numbers;
    const char **names; /* By number - FL_PORT_NAMED; each owned by its node of 'numbers'. */
    size_t n_names;
    size_t allocated;
    struct hmap by_number; /* The same, of struct odp_portno_names. */
};

struct fl_ports *fl_ports_create(void)
{
    struct fl_ports *ports = xzalloc(sizeof *ports);

    simap_init(&ports->numbers);
    hmap_init(&ports->by_number);
    return ports;
}

void fl_ports_destroy(struct fl_ports *ports)
{
    if (!ports)
        return;
    simap_destroy(&ports->numbers);
    odp_portno_names_destroy(&ports->by_number);
    hmap_destroy(&ports->by_number);
    free(ports->names);
    free(ports);
}

/* Numbers from FL_PORT_NAMED on stand for names. No datapath has that many ports. */
static bool is_port_number(const char *name, size_t len, uint32_t *number)
{
    uint32_t value = 0;

    if (len == 0 || len > strlen("1073741823"))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(name[i] - '0');
    }
    if (value >= FL_PORT_NAMED)
        return false;
    *number = value;
    return true;
}

odp_port_t fl_ports_intern(struct fl_ports *ports, const char *name, size_t len)
{
    struct simap_node *node;
    uint32_t number;
    char *copy;

    if (is_port_number(name, len, &number))
        return u32_to_odp(number);
    if (len == 0 || len > FL_LIMIT_NAME_BYTES || memchr(name, '\0', len))
        return ODPP_NONE;
    node = simap_find_len(&ports->numbers, name, len);
    if (node)
        return u32_to_odp(node->data);
    if (ports->n_names >= FL_LIMIT_PORTS)
        return ODPP_NONE;

    if (ports->n_names == ports->allocated)
        ports->names = x2nrealloc(ports->names, &ports->allocated, sizeof *ports->names);
    number = FL_PORT_NAMED + (uint32_t)ports->n_names;
    copy = xmemdup0(name, len);
    simap_put(&ports->numbers, copy, number);
    odp_portno_names_set(&ports->by_number, u32_to_odp(number), copy);
    ports->names[ports->n_names++] = simap_find_len(&ports->numbers, name, len)->name;
    free(copy);
    return u32_to_odp(number);
}

odp_port_t fl_ports_find(const struct fl_ports *ports, const char *name)
{
    const struct simap_node *node = simap_find(&ports->numbers, name);
    uint32_t number;

    if (node)
        return u32_to_odp(node->data);
    return is_port_number(name, strlen(name), &number) ? u32_to_odp(number) : ODPP_NONE;
}

const char *fl_ports_name(const struct fl_ports *ports, odp_port_t port, char buf[16])
{
    uint32_t number = odp_to_u32(port);

    if (number >= FL_PORT_NAMED && number - FL_PORT_NAMED < ports->n_names)
        return ports->names[number - FL_PORT_NAMED];
    snprintf(buf, 16, "%" PRIu32, number);
    return buf;
}

const struct simap *fl_ports_simap(const struct fl_ports *ports)
{
    return &ports->numbers;
}

const struct hmap *fl_ports_names(const struct fl_ports *ports)
{
    return &ports->by_number;
}
