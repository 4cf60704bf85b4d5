/* SPDX-License-Identifier: Apache-2.0 */
/* Source: iproute2 6.1 tc/f_flower.c, the flower_print_*() function of each form. */
#include "flows/tc_key.h"

#include <arpa/inet.h>
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/json_read.h"

#define KEY_NAME(name, form, text) [FL_TC_KEY_##name] = text,
#define KEY_FORM(name, form, text) [FL_TC_KEY_##name] = FL_TC_FORM_##form,

static const char *const names[FL_TC_N_KEYS] = { FL_TC_KEYS(KEY_NAME) };
static const uint8_t forms[FL_TC_N_KEYS] = { FL_TC_KEYS(KEY_FORM) };

const char *fl_tc_key_name(enum fl_tc_key key)
{
    return names[key];
}

enum fl_tc_form fl_tc_key_form(enum fl_tc_key key)
{
    return forms[key];
}

/* Length of the prefix that a mask is, or -1 when it is none. A mask of zeros is none to tc. */
static int prefix_length(const uint8_t *mask, size_t n)
{
    int bits = 0;
    bool ended = false;

    for (size_t i = 0; i < n * 8; i++) {
        bool bit = mask[i / 8] >> (7 - i % 8) & 1;

        if (bit && ended)
            return -1;
        bits += bit;
        ended |= !bit;
    }
    return bits ? bits : -1;
}

#define ADDRESS_BYTES (2 * INET6_ADDRSTRLEN)

static void format_ip(const void *address, size_t n, char text[INET6_ADDRSTRLEN])
{
    if (!inet_ntop(n == 4 ? AF_INET : AF_INET6, address, text, INET6_ADDRSTRLEN))
        text[0] = '\0';
}

static void format_mac(const uint8_t *mac, char text[18])
{
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
}

static json_t *masked_address(const uint8_t *address, const uint8_t *mask, size_t n)
{
    char text[ADDRESS_BYTES], suffix[INET6_ADDRSTRLEN + 1] = "/";
    int bits = prefix_length(mask, n);

    if (n == 6)
        format_mac(address, text);
    else
        format_ip(address, n, text);
    if (bits < 0 && n == 6)
        format_mac(mask, suffix + 1);
    else if (bits < 0)
        format_ip(mask, n, suffix + 1);
    else
        snprintf(suffix, sizeof suffix, "/%d", bits);
    if (bits != (int)n * 8)
        strncat(text, suffix, sizeof text - strlen(text) - 1);
    return json_string(text);
}

json_t *fl_tc_ip_json(const void *bytes, size_t n)
{
    char text[INET6_ADDRSTRLEN];

    format_ip(bytes, n, text);
    return json_string(text);
}

json_t *fl_tc_mac_json(const struct eth_addr *mac)
{
    char text[18];

    format_mac(mac->ea, text);
    return json_string(text);
}

