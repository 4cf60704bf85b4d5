/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Causes: one table. Each row has what is said of the cause and the function that looks for it; the
 * order of the rows is the order of the evidence, strongest first.
 */

#include "flows/cause.h"

#include <openvswitch/dynamic-string.h>
#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/offerable.h"

#define MAX_PORTS 64u

/* A flow and what is around it; @text takes the evidence. */
struct scene {
    const struct fl_flow *flow; /* NULL when only the host is asked */
    const struct fl_ports *ports;
    const struct fl_inventory *inv; /* or NULL */
    enum fl_offload_api api;
    struct ds text;
    size_t n_found; /* Causes found so far. */
};

/* The host's. */

static bool shows_offload_off(struct scene *scene)
{
    const char *value = scene->inv ? smap_get(&scene->inv->other_config, "hw-offload") : NULL;

    if (!scene->inv || (value && !strcasecmp(value, "true"))) {
        return false;
    }
    if (value) {
        ds_put_format(&scene->text, "other_config:hw-offload is \"%s\"", value);
    } else {
        ds_put_cstr(&scene->text, "other_config:hw-offload is not set");
    }
    return true;
}

static bool shows_tc_policy(struct scene *scene)
{
    const char *value = scene->inv ? smap_get(&scene->inv->other_config, "tc-policy") : NULL;

    if (!value || strcmp(value, "skip_hw") || scene->api == FL_API_RTE_FLOW) {
        return false;
    }
    ds_put_cstr(&scene->text, "other_config:tc-policy is \"skip_hw\"");
    return true;
}

/* The flow's. */

static bool shows_reported(struct scene *scene)
{
    const char *info = scene->flow->offload_info;

    if (!info || !info[0]) {
        return false;
    }
    ds_put_format(&scene->text, "dp-offload-info: %s", info);
    return true;
}

static void put_action(struct ds *text, const struct nlattr *action)
{
    if (text->length) {
        ds_put_char(text, ',');
    }
    format_odp_actions(text, action, NLA_ALIGN(nl_attr_get_size(action) + NLA_HDRLEN), NULL);
}

/* Appends all actions of the types @wanted (ended by 0) to the text. */
struct wanted_actions {
    const int *types;
    struct ds *text;
    bool found;
};

static bool put_wanted(const struct nlattr *action, void *wanted_)
{
    struct wanted_actions *wanted = wanted_;

    for (const int *type = wanted->types; *type; type++) {
        if (nl_attr_type(action) == *type) {
            put_action(wanted->text, action);
            wanted->found = true;
        }
    }
    return false;
}

static bool shows_actions(struct scene *scene, const int *types)
{
    struct wanted_actions wanted = { .types = types, .text = &scene->text };

    if (scene->flow->has_actions) {
        fl_actions_walk(scene->flow->actions, scene->flow->actions_len, put_wanted, &wanted);
    }
    return wanted.found;
}

static bool has_action(const struct scene *scene, int type)
{
    return scene->flow->has_actions &&
           fl_actions_have(scene->flow->actions, scene->flow->actions_len, type);
}

static bool shows_userspace(struct scene *scene)
{
    return shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_USERSPACE, 0 });
}

static void put_match_name(struct ds *text, bool *found, const char *name)
{
    ds_put_format(text, "%s%s", *found ? "," : "matches ", name);
    *found = true;
}

/* A mask of zero is no match: -m prints ct_state(0/0) for every flow. */
static bool put_ct_match(const struct fl_flow *flow, struct ds *text)
{
    struct match match;
    const struct flow *mask = &match.wc.masks;
    bool found = false;

    if (!flow->has_match) {
        return false;
    }
    minimatch_expand(&flow->match, &match);
    if (mask->ct_state) {
        put_match_name(text, &found, "ct_state(");
        format_flags_masked(text, NULL, ct_state_to_string, match.flow.ct_state, mask->ct_state,
                            UINT32_MAX);
        ds_put_char(text, ')');
    }
    if (mask->ct_zone) {
        put_match_name(text, &found, "ct_zone");
        ds_put_format(text, "(%u)", match.flow.ct_zone);
    }
    if (mask->ct_mark) {
        put_match_name(text, &found, "ct_mark");
        ds_put_format(text, "(%#x/%#x)", match.flow.ct_mark, mask->ct_mark);
    }
    if (!ovs_u128_is_zero(mask->ct_label)) {
        put_match_name(text, &found, "ct_label");
    }
    if (mask->ct_nw_src || mask->ct_nw_dst || mask->ct_nw_proto || mask->ct_tp_src ||
        mask->ct_tp_dst || ipv6_addr_is_set(&mask->ct_ipv6_src) ||
        ipv6_addr_is_set(&mask->ct_ipv6_dst)) {
        put_match_name(text, &found, "the ct tuple");
    }
    return found;
}

