/* SPDX-License-Identifier: Apache-2.0 */

/* See cause_evidence.h. */

#include "flows/cause_evidence.h"

#include <inttypes.h>
#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/mirror.h"
#include "flows/nic_profile.h"
#include "flows/orphan.h"

#define MAX_PORTS 64u

/* The host's; a TC filter shows a policy, too. */

bool fl_shows_offload_off(struct fl_scene *scene)
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

bool fl_shows_tc_policy(struct fl_scene *scene)
{
    const char *value = scene->inv ? smap_get(&scene->inv->other_config, "tc-policy") : NULL;

    if (value && !strcmp(value, "skip_hw") && scene->api != FL_API_RTE_FLOW) {
        ds_put_cstr(&scene->text, "other_config:tc-policy is \"skip_hw\"");
        return true;
    }
    ds_put_cstr(&scene->text, "the filter says skip_hw");
    return scene->flow && scene->flow->skip_hw;
}

/* The flow's. */

bool fl_shows_orphan(struct fl_scene *scene)
{
    struct fl_orphan_judge judge;
    enum fl_orphan orphan;

    fl_orphan_judge_init(&judge, scene->inv, scene->ports);
    orphan = fl_orphan_of(&judge, scene->flow);
    fl_orphan_reason(&judge, scene->flow, orphan, &scene->text);
    return orphan != FL_ORPHAN_NOT;
}

bool fl_shows_block(struct fl_scene *scene)
{
    const struct fl_flow *flow = scene->flow;

    ds_put_format(&scene->text, "in %u of %u devices of block %" PRIu32, flow->block_in_hw,
                  flow->block_members, flow->block);
    return flow->path == FL_PATH_HW && flow->block_in_hw < flow->block_members;
}

bool fl_shows_reported(struct fl_scene *scene)
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
    fl_action_format(action, NULL, text);
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

static bool shows_actions(struct fl_scene *scene, const int *types)
{
    struct wanted_actions wanted = { .types = types, .text = &scene->text };

    if (scene->flow->has_actions) {
        fl_actions_walk(scene->flow->actions, scene->flow->actions_len, put_wanted, &wanted);
    }
    return wanted.found;
}

static bool has_action(const struct fl_scene *scene, int type)
{
    return scene->flow->has_actions &&
           fl_actions_have(scene->flow->actions, scene->flow->actions_len, type);
}

/* Packets to ovs-vswitchd, in samples only, or but in samples. */
static bool put_userspace(struct ds *text, const struct nlattr *actions, size_t len, bool is_sample,
                          bool sampled)
{
    const struct nlattr *action;
    bool found = false;
    size_t left;

    NL_ATTR_FOR_EACH(action, left, actions, len) {
        bool samples = is_sample || nl_attr_type(action) == OVS_ACTION_ATTR_SAMPLE;
        const struct nlattr *lists[2];
        size_t lens[2];
        size_t n = fl_actions_nested(action, lists, lens);

        if (nl_attr_type(action) == OVS_ACTION_ATTR_USERSPACE && is_sample == sampled) {
            put_action(text, action);
            found = true;
        }
        for (size_t i = 0; i < n; i++) {
            found |= put_userspace(text, lists[i], lens[i], samples, sampled);
        }
    }
    return found;
}

static bool shows_userspace(struct fl_scene *scene, bool sampled)
{
    return scene->flow->has_actions && put_userspace(&scene->text, scene->flow->actions,
                                                     scene->flow->actions_len, false, sampled);
}

bool fl_shows_userspace(struct fl_scene *scene)
{
    return shows_userspace(scene, false);
}

bool fl_shows_sampling(struct fl_scene *scene)
{
    return shows_userspace(scene, true);
}

static bool put_helper(const struct nlattr *action, void *text)
{
    if (nl_attr_type(action) != OVS_ACTION_ATTR_CT ||
        !nl_attr_find_nested(action, OVS_CT_ATTR_HELPER)) {
        return false;
    }
    put_action(text, action);
    return true;
}