json_t *fl_tc_hex_json(const uint8_t *bytes, size_t n)
{
    char text[2 * 16 + 1] = "";

    for (size_t i = 0; i < n && i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return json_string(text);
}

json_t *fl_tc_label_json(const uint8_t value[16], const uint8_t mask[16])
{
    json_t *text = fl_tc_hex_json(value, 16), *with_mask, *mask_text;

    if (is_all_ones(mask, 16))
        return text;
    mask_text = fl_tc_hex_json(mask, 16);
    with_mask = json_sprintf("%s/%s", json_string_value(text), json_string_value(mask_text));
    json_decref(mask_text);
    json_decref(text);
    return with_mask;
}

static json_t *eth_type_json(uint32_t type)
{
    switch (type) {
    case 0x0800: return json_string("ipv4");
    case 0x86dd: return json_string("ipv6");
    case 0x0806: return json_string("arp");
    case 0x8035: return json_string("rarp");
    }
    return json_sprintf("%04x", type);
}

static json_t *ip_proto_json(uint32_t proto)
{
    switch (proto) {
    case IPPROTO_TCP: return json_string("tcp");
    case IPPROTO_UDP: return json_string("udp");
    case IPPROTO_SCTP: return json_string("sctp");
    case IPPROTO_ICMP: return json_string("icmp");
    case IPPROTO_ICMPV6: return json_string("icmpv6");
    }
    return json_sprintf("%02x", proto);
}

static json_t *slashed_json(uint32_t value, uint32_t mask, bool is_arp_op)
{
    if (mask != UINT8_MAX)
        return json_sprintf("%u/%u", value, mask);
    if (is_arp_op && (value == 1 || value == 2))
        return json_string(value == 1 ? "request" : "reply");
    return json_sprintf("%u", value);
}

static json_t *ip_flags_json(uint32_t flags, uint32_t mask)
{
    json_t *json;

    if (!(mask & (FL_TC_IS_FRAGMENT | FL_TC_FIRST_FRAGMENT)))
        return NULL;
    json = json_object();
    if (mask & FL_TC_IS_FRAGMENT)
        json_object_set_new(json, "frag", json_boolean(flags & FL_TC_IS_FRAGMENT));
    if (mask & FL_TC_FIRST_FRAGMENT)
        json_object_set_new(json, "firstfrag", json_boolean(flags & FL_TC_FIRST_FRAGMENT));
    return json;
}

static const struct {
    char text[4];
    uint32_t bit;
} ct_states[] = {
    { "trk", FL_TC_CT_TRACKED }, { "new", FL_TC_CT_NEW },     { "est", FL_TC_CT_ESTABLISHED },
    { "rel", FL_TC_CT_RELATED }, { "inv", FL_TC_CT_INVALID }, { "rpl", FL_TC_CT_REPLY },
};

static json_t *ct_state_json(uint32_t state, uint32_t mask)
{
    char text[4 * ARRAY_SIZE(ct_states) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(ct_states); i++) {
        if (!(mask & ct_states[i].bit))
            continue;
        text[n++] = state & ct_states[i].bit ? '+' : '-';
        memcpy(text + n, ct_states[i].text, 3);
        n += 3;
    }
    return json_stringn(text, n);
}

/* "name" and, unless it is full, "name_mask", which is a text of hexadecimal digits. */
static json_t *put_masked(const char *name, uint32_t value, uint32_t mask, uint32_t full,
                          json_t *keys)
{
    char mask_name[64];

    if (mask != full) {
        snprintf(mask_name, sizeof mask_name, "%s_mask", name);
        json_object_set_new(keys, mask_name, json_sprintf("%x", mask));
    }
    return json_integer(value);
}

/* Both ends of a range make one object; the kernel gives both or neither. */
static json_t *range_json(const struct fl_tc_filter *filter, enum fl_tc_key key)
{
    if ((key != FL_TC_KEY_DST_PORT_MIN && key != FL_TC_KEY_SRC_PORT_MIN) ||
        !fl_tc_has_key(filter, key + 1))
        return NULL;
    return json_pack("{s:i, s:i}", "start", (int)filter->key[key].n, "end",
                     (int)filter->key[key + 1].n);
}

static json_t *tcp_flags_json(uint32_t flags, uint32_t mask, bool is_masked)
{
    return is_masked ? json_sprintf("0x%x/%x", flags, mask) : json_sprintf("0x%x", flags);
}

void fl_tc_key_put_json(const struct fl_tc_filter *filter, enum fl_tc_key key, json_t *keys)
{
    const struct fl_tc_value *v = &filter->key[key], *m = &filter->mask[key];
    const char *name = names[key];
    char buf[FL_TC_NAME_BYTES];
    json_t *json = NULL;

    switch ((enum fl_tc_form)forms[key]) {
    case FL_TC_FORM_U8: json = put_masked(name, v->n, m->n, UINT8_MAX, keys); break;
    case FL_TC_FORM_U16: json = put_masked(name, v->n, m->n, UINT16_MAX, keys); break;
    case FL_TC_FORM_U32: json = put_masked(name, v->n, m->n, UINT32_MAX, keys); break;
    case FL_TC_FORM_SLASHED: json = slashed_json(v->n, m->n, false); break;
    case FL_TC_FORM_ARP_OP: json = slashed_json(v->n, m->n, true); break;
    case FL_TC_FORM_MAC: json = masked_address(v->bytes, m->bytes, 6); break;
    case FL_TC_FORM_IP4: json = masked_address(v->bytes, m->bytes, 4); break;
    case FL_TC_FORM_IP6: json = masked_address(v->bytes, m->bytes, 16); break;
    case FL_TC_FORM_ETH_TYPE: json = eth_type_json(v->n); break;
    case FL_TC_FORM_PROTOCOL: json = json_string(fl_tc_protocol_name((uint16_t)v->n, buf)); break;
    case FL_TC_FORM_PPP: json = json_string(fl_tc_ppp_name((uint16_t)v->n, buf)); break;
    case FL_TC_FORM_IP_PROTO: json = ip_proto_json(v->n); break;
    case FL_TC_FORM_RANGE: json = range_json(filter, key); break;
    case FL_TC_FORM_TCP_FLAGS: json = tcp_flags_json(v->n, m->n, filter->masked >> key & 1); break;
    case FL_TC_FORM_IP_FLAGS: json = ip_flags_json(v->n, m->n); break;
    case FL_TC_FORM_CT_STATE: json = ct_state_json(v->n, m->n); break;
    case FL_TC_FORM_CT_LABEL: json = fl_tc_label_json(v->bytes, m->bytes); break;
    }
    if (json)
        json_object_set_new(keys, name, json);
}