static bool uses_ct(const struct scene *scene)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    bool uses = has_action(scene, OVS_ACTION_ATTR_CT) ||
                has_action(scene, OVS_ACTION_ATTR_CT_CLEAR) || put_ct_match(scene->flow, &text);

    ds_destroy(&text);
    return uses;
}

/* The actions say more than the match; recirc() belongs to the ct() before it. */
static bool shows_conntrack(struct scene *scene)
{
    if (has_action(scene, OVS_ACTION_ATTR_CT)) {
        return shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_CT, OVS_ACTION_ATTR_RECIRC, 0 });
    }
    return put_ct_match(scene->flow, &scene->text) ||
           shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_CT_CLEAR, 0 });
}

static bool shows_recirculation(struct scene *scene)
{
    if (uses_ct(scene)) {
        return false;
    }
    if (shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_HASH, OVS_ACTION_ATTR_RECIRC, 0 }) &&
        has_action(scene, OVS_ACTION_ATTR_RECIRC)) {
        return true;
    }
    ds_clear(&scene->text);
    if (!scene->flow->recirc_id) {
        return false;
    }
    ds_put_format(&scene->text, "matches recirc_id(%#x)", scene->flow->recirc_id);
    return true;
}

static bool shows_tunnel(struct scene *scene)
{
    bool pops = has_action(scene, OVS_ACTION_ATTR_TUNNEL_POP);

    if (!pops && !has_action(scene, OVS_ACTION_ATTR_TUNNEL_PUSH)) {
        return false;
    }
    ds_put_cstr(&scene->text, pops ? "tnl_pop(...)" : "tnl_push(...)");
    return true;
}

static bool shows_meter(struct scene *scene)
{
    return shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_METER, 0 });
}

static size_t outputs_of(const struct scene *scene, odp_port_t ports[MAX_PORTS])
{
    return scene->flow->has_actions ? fl_actions_outputs(scene->flow->actions,
                                                         scene->flow->actions_len, ports, MAX_PORTS)
                                    : 0;
}

static bool shows_multi_output(struct scene *scene)
{
    odp_port_t ports[MAX_PORTS];
    size_t n = outputs_of(scene, ports);
    char buf[16];

    if (n < 2) {
        return false;
    }
    ds_put_format(&scene->text, "%" PRIuSIZE " outputs: ", n);
    for (size_t i = 0; i < MIN(n, MAX_PORTS); i++) {
        ds_put_format(&scene->text, "%s%s", i ? "," : "",
                      fl_ports_name(scene->ports, ports[i], buf));
    }
    return true;
}

/* Ports. */

static const struct fl_interface *interface_of(const struct scene *scene, odp_port_t port)
{
    char buf[16];

    return scene->inv && port != ODPP_NONE
               ? fl_inventory_interface(scene->inv, fl_ports_name(scene->ports, port, buf))
               : NULL;
}

static bool is_local(const struct fl_interface *iface)
{
    return !strcmp(iface->type, "internal") && !strcmp(iface->name, iface->bridge);
}

/* No NIC is behind these. */
static bool is_not_offloadable(const struct fl_interface *iface)
{
    static const char *const types[] = { "tap",      "dpdkvhostuser", "dpdkvhostuserclient",
                                         "dpdkring", "afxdp",         "dummy" };
    static const char *const drivers[] = { "tun", "veth", "bridge", "virtio_net", "ifb" };
    const char *driver = smap_get(&iface->status, "driver_name");

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!strcmp(iface->type, types[i])) {
            return true;
        }
    }
    for (size_t i = 0; driver && !iface->type[0] && i < ARRAY_SIZE(drivers); i++) {
        if (!strcmp(driver, drivers[i])) {
            return true;
        }
    }
    return !strcmp(iface->type, "internal") && !is_local(iface);
}

