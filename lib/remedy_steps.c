/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remedy_steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/util.h>
#include <ovs/util.h>

#include "flows/mirror.h"
#include "lib/base/clock.h"
#include "lib/ovs/db.h"
#include "lib/store/journal.h"

int fl_step_read(const struct fl_operator *op, int64_t window_ms, struct fl_snapshot **snapshot,
                 struct fl_audit **audit, struct fl_error *err)
{
    struct fl_collect_options options = {
        .config = op->config,
        .window_ms = window_ms,
        .keep = FL_KEEP_STORAGE,
    };
    int error = fl_collect_host(&op->host, &options, snapshot, err);

    if (!error) {
        *audit = fl_audit_run(*snapshot, &op->config->storage, &op->config->audit);
    }
    return error;
}

/* What the audit said of the VM, for the journal; null where nothing is known. */
static json_t *before_and_after(const struct fl_remedy *remedy)
{
    return json_pack("{s:O?, s:O?}", "before", remedy->before, "after", remedy->after);
}

int fl_step_check_decided(const struct fl_operator *op, const struct fl_remedy *remedy,
                          struct fl_error *err)
{
    if (!op->decided_ms || remedy->decided_ms <= op->decided_ms) {
        return 0;
    }
    return fl_error_set(err, -ESTALE, "%s: somebody has decided otherwise since",
                        remedy->set.vm_name);
}

void fl_step_decide(const struct fl_operator *op, struct fl_remedy *remedy, bool stands)
{
    /* Whoever decides here knows of what was decided before, whatever the clocks say. */
    remedy->decided_ms = op->decided_ms ? op->decided_ms
                                        : MAX(fl_time_now_ms(), remedy->decided_ms + 1);
    remedy->unwanted = !stands;
    if (op->decided_ms) {
        free(remedy->who);
        free(remedy->ticket);
        remedy->who = xstrdup(op->who ? op->who : "unknown");
        remedy->ticket = nullable_xstrdup(op->ticket);
    }
}

int fl_step_record(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                   enum fl_remedy_state state, const char *step, const char *reason,
                   struct fl_error *err)
{
    char *copy = xstrdup(reason);
    int error;

    free(remedy->reason);
    remedy->reason = copy;
    remedy->state = state;
    remedy->changed_ms = fl_time_now_ms();
    if (state == FL_REMEDY_REVERTED) {
        remedy->confirm_by_ms = 0;
        remedy->until = (struct fl_until){ .time_ms = 0 };
    }
    error = fl_store_put(store, remedy, err);
    return error ? error : fl_journal_append(op->root, step, remedy, before_and_after(remedy), err);
}

size_t fl_step_n_rules(const struct fl_flowset *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->n_rules; i++) {
        n += !set->rules[i].decoy;
    }
    return n;
}

/* First rule of a bridge: the place where a bridge of the set is visited. */
static bool is_first_of_bridge(const struct fl_flowset *set, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(set->rules[j].bridge, set->rules[i].bridge)) {
            return false;
        }
    }
    return true;
}

/* The rules of one bridge as an array of shallow copies; free() it. */
static struct fl_rule *rules_of_bridge(const struct fl_flowset *set, const char *bridge,
                                       bool decoys, size_t *n)
{
    struct fl_rule *rules = xmalloc((set->n_rules + 1) * sizeof *rules);

    *n = 0;
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *rule = &set->rules[i];

        if (!strcmp(rule->bridge, bridge) && (decoys || !rule->decoy)) {
            rules[(*n)++] = *rule;
        }
    }
    return rules;
}

static int presence_on_bridge(const struct fl_operator *op, const struct fl_flowset *set,
                              const char *bridge, struct fl_presence *sum, struct fl_error *err)
{
    _cleanup_free struct fl_rule *rules = NULL;
    struct fl_presence here;
    struct fl_openflow *of;
    size_t n;
    int error = fl_openflow_open(bridge, fl_step_timeout_ms(op), &of, err);

    if (error) {
        return error;
    }
    rules = rules_of_bridge(set, bridge, false, &n);
    error = fl_openflow_presence(of, set->cookie, rules, n, &here, err);
    fl_openflow_close(of);
    if (!error) {
        sum->n_present += here.n_present;
        sum->n_foreign += here.n_foreign;
        sum->packets += here.packets;
        sum->bytes += here.bytes;
    }
    return error;
}

int fl_step_present(const struct fl_operator *op, const struct fl_flowset *set,
                    struct fl_presence *presence, struct fl_error *err)
{
    struct fl_presence sum = { 0 };
    int error = 0;

    for (size_t i = 0; !error && i < set->n_rules; i++) {
        if (is_first_of_bridge(set, i)) {
            error = presence_on_bridge(op, set, set->rules[i].bridge, &sum, err);
        }
    }
    *presence = sum;
    return error;
}

static int replace_on_bridge(const struct fl_operator *op, const struct fl_flowset *set,
                             const char *bridge, bool decoys, struct fl_error *err)
{
    _cleanup_free struct fl_rule *rules = NULL;
    struct fl_openflow *of;
    size_t n;
    int error = fl_openflow_open(bridge, fl_step_timeout_ms(op), &of, err);

    if (!error) {
        rules = rules_of_bridge(set, bridge, decoys, &n);
        error = fl_openflow_replace(of, set->cookie, rules, n, err);
        fl_openflow_close(of);
    }
    return error;
}

