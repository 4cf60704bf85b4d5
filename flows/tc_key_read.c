/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/tc_key.h"

#define VALUE_BYTES 96

bool fl_tc_number_read(const char *text, int base, uint64_t max, uint64_t *value)
{
    unsigned long long number;
    char *end;

    if (!((*text >= '0' && *text <= '9') || (base == 16 && hexit_value((unsigned char)*text) >= 0)))
        return false;
    errno = 0;
    number = strtoull(text, &end, base);
    if (errno || *end || number > max)
        return false;
    *value = number;
    return true;
}

bool fl_tc_ip_read(const char *text, struct fl_tc_value *value, bool *is_ip6)
{
    *is_ip6 = strchr(text, ':') != NULL;
    return inet_pton(*is_ip6 ? AF_INET6 : AF_INET, text, value) == 1;
}

bool fl_tc_mac_read(const char *text, struct eth_addr *mac)
{
    struct eth_addr read;
    int n = 0;

    for (size_t i = 0; i < sizeof read.ea; i++) {
        int high = hexit_value((unsigned char)text[n]), low;

        if (high < 0)
            return false;
        low = hexit_value((unsigned char)text[n + 1]);
        read.ea[i] = (uint8_t)(low < 0 ? high : high << 4 | low);
        n += low < 0 ? 1 : 2;
        if (text[n++] != (i < 5 ? ':' : '\0'))
            return false;
    }
    *mac = read;
    return true;
}

