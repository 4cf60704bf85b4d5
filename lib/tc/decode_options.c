/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/sched/act_*.c, the dump function of each. */
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_mpls.h>
#include <linux/tc_act/tc_sample.h>
#include <linux/tc_act/tc_skbedit.h>
#include <linux/tc_act/tc_vlan.h>

#include "lib/tc/decode_internal.h"

struct gen {
    tc_gen;
};

bool fl_tc_read_gen(const struct fl_attr *attr, size_t n_min, struct fl_tc_action *action)
{
    const struct gen *gen = attr->data;

    if (attr->n < sizeof *gen || attr->n < n_min)
        return false;
    action->index = gen->index;
    action->control = (uint32_t)gen->action;
    action->ref = gen->refcnt;
    action->bind = gen->bindcnt;
    return true;
}

void fl_tc_read_times(const struct fl_attr *attr, struct fl_tc_action *action)
{
    struct tcf_t times;

    if (attr->n < sizeof times)
        return;
    memcpy(&times, attr->data, sizeof times);
    action->times.installed = times.install;
    action->times.last_used = times.lastuse;
    action->times.expires = times.expires;
    action->times.first_used = times.firstuse;
    action->present |= FL_TC_HAS_TIMES;
}

static bool read_gact(struct fl_attrs attrs, struct fl_tc_action *action)
{
    const struct tc_gact_p *random;
    struct fl_attr attr;
    bool ok = false;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_GACT_PARMS: ok = fl_tc_read_gen(&attr, sizeof(struct tc_gact), action); break;
        case TCA_GACT_TM: fl_tc_read_times(&attr, action); break;
        case TCA_GACT_PROB:
            if (attr.n < sizeof *random)
                return false;
            random = attr.data;
            action->gact.random_type = random->ptype;
            action->gact.random_value = random->pval;
            action->gact.random_control = (uint32_t)random->paction;
            break;
        }
    }
    return ok && !attrs.malformed;
}

static bool read_mirred(struct fl_attrs attrs, const struct fl_tc_links *links,
                        struct fl_tc_filter *filter, struct fl_tc_action *action)
{
    const struct tc_mirred *mirred;
    const struct fl_tc_link *link;
    struct fl_attr attr;
    bool ok = false;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_MIRRED_TM)
            fl_tc_read_times(&attr, action);
        if (attr.type != TCA_MIRRED_PARMS)
            continue;
        ok = fl_tc_read_gen(&attr, sizeof *mirred, action);
        if (!ok)
            return false;
        mirred = attr.data;
        action->mirred.ingress = mirred->eaction == TCA_INGRESS_REDIR ||
                                 mirred->eaction == TCA_INGRESS_MIRROR;
        action->mirred.mirror = mirred->eaction == TCA_EGRESS_MIRROR ||
                                mirred->eaction == TCA_INGRESS_MIRROR;
        action->mirred.ifindex = (int)mirred->ifindex;
        link = fl_tc_links_find(links, (int)mirred->ifindex);
        action->mirred.to_dev = link ? link->name : NULL;
        if (mirred->eaction < TCA_EGRESS_REDIR || mirred->eaction > TCA_INGRESS_MIRROR)
            fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action mirred of kind %d",
                                 mirred->eaction);
    }
    return ok && !attrs.malformed;
}

static bool read_vlan(struct fl_attrs attrs, struct fl_tc_filter *filter,
                      struct fl_tc_action *action)
{
    struct fl_tc_vlan *vlan = &action->vlan;
    struct fl_attr attr;
    int what = 0;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_VLAN_TM: fl_tc_read_times(&attr, action); break;
        case TCA_VLAN_PARMS:
            if (!fl_tc_read_gen(&attr, sizeof(struct tc_vlan), action))
                return false;
            what = ((const struct tc_vlan *)attr.data)->v_action;
            break;
        case TCA_VLAN_PUSH_VLAN_ID:
            vlan->id = (uint16_t)fl_tc_number(&attr, 2, action, FL_TC_HAS_ID);
            break;
        case TCA_VLAN_PUSH_VLAN_PROTOCOL:
            vlan->protocol = be16toh((uint16_t)fl_tc_number(&attr, 2, action, FL_TC_HAS_PROTOCOL));
            break;
        case TCA_VLAN_PUSH_VLAN_PRIORITY:
            vlan->priority = (uint8_t)fl_tc_number(&attr, 1, action, FL_TC_HAS_PRIORITY);
            break;
        case TCA_VLAN_PUSH_ETH_DST:
        case TCA_VLAN_PUSH_ETH_SRC:
            if (attr.n != sizeof vlan->dst)
                return false;
            memcpy(attr.type == TCA_VLAN_PUSH_ETH_DST ? &vlan->dst : &vlan->src, attr.data, attr.n);
            action->present |= FL_TC_HAS_MACS;
            break;
        }
    }
    vlan->action = what;
    if (what < FL_TC_VLAN_POP || what > FL_TC_PUSH_ETH)
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action vlan of kind %d", what);
    return !attrs.malformed;
}