int fl_step_install(const struct fl_operator *op, const struct fl_flowset *set, bool decoys,
                    struct fl_error *err)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        if (is_first_of_bridge(set, i)) {
            int error = replace_on_bridge(op, set, set->rules[i].bridge, decoys, err);

            if (error) {
                return error;
            }
        }
    }
    return 0;
}

static int remove_on_bridge(const struct fl_operator *op, const char *bridge, uint64_t cookie,
                            size_t *n_deleted, struct fl_error *err)
{
    struct fl_openflow *of;
    size_t n = 0;
    int error = fl_openflow_open(bridge, fl_step_timeout_ms(op), &of, err);

    if (!error) {
        error = fl_openflow_delete(of, cookie, UINT64_MAX, &n, err);
        fl_openflow_close(of);
        *n_deleted += n;
    }
    return error;
}

int fl_step_remove(const struct fl_operator *op, const struct fl_flowset *set,
                   const struct fl_inventory *inv, uint64_t cookie, size_t *n_deleted,
                   struct fl_error *err)
{
    int error = 0;

    *n_deleted = 0;
    for (size_t i = 0; !error && inv && i < inv->n_bridges; i++) {
        error = remove_on_bridge(op, inv->bridges[i].name, cookie, n_deleted, err);
    }
    for (size_t i = 0; !error && !inv && i < set->n_rules; i++) {
        if (is_first_of_bridge(set, i)) {
            error = remove_on_bridge(op, set->rules[i].bridge, cookie, n_deleted, err);
        }
    }
    return error;
}

int fl_step_premises_by(const struct fl_operator *op, const struct fl_inventory *inv,
                        const struct fl_flowset *set, struct fl_connection **all, size_t *n_all,
                        struct fl_error *err)
{
    int error = 0;

    *all = NULL;
    *n_all = 0;
    if (set->n_rules && set->n_zones) {
        error = fl_step_read_zones(op, inv, set->rules[0].bridge, set->zones, set->n_zones, all,
                                   n_all, err);
    }
    /* -EPERM is the mirror's. */
    return !error ? fl_mirror_check_rules(inv, set, err) : error == -EPERM ? -EACCES : error;
}

int fl_step_read_premises(const struct fl_operator *op, const struct fl_flowset *set,
                          struct fl_connection **all, size_t *n_all, struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(op->config);
    struct fl_inventory inv;
    int error;

    *all = NULL;
    *n_all = 0;
    fl_inventory_init(&inv);
    error = fl_db_read(op->host.db, &keys, fl_step_timeout_ms(op), &inv, err);
    if (!error) {
        error = fl_step_premises_by(op, &inv, set, all, n_all, err);
        fl_inventory_destroy(&inv);
    } else if (error == -EPERM) {
        error = -EACCES;
    }
    return error;
}

/* Return: the one of that identity, else of that name; @n: there is none */
static size_t find_in(const struct fl_remedy *list, size_t n, const char *vm_what)
{
    size_t found = n;

    for (size_t i = n; i-- > 0;) {
        if (!strcmp(list[i].set.vm_id, vm_what)) {
            return i;
        }
        if (!strcmp(list[i].set.vm_name, vm_what)) {
            found = i;
        }
    }
    return found;
}

int fl_step_find_remedy(struct fl_store *store, const char *vm_what, struct fl_remedy *remedy,
                        struct fl_error *err)
{
    struct fl_remedy *list = NULL;
    size_t n = 0;
    int error = fl_store_list(store, &list, &n, err);
    size_t found = find_in(list, n, vm_what);

    if (found < n) {
        *remedy = list[found];
        list[found] = list[--n]; /* handed over */
        fl_error_clear(err);
        error = 0;
    } else if (!error) {
        error = fl_error_set(err, -ENOENT, "no remedy is known for \"%s\"", vm_what);
    }
    fl_remedy_list_free(list, n);
    return error;
}

int fl_step_open_store(const struct fl_operator *op, struct fl_outcome *outcome,
                       struct fl_store **store, struct fl_error *err)
{
    *outcome = (struct fl_outcome){ .hw_share = -1 };
    return fl_store_open(op->root, true, FL_STORE_WAIT_MS, store, err);
}

void fl_outcome_destroy(struct fl_outcome *outcome)
{
    free(outcome->reason);
    free(outcome->evidence);
    outcome->reason = outcome->evidence = NULL;
}

void fl_plan_destroy(struct fl_plan *plan)
{
    fl_flowset_destroy(&plan->set);
    fl_flowset_destroy(&plan->reoffer);
    free(plan->no_reoffer);
    free(plan->refused);
    fl_refusals_free(plan->refusals, plan->n_refusals);
    json_decref(plan->before);
    if (plan->audit) {
        fl_audit_destroy(plan->audit);
    }
    if (plan->snapshot) {
        fl_snapshot_destroy(plan->snapshot);
    }
    memset(plan, 0, sizeof *plan);
}
