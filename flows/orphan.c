/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/orphan.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

/* Source: OVS 3.1 ofproto/ofproto-provider.h, OFPROTO_MAX_IDLE_DEFAULT. */
#define MAX_IDLE_MS 10000
/* "By far": a busy revalidator may be late by seconds, never by this. */
#define TIMES_MAX_IDLE 10
#define AT_LEAST_MS    60000

static int64_t max_idle_ms(const struct fl_inventory *inv)
{
    const char *text = smap_get(&inv->other_config, "max-idle");
    long long int ms;

    return text && str_to_llong(text, 10, &ms) && ms > 0 ? MIN(ms, INT32_MAX) : MAX_IDLE_MS;
}

void fl_orphan_judge_init(struct fl_orphan_judge *judge, const struct fl_inventory *inv,
                          const struct fl_ports *ports)
{
    *judge = (struct fl_orphan_judge){ .inv = inv, .ports = ports, .last = ODPP_NONE };
    if (inv) {
        judge->offloads = smap_get_bool(&inv->other_config, "hw-offload", false) ||
                          inv->may_offload;
        judge->idle_ms = max_idle_ms(inv) * TIMES_MAX_IDLE;
        judge->idle_ms = MAX(judge->idle_ms, AT_LEAST_MS);
    }
}

/*
 * Devices of tunnels are made by ovs-vswitchd and are in no row: "vxlan_sys_4789", "gre_sys". Source: OVS
 * 3.1 lib/netdev-vport.c, netdev_vport_get_dpif_port().
 */
static bool is_tunnel_device(const char *name)
{
    const char *suffix = strstr(name, "_sys");

    return suffix && (suffix[4] == '\0' || suffix[4] == '_');
}

static bool is_port(struct fl_orphan_judge *judge, odp_port_t port)
{
    char number[16];

    if (port != judge->last) {
        const char *name = fl_ports_name(judge->ports, port, number);

        judge->last = port;
        judge->last_is_port = is_tunnel_device(name) || fl_inventory_interface(judge->inv, name);
    }
    return judge->last_is_port;
}

/* Filters of a block that no bond stands for have no device, and a number is not to be looked up. */
static bool has_device(const struct fl_flow *flow)
{
    return flow->in_port != ODPP_NONE && odp_to_u32(flow->in_port) >= FL_PORT_NAMED;
}

enum fl_orphan fl_orphan_of(struct fl_orphan_judge *judge, const struct fl_flow *flow)
{
    if (flow->layer != FL_LAYER_TC || !flow->has_ufid) {
        return FL_ORPHAN_NOT;
    }
    if (judge->inv && has_device(flow) && !is_port(judge, flow->in_port)) {
        return FL_ORPHAN_NO_PORT;
    }
    if (flow->target_gone) {
        return FL_ORPHAN_TARGET_GONE;
    }
    if (judge->inv && !judge->offloads) {
        return FL_ORPHAN_OFFLOAD_OFF;
    }
    return judge->inv && flow->used_ms > judge->idle_ms ? FL_ORPHAN_UNATTENDED : FL_ORPHAN_NOT;
}

void fl_orphan_reason(const struct fl_orphan_judge *judge, const struct fl_flow *flow,
                      enum fl_orphan orphan, struct ds *text)
{
    char number[16];

    switch (orphan) {
    case FL_ORPHAN_NO_PORT:
        ds_put_format(text, "its device %s is no interface of the switch",
                      fl_ports_name(judge->ports, flow->in_port, number));
        break;
    case FL_ORPHAN_TARGET_GONE:
        ds_put_cstr(text, "a device that it sends to is gone: its packets are dropped");
        break;
    case FL_ORPHAN_OFFLOAD_OFF:
        ds_put_cstr(text, "other_config:hw-offload is not true: ovs-vswitchd, since it was started "
                          "like that, does not look at it");
        break;
    case FL_ORPHAN_UNATTENDED:
        ds_put_format(text,
                      "it was last used %" PRId64 " s ago, and yet nobody deleted it (max-idle is "
                      "%" PRId64 " ms)",
                      flow->used_ms / 1000, max_idle_ms(judge->inv));
        break;
    case FL_ORPHAN_NOT:
    default: break;
    }
}
