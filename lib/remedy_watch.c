/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verification: what counts is that the VM's storage packets are counted by the NIC, in flows that come
 * from the remedy's rules, and that they do not stop (DESIGN.md section 5).
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/ovs/log.h"
#include "lib/remedy_steps.h"

/*
 * OVS needs up to half a second to revalidate (max-revalidator), offload some 50 ms, hardware counters
 * up to 2 s (OVS 29720e378). A round looks at one window; so many rounds are given.
 */
#define ROUND_MS   1500
#define MAX_ROUNDS 8
/* Share of packets in hardware that is good: a new connection's first packets may pass in software. */
#define GOOD_SHARE 0.99

struct round {
    enum fl_proof_of_life life;
    uint64_t hw, software;
};

static struct round judge(const struct fl_vm_audit *vm)
{
    struct round r = { .life = FL_LIFE_QUIET };

    for (enum fl_path path = 0; path < FL_N_PATHS; path++) {
        if (path == FL_PATH_HW) {
            r.hw = vm->storage.packets[path];
        } else {
            r.software += vm->storage.packets[path];
        }
    }
    r.software += vm->young_packets;
    if (r.hw + r.software) {
        r.life = (double)r.hw >= GOOD_SHARE * (double)(r.hw + r.software) ? FL_LIFE_GOOD
                                                                          : FL_LIFE_BAD;
    }
    return r;
}

static void describe(const struct round *r, const struct fl_vm_audit *vm, bool by_rules,
                     struct fl_outcome *outcome)
{
    uint64_t all = r->hw + r->software;

    free(outcome->reason);
    outcome->packets = all;
    outcome->hw_share = all ? (double)r->hw / (double)all : -1;
    if (!all) {
        outcome->reason = xstrdup("no storage packet was seen");
    } else if (r->life == FL_LIFE_GOOD && !by_rules) {
        outcome->reason = xstrdup("storage packets are in hardware, but none matched the rules");
    } else if (r->life == FL_LIFE_GOOD) {
        outcome->reason = xasprintf("%.1f %% of %" PRIu64 " storage packets were forwarded by the "
                                    "NIC",
                                    100 * outcome->hw_share, all);
    } else {
        outcome->reason = xasprintf("%" PRIu64 " of %" PRIu64 " storage packets still went through "
                                    "software%s%s",
                                    r->software, all, vm->n_causes ? ": " : "",
                                    vm->n_causes ? fl_cause_info(vm->causes[0])->id : "");
    }
}

/*
 * Decoys for live megaflows that still have a mask from before the rules: the ones of the plan do not
 * reach a megaflow whose mask holds their bit already. That happens when rules and decoys went in and out
 * a moment ago, since OVS's classifier lets a rule that was just deleted widen a mask for a while.
 */
static bool add_decoys(const struct fl_vm_audit *vm, struct fl_flowset *set)
{
    struct fl_error ignored = FL_ERROR_INIT;

    return vm->n_causes && vm->causes[0] == FL_CAUSE_CONNTRACK &&
           fl_simplify_decoys(vm, set, &ignored) > 0;
}

/*
 * One look.
 * @more_decoys: NULL, or whether decoys were added to @set
 * Return: enum fl_proof_of_life or negative errno.
 */
static int look(const struct fl_operator *op, struct fl_flowset *set, bool *more_decoys,
                struct fl_outcome *outcome, json_t **after, struct fl_error *err)
{
    const struct fl_vm_audit *vm;
    struct fl_presence presence;
    struct fl_snapshot *snapshot;
    struct fl_audit *audit;
    struct round r;
    bool by_rules;
    int error = fl_step_read(op, ROUND_MS, &snapshot, &audit, err);

    if (error) {
        return error;
    }
    vm = fl_audit_vm(audit, set->vm_name);
    error = !vm ? fl_error_set(err, -ENODATA, "%s is gone from this host", set->vm_name)
            : audit->incomplete ? fl_error_set(err, -ENODATA, "%s", audit->incomplete)
                                : fl_step_present(op, set, &presence, err);
    if (!error && presence.n_present < fl_step_n_rules(set)) {
        free(outcome->reason);
        outcome->reason = xstrdup("somebody took its rules out of the switch meanwhile");
        error = FL_LIFE_GONE;
    } else if (!error) {
        r = judge(vm);
        by_rules = presence.packets || !fl_step_n_rules(set);
        describe(&r, vm, by_rules, outcome);
        outcome->had_traffic = outcome->had_traffic || r.life != FL_LIFE_QUIET;
        json_decref(*after);
        *after = fl_vm_audit_to_json(vm);
        error = r.life == FL_LIFE_GOOD && !by_rules ? FL_LIFE_BAD : (int)r.life;
        if (more_decoys && error == FL_LIFE_BAD) {
            *more_decoys = add_decoys(vm, set);
        }
    }
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
    return error;
}

int fl_step_watch(const struct fl_operator *op, struct fl_flowset *set,
                  const struct fl_watch *watch, struct fl_outcome *outcome, json_t **after,
                  struct fl_error *err)
{
    bool decoys = watch->decoys;
    int most = watch->most_looks ? watch->most_looks : MAX_ROUNDS;
    int life = FL_LIFE_QUIET;
    unsigned int good = 0;

    *after = NULL;
    for (int i = 0; i < most && good < watch->n_good; i++) {
        bool is_over = i && watch->until_ms && fl_time_now_ms() >= watch->until_ms;
        bool may_add = watch->n_good > 1 && (i == 1 || i == MAX_ROUNDS / 2 - 1);
        bool added = false;

        if (is_over) {
            break;
        }
        fl_error_clear(err);
        life = look(op, set, may_add ? &added : NULL, outcome, after, err);
        if (life == FL_LIFE_GONE) {
            break;
        }
        good = life == FL_LIFE_GOOD ? good + 1 : 0;
        if (added) {
            int error = fl_step_install(op, set, true, err);

            if (error)
                return error;
            decoys = true;
        }
        if (decoys && (good || i == MAX_ROUNDS / 2)) {
            int error = fl_step_install(op, set, false, err);

            if (error)
                return error;
            decoys = false;
            good = 0;
        }
    }
    if (life == FL_LIFE_BAD) {
        free(outcome->evidence);
        outcome->evidence = fl_log_refusal(watch->log_mark);
    }
    return life;
}
