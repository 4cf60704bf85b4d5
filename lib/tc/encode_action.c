/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/sched/act_*.c, the init function of each. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_mpls.h>
#include <linux/tc_act/tc_pedit.h>
#include <linux/tc_act/tc_sample.h>
#include <linux/tc_act/tc_skbedit.h>
#include <linux/tc_act/tc_vlan.h>
#include <string.h>

#include "lib/tc/encode_internal.h"

static const char *const kind_names[] = {
    [FL_TC_GACT] = "gact",   [FL_TC_MIRRED] = "mirred",   [FL_TC_VLAN] = "vlan",
    [FL_TC_PEDIT] = "pedit", [FL_TC_CSUM] = "csum",       [FL_TC_TUNNEL_KEY] = "tunnel_key",
    [FL_TC_CT] = "ct",       [FL_TC_SKBEDIT] = "skbedit", [FL_TC_POLICE] = "police",
    [FL_TC_MPLS] = "mpls",   [FL_TC_SAMPLE] = "sample",
};

/* What begins the parameters of each kind. */
#define GEN(action_) .index = (action_)->index, .action = (int)(action_)->control

static void put_gact(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct tc_gact parms = { GEN(action) };
    const struct tc_gact_p random = {
        .ptype = action->gact.random_type,
        .pval = action->gact.random_value,
        .paction = (int)action->gact.random_control,
    };

    fl_put(message, TCA_GACT_PARMS, &parms, sizeof parms);
    if (random.ptype)
        fl_put(message, TCA_GACT_PROB, &random, sizeof random);
}

static void put_mirred(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_mirred *mirred = &action->mirred;
    const struct tc_mirred parms = {
        GEN(action),
        .eaction = mirred->ingress  ? mirred->mirror ? TCA_INGRESS_MIRROR : TCA_INGRESS_REDIR
                   : mirred->mirror ? TCA_EGRESS_MIRROR
                                    : TCA_EGRESS_REDIR,
        .ifindex = (uint32_t)mirred->ifindex,
    };

    fl_put(message, TCA_MIRRED_PARMS, &parms, sizeof parms);
}

static void put_vlan(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_vlan *vlan = &action->vlan;
    const struct tc_vlan parms = { GEN(action), .v_action = (int)vlan->action };

    fl_put(message, TCA_VLAN_PARMS, &parms, sizeof parms);
    if (action->present & FL_TC_HAS_PROTOCOL)
        fl_put_be16(message, TCA_VLAN_PUSH_VLAN_PROTOCOL, vlan->protocol);
    if (action->present & FL_TC_HAS_ID)
        fl_put_u16(message, TCA_VLAN_PUSH_VLAN_ID, vlan->id);
    if (action->present & FL_TC_HAS_PRIORITY)
        fl_put_u8(message, TCA_VLAN_PUSH_VLAN_PRIORITY, vlan->priority);
    if (action->present & FL_TC_HAS_MACS) {
        fl_put(message, TCA_VLAN_PUSH_ETH_DST, &vlan->dst, sizeof vlan->dst);
        fl_put(message, TCA_VLAN_PUSH_ETH_SRC, &vlan->src, sizeof vlan->src);
    }
}

static void put_pedit_keys(const struct fl_tc_pedit_key *keys, size_t n,
                           struct fl_tc_message *message)
{
    struct nlattr *all = fl_nest(message, TCA_PEDIT_KEYS_EX);

    for (size_t i = 0; i < n; i++) {
        struct nlattr *one = fl_nest(message, TCA_PEDIT_KEY_EX);

        fl_put_u16(message, TCA_PEDIT_KEY_EX_HTYPE, keys[i].header);
        fl_put_u16(message, TCA_PEDIT_KEY_EX_CMD, keys[i].add);
        fl_unnest(message, one);
    }
    fl_unnest(message, all);
}

static void put_pedit(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                      struct fl_tc_message *message)
{
    const struct fl_tc_pedit_key *keys = filter->pedit_keys + action->pedit.first;
    const size_t n = action->pedit.n;
    struct {
        struct tc_pedit_sel sel;
        struct tc_pedit_key keys[FL_TC_PEDIT_KEYS_MAX];
    } parms;

    memset(&parms, 0, sizeof parms);
    parms.sel = (struct tc_pedit_sel){ GEN(action), .nkeys = (unsigned char)n };
    for (size_t i = 0; i < n; i++) {
        parms.keys[i].mask = (uint32_t)keys[i].mask;
        parms.keys[i].val = (uint32_t)keys[i].value;
        parms.keys[i].off = (uint32_t)keys[i].offset;
    }
    fl_put(message, TCA_PEDIT_PARMS_EX, &parms, sizeof parms.sel + n * sizeof parms.keys[0]);
    put_pedit_keys(keys, n, message);
}

static void put_csum(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct tc_csum parms = { GEN(action), .update_flags = action->csum };

    fl_put(message, TCA_CSUM_PARMS, &parms, sizeof parms);
}