bool fl_shows_ct_helper(struct fl_scene *scene)
{
    const struct fl_flow *flow = scene->flow;

    return flow->has_actions &&
           fl_actions_walk(flow->actions, flow->actions_len, put_helper, &scene->text);
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

static bool uses_ct(const struct fl_scene *scene)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    bool uses = has_action(scene, OVS_ACTION_ATTR_CT) ||
                has_action(scene, OVS_ACTION_ATTR_CT_CLEAR) || put_ct_match(scene->flow, &text);

    ds_destroy(&text);
    return uses;
}

/* OVN's pipeline looks at ct_mark of packets that no ct() has seen, and clears it: mlx5 takes both. */
static bool nic_takes_ct(const struct fl_scene *scene)
{
    const struct fl_interface *iface = NULL;
    struct fl_profile_port port;
    char buf[16];

    if (scene->profiles && scene->inv && scene->flow->in_port != ODPP_NONE) {
        iface = fl_inventory_interface(scene->inv,
                                       fl_ports_name(scene->ports, scene->flow->in_port, buf));
    }
    if (!iface) {
        return false;
    }
    port = fl_profile_port_of_interface(iface, scene->api);
    return fl_profile_takes_ct(fl_profiles_find(scene->profiles, &port), scene->api, scene->flow);
}

/* The actions say more than the match; recirc() belongs to the ct() before it. */
bool fl_shows_conntrack(struct fl_scene *scene)
{
    if (has_action(scene, OVS_ACTION_ATTR_CT)) {
        return shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_CT, OVS_ACTION_ATTR_RECIRC, 0 });
    }
    if (uses_ct(scene) && nic_takes_ct(scene)) {
        return false;
    }
    return put_ct_match(scene->flow, &scene->text) ||
           shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_CT_CLEAR, 0 });
}

bool fl_shows_dp_hash(struct fl_scene *scene)
{
    const struct fl_flow *flow = scene->flow;
    uint32_t mask = flow->has_match ? MINIFLOW_GET_U32(&flow->match.mask->masks, dp_hash) : 0;

    if (shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_HASH, OVS_ACTION_ATTR_LB_OUTPUT, 0 })) {
        return true;
    }
    ds_put_format(&scene->text, "matches dp_hash(%#x/%#x)",
                  mask ? MINIFLOW_GET_U32(flow->match.flow, dp_hash) : 0, mask);
    return mask != 0;
}

bool fl_shows_recirculation(struct fl_scene *scene)
{
    if (uses_ct(scene)) {
        return false;
    }
    if (shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_RECIRC, 0 })) {
        return true;
    }
    if (!scene->flow->recirc_id) {
        return false;
    }
    ds_put_format(&scene->text, "matches recirc_id(%#x)", scene->flow->recirc_id);
    return true;
}

static bool is_tunnel_set(const struct nlattr *action, void *aux OVS_UNUSED)
{
    return nl_attr_type(action) == OVS_ACTION_ATTR_SET &&
           nl_attr_type((const struct nlattr *)nl_attr_get(action)) == OVS_KEY_ATTR_TUNNEL;
}

static bool matches_tunnel(const struct fl_flow *flow)
{
    struct match match;

    if (!flow->has_match) {
        return false;
    }
    minimatch_expand(&flow->match, &match);
    return match.wc.masks.tunnel.ip_dst || ipv6_addr_is_set(&match.wc.masks.tunnel.ipv6_dst);
}

bool fl_shows_tunnel(struct fl_scene *scene)
{
    const struct fl_flow *flow = scene->flow;

    if (has_action(scene, OVS_ACTION_ATTR_TUNNEL_POP)) {
        ds_put_cstr(&scene->text, "tnl_pop(...)");
        return true;
    }
    if (has_action(scene, OVS_ACTION_ATTR_TUNNEL_PUSH)) {
        ds_put_cstr(&scene->text, "tnl_push(...)");
        return true;
    }
    ds_put_cstr(&scene->text, "matches tunnel(...), does set(tunnel(...))");
    return flow->has_actions && matches_tunnel(flow) &&
           fl_actions_walk(flow->actions, flow->actions_len, is_tunnel_set, NULL);
}

