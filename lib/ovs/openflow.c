/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing compares what is there with what is wanted and sends only the difference: rules that stay
 * keep their counters, and nothing at all is sent when nothing differs. Actions are compared in the
 * form that they have after a trip over the wire, since "mod_vlan_vid:100" comes back as
 * "push_vlan:0x8100,set_field:4196->vlan_vid".
 */
#include "lib/ovs/openflow.h"

#include <errno.h>
#include <inttypes.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofp-msgs.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/nx-match.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "flows/region.h"
#include "lib/ovs/openflow_conn.h"

struct flow_list {
    struct ofputil_flow_stats *flows;
    size_t n, allocated;
    struct fl_error *err;
};

static int keep_flow(const struct ofputil_flow_stats *flow, void *list_)
{
    struct flow_list *list = list_;
    struct ofputil_flow_stats *copy;

    if (list->n >= FL_LIMIT_OPENFLOW_FLOWS) {
        return fl_error_set(list->err, -EMSGSIZE, "more than %u OpenFlow flows",
                            FL_LIMIT_OPENFLOW_FLOWS);
    }
    if (list->n == list->allocated) {
        list->flows = x2nrealloc(list->flows, &list->allocated, sizeof *list->flows);
    }
    copy = &list->flows[list->n++];
    *copy = *flow;
    copy->ofpacts = xmemdup(flow->ofpacts, flow->ofpacts_len);
    return 0;
}

void fl_openflow_flows_free(struct ofputil_flow_stats *flows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(struct ofpact *, flows[i].ofpacts));
    }
    free(flows);
}

int fl_openflow_dump(struct fl_openflow *of, uint64_t cookie, uint64_t cookie_mask,
                     struct ofputil_flow_stats **flows, size_t *n, struct fl_error *err)
{
    struct flow_list list = { .err = err };
    int error = fl_openflow_each_flow(of, cookie, cookie_mask, OFPTT_ALL, keep_flow, &list, err);

    if (error) {
        fl_openflow_flows_free(list.flows, list.n);
        return error;
    }
    *flows = list.flows;
    *n = list.n;
    return 0;
}

static bool is_inside(const struct match *match, const struct match *of)
{
    struct match both;

    return fl_region_intersect(match, of, &both) && match_equal(&both, match);
}

bool fl_openflow_as_sent(const struct match *match, struct match *sent)
{
    const ovs_be16 present = htons(VLAN_CFI);
    struct match plain = *match, decoded;
    struct ofpbuf message;
    enum ofperr wrong;

    /* There is no priority without a header. */
    if (~plain.flow.vlans[0].tci & plain.wc.masks.vlans[0].tci & present) {
        plain.wc.masks.vlans[0].tci &= ~htons(VLAN_PCP_MASK);
        plain.flow.vlans[0].tci &= ~htons(VLAN_PCP_MASK);
    }
    ofpbuf_init(&message, 0);
    oxm_put_match(&message, &plain, FL_OPENFLOW_VERSION);
    wrong = oxm_pull_match(&message, false, NULL, NULL, &decoded);
    ofpbuf_uninit(&message);
    decoded.flow.packet_type = plain.flow.packet_type;
    decoded.wc.masks.packet_type = plain.wc.masks.packet_type;
    if (wrong || !is_inside(&decoded, &plain)) {
        return false;
    }
    *sent = decoded;
    return true;
}

/* A rule as the switch will have it. */
struct wanted {
    struct ofpbuf *msg;
    struct ofpbuf ofpacts;
    struct match match;
    uint16_t priority;
    uint16_t hard_timeout; /* seconds; 0: none */
    bool present;          /* the switch has exactly this already */
};

struct replacement {
    struct fl_openflow *of;
    uint64_t cookie;
    struct wanted *wanted;
    size_t n_wanted;
    struct flow_list surplus; /* ours, and not wanted any more */
    struct fl_error *err;
};

/* The flow mod as text, as a message, and decoded again. */
static int encode_rule(struct fl_openflow *of, const char *text, struct wanted *wanted,
                       struct fl_error *err)
{
    struct ofputil_flow_mod mod;
    enum ofputil_protocol usable;
    _cleanup_free char *wrong = parse_ofp_flow_mod_str(&mod, text, NULL, NULL, OFPFC_ADD, &usable);

    if (wrong) {
        return fl_error_set(err, -EINVAL, "\"%s\" is no OpenFlow rule: %s", text, wrong);
    }
    if (usable & FL_OPENFLOW_PROTOCOL) {
        mod.hard_timeout = wanted->hard_timeout;
        wanted->msg = ofputil_encode_flow_mod(&mod, FL_OPENFLOW_PROTOCOL);
    }
    minimatch_expand(&mod.match, &wanted->match);
    minimatch_destroy(&mod.match);
    free(mod.ofpacts);
    if (!wanted->msg) {
        return fl_error_set(err, -EINVAL, "OpenFlow 1.4 cannot express the rule \"%s\"", text);
    }
    ofpmsg_update_length(wanted->msg);
    if (ofputil_decode_flow_mod(&mod, wanted->msg->data, FL_OPENFLOW_PROTOCOL, NULL, NULL,
                                &wanted->ofpacts, OFPP_MAX, UINT8_MAX)) {
        return fl_error_set(err, -EINVAL, "bridge %s would not understand the rule \"%s\"",
                            fl_openflow_bridge(of), text);
    }
    minimatch_destroy(&mod.match);
    return 0;
}

