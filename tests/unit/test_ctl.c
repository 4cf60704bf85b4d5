/* SPDX-License-Identifier: Apache-2.0 */

/* The decoder of a unixctl server's reply: what it hands on, wherever the bytes are cut. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/reply.h"

#define ANSWER(TEXT) "{\"error\":null,\"id\":0,\"result\":\"" TEXT "\"}"

static int append(const void *bytes, size_t n_bytes, void *text)
{
    assert_true(n_bytes > 0);
    ds_put_buffer(text, bytes, n_bytes);
    return 0;
}

/* What came of a reply. */
struct outcome {
    int error;
    bool complete;
    size_t n_used;
    struct ds result;
    char *remote_error;
    char *id;
    struct fl_error err;
};

static void take(struct outcome *outcome, const struct fl_reply *reply)
{
    outcome->complete = fl_reply_is_complete(reply);
    outcome->id = strdup(fl_reply_id(reply));
    if (outcome->complete && fl_reply_error(reply)) {
        outcome->remote_error = strdup(fl_reply_error(reply));
    }
}

/* Pushes the first @cut bytes, then the rest by @step bytes. */
static void read_reply(struct outcome *outcome, const char *text, size_t n, size_t cut, size_t step)
{
    struct fl_reply *reply;
    size_t done = 0;

    *outcome = (struct outcome){ .result = DS_EMPTY_INITIALIZER, .err = FL_ERROR_INIT };
    reply = fl_reply_create(append, &outcome->result);
    while (done < n && !outcome->error && !fl_reply_is_complete(reply)) {
        size_t want = done < cut ? cut - done : step;
        size_t fits = want < n - done ? want : n - done;
        size_t used;
        char *exact = malloc(fits); /* so that a read past the end is seen */

        memcpy(exact, text + done, fits);
        outcome->error = fl_reply_push(reply, exact, fits, &used, &outcome->err);
        free(exact);
        done += used;
    }
    outcome->n_used = done;
    take(outcome, reply);
    fl_reply_destroy(reply);
}

static void release(struct outcome *outcome)
{
    ds_destroy(&outcome->result);
    free(outcome->remote_error);
    free(outcome->id);
}

static void assert_result(const char *text, const char *wanted)
{
    struct outcome outcome;

    for (size_t cut = 0; cut <= strlen(text); cut++) {
        for (size_t step = 1; step <= 64; step *= 8) {
            read_reply(&outcome, text, strlen(text), cut, step);
            assert_int_equal(outcome.error, 0);
            assert_true(outcome.complete);
            assert_null(outcome.remote_error);
            assert_string_equal(ds_cstr(&outcome.result), wanted);
            release(&outcome);
        }
    }
}

static void assert_malformed(const char *text, size_t n, const char *sentence)
{
    struct outcome outcome;

    for (size_t cut = 0; cut <= n; cut++) {
        read_reply(&outcome, text, n, cut, 1);
        assert_int_equal(outcome.error, -EPROTO);
        assert_int_equal(outcome.err.code, -EPROTO);
        assert_non_null(strstr(outcome.err.text, sentence));
        release(&outcome);
    }
}

#define assert_malformed_text(TEXT, SENTENCE) assert_malformed(TEXT, sizeof TEXT - 1, SENTENCE)

static void test_text_is_unescaped(void **state)
{
    (void)state;
    assert_result(ANSWER("plain"), "plain");
    assert_result(ANSWER(""), "");
    assert_result(ANSWER("a\\nb\\t\\\"c\\\"\\\\\\/\\b\\f\\r"), "a\nb\t\"c\"\\/\b\f\r");
    assert_result(ANSWER("{[,:]}"), "{[,:]}");
}

static void test_unicode_is_unescaped(void **state)
{
    (void)state;
    assert_result(ANSWER("\\u0041\\u00e9\\u20aC\\u001b"), "A\xc3\xa9\xe2\x82\xac\x1b");
    assert_result(ANSWER("\\uD83D\\uDE00."), "\xf0\x9f\x98\x80.");
    assert_result(ANSWER("\xc3\xa9\xff"),
                  "\xc3\xa9\xff"); /* what is not escaped is not looked at */
}

static void test_order_of_keys_does_not_matter(void **state)
{
    (void)state;
    assert_result("{\"result\":\"x\",\"error\":null,\"id\":7}", "x");
    assert_result("{\"id\":7,\"result\":\"x\"}", "x");
    assert_result(" {\n\"error\" : null ,\t\"result\" : \"x\" , \"id\" : \"a\" } ", "x");
}

static void test_unknown_keys_are_skipped(void **state)
{
    (void)state;
    assert_result("{\"a\":{\"b\":[1,\"]}\\\"\",{}]},\"result\":\"x\",\"z\":-1.5e3}", "x");
    assert_result("{\"results\":\"no\",\"res\":\"no\",\"result\":\"x\",\"error\":null}", "x");
    assert_result("{\"a-key-that-is-longer-than-any-of-ours\":true,\"result\":\"x\"}", "x");
}

static void test_error_is_kept(void **state)
{
    const char *text = "{\"error\":\"no \\\"such\\\" command\\n\",\"id\":3,\"result\":null}";
    struct outcome outcome;

    (void)state;
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        read_reply(&outcome, text, strlen(text), cut, 5);
        assert_int_equal(outcome.error, 0);
        assert_string_equal(outcome.remote_error, "no \"such\" command\n");
        assert_string_equal(outcome.id, "3");
        assert_int_equal(outcome.result.length, 0);
        release(&outcome);
    }
}

