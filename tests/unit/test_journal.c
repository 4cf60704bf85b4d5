/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: a line a step, whatever happened to the writer before. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/store/journal.h"
#include "tests/unit/remedy_example.h"
#include "tests/unit/temporary.h"

#define JOURNAL "var/log/flowlift/journal.jsonl"

static void append(struct temporary *t, const char *step, const char *vm_id, const char *vm_name,
                   json_t *extra)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy remedy;

    remedy_example(&remedy, vm_id, vm_name);
    if (fl_journal_append(t->root, step, &remedy, extra, &err))
        fail_msg("%s", err.text);
    fl_remedy_destroy(&remedy);
}

static json_t *read_all(struct temporary *t, const char *vm, size_t max, size_t *n_damaged)
{
    struct fl_error err = FL_ERROR_INIT;
    json_t *lines = fl_journal_read(t->root, vm, max, n_damaged, &err);

    if (!lines)
        fail_msg("%s", err.text);
    return lines;
}

static const char *text_at(json_t *lines, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(lines, i), key));
}

static void no_journal_is_an_empty_one(void **state)
{
    json_t *lines = read_all(*state, NULL, 0, NULL);

    assert_int_equal(json_array_size(lines), 0);
    json_decref(lines);
}

static void a_line_says_who_did_what_to_whom_and_why(void **state)
{
    struct temporary *t = *state;
    char *text;
    int64_t before = fl_time_now_ms(), time_ms;
    json_t *line;
    struct stat status;
    char *path = temporary_path(t, JOURNAL);
    mode_t old = umask(0777);

    append(t, "install", "3f2b", "web-1", json_pack("{s:i, s:s}", "rules", 2, "step", "no"));
    umask(old);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    text = temporary_read(t, JOURNAL);
    assert_int_equal(text[strlen(text) - 1], '\n');
    line = json_loads(text, 0, NULL);
    assert_true(fl_time_parse(json_string_value(json_object_get(line, "time")), &time_ms));
    assert_true(time_ms >= before && time_ms <= fl_time_now_ms());
    json_object_del(line, "time");
    free(text);
    text = json_dumps(line, JSON_COMPACT);
    assert_string_equal(text,
                        "{\"who\":\"root\",\"vm\":\"web-1\",\"vm_id\":\"3f2b\",\"ticket\":\"T-1\","
                        "\"step\":\"install\",\"state\":\"installed\",\"reason\":\"installed; no "
                        "storage traffic yet\",\"rules\":2}");
    free(text);
    free(path);
    json_decref(line);
}

static void lines_are_chosen_by_vm_and_number(void **state)
{
    struct temporary *t = *state;
    size_t n_damaged = 1;
    json_t *lines;

    append(t, "plan", "1", "web-1", NULL);
    append(t, "plan", "2", "web-2", NULL);
    append(t, "install", "1", "web-1", NULL);
    append(t, "verify", "1", "web-1", NULL);

    lines = read_all(t, NULL, 0, &n_damaged);
    assert_int_equal(json_array_size(lines), 4);
    assert_int_equal(n_damaged, 0);
    json_decref(lines);

    lines = read_all(t, "web-1", 2, NULL);
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(text_at(lines, 0, "step"), "install");
    assert_string_equal(text_at(lines, 1, "step"), "verify");
    json_decref(lines);

    lines = read_all(t, "2", 9, NULL);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(text_at(lines, 0, "vm"), "web-2");
    json_decref(lines);
}

static void a_half_written_line_costs_only_itself(void **state)
{
    struct temporary *t = *state;
    size_t n_damaged;
    json_t *lines;

    temporary_write(t, JOURNAL, "{\"vm\":\"a\"}\n{\"vm\":\"b\",\"st");
    append(t, "plan", "1", "web-1", NULL);
    lines = read_all(t, NULL, 0, &n_damaged);
    assert_int_equal(json_array_size(lines), 2);
    assert_int_equal(n_damaged, 1);
    assert_string_equal(text_at(lines, 1, "vm"), "web-1");
    json_decref(lines);
}