static int prepare_rule(struct replacement *plan, const struct fl_rule *rule, struct wanted *wanted)
{
    _cleanup_free char *text = fl_rule_text(rule, plan->cookie);
    struct match match = rule->match;
    int error;

    match_set_default_packet_type(&match); /* text has it always, a simplified flow set not */
    if (strcmp(rule->bridge, fl_openflow_bridge(plan->of))) {
        return fl_error_set(plan->err, -EINVAL, "a rule for bridge %s was meant for bridge %s",
                            rule->bridge, fl_openflow_bridge(plan->of));
    }
    wanted->hard_timeout = rule->decoy ? FL_DECOY_SECONDS : 0;
    error = encode_rule(plan->of, text, wanted, plan->err);
    if (error) {
        return error;
    }
    if (!match_equal(&wanted->match, &match)) {
        return fl_error_set(plan->err, -EINVAL, "the rule \"%s\" does not survive as text", text);
    }
    wanted->priority = rule->priority;
    return 0;
}

static struct wanted *find_wanted(struct replacement *plan, const struct ofputil_flow_stats *flow)
{
    for (size_t i = 0; i < plan->n_wanted; i++) {
        struct wanted *wanted = &plan->wanted[i];

        if (!flow->table_id && flow->priority == wanted->priority &&
            match_equal(&flow->match, &wanted->match)) {
            return wanted;
        }
    }
    return NULL;
}

/* Besides table, priority and match. As text: a decoder notes in the binary form whether a packet has a
 * VLAN by then, another does not. */
static bool is_exactly(const struct ofputil_flow_stats *flow, const struct wanted *wanted)
{
    return !flow->idle_timeout && flow->hard_timeout == wanted->hard_timeout && !flow->flags &&
           ofpacts_equal_stringwise(flow->ofpacts, flow->ofpacts_len, wanted->ofpacts.data,
                                    wanted->ofpacts.size);
}

static int sort_own(const struct ofputil_flow_stats *flow, void *plan_)
{
    struct replacement *plan = plan_;
    struct wanted *wanted = find_wanted(plan, flow);

    if (!wanted) {
        return keep_flow(flow, &plan->surplus);
    }
    wanted->present = is_exactly(flow, wanted);
    return 0;
}

static int refuse_conflict(const struct ofputil_flow_stats *flow, void *plan_)
{
    struct replacement *plan = plan_;
    _cleanup_free char *match = NULL;

    if (ntohll(flow->cookie) == plan->cookie || !find_wanted(plan, flow)) {
        return 0;
    }
    match = match_to_string(&flow->match, NULL, flow->priority);
    return fl_error_set(plan->err, -EEXIST,
                        "bridge %s has a flow with the match \"%s\" already (cookie 0x%" PRIx64
                        "), which flowlift would overwrite",
                        fl_openflow_bridge(plan->of), match, ntohll(flow->cookie));
}

