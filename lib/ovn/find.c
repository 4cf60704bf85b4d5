/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovn/find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/ovn/keys.h"
#include "lib/ovs/socket.h"
#include "lib/ovs/transact.h"
#include "lib/ovs/transact_reply.h"

#define SOUTHBOUND "OVN's southbound database"

/* Rows of one table for all cookies: two with the same 32 bits are rare. */
#define ROWS_MAX (2 * FL_LIMIT_OVN_COOKIES)

/* Numbers that are looked for, each once. */
struct wanted {
    uint32_t prefixes[FL_LIMIT_OVN_COOKIES];
    size_t n;
};

/* ---- What to look for ---- */

/* Of this host alone, or of all that share the database. Source: OVN 23.03 lib/ovn-util.c,
 * get_chassis_external_id_value(). */
static const char *setting(const struct fl_inventory *inv, const char *key)
{
    const char *host = smap_get(&inv->external_ids, "system-id");
    _cleanup_free char *own_key = xasprintf("%s-%s", key, host ? host : "");
    const char *own = host ? smap_get(&inv->external_ids, own_key) : NULL;

    return own ? own : smap_get(&inv->external_ids, key);
}

bool fl_ovn_is_asked(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie)
{
    return ovn->bridge && cookie && cookie <= UINT32_MAX && !strcmp(bridge, ovn->bridge);
}

static void want(struct wanted *wanted, uint32_t prefix, struct fl_error *untold)
{
    for (size_t i = 0; i < wanted->n; i++) {
        if (wanted->prefixes[i] == prefix)
            return;
    }
    if (wanted->n == FL_LIMIT_OVN_COOKIES)
        fl_error_set(untold, -E2BIG, "only the first %u cookies were looked up",
                     FL_LIMIT_OVN_COOKIES);
    else
        wanted->prefixes[wanted->n++] = prefix;
}

static void want_cookies(struct fl_ovn *ovn, const struct fl_origin *origin, struct wanted *wanted)
{
    for (size_t i = 0; i < origin->n_rules; i++) {
        if (fl_ovn_is_asked(ovn, origin->rules[i].bridge, origin->rules[i].cookie))
            want(wanted, (uint32_t)origin->rules[i].cookie, &ovn->untold);
    }
    for (size_t i = 0; i < origin->n_lookers; i++) {
        if (fl_ovn_is_asked(ovn, origin->lookers[i].bridge, origin->lookers[i].cookie))
            want(wanted, (uint32_t)origin->lookers[i].cookie, &ovn->untold);
    }
}

static void want_no_more(struct wanted *wanted, uint32_t prefix)
{
    for (size_t i = 0; i < wanted->n; i++) {
        if (wanted->prefixes[i] == prefix) {
            wanted->prefixes[i] = wanted->prefixes[--wanted->n];
            return;
        }
    }
}

/* ---- One table ---- */

static json_t *select_uuids(const char *table)
{
    return json_pack("[{s:s, s:s, s:[], s:[s]}]", "op", "select", "table", table, "where",
                     "columns", "_uuid");
}

static json_t *select_row(const struct fl_ovn_table *table, const struct uuid *uuid)
{
    json_t *columns = json_array();
    char text[UUID_LEN + 1];

    snprintf(text, sizeof text, UUID_FMT, UUID_ARGS(uuid));
    for (size_t i = 0; table->columns[i]; i++)
        json_array_append_new(columns, json_string(table->columns[i]));
    return json_pack("{s:s, s:s, s:[[s, s, [s, s]]], s:o}", "op", "select", "table", table->name,
                     "where", "_uuid", "==", "uuid", text, "columns", columns);
}

struct found {
    struct uuid uuids[ROWS_MAX];
    size_t n;
    json_t *rows; /* As many; null for one that is gone meanwhile. */
};

/*
 * Rows of a table that begin so. Of one that this database has not got there are none: a southbound of another
 * version.
 */
static int find_rows(struct fl_transact *transact, const char *database,
                     const struct fl_ovn_table *table, const struct wanted *wanted,
                     struct found *found, struct fl_error *err)
{
    struct ds reply = DS_EMPTY_INITIALIZER;
    struct fl_error refusal = FL_ERROR_INIT;
    json_t *operations = json_array();
    int error = fl_transact_run(transact, database, select_uuids(table->name),
                                FL_LIMIT_OVN_UUIDS_BYTES, &reply, &refusal);

    *found = (struct found){ .n = 0 };
    if (!error)
        error = fl_transact_uuids(ds_cstr(&reply), reply.length, wanted->prefixes, wanted->n,
                                  found->uuids, ROWS_MAX, &found->n, &refusal);
    found->n = MIN(found->n, ROWS_MAX);
    for (size_t i = 0; !error && i < found->n; i++)
        json_array_append_new(operations, select_row(table, &found->uuids[i]));
    if (!error && found->n)
        error = fl_transact_run(transact, database, json_incref(operations),
                                FL_LIMIT_OVN_ROWS_BYTES, &reply, &refusal);
    if (!error && found->n)
        error = fl_transact_rows(ds_cstr(&reply), reply.length, found->n, &found->rows, &refusal);
    json_decref(operations);
    ds_destroy(&reply);
    if (error)
        found->n = 0;
    if (error == -ENOENT)
        error = 0;
    return error ? fl_error_set(err, error, "table %s: %s", table->name, refusal.text) : 0;
}

/* ---- The southbound ---- */

