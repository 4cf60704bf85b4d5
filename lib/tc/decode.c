/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of a flower filter, in one pass. Sources: Linux 6.1 net/sched/cls_flower.c, fl_dump_key()
 * (which attribute is in host byte order and which is not; pkt_cls.h is wrong for VLAN ids);
 * net/sched/cls_api.c, tcf_fill_node().
 */
#include "lib/tc/decode.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "lib/tc/attr.h"
#include "lib/tc/decode_internal.h"

/* How a value is read. */
enum reading {
    NOTHING, /* Read elsewhere, or not known. */
    U8,
    U16,
    U32,
    BE16,
    BE32,
    RAW, /* 4, 6 or 16 bytes. */
};

struct rule {
    uint8_t reading;
    uint8_t key;
    uint8_t is_mask;
    uint8_t n; /* Bytes. */
};

/* Not one through the other: <netinet/in.h> has macros of the names of some keys. */
#define PLAIN(attr, reading, key, n) [TCA_FLOWER_KEY_##attr] = { reading, FL_TC_KEY_##key, 0, n }
#define MASKED(attr, reading, key, n)                             \
    [TCA_FLOWER_KEY_##attr] = { reading, FL_TC_KEY_##key, 0, n }, \
    [TCA_FLOWER_KEY_##attr##_MASK] = { reading, FL_TC_KEY_##key, 1, n }

static const struct rule rules[] = {
    MASKED(ETH_DST, RAW, DST_MAC, 6),
    MASKED(ETH_SRC, RAW, SRC_MAC, 6),
    PLAIN(ETH_TYPE, BE16, ETH_TYPE, 2),
    PLAIN(IP_PROTO, U8, IP_PROTO, 1),
    MASKED(IPV4_SRC, RAW, SRC_IP4, 4),
    MASKED(IPV4_DST, RAW, DST_IP4, 4),
    MASKED(IPV6_SRC, RAW, SRC_IP6, 16),
    MASKED(IPV6_DST, RAW, DST_IP6, 16),
    MASKED(TCP_SRC, BE16, SRC_PORT, 2),
    MASKED(TCP_DST, BE16, DST_PORT, 2),
    MASKED(UDP_SRC, BE16, SRC_PORT, 2),
    MASKED(UDP_DST, BE16, DST_PORT, 2),
    MASKED(SCTP_SRC, BE16, SRC_PORT, 2),
    MASKED(SCTP_DST, BE16, DST_PORT, 2),
    PLAIN(VLAN_ID, U16, VLAN_ID, 2),
    PLAIN(VLAN_PRIO, U8, VLAN_PRIO, 1),
    PLAIN(VLAN_ETH_TYPE, BE16, VLAN_ETH_TYPE, 2),
    PLAIN(CVLAN_ID, U16, CVLAN_ID, 2),
    PLAIN(CVLAN_PRIO, U8, CVLAN_PRIO, 1),
    PLAIN(CVLAN_ETH_TYPE, BE16, CVLAN_ETH_TYPE, 2),
    PLAIN(ENC_KEY_ID, BE32, ENC_KEY_ID, 4),
    MASKED(ENC_IPV4_SRC, RAW, ENC_SRC_IP4, 4),
    MASKED(ENC_IPV4_DST, RAW, ENC_DST_IP4, 4),
    MASKED(ENC_IPV6_SRC, RAW, ENC_SRC_IP6, 16),
    MASKED(ENC_IPV6_DST, RAW, ENC_DST_IP6, 16),
    MASKED(ENC_UDP_SRC_PORT, BE16, ENC_SRC_PORT, 2),
    MASKED(ENC_UDP_DST_PORT, BE16, ENC_DST_PORT, 2),
    MASKED(ENC_IP_TOS, U8, ENC_TOS, 1),
    MASKED(ENC_IP_TTL, U8, ENC_TTL, 1),
    MASKED(FLAGS, BE32, IP_FLAGS, 4),
    MASKED(ICMPV4_CODE, U8, ICMP_CODE, 1),
    MASKED(ICMPV4_TYPE, U8, ICMP_TYPE, 1),
    MASKED(ICMPV6_CODE, U8, ICMP_CODE, 1),
    MASKED(ICMPV6_TYPE, U8, ICMP_TYPE, 1),
    MASKED(ARP_SIP, RAW, ARP_SIP, 4),
    MASKED(ARP_TIP, RAW, ARP_TIP, 4),
    MASKED(ARP_OP, U8, ARP_OP, 1),
    MASKED(ARP_SHA, RAW, ARP_SHA, 6),
    MASKED(ARP_THA, RAW, ARP_THA, 6),
    PLAIN(MPLS_TTL, U8, MPLS_TTL, 1),
    PLAIN(MPLS_BOS, U8, MPLS_BOS, 1),
    PLAIN(MPLS_TC, U8, MPLS_TC, 1),
    PLAIN(MPLS_LABEL, U32, MPLS_LABEL, 4),
    MASKED(TCP_FLAGS, BE16, TCP_FLAGS, 2),
    MASKED(IP_TOS, U8, IP_TOS, 1),
    MASKED(IP_TTL, U8, IP_TTL, 1),
    PLAIN(PORT_SRC_MIN, BE16, SRC_PORT_MIN, 2),
    PLAIN(PORT_SRC_MAX, BE16, SRC_PORT_MAX, 2),
    PLAIN(PORT_DST_MIN, BE16, DST_PORT_MIN, 2),
    PLAIN(PORT_DST_MAX, BE16, DST_PORT_MAX, 2),
    MASKED(CT_STATE, U16, CT_STATE, 2),
    MASKED(CT_ZONE, U16, CT_ZONE, 2),
    MASKED(CT_MARK, U32, CT_MARK, 4),
    MASKED(CT_LABELS, RAW, CT_LABEL, 16),
    MASKED(HASH, U32, HASH, 4),
    PLAIN(NUM_OF_VLANS, U8, NUM_OF_VLANS, 1),
    PLAIN(PPPOE_SID, BE16, PPPOE_SID, 2),
    PLAIN(PPP_PROTO, BE16, PPP_PROTO, 2),
    PLAIN(L2TPV3_SID, BE32, L2TPV3_SID, 4),
};

/* Of the three lengths that there are: copies without a call. */
static inline void copy_raw(struct fl_tc_value *value, const void *data, uint8_t n)
{
    switch (n) {
    case 4: memcpy(value, data, 4); break;
    case 6: memcpy(value, data, 6); break;
    default: memcpy(value, data, 16); break;
    }
}

static void read_value(const struct rule *rule, const struct fl_attr *attr,
                       struct fl_tc_filter *filter)
{
    struct fl_tc_value *value = rule->is_mask ? &filter->mask[rule->key] : &filter->key[rule->key];

    if (attr->n != rule->n) {
        fl_tc_not_understood(filter, FL_TC_ABOUT_MATCH,
                             "match attribute %u of the kernel has %u bytes, not %u", attr->type,
                             attr->n, rule->n);
        return;
    }
    if (rule->is_mask)
        filter->masked |= UINT64_C(1) << rule->key;
    else
        filter->present |= UINT64_C(1) << rule->key;
    switch ((enum reading)rule->reading) {
    case U8: value->n = fl_attr_u8(attr); break;
    case U16: value->n = fl_attr_u16(attr); break;
    case U32: value->n = fl_attr_u32(attr); break;
    case BE16: value->n = fl_attr_be16(attr); break;
    case BE32: value->n = fl_attr_be32(attr); break;
    case RAW: copy_raw(value, attr->data, rule->n); break;
    case NOTHING: break;
    }
}

static void read_lse(const struct fl_attr *outer, struct fl_tc_filter *filter)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_tc_mpls_lse lse = { .present = 0 };
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.n == 4 && attr.type == TCA_FLOWER_KEY_MPLS_OPT_LSE_LABEL) {
            lse.label = fl_attr_u32(&attr);
            lse.present |= FL_TC_LSE_LABEL;
        } else if (attr.n == 1) {
            switch (attr.type) {
            case TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH:
                lse.depth = fl_attr_u8(&attr);
                lse.present |= FL_TC_LSE_DEPTH;
                break;
            case TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL:
                lse.ttl = fl_attr_u8(&attr);
                lse.present |= FL_TC_LSE_TTL;
                break;
            case TCA_FLOWER_KEY_MPLS_OPT_LSE_BOS:
                lse.bos = fl_attr_u8(&attr);
                lse.present |= FL_TC_LSE_BOS;
                break;
            case TCA_FLOWER_KEY_MPLS_OPT_LSE_TC:
                lse.tc = fl_attr_u8(&attr);
                lse.present |= FL_TC_LSE_TC;
                break;
            }
        }
    }
    if (filter->n_mpls == FL_TC_MPLS_MAX)
        fl_tc_not_understood(filter, FL_TC_ABOUT_MATCH, "it matches more than %d MPLS labels",
                             FL_TC_MPLS_MAX);
    else
        filter->mpls[filter->n_mpls++] = lse;
}