static struct ofpbuf *encode_delete(uint64_t cookie, uint64_t mask,
                                    const struct ofputil_flow_stats *strictly)
{
    struct ofputil_flow_mod mod = {
        .command = strictly ? OFPFC_DELETE_STRICT : OFPFC_DELETE,
        .priority = strictly ? strictly->priority : 0,
        .table_id = strictly ? strictly->table_id : OFPTT_ALL,
        .cookie = htonll(cookie),
        .cookie_mask = htonll(mask),
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct match catchall = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf *msg;

    minimatch_init(&mod.match, strictly ? &strictly->match : &catchall);
    msg = ofputil_encode_flow_mod(&mod, FL_OPENFLOW_PROTOCOL);
    minimatch_destroy(&mod.match);
    return msg;
}

/* The difference as messages; those of wanted rules change their owner. */
static int send_difference(struct replacement *plan)
{
    _cleanup_free struct ofpbuf **msgs = xcalloc(plan->surplus.n + plan->n_wanted, sizeof *msgs);
    size_t n = 0, failed;
    int error;

    for (size_t i = 0; i < plan->surplus.n; i++) {
        msgs[n++] = encode_delete(plan->cookie, UINT64_MAX, &plan->surplus.flows[i]);
    }
    for (size_t i = 0; i < plan->n_wanted; i++) {
        if (!plan->wanted[i].present) {
            msgs[n++] = fl_steal(plan->wanted[i].msg);
        }
    }
    if (!n) {
        return 0;
    }
    error = fl_openflow_bundle(plan->of, msgs, n, &failed, plan->err);
    return error;
}

static int prepare(struct replacement *plan, const struct fl_rule *rules)
{
    int error = 0;

    for (size_t i = 0; i < plan->n_wanted && !error; i++) {
        error = prepare_rule(plan, &rules[i], &plan->wanted[i]);
        if (error) {
            fl_error_prefix(plan->err, "rule %" PRIuSIZE, i + 1);
        }
    }
    return error;
}

static int replace(struct replacement *plan, const struct fl_rule *rules)
{
    int error = prepare(plan, rules);

    if (!error) {
        error = fl_openflow_each_flow(plan->of, plan->cookie, UINT64_MAX, OFPTT_ALL, sort_own, plan,
                                      plan->err);
    }
    if (!error && plan->n_wanted) {
        error = fl_openflow_each_flow(plan->of, 0, 0, 0, refuse_conflict, plan, plan->err);
    }
    return error ? error : send_difference(plan);
}

static void init_replacement(struct replacement *plan, struct fl_openflow *of, uint64_t cookie,
                             size_t n_rules, struct fl_error *err)
{
    *plan = (struct replacement){
        .of = of,
        .cookie = cookie,
        .wanted = xcalloc(n_rules, sizeof *plan->wanted),
        .n_wanted = n_rules,
        .surplus = { .err = err },
        .err = err,
    };
    for (size_t i = 0; i < n_rules; i++) {
        ofpbuf_init(&plan->wanted[i].ofpacts, 0);
    }
}

static void destroy_replacement(struct replacement *plan)
{
    for (size_t i = 0; i < plan->n_wanted; i++) {
        ofpbuf_delete(plan->wanted[i].msg);
        ofpbuf_uninit(&plan->wanted[i].ofpacts);
    }
    free(plan->wanted);
    fl_openflow_flows_free(plan->surplus.flows, plan->surplus.n);
}

static int check_cookie(uint64_t cookie, uint64_t mask, struct fl_error *err)
{
    if (cookie >> 48 != FL_COOKIE_PREFIX ||
        (mask & FL_COOKIE_PREFIX_MASK) != FL_COOKIE_PREFIX_MASK) {
        return fl_error_set(err, -EINVAL,
                            "flowlift changes only flows with its own cookie; 0x%" PRIx64
                            "/0x%" PRIx64 " is not limited to it",
                            cookie, mask);
    }
    return 0;
}

int fl_openflow_replace(struct fl_openflow *of, uint64_t cookie, const struct fl_rule *rules,
                        size_t n_rules, struct fl_error *err)
{
    struct replacement plan;
    int error = check_cookie(cookie, UINT64_MAX, err);

    if (error) {
        return error;
    }
    init_replacement(&plan, of, cookie, n_rules, err);
    error = replace(&plan, rules);
    destroy_replacement(&plan);
    return error;
}

struct presence_count {
    struct replacement plan;
    struct fl_presence presence;
};

static int count_present(const struct ofputil_flow_stats *flow, void *count_)
{
    struct presence_count *count = count_;
    const struct wanted *wanted = find_wanted(&count->plan, flow);

    if (!wanted || !is_exactly(flow, wanted)) {
        count->presence.n_foreign++;
        return 0;
    }
    count->presence.n_present++;
    if (flow->packet_count != UINT64_MAX) {
        count->presence.packets += flow->packet_count;
    }
    if (flow->byte_count != UINT64_MAX) {
        count->presence.bytes += flow->byte_count;
    }
    return 0;
}

int fl_openflow_presence(struct fl_openflow *of, uint64_t cookie, const struct fl_rule *rules,
                         size_t n_rules, struct fl_presence *presence, struct fl_error *err)
{
    struct presence_count count = { .presence = { .n_present = 0 } };
    int error;

    init_replacement(&count.plan, of, cookie, n_rules, err);
    error = prepare(&count.plan, rules);
    if (!error) {
        error = fl_openflow_each_flow(of, cookie, UINT64_MAX, OFPTT_ALL, count_present, &count,
                                      err);
    }
    destroy_replacement(&count.plan);
    if (!error) {
        *presence = count.presence;
    }
    return error;
}

static int count_flow(const struct ofputil_flow_stats *flow OVS_UNUSED, void *n)
{
    ++*(size_t *)n;
    return 0;
}

int fl_openflow_delete(struct fl_openflow *of, uint64_t cookie, uint64_t mask, size_t *n_deleted,
                       struct fl_error *err)
{
    size_t n = 0, failed;
    struct ofpbuf *msg;
    int error = check_cookie(cookie, mask, err);

    if (!error) {
        error = fl_openflow_each_flow(of, cookie, mask, OFPTT_ALL, count_flow, &n, err);
    }
    if (!error && n) {
        msg = encode_delete(cookie, mask, NULL);
        error = fl_openflow_bundle(of, &msg, 1, &failed, err);
    }
    if (!error && n_deleted) {
        *n_deleted = n;
    }
    return error;
}
