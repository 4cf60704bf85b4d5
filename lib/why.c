/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/nic_profile.h"
#include "flows/ovs_bug.h"
#include "lib/why_host.h"
#include "lib/why_nic.h"

/* Chains that are looked at, most packets first. */
#define CHAINS_MAX 1000u

static void add_evidence(struct fl_reason *reason, const char *detail)
{
    if (!*detail || reason->n_evidence == FL_REASON_EVIDENCE)
        return;
    for (size_t i = 0; i < reason->n_evidence; i++) {
        if (!strcmp(reason->evidence[i], detail))
            return;
    }
    ovs_strlcpy(reason->evidence[reason->n_evidence++], detail, sizeof reason->evidence[0]);
}

static struct fl_reason *reason_of(struct fl_why *why, enum fl_cause_id id)
{
    for (size_t i = 0; i < why->n; i++) {
        if (why->reasons[i].id == id)
            return &why->reasons[i];
    }
    why->reasons[why->n] = (struct fl_reason){ .id = id, .may_be = true };
    return &why->reasons[why->n++];
}

static bool has_sure_one(const struct fl_cause *causes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!causes[i].may_be && causes[i].id != FL_CAUSE_REFUSED)
            return true;
    }
    return false;
}

static bool has_cause(const struct fl_cause *causes, size_t n, enum fl_cause_id id)
{
    for (size_t i = 0; i < n; i++) {
        if (causes[i].id == id)
            return true;
    }
    return false;
}

/* "Refused" says that nothing else is known. */
static void add_causes(struct fl_why *why, const struct fl_cause *causes, size_t n,
                       uint64_t packets)
{
    bool is_known = has_sure_one(causes, n);

    for (size_t i = 0; i < n; i++) {
        struct fl_reason *reason;

        if (causes[i].id == FL_CAUSE_REFUSED && is_known)
            continue;
        reason = reason_of(why, causes[i].id);
        reason->may_be &= causes[i].may_be;
        reason->packets += has_cause(causes, i, causes[i].id) ? 0 : packets;
        add_evidence(reason, causes[i].detail);
    }
}

/* ---- What the NIC said ---- */

/* Of one chain. */
struct said {
    struct fl_cause causes[FL_LIMIT_CHAIN_LINKS * FL_SHRINK_PARTS_MAX];
    size_t n;
    bool of_all; /* Of every link that is in software. */
};

static void collect_said(const struct fl_asked_all *all, const struct fl_chain *chain,
                         struct said *said)
{
    *said = (struct said){ .of_all = chain->path != FL_PATH_HW };
    for (size_t i = 0; i < MIN(chain->n_links, FL_LIMIT_CHAIN_LINKS); i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;
        const struct fl_asked *asked = flow->path == FL_PATH_HW ? NULL : fl_asked_of(all, flow);

        if (asked)
            said->n += fl_asked_causes(asked, &said->causes[said->n]);
        if (flow->path != FL_PATH_HW)
            said->of_all &= asked && fl_asked_told(asked);
    }
}

static bool is_of_host(const struct fl_cause *causes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!causes[i].may_be && fl_cause_info(causes[i].id)->by_host)
            return true;
    }
    return false;
}

/* What the flow itself shows is why a NIC could mind it, which it has been asked now; of its port it shows more. */
static size_t overrule(struct fl_cause *causes, size_t n)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        if (causes[i].id == FL_CAUSE_ORPHAN || causes[i].id == FL_CAUSE_REFUSED ||
            causes[i].id == FL_CAUSE_NO_PORT_OFFLOAD ||
            fl_cause_info(causes[i].id)->by != FL_BY_FLOW)
            causes[left++] = causes[i];
    }
    return left;
}

/*
 * That the NIC takes the flow now does not say why it has not got it where the host's settings do: nobody may
 * have offered it.
 */
static void add_said(struct fl_why *why, const struct said *said, const struct fl_cause *causes,
                     size_t n, uint64_t packets)
{
    struct fl_cause all[ARRAY_SIZE(said->causes) + FL_MAX_CAUSES];
    bool was_offered = !is_of_host(causes, n);
    size_t n_all = 0;

    for (size_t i = 0; i < said->n; i++) {
        if (was_offered || said->causes[i].id != FL_CAUSE_REFUSED_ONCE)
            all[n_all++] = said->causes[i];
    }
    memcpy(&all[n_all], causes, n * sizeof *causes);
    add_causes(why, all, n_all + n, packets);
}

/* What is known of the host around the flows. */
struct host {
    const struct fl_kernel_facts *facts; /* or NULL */
    const struct fl_cause *inactive;     /* Offload is not in force on the whole host; or NULL. */
    const struct fl_profiles *profiles;
    const struct fl_asked_all *asked;
};

