/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Netlink messages recorded from a kernel, beside what tc printed for them in the same moment
 * (tests/kernel/record_tc.py): decoded, written as JSON, compared field by field; read back from that
 * JSON, and written again.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "lib/tc/decode.h"

#define MAX_FILTERS 1024

struct recording {
    struct fl_tc_links links;
    json_t *ours[MAX_FILTERS], *theirs[MAX_FILTERS];
    size_t n_ours, n_theirs;
    struct fl_tc_filter filter;
    struct fl_ports *ports;
    struct fl_tc_flow scratch;
    size_t n_announced;
};

/* Seconds pass between two dumps, and flowlift says more than tc. */
static bool is_ignored(const char *key)
{
    static const char *const keys[] = { "installed", "last_used", "first_used", "expires",
                                        "dev",       "ingress",   "egress",     "exceed_action" };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!strcmp(keys[i], key))
            return true;
    }
    return false;
}

/* A copy without what is ignored. */
static json_t *comparable(const json_t *json)
{
    json_t *copy, *value;
    const char *key;
    size_t i;

    if (json_is_object(json)) {
        copy = json_object();
        json_object_foreach((json_t *)(uintptr_t)json, key, value) {
            if (!is_ignored(key))
                json_object_set_new(copy, key, comparable(value));
        }
        return copy;
    }
    if (!json_is_array(json))
        return json_deep_copy(json);
    copy = json_array();
    json_array_foreach(json, i, value)
        json_array_append_new(copy, comparable(value));
    return copy;
}

static void assert_json_equal(const json_t *a, const json_t *b, const char *what, size_t i)
{
    _cleanup_json json_t *left = comparable(a), *right = comparable(b);

    if (!json_equal(left, right)) {
        _cleanup_free char *left_text = json_dumps(left, JSON_SORT_KEYS);
        _cleanup_free char *right_text = json_dumps(right, JSON_SORT_KEYS);

        fail_msg("filter %zu: %s\n%s\n%s", i, what, left_text, right_text);
    }
}

static void see_message(struct recording *r, const char *hex)
{
    size_t n = strlen(hex) / 2;
    uint8_t *bytes = xmalloc(n + 1);
    struct fl_flow flow;
    size_t cookie;
    int ret;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(hexit_value((unsigned char)hex[2 * i]) << 4 |
                             hexit_value((unsigned char)hex[2 * i + 1]));
    ret = fl_tc_decode(bytes, n, &r->links, &r->filter);
    if (ret == -ENOENT) {
        r->n_announced++;
    } else {
        assert_int_equal(ret, 0);
        assert_string_equal(r->filter.unknown, "");
        assert_true(r->n_ours < MAX_FILTERS);
        r->ours[r->n_ours++] = fl_tc_filter_json(&r->filter);
        fl_tc_to_flow(&r->scratch, &r->filter, 0, &flow);
        assert_true(flow.has_match && flow.recirc_id == r->filter.chain);
        assert_true(flow.path == FL_PATH_HW || flow.path == FL_PATH_TC_SW);
        assert_true(flow.has_actions || flow.parse_error);
        assert_int_equal(flow.has_ufid, fl_tc_cookie(&r->filter, &cookie) != NULL);
    }
    free(bytes);
}

static void see_line(struct recording *r, char *line)
{
    char name[IF_NAMESIZE];
    int ifindex;

    line[strcspn(line, "\n")] = '\0';
    if (ovs_scan(line, "link %d %15s", &ifindex, name))
        fl_tc_links_put(&r->links, ifindex, name, NULL);
    else if (!strncmp(line, "message ", 8))
        see_message(r, line + 8);
    else if (!strncmp(line, "tc ", 3) && r->n_theirs < MAX_FILTERS)
        r->theirs[r->n_theirs++] = json_loads(line + 3, 0, NULL);
}

static int replay(void **state)
{
    const char *source = getenv("FLOWLIFT_SOURCE");
    _cleanup_free char *path = xasprintf("%s/tests/unit/data/tc-filters.txt",
                                         source ? source : ".");
    static char line[65536];
    struct recording *r = xzalloc(sizeof *r);
    FILE *file = fopen(path, "r");

    if (!file) {
        free(r);
        return -1;
    }
    fl_tc_links_init(&r->links);
    r->ports = fl_ports_create();
    fl_tc_flow_init(&r->scratch, r->ports);
    while (fgets(line, sizeof line, file))
        see_line(r, line);
    fclose(file);
    *state = r;
    return 0;
}

static int forget(void **state)
{
    struct recording *r = *state;

    for (size_t i = 0; i < r->n_ours; i++)
        json_decref(r->ours[i]);
    for (size_t i = 0; i < r->n_theirs; i++)
        json_decref(r->theirs[i]);
    fl_tc_flow_uninit(&r->scratch);
    fl_ports_destroy(r->ports);
    fl_tc_links_destroy(&r->links);
    free(r);
    return 0;
}

static void messages_are_read_as_tc_prints_them(void **state)
{
    struct recording *r = *state;

    assert_true(r->n_ours >= 100);
    assert_int_equal(r->n_ours, r->n_theirs);
    for (size_t i = 0; i < r->n_ours; i++)
        assert_json_equal(r->ours[i], r->theirs[i], "not as tc prints it", i);
    print_message("# %zu filters, %zu announcements\n", r->n_ours, r->n_announced);
}

static void what_tc_prints_is_read_back(void **state)
{
    struct recording *r = *state;

    for (size_t i = 0; i < r->n_theirs; i++) {
        _cleanup_json json_t *again = NULL;

        assert_int_equal(fl_tc_filter_from_json(r->theirs[i], &r->filter), 0);
        assert_string_equal(r->filter.unknown, "");
        again = fl_tc_filter_json(&r->filter);
        assert_json_equal(again, r->theirs[i], "not as it was read", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read_as_tc_prints_them),
        cmocka_unit_test(what_tc_prints_is_read_back),
    };

    return cmocka_run_group_tests(tests, replay, forget);
}
