/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <ovs/hash.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/guard_internal.h"

/* How often the store is looked at. */
#define STORE_MS 1000
/* Longest wait for an answer of OVS, unless the operator says otherwise: others wait for their looks. */
#define TIMEOUT_MS 3000
/* The waiter of an unconfirmed remedy comes first. */
#define LATE_MS 1000

static const char *const did_names[FL_GUARD_N_DID] = {
    [FL_GUARD_WATCHES] = "watches",     [FL_GUARD_RELEASED] = "released",
    [FL_GUARD_SUSPENDED] = "suspended", [FL_GUARD_REFUSED] = "refused",
    [FL_GUARD_RESTORED] = "restored",   [FL_GUARD_SERVES] = "serves",
    [FL_GUARD_REVERTED] = "reverted",   [FL_GUARD_TROUBLE] = "trouble",
};

const char *fl_guard_did_name(enum fl_guard_did did)
{
    return did < FL_GUARD_N_DID ? did_names[did] : "unknown";
}

static void tell(const struct fl_guard *guard, const struct fl_remedy *remedy,
                 enum fl_guard_did did, enum fl_remedy_state state, const char *why,
                 long long after_ms)
{
    const struct fl_guard_event event = {
        .did = did,
        .vm_name = remedy ? remedy->set.vm_name : NULL,
        .vm_id = remedy ? remedy->set.vm_id : NULL,
        .state = state,
        .reason = why ? why : "",
        .after_ms = after_ms,
    };

    guard->tell(&event, guard->aux);
}

void fl_guard_tell(const struct fl_guard *guard, const struct fl_ward *ward, enum fl_guard_did did,
                   const char *why)
{
    enum fl_remedy_state state = did == FL_GUARD_SUSPENDED  ? FL_REMEDY_SUSPENDED
                                 : did == FL_GUARD_RESTORED ? FL_REMEDY_INSTALLED
                                 : did == FL_GUARD_REVERTED ? FL_REMEDY_REVERTED
                                                            : ward->remedy.state;

    tell(guard, &ward->remedy, did, state, why,
         ward->owed_ms == LLONG_MAX ? -1 : time_msec() - ward->owed_ms);
}

void fl_guard_trouble(const struct fl_guard *guard, struct fl_ward *ward, const char *why)
{
    if (!ward->told_trouble) {
        fl_guard_tell(guard, ward, FL_GUARD_TROUBLE, why);
    }
    ward->told_trouble = true;
}

/* ---- Bridges ---- */

static struct fl_guard_bridge *use_bridge(struct fl_guard *guard, const char *name,
                                          struct fl_error *err)
{
    struct fl_guard_bridge *bridge;
    struct fl_monitor *monitor;

    LIST_FOR_EACH(bridge, node, &guard->bridges) {
        if (!strcmp(bridge->name, name)) {
            bridge->n_users++;
            return bridge;
        }
    }
    if (fl_monitor_open(name, &monitor, err)) {
        return NULL;
    }
    bridge = xzalloc(sizeof *bridge);
    bridge->name = xstrdup(name);
    bridge->monitor = monitor;
    bridge->n_users = 1;
    ovs_list_push_back(&guard->bridges, &bridge->node);
    return bridge;
}

static void leave_bridge(struct fl_guard_bridge *bridge)
{
    if (--bridge->n_users) {
        return;
    }
    ovs_list_remove(&bridge->node);
    fl_monitor_close(bridge->monitor);
    free(bridge->name);
    free(bridge);
}

/* ---- Wards ---- */

static void drop_scopes(struct fl_ward *ward)
{
    for (size_t i = 0; i < ward->n_scopes; i++) {
        fl_monitor_forget(ward->scopes[i].bridge->monitor, ward->scopes[i].scope);
        leave_bridge(ward->scopes[i].bridge);
    }
    free(ward->scopes);
    ward->scopes = NULL;
    ward->n_scopes = 0;
}

