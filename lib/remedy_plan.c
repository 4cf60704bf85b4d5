/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "flows/mirror.h"
#include "flows/rebase.h"
#include "lib/prove.h"
#include "lib/remedy_steps.h"
#include "lib/reoffer.h"

/* Interfaces of one VM that carry storage traffic to another bridge. */
#define MAX_PATCHES 16

/* These say that no plan is needed or possible: what could not be read must not look like them. */
static int as_trouble(int error)
{
    return error == -ENOENT || error == -ENOTSUP || error == -EPERM ? -EIO : error;
}

/*
 * A remedy of this VM that is wholly in the switch is the plan. Decoys that an interrupted apply left
 * beside it do not matter: applying it takes them out. Return: 1 then, else 0.
 */
static int take_installed(const struct fl_operator *op, const struct fl_vm *vm,
                          struct fl_plan *plan)
{
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_presence presence;
    struct fl_remedy remedy;
    int found = 0;

    if (!fl_store_read(op->root, vm->id, &remedy, &ignored)) {
        found = remedy.state != FL_REMEDY_REVERTED && remedy.set.n_rules &&
                !fl_step_present(op, &remedy.set, &presence, &ignored) &&
                presence.n_present == fl_step_n_rules(&remedy.set);
        if (found) {
            plan->set = remedy.set;
            fl_flowset_init(&remedy.set, "", "");
            plan->installed = true;
        }
        fl_remedy_destroy(&remedy);
    }
    return found;
}

/* A mirror comes first: it may be why, be it of all VMs, and no rule helps while it is there. */
static int refuse_by_verdict(const struct fl_plan *plan, struct fl_error *err)
{
    const struct fl_vm_audit *vm = plan->vm;
    int error = fl_verdict_is_bad(vm->verdict)
                    ? fl_mirror_check_vm(vm, fl_snapshot_ports_const(plan->snapshot), err)
                    : 0;

    if (error) {
        return error;
    }
    if (vm->scope == FL_SCOPE_HOST) {
        return fl_error_set(err, -ENOTSUP,
                            "no plan for one VM: the whole host is without offload "
                            "(%s); %s",
                            plan->audit->n_host_causes
                                ? fl_cause_info(plan->audit->host_causes[0].id)->meaning
                                : "no flow of "
                                  "any VM is in hardware",
                            "run flowlift doctor");
    }
    switch (vm->verdict) {
    case FL_VERDICT_OFFLOADED:
        return fl_error_set(err, -ENOENT, "%s needs no remedy: its storage traffic is in hardware",
                            vm->name);
    case FL_VERDICT_IDLE:
        return fl_error_set(err, -ENOENT, "%s has no storage traffic to make a plan from: %s",
                            vm->name, vm->reason);
    case FL_VERDICT_UNKNOWN:
        return fl_error_set(err, -ENODATA, "no plan without a verdict: %s", vm->reason);
    case FL_VERDICT_STRANDED:
    case FL_VERDICT_LEAKING:
    default: return 0;
    }
}

/* Those of the zones that the VM's chains pass. */
static int read_connections(const struct fl_operator *op, const struct fl_vm_audit *vm,
                            struct fl_connection **all, size_t *n_all, struct fl_error *err)
{
    uint16_t zones[FL_LIMIT_ZONES];
    size_t n_zones = fl_simplify_zones(vm, zones, FL_LIMIT_ZONES);

    *all = NULL;
    *n_all = 0;
    if (!n_zones || !vm->vm->n_interfaces) {
        return 0;
    }
    return fl_step_read_zones(op, vm->inv, vm->inv->interfaces[vm->vm->interfaces[0]].bridge, zones,
                              n_zones, all, n_all, err);
}

static void remember_zones(const struct fl_vm_audit *vm, struct fl_flowset *set)
{
    free(set->zones);
    set->zones = xmalloc(FL_LIMIT_ZONES * sizeof *set->zones);
    set->n_zones = fl_simplify_zones(vm, set->zones, FL_LIMIT_ZONES);
}

