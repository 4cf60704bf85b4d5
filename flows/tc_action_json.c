/* SPDX-License-Identifier: Apache-2.0 */
/* Source: iproute2 6.1 tc/m_*.c, the print function of each kind; tc/tc_util.c print_tcstats2_attr(). */
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/json_read.h"
#include "flows/tc_json_internal.h"
#include "flows/tc_key.h"

static void put(json_t *json, const char *key, json_t *value)
{
    json_object_set_new(json, key, value);
}

static void put_number(json_t *json, const char *key, uint64_t number)
{
    put(json, key, json_integer((json_int_t)number));
}

static void put_if(json_t *json, bool present, const char *key, uint64_t number)
{
    if (present)
        put_number(json, key, number);
}

static json_t *control_json(uint32_t control)
{
    uint32_t extended = control == FL_TC_UNSPEC ? 0 : control & FL_TC_EXT_MASK;
    bool is_extended = extended == FL_TC_GOTO || extended == FL_TC_JUMP;
    const char *word = fl_tc_word_of(fl_tc_control_words, is_extended ? extended : control);
    json_t *json = json_object();

    put(json, "type", word ? json_string(word) : json_sprintf("%d", (int)control));
    if (is_extended)
        put_number(json, extended == FL_TC_GOTO ? "chain" : "jump", control & FL_TC_EXT_VALUE);
    return json;
}

/* Kinds */

static void put_gact(const struct fl_tc_action *action, json_t *json)
{
    const char *random = fl_tc_word_of(fl_tc_random_words, action->gact.random_type);
    json_t *prob = json_object();

    put(prob, "random_type", json_string(random ? random : "none"));
    put(prob, "control_action", control_json(action->gact.random_control));
    put_number(prob, "val", action->gact.random_value);
    put(json, "prob", prob);
}

static void put_mirred(const struct fl_tc_mirred *mirred, json_t *json)
{
    put(json, "mirred_action", json_string(mirred->mirror ? "mirror" : "redirect"));
    put(json, "direction", json_string(mirred->ingress ? "ingress" : "egress"));
    put(json, "to_dev", fl_json_of_string(mirred->to_dev));
}

static void put_vlan(const struct fl_tc_action *action, json_t *json)
{
    const struct fl_tc_vlan *vlan = &action->vlan;
    char buf[FL_TC_NAME_BYTES];

    put(json, "vlan_action", fl_json_of_string(fl_tc_word_of(fl_tc_vlan_words, vlan->action)));
    if (vlan->action == FL_TC_PUSH_ETH) {
        put(json, "dst_mac", fl_tc_mac_json(&vlan->dst));
        put(json, "src_mac", fl_tc_mac_json(&vlan->src));
    }
    if (vlan->action != FL_TC_VLAN_PUSH && vlan->action != FL_TC_VLAN_MODIFY)
        return;
    put_if(json, action->present & FL_TC_HAS_ID, "id", vlan->id);
    if (action->present & FL_TC_HAS_PROTOCOL)
        put(json, "protocol", json_string(fl_tc_protocol_name(vlan->protocol, buf)));
    put_if(json, action->present & FL_TC_HAS_PRIORITY, "priority", vlan->priority);
}

static void put_pedit(const struct fl_tc_filter *filter, const struct fl_tc_pedit *pedit,
                      json_t *json)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < pedit->n; i++) {
        const struct fl_tc_pedit_key *key = &filter->pedit_keys[pedit->first + i];
        const char *header = fl_tc_word_of(fl_tc_pedit_words, key->header);
        json_t *item = json_object();

        put(item, "htype", header ? json_string(header) : json_sprintf("unknown(%d)", key->header));
        put(item, "offset", json_integer(key->offset));
        put(item, "cmd", json_string(key->add ? "add" : "set"));
        put(item, "val", json_sprintf("%x", ntohl(key->value)));
        put(item, "mask", json_sprintf("%x", ntohl(key->mask)));
        json_array_append_new(keys, item);
    }
    put_number(json, "nkeys", pedit->n);
    put(json, "keys", keys);
}

static void put_csum(uint32_t flags, json_t *json)
{
    char text[64] = "";

    for (const struct fl_tc_word *word = fl_tc_csum_words; word->text; word++) {
        if (flags & word->number)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? ", " : "",
                     word->text);
    }
    put(json, "csum", json_string(text[0] ? text : "?empty"));
}