static void damaged_lines_are_counted(void **state)
{
    struct temporary *t = *state;
    size_t n_damaged, n = 3 * 1024 * 1024;
    char *text = malloc(n + 64);
    json_t *lines;

    memset(text, '[', n);
    strcpy(text + n, "\n\n[1]\n\"x\"\n\xff\xfe\n{\"vm\":\"a\"}");
    temporary_write(t, JOURNAL, text);
    lines = read_all(t, NULL, 0, &n_damaged);
    assert_int_equal(json_array_size(lines), 1);
    assert_int_equal(n_damaged, 4); /* the empty line is not one */
    json_decref(lines);
    free(text);
}

static void only_the_newest_are_kept_of_many(void **state)
{
    struct temporary *t = *state;
    char *path = temporary_path(t, JOURNAL);
    json_t *lines;
    FILE *file;

    temporary_write(t, JOURNAL, "");
    file = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fprintf(file, "{\"vm\":\"%d\"}\n", i);
    fclose(file);
    lines = read_all(t, NULL, 3, NULL);
    assert_int_equal(json_array_size(lines), 3);
    assert_string_equal(text_at(lines, 0, "vm"), "4997");
    assert_string_equal(text_at(lines, 2, "vm"), "4999");
    json_decref(lines);
    free(path);
}

/* Both write at once: each line is whole, none is lost. */
static void writers_do_not_mix_their_lines(void **state)
{
    enum { WRITERS = 4, LINES = 50 };
    struct temporary *t = *state;
    size_t n_damaged;
    json_t *lines;

    for (int i = 0; i < WRITERS; i++) {
        if (!fork()) {
            for (int j = 0; j < LINES; j++)
                append(t, "plan", "1", "web-1", NULL);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    lines = read_all(t, NULL, 0, &n_damaged);
    assert_int_equal(json_array_size(lines), WRITERS * LINES);
    assert_int_equal(n_damaged, 0);
    json_decref(lines);
}

/* RLIMIT_FSIZE is the nearest to a full disk that a process can make. */
static void a_line_that_does_not_fit_is_taken_back(void **state)
{
    struct temporary *t = *state;
    char *before, *after;
    int status;
    pid_t child;

    append(t, "plan", "1", "web-1", NULL);
    before = temporary_read(t, JOURNAL);
    child = fork();
    if (!child) {
        struct rlimit limit = { strlen(before) + 10, strlen(before) + 10 };
        struct fl_error err = FL_ERROR_INIT;
        struct fl_remedy remedy;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        remedy_example(&remedy, "1", "web-1");
        _exit(fl_journal_append(t->root, "install", &remedy, NULL, &err) < 0 && err.text[0] ? 0
                                                                                            : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    after = temporary_read(t, JOURNAL);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void a_link_is_not_followed(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_remedy remedy;
    char *path = temporary_path(t, JOURNAL), expected[256];

    temporary_write(t, JOURNAL, "");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    remedy_example(&remedy, "1", "web-1");
    assert_int_equal(fl_journal_append(t->root, "plan", &remedy, NULL, &err), -ELOOP);
    snprintf(expected, sizeof expected, "cannot write %s: it is a symbolic link", path);
    assert_string_equal(err.text, expected);
    fl_remedy_destroy(&remedy);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temporary_setup, temporary_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_journal_is_an_empty_one),
        TEST(a_line_says_who_did_what_to_whom_and_why),
        TEST(lines_are_chosen_by_vm_and_number),
        TEST(a_half_written_line_costs_only_itself),
        TEST(damaged_lines_are_counted),
        TEST(only_the_newest_are_kept_of_many),
        TEST(writers_do_not_mix_their_lines),
        TEST(a_line_that_does_not_fit_is_taken_back),
        TEST(a_link_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