static bool put_if(struct scene *scene, odp_port_t port, const char *direction,
                   bool (*is)(const struct fl_interface *))
{
    const struct fl_interface *iface = interface_of(scene, port);
    const char *driver;

    if (!iface || !is(iface)) {
        return false;
    }
    driver = smap_get(&iface->status, "driver_name");
    ds_put_format(&scene->text, "%s%s through %s (%s%s)", scene->text.length ? ", " : "", direction,
                  iface->name, iface->type[0] ? "type " : "driver ",
                  iface->type[0] ? iface->type
                  : driver       ? driver
                                 : "not known");
    return true;
}

static bool shows_port(struct scene *scene, bool (*is)(const struct fl_interface *))
{
    odp_port_t ports[MAX_PORTS];
    size_t n = MIN(outputs_of(scene, ports), MAX_PORTS);
    bool found = put_if(scene, scene->flow->in_port, "in", is);

    for (size_t i = 0; i < n; i++) {
        found |= put_if(scene, ports[i], "out", is);
    }
    return found;
}

static bool shows_local_port(struct scene *scene)
{
    return shows_port(scene, is_local);
}

static bool shows_no_port_offload(struct scene *scene)
{
    return shows_port(scene, is_not_offloadable);
}

/* What OVS offers. */

static bool shows_match(struct scene *scene)
{
    ds_put_cstr(&scene->text, "matches ");
    return fl_unoffered_match(scene->flow, scene->api, &scene->text);
}

static bool shows_action(struct scene *scene)
{
    return fl_unoffered_action(scene->flow, scene->api, &scene->text);
}

static bool shows_partial(struct scene *scene)
{
    ds_put_cstr(&scene->text, "offloaded:partial");
    return scene->flow->offloaded == FL_OFFLOADED_PARTIAL;
}

/* Only said of a flow that surely was offered: TC has it, or everything about it is known. */
static bool shows_refused(struct scene *scene)
{
    const struct fl_flow *flow = scene->flow;

    if (scene->n_found || flow->drops || !flow->has_match || !flow->has_actions) {
        return false;
    }
    if (flow->layer == FL_LAYER_TC) {
        ds_put_cstr(&scene->text, "TC has the flow (dp:tc), the NIC does not");
        return true;
    }
    ds_put_format(&scene->text, "nothing in it that OVS would not offer to %s",
                  scene->api == FL_API_TC ? "TC" : "rte_flow");
    return scene->inv && scene->api != FL_API_UNKNOWN;
}

/* The table. */

struct cause_row {
    enum fl_cause_id id;
    struct fl_cause_info info;
    bool (*shows)(struct scene *scene);
};

static const struct cause_row table[] = {
    { FL_CAUSE_OFFLOAD_OFF,
      { "hw-offload-off", "Hardware offload is switched off in Open vSwitch.",
        "Set other_config:hw-offload=true and restart ovs-vswitchd (traffic stops meanwhile).",
        true },
      shows_offload_off },
    { FL_CAUSE_TC_POLICY,
      { "tc-policy", "Open vSwitch is told to keep TC filters out of the NIC.",
        "Remove other_config:tc-policy and restart ovs-vswitchd.", true },
      shows_tc_policy },
    { FL_CAUSE_REPORTED,
      { "reported", "The datapath itself says why it does not offload the flow.",
        "See the text that it reports.", false },
      shows_reported },
    { FL_CAUSE_USERSPACE,
      { "userspace-action", "Packets are sent to ovs-vswitchd.",
        "Take controller actions, sampling and what needs the slow path off the storage traffic.",
        false },
      shows_userspace },
    { FL_CAUSE_CONNTRACK,
      { "conntrack", "The flow goes through connection tracking.",
        "Let storage traffic pass without connection tracking: flowlift plan and apply.", false },
      shows_conntrack },
    { FL_CAUSE_RECIRCULATION,
      { "recirculation", "The packet passes the datapath more than once.",
        "Give storage traffic a path of one pass: flowlift plan and apply.", false },
      shows_recirculation },
    { FL_CAUSE_TUNNEL,
      { "tunnel", "The userspace datapath puts on or takes off a tunnel header.",
        "Carry storage traffic on a VLAN, or use a NIC and DPDK that offload tunnels.", false },
      shows_tunnel },
    { FL_CAUSE_METER,
      { "meter", "A meter limits the flow.",
        "Take the meter off the storage traffic, or use a NIC that offloads meters.", false },
      shows_meter },
    { FL_CAUSE_MULTI_OUTPUT,
      { "multiple-outputs", "The packet is sent to several ports: a flood or a mirror.",
        "Find why the destination is not learnt, or end the mirror.", false },
      shows_multi_output },
    { FL_CAUSE_LOCAL_PORT,
      { "internal-port", "The packet comes from or goes to a bridge's own port, the host itself.",
        "Give the host a port of the NIC for its storage traffic.", false },
      shows_local_port },
    { FL_CAUSE_NO_PORT_OFFLOAD,
      { "port-not-offloadable", "A port of this type has no NIC behind it.",
        "Give the VM a representor (SR-IOV or vDPA).", false },
      shows_no_port_offload },
    { FL_CAUSE_MATCH,
      { "match-unsupported", "Open vSwitch does not offer a match on this to the NIC.",
        "Remove what makes the pipeline look at it, or let flowlift simplify the path.", false },
      shows_match },
    { FL_CAUSE_ACTION,
      { "action-unsupported", "Open vSwitch does not offer this action to the NIC.",
        "Remove the action from the path of the storage traffic.", false },
      shows_action },
    { FL_CAUSE_PARTIAL,
      { "partial-offload", "The NIC only marks the packets, and a CPU forwards them.",
        "Use representors in switchdev mode, so that the NIC can forward by itself.", false },
      shows_partial },
    { FL_CAUSE_REFUSED,
      { "refused",
        "Nothing speaks against the flow: the NIC refused it when it was offered, and "
        "it is not offered again while it lives.",
        "Have Open vSwitch offer it again: flowlift apply.", false },
      shows_refused },
};
BUILD_ASSERT_DECL(ARRAY_SIZE(table) == FL_N_CAUSES);