static void read_mpls_opts(const struct fl_attr *outer, struct fl_tc_filter *filter)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_FLOWER_KEY_MPLS_OPTS_LSE)
            read_lse(&attr, filter);
    }
}

/* What is no plain match key. Return: false for bytes that make no sense. */
static bool read_special(const struct fl_attr *attr, const struct fl_tc_links *links,
                         struct fl_tc_filter *filter)
{
    switch (attr->type) {
    case TCA_FLOWER_ACT: return fl_tc_decode_actions(attr, links, filter);
    case TCA_FLOWER_INDEV: filter->indev = fl_attr_string(attr); return filter->indev != NULL;
    case TCA_FLOWER_KEY_ENC_OPTS:
        fl_tc_decode_tunnel_opts(attr, &filter->enc_opts, FL_TC_ABOUT_MATCH, filter);
        return true;
    case TCA_FLOWER_KEY_ENC_OPTS_MASK:
        fl_tc_decode_tunnel_opts(attr, &filter->enc_opts_mask, FL_TC_ABOUT_MATCH, filter);
        return true;
    case TCA_FLOWER_KEY_MPLS_OPTS: read_mpls_opts(attr, filter); return true;
    case TCA_FLOWER_CLASSID:
    case TCA_FLOWER_FLAGS:
    case TCA_FLOWER_IN_HW_COUNT: break;
    default:
        fl_tc_not_understood(filter, FL_TC_ABOUT_MATCH, "match attribute %u of the kernel",
                             attr->type);
        return true;
    }
    if (attr->n != sizeof(uint32_t))
        return false;
    if (attr->type == TCA_FLOWER_CLASSID) {
        filter->classid = fl_attr_u32(attr);
        filter->has_classid = true;
    } else if (attr->type == TCA_FLOWER_FLAGS) {
        filter->flags = fl_attr_u32(attr);
        filter->has_flags = true;
    } else {
        filter->in_hw_count = fl_attr_u32(attr);
        filter->has_in_hw_count = true;
    }
    return true;
}