bool fl_tc_hex_read(const char *text, uint8_t *bytes, size_t n)
{
    if (strlen(text) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hexit_value((unsigned char)text[2 * i]);
        int low = hexit_value((unsigned char)text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The mask behind the '/': a number of bits, or written like the value. */
static bool read_prefix(const char *text, uint8_t *mask, size_t n)
{
    uint64_t bits;

    if (!fl_tc_number_read(text, 10, n * 8, &bits))
        return false;
    memset(mask, 0, n);
    for (size_t i = 0; i < bits; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return true;
}

static bool read_mac(const char *text, const char *mask, struct fl_tc_value *v,
                     struct fl_tc_value *m)
{
    return fl_tc_mac_read(text, &v->mac) &&
           (!mask || read_prefix(mask, m->bytes, 6) || fl_tc_mac_read(mask, &m->mac));
}

/* tc names both families alike: the value tells which key it is. */
static bool read_ip(const char *text, const char *mask, enum fl_tc_key *key, enum fl_tc_form form,
                    struct fl_tc_value *v, struct fl_tc_value *m)
{
    bool is_ip6, mask_is_ip6;

    if (!fl_tc_ip_read(text, v, &is_ip6))
        return false;
    if (is_ip6 && form == FL_TC_FORM_IP4) {
        if (*key == FL_TC_KEY_ARP_SIP || *key == FL_TC_KEY_ARP_TIP)
            return false;
        *key += 1;
    }
    return !mask || read_prefix(mask, m->bytes, is_ip6 ? 16 : 4) ||
           (fl_tc_ip_read(mask, m, &mask_is_ip6) && mask_is_ip6 == is_ip6);
}

static bool read_number(const char *text, const char *mask, uint64_t max, int mask_base,
                        struct fl_tc_value *v, struct fl_tc_value *m)
{
    uint64_t value, mask_value = max;

    if (!fl_tc_number_read(text, 0, max, &value) ||
        (mask && !fl_tc_number_read(mask, mask_base, max, &mask_value)))
        return false;
    v->n = (uint32_t)value;
    m->n = (uint32_t)mask_value;
    return true;
}

static bool read_arp_op(const char *text, const char *mask, struct fl_tc_value *v,
                        struct fl_tc_value *m)
{
    if (!strcmp(text, "request"))
        text = "1";
    else if (!strcmp(text, "reply"))
        text = "2";
    return read_number(text, mask, UINT8_MAX, 0, v, m);
}

static bool read_named(const char *text, enum fl_tc_form form, struct fl_tc_value *v)
{
    static const struct {
        const char *name;
        uint8_t number;
    } protos[] = { { "tcp", IPPROTO_TCP },   { "udp", IPPROTO_UDP },       { "sctp", IPPROTO_SCTP },
                   { "icmp", IPPROTO_ICMP }, { "icmpv6", IPPROTO_ICMPV6 }, { "l2tp", 115 } };
    uint64_t number;

    if (form == FL_TC_FORM_PROTOCOL)
        return fl_tc_protocol_read(text, &v->n);
    if (form == FL_TC_FORM_PPP)
        return fl_tc_ppp_read(text, &v->n);
    for (size_t i = 0; form == FL_TC_FORM_IP_PROTO && i < ARRAY_SIZE(protos); i++) {
        if (!strcmp(text, protos[i].name)) {
            v->n = protos[i].number;
            return true;
        }
    }
    if (fl_tc_number_read(text, 16, form == FL_TC_FORM_IP_PROTO ? UINT8_MAX : UINT16_MAX,
                          &number)) {
        v->n = (uint32_t)number;
        return true;
    }
    return form == FL_TC_FORM_ETH_TYPE && fl_tc_protocol_read(text, &v->n);
}

/* "+trk-new" */
static bool read_ct_state(const char *text, struct fl_tc_value *v, struct fl_tc_value *m)
{
    static const struct {
        char name[4];
        uint32_t bit;
    } states[] = {
        { "trk", FL_TC_CT_TRACKED }, { "new", FL_TC_CT_NEW },     { "est", FL_TC_CT_ESTABLISHED },
        { "rel", FL_TC_CT_RELATED }, { "inv", FL_TC_CT_INVALID }, { "rpl", FL_TC_CT_REPLY },
    };
    size_t i;

    v->n = m->n = 0;
    for (; *text; text += 4) {
        if (*text != '+' && *text != '-')
            return false;
        for (i = 0; i < ARRAY_SIZE(states) && strncmp(text + 1, states[i].name, 3); i++)
            continue;
        if (i == ARRAY_SIZE(states))
            return false;
        m->n |= states[i].bit;
        v->n |= *text == '+' ? states[i].bit : 0;
    }
    return true;
}

/* "frag/nofirstfrag" */
static bool read_ip_flags(const char *text, const char *more, struct fl_tc_value *v,
                          struct fl_tc_value *m)
{
    v->n = m->n = 0;
    for (; text; text = more, more = NULL) {
        bool no = !strncmp(text, "no", 2);
        uint32_t bit = !strcmp(text + (no ? 2 : 0), "frag")        ? FL_TC_IS_FRAGMENT
                       : !strcmp(text + (no ? 2 : 0), "firstfrag") ? FL_TC_FIRST_FRAGMENT
                                                                   : 0;

        if (!bit)
            return false;
        m->n |= bit;
        v->n |= no ? 0 : bit;
    }
    return true;
}

static bool read_label(const char *text, const char *mask, struct fl_tc_value *v,
                       struct fl_tc_value *m)
{
    return fl_tc_hex_read(text, v->bytes, 16) && (!mask || fl_tc_hex_read(mask, m->bytes, 16));
}

static bool read_form(enum fl_tc_form form, enum fl_tc_key *key, const char *text, const char *mask,
                      struct fl_tc_value *v, struct fl_tc_value *m)
{
    switch (form) {
    /* Hexadecimal also without 0x, as older versions print masks of ip_tos. */
    case FL_TC_FORM_U8: return read_number(text, mask, UINT8_MAX, 16, v, m);
    case FL_TC_FORM_U16: return read_number(text, mask, UINT16_MAX, 16, v, m);
    case FL_TC_FORM_U32: return read_number(text, mask, UINT32_MAX, 16, v, m);
    case FL_TC_FORM_SLASHED: return read_number(text, mask, UINT8_MAX, 0, v, m);
    case FL_TC_FORM_ARP_OP: return read_arp_op(text, mask, v, m);
    case FL_TC_FORM_MAC: return read_mac(text, mask, v, m);
    case FL_TC_FORM_IP4:
    case FL_TC_FORM_IP6: return read_ip(text, mask, key, form, v, m);
    case FL_TC_FORM_ETH_TYPE:
    case FL_TC_FORM_PROTOCOL:
    case FL_TC_FORM_PPP:
    case FL_TC_FORM_IP_PROTO: return !mask && read_named(text, form, v);
    case FL_TC_FORM_RANGE: return false;
    case FL_TC_FORM_TCP_FLAGS: return read_number(text, mask, UINT16_MAX, 16, v, m);
    case FL_TC_FORM_IP_FLAGS: return read_ip_flags(text, mask, v, m);
    case FL_TC_FORM_CT_STATE: return !mask && read_ct_state(text, v, m);
    case FL_TC_FORM_CT_LABEL: return read_label(text, mask, v, m);
    }
    return false;
}

/* "80-90", "range 80-90" */
static bool read_range(struct fl_tc_filter *filter, enum fl_tc_key port, const char *text)
{
    enum fl_tc_key min = port == FL_TC_KEY_DST_PORT ? FL_TC_KEY_DST_PORT_MIN
                                                    : FL_TC_KEY_SRC_PORT_MIN;
    unsigned int start, end;

    if (!ovs_scan(text, "%u-%u", &start, &end) || start > UINT16_MAX || end > UINT16_MAX)
        return false;
    fl_tc_put_key(filter, min)->n = start;
    fl_tc_put_key(filter, min + 1)->n = end;
    return true;
}

static bool find_key(const char *name, enum fl_tc_key *key)
{
    for (enum fl_tc_key i = 0; i < FL_TC_N_KEYS; i++) {
        if (!strcmp(fl_tc_key_name(i), name)) {
            *key = i;
            return true;
        }
    }
    return false;
}

bool fl_tc_key_read(struct fl_tc_filter *filter, const char *name, const char *text,
                    const char *mask)
{
    struct fl_tc_value v, m;
    char value[VALUE_BYTES];
    enum fl_tc_key key;
    char *slash;

    if (!find_key(name, &key) || strlen(text) >= sizeof value)
        return false;
    if ((key == FL_TC_KEY_DST_PORT || key == FL_TC_KEY_SRC_PORT) && strchr(text, '-'))
        return read_range(filter, key, text);
    ovs_strlcpy(value, text, sizeof value);
    slash = strchr(value, '/');
    if (slash) {
        *slash = '\0';
        mask = slash + 1;
    }
    memset(&v, 0, sizeof v);
    memset(&m, 0xff, sizeof m);
    if (!read_form(fl_tc_key_form(key), &key, value, mask, &v, &m))
        return false;
    *fl_tc_put_key(filter, key) = v;
    if (mask || fl_tc_key_form(key) == FL_TC_FORM_CT_STATE ||
        fl_tc_key_form(key) == FL_TC_FORM_IP_FLAGS) {
        filter->masked |= UINT64_C(1) << key;
        filter->mask[key] = m;
    }
    return true;
}