/* Return: 0, -EPERM not proven, or trouble. */
static int prove_now(const struct fl_operator *op, struct fl_ctl *ctl, struct fl_proof_of *what,
                     struct fl_error *err)
{
    struct fl_pipeline pipeline;
    int error = fl_pipeline_read(what->set, &pipeline, err);

    if (error) {
        return as_trouble(error);
    }
    what->pipeline = &pipeline;
    error = fl_prove(ctl, op->config, what, err);
    what->pipeline = NULL;
    fl_pipeline_release(&pipeline);
    return error == -EPERM ? error : as_trouble(error);
}

static int derive(const struct fl_operator *op, struct fl_ctl *ctl, struct fl_plan *plan,
                  struct fl_error *err)
{
    _cleanup_free struct fl_connection *connections = NULL;
    struct fl_patch patches[MAX_PATCHES];
    struct fl_simplify_input in = {
        .snapshot = plan->snapshot,
        .vm = plan->vm,
        .storage = &op->config->storage,
        .patches = patches,
    };
    struct fl_proof_of what = { .set = &plan->set };
    int error = read_connections(op, plan->vm, &connections, &in.n_connections, err);

    in.connections = connections;
    if (error) {
        return as_trouble(error);
    }
    error = fl_step_find_patches(ctl, plan->snapshot, plan->vm, patches, MAX_PATCHES, &in.n_patches,
                                 err);
    if (error) {
        return error == -ENOTSUP ? error : as_trouble(error);
    }
    error = fl_simplify(&in, &plan->set, &plan->refusals, &plan->n_refusals, err);
    if (!error) {
        error = fl_mirror_check_rules(plan->vm->inv, &plan->set, err);
    }
    if (!error) {
        fl_rebase_note(&plan->set, plan->vm->inv);
        fl_flowset_keep_wide(&plan->set);
        remember_zones(plan->vm, &plan->set);
        fl_step_say(op, "asking OVS whether the rules forward the same packets");
        what.vm = plan->vm;
        what.connections = connections;
        what.n_connections = in.n_connections;
        error = prove_now(op, ctl, &what, err);
    }
    if (!error) {
        fl_flowset_settle_wide(&plan->set);
    }
    if (!error && fl_simplify_decoys(plan->vm, &plan->set, err) < 0) {
        error = -ENOTSUP;
    }
    return error;
}

/* Is a plan not to be had, for a reason that lies in the VM or its pipeline? Of others the remedy is no part. */
static bool is_refused(const struct fl_plan *plan, int error)
{
    bool is_alone = plan->vm && plan->vm->scope != FL_SCOPE_NIC && plan->vm->scope != FL_SCOPE_HOST;

    return is_alone && (error == -EPERM || error == -ENOTSUP);
}

/*
 * A plan is made of the traffic of a moment. One that has nothing for a direction that the remedy serves, as when
 * OVS has just been started and floods, would leave that one in software.
 */
static int check_directions(const struct fl_operator *op, const char *vm_id,
                            const struct fl_plan *plan, struct fl_error *err)
{
    struct fl_remedy remedy;
    int error = fl_store_read(op->root, vm_id, &remedy, err);

    if (error) {
        return error;
    }
    if (!fl_flowset_has_directions(&plan->set, &remedy.set)) {
        error = fl_error_set(err, -EAGAIN, "a plan can be had for one direction only: %s",
                             plan->n_refusals ? plan->refusals[0].reason : "the other is silent");
    }
    fl_remedy_destroy(&remedy);
    return error;
}

/* What a VM's remedy does not help against: a plan of now, or the remedy goes. */
static int replace(const struct fl_operator *op, const char *vm_id, struct fl_outcome *outcome,
                   struct fl_error *err)
{
    struct fl_plan plan = { .renews = true };
    struct fl_error why = FL_ERROR_INIT;
    int error = fl_remedy_plan(op, vm_id, &plan, &why);

