/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rule_words.h"

#include <arpa/inet.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/match.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/cleanup.h"

/*
 * Each of these puts one thing into words and takes it out of the match, so that what is left at
 * the end is what has no words.
 */

/* A subnet, or nothing for a field that is wild or masked otherwise. */
static void take_ipv4(struct ds *ds, ovs_be32 *value, ovs_be32 *mask)
{
    char text[INET_ADDRSTRLEN];

    if (!*mask || !ip_is_cidr(*mask))
        return;
    inet_ntop(AF_INET, value, text, sizeof text);
    ds_put_format(ds, " %s", text);
    if (*mask != OVS_BE32_MAX)
        ds_put_format(ds, "/%d", ip_count_cidr_bits(*mask));
    *value = *mask = 0;
}

static void take_ipv6(struct ds *ds, struct in6_addr *value, struct in6_addr *mask)
{
    char text[INET6_ADDRSTRLEN];

    if (!ipv6_mask_is_any(mask) && ipv6_is_cidr(mask)) {
        inet_ntop(AF_INET6, value, text, sizeof text);
        ds_put_format(ds, " %s", text);
        if (!ipv6_mask_is_exact(mask))
            ds_put_format(ds, "/%d", ipv6_count_cidr_bits(mask));
        *value = *mask = (struct in6_addr){ .s6_addr = { 0 } };
    }
}

static void take_mac(struct ds *ds, struct eth_addr *value, struct eth_addr *mask, bool alone)
{
    if (!eth_addr_equals(*mask, eth_addr_exact))
        return;
    ds_put_format(ds, alone ? " " ETH_ADDR_FMT : " (" ETH_ADDR_FMT ")", ETH_ADDR_ARGS(*value));
    *value = *mask = eth_addr_zero;
}

static void take_port(struct ds *ds, ovs_be16 *value, ovs_be16 *mask)
{
    if (*mask != OVS_BE16_MAX)
        return;
    ds_put_format(ds, " port %u", ntohs(*value));
    *value = *mask = 0;
}

static void take_source(struct ds *ds, struct flow *flow, struct flow *mask)
{
    size_t before;

    ds_put_cstr(ds, " from");
    before = ds->length;
    take_ipv4(ds, &flow->nw_src, &mask->nw_src);
    take_ipv6(ds, &flow->ipv6_src, &mask->ipv6_src);
    take_mac(ds, &flow->dl_src, &mask->dl_src, ds->length == before);
    take_port(ds, &flow->tp_src, &mask->tp_src);
    if (ds->length == before)
        ds_put_cstr(ds, " anywhere");
}

static void take_destination(struct ds *ds, struct flow *flow, struct flow *mask)
{
    size_t before;

    ds_put_cstr(ds, " to");
    before = ds->length;
    take_ipv4(ds, &flow->nw_dst, &mask->nw_dst);
    take_ipv6(ds, &flow->ipv6_dst, &mask->ipv6_dst);
    take_mac(ds, &flow->dl_dst, &mask->dl_dst, ds->length == before);
    take_port(ds, &flow->tp_dst, &mask->tp_dst);
    if (ds->length == before)
        ds_put_cstr(ds, " anywhere");
}

/* "TCP", "UDP", "IPv4", "packets". */
static void take_protocol(struct ds *ds, struct flow *flow, struct flow *mask)
{
    bool is_ip = mask->dl_type == OVS_BE16_MAX &&
                 (flow->dl_type == htons(ETH_TYPE_IP) || flow->dl_type == htons(ETH_TYPE_IPV6));
    bool has_protocol = is_ip && mask->nw_proto == UINT8_MAX;

    if (has_protocol && (flow->nw_proto == IPPROTO_TCP || flow->nw_proto == IPPROTO_UDP)) {
        ds_put_cstr(ds, flow->nw_proto == IPPROTO_TCP ? "TCP" : "UDP");
        flow->nw_proto = mask->nw_proto = 0;
        if (mask->tcp_flags == htons(TCP_ACK) && flow->tcp_flags == htons(TCP_ACK)) {
            ds_put_cstr(ds, " with ACK (begins no connection)");
            flow->tcp_flags = mask->tcp_flags = 0;
        }
    } else if (is_ip) {
        ds_put_cstr(ds, flow->dl_type == htons(ETH_TYPE_IP) ? "IPv4" : "IPv6");
    } else {
        ds_put_cstr(ds, "packets");
        return;
    }
    flow->dl_type = mask->dl_type = 0;
    /* No rule takes fragments: the full text says it. */
    if (!flow->nw_frag)
        mask->nw_frag = 0;
}

