/* SPDX-License-Identifier: Apache-2.0 */

/* See megaflow.h. */

#include "flows/megaflow.h"

#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/flow.h>
#include <openvswitch/meta-flow.h>
#include <openvswitch/ofp-parse.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"

#define IN_PORT "in_port="

static void release_ds(struct ds *ds)
{
    ds_destroy(ds);
}

/* Where the item at @text ends. Names of ports stand in quotes when they are not plain. */
static const char *item_end(const char *text)
{
    bool quoted = false;

    for (; *text && (quoted || *text != ','); text++) {
        quoted ^= *text == '"';
    }
    return text;
}

/* @text without in_port and the comma behind it. Return: whether it was there, once. */
static bool cut_in_port(const char *text, struct ds *rest)
{
    unsigned int n = 0;

    while (*text) {
        const char *end = item_end(text);

        if (!strncmp(text, IN_PORT, strlen(IN_PORT)) && end - text > (ptrdiff_t)strlen(IN_PORT)) {
            n++;
        } else {
            ds_put_format(rest, "%s%.*s", rest->length ? "," : "", (int)(end - text), text);
        }
        if (end[0] == ',' && !end[1]) {
            return false; /* It was cut off. */
        }
        text = end + (*end == ',');
    }
    return n == 1;
}

/* The second VLAN header has no name in OpenFlow. Return: false when @name is no part of it. */
static bool set_second_vlan(const char *name, const char *value, struct match *match)
{
    union flow_vlan_hdr *header = &match->flow.vlans[1];
    union flow_vlan_hdr *mask = &match->wc.masks.vlans[1];
    unsigned int n, bits = UINT16_MAX;

    if (!strcmp(name, "dl_vlan1") && ovs_scan(value, "%u", &n) && n <= VLAN_VID_MASK) {
        n |= VLAN_CFI;
        bits = VLAN_VID_MASK | VLAN_CFI;
    } else if (!strcmp(name, "dl_vlan_pcp1") && ovs_scan(value, "%u", &n) && n <= 7) {
        n = n << VLAN_PCP_SHIFT | VLAN_CFI;
        bits = VLAN_PCP_MASK | VLAN_CFI;
    } else if (strcmp(name, "vlan_tci1") ||
               !(ovs_scan(value, "0x%x/0x%x", &n, &bits) || ovs_scan(value, "0x%x", &n)) ||
               n > UINT16_MAX || bits > UINT16_MAX) {
        return false;
    }
    header->tci |= htons((uint16_t)n);
    mask->tci |= htons((uint16_t)bits);
    return true;
}

/* "+df-csum+key": libopenvswitch only takes those flags that OpenFlow knows. */
static bool set_tunnel_flags(const char *value, struct match *match)
{
    static const uint16_t flags[] = { FLOW_TNL_F_DONT_FRAGMENT, FLOW_TNL_F_CSUM, FLOW_TNL_F_KEY,
                                      FLOW_TNL_F_OAM };

    while (*value == '+' || *value == '-') {
        bool is_set = *value++ == '+';
        size_t n = strcspn(value, "+-"), i;

        for (i = 0; i < ARRAY_SIZE(flags); i++) {
            const char *name = flow_tun_flag_to_string(flags[i]);

            if (strlen(name) == n && !strncmp(name, value, n)) {
                break;
            }
        }
        if (i == ARRAY_SIZE(flags)) {
            return false;
        }
        match->wc.masks.tunnel.flags |= flags[i];
        match->flow.tunnel.flags |= is_set ? flags[i] : 0;
        value += n;
    }
    return !*value;
}

static bool read_item(const char *name, const char *value, struct match *match)
{
    const struct ofp_protocol *protocol;
    const struct mf_field *field;
    enum ofputil_protocol usable;
    char *wrong;

    if (!strcmp(name, "eth")) {
        match_set_packet_type(match, htonl(PT_ETH));
        return !*value;
    }
    if (ofp_parse_protocol(name, &protocol)) {
        match_set_dl_type(match, htons(protocol->dl_type));
        if (protocol->nw_proto) {
            match_set_nw_proto(match, protocol->nw_proto);
        }
        return !*value;
    }
    if (set_second_vlan(name, value, match)) {
        return true;
    }
    if (!strcmp(name, "tun_flags")) {
        return set_tunnel_flags(value, match);
    }
    field = mf_from_name(name);
    /* Options of tunnels have names in a table that the bridge keeps to itself. */
    if (!field || mf_is_tun_metadata(field)) {
        return false;
    }
    wrong = ofp_parse_field(field, value, NULL, match, &usable);
    free(wrong);
    return !wrong;
}

static int not_understood(struct fl_error *err, const char *what)
{
    return fl_error_set(err, -EPROTO, "cannot understand OVS's trace: megaflow: \"%s\"", what);
}

/* The same text must come out again, else something was taken for something else. */
static bool is_same(const struct match *match, const char *text)
{
    _cleanup_(release_ds) struct ds again = DS_EMPTY_INITIALIZER;

    match_format(match, NULL, &again, OFP_DEFAULT_PRIORITY);
    return !strcmp(ds_cstr(&again), text);
}

int fl_megaflow_read(const char *text, unsigned int n_vlans, struct match *region,
                     struct fl_error *err)
{
    _cleanup_(release_ds) struct ds rest = DS_EMPTY_INITIALIZER;
    struct match match = MATCH_CATCHALL_INITIALIZER;
    _cleanup_free char *copy = NULL;
    char *at, *name, *value;

    if (strlen(text) > FL_LIMIT_MEGAFLOW_BYTES || !cut_in_port(text, &rest)) {
        return not_understood(err, text);
    }
    copy = xstrdup(ds_cstr(&rest));
    for (at = copy; ofputil_parse_key_value(&at, &name, &value);) {
        if (!read_item(name, value, &match)) {
            return not_understood(err, name);
        }
    }
    if (!is_same(&match, ds_cstr(&rest)) || match.flow.packet_type) {
        return not_understood(err, text);
    }
    if (n_vlans < FLOW_MAX_VLAN_HEADERS) {
        if (match.flow.vlans[n_vlans].tci) {
            return not_understood(err, text);
        }
        match.wc.masks.vlans[n_vlans].tci = OVS_BE16_MAX;
    }
    match.wc.masks.packet_type = 0;
    *region = match;
    return 0;
}

int fl_megaflow_count_vlans(const char *flow, struct fl_error *err)
{
    static const char *const tagged[FLOW_MAX_VLAN_HEADERS] = { "dl_vlan=", "dl_vlan1=" };
    bool told = false;
    int n = 0;

    while (*flow) {
        const char *end = item_end(flow);

        if (n < FLOW_MAX_VLAN_HEADERS && !strncmp(flow, tagged[n], strlen(tagged[n]))) {
            n++;
            told = true;
        }
        told |= !strncmp(flow, "vlan_tci=0x0000,", strlen("vlan_tci=0x0000,"));
        flow = end + (*end == ',');
    }
    return told ? n
                : fl_error_set(err, -EPROTO,
                               "cannot understand OVS's trace: it does not tell whether the "
                               "packet has a VLAN header");
}
