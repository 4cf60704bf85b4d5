/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/cluster.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <ovs/ovsdb-idl.h>
#include <ovs/random.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/fleet/idl.h"
#include "lib/fleet/rows.h"

/* A member that hangs is noticed by a probe that it does not answer. All hosts of a member ask it so often. */
#define PROBE_MS 20000
/* Between two transactions, so that a busy host is not many of them. */
#define PACE_MS 200
/* A write that others are always before goes to the leader, where each has its turn: after once to twice as long. */
#define STUCK_MS 15000
/* Rows that were asked for and do not come: they are asked for again. */
#define ASK_MS 1000
/* Nobody was good enough for so long: any member will do again, and so will one of another cluster. */
#define ALONE_MS 30000
/* What was refused is refused again: until it is tried all the same, and longest. */
#define REFUSED_FIRST_MS 1000
#define REFUSED_MOST_MS  60000

struct fl_cluster {
    struct ovsdb_idl *idl;
    struct ovsdb_idl_index *repairs_of_vm;
    char *host;
    struct sset wanted;
    struct sset asked; /* wanted, and those that this host has rows of */
    bool must_ask;     /* One of these is another than it was. */
    bool has_asked; /* ... which the server knows; before that it sends this host's own repairs. */
    unsigned int condition; /* seqno of the last conditions */
    unsigned int seqno;     /* of what was heard last */
    bool was_complete;      /* at the last run */
    json_t *state;          /* NULL: nothing yet */
    bool is_dirty;          /* The rows may not say so. */
    struct ovsdb_idl_txn *txn;
    long long next_ms;  /* No transaction before, on the clock of time_msec() */
    long long stuck_ms; /* One that is under way is stuck then. */
    bool wants_leader;
    long long ask_ms;   /* When to ask again. */
    long long alone_ms; /* When to lower the sights. */
    unsigned int n_refused;
    char *trouble;
};

/* Of these columns copies come. */
static void choose_columns(struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_table_class *const tables[] = {
        &fleetrec_table_host,
        &fleetrec_table_vm,
        &fleetrec_table_repair,
        &fleetrec_table_order,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        ovsdb_idl_add_table(idl, tables[i]);
        for (size_t j = 0; j < tables[i]->n_columns; j++) {
            ovsdb_idl_add_column(idl, &tables[i]->columns[j]);
        }
    }
}

static bool is_own(const struct fl_cluster *cluster, const char *host)
{
    return !strcmp(host, cluster->host);
}

/* ---- Whose rows come ---- */

static void ask_for_own(struct fl_cluster *cluster)
{
    struct ovsdb_idl_condition own;

    ovsdb_idl_condition_init(&own);
    fleetrec_host_add_clause_name(&own, OVSDB_F_EQ, cluster->host);
    fleetrec_host_set_condition(cluster->idl, &own);
    ovsdb_idl_condition_clear(&own);
    fleetrec_vm_add_clause_host(&own, OVSDB_F_EQ, cluster->host);
    fleetrec_vm_set_condition(cluster->idl, &own);
    ovsdb_idl_condition_clear(&own);
    fleetrec_repair_add_clause_host(&own, OVSDB_F_EQ, cluster->host);
    fleetrec_repair_set_condition(cluster->idl, &own);
    ovsdb_idl_condition_clear(&own);
    fleetrec_order_set_condition(cluster->idl, &own);
    ovsdb_idl_condition_destroy(&own);
}

/*
 * By the VM's identity alone: a server looks up conditions on one column in a hash, and tries those on several
 * one after the other, for each change of each row.
 */
static void ask_by_vm(struct fl_cluster *cluster)
{
    struct ovsdb_idl_condition orders, repairs;
    const char *id;

    ovsdb_idl_condition_init(&orders);
    ovsdb_idl_condition_init(&repairs);
    SSET_FOR_EACH(id, &cluster->asked) {
        fleetrec_order_add_clause_vm_id(&orders, OVSDB_F_EQ, id);
        fleetrec_repair_add_clause_vm_id(&repairs, OVSDB_F_EQ, id);
    }
    fleetrec_order_set_condition(cluster->idl, &orders);
    cluster->condition = fleetrec_repair_set_condition(cluster->idl, &repairs);
    ovsdb_idl_condition_destroy(&orders);
    ovsdb_idl_condition_destroy(&repairs);
    cluster->has_asked = true;
    cluster->ask_ms = time_msec() + ASK_MS;
}

/* Conditions that were there before the connection come with it, and have no number. */
static bool has_all(const struct fl_cluster *cluster)
{
    return ovsdb_idl_has_ever_connected(cluster->idl) &&
           (!cluster->has_asked ||
            ovsdb_idl_get_condition_seqno(cluster->idl) == cluster->condition);
}

