/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/query.h"

#include <errno.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/fleet/query_rows.h"
#include "lib/ovs/transact.h"

#define SERVER   "the fleet's database"
#define DATABASE "Flowlift_Fleet"

/* Whether a member knows the others. Return: 0; -EHOSTUNREACH it does not; others. */
static int check_member(struct fl_transact *transact, struct ds *reply, struct fl_error *err)
{
    json_t *operations = json_pack("[{s:s, s:s, s:[[s, s, s]], s:[s]}]", "op", "select", "table",
                                   "Database", "where", "name", "==", DATABASE, "columns",
                                   "connected");
    _cleanup_json json_t *results = NULL;
    const json_t *row;
    int error = fl_transact_run(transact, "_Server", operations, FL_LIMIT_FLEET_REPLY_BYTES, reply,
                                err);

    if (!error) {
        error = fl_fleet_results(ds_cstr(reply), reply->length, 1, &results, err);
    }
    if (error) {
        return error;
    }
    row = json_array_get(json_array_get(results, 0), 0);
    if (!row) {
        return fl_error_set(err, -ENOENT, "the server at %s has no database %s",
                            fl_transact_remote(transact), DATABASE);
    }
    if (!json_is_true(json_object_get(row, "connected"))) {
        return fl_error_set(err, -EHOSTUNREACH,
                            "the member at %s has lost the others: what it knows may be old",
                            fl_transact_remote(transact));
    }
    return 0;
}

static int ask_one(const char *remote, json_t *operations, int timeout_ms, struct ds *reply,
                   struct fl_error *err)
{
    struct fl_transact *transact;
    int error = fl_transact_open(SERVER, remote, timeout_ms, &transact, err);

    if (error) {
        return error;
    }
    error = check_member(transact, reply, err);
    if (!error) {
        error = fl_transact_run(transact, DATABASE, json_incref(operations),
                                FL_LIMIT_FLEET_REPLY_BYTES, reply, err);
    }
    fl_transact_close(transact);
    return error;
}

/* Of the first member that knows the others. @operations: consumed. */
static int ask(const char *remotes, json_t *operations_, int timeout_ms, struct ds *reply,
               struct fl_error *err)
{
    _cleanup_json json_t *operations = operations_;
    long long deadline_ms = time_msec() + timeout_ms;
    int error = fl_error_set(err, -EINVAL, "there is no remote in \"%s\"", remotes);

    for (const char *at = remotes; *at; at += strcspn(at, ",")) {
        _cleanup_free char *remote = NULL;
        int left_ms = (int)(deadline_ms - time_msec());

        at += strspn(at, ", ");
        if (!*at || left_ms <= 0) {
            break;
        }
        remote = xmemdup0(at, strcspn(at, ", "));
        fl_error_clear(err);
        /* One that is silent is not to take the time of the others. */
        error = ask_one(remote, operations,
                        strchr(at, ',') ? MIN(left_ms, MAX(timeout_ms / 3, 1)) : left_ms, reply,
                        err);
        if (!error || error == -EFBIG) {
            break;
        }
    }
    return error;
}

static json_t *select_rows(const char *table, json_t *where, json_t *columns)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "op", "select", "table", table, "where", where,
                     "columns", columns);
}

static json_t *host_columns(const struct fl_fleet_query *query)
{
    json_t *columns = json_pack("[s, s, s, s, s, s, s]", "name", "flowlift_version", "ovs_version",
                                "nics", "verdicts", "incomplete", "audited");

    if (query->all_vms) {
        json_array_append_new(columns, json_string("offloaded"));
        json_array_append_new(columns, json_string("idle"));
    }
    return columns;
}

static json_t *vm_conditions(const struct fl_fleet_query *query)
{
    json_t *where = json_array();

    if (!query->all_vms) {
        json_array_append_new(where, json_pack("[s, s, s]", "verdict", "!=", "offloaded"));
        json_array_append_new(where, json_pack("[s, s, s]", "verdict", "!=", "idle"));
    }
    if (query->cause) {
        json_array_append_new(where, json_pack("[s, s, s]", "causes", "includes", query->cause));
    }
    return where;
}

int fl_fleet_read(const char *remote, const struct fl_fleet_query *query, int timeout_ms,
                  struct fl_fleet *fleet, struct fl_error *err)
{
    json_t *operations = json_pack(
        "[o, o, o]", select_rows("Host", json_array(), host_columns(query)),
        select_rows("VM", vm_conditions(query),
                    json_pack("[s, s, s, s, s, s, s, s]", "host", "vm_id", "name", "verdict",
                              "scope", "hw_share", "sw_rate", "causes")),
        select_rows("Repair", json_array(), json_pack("[s, s, s]", "host", "vm_id", "state")));
    struct ds reply = DS_EMPTY_INITIALIZER;
    _cleanup_json json_t *results = NULL;
    int error = ask(remote, operations, timeout_ms, &reply, err);

    if (!error) {
        error = fl_fleet_results(ds_cstr(&reply), reply.length, 3, &results, err);
    }
    ds_destroy(&reply);
    return error ? error
                 : fl_fleet_take_rows(results, !query->all_vms && !query->cause, fleet, err);
}

static json_t *filter_steps(json_t *steps, const char *vm)
{
    json_t *kept = json_array(), *step;
    size_t i;

    json_array_foreach(steps, i, step) {
        const char *name = json_string_value(json_object_get(step, "vm"));
        const char *id = json_string_value(json_object_get(step, "vm_id"));

        if (!vm || (name && !strcmp(name, vm)) || (id && !strcmp(id, vm))) {
            json_array_append(kept, step);
        }
    }
    return kept;
}

int fl_fleet_read_steps(const char *remote, const char *vm, int timeout_ms, json_t **steps,
                        struct fl_error *err)
{
    json_t *operations = json_pack(
        "[o, o]",
        select_rows("Order", json_array(), json_pack("[s, s, s]", "vm_id", "name", "steps")),
        select_rows("Repair", json_array(),
                    json_pack("[s, s, s, s]", "host", "vm_id", "name", "steps")));
    struct ds reply = DS_EMPTY_INITIALIZER;
    _cleanup_json json_t *results = NULL, *all = NULL;
    int error = ask(remote, operations, timeout_ms, &reply, err);

    if (!error) {
        error = fl_fleet_results(ds_cstr(&reply), reply.length, 2, &results, err);
    }
    ds_destroy(&reply);
    if (error) {
        return error;
    }
    all = fl_fleet_take_steps(results);
    *steps = filter_steps(all, vm);
    return 0;
}
