/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match attributes through libopenvswitch's own parser, for those that decode_match.c leaves to it.
 *
 * Attributes are handed over one at a time, bounded, so that hostile text costs linear time. What
 * libopenvswitch reads as "exact" or refuses because it expects a complete key is mended around it:
 * a dump without -m leaves out wildcarded fields, and the names of ports may begin with digits.
 */
#include <arpa/inet.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "flows/decode_internal.h"

/* What was printed, as far as libopenvswitch's reading of it has to be mended. */
struct printed {
    bool eth_type;
    bool packet_type;
    bool recirc_id;
    ovs_be32 packet_type_value, packet_type_mask;
};

struct attr_text {
    char s[FL_MAX_ATTR_BYTES + sizeof "ttl=0/0,"];
};

/*
 * A NUL-terminated copy. "tunnel(...)" without ttl, which is refused, gets one.
 * Return: false when @attr is too long, or not to be handed over.
 */
static bool copy_attr(struct fl_text attr, struct attr_text *text)
{
    size_t n = 0;

    if (attr.n > FL_MAX_ATTR_BYTES || memchr(attr.s, '\0', attr.n))
        return false;
    if (fl_text_find(attr, "erspan("))
        return false; /* It misreads the mask, and writes so to the log. */
    if (fl_text_starts(attr, "tunnel(") && !fl_text_find(attr, "ttl=")) {
        n = strlen("tunnel(");
        memcpy(text->s, "tunnel(ttl=0/0,", strlen("tunnel(ttl=0/0,"));
        memcpy(text->s + strlen("tunnel(ttl=0/0,"), attr.s + n, attr.n - n);
        n = attr.n + strlen("ttl=0/0,");
    } else {
        memcpy(text->s, attr.s, attr.n);
        n = attr.n;
    }
    text->s[n] = '\0';
    return true;
}

static bool put_in_port(struct fl_text attr, struct fl_ports *ports, struct ofpbuf *key,
                        struct ofpbuf *mask)
{
    struct fl_cursor c = { attr.s + strlen("in_port("), attr.s + attr.n };
    odp_port_t port;
    uint32_t bits;

    if (!fl_scan_in_port(&c, ports, &port, &bits) || c.p != c.end)
        return false;
    nl_msg_put_odp_port(key, OVS_KEY_ATTR_IN_PORT, port);
    nl_msg_put_u32(mask, OVS_KEY_ATTR_IN_PORT, bits);
    return true;
}

static bool put_attr(struct fl_text attr, struct fl_ports *ports, struct ofpbuf *key,
                     struct ofpbuf *mask)
{
    uint32_t key_size = key->size;
    uint32_t mask_size = mask->size;
    struct attr_text text;
    char *error = NULL;
    int retval;

    if (fl_text_starts(attr, "in_port("))
        return put_in_port(attr, ports, key, mask);
    if (!copy_attr(attr, &text))
        return false;
    retval = odp_flow_from_string(text.s, NULL, key, mask, &error);
    free(error);
    /* On an error the mask is left as it was at that moment. */
    if (retval) {
        key->size = key_size;
        mask->size = mask_size;
        return false;
    }
    return key->size > key_size;
}

static void note_printed(struct printed *printed, const struct ofpbuf *key,
                         const struct ofpbuf *mask)
{
    const struct nlattr *type = nl_attr_find(key, 0, OVS_KEY_ATTR_PACKET_TYPE);
    const struct nlattr *type_mask = nl_attr_find(mask, 0, OVS_KEY_ATTR_PACKET_TYPE);

    printed->eth_type = nl_attr_find(key, 0, OVS_KEY_ATTR_ETHERTYPE) != NULL;
    printed->recirc_id = nl_attr_find(key, 0, OVS_KEY_ATTR_RECIRC_ID) != NULL;
    printed->packet_type = type && type_mask;
    if (printed->packet_type) {
        printed->packet_type_value = nl_attr_get_be32(type);
        printed->packet_type_mask = nl_attr_get_be32(type_mask);
    }
}

static void mend(const struct printed *printed, struct match *match)
{
    struct flow *mask = &match->wc.masks;

    if (!printed->recirc_id)
        mask->recirc_id = 0;
    if (!printed->eth_type) {
        mask->dl_type = 0;
        memset(mask->vlans, 0, sizeof mask->vlans);
    }
    match->flow.packet_type = printed->packet_type ? printed->packet_type_value : 0;
    mask->packet_type = printed->packet_type ? printed->packet_type_mask : 0;
}

/* Return: true when nothing was left out of the match. */
static bool to_match(struct ofpbuf *key, struct ofpbuf *mask, struct match *match)
{
    enum odp_key_fitness fitness;
    struct printed printed;
    char *error = NULL;

    note_printed(&printed, key, mask);
    if (!printed.eth_type)
        nl_msg_put_be16(mask, OVS_KEY_ATTR_ETHERTYPE, OVS_BE16_MAX);

    memset(match, 0, sizeof *match);
    fitness = odp_flow_key_to_flow(key->data, key->size, &match->flow, &error);
    free(error);
    if (fitness == ODP_FIT_ERROR || fitness == ODP_FIT_TOO_MUCH)
        return false;
    fitness = odp_flow_key_to_mask(mask->data, mask->size, &match->wc, &match->flow, &error);
    free(error);
    if (fitness == ODP_FIT_ERROR || fitness == ODP_FIT_TOO_MUCH)
        return false;
    mend(&printed, match);
    return true;
}

bool fl_match_read_odp(const struct fl_match_text *text, struct fl_ports *ports,
                       struct match *match, struct fl_match_result *result)
{
    struct ofpbuf key, mask;
    bool ok;

    *result = (struct fl_match_result){ .refused.n = 0 };
    ofpbuf_init(&key, 1024);
    ofpbuf_init(&mask, 1024);
    for (size_t i = 0; i < text->n_attrs && !result->refused.n; i++) {
        if (!put_attr(text->attrs[i], ports, &key, &mask))
            result->refused = text->attrs[i];
        result->has_in_port |= fl_text_starts(text->attrs[i], "in_port(");
        result->has_recirc_id |= fl_text_starts(text->attrs[i], "recirc_id(");
    }
    ok = !result->refused.n && to_match(&key, &mask, match);
    ofpbuf_uninit(&key);
    ofpbuf_uninit(&mask);
    return ok;
}