/* Rows of this host whose VM nobody wants any more are asked for until they are gone. */
static void ask(struct fl_cluster *cluster)
{
    const struct fleetrec_repair *row;
    struct sset ids;

    sset_clone(&ids, &cluster->wanted);
    FLEETREC_REPAIR_FOR_EACH(row, cluster->idl)
    {
        if (is_own(cluster, row->host)) {
            sset_add(&ids, row->vm_id);
        }
    }
    if (cluster->has_asked && sset_equals(&ids, &cluster->asked)) {
        sset_destroy(&ids);
        return;
    }
    sset_swap(&cluster->asked, &ids);
    sset_destroy(&ids);
    ask_by_vm(cluster);
}

/* ---- Life ---- */

struct fl_cluster *fl_cluster_open(const char *remote, const char *host)
{
    struct fl_cluster *cluster = xzalloc(sizeof *cluster);

    cluster->idl = ovsdb_idl_create_unconnected(&fleetrec_idl_class, false);
    choose_columns(cluster->idl);
    cluster->repairs_of_vm = ovsdb_idl_index_create1(cluster->idl, &fleetrec_repair_col_vm_id);
    ovsdb_idl_set_leader_only(cluster->idl, false);
    ovsdb_idl_set_shuffle_remotes(cluster->idl, true);
    ovsdb_idl_set_write_changed_only_all(cluster->idl, true);
    cluster->host = xstrdup(host);
    sset_init(&cluster->wanted);
    sset_init(&cluster->asked);
    cluster->alone_ms = time_msec() + ALONE_MS;
    ask_for_own(cluster);
    ovsdb_idl_set_remote(cluster->idl, remote, true);
    ovsdb_idl_set_probe_interval(cluster->idl, PROBE_MS);
    return cluster;
}

void fl_cluster_close(struct fl_cluster *cluster)
{
    if (!cluster) {
        return;
    }
    if (cluster->txn) {
        ovsdb_idl_txn_destroy(cluster->txn);
    }
    ovsdb_idl_destroy(cluster->idl);
    json_decref(cluster->state);
    sset_destroy(&cluster->wanted);
    sset_destroy(&cluster->asked);
    free(cluster->host);
    free(cluster->trouble);
    free(cluster);
}

void fl_cluster_want(struct fl_cluster *cluster, const struct sset *vm_ids)
{
    if (!sset_equals(&cluster->wanted, vm_ids)) {
        sset_destroy(&cluster->wanted);
        sset_clone(&cluster->wanted, vm_ids);
        cluster->must_ask = true;
    }
}

void fl_cluster_publish(struct fl_cluster *cluster, json_t *state)
{
    if (!cluster->state || !json_equal(cluster->state, state)) {
        json_decref(cluster->state);
        cluster->state = json_incref(state);
        cluster->is_dirty = true;
    }
}

bool fl_cluster_is_connected(const struct fl_cluster *cluster)
{
    return ovsdb_idl_has_ever_connected(cluster->idl) && ovsdb_idl_is_connected(cluster->idl);
}

bool fl_cluster_is_complete(const struct fl_cluster *cluster)
{
    return fl_cluster_is_connected(cluster) && cluster->has_asked && !cluster->must_ask &&
           has_all(cluster);
}

bool fl_cluster_has_written(const struct fl_cluster *cluster)
{
    return cluster->state && !cluster->is_dirty && !cluster->txn;
}

const char *fl_cluster_trouble(const struct fl_cluster *cluster)
{
    return cluster->trouble;
}

/* ---- Writing ---- */

/* Any member will do, until a write is stuck; then the leader, until it is in. */
static void want_leader(struct fl_cluster *cluster, bool wants)
{
    if (cluster->wants_leader != wants) {
        cluster->wants_leader = wants;
        ovsdb_idl_set_leader_only(cluster->idl, wants);
    }
}

static void succeed(struct fl_cluster *cluster)
{
    free(cluster->trouble);
    cluster->trouble = NULL;
    cluster->n_refused = 0;
    cluster->next_ms = time_msec() + PACE_MS;
    want_leader(cluster, false);
}

static void refuse(struct fl_cluster *cluster, const char *why)
{
    cluster->n_refused++;
    free(cluster->trouble);
    cluster->trouble = xstrdup(why);
    cluster->is_dirty = true;
    cluster->next_ms = time_msec() +
                       fl_backoff_ms(REFUSED_FIRST_MS, REFUSED_MOST_MS, cluster->n_refused);
}

/* See to the transaction that is under way. */
static void commit(struct fl_cluster *cluster)
{
    enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(cluster->txn);

    switch (status) {
    case TXN_INCOMPLETE:
        want_leader(cluster, cluster->wants_leader || time_msec() >= cluster->stuck_ms);
        return;
    case TXN_SUCCESS:
    case TXN_UNCHANGED: succeed(cluster); break;
    case TXN_TRY_AGAIN:
        cluster->is_dirty = true;
        cluster->next_ms = time_msec() + PACE_MS;
        break;
    case TXN_UNCOMMITTED:
    case TXN_ABORTED:
    case TXN_NOT_LOCKED:
    case TXN_ERROR:
    default: refuse(cluster, ovsdb_idl_txn_get_error(cluster->txn)); break;
    }
    ovsdb_idl_txn_destroy(cluster->txn);
    cluster->txn = NULL;
}

