/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a tunnel have the same attribute numbers in a match (TCA_FLOWER_KEY_ENC_OPT_*) and in an
 * action (TCA_TUNNEL_KEY_ENC_OPT_*), which has no GTP.
 */
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_tunnel_key.h>

#include "lib/tc/decode_internal.h"

#define GENEVE_HEADER_BYTES 4

/* Class, type and data follow each other, once for each option. */
static bool read_geneve(const struct fl_attr *outer, struct fl_tc_tunnel_opts *opts)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    uint16_t expected = TCA_FLOWER_KEY_ENC_OPT_GENEVE_CLASS;
    uint8_t *header = opts->geneve + opts->n_bytes;
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type != expected++)
            return false;
        switch (attr.type) {
        case TCA_FLOWER_KEY_ENC_OPT_GENEVE_CLASS:
            header = opts->geneve + opts->n_bytes;
            if (attr.n != 2 || opts->n_bytes + GENEVE_HEADER_BYTES > (int)sizeof opts->geneve)
                return false;
            memcpy(header, attr.data, 2);
            break;
        case TCA_FLOWER_KEY_ENC_OPT_GENEVE_TYPE:
            if (attr.n != 1)
                return false;
            header[2] = fl_attr_u8(&attr);
            break;
        case TCA_FLOWER_KEY_ENC_OPT_GENEVE_DATA:
            if (attr.n % 4 || attr.n > 124 ||
                opts->n_bytes + GENEVE_HEADER_BYTES + attr.n > (int)sizeof opts->geneve)
                return false;
            header[3] = (uint8_t)(attr.n / 4);
            memcpy(header + GENEVE_HEADER_BYTES, attr.data, attr.n);
            opts->n_bytes = (uint16_t)(opts->n_bytes + GENEVE_HEADER_BYTES + attr.n);
            expected = TCA_FLOWER_KEY_ENC_OPT_GENEVE_CLASS;
            break;
        }
    }
    return !attrs.malformed && expected == TCA_FLOWER_KEY_ENC_OPT_GENEVE_CLASS;
}

static bool read_vxlan(const struct fl_attr *outer, struct fl_tc_tunnel_opts *opts)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    opts->vxlan_gbp = 0;
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type != TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP || attr.n != 4)
            return false;
        opts->vxlan_gbp = fl_attr_u32(&attr);
    }
    return !attrs.malformed;
}

static bool read_erspan(const struct fl_attr *outer, struct fl_tc_tunnel_opts *opts)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    memset(&opts->erspan, 0, sizeof opts->erspan);
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_FLOWER_KEY_ENC_OPT_ERSPAN_INDEX && attr.n == 4)
            opts->erspan.index = fl_attr_be32(&attr);
        else if (attr.n != 1)
            return false;
        else if (attr.type == TCA_FLOWER_KEY_ENC_OPT_ERSPAN_VER)
            opts->erspan.version = fl_attr_u8(&attr);
        else if (attr.type == TCA_FLOWER_KEY_ENC_OPT_ERSPAN_DIR)
            opts->erspan.direction = fl_attr_u8(&attr);
        else if (attr.type == TCA_FLOWER_KEY_ENC_OPT_ERSPAN_HWID)
            opts->erspan.hwid = fl_attr_u8(&attr);
    }
    return !attrs.malformed;
}

static bool read_gtp(const struct fl_attr *outer, struct fl_tc_tunnel_opts *opts)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    memset(&opts->gtp, 0, sizeof opts->gtp);
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.n != 1)
            return false;
        if (attr.type == TCA_FLOWER_KEY_ENC_OPT_GTP_PDU_TYPE)
            opts->gtp.pdu_type = fl_attr_u8(&attr);
        else if (attr.type == TCA_FLOWER_KEY_ENC_OPT_GTP_QFI)
            opts->gtp.qfi = fl_attr_u8(&attr);
    }
    return !attrs.malformed;
}

static bool read_opts(const struct fl_attr *attr, struct fl_tc_tunnel_opts *opts)
{
    switch (attr->type) {
    case TCA_FLOWER_KEY_ENC_OPTS_GENEVE:
        /* In a match each option of several has an attribute of its own; they are one list. */
        if (opts->kind != FL_TC_OPTS_GENEVE)
            opts->n_bytes = 0;
        opts->kind = FL_TC_OPTS_GENEVE;
        return read_geneve(attr, opts);
    case TCA_FLOWER_KEY_ENC_OPTS_VXLAN:
        opts->kind = FL_TC_OPTS_VXLAN;
        return read_vxlan(attr, opts);
    case TCA_FLOWER_KEY_ENC_OPTS_ERSPAN:
        opts->kind = FL_TC_OPTS_ERSPAN;
        return read_erspan(attr, opts);
    case TCA_FLOWER_KEY_ENC_OPTS_GTP: opts->kind = FL_TC_OPTS_GTP; return read_gtp(attr, opts);
    }
    return false;
}

