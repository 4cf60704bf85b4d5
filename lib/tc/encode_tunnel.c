/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a tunnel have the same attribute numbers in a match (TCA_FLOWER_KEY_ENC_OPT_*) and in an
 * action (TCA_TUNNEL_KEY_ENC_OPT_*), which has no GTP. Source: Linux 6.1 net/sched/act_tunnel_key.c, act_ct.c.
 */
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_ct.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <string.h>

#include "lib/tc/encode_internal.h"

#define GENEVE_HEADER_BYTES 4u

/* Each option has an attribute of its own. */
static void put_geneve(const struct fl_tc_tunnel_opts *opts, struct fl_tc_message *message)
{
    size_t at = 0;

    while (opts->n_bytes - at >= GENEVE_HEADER_BYTES) {
        const uint8_t *option = opts->geneve + at;
        size_t n = (option[3] & 0x1fu) * 4u;
        struct nlattr *nest;

        if (n > opts->n_bytes - at - GENEVE_HEADER_BYTES)
            return;
        nest = fl_nest(message, TCA_FLOWER_KEY_ENC_OPTS_GENEVE);
        fl_put(message, TCA_FLOWER_KEY_ENC_OPT_GENEVE_CLASS, option, 2);
        fl_put(message, TCA_FLOWER_KEY_ENC_OPT_GENEVE_TYPE, option + 2, 1);
        fl_put(message, TCA_FLOWER_KEY_ENC_OPT_GENEVE_DATA, option + GENEVE_HEADER_BYTES, n);
        fl_unnest(message, nest);
        at += GENEVE_HEADER_BYTES + n;
    }
}

static void put_others(const struct fl_tc_tunnel_opts *opts, struct fl_tc_message *message)
{
    struct nlattr *nest;

    switch (opts->kind) {
    case FL_TC_OPTS_VXLAN:
        nest = fl_nest(message, TCA_FLOWER_KEY_ENC_OPTS_VXLAN);
        fl_put_u32(message, TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP, opts->vxlan_gbp);
        break;
    case FL_TC_OPTS_ERSPAN:
        nest = fl_nest(message, TCA_FLOWER_KEY_ENC_OPTS_ERSPAN);
        fl_put_u8(message, TCA_FLOWER_KEY_ENC_OPT_ERSPAN_VER, opts->erspan.version);
        fl_put_be32(message, TCA_FLOWER_KEY_ENC_OPT_ERSPAN_INDEX, opts->erspan.index);
        fl_put_u8(message, TCA_FLOWER_KEY_ENC_OPT_ERSPAN_DIR, opts->erspan.direction);
        fl_put_u8(message, TCA_FLOWER_KEY_ENC_OPT_ERSPAN_HWID, opts->erspan.hwid);
        break;
    case FL_TC_OPTS_GTP:
        nest = fl_nest(message, TCA_FLOWER_KEY_ENC_OPTS_GTP);
        fl_put_u8(message, TCA_FLOWER_KEY_ENC_OPT_GTP_PDU_TYPE, opts->gtp.pdu_type);
        fl_put_u8(message, TCA_FLOWER_KEY_ENC_OPT_GTP_QFI, opts->gtp.qfi);
        break;
    case FL_TC_OPTS_GENEVE:
    case FL_TC_OPTS_NONE:
    default: return;
    }
    fl_unnest(message, nest);
}

void fl_tc_encode_tunnel_opts(const struct fl_tc_tunnel_opts *opts, uint16_t type,
                              struct fl_tc_message *message)
{
    struct nlattr *nest;

    if (opts->kind == FL_TC_OPTS_NONE)
        return;
    nest = fl_nest(message, type);
    if (opts->kind == FL_TC_OPTS_GENEVE)
        put_geneve(opts, message);
    else
        put_others(opts, message);
    fl_unnest(message, nest);
}