static void write_rows(struct fl_cluster *cluster)
{
    if (!cluster->is_dirty || cluster->txn || !fl_cluster_is_complete(cluster) ||
        time_msec() < cluster->next_ms) {
        return;
    }
    cluster->is_dirty = false;
    cluster->txn = ovsdb_idl_txn_create(cluster->idl);
    cluster->stuck_ms = time_msec() + STUCK_MS + random_range(STUCK_MS);
    fl_fleet_write_rows(cluster->idl, cluster->txn, cluster->host, cluster->state);
    commit(cluster);
}

/*
 * Conditions that were under way when a connection was lost may have come with the next one, and then the number that
 * was told for them never does (ovsdb-cs.c, ovsdb_cs_db_sync_condition(), OVS 3.1). Set once more, they have the one
 * that is true now.
 */
static void ask_again(struct fl_cluster *cluster)
{
    if (cluster->has_asked && fl_cluster_is_connected(cluster) && !has_all(cluster) &&
        time_msec() >= cluster->ask_ms) {
        ask_by_vm(cluster);
    }
}

/* A cluster that was made anew, of what is left of one, has a younger log, which the IDL takes for an old one. */
static void lower_sights(struct fl_cluster *cluster)
{
    if (cluster->was_complete) {
        cluster->alone_ms = time_msec() + ALONE_MS;
    } else if (time_msec() >= cluster->alone_ms) {
        cluster->alone_ms = time_msec() + ALONE_MS;
        want_leader(cluster, false);
        ovsdb_idl_reset_min_index(cluster->idl);
    }
}

bool fl_cluster_run(struct fl_cluster *cluster)
{
    bool is_new, is_complete, is_other;
    unsigned int seqno;

    ovsdb_idl_run(cluster->idl);
    if (cluster->txn) {
        commit(cluster);
    }
    seqno = ovsdb_idl_get_seqno(cluster->idl);
    is_new = seqno != cluster->seqno;
    if (is_new) {
        cluster->seqno = seqno;
        cluster->is_dirty = cluster->state != NULL;
        cluster->must_ask = true;
    }
    ask_again(cluster);
    if (cluster->must_ask && has_all(cluster)) {
        cluster->must_ask = false;
        ask(cluster);
    }
    is_complete = fl_cluster_is_complete(cluster);
    is_other = is_complete != cluster->was_complete;
    cluster->was_complete = is_complete;
    lower_sights(cluster);
    write_rows(cluster);
    return is_new || is_other;
}

void fl_cluster_wait(struct fl_cluster *cluster)
{
    ovsdb_idl_wait(cluster->idl);
    if (!cluster->was_complete) {
        poll_timer_wait_until(cluster->alone_ms);
    }
    if (fl_cluster_is_connected(cluster) && !has_all(cluster)) {
        poll_timer_wait_until(cluster->ask_ms);
    }
    if (cluster->txn) {
        ovsdb_idl_txn_wait(cluster->txn);
        if (!cluster->wants_leader) {
            poll_timer_wait_until(cluster->stuck_ms);
        }
    } else if (cluster->must_ask && has_all(cluster)) {
        poll_immediate_wake();
    } else if (cluster->is_dirty && fl_cluster_is_complete(cluster)) {
        poll_timer_wait_until(cluster->next_ms);
    }
}

/* ---- Hearing ---- */

static void hear_repairs(const struct fl_cluster *cluster, const char *vm_id,
                         struct fl_cluster_heard *heard)
{
    struct fleetrec_repair *key = fleetrec_repair_index_init_row(cluster->repairs_of_vm);
    const struct fleetrec_repair *row;
    int64_t now_ms = fl_time_now_ms();

    fleetrec_repair_index_set_vm_id(key, vm_id);
    FLEETREC_REPAIR_FOR_EACH_EQUAL(row, key, cluster->repairs_of_vm)
    {
        const struct fl_decision word = { row->decided, row->stands };

        if (is_own(cluster, row->host) || !fl_decided_is_believed(row->decided, now_ms) ||
            !fl_decision_is_later(&word, &heard->peers)) {
            continue;
        }
        heard->peers = word;
        heard->peer = row->host;
        heard->peer_who = row->who;
        heard->peer_ticket = row->ticket;
        heard->peer_until = row->until;
        heard->flow_set = row->stands && *row->flow_set ? row->flow_set : NULL;
    }
    fleetrec_repair_index_destroy_row(key);
}

void fl_cluster_hear(const struct fl_cluster *cluster, const char *vm_id,
                     struct fl_cluster_heard *heard)
{
    const struct fleetrec_order *row;

    *heard = (struct fl_cluster_heard){ .number = 0 };
    FLEETREC_ORDER_FOR_EACH(row, cluster->idl)
    {
        if (!strcmp(row->vm_id, vm_id) && fl_decided_is_believed(row->decided, fl_time_now_ms())) {
            heard->order = (struct fl_decision){ row->decided, row->stands };
            heard->number = row->number;
            heard->who = row->who;
            heard->ticket = row->ticket;
            heard->until = row->until;
        }
    }
    hear_repairs(cluster, vm_id, heard);
}