static bool has_scope(const struct fl_ward *ward, const char *bridge)
{
    for (size_t i = 0; i < ward->n_scopes; i++) {
        if (!strcmp(ward->scopes[i].bridge->name, bridge)) {
            return true;
        }
    }
    return false;
}

/* One for each bridge that has rules. */
static void make_scopes(struct fl_guard *guard, struct fl_ward *ward)
{
    const struct fl_flowset *set = &ward->remedy.set;

    ward->scopes = xcalloc(set->n_rules + 1, sizeof *ward->scopes);
    for (size_t i = 0; i < set->n_rules; i++) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_guard_bridge *bridge;

        if (has_scope(ward, set->rules[i].bridge)) {
            continue;
        }
        bridge = use_bridge(guard, set->rules[i].bridge, &err);
        if (!bridge) {
            fl_guard_trouble(guard, ward, err.text);
            continue;
        }
        ward->scopes[ward->n_scopes++] = (struct fl_guard_scope){
            .bridge = bridge,
            .scope = fl_monitor_watch(bridge->monitor, set->cookie),
        };
    }
}

/* @remedy is consumed. */
static struct fl_ward *add_ward(struct fl_guard *guard, struct fl_remedy *remedy)
{
    struct fl_ward *ward = xzalloc(sizeof *ward);

    ward->remedy = *remedy;
    fl_remedy_init(remedy);
    ward->look_ms = ward->lost_ms = 0;
    ward->owed_ms = ward->settle_ms = LLONG_MAX;
    if (ward->remedy.state == FL_REMEDY_INSTALLED || ward->remedy.state == FL_REMEDY_VERIFIED) {
        /* A guard that was killed may have put its rules in, and not seen to the rest. */
        ward->settle_ms = time_msec();
    }
    ovs_list_push_back(&guard->wards, &ward->node);
    make_scopes(guard, ward);
    fl_guard_tell(guard, ward, FL_GUARD_WATCHES, ward->remedy.reason);
    return ward;
}

static void drop_ward(struct fl_ward *ward)
{
    ovs_list_remove(&ward->node);
    drop_scopes(ward);
    fl_remedy_destroy(&ward->remedy);
    free(ward);
}

/* Somebody else has changed it; @remedy is consumed. */
static void change_ward(struct fl_guard *guard, struct fl_ward *ward, struct fl_remedy *remedy)
{
    bool same_rules = fl_flowset_equal(&ward->remedy.set, &remedy->set);

    fl_remedy_destroy(&ward->remedy);
    ward->remedy = *remedy;
    fl_remedy_init(remedy);
    ward->look_ms = 0;
    ward->settle_ms = LLONG_MAX;
    ward->refused = false;
    ward->told_serves = false;
    ward->n_quiet = 0;
    if (!same_rules) {
        drop_scopes(ward);
        make_scopes(guard, ward);
    }
}

static struct fl_ward *find_ward(const struct fl_guard *guard, const char *vm_id)
{
    struct fl_ward *ward;

    LIST_FOR_EACH(ward, node, &guard->wards) {
        if (!strcmp(ward->remedy.set.vm_id, vm_id)) {
            return ward;
        }
    }
    return NULL;
}

/* ---- The store ---- */