static void look_at(const struct fl_audit *audit, const struct fl_finding *finding,
                    const struct host *host, struct fl_why *why)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(audit->snapshot);
    const struct fl_ports *ports = fl_snapshot_ports_const(audit->snapshot);
    const struct fl_chain *chain = finding->chain;
    struct fl_cause causes[FL_MAX_CAUSES], more[FL_MAX_CAUSES];
    size_t n = fl_finding_causes(audit, finding, causes);
    struct said said;

    collect_said(host->asked, chain, &said);
    if (said.of_all)
        n = overrule(causes, n);
    if (host->facts && chain->path != FL_PATH_HW) {
        size_t n_more = fl_why_host(host->facts, ports, chain, more);

        n = fl_causes_merge(causes, n, host->inactive, host->inactive != NULL);
        n = fl_causes_merge(causes, n, more, n_more);
    }
    if (!said.of_all && fl_why_is_guess_wanted(causes, n)) {
        size_t n_more = fl_why_nic(host->profiles, host->facts, inv, ports, chain, more);

        n = fl_causes_merge(causes, n, more, n_more);
    }
    if (inv) {
        size_t n_more = fl_ovs_bugs_of_chain(chain, inv->ovs_version, more);

        n = fl_causes_merge(causes, n, more, n_more);
    }
    add_said(why, &said, causes, n, chain->packets);
}

/* Where packets pass some chains, what stands in the way of those that none passed is no reason. */
static bool is_asked_about(const struct fl_vm_audit *vm, const struct fl_finding *finding)
{
    return (finding->chain->path != FL_PATH_HW || fl_finding_leaks(finding)) &&
           (finding->chain->packets || !vm->findings[0].chain->packets);
}

/* What the pipeline looks at is fields; that other actions follow the flow itself shows. */
static void look_beside(const struct fl_audit *audit, const struct fl_vm_audit *vm,
                        struct fl_why *why)
{
    why->n_peers = fl_peer_compare(audit, vm, why->peers);
    for (size_t i = 0; i < why->n_peers; i++) {
        const struct fl_peer *peer = &why->peers[i];
        struct fl_cause cause = { .id = FL_CAUSE_PEER_DIFFERS, .may_be = true };
        _cleanup_free char *names = svec_join(&peer->only_fields, ", ", "");

        if (!peer->only_fields.n)
            continue;
        snprintf(cause.detail, sizeof cause.detail,
                 "packets %s it are matched on %s, those of %s are not",
                 peer->direction == FL_FROM_VM ? "from" : "to", names, peer->peer.vm->name);
        add_causes(why, &cause, 1, 0);
    }
}

static int weakness(const struct fl_reason *reason)
{
    return reason->may_be ? 2 : reason->id == FL_CAUSE_REFUSED;
}

static int compare_reasons(const void *a_, const void *b_)
{
    const struct fl_reason *a = a_, *b = b_;

    if (weakness(a) != weakness(b))
        return weakness(a) - weakness(b);
    if (a->packets != b->packets)
        return a->packets < b->packets ? 1 : -1;
    return (int)a->id - (int)b->id;
}

void fl_why_of_vm(const struct fl_audit *audit, const struct fl_vm_audit *vm,
                  const struct fl_kernel_facts *facts, const struct fl_asked_all *asked,
                  struct fl_why *why)
{
    static const struct fl_asked_all nobody = { .n = 0 };
    const struct fl_inventory *inv = fl_snapshot_inventory(audit->snapshot);
    struct fl_profiles profiles;
    struct fl_cause inactive;
    bool is_inactive = facts && inv && fl_why_offload_inactive(facts, inv, &inactive);
    struct host host = { facts, is_inactive ? &inactive : NULL, &profiles,
                         asked ? asked : &nobody };

    why->n = 0;
    fl_profiles_init(&profiles);
    fl_profiles_learn(&profiles, audit->snapshot);
    for (size_t i = 0; i < MIN(vm->n_findings, CHAINS_MAX); i++) {
        if (is_asked_about(vm, &vm->findings[i]))
            look_at(audit, &vm->findings[i], &host, why);
    }
    fl_profiles_destroy(&profiles);
    look_beside(audit, vm, why);
    qsort(why->reasons, why->n, sizeof why->reasons[0], compare_reasons);
}

void fl_why_add(struct fl_why *why, const struct fl_cause *causes, size_t n)
{
    add_causes(why, causes, n, 0);
    qsort(why->reasons, why->n, sizeof why->reasons[0], compare_reasons);
}

bool fl_why_is_sure(const struct fl_why *why)
{
    for (size_t i = 0; i < why->n; i++) {
        if (!why->reasons[i].may_be && why->reasons[i].id != FL_CAUSE_REFUSED)
            return true;
    }
    return false;
}

void fl_why_hear(struct fl_why *why, const struct fl_extacks *extacks)
{
    struct fl_cause causes[FL_EXTACKS_MAX];

    fl_why_add(why, causes, fl_extacks_causes(extacks, causes));
}

void fl_why_destroy(struct fl_why *why)
{
    for (size_t i = 0; i < why->n_peers; i++)
        fl_peer_destroy(&why->peers[i]);
}