    fl_outcome_destroy(outcome);
    if (!error) {
        error = check_directions(op, vm_id, &plan, err);
        if (!error) {
            error = fl_remedy_apply(op, &plan, outcome, err);
        }
    } else if (is_refused(&plan, error)) {
        error = fl_remedy_revert(op, vm_id, outcome, err);
        if (!error) {
            free(outcome->reason);
            outcome->reason = xasprintf("it does not help any more, and no other can be had: %s",
                                        why.text);
            error = fl_error_set(err, -ECANCELED, "%s", outcome->reason);
        }
    } else {
        /* In hardware, or silent, by now, or not alone: that is for the next look to see. */
        error = error == -ENOENT || error == -ENOTSUP || error == -EPERM ? -EAGAIN : error;
        fl_error_set(err, error, "%s", why.text);
    }
    fl_plan_destroy(&plan);
    return error;
}

int fl_remedy_renew(const struct fl_operator *op, const char *vm_id, bool only_installed,
                    bool may_replace, struct fl_outcome *outcome, struct fl_error *err)
{
    int error = fl_step_verify_rebuilding(op, vm_id, only_installed, outcome, err);

    if (error != -ECANCELED || outcome->state != FL_REMEDY_INSTALLED) {
        return error == -ECANCELED ? -EAGAIN : error;
    }
    if (!outcome->had_traffic || !may_replace) {
        return -EAGAIN;
    }
    fl_error_clear(err);
    return replace(op, vm_id, outcome, err);
}

static void forget_reading(struct fl_plan *plan)
{
    fl_audit_destroy(plan->audit);
    fl_snapshot_destroy(plan->snapshot);
    plan->audit = NULL;
    plan->snapshot = NULL;
    plan->vm = NULL;
}

/* One window. On success plan->vm is the VM's entry, and *@vm the VM itself. */
static int read_vm(const struct fl_operator *op, const char *vm_what, struct fl_plan *plan,
                   const struct fl_vm **vm, struct fl_error *err)
{
    const struct fl_inventory *inv;
    int error;

    fl_step_say(op, "reading flows");
    error = fl_step_read(op, op->config->window_ms, &plan->snapshot, &plan->audit, err);
    if (error) {
        return as_trouble(error);
    }
    inv = fl_snapshot_inventory(plan->snapshot);
    *vm = inv ? fl_inventory_find_vm(inv, vm_what, err) : NULL;
    if (!*vm) {
        return fl_error_set(err, -ENXIO, "no VM \"%s\" on this host", vm_what);
    }
    plan->vm = fl_audit_vm(plan->audit, (*vm)->name);
    return plan->vm ? 0 : fl_error_set(err, -ENODATA, "%s is not in the audit", (*vm)->name);
}

/* A change a moment ago made the flows anew: the next window tells what this one could not. */
static bool is_too_young(const struct fl_plan *plan)
{
    return plan->vm->verdict == FL_VERDICT_UNKNOWN && plan->vm->young_packets &&
           !plan->audit->incomplete;
}

/* A remedy that is on disk is the guard's, whatever of it is in the switch. */
static bool has_remedy(const struct fl_operator *op, const struct fl_vm *vm)
{
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_remedy remedy;
    int error = fl_store_read(op->root, vm->id, &remedy, &ignored);
    bool found = error && error != -ENOENT;

    if (!error) {
        found = remedy.state != FL_REMEDY_REVERTED;
        fl_remedy_destroy(&remedy);
    }
    return found;
}

static void plan_reoffer(const struct fl_operator *op, struct fl_ctl *ctl, const struct fl_vm *vm,
                         struct fl_plan *plan)
{
    struct fl_error why = FL_ERROR_INIT;

    if (has_remedy(op, vm)) {
        plan->no_reoffer = xstrdup("the VM has a remedy");
    } else if (fl_reoffer_plan(op, ctl, plan, &plan->reoffer, &why)) {
        plan->no_reoffer = xstrdup(why.text);
    }
}

/* No rules, but the first step. */
static void plan_reoffer_alone(const struct fl_vm *vm, struct fl_plan *plan, struct fl_error *why)
{
    fl_flowset_destroy(&plan->set);
    fl_flowset_init(&plan->set, vm->id, vm->name);
    plan->refused = xstrdup(why->text);
    fl_error_clear(why);
}