static void keep_rows(struct fl_ovn *ovn, const struct fl_ovn_table *table,
                      const struct found *found, struct wanted *wanted)
{
    for (size_t i = 0; i < found->n; i++) {
        const json_t *row = json_array_get(found->rows, i);

        if (!json_is_object(row))
            continue;
        ovn->rows = xrealloc(ovn->rows, (ovn->n_rows + 1) * sizeof *ovn->rows);
        fl_ovn_row_read(table, &found->uuids[i], row, &ovn->rows[ovn->n_rows++]);
        want_no_more(wanted, found->uuids[i].parts[0]);
    }
}

static int ask_tables(struct fl_ovn *ovn, struct fl_transact *transact, struct wanted *wanted)
{
    int error = 0;

    for (size_t i = 0; i < fl_ovn_n_tables && wanted->n && !error; i++) {
        struct found found;

        error = find_rows(transact, "OVN_Southbound", &fl_ovn_tables[i], wanted, &found,
                          &ovn->untold);
        if (!error)
            keep_rows(ovn, &fl_ovn_tables[i], &found, wanted);
        json_decref(found.rows);
    }
    return error;
}

static int ask_southbound(const struct fl_host *host, const char *remotes, struct wanted *wanted,
                          struct fl_ovn *ovn)
{
    _cleanup_free char *standard = xasprintf("unix:%s/db.sock", fl_socket_rundir());
    struct fl_transact *transact = NULL;
    int timeout_ms = fl_host_timeout_ms(host);
    int error = 0;

    if (strstr(remotes, "ssl:"))
        error = fl_ovn_keys_use(host->db ? host->db : standard, timeout_ms, &ovn->untold);
    if (!error)
        error = fl_transact_open(SOUTHBOUND, remotes, timeout_ms, &transact, &ovn->untold);
    if (!error) {
        ovn->southbound = xstrdup(fl_transact_remote(transact));
        error = ask_tables(ovn, transact, wanted);
    }
    fl_transact_close(transact);
    return error;
}

/* ---- The northbound ---- */

static struct fl_ovn_row *acl_row(struct fl_ovn *ovn, uint32_t hint)
{
    for (size_t i = 0; i < ovn->n_rows; i++) {
        if (ovn->rows[i].is_acl && ovn->rows[i].hint == hint && !ovn->rows[i].acl)
            return &ovn->rows[i];
    }
    return NULL;
}

static void keep_acls(struct fl_ovn *ovn, const struct found *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const json_t *json = json_array_get(found->rows, i);
        struct fl_ovn_row *row;

        while (json_is_object(json) && (row = acl_row(ovn, found->uuids[i].parts[0])))
            row->acl = fl_ovn_acl_read(json);
    }
}

/* Where it is on this host, too, under its usual name. Elsewhere, or without an answer, the hint has to do. */
static void ask_northbound(const struct fl_host *host, struct fl_ovn *ovn)
{
    _cleanup_free char *path = xasprintf("%s/ovnnb_db.sock", fl_ovn_rundir());
    _cleanup_free char *remote = xasprintf("unix:%s", path);
    struct wanted wanted = { .n = 0 };
    struct fl_transact *transact;
    struct found found;

    for (size_t i = 0; i < ovn->n_rows; i++) {
        if (ovn->rows[i].is_acl)
            want(&wanted, ovn->rows[i].hint, NULL);
    }
    if (!wanted.n || access(path, R_OK | W_OK) ||
        fl_transact_open("OVN's northbound database", remote, fl_host_timeout_ms(host), &transact,
                         NULL))
        return;
    if (!find_rows(transact, "OVN_Northbound", &fl_ovn_acl_table, &wanted, &found, NULL))
        keep_acls(ovn, &found);
    json_decref(found.rows);
    fl_transact_close(transact);
}

/* ---- Both ---- */

void fl_ovn_find(const struct fl_host *host, const struct fl_inventory *inv,
                 const struct fl_origin *origins, size_t n_origins, struct fl_ovn *ovn)
{
    const char *remotes = inv ? setting(inv, "ovn-remote") : NULL;
    const char *bridge = inv ? setting(inv, "ovn-bridge") : NULL;
    struct wanted wanted = { .n = 0 };
    int error = 0;

    *ovn = (struct fl_ovn){ .bridge = remotes ? xstrdup(bridge ? bridge : "br-int") : NULL };
    if (!remotes)
        return;
    for (size_t i = 0; i < n_origins; i++)
        want_cookies(ovn, &origins[i], &wanted);
    if (wanted.n)
        error = ask_southbound(host, remotes, &wanted, ovn);
    ovn->is_complete = !error && !ovn->untold.code;
    ask_northbound(host, ovn);
}

void fl_ovn_destroy(struct fl_ovn *ovn)
{
    for (size_t i = 0; i < ovn->n_rows; i++)
        fl_ovn_row_destroy(&ovn->rows[i]);
    free(ovn->rows);
    free(ovn->bridge);
    free(ovn->southbound);
}

const struct fl_ovn_row *fl_ovn_next(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie,
                                     const struct fl_ovn_row *row)
{
    size_t i = row ? (size_t)(row - ovn->rows) + 1 : 0;

    for (; fl_ovn_is_asked(ovn, bridge, cookie) && i < ovn->n_rows; i++) {
        if (ovn->rows[i].uuid.parts[0] == cookie)
            return &ovn->rows[i];
    }
    return NULL;
}
