/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/enter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <ovs/ovsdb-idl.h>
#include <ovs/smap.h>
#include <ovs/sset.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/fleet/decide.h"
#include "lib/fleet/idl.h"
#include "lib/fleet/steps.h"
#include "lib/ovs/socket.h"

/* How many names an ambiguous one is told with. */
#define NAMES_TOLD 4

struct session {
    struct ovsdb_idl *idl;
    const char *remote;
    long long deadline_ms;
    bool is_sent;
};

void fl_entered_destroy(struct fl_entered *entered)
{
    free(entered->vm_id);
    free(entered->name);
    svec_destroy(&entered->hosts);
    memset(entered, 0, sizeof *entered);
}

/* ---- The connection ---- */

static void choose_columns(struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &fleetrec_host_col_name,     &fleetrec_host_col_offloaded, &fleetrec_host_col_idle,
        &fleetrec_host_col_called,   &fleetrec_vm_col_host,        &fleetrec_vm_col_vm_id,
        &fleetrec_vm_col_name,       &fleetrec_repair_col_host,    &fleetrec_repair_col_vm_id,
        &fleetrec_repair_col_name,   &fleetrec_repair_col_decided, &fleetrec_order_col_vm_id,
        &fleetrec_order_col_name,    &fleetrec_order_col_stands,   &fleetrec_order_col_number,
        &fleetrec_order_col_decided, &fleetrec_order_col_who,      &fleetrec_order_col_ticket,
        &fleetrec_order_col_until,   &fleetrec_order_col_steps,
    };

    ovsdb_idl_add_table(idl, &fleetrec_table_host);
    ovsdb_idl_add_table(idl, &fleetrec_table_vm);
    ovsdb_idl_add_table(idl, &fleetrec_table_repair);
    ovsdb_idl_add_table(idl, &fleetrec_table_order);
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(idl, columns[i]);
    }
}

static int too_late(const struct session *session, struct fl_error *err)
{
    int error = ovsdb_idl_get_last_error(session->idl);

    if (session->is_sent) {
        return fl_error_set(err, -ETIMEDOUT,
                            "the fleet's database did not answer in time: whether the order is in "
                            "is not known; see flowlift fleet history, and give it again if not");
    }
    if (error > 0 && !ovsdb_idl_has_ever_connected(session->idl)) {
        return fl_error_set(err, -error, "cannot connect to the fleet's database at %s: %s",
                            session->remote, ovs_strerror(error));
    }
    return fl_error_set(err, -ETIMEDOUT,
                        "the fleet's database at %s does not answer in time, or has no majority of "
                        "its members",
                        session->remote);
}

/* Return: 0, or -ETIMEDOUT and the like. */
static int wait_a_while(struct session *session, struct fl_error *err)
{
    if (time_msec() >= session->deadline_ms) {
        return too_late(session, err);
    }
    ovsdb_idl_wait(session->idl);
    poll_timer_wait_until(session->deadline_ms);
    poll_block();
    ovsdb_idl_run(session->idl);
    return 0;
}

static int open_session(struct session *session, const char *what, struct fl_error *err)
{
    struct ovsdb_idl_condition host, vm, repair, order;
    const char *called = what;
    int error = 0;

    fl_socket_hush();
    session->idl = ovsdb_idl_create_unconnected(&fleetrec_idl_class, false);
    choose_columns(session->idl);
    ovsdb_idl_set_write_changed_only_all(session->idl, true);
    /* A member that is behind is told so by the leader when it hands the order on, and it is tried again. */
    ovsdb_idl_set_leader_only(session->idl, false);
    ovsdb_idl_condition_init(&host);
    ovsdb_idl_condition_init(&vm);
    ovsdb_idl_condition_init(&repair);
    ovsdb_idl_condition_init(&order);
    fleetrec_host_add_clause_called(&host, OVSDB_F_INCLUDES, &called, 1);
    fleetrec_vm_add_clause_name(&vm, OVSDB_F_EQ, what);
    fleetrec_vm_add_clause_vm_id(&vm, OVSDB_F_EQ, what);
    fleetrec_repair_add_clause_name(&repair, OVSDB_F_EQ, what);
    fleetrec_repair_add_clause_vm_id(&repair, OVSDB_F_EQ, what);
    fleetrec_order_add_clause_name(&order, OVSDB_F_EQ, what);
    fleetrec_order_add_clause_vm_id(&order, OVSDB_F_EQ, what);
    fleetrec_host_set_condition(session->idl, &host);
    fleetrec_vm_set_condition(session->idl, &vm);
    fleetrec_repair_set_condition(session->idl, &repair);
    fleetrec_order_set_condition(session->idl, &order);
    ovsdb_idl_condition_destroy(&host);
    ovsdb_idl_condition_destroy(&vm);
    ovsdb_idl_condition_destroy(&repair);
    ovsdb_idl_condition_destroy(&order);
    ovsdb_idl_set_remote(session->idl, session->remote, true);
    while (!error && !ovsdb_idl_has_ever_connected(session->idl)) {
        error = wait_a_while(session, err);
    }
    return error;
}