static bool read_csum(struct fl_attrs attrs, struct fl_tc_action *action)
{
    struct fl_attr attr;
    bool ok = false;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_CSUM_TM) {
            fl_tc_read_times(&attr, action);
        } else if (attr.type == TCA_CSUM_PARMS) {
            if (!fl_tc_read_gen(&attr, sizeof(struct tc_csum), action))
                return false;
            action->csum = ((const struct tc_csum *)attr.data)->update_flags;
            ok = true;
        }
    }
    return ok && !attrs.malformed;
}

static bool read_skbedit(struct fl_attrs attrs, struct fl_tc_action *action)
{
    struct fl_tc_skbedit *edit = &action->skbedit;
    struct fl_attr attr;
    bool ok = false;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_SKBEDIT_TM: fl_tc_read_times(&attr, action); break;
        case TCA_SKBEDIT_PARMS:
            ok = fl_tc_read_gen(&attr, sizeof(struct tc_skbedit), action);
            break;
        case TCA_SKBEDIT_PRIORITY:
            edit->priority = fl_tc_number(&attr, 4, action, FL_TC_HAS_PRIORITY);
            break;
        case TCA_SKBEDIT_QUEUE_MAPPING:
            edit->queue = (uint16_t)fl_tc_number(&attr, 2, action, FL_TC_HAS_QUEUE);
            break;
        case TCA_SKBEDIT_MARK: edit->mark = fl_tc_number(&attr, 4, action, FL_TC_HAS_MARK); break;
        case TCA_SKBEDIT_MASK: edit->mask = fl_tc_number(&attr, 4, action, FL_TC_HAS_MASK); break;
        case TCA_SKBEDIT_PTYPE:
            edit->ptype = (uint16_t)fl_tc_number(&attr, 2, action, FL_TC_HAS_PTYPE);
            break;
        case TCA_SKBEDIT_FLAGS:
            edit->inherit_dsfield = attr.n == 8 && (fl_attr_u64(&attr) & SKBEDIT_F_INHERITDSFIELD);
            break;
        }
    }
    return ok && !attrs.malformed;
}

static void read_police_rates(const struct fl_attr *attr, struct fl_tc_action *action)
{
    const struct tc_police *tbf = attr->data;
    struct fl_tc_police *police = &action->police;

    action->index = tbf->index;
    action->control = (uint32_t)tbf->action;
    action->ref = tbf->refcnt;
    action->bind = tbf->bindcnt;
    police->burst = tbf->burst;
    police->mtu = tbf->mtu;
    police->overhead = tbf->rate.overhead;
    police->linklayer = tbf->rate.linklayer & TC_LINKLAYER_MASK;
    if (!police->rate)
        police->rate = tbf->rate.rate;
}

static bool read_police(struct fl_attrs attrs, struct fl_tc_action *action)
{
    struct fl_tc_police *police = &action->police;
    struct fl_attr attr;
    bool ok = false;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_POLICE_TBF:
            if (attr.n < sizeof(struct tc_police))
                return false;
            read_police_rates(&attr, action);
            ok = true;
            break;
        case TCA_POLICE_TM: fl_tc_read_times(&attr, action); break;
        case TCA_POLICE_RESULT:
            police->result = fl_tc_number(&attr, 4, action, FL_TC_HAS_RESULT);
            break;
        case TCA_POLICE_RATE64:
            if (attr.n == 8)
                police->rate = fl_attr_u64(&attr);
            break;
        case TCA_POLICE_PKTRATE64:
            if (attr.n == 8)
                police->packet_rate = fl_attr_u64(&attr);
            break;
        case TCA_POLICE_PKTBURST64:
            if (attr.n == 8)
                police->packet_burst = fl_attr_u64(&attr);
            action->present |= FL_TC_HAS_RATE;
            break;
        }
    }
    return ok && !attrs.malformed;
}