/* Changes when a file of the store does, which is always a new file (lib/store/atomic_file.h). */
static uint64_t store_signature(const char *root)
{
    _cleanup_free char *folder = fl_path_remedies(root);
    DIR *dir = opendir(folder);
    uint64_t signature = dir != NULL;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat status;

        if (entry->d_name[0] != '.' && !fstatat(dirfd(dir), entry->d_name, &status, 0)) {
            uint32_t basis = hash_string(entry->d_name, 0);

            basis = hash_uint64_basis((uint64_t)status.st_mtim.tv_nsec, basis);
            basis = hash_uint64_basis((uint64_t)status.st_mtim.tv_sec, basis);
            signature += hash_uint64_basis(status.st_ino, basis) | (uint64_t)basis << 32;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return signature;
}

static void take_remedy(struct fl_guard *guard, struct fl_remedy *remedy)
{
    struct fl_ward *ward = find_ward(guard, remedy->set.vm_id);

    if (remedy->state == FL_REMEDY_REVERTED) {
        if (ward && ward->remedy.state != FL_REMEDY_REVERTED) {
            tell(guard, remedy, FL_GUARD_RELEASED, remedy->state, remedy->reason, -1);
        }
        if (ward) {
            drop_ward(ward);
        }
        return;
    }
    if (!ward) {
        ward = add_ward(guard, remedy);
    } else if (!fl_ward_is_as(ward, remedy)) {
        change_ward(guard, ward, remedy);
    }
    ward->listed = true;
}

static void drop_unlisted(struct fl_guard *guard)
{
    struct fl_ward *ward;

    LIST_FOR_EACH_SAFE(ward, node, &guard->wards) {
        if (!ward->listed) {
            fl_guard_tell(guard, ward, FL_GUARD_RELEASED, "its file is gone");
            drop_ward(ward);
        }
    }
}

static int take_all(struct fl_guard *guard, struct fl_error *err)
{
    struct fl_remedy *list = NULL;
    struct fl_store *store;
    struct fl_ward *ward;
    size_t n = 0;
    int error = fl_store_open(guard->op.root, false, 0, &store, err);

    if (error) {
        return error;
    }
    LIST_FOR_EACH(ward, node, &guard->wards)
        ward->listed = false;
    error = fl_store_list(store, &list, &n, err);
    fl_store_close(store);
    for (size_t i = 0; i < n; i++) {
        take_remedy(guard, &list[i]);
    }
    fl_remedy_list_free(list, n);
    /* A remedy whose file cannot be read is watched as it was. */
    if (!error) {
        drop_unlisted(guard);
    }
    return error;
}

/* Have wards for what is in the store now, if it has changed. */
static void read_store(struct fl_guard *guard)
{
    uint64_t signature = store_signature(guard->op.root);
    struct fl_error err = FL_ERROR_INIT;

    if (signature == guard->store_signature) {
        return;
    }
    guard->serial++;
    if (!take_all(guard, &err)) {
        guard->store_signature = signature;
        guard->told_trouble = false;
    } else if (!guard->told_trouble) {
        guard->told_trouble = true;
        tell(guard, NULL, FL_GUARD_TROUBLE, FL_REMEDY_PLANNED, err.text, -1);
    }
}

static void look_for_overdue(struct fl_guard *guard)
{
    struct fl_ward *ward;

    LIST_FOR_EACH(ward, node, &guard->wards) {
        if (fl_remedy_is_late(&ward->remedy, fl_time_now_ms() - LATE_MS) ||
            fl_ward_is_retired(guard, ward)) {
            ward->look_ms = MIN(ward->look_ms, time_msec());
        }
    }
}

/* ---- OVSDB ---- */

const char *fl_guard_ovs_version(const struct fl_guard *guard)
{
    const struct fl_inventory *inv = fl_guard_inventory(guard);

    return inv ? inv->ovs_version : NULL;
}

bool fl_ward_is_retired(const struct fl_guard *guard, const struct fl_ward *ward)
{
    return fl_remedy_is_retired(&ward->remedy, fl_time_now_ms(), fl_guard_ovs_version(guard));
}

static void read_db(struct fl_guard *guard)
{
    const struct fl_vm_keys keys = fl_config_vm_keys(guard->op.config);
    struct fl_ward *ward;

    if (fl_db_run(guard->db, &keys)) {
        guard->serial++;
        LIST_FOR_EACH(ward, node, &guard->wards)
            fl_ward_notice(guard, ward);
    }
}

/* ---- The loop ---- */

/* One after the other: none starves because another one is due again and again. */
static struct fl_ward *longest_due(const struct fl_guard *guard)
{
    struct fl_ward *ward, *longest = NULL;

    LIST_FOR_EACH(ward, node, &guard->wards) {
        if (!longest || fl_ward_due_ms(ward) < fl_ward_due_ms(longest)) {
            longest = ward;
        }
    }
    return longest;
}

static long long due_ms(const struct fl_guard *guard)
{
    const struct fl_ward *ward = longest_due(guard);

    return ward ? fl_ward_due_ms(ward) : LLONG_MAX;
}

void fl_guard_run(struct fl_guard *guard)
{
    struct fl_guard_bridge *bridge;
    struct fl_ward *ward;

    LIST_FOR_EACH(bridge, node, &guard->bridges)
        fl_monitor_run(bridge->monitor);
    read_db(guard);
    if (time_msec() >= guard->store_ms) {
        read_store(guard);
        look_for_overdue(guard);
        guard->store_ms = time_msec() + STORE_MS;
    }
    if (time_msec() < due_ms(guard)) {
        return;
    }
    /* What is looked at is what is on disk now. */
    read_store(guard);
    ward = longest_due(guard);
    if (ward && time_msec() >= fl_ward_due_ms(ward)) {
        fl_ward_look(guard, ward);
    }
}

void fl_guard_look_again(struct fl_guard *guard, const char *vm)
{
    struct fl_ward *ward;

    guard->store_ms = 0;
    if (!vm) {
        /* The configuration may say otherwise by now what a VM is. */
        fl_db_group(guard->db);
    }
    LIST_FOR_EACH(ward, node, &guard->wards) {
        const struct fl_flowset *set = &ward->remedy.set;

        if (!vm || !strcmp(set->vm_name, vm) || !strcmp(set->vm_id, vm)) {
            ward->look_ms = MIN(ward->look_ms, time_msec());
        }
    }
}

bool fl_guard_has_in(const struct fl_guard *guard, const char *vm_id)
{
    const struct fl_ward *ward = find_ward(guard, vm_id);

    return ward && !ward->lost &&
           (ward->remedy.state == FL_REMEDY_INSTALLED || ward->remedy.state == FL_REMEDY_VERIFIED);
}

const struct fl_inventory *fl_guard_inventory(const struct fl_guard *guard)
{
    struct fl_error ignored = FL_ERROR_INIT;

    return fl_db_inventory(guard->db, &ignored);
}

uint64_t fl_guard_serial(const struct fl_guard *guard)
{
    return guard->serial;
}

void fl_guard_wait(struct fl_guard *guard)
{
    struct fl_guard_bridge *bridge;

    LIST_FOR_EACH(bridge, node, &guard->bridges)
        fl_monitor_wait(bridge->monitor);
    fl_db_wait(guard->db);
    poll_timer_wait_until(MIN(due_ms(guard), guard->store_ms));
}

int fl_guard_open(const struct fl_operator *op,
                  void (*told)(const struct fl_guard_event *event, void *aux), void *aux,
                  struct fl_guard **guardp, struct fl_error *err)
{
    struct fl_guard *guard;
    struct fl_store *store;
    int error = fl_store_open(op->root, true, 0, &store, err);

    if (!error) {
        fl_store_close(store);
    } else if (error != -EAGAIN) {
        return error;
    }
    fl_error_clear(err);
    guard = xzalloc(sizeof *guard);
    guard->op = *op;
    guard->op.progress = NULL;
    guard->op.confirm_within_ms = 0;
    if (!guard->op.host.timeout_ms) {
        guard->op.host.timeout_ms = TIMEOUT_MS;
    }
    guard->tell = told;
    guard->aux = aux;
    guard->db = fl_db_open(op->host.db);
    ovs_list_init(&guard->wards);
    ovs_list_init(&guard->bridges);
    *guardp = guard;
    return 0;
}

void fl_guard_close(struct fl_guard *guard)
{
    struct fl_ward *ward;

    if (!guard) {
        return;
    }
    LIST_FOR_EACH_SAFE(ward, node, &guard->wards)
        drop_ward(ward);
    fl_db_close(guard->db);
    free(guard);
}
