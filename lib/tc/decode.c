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
#include "lib/tc/key_attrs.h"

/* Of the three lengths that there are: copies without a call. */
static inline void copy_raw(struct fl_tc_value *value, const void *data, uint8_t n)
{
    switch (n) {
    case 4: memcpy(value, data, 4); break;
    case 6: memcpy(value, data, 6); break;
    default: memcpy(value, data, 16); break;
    }
}

static void read_value(const struct fl_key_attr *rule, const struct fl_attr *attr,
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
    switch ((enum fl_key_form)rule->form) {
    case FL_KEY_U8: value->n = fl_attr_u8(attr); break;
    case FL_KEY_U16: value->n = fl_attr_u16(attr); break;
    case FL_KEY_U32: value->n = fl_attr_u32(attr); break;
    case FL_KEY_BE16: value->n = fl_attr_be16(attr); break;
    case FL_KEY_BE32: value->n = fl_attr_be32(attr); break;
    case FL_KEY_RAW: copy_raw(value, attr->data, rule->n); break;
    case FL_KEY_NOTHING: break;
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
        if (attr.type < FL_N_KEY_ATTRS && fl_key_attrs[attr.type].form)
            read_value(&fl_key_attrs[attr.type], &attr, filter);
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
