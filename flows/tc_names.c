/* SPDX-License-Identifier: Apache-2.0 */
/* Source: iproute2 6.1 lib/ll_proto.c and lib/ppp_proto.c; Linux 6.1 linux/if_ether.h, ppp_defs.h. */
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/tc_key.h"

struct name {
    uint16_t number;
    const char *text;
};

/* What tc prints for a number is the first of its names. */
static const struct name protocols[] = {
    { 0x0800, "ip" },      { 0x0806, "arp" },      { 0x86dd, "ipv6" },      { 0x8100, "802.1Q" },
    { 0x0003, "all" },     { 0x88a8, "802.1ad" },  { 0x8847, "mpls_uc" },   { 0x8848, "mpls_mc" },
    { 0x0060, "loop" },    { 0x0200, "pup" },      { 0x0201, "pupat" },     { 0x0805, "x25" },
    { 0x08ff, "bpq" },     { 0x0a00, "ieeepup" },  { 0x0a01, "ieeepupat" }, { 0x6000, "dec" },
    { 0x6001, "dna_dl" },  { 0x6002, "dna_rc" },   { 0x6003, "dna_rt" },    { 0x6004, "lat" },
    { 0x6005, "diag" },    { 0x6006, "cust" },     { 0x6007, "sca" },       { 0x8035, "rarp" },
    { 0x809b, "atalk" },   { 0x80f3, "aarp" },     { 0x8137, "ipx" },       { 0x8863, "ppp_disc" },
    { 0x8864, "ppp_ses" }, { 0x884c, "atmmpoa" },  { 0x8884, "atmfate" },   { 0x0001, "802_3" },
    { 0x0002, "ax25" },    { 0x0004, "802_2" },    { 0x0005, "snap" },      { 0x0006, "ddcmp" },
    { 0x0007, "wan_ppp" }, { 0x0008, "ppp_mp" },   { 0x0009, "localtalk" }, { 0x000c, "can" },
    { 0x0010, "ppptalk" }, { 0x0011, "tr_802_2" }, { 0x0015, "mobitex" },   { 0x0016, "control" },
    { 0x0017, "irda" },    { 0x0018, "econet" },   { 0x88ca, "tipc" },      { 0x8892, "profinet" },
    { 0x88a2, "aoe" },     { 0x88a4, "ethercat" }, { 0x6558, "teb" },       { 0x88cc, "LLDP" },
    { 0x0800, "ipv4" },
};

static const struct name ppp_protocols[] = {
    { 0x0021, "ip" },         { 0x0029, "at" },      { 0x002b, "ipx" },     { 0x002d, "vjc_comp" },
    { 0x002f, "vjc_uncomp" }, { 0x003d, "mp" },      { 0x0057, "ipv6" },    { 0x00fb, "compfrag" },
    { 0x00fd, "comp" },       { 0x0281, "mpls_uc" }, { 0x0283, "mpls_mc" }, { 0x8021, "ipcp" },
    { 0x8029, "atcp" },       { 0x802b, "ipxcp" },   { 0x8057, "ipv6cp" },  { 0x80fb, "ccpfrag" },
    { 0x80fd, "ccp" },        { 0xc021, "lcp" },     { 0xc023, "pap" },     { 0xc025, "lqr" },
    { 0xc223, "chap" },       { 0xc029, "cbcp" },
};

static const char *name_of(const struct name *names, size_t n, uint16_t number,
                           char buf[FL_TC_NAME_BYTES])
{
    for (size_t i = 0; i < n; i++) {
        if (names[i].number == number)
            return names[i].text;
    }
    snprintf(buf, FL_TC_NAME_BYTES, "[%u]", number);
    return buf;
}

static bool number_of(const struct name *names, size_t n, const char *text, uint32_t *number)
{
    char digits[FL_TC_NAME_BYTES];
    size_t length = strlen(text);
    uint64_t value;

    for (size_t i = 0; i < n; i++) {
        if (!strcasecmp(names[i].text, text)) {
            *number = names[i].number;
            return true;
        }
    }
    if (length > 2 && length < sizeof digits && text[0] == '[' && text[length - 1] == ']') {
        ovs_strlcpy(digits, text + 1, length - 1);
        text = digits;
    }
    if (!fl_tc_number_read(text, 0, UINT16_MAX, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

const char *fl_tc_protocol_name(uint16_t protocol, char buf[FL_TC_NAME_BYTES])
{
    return name_of(protocols, ARRAY_SIZE(protocols), protocol, buf);
}

bool fl_tc_protocol_read(const char *text, uint32_t *protocol)
{
    return number_of(protocols, ARRAY_SIZE(protocols), text, protocol);
}

const char *fl_tc_ppp_name(uint16_t protocol, char buf[FL_TC_NAME_BYTES])
{
    return name_of(ppp_protocols, ARRAY_SIZE(ppp_protocols), protocol, buf);
}

bool fl_tc_ppp_read(const char *text, uint32_t *protocol)
{
    return number_of(ppp_protocols, ARRAY_SIZE(ppp_protocols), text, protocol);
}
