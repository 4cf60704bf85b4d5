/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: OVS 3.1 lib/netdev-offload-tc.c, netdev_tc_flow_put(), flower_match_to_tun_opt(),
 * parse_put_flow_set_action(); lib/tc.c, nl_msg_put_act_tunnel_key_set(), nl_msg_put_flower_tunnel().
 */
#include <errno.h>
#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/tc_offer_internal.h"

static void put_addresses(struct fl_tc_filter *filter, const struct flow_tnl *key,
                          const struct flow_tnl *mask)
{
    if (mask->ip_dst || mask->ip_src) {
        fl_tc_offer_put_bytes(filter, FL_TC_KEY_ENC_DST_IP4, &key->ip_dst, &mask->ip_dst, 4);
        fl_tc_offer_put_bytes(filter, FL_TC_KEY_ENC_SRC_IP4, &key->ip_src, &mask->ip_src, 4);
        return;
    }
    fl_tc_offer_put_bytes(filter, FL_TC_KEY_ENC_DST_IP6, &key->ipv6_dst, &mask->ipv6_dst, 16);
    fl_tc_offer_put_bytes(filter, FL_TC_KEY_ENC_SRC_IP6, &key->ipv6_src, &mask->ipv6_src, 16);
}

static void put_outer(struct fl_tc_filter *filter, const struct flow_tnl *key,
                      const struct flow_tnl *mask)
{
    put_addresses(filter, key, mask);
    fl_tc_offer_put(filter, FL_TC_KEY_ENC_TOS, key->ip_tos, mask->ip_tos);
    fl_tc_offer_put(filter, FL_TC_KEY_ENC_TTL, key->ip_ttl, mask->ip_ttl);
    fl_tc_offer_put(filter, FL_TC_KEY_ENC_SRC_PORT, ntohs(key->tp_src), ntohs(mask->tp_src));
    /* Whatever the mask: "some hardware drivers (mlx5) doesn't support masked matches". */
    fl_tc_offer_put(filter, FL_TC_KEY_ENC_DST_PORT, ntohs(key->tp_dst), UINT16_MAX);
    if (key->flags & FLOW_TNL_F_KEY && mask->tun_id)
        fl_tc_put_key(filter, FL_TC_KEY_ENC_KEY_ID)->n = (uint32_t)ntohll(key->tun_id);
}

/* Every option has its header and some words of data, as long as the key says, whatever the mask. */
static bool put_geneve(struct fl_tc_filter *filter, const struct flow_tnl *key,
                       const struct flow_tnl *mask)
{
    struct fl_tc_tunnel_opts *opts = &filter->enc_opts, *masks = &filter->enc_opts_mask;
    size_t n = key->metadata.present.len, at = 0;

    if (!n)
        return true;
    if (n > sizeof opts->geneve)
        return false;
    memcpy(opts->geneve, key->metadata.opts.gnv, n);
    memcpy(masks->geneve, mask->metadata.opts.gnv, n);
    opts->kind = masks->kind = FL_TC_OPTS_GENEVE;
    opts->n_bytes = masks->n_bytes = (uint16_t)n;
    while (at < n) {
        size_t whole = 4u + (opts->geneve[at + 3] & 0x1fu) * 4u;

        if (n - at < 4 || n - at < whole)
            return false;
        masks->geneve[at + 3] = opts->geneve[at + 3];
        at += whole;
    }
    return true;
}

static int put_options(struct fl_tc_offering *offering, const struct flow_tnl *key,
                       struct flow_tnl *mask)
{
    mask->flags &= (uint16_t)~FLOW_TNL_F_UDPIF;
    if (!(key->flags & FLOW_TNL_F_UDPIF)) {
        if (!key->metadata.present.map)
            memset(&mask->metadata.present.map, 0, sizeof mask->metadata.present.map);
        return 0;
    }
    if (!put_geneve(offering->filter, key, mask))
        return fl_error_set(offering->err, -EOPNOTSUPP,
                            "Open vSwitch offers no match on such options of Geneve");
    mask->metadata.present.len = 0;
    memset(mask->metadata.opts.gnv, 0, key->metadata.present.len);
    return 0;
}

int fl_tc_offer_tunnel_match(struct fl_tc_offering *offering, struct match *match)
{
    const struct flow_tnl *key = &match->flow.tunnel;
    struct flow_tnl *mask = &match->wc.masks.tunnel;
    int ret = 0;

    if (!flow_tnl_dst_is_set(key) && !flow_tnl_src_is_set(key)) {
        memset(mask, 0, sizeof *mask);
        return 0;
    }
    offering->has_tunnel = true;
    put_outer(offering->filter, key, mask);
    mask->ip_src = mask->ip_dst = 0;
    memset(&mask->ipv6_src, 0, sizeof mask->ipv6_src);
    memset(&mask->ipv6_dst, 0, sizeof mask->ipv6_dst);
    mask->ip_tos = mask->ip_ttl = 0;
    mask->tp_src = mask->tp_dst = 0;
    mask->tun_id = 0;
    mask->flags &= (uint16_t) ~(FLOW_TNL_F_KEY | FLOW_TNL_F_DONT_FRAGMENT | FLOW_TNL_F_CSUM);
    if (offering->dev_kind && !strcmp(offering->dev_kind, "geneve"))
        ret = put_options(offering, key, mask);
    return ret;
}