static void test_long_error_is_cut(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct outcome outcome;

    (void)state;
    ds_put_cstr(&text, "{\"error\":\"");
    ds_put_char_multiple(&text, 'e', 100000);
    ds_put_cstr(&text, "\",\"id\":1}");
    read_reply(&outcome, ds_cstr(&text), text.length, 0, 1000);
    assert_int_equal(outcome.error, 0);
    assert_true(outcome.complete);
    assert_true(strlen(outcome.remote_error) < 10000);
    release(&outcome);
    ds_destroy(&text);
}

static void test_bytes_after_the_reply_are_left(void **state)
{
    const char *text = ANSWER("x");
    char longer[64];
    struct outcome outcome;

    (void)state;
    snprintf(longer, sizeof longer, "%s{\"id\"", text);
    read_reply(&outcome, longer, strlen(longer), strlen(longer), 1);
    assert_int_equal(outcome.error, 0);
    assert_int_equal(outcome.n_used, strlen(text));
    release(&outcome);
}

static void test_cut_off_reply_is_not_complete(void **state)
{
    const char *text = ANSWER("x\\u0041\\uD83D\\uDE00");
    struct outcome outcome;

    (void)state;
    for (size_t n = 0; n < strlen(text); n++) {
        read_reply(&outcome, text, n, 0, 3);
        assert_int_equal(outcome.error, 0);
        assert_false(outcome.complete);
        release(&outcome);
    }
}

static void test_malformed_replies_are_refused(void **state)
{
    (void)state;
    assert_malformed_text("[]", "does not start with '{'");
    assert_malformed_text("{}", "neither a result nor an error");
    assert_malformed_text("{\"id\":1}", "neither a result nor an error");
    assert_malformed_text("{\"result\":null,\"error\":null}", "neither a result nor an error");
    assert_malformed_text("{\"method\":\"echo\",\"params\":[],\"id\":1}", "neither a result");
    assert_malformed_text("{\"result\":\"x\",\"error\":\"y\"}", "a result and an error");
    assert_malformed_text("{\"result\":\"x\",\"result\":\"y\"}", "a key twice");
    assert_malformed_text("{\"result\":[]}", "where text belongs");
    assert_malformed_text("{\"result\":1}", "where text belongs");
    assert_malformed_text("{\"error\":{}}", "where text belongs");
    assert_malformed_text("{\"result\" \"x\"}", "no ':' after a key");
    assert_malformed_text("{\"result\":\"x\" \"id\"", "no ',' after a value");
    assert_malformed_text("{\"id\":nul,", "a word that is no value");
    assert_malformed_text("{\"id\":,", "no value after a key");
    assert_malformed_text("{\"id\":1,}", "no key where one belongs");
    assert_malformed_text("{\"a\":[}", "brackets that do not match");
}

static void test_malformed_strings_are_refused(void **state)
{
    (void)state;
    assert_malformed_text(ANSWER("\\x"), "unknown escape");
    assert_malformed_text(ANSWER("\\u00g0"), "four hex digits");
    assert_malformed_text(ANSWER("\\uDE00"), "without its other half");
    assert_malformed_text(ANSWER("\\uD83D"), "without its other half");
    assert_malformed_text(ANSWER("\\uD83D\\n"), "without its other half");
    assert_malformed_text(ANSWER("\\uD83D\\u0041"), "without its other half");
    assert_malformed_text(ANSWER("\\u0000"), "NUL character");
    assert_malformed_text(ANSWER("a\nb"), "control character");
    assert_malformed_text(ANSWER("a\0b"), "control character");
}

static void test_nesting_is_limited(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    (void)state;
    ds_put_cstr(&text, "{\"a\":");
    ds_put_char_multiple(&text, '[', 1000);
    assert_malformed(ds_cstr(&text), text.length, "nested too deep");
    ds_destroy(&text);
}

static int stop(const void *bytes, size_t n_bytes, void *n_calls)
{
    (void)bytes;
    (void)n_bytes;
    return ++*(int *)n_calls == 2 ? -ECANCELED : 0;
}

static void test_sink_can_stop(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_error err = FL_ERROR_INIT;
    int n_calls = 0;
    struct fl_reply *reply = fl_reply_create(stop, &n_calls);
    size_t used;

    (void)state;
    ds_put_cstr(&text, "{\"result\":\"");
    ds_put_char_multiple(&text, 'r', 1000000);
    assert_int_equal(fl_reply_push(reply, ds_cstr(&text), text.length, &used, &err), -ECANCELED);
    assert_int_equal(n_calls, 2);
    assert_int_equal(err.code, 0);
    fl_reply_destroy(reply);
    ds_destroy(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_unescaped),
        cmocka_unit_test(test_unicode_is_unescaped),
        cmocka_unit_test(test_order_of_keys_does_not_matter),
        cmocka_unit_test(test_unknown_keys_are_skipped),
        cmocka_unit_test(test_error_is_kept),
        cmocka_unit_test(test_long_error_is_cut),
        cmocka_unit_test(test_bytes_after_the_reply_are_left),
        cmocka_unit_test(test_cut_off_reply_is_not_complete),
        cmocka_unit_test(test_malformed_replies_are_refused),
        cmocka_unit_test(test_malformed_strings_are_refused),
        cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_sink_can_stop),
    };

    return cmocka_run_group_tests_name("ctl", tests, NULL, NULL);
}
