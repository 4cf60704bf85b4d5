/* SPDX-License-Identifier: Apache-2.0 */

/* See flow_text.h. Source of the shape: OVS 3.1 lib/dpctl.c, format_dpif_flow(). */

#include "flows/flow_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

/* Everything is written, whether or not some kernel knows it. */
static const struct odp_support all_fields = {
    .max_vlan_headers = SIZE_MAX,
    .max_mpls_depth = SIZE_MAX,
    .recirc = true,
    .ct_state = true,
    .ct_zone = true,
    .ct_mark = true,
    .ct_label = true,
    .ct_state_nat = true,
    .ct_orig_tuple = true,
    .ct_orig_tuple6 = true,
    .nd_ext = true,
};

static bool tunnel_seems_absent(const struct match *match)
{
    return !flow_tnl_dst_is_set(&match->flow.tunnel) && !flow_tnl_src_is_set(&match->flow.tunnel) &&
           !is_all_zeros(&match->wc.masks.tunnel, offsetof(struct flow_tnl, metadata));
}

/* libopenvswitch leaves out what a wildcarded field beside it seems to say is not there. */
static void fill_wild_fields(const struct fl_flow *flow, struct match *match)
{
    match->flow.in_port.odp_port = flow->in_port;
    if (tunnel_seems_absent(match)) {
        match->flow.tunnel.ip_dst = htonl(1);
    }
    if (!match->flow.ct_nw_proto && !match->wc.masks.ct_nw_proto) {
        match->flow.ct_nw_proto = match->wc.masks.ct_nw_src || match->wc.masks.ct_nw_dst ||
                                  !ipv6_mask_is_any(&match->wc.masks.ct_ipv6_src) ||
                                  !ipv6_mask_is_any(&match->wc.masks.ct_ipv6_dst);
    }
}

/* The attributes before the Ethernet type, when that is wild: it is not printed then. */
static void cut_at_type(struct ofpbuf *attrs)
{
    const struct nlattr *type = nl_attr_find(attrs, 0, OVS_KEY_ATTR_ETHERTYPE);

    if (type) {
        attrs->size = (uint32_t)((const char *)type - (const char *)attrs->data);
    }
}

/* What @mask has of fixed size and @tunnel has not; an id would say that there is one ("+key"). */
static void put_zero_fields(struct ofpbuf *key, const struct nlattr *tunnel,
                            const struct nlattr *mask)
{
    const struct nlattr *attr;
    size_t left;

    NL_NESTED_FOR_EACH(attr, left, mask) {
        uint16_t type = (uint16_t)nl_attr_type(attr);
        size_t size = nl_attr_get_size(attr);

        if (type > OVS_TUNNEL_KEY_ATTR_ID && type <= OVS_TUNNEL_KEY_ATTR_TP_DST &&
            type != OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS && size &&
            !is_all_zeros(nl_attr_get(attr), size) && !nl_attr_find_nested(tunnel, type)) {
            nl_msg_put_unspec_zero(key, type, size);
        }
    }
}

/*
 * A field of the tunnel that has to be zero is no attribute of the key, and would not be printed: adds it.
 * Replaces @key.
 */
static void add_zero_tunnel_fields(struct ofpbuf *key, const struct ofpbuf *mask)
{
    const struct nlattr *tunnel = nl_attr_find(key, 0, OVS_KEY_ATTR_TUNNEL);
    const struct nlattr *tunnel_mask = nl_attr_find(mask, 0, OVS_KEY_ATTR_TUNNEL);
    const struct nlattr *attr;
    struct ofpbuf longer;
    size_t left, start;

    if (!tunnel || !tunnel_mask) {
        return;
    }
    ofpbuf_init(&longer, key->size + 128);
    NL_ATTR_FOR_EACH(attr, left, key->data, key->size) {
        if (attr != tunnel) {
            ofpbuf_put(&longer, attr, nl_attr_len_pad(attr, left));
            continue;
        }
        start = nl_msg_start_nested(&longer, OVS_KEY_ATTR_TUNNEL);
        ofpbuf_put(&longer, nl_attr_get(tunnel), nl_attr_get_size(tunnel));
        put_zero_fields(&longer, tunnel, tunnel_mask);
        nl_msg_end_nested(&longer, start);
    }
    ofpbuf_uninit(key);
    *key = longer;
}

/* Whether the attributes are read as what they were made of: not for a match that no packet has. */
static bool says_all(const struct ofpbuf *key, const struct ofpbuf *mask,
                     const struct fl_flow *flow)
{
    struct match want, have;
    enum odp_key_fitness fitness;
    char *error = NULL;

    memset(&have, 0, sizeof have);
    fitness = odp_flow_key_to_flow(key->data, key->size, &have.flow, &error);
    free(error);
    if (fitness == ODP_FIT_ERROR) {
        return false;
    }
    fitness = odp_flow_key_to_mask(mask->data, mask->size, &have.wc, &have.flow, &error);
    free(error);
    if (fitness == ODP_FIT_ERROR) {
        return false;
    }
    if (!flow->has_recirc_id) {
        have.wc.masks.recirc_id = 0;
    }
    minimatch_expand(&flow->match, &want);
    if (!want.wc.masks.dl_type) {
        have.wc.masks.dl_type = 0;
        memset(have.wc.masks.vlans, 0, sizeof have.wc.masks.vlans);
    }
    match_zero_wildcarded_fields(&have);
    return match_equal(&have, &want);
}

