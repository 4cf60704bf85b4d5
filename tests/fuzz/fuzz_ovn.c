/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an OVSDB server with OVN's databases sends. The first byte says how the rest is cut; cut or whole, the same
 * message must come of it. Its rows are read as those of every table, its uuids picked out, and the whole once
 * more as a command line of ovn-controller.
 */
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flows/limits.h"
#include "lib/ovn/keys.h"
#include "lib/ovn/row.h"
#include "lib/ovs/transact_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOUND_MAX 4

static size_t frame_bytes(const char *bytes, size_t n, size_t step, bool *is_complete, bool *is_ok)
{
    struct fl_json_frame frame = { .depth = 0 };
    size_t at = 0, used;

    *is_ok = true;
    while (at < n && *is_ok && !frame.is_complete) {
        *is_ok = fl_json_frame_push(&frame, bytes + at, MIN(step, n - at), &used);
        at += used;
    }
    *is_complete = frame.is_complete;
    return at;
}

static void check_text(const char *text)
{
    ovs_assert(!text || strlen(text) <= FL_LIMIT_OVN_TEXT_BYTES + strlen("..."));
}

static void check_row(const struct fl_ovn_table *table, const json_t *json)
{
    struct uuid uuid = { .parts = { 0x1a2b3c4d } };
    struct fl_ovn_row row;

    fl_ovn_row_read(table, &uuid, json, &row);
    ovs_assert(row.uuid.parts[0] == uuid.parts[0] && row.table == table->name);
    ovs_assert(row.is_logical_flow == !strcmp(table->name, "Logical_Flow"));
    ovs_assert(!row.is_acl || (row.has_hint && row.is_logical_flow && row.stage));
    ovs_assert(row.table_id >= 0 && row.priority >= 0);
    check_text(row.match);
    check_text(row.actions);
    check_text(row.stage);
    check_text(row.source);
    row.acl = fl_ovn_acl_read(json);
    check_text(row.acl->match);
    ovs_assert(row.acl->priority >= 0);
    fl_ovn_row_destroy(&row);
}

static void check_rows(const char *text, size_t n)
{
    struct fl_error err = FL_ERROR_INIT;
    json_t *rows = NULL;
    int error = fl_transact_rows(text, n, 2, &rows, &err);

    ovs_assert(error == err.code && !rows == !!error);
    ovs_assert(!rows || json_array_size(rows) == 2);
    for (size_t i = 0; rows && i < 2; i++) {
        for (size_t t = 0; t < fl_ovn_n_tables; t++)
            check_row(&fl_ovn_tables[t], json_array_get(rows, i));
    }
    json_decref(rows);
}

static void check_uuids(const char *text, size_t n)
{
    static const uint32_t wanted[] = { 0x1a2b3c4d, 0 };
    struct fl_error err = FL_ERROR_INIT;
    struct uuid found[FOUND_MAX];
    size_t n_found = 0;
    int error = fl_transact_uuids(text, n, wanted, ARRAY_SIZE(wanted), found, FOUND_MAX, &n_found,
                                  &err);

    ovs_assert(error == err.code && (!error || !n_found));
    for (size_t i = 0; i < MIN(n_found, FOUND_MAX); i++)
        ovs_assert(found[i].parts[0] == wanted[0] || found[i].parts[0] == wanted[1]);
}

static void check_keys(const char *text, size_t n)
{
    struct fl_ovn_keys keys;
    bool complete = fl_ovn_keys_of_command(text, n, &keys);

    ovs_assert(complete == (keys.private_key && keys.certificate && keys.ca_certificate));
    fl_ovn_keys_destroy(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole_ends, cut_ends, whole_ok, cut_ok;
    size_t whole, cut;
    char *text;

    if (!size)
        return 0;
    text = xmemdup0((const char *)data + 1, size - 1);
    whole = frame_bytes(text, size - 1, size, &whole_ends, &whole_ok);
    cut = frame_bytes(text, size - 1, 1 + (data[0] & 7), &cut_ends, &cut_ok);
    ovs_assert(whole == cut && whole_ends == cut_ends && whole_ok == cut_ok);
    fl_transact_is_request(text, whole);
    check_rows(text, whole);
    check_uuids(text, whole);
    check_keys(text, size - 1);
    free(text);
    return 0;
}