void fl_tc_decode_tunnel_opts(const struct fl_attr *outer, struct fl_tc_tunnel_opts *opts,
                              enum fl_tc_about about, struct fl_tc_filter *filter)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    opts->kind = FL_TC_OPTS_NONE;
    opts->n_bytes = 0;
    while (fl_attrs_next(&attrs, &attr)) {
        if (!read_opts(&attr, opts)) {
            fl_tc_not_understood(filter, about, "options of a tunnel (attribute %u)", attr.type);
            return;
        }
    }
    if (attrs.malformed)
        fl_tc_not_understood(filter, about, "options of a tunnel");
}

static void read_action_opts(const struct fl_attr *attr, struct fl_tc_filter *filter,
                             struct fl_tc_tunnel_key *key)
{
    if (filter->n_tunnels == FL_TC_TUNNELS_MAX) {
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "it sets options of more than %d tunnels",
                             FL_TC_TUNNELS_MAX);
        return;
    }
    fl_tc_decode_tunnel_opts(attr, &filter->tunnels[filter->n_tunnels], FL_TC_ABOUT_ACTION, filter);
    key->opts = ++filter->n_tunnels;
}

static void *wanted(const struct fl_attr *attr, size_t n, void *field, struct fl_tc_action *action,
                    enum fl_tc_part part)
{
    if (attr->n == n) {
        memcpy(field, attr->data, n);
        action->present |= part;
    }
    return field;
}

static void read_part(const struct fl_attr *attr, struct fl_tc_filter *filter,
                      struct fl_tc_action *action)
{
    struct fl_tc_tunnel_key *key = &action->tunnel_key;

    switch (attr->type) {
    case TCA_TUNNEL_KEY_TM: fl_tc_read_times(attr, action); break;
    case TCA_TUNNEL_KEY_ENC_IPV4_SRC: wanted(attr, 4, &key->src4, action, FL_TC_HAS_SRC4); break;
    case TCA_TUNNEL_KEY_ENC_IPV4_DST: wanted(attr, 4, &key->dst4, action, FL_TC_HAS_DST4); break;
    case TCA_TUNNEL_KEY_ENC_IPV6_SRC: wanted(attr, 16, &key->src6, action, FL_TC_HAS_SRC6); break;
    case TCA_TUNNEL_KEY_ENC_IPV6_DST: wanted(attr, 16, &key->dst6, action, FL_TC_HAS_DST6); break;
    case TCA_TUNNEL_KEY_ENC_KEY_ID:
        wanted(attr, 4, &key->key_id, action, FL_TC_HAS_ID);
        key->key_id = be32toh(key->key_id);
        break;
    case TCA_TUNNEL_KEY_ENC_DST_PORT:
        wanted(attr, 2, &key->dst_port, action, FL_TC_HAS_DST_PORT);
        key->dst_port = be16toh(key->dst_port);
        break;
    case TCA_TUNNEL_KEY_NO_CSUM: wanted(attr, 1, &key->no_csum, action, FL_TC_HAS_NO_CSUM); break;
    case TCA_TUNNEL_KEY_ENC_TOS: wanted(attr, 1, &key->tos, action, FL_TC_HAS_TOS); break;
    case TCA_TUNNEL_KEY_ENC_TTL: wanted(attr, 1, &key->ttl, action, FL_TC_HAS_TTL); break;
    case TCA_TUNNEL_KEY_ENC_OPTS: read_action_opts(attr, filter, key); break;
    case TCA_TUNNEL_KEY_PAD: break;
    default:
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "attribute %u of action tunnel_key",
                             attr->type);
    }
}

bool fl_tc_decode_tunnel_key(const struct fl_attr *options, struct fl_tc_filter *filter,
                             struct fl_tc_action *action)
{
    struct fl_attrs attrs = fl_attrs_nested(options);
    struct fl_attr attr;
    int what = 0;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type != TCA_TUNNEL_KEY_PARMS) {
            read_part(&attr, filter, action);
            continue;
        }
        if (!fl_tc_read_gen(&attr, sizeof(struct tc_tunnel_key), action))
            return false;
        what = ((const struct tc_tunnel_key *)attr.data)->t_action;
    }
    action->tunnel_key.action = what;
    if (what != FL_TC_TUNNEL_SET && what != FL_TC_TUNNEL_UNSET)
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action tunnel_key of kind %d", what);
    return !attrs.malformed;
}