/* That a tunnel has no id: the text of OVS knows no word for it. */
static bool lacks_tunnel_id(const struct match *match)
{
    const struct flow_tnl *mask = &match->wc.masks.tunnel;

    return !(match->flow.tunnel.flags & FLOW_TNL_F_KEY) &&
           (mask->tun_id || mask->flags & FLOW_TNL_F_KEY);
}

/* Return: whether the text says all of the match. */
static bool put_match(struct ds *text, const struct fl_flow *flow, const struct fl_ports *ports)
{
    struct odp_flow_key_parms parms = { .support = all_fields };
    struct ofpbuf key, mask;
    struct match match;
    bool all;

    minimatch_expand(&flow->match, &match);
    fill_wild_fields(flow, &match);
    parms.flow = &match.flow;
    parms.mask = &match.wc.masks;
    parms.key_buf = &key;
    parms.support.recirc = flow->has_recirc_id;
    ofpbuf_init(&key, 1024);
    ofpbuf_init(&mask, 1024);
    odp_flow_key_from_flow(&parms, &key);
    odp_flow_key_from_mask(&parms, &mask);
    all = says_all(&key, &mask, flow) && !lacks_tunnel_id(&match);
    if (!match.wc.masks.dl_type) {
        cut_at_type(&key);
        cut_at_type(&mask);
    }
    add_zero_tunnel_fields(&key, &mask);
    odp_flow_format(key.data, key.size, mask.data, mask.size, fl_ports_names(ports), text, true);
    ofpbuf_uninit(&key);
    ofpbuf_uninit(&mask);
    return all;
}

/* All that is known of a flow whose match was not legible; something, for it to be seen as a flow. */
static void put_start(struct ds *text, const struct fl_flow *flow, const struct fl_ports *ports)
{
    if (flow->has_recirc_id) {
        ds_put_format(text, "recirc_id(%#" PRIx32 "),", flow->recirc_id);
    }
    if (flow->in_port != ODPP_NONE) {
        ds_put_cstr(text, "in_port(");
        odp_portno_name_format(fl_ports_names(ports), flow->in_port, text);
        ds_put_cstr(text, "),");
    }
    if (!flow->has_recirc_id && flow->in_port == ODPP_NONE) {
        ds_put_cstr(text, "skb_mark(0/0)");
    }
    ds_chomp(text, ',');
}

void fl_flow_format_match(const struct fl_flow *flow, const struct fl_ports *ports, struct ds *text)
{
    bool all = false;

    if (flow->has_match) {
        all = put_match(text, flow, ports);
    } else {
        put_start(text, flow, ports);
    }
    if (!all || flow->match_partial) {
        ds_put_cstr(text, ",..."); /* so that nobody takes it for the whole */
    }
}

void fl_flow_format_actions(const struct fl_flow *flow, const struct fl_ports *ports,
                            struct ds *text)
{
    if (flow->has_actions) {
        format_odp_actions(text, flow->actions, flow->actions_len, fl_ports_names(ports));
    } else {
        ds_put_cstr(text, "...");
    }
}

static void put_count(struct ds *text, const char *name, uint64_t count)
{
    if (count != FL_COUNT_UNKNOWN) {
        ds_put_format(text, ", %s:%" PRIu64, name, count);
    }
}

static void put_counters(struct ds *text, const struct fl_flow *flow)
{
    put_count(text, "packets", flow->packets);
    put_count(text, "bytes", flow->bytes);
    if (flow->layer == FL_LAYER_TC) {
        put_count(text, "offload_packets", flow->hw_packets);
        put_count(text, "offload_bytes", flow->hw_bytes);
    }
    if (flow->used_ms == FL_USED_NEVER) {
        ds_put_cstr(text, ", used:never");
    } else if (flow->used_ms != FL_USED_UNKNOWN) {
        ds_put_format(text, ", used:%" PRId64 ".%03" PRId64 "s", flow->used_ms / 1000,
                      flow->used_ms % 1000);
    }
}

static const char *offloaded_word(enum fl_offloaded offloaded)
{
    switch (offloaded) {
    case FL_OFFLOADED_YES: return "yes";
    case FL_OFFLOADED_PARTIAL: return "partial";
    case FL_OFFLOADED_OTHER: return "other";
    case FL_OFFLOADED_NONE: break;
    }
    return NULL;
}

static const char *layer_word(enum fl_layer layer)
{
    switch (layer) {
    case FL_LAYER_OVS: return "ovs";
    case FL_LAYER_TC: return "tc";
    case FL_LAYER_DPDK: return "dpdk";
    case FL_LAYER_DOCA: return "doca";
    case FL_LAYER_OTHER: return "other";
    case FL_LAYER_NONE: break;
    }
    return NULL;
}

static void put_word(struct ds *text, const char *name, const char *word)
{
    if (word) {
        ds_put_format(text, ", %s:%s", name, word);
    }
}

/* A sentence: in whatever quotes it does not have itself. */
static void put_offload_info(struct ds *text, const char *info)
{
    char quote = strchr(info, '\'') ? '"' : '\'';

    ds_put_format(text, ", dp-offload-info:%c%s%c", quote, info, quote);
}

void fl_flow_format(const struct fl_flow *flow, const struct fl_ports *ports, struct ds *text)
{
    if (flow->has_ufid) {
        odp_format_ufid(&flow->id, text);
        ds_put_cstr(text, ", ");
    }
    fl_flow_format_match(flow, ports, text);
    put_counters(text, flow);
    put_word(text, "offloaded", offloaded_word(flow->offloaded));
    put_word(text, "dp", layer_word(flow->layer));
    if (flow->offload_info) {
        put_offload_info(text, flow->offload_info);
    }
    ds_put_cstr(text, ", actions:");
    fl_flow_format_actions(flow, ports, text);
}