/* ---- Which VM ---- */

static void add_id(struct sset *ids, const char *what, const char *vm_id, bool *is_exact)
{
    *is_exact |= !strcmp(vm_id, what);
    sset_add(ids, vm_id);
}

/* VMs that are well are not in rows of their own (lib/fleet/rows.c). */
static void add_ids_of_well(struct sset *ids, const char *what, const struct smap *vms,
                            bool *is_exact)
{
    const struct smap_node *vm;

    SMAP_FOR_EACH(vm, vms) {
        if (!strcmp(vm->key, what) || !strcmp(vm->value, what)) {
            add_id(ids, what, vm->key, is_exact);
        }
    }
}

static void find_ids(const struct session *session, const char *what, struct sset *ids)
{
    const struct fleetrec_host *host;
    const struct fleetrec_vm *vm;
    const struct fleetrec_repair *repair;
    const struct fleetrec_order *order;
    bool is_exact = false;

    FLEETREC_HOST_FOR_EACH(host, session->idl)
    {
        add_ids_of_well(ids, what, &host->offloaded, &is_exact);
        add_ids_of_well(ids, what, &host->idle, &is_exact);
    }
    FLEETREC_VM_FOR_EACH(vm, session->idl)
    {
        add_id(ids, what, vm->vm_id, &is_exact);
    }
    FLEETREC_REPAIR_FOR_EACH(repair, session->idl)
    {
        add_id(ids, what, repair->vm_id, &is_exact);
    }
    FLEETREC_ORDER_FOR_EACH(order, session->idl)
    {
        add_id(ids, what, order->vm_id, &is_exact);
    }
    if (is_exact) {
        sset_clear(ids);
        sset_add(ids, what);
    }
}

static void note_host(struct fl_entered *entered, const char *host, const char *name)
{
    svec_add(&entered->hosts, host);
    free(entered->name);
    entered->name = xstrdup(name);
}

static void find_hosts(const struct session *session, struct fl_entered *entered)
{
    const struct fleetrec_host *host;
    const struct fleetrec_vm *vm;

    FLEETREC_HOST_FOR_EACH(host, session->idl)
    {
        const char *offloaded = smap_get(&host->offloaded, entered->vm_id);
        const char *name = offloaded ? offloaded : smap_get(&host->idle, entered->vm_id);

        if (name) {
            note_host(entered, host->name, name);
        }
    }
    FLEETREC_VM_FOR_EACH(vm, session->idl)
    {
        if (!strcmp(vm->vm_id, entered->vm_id)) {
            note_host(entered, vm->host, vm->name);
        }
    }
}

static int find_vm(const struct session *session, const char *what, struct fl_entered *entered,
                   struct fl_error *err)
{
    struct sset ids = SSET_INITIALIZER(&ids);
    int error = 0;

    find_ids(session, what, &ids);
    if (sset_is_empty(&ids)) {
        error = fl_error_set(err, -ENOENT,
                             "no host of the fleet has told of a VM '%s'; flowlift fleet audit "
                             "lists those that are known",
                             what);
    } else if (sset_count(&ids) > 1) {
        _cleanup_free const char **names = sset_sort(&ids);
        _cleanup_free char *all = xstrdup(names[0]);

        for (size_t i = 1; i < MIN(sset_count(&ids), NAMES_TOLD); i++) {
            char *more = xasprintf("%s, %s", all, names[i]);

            free(all);
            all = more;
        }
        error = fl_error_set(err, -ENOTUNIQ,
                             "%zu VMs are called '%s'; name one by its identity: %s",
                             sset_count(&ids), what, all);
    } else {
        entered->vm_id = xstrdup(SSET_FIRST(&ids));
        entered->name = xstrdup(entered->vm_id);
        find_hosts(session, entered);
    }
    sset_destroy(&ids);
    return error;
}

/* ---- The order ---- */

/* All that was decided about the VM, under whichever name. Return: the number that it is here with. */
static unsigned int set_conditions(const struct session *session, const char *vm_id)
{
    struct ovsdb_idl_condition repair, order;
    unsigned int number;

    ovsdb_idl_condition_init(&repair);
    ovsdb_idl_condition_init(&order);
    fleetrec_repair_add_clause_vm_id(&repair, OVSDB_F_EQ, vm_id);
    fleetrec_order_add_clause_vm_id(&order, OVSDB_F_EQ, vm_id);
    fleetrec_repair_set_condition(session->idl, &repair);
    number = fleetrec_order_set_condition(session->idl, &order);
    ovsdb_idl_condition_destroy(&repair);
    ovsdb_idl_condition_destroy(&order);
    return number;
}

/* After a lost connection it is another number: asked for each time (lib/fleet/cluster.c). */
static int ask_for(struct session *session, const char *vm_id, struct fl_error *err)
{
    int error = 0;

    while (!error &&
           ovsdb_idl_get_condition_seqno(session->idl) != set_conditions(session, vm_id)) {
        error = wait_a_while(session, err);
    }
    return error;
}