void fl_tc_encode_tunnel_key(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                             struct fl_tc_message *message)
{
    const struct fl_tc_tunnel_key *key = &action->tunnel_key;
    const struct tc_tunnel_key parms = {
        .index = action->index,
        .action = (int)action->control,
        .t_action = (int)key->action,
    };

    fl_put(message, TCA_TUNNEL_KEY_PARMS, &parms, sizeof parms);
    if (action->present & FL_TC_HAS_ID)
        fl_put_be32(message, TCA_TUNNEL_KEY_ENC_KEY_ID, key->key_id);
    if (action->present & FL_TC_HAS_SRC4)
        fl_put(message, TCA_TUNNEL_KEY_ENC_IPV4_SRC, &key->src4, sizeof key->src4);
    if (action->present & FL_TC_HAS_DST4)
        fl_put(message, TCA_TUNNEL_KEY_ENC_IPV4_DST, &key->dst4, sizeof key->dst4);
    if (action->present & FL_TC_HAS_SRC6)
        fl_put(message, TCA_TUNNEL_KEY_ENC_IPV6_SRC, &key->src6, sizeof key->src6);
    if (action->present & FL_TC_HAS_DST6)
        fl_put(message, TCA_TUNNEL_KEY_ENC_IPV6_DST, &key->dst6, sizeof key->dst6);
    if (action->present & FL_TC_HAS_TOS)
        fl_put_u8(message, TCA_TUNNEL_KEY_ENC_TOS, key->tos);
    if (action->present & FL_TC_HAS_TTL)
        fl_put_u8(message, TCA_TUNNEL_KEY_ENC_TTL, key->ttl);
    if (action->present & FL_TC_HAS_DST_PORT)
        fl_put_be16(message, TCA_TUNNEL_KEY_ENC_DST_PORT, key->dst_port);
    if (key->opts && key->opts <= filter->n_tunnels)
        fl_tc_encode_tunnel_opts(&filter->tunnels[key->opts - 1], TCA_TUNNEL_KEY_ENC_OPTS, message);
    if (action->present & FL_TC_HAS_NO_CSUM)
        fl_put_u8(message, TCA_TUNNEL_KEY_NO_CSUM, key->no_csum);
}

static void put_nat(const struct fl_tc_ct *ct, struct fl_tc_message *message)
{
    const bool is4 = ct->nat_family == 4;

    if (ct->nat_family)
        fl_put(message, is4 ? TCA_CT_NAT_IPV4_MIN : TCA_CT_NAT_IPV6_MIN, &ct->nat_min,
               is4 ? 4 : 16);
    if (ct->nat_family && ct->nat_has_max)
        fl_put(message, is4 ? TCA_CT_NAT_IPV4_MAX : TCA_CT_NAT_IPV6_MAX, &ct->nat_max,
               is4 ? 4 : 16);
    if (ct->nat_has_port)
        fl_put_be16(message, TCA_CT_NAT_PORT_MIN, ct->nat_port_min);
    if (ct->nat_has_port_max)
        fl_put_be16(message, TCA_CT_NAT_PORT_MAX, ct->nat_port_max);
}

void fl_tc_encode_ct(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_ct *ct = &action->ct;
    const struct tc_ct parms = { .index = action->index, .action = (int)action->control };

    if (action->present & FL_TC_HAS_ZONE)
        fl_put_u16(message, TCA_CT_ZONE, ct->zone);
    if (action->present & FL_TC_HAS_LABEL) {
        fl_put(message, TCA_CT_LABELS, ct->label, sizeof ct->label);
        fl_put(message, TCA_CT_LABELS_MASK, ct->label_mask, sizeof ct->label_mask);
    }
    if (action->present & FL_TC_HAS_MARK) {
        fl_put_u32(message, TCA_CT_MARK, ct->mark);
        fl_put_u32(message, TCA_CT_MARK_MASK, ct->mark_mask);
    }
    if (ct->flags & FL_TC_CT_NAT)
        put_nat(ct, message);
    fl_put_u16(message, TCA_CT_ACTION, ct->flags);
    fl_put(message, TCA_CT_PARMS, &parms, sizeof parms);
}
