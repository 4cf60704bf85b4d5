/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "tunnel(...)" of a match.
 */
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/decode_fields.h"

static const struct fl_field tunnel_fields[] = {
    FL_FIELD("tun_id", BE64, tunnel.tun_id),     FL_FIELD("src", IPV4, tunnel.ip_src),
    FL_FIELD("dst", IPV4, tunnel.ip_dst),        FL_FIELD("ipv6_src", IPV6, tunnel.ipv6_src),
    FL_FIELD("ipv6_dst", IPV6, tunnel.ipv6_dst), FL_FIELD("tos", U8, tunnel.ip_tos),
    FL_FIELD("ttl", U8, tunnel.ip_ttl),          FL_FIELD("tp_src", BE16, tunnel.tp_src),
    FL_FIELD("tp_dst", BE16, tunnel.tp_dst),     { .name = NULL }
};
static const struct fl_field gbp_fields[] = { FL_FIELD("id", BE16, tunnel.gbp_id),
                                              FL_FIELD("flags", U8, tunnel.gbp_flags),
                                              { .name = NULL } };
static const struct fl_field erspan_fields[] = { FL_FIELD("ver", U8, tunnel.erspan_ver),
                                                 FL_FIELD("idx", U32, tunnel.erspan_idx),
                                                 FL_FIELD("dir", U8, tunnel.erspan_dir),
                                                 FL_FIELD("hwid", U8, tunnel.erspan_hwid),
                                                 { .name = NULL } };
static const struct fl_field gtpu_fields[] = { FL_FIELD("flags", U8, tunnel.gtpu_flags),
                                               FL_FIELD("msgtype", U8, tunnel.gtpu_msgtype),
                                               { .name = NULL } };
static const struct fl_flag tunnel_flags[] = { { "df", FLOW_TNL_F_DONT_FRAGMENT },
                                               { "csum", FLOW_TNL_F_CSUM },
                                               { "key", FLOW_TNL_F_KEY },
                                               { "oam", FLOW_TNL_F_OAM },
                                               { NULL, 0 } };

static bool read_tunnel_flags(struct match *match, struct fl_cursor *c)
{
    uint16_t value, mask;

    if (!fl_scan_flags(c, tunnel_flags, FLOW_TNL_F_MASK, FLOW_TNL_F_MASK, &value, &mask))
        return false;
    /* Whether there is a key is told by tun_id. */
    match->flow.tunnel.flags |= value & (uint16_t)~FLOW_TNL_F_KEY;
    match->wc.masks.tunnel.flags |= mask & (uint16_t)~FLOW_TNL_F_KEY;
    return true;
}

/* "VALUE[/MASK]" of an option field, when it is there: what is not printed is wild. */
static bool read_option_field(struct fl_cursor *c, const char *name, enum fl_kind kind,
                              union fl_value *value, union fl_value *mask)
{
    if (!fl_scan_word(c, name)) {
        memset(value, 0, sizeof *value);
        memset(mask, 0, sizeof *mask);
        return true;
    }
    fl_exact_mask(kind, mask);
    if (!fl_scan_value(kind, c, value) || (fl_scan_char(c, '/') && !fl_scan_value(kind, c, mask)))
        return false;
    fl_scan_char(c, ',');
    return true;
}

static bool read_option_data(struct fl_cursor *c, uint8_t *data, uint8_t *mask, size_t n)
{
    if (c->p == c->end || *c->p == '}')
        return true; /* Wild. */
    if (!fl_scan_word(c, "0x")) {
        if (!fl_scan_char(c, '0')) /* The only number that is printed without. */
            return false;
        memset(data, 0, n);
    } else if (!fl_scan_hex_bytes(c, data, n)) {
        return false;
    }
    memset(mask, 0xff, n);
    if (!fl_scan_char(c, '/'))
        return true;
    if (fl_scan_word(c, "0x"))
        return fl_scan_hex_bytes(c, mask, n);
    memset(mask, 0, n);
    return fl_scan_char(c, '0');
}

/* "{class=0x102,type=0x80,len=4,0x20007/0x7fffffff}{...})" */
static bool read_geneve(struct match *match, struct fl_cursor *c)
{
    struct tun_metadata *key = &match->flow.tunnel.metadata;
    struct tun_metadata *wild = &match->wc.masks.tunnel.metadata;
    size_t used = 0; /* In units of struct geneve_opt, 4 bytes. */

    while (fl_scan_char(c, '{')) {
        union fl_value class, class_mask, type, type_mask, length, length_mask;
        struct geneve_opt *opt, *opt_mask;

        if (!read_option_field(c, "class=", FL_KIND_BE16, &class, &class_mask) ||
            !read_option_field(c, "type=", FL_KIND_U8, &type, &type_mask) ||
            !read_option_field(c, "len=", FL_KIND_U8, &length, &length_mask) || length.u8 % 4 ||
            length.u8 > 124 || used + 1 + length.u8 / 4 > ARRAY_SIZE(key->opts.gnv))
            return false;
        opt = &key->opts.gnv[used];
        opt_mask = &wild->opts.gnv[used];
        opt->opt_class = class.u16;
        opt_mask->opt_class = class_mask.u16;
        opt->type = type.u8;
        opt_mask->type = type_mask.u8;
        opt->length = length.u8 / 4u & 0x1fu;
        opt_mask->length = length_mask.u8 & 0x1fu;
        if (!read_option_data(c, (uint8_t *)(opt + 1), (uint8_t *)(opt_mask + 1), length.u8) ||
            !fl_scan_char(c, '}'))
            return false;
        used += 1 + length.u8 / 4;
    }
    key->present.len = (uint8_t)(used * sizeof(struct geneve_opt));
    wild->present.len = UINT8_MAX;
    match->flow.tunnel.flags |= FLOW_TNL_F_UDPIF;
    match->wc.masks.tunnel.flags |= FLOW_TNL_F_UDPIF;
    return fl_scan_char(c, ')');
}

static bool read_tunnel_field(struct match *match, struct fl_cursor *c)
{
    const struct fl_field *field = fl_find_field(tunnel_fields, c);

    if (!field || !fl_read_member(match, field->kind, field->offset, c))
        return false;
    if (field->offset == offsetof(struct flow, tunnel.tun_id)) {
        match->flow.tunnel.flags |= FLOW_TNL_F_KEY;
        match->wc.masks.tunnel.flags |= FLOW_TNL_F_KEY;
    }
    return true;
}

static bool read_tunnel_part(struct match *match, struct fl_cursor *c)
{
    if (fl_scan_word(c, "flags("))
        return read_tunnel_flags(match, c);
    if (fl_scan_word(c, "geneve("))
        return read_geneve(match, c);
    if (fl_scan_word(c, "vxlan(gbp("))
        return fl_read_fields(match, gbp_fields, c) && fl_scan_char(c, ')');
    if (fl_scan_word(c, "erspan("))
        return fl_read_fields(match, erspan_fields, c);
    if (fl_scan_word(c, "gtpu("))
        return fl_read_fields(match, gtpu_fields, c);
    return read_tunnel_field(match, c);
}

bool fl_read_tunnel(struct match *match, struct fl_cursor *c)
{
    if (fl_scan_char(c, ')'))
        return true;
    do {
        if (!read_tunnel_part(match, c))
            return false;
    } while (fl_scan_comma(c));
    return fl_scan_char(c, ')');
}