/* set(tunnel()) */

static int set_options(struct fl_tc_offering *offering, struct fl_tc_tunnel_key *key,
                       const struct nlattr *attr)
{
    struct fl_tc_filter *filter = offering->filter;
    struct fl_tc_tunnel_opts *opts;

    if (!nl_attr_get_size(attr))
        return 0;
    if (filter->n_tunnels == FL_TC_TUNNELS_MAX || nl_attr_get_size(attr) > FL_TC_GENEVE_BYTES)
        return fl_error_set(offering->err, -EINVAL, "it sets options of more than %d tunnels",
                            FL_TC_TUNNELS_MAX);
    opts = &filter->tunnels[filter->n_tunnels];
    opts->kind = FL_TC_OPTS_GENEVE;
    opts->n_bytes = (uint16_t)nl_attr_get_size(attr);
    memcpy(opts->geneve, nl_attr_get(attr), opts->n_bytes);
    key->opts = ++filter->n_tunnels;
    return 0;
}

static int set_attr(struct fl_tc_offering *offering, struct fl_tc_action *action,
                    const struct nlattr *attr)
{
    struct fl_tc_tunnel_key *key = &action->tunnel_key;

    switch (nl_attr_type(attr)) {
    case OVS_TUNNEL_KEY_ATTR_ID:
        key->key_id = (uint32_t)ntohll(nl_attr_get_be64(attr));
        action->present |= FL_TC_HAS_ID;
        return 0;
    case OVS_TUNNEL_KEY_ATTR_IPV4_SRC: key->src4 = nl_attr_get_be32(attr); return 0;
    case OVS_TUNNEL_KEY_ATTR_IPV4_DST: key->dst4 = nl_attr_get_be32(attr); return 0;
    case OVS_TUNNEL_KEY_ATTR_IPV6_SRC: key->src6 = nl_attr_get_in6_addr(attr); return 0;
    case OVS_TUNNEL_KEY_ATTR_IPV6_DST: key->dst6 = nl_attr_get_in6_addr(attr); return 0;
    case OVS_TUNNEL_KEY_ATTR_TOS: key->tos = nl_attr_get_u8(attr); return 0;
    case OVS_TUNNEL_KEY_ATTR_TTL: key->ttl = nl_attr_get_u8(attr); return 0;
    case OVS_TUNNEL_KEY_ATTR_TP_DST: key->dst_port = ntohs(nl_attr_get_be16(attr)); return 0;
    case OVS_TUNNEL_KEY_ATTR_CSUM: key->no_csum = 0; return 0;
    case OVS_TUNNEL_KEY_ATTR_TP_SRC:
    case OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT: return 0; /* TC has no form for either. */
    case OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS: return set_options(offering, key, attr);
    }
    return fl_error_set(offering->err, -EOPNOTSUPP,
                        "Open vSwitch does not offer set(tunnel()) with attribute %d",
                        nl_attr_type(attr));
}

/* What nl_msg_put_act_tunnel_key_set() leaves out. */
static void mark_present(struct fl_tc_action *action)
{
    struct fl_tc_tunnel_key *key = &action->tunnel_key;

    if (key->dst4) {
        action->present |= FL_TC_HAS_SRC4 | FL_TC_HAS_DST4;
        memset(&key->src6, 0, sizeof key->src6);
        memset(&key->dst6, 0, sizeof key->dst6);
    } else {
        key->src4 = 0;
        if (ipv6_addr_is_set(&key->dst6))
            action->present |= FL_TC_HAS_SRC6 | FL_TC_HAS_DST6;
    }
    action->present |= key->tos ? FL_TC_HAS_TOS : 0;
    action->present |= key->ttl ? FL_TC_HAS_TTL : 0;
    action->present |= key->dst_port ? FL_TC_HAS_DST_PORT : 0;
    action->present |= FL_TC_HAS_NO_CSUM;
}

int fl_tc_offer_tunnel_set(struct fl_tc_offering *offering, const struct nlattr *tunnel)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_TUNNEL_KEY);
    const struct nlattr *attr;
    size_t left;
    int ret = action ? 0 : -E2BIG;

    if (ret)
        return ret;
    action->flags = action->selected = 1;
    action->present |= FL_TC_HAS_FLAGS;
    action->tunnel_key.action = FL_TC_TUNNEL_SET;
    action->tunnel_key.no_csum = 1;
    NL_NESTED_FOR_EACH(attr, left, tunnel) {
        ret = set_attr(offering, action, attr);
        if (ret)
            return ret;
    }
    mark_present(action);
    return 0;
}