const struct fl_cause_info *fl_cause_info(enum fl_cause_id id)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].id == id) {
            return &table[i].info;
        }
    }
    OVS_NOT_REACHED();
}

static size_t find_causes(struct scene *scene, bool of_host, struct fl_cause causes[FL_MAX_CAUSES])
{
    ds_init(&scene->text);
    for (size_t i = 0; i < ARRAY_SIZE(table) && scene->n_found < FL_MAX_CAUSES; i++) {
        ds_clear(&scene->text);
        if ((of_host && !table[i].info.by_host) || !table[i].shows(scene)) {
            continue;
        }
        causes[scene->n_found].id = table[i].id;
        ovs_strlcpy(causes[scene->n_found].detail, ds_cstr(&scene->text),
                    sizeof causes[scene->n_found].detail);
        scene->n_found++;
    }
    ds_destroy(&scene->text);
    return scene->n_found;
}

size_t fl_cause_of_flow(const struct fl_flow *flow, const struct fl_ports *ports,
                        const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES])
{
    struct scene scene = {
        .flow = flow,
        .ports = ports,
        .inv = inv,
        .api = fl_offload_api(flow, inv),
    };

    if (flow->path == FL_PATH_HW || flow->path == FL_PATH_UNKNOWN) {
        return 0;
    }
    return find_causes(&scene, false, causes);
}

static size_t rank_of(enum fl_cause_id id)
{
    size_t rank = 0;

    while (table[rank].id != id) {
        rank++;
    }
    return rank;
}

static bool has_cause(const struct fl_cause *causes, size_t n, enum fl_cause_id id)
{
    for (size_t i = 0; i < n; i++) {
        if (causes[i].id == id) {
            return true;
        }
    }
    return false;
}

size_t fl_causes_merge(struct fl_cause causes[FL_MAX_CAUSES], size_t n, const struct fl_cause *more,
                       size_t n_more)
{
    for (size_t i = 0; i < n_more; i++) {
        size_t at = n;

        if (has_cause(causes, n, more[i].id)) {
            continue;
        }
        while (at > 0 && rank_of(more[i].id) < rank_of(causes[at - 1].id)) {
            at--;
        }
        if (at == FL_MAX_CAUSES) {
            continue;
        }
        n = MIN(n + 1, FL_MAX_CAUSES);
        memmove(&causes[at + 1], &causes[at], (n - at - 1) * sizeof *causes);
        causes[at] = more[i];
    }
    return n;
}

size_t fl_cause_of_host(const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES])
{
    const char *type = inv ? fl_inventory_datapath_type(inv) : NULL;
    struct scene scene = {
        .inv = inv,
        .api = type && !strcmp(type, "netdev") ? FL_API_RTE_FLOW : FL_API_UNKNOWN,
    };

    return inv ? find_causes(&scene, true, causes) : 0;
}