/* As read_vm(), of the next window where one tells nothing. */
static int read_vm_settled(const struct fl_operator *op, const char *vm_what, struct fl_plan *plan,
                           const struct fl_vm **vm, struct fl_error *err)
{
    int error = read_vm(op, vm_what, plan, vm, err);

    if (!error && is_too_young(plan)) {
        forget_reading(plan);
        error = read_vm(op, vm_what, plan, vm, err);
    }
    return error;
}

int fl_remedy_plan_reoffer(const struct fl_operator *op, struct fl_plan *plan, struct fl_error *err)
{
    const struct fl_vm *vm;
    struct fl_ctl *ctl;
    int error = read_vm_settled(op, plan->set.vm_id, plan, &vm, err);

    if (!error) {
        error = refuse_by_verdict(plan, err);
    }
    if (error) {
        return error;
    }
    error = fl_ctl_open(op->host.target, fl_step_timeout_ms(op), &ctl, err);
    if (error) {
        return as_trouble(error);
    }
    plan_reoffer(op, ctl, vm, plan);
    fl_ctl_close(ctl);
    return 0;
}

int fl_remedy_plan(const struct fl_operator *op, const char *vm_what, struct fl_plan *plan,
                   struct fl_error *err)
{
    const struct fl_vm *vm;
    struct fl_ctl *ctl;
    int error = read_vm_settled(op, vm_what, plan, &vm, err);

    if (error || (!plan->renews && take_installed(op, vm, plan))) {
        return error;
    }
    error = refuse_by_verdict(plan, err);
    if (error) {
        return error;
    }
    error = fl_ctl_open(op->host.target, fl_step_timeout_ms(op), &ctl, err);
    if (error) {
        return as_trouble(error);
    }
    if (!plan->renews) {
        plan_reoffer(op, ctl, vm, plan);
    }
    error = derive(op, ctl, plan, err);
    fl_ctl_close(ctl);
    if ((error == -EPERM || error == -ENOTSUP) && plan->reoffer.n_rules) {
        plan_reoffer_alone(vm, plan, err);
        error = 0;
    }
    return error;
}

/* As it is when the pipeline is as it was; else, or when something else has changed, anew. */
static int prove_plan(const struct fl_operator *op, struct fl_ctl *ctl, struct fl_proof_of *what,
                      bool *anew, struct fl_error *err)
{
    struct fl_pipeline pipeline;
    int error = fl_pipeline_read(what->set, &pipeline, err);

    if (error) {
        return as_trouble(error);
    }
    if (anew) {
        *anew = !what->set->basis || strcmp(pipeline.basis, what->set->basis);
    }
    what->pipeline = &pipeline;
    what->as_it_is = !anew || !*anew;
    error = fl_prove(ctl, op->config, what, err);
    what->pipeline = NULL;
    fl_pipeline_release(&pipeline);
    if (error == -EPERM && what->as_it_is && anew) {
        fl_error_clear(err);
        *anew = true;
        what->as_it_is = false;
        error = prove_now(op, ctl, what, err);
    }
    if (error == -EPERM) {
        fl_error_prefix(err, "the plan no longer holds");
    }
    return error == -EPERM ? error : as_trouble(error);
}

int fl_remedy_prove(const struct fl_operator *op, struct fl_plan *plan, bool *anew,
                    struct fl_error *err)
{
    _cleanup_free struct fl_connection *connections = NULL;
    struct fl_proof_of what = { .set = &plan->set, .vm = plan->vm };
    struct fl_ctl *ctl;
    int error;

    fl_step_say(op, "proving the plan again");
    error = fl_step_read_premises(op, &plan->set, &connections, &what.n_connections, err);
    if (error) {
        return error == -EPERM ? error : as_trouble(error);
    }
    what.connections = connections;
    error = fl_ctl_open(op->host.target, fl_step_timeout_ms(op), &ctl, err);
    if (error) {
        return as_trouble(error);
    }
    error = prove_plan(op, ctl, &what, anew, err);
    fl_ctl_close(ctl);
    if (!error) {
        /* Those of rules that are no more what they were are not proven by them. */
        fl_flowset_drop_stray_decoys(&plan->set);
    }
    return error;
}
