/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply of a unixctl server. The first byte says how the rest is cut; cut or whole, the same must
 * come of it, and what Jansson reads as such a reply must come out as Jansson has it.
 */
#include <jansson.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    int error;
    bool complete;
    size_t n_used;
    struct ds result;
    char *remote_error;
};

static int append(const void *bytes, size_t n_bytes, void *text)
{
    ds_put_buffer(text, bytes, n_bytes);
    return 0;
}

static void read_reply(const char *bytes, size_t n, size_t step, struct outcome *outcome)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_reply *reply;
    const char *remote_error;

    *outcome = (struct outcome){ .result = DS_EMPTY_INITIALIZER };
    reply = fl_reply_create(append, &outcome->result);
    while (outcome->n_used < n && !outcome->error && !fl_reply_is_complete(reply)) {
        size_t used;

        outcome->error = fl_reply_push(reply, bytes + outcome->n_used,
                                       MIN(step, n - outcome->n_used), &used, &err);
        outcome->n_used += used;
    }
    ovs_assert(outcome->error == err.code);
    outcome->complete = fl_reply_is_complete(reply);
    remote_error = outcome->complete ? fl_reply_error(reply) : NULL;
    outcome->remote_error = nullable_xstrdup(remote_error);
    fl_reply_destroy(reply);
}

static void release(struct outcome *outcome)
{
    ds_destroy(&outcome->result);
    free(outcome->remote_error);
}

/* How much of "result" was handed over before an error depends on nothing but the bytes. */
static void assert_same(const struct outcome *a, const struct outcome *b)
{
    ovs_assert(a->error == b->error && a->complete == b->complete);
    ovs_assert(nullable_string_is_equal(a->remote_error, b->remote_error));
    if (a->complete) {
        ovs_assert(a->n_used == b->n_used && a->result.length == b->result.length);
        ovs_assert(!a->result.length ||
                   !memcmp(a->result.string, b->result.string, a->result.length));
    }
}

static void compare_with_jansson(const char *bytes, const struct outcome *outcome)
{
    json_t *json = json_loadb(bytes, outcome->n_used, JSON_REJECT_DUPLICATES, NULL);
    const json_t *result = json_object_get(json, "result");

    if (json_is_string(result) && !outcome->remote_error) {
        ovs_assert(json_string_length(result) == outcome->result.length);
        ovs_assert(
            !outcome->result.length ||
            !memcmp(json_string_value(result), outcome->result.string, outcome->result.length));
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data + 1;
    struct outcome whole, cut;

    if (!size) {
        return 0;
    }
    read_reply(bytes, size - 1, size, &whole);
    read_reply(bytes, size - 1, 1 + (data[0] & 7), &cut);
    assert_same(&whole, &cut);
    if (whole.complete) {
        compare_with_jansson(bytes, &whole);
    }
    release(&whole);
    release(&cut);
    return 0;
}
