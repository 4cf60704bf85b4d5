/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/sched/cls_flower.c, fl_set_key(); net/sched/cls_api.c, tc_new_tfilter(). */
#include "lib/tc/encode.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <string.h>

#include "lib/tc/encode_internal.h"
#include "lib/tc/key_attrs.h"

static bool is_vlan_type(uint32_t type)
{
    return type == ETHERTYPE_VLAN || type == 0x88a8 /* 802.1ad */;
}

static void put_value(struct fl_tc_message *message, uint16_t type, const struct fl_key_attr *attr,
                      const struct fl_tc_value *value)
{
    switch ((enum fl_key_form)attr->form) {
    case FL_KEY_U8: fl_put_u8(message, type, value->n); break;
    case FL_KEY_U16: fl_put_u16(message, type, value->n); break;
    case FL_KEY_U32: fl_put_u32(message, type, value->n); break;
    case FL_KEY_BE16: fl_put_be16(message, type, value->n); break;
    case FL_KEY_BE32: fl_put_be32(message, type, value->n); break;
    case FL_KEY_RAW: fl_put(message, type, value, attr->n); break;
    case FL_KEY_NOTHING: break;
    }
}

/* Return: the keys that were put. */
static uint64_t put_keys(const struct fl_tc_filter *filter, struct fl_tc_message *message)
{
    uint32_t proto = fl_tc_has_key(filter, FL_TC_KEY_IP_PROTO) ? filter->key[FL_TC_KEY_IP_PROTO].n
                                                               : 0;
    uint64_t put = UINT64_C(1) << FL_TC_KEY_ETH_TYPE;

    for (uint16_t type = 0; type < FL_N_KEY_ATTRS; type++) {
        const struct fl_key_attr *attr = &fl_key_attrs[type];

        if (!attr->form || attr->is_mask || !fl_tc_has_key(filter, attr->key) ||
            attr->key == FL_TC_KEY_ETH_TYPE || (attr->proto && attr->proto != proto))
            continue;
        put_value(message, type, attr, &filter->key[attr->key]);
        /* Without a mask it is full; but of these flags the kernel wants to be told. */
        if (attr->mask && (filter->masked >> attr->key & 1 || attr->key == FL_TC_KEY_IP_FLAGS))
            put_value(message, attr->mask, attr, &filter->mask[attr->key]);
        put |= UINT64_C(1) << attr->key;
    }
    return put;
}

/* What follows the MAC addresses. */
static void put_type(const struct fl_tc_filter *filter, struct fl_tc_message *message)
{
    if (is_vlan_type(filter->protocol))
        fl_put_be16(message, TCA_FLOWER_KEY_ETH_TYPE, filter->protocol);
    else if (fl_tc_has_key(filter, FL_TC_KEY_ETH_TYPE))
        fl_put_be16(message, TCA_FLOWER_KEY_ETH_TYPE, filter->key[FL_TC_KEY_ETH_TYPE].n);
}

static void put_lse(const struct fl_tc_mpls_lse *lse, struct fl_tc_message *message)
{
    struct nlattr *nest = fl_nest(message, TCA_FLOWER_KEY_MPLS_OPTS_LSE);

    if (lse->present & FL_TC_LSE_DEPTH)
        fl_put_u8(message, TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH, lse->depth);
    if (lse->present & FL_TC_LSE_TTL)
        fl_put_u8(message, TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL, lse->ttl);
    if (lse->present & FL_TC_LSE_BOS)
        fl_put_u8(message, TCA_FLOWER_KEY_MPLS_OPT_LSE_BOS, lse->bos);
    if (lse->present & FL_TC_LSE_TC)
        fl_put_u8(message, TCA_FLOWER_KEY_MPLS_OPT_LSE_TC, lse->tc);
    if (lse->present & FL_TC_LSE_LABEL)
        fl_put_u32(message, TCA_FLOWER_KEY_MPLS_OPT_LSE_LABEL, lse->label);
    fl_unnest(message, nest);
}

static void put_mpls(const struct fl_tc_filter *filter, struct fl_tc_message *message)
{
    struct nlattr *nest;

    if (!filter->n_mpls)
        return;
    nest = fl_nest(message, TCA_FLOWER_KEY_MPLS_OPTS);
    for (size_t i = 0; i < filter->n_mpls; i++)
        put_lse(&filter->mpls[i], message);
    fl_unnest(message, nest);
}

static int put_flower(const struct fl_tc_filter *filter, struct fl_tc_message *message)
{
    struct nlattr *nest = fl_nest(message, TCA_OPTIONS);
    int ret = fl_tc_encode_actions(filter, message);

    if (ret)
        return ret;
    put_type(filter, message);
    if (filter->present & ~put_keys(filter, message))
        return fl_error_set(message->err, -EOPNOTSUPP,
                            "a filter with ports, but without their protocol");
    put_mpls(filter, message);
    fl_tc_encode_tunnel_opts(&filter->enc_opts, TCA_FLOWER_KEY_ENC_OPTS, message);
    fl_tc_encode_tunnel_opts(&filter->enc_opts_mask, TCA_FLOWER_KEY_ENC_OPTS_MASK, message);
    if (filter->indev)
        fl_put(message, TCA_FLOWER_INDEV, filter->indev, strlen(filter->indev) + 1);
    if (filter->has_classid)
        fl_put_u32(message, TCA_FLOWER_CLASSID, filter->classid);
    if (filter->has_flags)
        fl_put_u32(message, TCA_FLOWER_FLAGS,
                   filter->flags & (FL_TC_SKIP_HW | FL_TC_SKIP_SW | FL_TC_VERBOSE));
    fl_unnest(message, nest);
    return 0;
}

void fl_tc_encode_place(const struct fl_tc_filter *filter, struct tcmsg *tc)
{
    *tc = (struct tcmsg){
        .tcm_family = AF_UNSPEC,
        .tcm_handle = filter->handle,
        .tcm_info = TC_H_MAKE((uint32_t)filter->priority << 16, htons(filter->protocol)),
    };
    if (filter->hook == FL_TC_BLOCK) {
        tc->tcm_ifindex = (int)TCM_IFINDEX_MAGIC_BLOCK;
        tc->tcm_block_index = filter->block;
        return;
    }
    tc->tcm_ifindex = filter->ifindex;
    tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT,
                               filter->hook == FL_TC_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

int fl_tc_encode(const struct fl_tc_filter *filter, uint32_t sequence, void *buffer, size_t n_bytes,
                 struct fl_error *err)
{
    struct fl_tc_message message = { .n_bytes = n_bytes, .err = err };
    struct tcmsg *tc;
    int ret;

    if (n_bytes < MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof *tc))
        return -EMSGSIZE;
    if (filter->unknown_match || filter->unknown_action)
        return fl_error_set(err, -EOPNOTSUPP, "the filter was not understood in full: %s",
                            filter->unknown);
    message.header = mnl_nlmsg_put_header(buffer);
    message.header->nlmsg_type = RTM_NEWTFILTER;
    message.header->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
    message.header->nlmsg_seq = sequence;
    tc = mnl_nlmsg_put_extra_header(message.header, sizeof *tc);
    fl_tc_encode_place(filter, tc);
    if (filter->chain)
        fl_put_u32(&message, TCA_CHAIN, filter->chain);
    fl_put(&message, TCA_KIND, "flower", sizeof "flower");
    ret = put_flower(filter, &message);
    if (ret)
        return ret;
    return message.full ? fl_error_set(err, -EMSGSIZE, "a filter of more than %zu bytes", n_bytes)
                        : 0;
}
