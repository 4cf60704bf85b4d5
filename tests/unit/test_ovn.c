/* SPDX-License-Identifier: Apache-2.0 */

/* What OVN's databases and ovn-controller's command line say of who asked for a flow. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/limits.h"
#include "lib/ovn/keys.h"
#include "lib/ovn/row.h"
#include "lib/ovs/transact_reply.h"

/* A logical flow with these external_ids, as OVSDB writes a map. */
static void read_flow(int priority, const char *ids, struct fl_ovn_row *row)
{
    char *text =
        xasprintf("{\"pipeline\":\"egress\",\"table_id\":4,\"priority\":%d,\"match\":\"ip\","
                  "\"actions\":\"next;\",\"external_ids\":[\"map\",[%s]]}",
                  priority, ids);
    struct uuid uuid = { .parts = { 0x1a2b3c4d } };
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    fl_ovn_row_read(&fl_ovn_tables[0], &uuid, json, row);
    json_decref(json);
    free(text);
}

#define STAGE(name) "[\"stage-name\",\"" name "\"]"
#define HINT        ",[\"stage-hint\",\"5e6f7a8b\"]"

static bool is_acl(int priority, const char *ids)
{
    struct fl_ovn_row row;
    bool is;

    read_flow(priority, ids, &row);
    is = row.is_acl;
    fl_ovn_row_destroy(&row);
    return is;
}

static void a_logical_flow_says_where_it_is_from(void **state)
{
    struct fl_ovn_row row;

    (void)state;
    read_flow(2001, STAGE("ls_out_acl") HINT ",[\"source\",\"northd.c:6548\"]", &row);
    assert_string_equal(row.pipeline, "egress");
    assert_string_equal(row.stage, "ls_out_acl");
    assert_string_equal(row.source, "northd.c:6548");
    assert_int_equal(row.table_id, 4);
    assert_int_equal(row.priority, 2001);
    assert_true(row.has_hint && row.is_acl);
    assert_int_equal(row.hint, 0x5e6f7a8b);
    fl_ovn_row_destroy(&row);
}

static void only_the_hint_of_an_acl_stage_is_an_acl(void **state)
{
    (void)state;
    assert_true(is_acl(2001, STAGE("ls_in_acl") HINT));
    assert_true(is_acl(1000, STAGE("ls_in_acl_eval") HINT));
    assert_true(is_acl(33767, STAGE("ls_in_acl_after_lb") HINT));
    assert_false(is_acl(2001, STAGE("ls_in_acl")));
    assert_false(is_acl(34000, STAGE("ls_out_acl") HINT)); /* DHCP's options */
    assert_false(is_acl(110, STAGE("ls_in_pre_acl") HINT));
    assert_false(is_acl(2001, STAGE("lr_in_policy") HINT));
    assert_false(is_acl(2001, STAGE("ls_in_acl") ",[\"stage-hint\",\"5e6f7a8\"]"));
    assert_false(is_acl(2001, STAGE("ls_in_acl") ",[\"stage-hint\",\"5E6F7A8B\"]"));
}

static void rows_of_other_types_are_rows_without_anything(void **state)
{
    struct uuid uuid = { .parts = { 1 } };
    json_t *json =
        json_loads("{\"pipeline\":7,\"table_id\":\"x\",\"priority\":-5,\"match\":[\"set\",[]],"
                   "\"external_ids\":[\"map\",[[1,2],\"x\"]],\"name\":{}}",
                   0, NULL);

    (void)state;
    for (size_t i = 0; i < fl_ovn_n_tables; i++) {
        struct fl_ovn_row row;

        fl_ovn_row_read(&fl_ovn_tables[i], &uuid, json, &row);
        assert_true(!row.name && !row.pipeline && !row.match && !row.stage && !row.has_hint);
        assert_int_equal(row.priority, 0);
        fl_ovn_row_destroy(&row);
    }
    json_decref(json);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_ovn_acl *acl;
    json_t *json;

    (void)state;
    ds_put_char_multiple(&text, 'x', FL_LIMIT_OVN_TEXT_BYTES - 1);
    ds_put_cstr(&text, "\xc3\xa9tc");
    json = json_pack("{s:s}", "match", ds_cstr(&text));
    acl = fl_ovn_acl_read(json);
    assert_int_equal(strlen(acl->match), FL_LIMIT_OVN_TEXT_BYTES - 1 + 3);
    assert_string_equal(acl->match + FL_LIMIT_OVN_TEXT_BYTES - 1, "...");
    fl_ovn_acl_free(acl);
    json_decref(json);
    ds_destroy(&text);
}