static void take_vlan(struct ds *ds, struct flow *flow, struct flow *mask)
{
    uint16_t tci = ntohs(flow->vlans[0].tci), tci_mask = ntohs(mask->vlans[0].tci);

    if (tci_mask == (VLAN_CFI | VLAN_VID_MASK) && tci & VLAN_CFI)
        ds_put_format(ds, ", VLAN %u", (unsigned int)(tci & VLAN_VID_MASK));
    else if (tci_mask & VLAN_CFI && !(tci & VLAN_CFI))
        ds_put_cstr(ds, ", untagged");
    else
        return;
    flow->vlans[0].tci = mask->vlans[0].tci = 0;
}

static void take_in_port(struct ds *ds, struct flow *flow, struct flow *mask, const char *bridge,
                         const struct fl_inventory *inv)
{
    ofp_port_t port = flow->in_port.ofp_port;
    const char *name = NULL;

    if (!mask->in_port.ofp_port)
        return;
    for (size_t i = 0; inv && i < inv->n_interfaces; i++) {
        const struct fl_interface *interface = &inv->interfaces[i];

        if (interface->ofport == port && interface->bridge && !strcmp(interface->bridge, bridge))
            name = interface->name;
    }
    if (name)
        ds_put_format(ds, ", in through %s", name);
    else
        ds_put_format(ds, ", in through port %u", ofp_to_u16(port));
    flow->in_port.ofp_port = mask->in_port.ofp_port = 0;
}

/* The guard (DESIGN.md section 4) is no property of the packet. */
static void take_registers(struct flow *flow, struct flow *mask)
{
    for (size_t i = 0; i < FLOW_N_REGS; i++) {
        if (!flow->regs[i])
            mask->regs[i] = 0;
    }
}

char *fl_rule_words(const struct fl_rule *rule, const struct fl_inventory *inv)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct match rest = rule->match;
    _cleanup_free char *left = NULL;

    take_protocol(&ds, &rest.flow, &rest.wc.masks);
    take_source(&ds, &rest.flow, &rest.wc.masks);
    take_destination(&ds, &rest.flow, &rest.wc.masks);
    take_vlan(&ds, &rest.flow, &rest.wc.masks);
    take_in_port(&ds, &rest.flow, &rest.wc.masks, rule->bridge, inv);
    take_registers(&rest.flow, &rest.wc.masks);
    rest.flow.packet_type = rest.wc.masks.packet_type = 0;

    left = match_to_string(&rest, NULL, OFP_DEFAULT_PRIORITY);
    if (*left)
        ds_put_format(&ds, ", and %s", left);
    if (!strcmp(rule->actions, "NORMAL"))
        ds_put_cstr(&ds, ": switched by MAC address (NORMAL)");
    else
        ds_put_format(&ds, ": %s", rule->actions);
    return ds_steal_cstr(&ds);
}

const char *fl_relaxation_words(const char *id)
{
    static const struct {
        const char *id;
        const char *words;
    } known[] = {
        { "ct-invalid", "a packet of no connection that conntrack knows, invalid or from the "
                        "middle of one, is forwarded, not dropped" },
        { "ct-new-in", "a new connection towards the VM is forwarded, not dropped" },
        { "ct-new-out", "a new connection from the VM is forwarded, not dropped" },
        { "mac-learning", "the switch no longer learns the sender's address from these packets" },
        { "sampling", "these packets are no longer sampled (sFlow, IPFIX)" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (!strcmp(known[i].id, id))
            return known[i].words;
    }
    return NULL;
}