static void put_tunnel_set(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                           json_t *json)
{
    static const char *const names[] = {
        [FL_TC_OPTS_GENEVE] = "geneve_opts",
        [FL_TC_OPTS_VXLAN] = "vxlan_opts",
        [FL_TC_OPTS_ERSPAN] = "erspan_opts",
        [FL_TC_OPTS_GTP] = "gtp_opts",
    };
    const struct fl_tc_tunnel_key *key = &action->tunnel_key;
    const uint32_t present = action->present;

    if (present & FL_TC_HAS_SRC4)
        put(json, "src_ip", fl_tc_ip_json(&key->src4, 4));
    if (present & FL_TC_HAS_DST4)
        put(json, "dst_ip", fl_tc_ip_json(&key->dst4, 4));
    if (present & FL_TC_HAS_SRC6)
        put(json, "src_ip", fl_tc_ip_json(&key->src6, 16));
    if (present & FL_TC_HAS_DST6)
        put(json, "dst_ip", fl_tc_ip_json(&key->dst6, 16));
    put_if(json, present & FL_TC_HAS_ID, "key_id", key->key_id);
    put_if(json, present & FL_TC_HAS_DST_PORT, "dst_port", key->dst_port);
    if (key->opts) {
        const struct fl_tc_tunnel_opts *opts = &filter->tunnels[key->opts - 1];

        if (opts->kind != FL_TC_OPTS_NONE)
            put(json, names[opts->kind], fl_tc_opts_json(opts));
    }
    if (present & FL_TC_HAS_NO_CSUM)
        put(json, "flag", json_string(key->no_csum ? "nocsum" : "csum"));
    put_if(json, key->tos, "tos", key->tos);
    put_if(json, key->ttl, "ttl", key->ttl);
}

static json_t *nat_json(const struct fl_tc_ct *ct)
{
    const size_t n = ct->nat_family == 4 ? 4 : 16;
    char text[160] = "";
    json_t *min, *max;

    if (!(ct->flags & (FL_TC_CT_NAT_SRC | FL_TC_CT_NAT_DST)))
        return json_string("");
    strcpy(text, ct->flags & FL_TC_CT_NAT_SRC ? "src" : "dst");
    if (ct->nat_family) {
        bool is_range = ct->nat_has_max && memcmp(&ct->nat_min, &ct->nat_max, n);

        min = fl_tc_ip_json(&ct->nat_min, n);
        max = fl_tc_ip_json(&ct->nat_max, n);
        snprintf(text + strlen(text), sizeof text - strlen(text), " addr %s%s%s",
                 json_string_value(min), is_range ? "-" : "",
                 is_range ? json_string_value(max) : "");
        json_decref(min);
        json_decref(max);
    }
    if (ct->nat_has_port)
        snprintf(text + strlen(text), sizeof text - strlen(text), " port %u", ct->nat_port_min);
    if (ct->nat_has_port_max && ct->nat_port_max != ct->nat_port_min)
        snprintf(text + strlen(text), sizeof text - strlen(text), "-%u", ct->nat_port_max);
    return json_string(text);
}

static void put_ct(const struct fl_tc_action *action, json_t *json)
{
    const struct fl_tc_ct *ct = &action->ct;

    if (ct->flags & FL_TC_CT_COMMIT)
        put(json, "action", json_string(ct->flags & FL_TC_CT_FORCE ? "commit force" : "commit"));
    else if (ct->flags & FL_TC_CT_CLEAR)
        put(json, "action", json_string("clear"));
    if (action->present & FL_TC_HAS_MARK) {
        put_number(json, "mark", ct->mark);
        if (ct->mark_mask != UINT32_MAX)
            put(json, "mark_mask", json_sprintf("%x", ct->mark_mask));
    }
    put_if(json, action->present & FL_TC_HAS_ZONE, "zone", ct->zone);
    if (action->present & FL_TC_HAS_LABEL)
        put(json, "label", fl_tc_label_json(ct->label, ct->label_mask));
    if (ct->flags & FL_TC_CT_NAT)
        put(json, "nat", nat_json(ct));
}