static bool read_mpls(struct fl_attrs attrs, struct fl_tc_filter *filter,
                      struct fl_tc_action *action)
{
    struct fl_tc_mpls *mpls = &action->mpls;
    struct fl_attr attr;
    int what = 0;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_MPLS_TM: fl_tc_read_times(&attr, action); break;
        case TCA_MPLS_PARMS:
            if (!fl_tc_read_gen(&attr, sizeof(struct tc_mpls), action))
                return false;
            what = ((const struct tc_mpls *)attr.data)->m_action;
            break;
        case TCA_MPLS_PROTO:
            mpls->protocol = be16toh((uint16_t)fl_tc_number(&attr, 2, action, FL_TC_HAS_PROTOCOL));
            break;
        case TCA_MPLS_LABEL: mpls->label = fl_tc_number(&attr, 4, action, FL_TC_HAS_LABEL); break;
        case TCA_MPLS_TC: mpls->tc = (uint8_t)fl_tc_number(&attr, 1, action, FL_TC_HAS_TC); break;
        case TCA_MPLS_TTL:
            mpls->ttl = (uint8_t)fl_tc_number(&attr, 1, action, FL_TC_HAS_TTL);
            break;
        case TCA_MPLS_BOS:
            mpls->bos = (uint8_t)fl_tc_number(&attr, 1, action, FL_TC_HAS_BOS);
            break;
        }
    }
    mpls->action = what;
    if (what < FL_TC_MPLS_POP || what > FL_TC_MPLS_MAC_PUSH)
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action mpls of kind %d", what);
    return !attrs.malformed;
}

static bool read_sample(struct fl_attrs attrs, struct fl_tc_action *action)
{
    struct fl_tc_sample *sample = &action->sample;
    struct fl_attr attr;
    bool ok = false;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_SAMPLE_TM: fl_tc_read_times(&attr, action); break;
        case TCA_SAMPLE_PARMS: ok = fl_tc_read_gen(&attr, sizeof(struct tc_sample), action); break;
        case TCA_SAMPLE_RATE: sample->rate = fl_tc_number(&attr, 4, action, 0); break;
        case TCA_SAMPLE_PSAMPLE_GROUP: sample->group = fl_tc_number(&attr, 4, action, 0); break;
        case TCA_SAMPLE_TRUNC_SIZE:
            sample->trunc_size = fl_tc_number(&attr, 4, action, FL_TC_HAS_TRUNC);
            break;
        }
    }
    return ok && !attrs.malformed;
}

bool fl_tc_decode_options(const struct fl_attr *options, const struct fl_tc_links *links,
                          struct fl_tc_filter *filter, struct fl_tc_action *action)
{
    struct fl_attrs attrs = fl_attrs_nested(options);

    switch (action->kind) {
    case FL_TC_GACT: return read_gact(attrs, action);
    case FL_TC_MIRRED: return read_mirred(attrs, links, filter, action);
    case FL_TC_VLAN: return read_vlan(attrs, filter, action);
    case FL_TC_PEDIT: return fl_tc_decode_pedit(attrs, filter, action);
    case FL_TC_CSUM: return read_csum(attrs, action);
    case FL_TC_TUNNEL_KEY: return fl_tc_decode_tunnel_key(options, filter, action);
    case FL_TC_CT: return fl_tc_decode_ct(attrs, filter, action);
    case FL_TC_SKBEDIT: return read_skbedit(attrs, action);
    case FL_TC_POLICE: return read_police(attrs, action);
    case FL_TC_MPLS: return read_mpls(attrs, filter, action);
    case FL_TC_SAMPLE: return read_sample(attrs, action);
    case FL_TC_OTHER: break;
    }
    fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action %.20s", action->kind_name);
    return true;
}