static const struct fleetrec_order *find_order(const struct session *session, const char *vm_id)
{
    const struct fleetrec_order *row;

    FLEETREC_ORDER_FOR_EACH(row, session->idl)
    {
        if (!strcmp(row->vm_id, vm_id)) {
            return row;
        }
    }
    return NULL;
}

static int64_t later_than_all(const struct session *session, const char *vm_id)
{
    const struct fleetrec_order *order = find_order(session, vm_id);
    const struct fleetrec_repair *row;
    int64_t now_ms = fl_time_now_ms(), decided_ms = now_ms;

    if (order && fl_decided_is_believed(order->decided, now_ms)) {
        decided_ms = MAX(decided_ms, order->decided + 1);
    }
    FLEETREC_REPAIR_FOR_EACH(row, session->idl)
    {
        if (!strcmp(row->vm_id, vm_id) && fl_decided_is_believed(row->decided, now_ms)) {
            decided_ms = MAX(decided_ms, row->decided + 1);
        }
    }
    return decided_ms;
}

static void write_steps(const struct fleetrec_order *row, const struct fl_entry *entry,
                        const struct fl_entered *entered)
{
    _cleanup_json json_t *said = json_pack("{s:I, s:s, s:s, s:s, s:s}", "changed",
                                           (json_int_t)entered->decided_ms, "state",
                                           entry->stands ? "ordered" : "countermanded", "reason",
                                           "", "who", entry->who, "ticket",
                                           entry->ticket ? entry->ticket : "");
    _cleanup_free char *step = fl_fleet_step_text(said);
    size_t n = row->n_steps;
    _cleanup_free const char **steps = fl_fleet_steps_of_row(row->steps, &n, step);

    fleetrec_order_set_steps(row, steps, n);
}

static void write_order(const struct session *session, struct ovsdb_idl_txn *txn,
                        const struct fl_entry *entry, struct fl_entered *entered)
{
    const struct fleetrec_order *row = find_order(session, entered->vm_id);

    entered->decided_ms = later_than_all(session, entered->vm_id);
    if (row) {
        fleetrec_order_verify_number(row);
        entered->number = row->number + 1;
    } else {
        row = fleetrec_order_insert(txn);
        fleetrec_order_set_vm_id(row, entered->vm_id);
        entered->number = 1;
    }
    write_steps(row, entry, entered);
    fleetrec_order_set_name(row, entered->name);
    fleetrec_order_set_stands(row, entry->stands);
    fleetrec_order_set_number(row, entered->number);
    fleetrec_order_set_decided(row, entered->decided_ms);
    fleetrec_order_set_who(row, entry->who);
    fleetrec_order_set_ticket(row, entry->ticket ? entry->ticket : "");
    fleetrec_order_set_until(row, entry->until ? entry->until : "");
}

/* Return: 0 in; -EAGAIN somebody was faster; others. */
static int try_once(struct session *session, const struct fl_entry *entry,
                    struct fl_entered *entered, struct fl_error *err)
{
    struct ovsdb_idl_txn *txn = ovsdb_idl_txn_create(session->idl);
    enum ovsdb_idl_txn_status status;
    int error = 0;

    write_order(session, txn, entry, entered);
    session->is_sent = true;
    while ((status = ovsdb_idl_txn_commit(txn)) == TXN_INCOMPLETE && !error) {
        ovsdb_idl_txn_wait(txn);
        error = wait_a_while(session, err);
    }
    if (!error && status == TXN_TRY_AGAIN) {
        error = -EAGAIN;
    } else if (!error && status != TXN_SUCCESS && status != TXN_UNCHANGED) {
        error = fl_error_set(err, -EPERM, "the fleet's database refuses the order: %s",
                             ovsdb_idl_txn_get_error(txn));
    }
    ovsdb_idl_txn_destroy(txn);
    return error;
}

static int enter(struct session *session, const struct fl_entry *entry, struct fl_entered *entered,
                 struct fl_error *err)
{
    int error = open_session(session, entry->vm, err);

    if (!error) {
        error = find_vm(session, entry->vm, entered, err);
    }
    if (!error) {
        error = ask_for(session, entered->vm_id, err);
    }
    while (!error && (error = try_once(session, entry, entered, err)) == -EAGAIN) {
        error = wait_a_while(session, err);
    }
    return error;
}

int fl_fleet_enter(const char *remote, const struct fl_entry *entry, int timeout_ms,
                   struct fl_entered *entered, struct fl_error *err)
{
    struct session session = { .remote = remote, .deadline_ms = time_msec() + timeout_ms };
    struct fl_entered made = { .number = 0 };
    int error;

    svec_init(&made.hosts);
    error = enter(&session, entry, &made, err);
    ovsdb_idl_destroy(session.idl);
    if (error) {
        fl_entered_destroy(&made);
        return error;
    }
    *entered = made;
    return 0;
}