/* Source: iproute2 6.1 tc/tc_util.c, print_tc_classid(). */
static json_t *classid_json(uint32_t id)
{
    uint32_t major = id >> 16, minor = id & 0xffff;

    if (id == UINT32_MAX)
        return json_string("root");
    if (!id)
        return json_string("none");
    if (!major)
        return json_sprintf(":%x", minor);
    return minor ? json_sprintf("%x:%x", major, minor) : json_sprintf("%x:", major);
}

static void put_skbedit(const struct fl_tc_action *action, json_t *json)
{
    const struct fl_tc_skbedit *edit = &action->skbedit;
    const char *ptype = fl_tc_word_of(fl_tc_ptype_words, edit->ptype);

    put_if(json, action->present & FL_TC_HAS_QUEUE, "queue_mapping", edit->queue);
    if (action->present & FL_TC_HAS_PRIORITY)
        put(json, "priority", classid_json(edit->priority));
    put_if(json, action->present & FL_TC_HAS_MARK, "mark", edit->mark);
    if (action->present & FL_TC_HAS_MASK)
        put(json, "mask", json_sprintf("%x", edit->mask));
    if (action->present & FL_TC_HAS_PTYPE)
        put(json, "ptype", ptype ? json_string(ptype) : json_integer(edit->ptype));
    if (edit->inherit_dsfield)
        put(json, "inheritdsfield", json_null());
}

/*
 * Ticks of the packet scheduler are 64 ns on every kernel that counts in nanoseconds. Source: Linux
 * 6.1 net/sched/sch_api.c, psched_show(); iproute2 6.1 tc/tc_core.c, tc_calc_xmitsize().
 */
static uint64_t packets_of_ticks(uint64_t rate, uint64_t ticks)
{
    double packets = (double)rate * (double)(uint64_t)((double)ticks / 15.625) / 1e6;

    return packets < (double)UINT32_MAX ? (uint64_t)packets : UINT32_MAX;
}

static void put_police(const struct fl_tc_action *action, json_t *json)
{
    const struct fl_tc_police *police = &action->police;

    if (action->present & FL_TC_HAS_RATE) {
        put_number(json, "pkts_rate", police->packet_rate);
        put_number(json, "pkts_burst", packets_of_ticks(police->packet_rate, police->packet_burst));
    }
    /* tc writes "control_action" twice then, and who reads it sees the second. */
    if (action->present & FL_TC_HAS_RESULT) {
        put(json, "exceed_action", control_json(action->control));
        put(json, "control_action", control_json(police->result));
    }
    put_number(json, "overhead", police->overhead);
    if (police->linklayer > 1)
        put(json, "linklayer", json_string(police->linklayer == 2 ? "atm" : "unknown"));
}

static void put_mpls(const struct fl_tc_action *action, json_t *json)
{
    const struct fl_tc_mpls *mpls = &action->mpls;
    char buf[FL_TC_NAME_BYTES];

    put(json, "mpls_action", fl_json_of_string(fl_tc_word_of(fl_tc_mpls_words, mpls->action)));
    if (mpls->action == FL_TC_MPLS_DEC_TTL)
        return;
    if (action->present & FL_TC_HAS_PROTOCOL && mpls->action != FL_TC_MPLS_MODIFY)
        put(json, "protocol", json_string(fl_tc_protocol_name(mpls->protocol, buf)));
    if (mpls->action == FL_TC_MPLS_POP)
        return;
    put_if(json, action->present & FL_TC_HAS_LABEL, "label", mpls->label);
    put_if(json, action->present & FL_TC_HAS_TC, "tc", mpls->tc);
    put_if(json, action->present & FL_TC_HAS_BOS, "bos", mpls->bos);
    put_if(json, action->present & FL_TC_HAS_TTL, "ttl", mpls->ttl);
}

static void put_sample(const struct fl_tc_action *action, json_t *json)
{
    put_number(json, "rate", action->sample.rate);
    put_number(json, "group", action->sample.group);
    put_if(json, action->present & FL_TC_HAS_TRUNC, "trunc_size", action->sample.trunc_size);
}

