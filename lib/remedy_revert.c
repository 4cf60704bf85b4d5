/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/ovs/db.h"
#include "lib/remedy_steps.h"

static int read_inventory(const struct fl_operator *op, struct fl_inventory *inv,
                          struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(op->config);

    return fl_db_read(op->host.db, &keys, fl_step_timeout_ms(op), inv, err);
}

/* A VM that OVSDB knows and that has no remedy on disk: one is made up to hold its cookie. */
static int remedy_of_vm(const struct fl_inventory *inv, const char *vm_what,
                        struct fl_remedy *remedy, struct fl_error *err)
{
    const struct fl_vm *vm;

    fl_error_clear(err);
    vm = fl_inventory_find_vm(inv, vm_what, err);
    if (!vm) {
        return -ENOENT;
    }
    fl_remedy_init(remedy);
    fl_flowset_destroy(&remedy->set);
    fl_flowset_init(&remedy->set, vm->id, vm->name);
    remedy->state = FL_REMEDY_REVERTED;
    free(remedy->reason);
    remedy->reason = xstrdup("there is no remedy");
    return 0;
}

static int find_remedy(struct fl_store *store, const struct fl_inventory *inv, const char *vm_what,
                       struct fl_remedy *remedy, bool *on_disk, struct fl_error *err)
{
    const struct fl_vm *vm;
    struct fl_error ignored = FL_ERROR_INIT;
    int error = fl_step_find_remedy(store, vm_what, remedy, err);

    *on_disk = !error;
    if (error != -ENOENT) {
        return error;
    }
    vm = fl_inventory_find_vm(inv, vm_what, &ignored);
    if (vm && !fl_store_get(store, vm->id, remedy, &ignored)) {
        *on_disk = true;
        fl_error_clear(err);
        return 0;
    }
    return remedy_of_vm(inv, vm_what, remedy, err);
}

int fl_step_revert(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                   bool on_disk, const struct fl_inventory *inv, const char *why,
                   struct fl_outcome *outcome, struct fl_error *err)
{
    bool was_reverted = remedy->state == FL_REMEDY_REVERTED;
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_presence presence;
    _cleanup_free char *what = NULL;
    size_t n_deleted;
    int error;

    /* Whatever comes of this, the rules go out. */
    if (!fl_step_present(op, &remedy->set, &presence, &ignored) && presence.n_present) {
        fl_step_forget_connections(op, &remedy->set, &ignored);
    }
    error = fl_step_remove(op, &remedy->set, inv, remedy->set.cookie, &n_deleted, err);
    if (error) {
        return error;
    }
    outcome->changed = n_deleted > 0;
    outcome->state = FL_REMEDY_REVERTED;
    what = n_deleted      ? xasprintf("%zu rules taken out", n_deleted)
           : was_reverted ? xstrdup("there was nothing to take out")
                          : xstrdup("its rules were gone from the switch already");
    free(outcome->reason);
    outcome->reason = xasprintf("%s%s%s", why ? why : "", why ? "; " : "", what);
    if (!on_disk || (was_reverted && !n_deleted)) {
        return 0;
    }
    return fl_step_record(op, store, remedy, FL_REMEDY_REVERTED, "revert", outcome->reason, err);
}

/* Somebody decided so: that is noted also where there is nothing to take out any more. */
static int revert_decided(const struct fl_operator *op, struct fl_store *store,
                          struct fl_remedy *remedy, bool on_disk, const struct fl_inventory *inv,
                          struct fl_outcome *outcome, struct fl_error *err)
{
    bool was_reverted = remedy->state == FL_REMEDY_REVERTED;
    int error = on_disk ? fl_step_check_decided(op, remedy, err) : 0;

    if (error) {
        return error;
    }
    fl_step_decide(op, remedy, false);
    error = fl_step_revert(op, store, remedy, on_disk, inv, NULL, outcome, err);
    if (!error && on_disk && was_reverted && !outcome->changed) {
        error = fl_store_put(store, remedy, err);
    }
    return error;
}

int fl_remedy_revert(const struct fl_operator *op, const char *vm_what, struct fl_outcome *outcome,
                     struct fl_error *err)
{
    struct fl_inventory inv;
    struct fl_remedy remedy;
    struct fl_store *store;
    bool on_disk;
    int error;

    memset(outcome, 0, sizeof *outcome);
    outcome->hw_share = -1;
    error = read_inventory(op, &inv, err);
    if (error) {
        return error;
    }
    error = fl_store_open(op->root, true, FL_STORE_WAIT_MS, &store, err);
    if (!error) {
        error = find_remedy(store, &inv, vm_what, &remedy, &on_disk, err);
        if (!error) {
            error = revert_decided(op, store, &remedy, on_disk, &inv, outcome, err);
            fl_remedy_destroy(&remedy);
        }
        fl_store_close(store);
    }
    fl_inventory_destroy(&inv);
    return error;
}

/* Rules with our prefix that no remedy on disk knows. */
static int remove_strays(const struct fl_operator *op, const struct fl_inventory *inv,
                         struct fl_error *err)
{
    for (size_t i = 0; i < inv->n_bridges; i++) {
        struct fl_openflow *of;
        size_t n;
        int error = fl_openflow_open(inv->bridges[i].name, fl_step_timeout_ms(op), &of, err);

        if (!error) {
            error = fl_openflow_delete(of, FL_COOKIE_PREFIX << 48, FL_COOKIE_PREFIX_MASK, &n, err);
            fl_openflow_close(of);
        }
        if (error) {
            return error;
        }
    }
    return 0;
}

static int revert_listed(const struct fl_operator *op, struct fl_store *store,
                         const struct fl_inventory *inv, size_t *n_reverted, struct fl_error *err)
{
    struct fl_error damaged = FL_ERROR_INIT;
    struct fl_remedy *list;
    size_t n;
    int error = 0;
    int list_error = fl_store_list(store, &list, &n, &damaged);

    for (size_t i = 0; !error && i < n; i++) {
        struct fl_outcome outcome = { .hw_share = -1 };
        bool was_reverted = list[i].state == FL_REMEDY_REVERTED;

        error = revert_decided(op, store, &list[i], true, inv, &outcome, err);
        *n_reverted += !error && (!was_reverted || outcome.changed);
        fl_outcome_destroy(&outcome);
    }
    fl_remedy_list_free(list, n);
    return error ? error : list_error ? fl_error_set(err, list_error, "%s", damaged.text) : 0;
}

int fl_remedy_revert_all(const struct fl_operator *op, size_t *n_reverted, struct fl_error *err)
{
    struct fl_inventory inv;
    struct fl_store *store;
    int error, strays;

    *n_reverted = 0;
    error = read_inventory(op, &inv, err);
    if (error) {
        return error;
    }
    error = fl_store_open(op->root, true, FL_STORE_WAIT_MS, &store, err);
    if (!error) {
        error = revert_listed(op, store, &inv, n_reverted, err);
        strays = remove_strays(op, &inv, err);
        error = error ? error : strays;
        fl_store_close(store);
    }
    fl_inventory_destroy(&inv);
    return error;
}