bool fl_shows_meter(struct fl_scene *scene)
{
    if (shows_actions(scene, (const int[]){ OVS_ACTION_ATTR_METER, 0 })) {
        return true;
    }
    ds_put_format(&scene->text, "police %#" PRIx32 ", which stands for a meter",
                  scene->flow->meter_police);
    return scene->flow->meter_police != 0;
}

static size_t outputs_of(const struct fl_scene *scene, odp_port_t ports[MAX_PORTS])
{
    return scene->flow->has_actions ? fl_actions_outputs(scene->flow->actions,
                                                         scene->flow->actions_len, ports, MAX_PORTS)
                                    : 0;
}

/* Ports. */

static const struct fl_interface *interface_of(const struct fl_scene *scene, odp_port_t port)
{
    char buf[16];

    return scene->inv && port != ODPP_NONE
               ? fl_inventory_interface(scene->inv, fl_ports_name(scene->ports, port, buf))
               : NULL;
}

bool fl_shows_multi_output(struct fl_scene *scene)
{
    odp_port_t ports[MAX_PORTS];
    size_t n = outputs_of(scene, ports);
    char buf[16];

    if (n < 2) {
        return false;
    }
    ds_put_format(&scene->text, "%" PRIuSIZE " outputs: ", n);
    for (size_t i = 0; i < MIN(n, MAX_PORTS); i++) {
        const struct fl_interface *iface = interface_of(scene, ports[i]);
        const struct fl_mirror *mirror = iface ? fl_mirror_to(scene->inv, iface) : NULL;

        ds_put_format(&scene->text, "%s%s", i ? "," : "",
                      fl_ports_name(scene->ports, ports[i], buf));
        if (mirror) {
            ds_put_format(&scene->text, " (of mirror \"%s\")", mirror->name);
        }
    }
    return true;
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

static bool put_if(struct fl_scene *scene, odp_port_t port, const char *direction,
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

static bool shows_port(struct fl_scene *scene, bool (*is)(const struct fl_interface *))
{
    odp_port_t ports[MAX_PORTS];
    size_t n = MIN(outputs_of(scene, ports), MAX_PORTS);
    bool found = put_if(scene, scene->flow->in_port, "in", is);

    for (size_t i = 0; i < n; i++) {
        found |= put_if(scene, ports[i], "out", is);
    }
    return found;
}

bool fl_shows_local_port(struct fl_scene *scene)
{
    if (shows_port(scene, is_local)) {
        return true;
    }
    ds_clear(&scene->text);
    ds_put_cstr(&scene->text, "mirred ingress redirect: to a device of the host");
    return scene->flow->to_host;
}

bool fl_shows_no_port_offload(struct fl_scene *scene)
{
    return shows_port(scene, is_not_offloadable);
}

/* What OVS offers. */

bool fl_shows_fragments(struct fl_scene *scene)
{
    const struct fl_flow *flow = scene->flow;
    unsigned int frag = 0;

    if (flow->has_match) {
        frag = MINIFLOW_GET_U8(flow->match.flow, nw_frag) &
               MINIFLOW_GET_U8(&flow->match.mask->masks, nw_frag);
    }
    ds_put_format(&scene->text, "matches frag=%s", frag & FLOW_NW_FRAG_LATER ? "later" : "first");
    return frag & FLOW_NW_FRAG_ANY;
}

bool fl_shows_match(struct fl_scene *scene)
{
    ds_put_cstr(&scene->text, "matches ");
    return fl_unoffered_match(scene->flow, scene->api, &scene->text);
}

bool fl_shows_action(struct fl_scene *scene)
{
    return fl_unoffered_action(scene->flow, scene->api, &scene->text);
}

bool fl_shows_partial(struct fl_scene *scene)
{
    ds_put_cstr(&scene->text, "offloaded:partial");
    return scene->flow->offloaded == FL_OFFLOADED_PARTIAL;
}

/* Only said of a flow that surely was offered: TC has it, or everything about it is known. */
bool fl_shows_refused(struct fl_scene *scene)
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