static void uuids_are_picked_out_of_an_answer_of_any_length(void **state)
{
    static const uint32_t wanted[] = { 0x1a2b3c4d, 0x00000007 };
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_error err = FL_ERROR_INIT;
    struct uuid found[2];
    size_t n;

    (void)state;
    ds_put_cstr(&text, "{\"id\":0,\"result\":[{\"rows\":[");
    for (unsigned int i = 0; i < 5000; i++) {
        ds_put_format(&text, "{\"_uuid\":[\"uuid\",\"%08x-1111-4111-8111-111111111111\"]},", i);
        if (i == 6) {
            ds_put_format(&text,
                          "{\"_uuid\":[\"uuid\",\"1a2b3c4d-1111-4111-8111-111111111111\"]},");
        }
    }
    ds_put_cstr(
        &text,
        "{\"_uuid\":[\"uuid\",\"1a2b3c4d-2222-4111-8111-111111111111\"]}]}],\"error\":null}");
    assert_int_equal(fl_transact_uuids(ds_cstr(&text), text.length, wanted, 2, found, 2, &n, &err),
                     0);
    assert_int_equal(n, 3);
    assert_int_equal(found[0].parts[0], 0x1a2b3c4d);
    assert_int_equal(found[1].parts[0], 7);
    ds_destroy(&text);
}

static void assert_refused(const char *text, int code, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    uint32_t wanted = 1;
    struct uuid found;
    size_t n;

    assert_int_equal(fl_transact_uuids(text, strlen(text), &wanted, 1, &found, 1, &n, &err), code);
    assert_string_equal(err.text, sentence);
}

static void a_database_that_says_no_is_quoted(void **state)
{
    (void)state;
    assert_refused(
        "{\"id\":0,\"result\":[{\"error\":\"syntax error\",\"details\":\"No table named FDB.\"}]}",
        -ENOENT, "the database says: syntax error: No table named FDB.");
    assert_refused("{\"id\":0,\"result\":null,\"error\":{\"error\":\"unknown database\"}}", -ENOENT,
                   "the database says: unknown database");
    assert_refused("{\"id\":0,\"result\":[],\"error\":null}", -EPROTO,
                   "what the database sends is no answer to a select");
    assert_refused("{]", -EPROTO, "what the database sends is no answer to a select");
}

static void assert_keys(const char *line, size_t n, bool complete, const char *key,
                        const char *certificate, const char *ca)
{
    struct fl_ovn_keys keys;

    assert_int_equal(fl_ovn_keys_of_command(line, n, &keys), complete);
    assert_true(nullable_string_is_equal(keys.private_key, key));
    assert_true(nullable_string_is_equal(keys.certificate, certificate));
    assert_true(nullable_string_is_equal(keys.ca_certificate, ca));
    fl_ovn_keys_destroy(&keys);
}

static void keys_are_read_from_a_command_line(void **state)
{
    static const char all[] = "ovn-controller\0-p\0/k\0--certificate=/c\0-C/ca\0-vconsole:off";
    static const char longer[] =
        "ovn-controller\0--private-key\0/k\0--ca-cert\0/ca\0-c\0/c\0--detach";
    static const char some[] = "ovn-controller\0--private-key-of=/x\0--pidfile=/p\0-c\0/c\0-p";

    (void)state;
    assert_keys(all, sizeof all, true, "/k", "/c", "/ca");
    assert_keys(longer, sizeof longer, true, "/k", "/c", "/ca");
    assert_keys(some, sizeof some, false, NULL, "/c", NULL);
    assert_keys("", 0, false, NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logical_flow_says_where_it_is_from),
        cmocka_unit_test(only_the_hint_of_an_acl_stage_is_an_acl),
        cmocka_unit_test(rows_of_other_types_are_rows_without_anything),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(uuids_are_picked_out_of_an_answer_of_any_length),
        cmocka_unit_test(a_database_that_says_no_is_quoted),
        cmocka_unit_test(keys_are_read_from_a_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