static void put_kind(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                     json_t *json)
{
    switch (action->kind) {
    case FL_TC_GACT: put_gact(action, json); break;
    case FL_TC_MIRRED: put_mirred(&action->mirred, json); break;
    case FL_TC_VLAN: put_vlan(action, json); break;
    case FL_TC_PEDIT: put_pedit(filter, &action->pedit, json); break;
    case FL_TC_CSUM: put_csum(action->csum, json); break;
    case FL_TC_TUNNEL_KEY:
        if (action->tunnel_key.action == FL_TC_TUNNEL_UNSET)
            put(json, "mode", json_string("unset"));
        if (action->tunnel_key.action != FL_TC_TUNNEL_SET)
            break;
        put(json, "mode", json_string("set"));
        put_tunnel_set(filter, action, json);
        break;
    case FL_TC_CT: put_ct(action, json); break;
    case FL_TC_SKBEDIT: put_skbedit(action, json); break;
    case FL_TC_POLICE: put_police(action, json); break;
    case FL_TC_MPLS: put_mpls(action, json); break;
    case FL_TC_SAMPLE: put_sample(action, json); break;
    case FL_TC_OTHER: break;
    }
}

/* What all kinds have */

static json_t *counters_json(const struct fl_tc_counters *c)
{
    json_t *json = json_object();

    put_number(json, "bytes", c->bytes);
    put_number(json, "packets", c->packets);
    if (c->has_hw && (c->hw_packets || c->hw_bytes)) {
        if (c->bytes >= c->hw_bytes && c->packets >= c->hw_packets) {
            put_number(json, "sw_bytes", c->bytes - c->hw_bytes);
            put_number(json, "sw_packets", c->packets - c->hw_packets);
        }
        put_number(json, "hw_bytes", c->hw_bytes);
        put_number(json, "hw_packets", c->hw_packets);
    }
    if (c->has_queue) {
        put_number(json, "drops", c->drops);
        put_number(json, "overlimits", c->overlimits);
        put_number(json, "requeues", c->requeues);
        put_number(json, "backlog", c->backlog);
        put_number(json, "qlen", c->qlen);
    }
    return json;
}

static void put_seconds(json_t *json, const char *key, uint64_t ticks)
{
    put_if(json, ticks, key, (uint32_t)(ticks / FL_TC_TICKS_PER_SECOND));
}

static json_t *hw_stats_json(uint8_t hw_stats)
{
    json_t *json = json_array();

    if (hw_stats & 1)
        json_array_append_new(json, json_string("immediate"));
    if (hw_stats & 2)
        json_array_append_new(json, json_string("delayed"));
    if (!hw_stats)
        json_array_append_new(json, json_string("disabled"));
    return json;
}

static json_t *action_json(const struct fl_tc_filter *filter, const struct fl_tc_action *action)
{
    const char *kind = fl_tc_word_of(fl_tc_kind_words, action->kind);
    const uint32_t present = action->present;
    json_t *json = json_object();

    put_number(json, "order", action->order);
    put(json, "kind", fl_json_of_string(kind ? kind : action->kind_name));
    if (present & FL_TC_HAS_OPTIONS && action->kind != FL_TC_OTHER) {
        put(json, "control_action", control_json(action->control));
        put_kind(filter, action, json);
        put_number(json, "index", action->index);
        put(json, "ref", json_integer(action->ref));
        put(json, "bind", json_integer(action->bind));
    }
    if (present & FL_TC_HAS_TIMES) {
        put_seconds(json, "installed", action->times.installed);
        put_seconds(json, "last_used", action->times.last_used);
        put_seconds(json, "first_used", action->times.first_used);
        put_seconds(json, "expires", action->times.expires);
    }
    if (action->counters.has_basic)
        put(json, "stats", counters_json(&action->counters));
    if (action->n_cookie)
        put(json, "cookie", fl_tc_hex_json(action->cookie, action->n_cookie));
    if (present & FL_TC_HAS_FLAGS && action->selected & 1)
        put(json, "no_percpu", json_boolean(action->flags & 1));
    if (present & FL_TC_HAS_HW_STATS)
        put(json, "hw_stats", hw_stats_json(action->hw_stats));
    if (present & FL_TC_HAS_USED_HW_STATS)
        put(json, "used_hw_stats", hw_stats_json(action->used_hw_stats));
    return json;
}

json_t *fl_tc_actions_json(const struct fl_tc_filter *filter)
{
    json_t *array = json_array();

    for (size_t i = 0; i < filter->n_actions; i++)
        json_array_append_new(array, action_json(filter, &filter->actions[i]));
    return array;
}
