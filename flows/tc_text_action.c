/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of one action. Most of it is pairs of a name and a value whose names are those of JSON; kinds
 * of action only tell a few of them apart.
 */
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/json_read.h"
#include "flows/tc_json_internal.h"
#include "flows/tc_text_internal.h"

#define WORD_BYTES 96

static void put_text(json_t *json, const char *key, const char *text)
{
    json_object_set_new(json, key, fl_json_of_string(text));
}

const char *fl_tc_find_action(const char *line)
{
    const char *found = strstr(line, "action order ");

    found = found ? strchr(found, ':') : NULL;
    return found ? found + 1 : NULL;
}

/* Names whose value is the next word; in JSON some have another name. */
static const struct {
    const char *text, *json;
} pairs[] = {
    { "id", "id" },
    { "protocol", "protocol" },
    { "priority", "priority" },
    { "dst_mac", "dst_mac" },
    { "src_mac", "src_mac" },
    { "zone", "zone" },
    { "label", "label" },
    { "key_id", "key_id" },
    { "dst_port", "dst_port" },
    { "src_ip", "src_ip" },
    { "dst_ip", "dst_ip" },
    { "tos", "tos" },
    { "ttl", "ttl" },
    { "index", "index" },
    { "ref", "ref" },
    { "bind", "bind" },
    { "installed", "installed" },
    { "used", "last_used" },
    { "firstused", "first_used" },
    { "expires", "expires" },
    { "cookie", "cookie" },
    { "ptype", "ptype" },
    { "queue_mapping", "queue_mapping" },
    { "tc", "tc" },
    { "bos", "bos" },
    { "rate", "rate" },
    { "group", "group" },
    { "trunc_size", "trunc_size" },
};

static bool read_pair(const char *word, const char **rest, json_t *action)
{
    char value[WORD_BYTES];

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (strcmp(word, pairs[i].text))
            continue;
        if (fl_tc_next_word(rest, value, sizeof value))
            put_text(action, pairs[i].json, value);
        return true;
    }
    return false;
}

/* "mark 8/0xff": value and mask apart, as in JSON */
static void read_mark(const char **rest, json_t *action)
{
    char value[WORD_BYTES], *slash;

    if (!fl_tc_next_word(rest, value, sizeof value))
        return;
    slash = strchr(value, '/');
    if (slash) {
        *slash = '\0';
        put_text(action,
                 !strcmp(json_string_value(json_object_get(action, "kind")), "ct") ? "mark_mask"
                                                                                   : "mask",
                 slash + 1);
    }
    put_text(action, "mark", value);
}

static bool read_control(const char *word, const char **rest, json_t *action)
{
    char chain[8], value[WORD_BYTES];
    const char *at = *rest;
    uint32_t number;
    json_t *control;

    if (!fl_tc_word_read(fl_tc_control_words, word, &number))
        return false;
    control = json_object();
    put_text(control, "type", word);
    if (number == FL_TC_GOTO && fl_tc_next_word(&at, chain, sizeof chain) &&
        !strcmp(chain, "chain") && fl_tc_next_word(&at, value, sizeof value)) {
        put_text(control, "chain", value);
        *rest = at;
    } else if (number == FL_TC_JUMP && fl_tc_next_word(&at, value, sizeof value)) {
        put_text(control, "jump", value);
        *rest = at;
    }
    json_object_set_new(action, "control_action", control);
    return true;
}

/* "(Egress Redirect to device eth0) stolen" */
static void read_mirred(const char **rest, json_t *action)
{
    char where[16], what[16], dev[64];
    int n = 0;

    if (!ovs_scan_len(*rest, &n, " (%15[A-Za-z] %15[A-Za-z] to device %63[^)])", where, what, dev))
        return;
    *rest += n;
    put_text(action, "direction", !strcmp(where, "Ingress") ? "ingress" : "egress");
    put_text(action, "mirred_action", !strcmp(what, "Mirror") ? "mirror" : "redirect");
    put_text(action, "to_dev", dev);
}

/* "(iph, tcp) action pipe" */
static void read_csum(const char **rest, json_t *action)
{
    char list[64];
    int n = 0;

    if (!ovs_scan_len(*rest, &n, " (%63[^)])", list))
        return;
    *rest += n;
    put_text(action, "csum", list);
}

/* "key #0  at ipv4+8: add ff000000 mask 00ffffff" */
static bool read_pedit_key(const char *line, json_t *action)
{
    char header[16] = "network", cmd[8], value[16], mask[16];
    json_t *keys = json_object_get(action, "keys");
    int offset, n = 0;
    unsigned int i;

    if (!ovs_scan_len(line, &n, " key #%u at ", &i))
        return false;
    ovs_scan_len(line, &n, "%15[a-z0-9]", header);
    if (header[0] >= '0' && header[0] <= '9') {
        if (!ovs_scan(header, "%d", &offset))
            return true;
        strcpy(header, "network");
    } else if (!ovs_scan_len(line, &n, "+%d", &offset)) {
        return true;
    }
    if (!ovs_scan_len(line, &n, ": %7[a-z] %15[0-9a-f] mask %15[0-9a-f]", cmd, value, mask))
        return true;
    if (!keys) {
        keys = json_array();
        json_object_set_new(action, "keys", keys);
    }
    json_array_append_new(keys, json_pack("{s:s, s:i, s:s, s:s, s:s}", "htype", header, "offset",
                                          offset, "cmd", strcmp(cmd, "add") ? "set" : "add", "val",
                                          value, "mask", mask));
    return true;
}