static bool read_flower(const struct fl_attr *options, const struct fl_tc_links *links,
                        struct fl_tc_filter *filter)
{
    struct fl_attrs attrs = fl_attrs_nested(options);
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type < sizeof rules / sizeof rules[0] && rules[attr.type].reading)
            read_value(&rules[attr.type], &attr, filter);
        else if (!read_special(&attr, links, filter))
            return false;
    }
    fl_tc_fill_masks(filter);
    return !attrs.malformed;
}

static void read_place(const struct tcmsg *tc, const struct fl_tc_links *links,
                       struct fl_tc_filter *filter)
{
    const struct fl_tc_link *link;

    filter->priority = (uint16_t)(TC_H_MAJ(tc->tcm_info) >> 16);
    filter->protocol = be16toh((uint16_t)TC_H_MIN(tc->tcm_info));
    filter->handle = tc->tcm_handle;
    if (tc->tcm_ifindex == (int)TCM_IFINDEX_MAGIC_BLOCK) {
        filter->hook = FL_TC_BLOCK;
        filter->block = tc->tcm_block_index;
        return;
    }
    filter->ifindex = tc->tcm_ifindex;
    link = fl_tc_links_find(links, tc->tcm_ifindex);
    if (link) {
        filter->dev = link->name;
        filter->dev_kind = link->kind[0] ? link->kind : NULL;
    }
    if (tc->tcm_parent == TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) ||
        tc->tcm_parent == TC_H_MAKE(TC_H_INGRESS, 0))
        filter->hook = FL_TC_INGRESS;
    else if (tc->tcm_parent == TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS))
        filter->hook = FL_TC_EGRESS;
}

static const char flower[] = "flower";

/* Nearly all are: that they are is seen without a call. */
static const char *read_kind(const struct fl_attr *attr)
{
    if (attr->n == sizeof flower && !memcmp(attr->data, flower, sizeof flower))
        return flower;
    return fl_attr_string(attr);
}

int fl_tc_decode(const void *message, size_t n_bytes, const struct fl_tc_links *links,
                 struct fl_tc_filter *filter)
{
    const struct nlmsghdr *header = message;
    struct fl_attr attr, options = { .data = NULL };
    const char *kind = NULL;
    const struct tcmsg *tc;
    struct fl_attrs attrs;

    if (n_bytes < NLMSG_LENGTH(sizeof *tc) || header->nlmsg_len < NLMSG_LENGTH(sizeof *tc) ||
        header->nlmsg_len > n_bytes || header->nlmsg_type != RTM_NEWTFILTER)
        return -EBADMSG;
    tc = NLMSG_DATA(header);
    attrs = fl_attrs_in(tc + 1, header->nlmsg_len - NLMSG_LENGTH(sizeof *tc));
    fl_tc_filter_clear(filter);
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_KIND)
            kind = read_kind(&attr);
        else if (attr.type == TCA_OPTIONS)
            options = attr;
        else if (attr.type == TCA_CHAIN && attr.n == sizeof(uint32_t))
            filter->chain = fl_attr_u32(&attr);
    }
    if (attrs.malformed || !kind)
        return -EBADMSG;
    if (kind != flower && strcmp(kind, flower))
        return tc->tcm_handle ? -ENOTSUP : -ENOENT;
    if (!tc->tcm_handle || !options.data)
        return -ENOENT;
    read_place(tc, links, filter);
    return read_flower(&options, links, filter) ? 0 : -EBADMSG;
}
