/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of action does. */
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/limits.h"
#include "flows/tc_json_internal.h"
#include "flows/tc_key.h"

/* A number up to @max, whose presence is noted. */
static uint32_t part(const json_t *object, const char *key, uint64_t max,
                     struct fl_tc_action *action, enum fl_tc_part present)
{
    uint64_t number = fl_tc_number_or(object, key, UINT64_MAX);

    if (number > max)
        return 0;
    action->present |= present;
    return (uint32_t)number;
}

/* A text of hexadecimal digits, as tc writes masks and values of pedit. */
static bool hex_of(const json_t *object, const char *key, uint32_t *number)
{
    uint64_t value;

    if (!fl_tc_number_read(fl_tc_text_of(object, key), 16, UINT32_MAX, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

/* Kinds. Each returns false for what is not understood. */

static bool read_gact(const json_t *json, struct fl_tc_action *action)
{
    const json_t *prob = json_object_get(json, "prob");
    uint32_t random = 0;

    if (!prob)
        return true;
    if (!fl_tc_word_read(fl_tc_random_words, fl_tc_text_of(prob, "random_type"), &random))
        return false;
    action->gact.random_type = (uint16_t)random;
    action->gact.random_value = (uint16_t)fl_tc_number_or(prob, "val", 0);
    return fl_tc_control_read(json_object_get(prob, "control_action"),
                              &action->gact.random_control);
}

static bool read_mirred(const json_t *json, struct fl_tc_action *action)
{
    const char *what = fl_tc_text_of(json, "mirred_action"),
               *where = fl_tc_text_of(json, "direction");
    const char *dev = fl_tc_text_of(json, "to_dev");

    action->mirred.mirror = !strcmp(what, "mirror");
    action->mirred.ingress = !strcmp(where, "ingress");
    action->mirred.to_dev = *dev && strlen(dev) < FL_LIMIT_NAME_BYTES ? dev : NULL;
    return (action->mirred.mirror || !strcmp(what, "redirect")) &&
           (action->mirred.ingress || !strcmp(where, "egress"));
}

static uint16_t protocol_part(const json_t *json, struct fl_tc_action *action)
{
    const char *text = fl_tc_text_of(json, "protocol");
    uint32_t number = 0;

    if (*text && fl_tc_protocol_read(text, &number))
        action->present |= FL_TC_HAS_PROTOCOL;
    return (uint16_t)number;
}

static bool read_vlan(const json_t *json, struct fl_tc_action *action)
{
    struct fl_tc_vlan *vlan = &action->vlan;
    uint32_t what;

    if (!fl_tc_word_read(fl_tc_vlan_words, fl_tc_text_of(json, "vlan_action"), &what))
        return false;
    vlan->action = what;
    vlan->id = (uint16_t)part(json, "id", 4095, action, FL_TC_HAS_ID);
    vlan->priority = (uint8_t)part(json, "priority", 7, action, FL_TC_HAS_PRIORITY);
    vlan->protocol = protocol_part(json, action);
    if (what == FL_TC_PUSH_ETH && fl_tc_mac_read(fl_tc_text_of(json, "dst_mac"), &vlan->dst) &&
        fl_tc_mac_read(fl_tc_text_of(json, "src_mac"), &vlan->src))
        action->present |= FL_TC_HAS_MACS;
    return what != FL_TC_VLAN_PUSH || action->present & FL_TC_HAS_ID;
}

static bool read_pedit_key(const json_t *json, struct fl_tc_pedit_key *key)
{
    uint32_t header, value, mask;

    if (!fl_tc_word_read(fl_tc_pedit_words, fl_tc_text_of(json, "htype"), &header) ||
        !hex_of(json, "val", &value) || !hex_of(json, "mask", &mask) ||
        !json_is_integer(json_object_get(json, "offset")))
        return false;
    *key = (struct fl_tc_pedit_key){
        .header = (uint8_t)header,
        .add = !strcmp(fl_tc_text_of(json, "cmd"), "add"),
        .offset = (int32_t)json_integer_value(json_object_get(json, "offset")),
        .value = htonl(value),
        .mask = htonl(mask),
    };
    return true;
}

static bool read_pedit(const json_t *json, struct fl_tc_filter *filter, struct fl_tc_action *action)
{
    const json_t *keys = json_object_get(json, "keys"), *item;
    size_t i;

    action->pedit.first = filter->n_pedit_keys;
    json_array_foreach(keys, i, item) {
        if (filter->n_pedit_keys == FL_TC_PEDIT_KEYS_MAX ||
            !read_pedit_key(item, &filter->pedit_keys[filter->n_pedit_keys]))
            return false;
        filter->n_pedit_keys++;
        action->pedit.n++;
    }
    return action->pedit.n > 0;
}

static bool read_csum(const json_t *json, struct fl_tc_action *action)
{
    const char *text = fl_tc_text_of(json, "csum");

    for (const struct fl_tc_word *word = fl_tc_csum_words; word->text; word++) {
        const char *found = strstr(text, word->text);

        if (found && (found[strlen(word->text)] == ',' || !found[strlen(word->text)]))
            action->csum |= word->number;
    }
    return action->csum != 0;
}

static bool read_end(const json_t *json, const char *key, struct fl_tc_action *action, bool is_src)
{
    struct fl_tc_tunnel_key *tunnel = &action->tunnel_key;
    const char *text = fl_tc_text_of(json, key);
    struct fl_tc_value value;
    bool is_ip6;

    if (!*text)
        return true;
    if (!fl_tc_ip_read(text, &value, &is_ip6))
        return false;
    if (is_ip6)
        *(is_src ? &tunnel->src6 : &tunnel->dst6) = value.ip6;
    else
        *(is_src ? &tunnel->src4 : &tunnel->dst4) = value.ip4;
    action->present |= is_ip6 ? (is_src ? FL_TC_HAS_SRC6 : FL_TC_HAS_DST6)
                              : (is_src ? FL_TC_HAS_SRC4 : FL_TC_HAS_DST4);
    return true;
}

static bool read_set_opts(const json_t *json, struct fl_tc_filter *filter,
                          struct fl_tc_tunnel_key *tunnel)
{
    static const char *const kinds[] = { "geneve", "vxlan", "erspan" };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const json_t *opts;
        char name[16];

        snprintf(name, sizeof name, "%s_opts", kinds[i]);
        opts = json_object_get(json, name);
        if (!opts)
            continue;
        if (filter->n_tunnels == FL_TC_TUNNELS_MAX ||
            !fl_tc_opts_read(opts, kinds[i], &filter->tunnels[filter->n_tunnels]))
            return false;
        tunnel->opts = ++filter->n_tunnels;
    }
    return true;
}

static bool read_tunnel(const json_t *json, struct fl_tc_filter *filter,
                        struct fl_tc_action *action)
{
    struct fl_tc_tunnel_key *tunnel = &action->tunnel_key;
    const char *mode = fl_tc_text_of(json, "mode"), *flag = fl_tc_text_of(json, "flag");

    tunnel->action = !strcmp(mode, "set") ? FL_TC_TUNNEL_SET : FL_TC_TUNNEL_UNSET;
    if (tunnel->action == FL_TC_TUNNEL_UNSET)
        return !strcmp(mode, "unset");
    tunnel->key_id = part(json, "key_id", UINT32_MAX, action, FL_TC_HAS_ID);
    tunnel->dst_port = (uint16_t)part(json, "dst_port", UINT16_MAX, action, FL_TC_HAS_DST_PORT);
    tunnel->tos = (uint8_t)part(json, "tos", UINT8_MAX, action, FL_TC_HAS_TOS);
    tunnel->ttl = (uint8_t)part(json, "ttl", UINT8_MAX, action, FL_TC_HAS_TTL);
    tunnel->no_csum = !strcmp(flag, "nocsum");
    if (*flag)
        action->present |= FL_TC_HAS_NO_CSUM;
    return read_end(json, "src_ip", action, true) && read_end(json, "dst_ip", action, false) &&
           read_set_opts(json, filter, tunnel);
}

/* "src addr 10.0.0.1-10.0.0.9 port 1000-2000" */
static bool read_nat(const char *text, struct fl_tc_ct *ct)
{
    char direction[8], from[64] = "", to[64] = "";
    unsigned int port = 0, last_port = 0;
    bool is_ip6, to_is_ip6;
    int n = 0;

    ct->flags |= FL_TC_CT_NAT;
    if (!*text)
        return true;
    if (!ovs_scan_len(text, &n, "%7[a-z]", direction))
        return false;
    ct->flags |= !strcmp(direction, "src") ? FL_TC_CT_NAT_SRC : FL_TC_CT_NAT_DST;
    if (ovs_scan_len(text, &n, " addr %63[0-9a-f.:]", from)) {
        if (!fl_tc_ip_read(from, &ct->nat_min, &is_ip6))
            return false;
        ct->nat_family = is_ip6 ? 6 : 4;
        ct->nat_max = ct->nat_min;
        ct->nat_has_max = true;
        if (ovs_scan_len(text, &n, "-%63[0-9a-f.:]", to) &&
            (!fl_tc_ip_read(to, &ct->nat_max, &to_is_ip6) || to_is_ip6 != is_ip6))
            return false;
    }
    if (ovs_scan_len(text, &n, " port %u", &port)) {
        ct->nat_has_port = ct->nat_has_port_max = true;
        ovs_scan_len(text, &n, "-%u", &last_port);
        ct->nat_port_min = (uint16_t)port;
        ct->nat_port_max = (uint16_t)(last_port ? last_port : port);
    }
    return !text[n] && port <= UINT16_MAX && last_port <= UINT16_MAX;
}

static bool read_label(const char *text, struct fl_tc_ct *ct)
{
    char value[33];

    if (strlen(text) < 32)
        return false;
    ovs_strlcpy(value, text, sizeof value);
    return fl_tc_hex_read(value, ct->label, 16) &&
           (!text[32] || (text[32] == '/' && fl_tc_hex_read(text + 33, ct->label_mask, 16)));
}

static bool read_ct(const json_t *json, struct fl_tc_action *action)
{
    const char *what = fl_tc_text_of(json, "action"), *label = fl_tc_text_of(json, "label");
    const json_t *nat = json_object_get(json, "nat");
    struct fl_tc_ct *ct = &action->ct;

    if (!strncmp(what, "commit", 6))
        ct->flags |= FL_TC_CT_COMMIT | (strcmp(what, "commit force") ? 0 : FL_TC_CT_FORCE);
    else if (!strcmp(what, "clear"))
        ct->flags |= FL_TC_CT_CLEAR;
    else if (*what)
        return false;
    ct->zone = (uint16_t)part(json, "zone", UINT16_MAX, action, FL_TC_HAS_ZONE);
    ct->mark = part(json, "mark", UINT32_MAX, action, FL_TC_HAS_MARK);
    ct->mark_mask = UINT32_MAX;
    if (json_object_get(json, "mark_mask") && !hex_of(json, "mark_mask", &ct->mark_mask))
        return false;
    memset(ct->label_mask, 0xff, sizeof ct->label_mask);
    if (*label) {
        action->present |= FL_TC_HAS_LABEL;
        if (!read_label(label, ct))
            return false;
    }
    return !nat || (json_is_string(nat) && read_nat(json_string_value(nat), ct));
}

static bool read_skbedit(const json_t *json, struct fl_tc_action *action)
{
    struct fl_tc_skbedit *edit = &action->skbedit;
    const char *priority = fl_tc_text_of(json, "priority");
    unsigned int major = 0, minor = 0;
    uint32_t ptype = 0;

    if (fl_tc_word_read(fl_tc_ptype_words, fl_tc_text_of(json, "ptype"), &ptype)) {
        edit->ptype = (uint16_t)ptype;
        action->present |= FL_TC_HAS_PTYPE;
    } else {
        edit->ptype = (uint16_t)part(json, "ptype", UINT16_MAX, action, FL_TC_HAS_PTYPE);
    }
    edit->queue = (uint16_t)part(json, "queue_mapping", UINT16_MAX, action, FL_TC_HAS_QUEUE);
    edit->mark = part(json, "mark", UINT32_MAX, action, FL_TC_HAS_MARK);
    if (json_object_get(json, "mask") && hex_of(json, "mask", &edit->mask))
        action->present |= FL_TC_HAS_MASK;
    if (*priority) {
        action->present |= FL_TC_HAS_PRIORITY;
        if (ovs_scan(priority, "%x:%x", &major, &minor) || ovs_scan(priority, ":%x", &minor) ||
            ovs_scan(priority, "%x:", &major))
            edit->priority = major << 16 | (minor & 0xffff);
    }
    edit->inherit_dsfield = json_object_get(json, "inheritdsfield") != NULL;
    return true;
}

static bool read_mpls(const json_t *json, struct fl_tc_action *action)
{
    struct fl_tc_mpls *mpls = &action->mpls;
    uint32_t what;

    if (!fl_tc_word_read(fl_tc_mpls_words, fl_tc_text_of(json, "mpls_action"), &what))
        return false;
    mpls->action = what;
    mpls->protocol = protocol_part(json, action);
    mpls->label = part(json, "label", UINT32_MAX, action, FL_TC_HAS_LABEL);
    mpls->tc = (uint8_t)part(json, "tc", UINT8_MAX, action, FL_TC_HAS_TC);
    mpls->bos = (uint8_t)part(json, "bos", UINT8_MAX, action, FL_TC_HAS_BOS);
    mpls->ttl = (uint8_t)part(json, "ttl", UINT8_MAX, action, FL_TC_HAS_TTL);
    return true;
}

static bool read_sample(const json_t *json, struct fl_tc_action *action)
{
    action->sample.rate = (uint32_t)fl_tc_number_or(json, "rate", 0);
    action->sample.group = (uint32_t)fl_tc_number_or(json, "group", 0);
    action->sample.trunc_size = part(json, "trunc_size", UINT32_MAX, action, FL_TC_HAS_TRUNC);
    return true;
}

/*
 * tc prints a burst in packets that the kernel keeps as a time: the shortest that gives as many. Rates in
 * bytes are not printed as JSON.
 */
static void read_packet_rate(const json_t *json, struct fl_tc_action *action)
{
    uint64_t rate = fl_tc_number_or(json, "pkts_rate", 0);
    uint64_t burst = fl_tc_number_or(json, "pkts_burst", 0);

    if (!json_object_get(json, "pkts_rate") || rate > UINT32_MAX || burst > UINT32_MAX)
        return;
    action->present |= FL_TC_HAS_RATE;
    action->police.packet_rate = rate;
    if (rate) {
        uint64_t us = (burst * 1000000 + rate - 1) / rate;

        action->police.packet_burst = us > UINT32_MAX ? 0 : (us * 15625 + 999) / 1000;
    }
}

static bool read_police(const json_t *json, struct fl_tc_action *action)
{
    const json_t *exceeds = json_object_get(json, "exceed_action");

    action->police.overhead = (uint32_t)fl_tc_number_or(json, "overhead", 0);
    read_packet_rate(json, action);
    if (!exceeds)
        return true;
    action->police.result = action->control;
    action->present |= FL_TC_HAS_RESULT;
    return fl_tc_control_read(exceeds, &action->control);
}

bool fl_tc_kind_read(const json_t *json, struct fl_tc_filter *filter, struct fl_tc_action *action)
{
    switch (action->kind) {
    case FL_TC_GACT: return read_gact(json, action);
    case FL_TC_MIRRED: return read_mirred(json, action);
    case FL_TC_VLAN: return read_vlan(json, action);
    case FL_TC_PEDIT: return read_pedit(json, filter, action);
    case FL_TC_CSUM: return read_csum(json, action);
    case FL_TC_TUNNEL_KEY: return read_tunnel(json, filter, action);
    case FL_TC_CT: return read_ct(json, action);
    case FL_TC_SKBEDIT: return read_skbedit(json, action);
    case FL_TC_POLICE: return read_police(json, action);
    case FL_TC_MPLS: return read_mpls(json, action);
    case FL_TC_SAMPLE: return read_sample(json, action);
    case FL_TC_OTHER: break;
    }
    return false;
}