/* "Sent 98 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)", "Sent hardware 98 bytes 1 pkt" */
static bool read_sent(const char *line, json_t *action)
{
    json_t *stats = json_object_get(action, "stats");
    unsigned long long bytes, packets;
    char whose[16] = "";
    const char *prefix;
    char key[16];

    line = strstr(line, "Sent ");
    if (!line)
        return false;
    if (!ovs_scan(line, "Sent %15[a-z] %llu bytes %llu pkt", whose, &bytes, &packets) &&
        !ovs_scan(line, "Sent %llu bytes %llu pkt", &bytes, &packets))
        return false;
    if (bytes > INT64_MAX || packets > INT64_MAX)
        return true;
    if (!stats) {
        stats = json_object();
        json_object_set_new(action, "stats", stats);
    }
    prefix = !strcmp(whose, "hardware") ? "hw_" : !strcmp(whose, "software") ? "sw_" : "";
    snprintf(key, sizeof key, "%sbytes", prefix);
    json_object_set_new(stats, key, json_integer((json_int_t)bytes));
    snprintf(key, sizeof key, "%spackets", prefix);
    json_object_set_new(stats, key, json_integer((json_int_t)packets));
    return true;
}

/* "nat src addr 10.0.0.1 port 80": up to the control word, which is no part of it */
static void read_nat(const char **rest, json_t *action)
{
    char word[WORD_BYTES], text[160] = "";
    const char *at = *rest;
    uint32_t control;

    while (fl_tc_next_word(&at, word, sizeof word) &&
           !fl_tc_word_read(fl_tc_control_words, word, &control)) {
        if (strlen(text) + strlen(word) + 2 > sizeof text)
            break;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? " " : "", word);
        *rest = at;
    }
    put_text(action, "nat", text);
}

/* Words without a value. Return: false when @word is none of them. */
static bool read_word(const char *kind, const char *word, json_t *action)
{
    uint32_t number;

    if (!strcmp(word, "no_percpu"))
        json_object_set_new(action, "no_percpu", json_true());
    else if (!strcmp(kind, "vlan") && fl_tc_word_read(fl_tc_vlan_words, word, &number))
        put_text(action, "vlan_action", word);
    else if (!strcmp(kind, "mpls") && fl_tc_word_read(fl_tc_mpls_words, word, &number))
        put_text(action, "mpls_action", word);
    else if (!strcmp(kind, "tunnel_key") && (!strcmp(word, "set") || !strcmp(word, "unset")))
        put_text(action, "mode", word);
    else if (!strcmp(kind, "tunnel_key") && (!strcmp(word, "csum") || !strcmp(word, "nocsum")))
        put_text(action, "flag", word);
    else if (!strcmp(kind, "ct") && (!strcmp(word, "commit") || !strcmp(word, "clear")))
        put_text(action, "action", word);
    else if (!strcmp(kind, "ct") && !strcmp(word, "force"))
        put_text(action, "action", "commit force");
    else
        return false;
    return true;
}

static bool read_rest(const char *line, json_t *action)
{
    const char *kind = json_string_value(json_object_get(action, "kind"));
    bool is_tunnel = !strcmp(kind, "tunnel_key"), found = false;
    char word[WORD_BYTES];

    while (fl_tc_next_word(&line, word, sizeof word)) {
        if (read_word(kind, word, action) || read_pair(word, &line, action) ||
            read_control(word, &line, action)) {
            found = true;
        } else if (!strcmp(word, "mark")) {
            read_mark(&line, action);
            found = true;
        } else if (!strcmp(word, "nat") && !strcmp(kind, "ct")) {
            read_nat(&line, action);
            found = true;
        } else if (is_tunnel && strstr(word, "_opts") && strlen(word) < 16) {
            put_text(action, word, "as text"); /* Refused by name. */
            found = true;
        }
    }
    return found;
}

static bool is_further_line(const char *line)
{
    static const char *const begins[] = { "Action statistics", "backlog",     "used_hw_stats",
                                          "hw_stats",          "random type", "in_hw",
                                          "not_in_hw" };

    line += strspn(line, " \t");
    for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
        if (!strncmp(line, begins[i], strlen(begins[i])))
            return true;
    }
    return false;
}

bool fl_tc_read_action_line(const char *line, bool first, json_t *action)
{
    char kind[WORD_BYTES];

    if (!first) {
        if (read_sent(line, action) || read_pedit_key(line, action) || is_further_line(line))
            return true;
        return read_rest(line, action);
    }
    if (!fl_tc_next_word(&line, kind, sizeof kind))
        strcpy(kind, "");
    put_text(action, "kind", kind);
    if (!strcmp(kind, "mirred"))
        read_mirred(&line, action);
    else if (!strcmp(kind, "csum"))
        read_csum(&line, action);
    if (!read_sent(line, action))
        read_rest(line, action);
    return true;
}