static void put_skbedit(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_skbedit *edit = &action->skbedit;
    const struct tc_skbedit parms = { GEN(action) };
    const uint64_t inherit = SKBEDIT_F_INHERITDSFIELD;

    fl_put(message, TCA_SKBEDIT_PARMS, &parms, sizeof parms);
    if (action->present & FL_TC_HAS_PRIORITY)
        fl_put_u32(message, TCA_SKBEDIT_PRIORITY, edit->priority);
    if (action->present & FL_TC_HAS_QUEUE)
        fl_put_u16(message, TCA_SKBEDIT_QUEUE_MAPPING, edit->queue);
    if (action->present & FL_TC_HAS_MARK)
        fl_put_u32(message, TCA_SKBEDIT_MARK, edit->mark);
    if (action->present & FL_TC_HAS_MASK)
        fl_put_u32(message, TCA_SKBEDIT_MASK, edit->mask);
    if (action->present & FL_TC_HAS_PTYPE)
        fl_put_u16(message, TCA_SKBEDIT_PTYPE, edit->ptype);
    if (edit->inherit_dsfield)
        fl_put(message, TCA_SKBEDIT_FLAGS, &inherit, sizeof inherit);
}

static int put_police(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_police *police = &action->police;
    const struct tc_police parms = { .index = action->index,
                                     .action = (int)action->control,
                                     .burst = police->burst,
                                     .mtu = police->mtu };

    if (police->rate || police->packet_rate)
        return fl_error_set(message->err, -EOPNOTSUPP, "a filter with a policer of its own");
    fl_put(message, TCA_POLICE_TBF, &parms, sizeof parms);
    if (action->present & FL_TC_HAS_RESULT)
        fl_put_u32(message, TCA_POLICE_RESULT, police->result);
    return 0;
}

static void put_mpls(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_mpls *mpls = &action->mpls;
    const struct tc_mpls parms = { GEN(action), .m_action = (int)mpls->action };

    fl_put(message, TCA_MPLS_PARMS, &parms, sizeof parms);
    if (action->present & FL_TC_HAS_PROTOCOL)
        fl_put_be16(message, TCA_MPLS_PROTO, mpls->protocol);
    if (action->present & FL_TC_HAS_LABEL)
        fl_put_u32(message, TCA_MPLS_LABEL, mpls->label);
    if (action->present & FL_TC_HAS_TC)
        fl_put_u8(message, TCA_MPLS_TC, mpls->tc);
    if (action->present & FL_TC_HAS_TTL)
        fl_put_u8(message, TCA_MPLS_TTL, mpls->ttl);
    if (action->present & FL_TC_HAS_BOS)
        fl_put_u8(message, TCA_MPLS_BOS, mpls->bos);
}

static void put_sample(const struct fl_tc_action *action, struct fl_tc_message *message)
{
    const struct fl_tc_sample *sample = &action->sample;
    const struct tc_sample parms = { GEN(action) };

    fl_put(message, TCA_SAMPLE_PARMS, &parms, sizeof parms);
    fl_put_u32(message, TCA_SAMPLE_RATE, sample->rate);
    fl_put_u32(message, TCA_SAMPLE_PSAMPLE_GROUP, sample->group);
    if (action->present & FL_TC_HAS_TRUNC)
        fl_put_u32(message, TCA_SAMPLE_TRUNC_SIZE, sample->trunc_size);
}

static int put_options(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                       struct fl_tc_message *message)
{
    switch (action->kind) {
    case FL_TC_GACT: put_gact(action, message); return 0;
    case FL_TC_MIRRED: put_mirred(action, message); return 0;
    case FL_TC_VLAN: put_vlan(action, message); return 0;
    case FL_TC_PEDIT: put_pedit(filter, action, message); return 0;
    case FL_TC_CSUM: put_csum(action, message); return 0;
    case FL_TC_TUNNEL_KEY: fl_tc_encode_tunnel_key(filter, action, message); return 0;
    case FL_TC_CT: fl_tc_encode_ct(action, message); return 0;
    case FL_TC_SKBEDIT: put_skbedit(action, message); return 0;
    case FL_TC_POLICE: return put_police(action, message);
    case FL_TC_MPLS: put_mpls(action, message); return 0;
    case FL_TC_SAMPLE: put_sample(action, message); return 0;
    case FL_TC_OTHER: break;
    }
    return fl_error_set(message->err, -EOPNOTSUPP, "a filter with the action %.20s",
                        action->kind_name ? action->kind_name : "unknown");
}

static int put_action(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                      uint16_t order, struct fl_tc_message *message)
{
    const struct nla_bitfield32 flags = { action->flags, action->selected };
    const struct nla_bitfield32 stats = { action->hw_stats, action->hw_stats };
    struct nlattr *nest = fl_nest(message, order), *options;
    int ret;

    if (action->kind != FL_TC_OTHER)
        fl_put(message, TCA_ACT_KIND, kind_names[action->kind],
               strlen(kind_names[action->kind]) + 1);
    options = fl_nest(message, TCA_ACT_OPTIONS);
    ret = put_options(filter, action, message);
    fl_unnest(message, options);
    if (action->n_cookie)
        fl_put(message, TCA_ACT_COOKIE, action->cookie, action->n_cookie);
    if (action->present & FL_TC_HAS_FLAGS)
        fl_put(message, TCA_ACT_FLAGS, &flags, sizeof flags);
    if (action->present & FL_TC_HAS_HW_STATS)
        fl_put(message, TCA_ACT_HW_STATS, &stats, sizeof stats);
    fl_unnest(message, nest);
    return ret;
}

int fl_tc_encode_actions(const struct fl_tc_filter *filter, struct fl_tc_message *message)
{
    struct nlattr *nest;
    int ret = 0;

    if (!filter->n_actions)
        return 0;
    nest = fl_nest(message, TCA_FLOWER_ACT);
    for (size_t i = 0; !ret && i < filter->n_actions; i++)
        ret = put_action(filter, &filter->actions[i], (uint16_t)(i + 1), message);
    fl_unnest(message, nest);
    return ret;
}
