/* SPDX-License-Identifier: Apache-2.0 */
/* The store of remedies and the crash-safe file below it. */

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

#include "flows/limits.h"
#include "lib/store/atomic_file.h"
#include "lib/store/remedies.h"
#include "tests/unit/remedy_example.h"
#include "tests/unit/temporary.h"

static struct fl_store *open_store(struct temporary *t, bool writer)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_store *store = NULL;

    if (fl_store_open(t->root, writer, 0, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

static void put(struct fl_store *store, const char *vm_id, const char *vm_name)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy remedy;

    remedy_example(&remedy, vm_id, vm_name);
    if (fl_store_put(store, &remedy, &err))
        fail_msg("%s", err.text);
    fl_remedy_destroy(&remedy);
}

/* Path of the only remedy file there is, below the root; to be freed. */
static char *only_file(struct temporary *t)
{
    char *command = NULL, *found = NULL;
    size_t size = 0;
    FILE *ls;

    assert_true(asprintf(&command, "cd %s && ls -A var/lib/flowlift/remedies/*", t->root) > 0);
    ls = popen(command, "r");
    assert_non_null(ls);
    assert_true(getline(&found, &size, ls) > 0);
    assert_true(getc(ls) == EOF);
    pclose(ls);
    free(command);
    found[strcspn(found, "\n")] = '\0';
    return found;
}

static void assert_mode(struct temporary *t, const char *name, mode_t mode)
{
    struct stat status;
    char *path = temporary_path(t, name);

    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    free(path);
}

static void a_remedy_survives_the_disk(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_store *store = open_store(*state, true);
    struct fl_remedy written, read;
    json_t *a, *b;

    remedy_example(&written, "3f2b", "web-1");
    assert_int_equal(fl_store_put(store, &written, &err), 0);
    assert_int_equal(fl_store_get(store, "3f2b", &read, &err), 0);
    assert_true(fl_flowset_equal(&written.set, &read.set));
    assert_int_equal(read.created_ms, written.created_ms);
    assert_int_equal(read.state, FL_REMEDY_INSTALLED);
    assert_string_equal(read.ticket, "T-1");
    a = fl_remedy_to_json(&written);
    b = fl_remedy_to_json(&read);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
    fl_remedy_destroy(&written);
    fl_remedy_destroy(&read);
    fl_store_close(store);
}

/* Also one that an earlier version wrote, which has no such key. */
static void a_deadline_survives_the_disk(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy written, read;
    json_t *json;

    (void)state;
    remedy_example(&written, "3f2b", "web-1");
    written.confirm_by_ms = 1767225661000;
    json = fl_remedy_to_json(&written);
    assert_string_equal(json_string_value(json_object_get(json, "confirm_by")),
                        "2026-01-01T00:01:01.000Z");
    assert_int_equal(fl_remedy_from_json(json, &read, &err), 0);
    assert_int_equal(read.confirm_by_ms, written.confirm_by_ms);
    fl_remedy_destroy(&read);
    json_object_del(json, "confirm_by");
    assert_int_equal(fl_remedy_from_json(json, &read, &err), 0);
    assert_int_equal(read.confirm_by_ms, 0);
    fl_remedy_destroy(&read);
    json_object_set_new(json, "confirm_by", json_string("soon"));
    assert_int_equal(fl_remedy_from_json(json, &read, &err), -EINVAL);
    assert_string_equal(err.text, "confirm_by must be a time such as 2026-01-31T12:00:00.000Z");
    json_decref(json);
    fl_remedy_destroy(&written);
}

static void until_survives_the_disk(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy written, read;
    json_t *json;

    (void)state;
    remedy_example(&written, "3f2b", "web-1");
    json = fl_remedy_to_json(&written);
    assert_true(json_is_null(json_object_get(json, "until")));
    json_object_del(json, "until"); /* as earlier versions wrote it */
    assert_int_equal(fl_remedy_from_json(json, &read, &err), 0);
    assert_false(fl_until_is_set(&read.until));
    fl_remedy_destroy(&read);
    json_decref(json);

    assert_int_equal(fl_until_parse("3.3.1", &written.until, &err), 0);
    json = fl_remedy_to_json(&written);
    assert_int_equal(fl_remedy_from_json(json, &read, &err), 0);
    assert_string_equal(read.until.version, "3.3.1");
    fl_remedy_destroy(&read);
    json_object_set_new(json, "until", json_string("2027-01-31T00:00:00.000Z"));
    assert_int_equal(fl_remedy_from_json(json, &read, &err), 0);
    assert_int_equal(read.until.time_ms, INT64_C(1801353600000));
    fl_remedy_destroy(&read);
    json_object_set_new(json, "until", json_string("soon"));
    assert_int_equal(fl_remedy_from_json(json, &read, &err), -EINVAL);
    assert_non_null(strstr(err.text, "until: a remedy stands until a date"));
    json_decref(json);
    fl_remedy_destroy(&written);
}

/* Whoever writes files by hand leaves it out; everybody else prints it. */
static void a_file_without_a_reason_is_said_to_be_one(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy remedy, again;
    json_t *json;

    (void)state;
    remedy_example(&remedy, "id-1", "vm1");
    json = fl_remedy_to_json(&remedy);
    json_object_set_new(json, "reason", json_null());
    assert_int_equal(fl_remedy_from_json(json, &again, &err), 0);
    assert_string_equal(again.reason, "its file gives no reason");
    json_decref(json);
    fl_remedy_destroy(&again);
    fl_remedy_destroy(&remedy);
}

static void modes_do_not_depend_on_the_umask(void **state)
{
    mode_t old = umask(0777);
    struct fl_store *store = open_store(*state, true);
    char *file;

    put(store, "3f2b", "web-1");
    umask(old);
    file = only_file(*state);
    assert_mode(*state, "var/lib/flowlift/remedies", 0750);
    assert_mode(*state, "run/flowlift", 0750);
    assert_mode(*state, "var/lib/flowlift", 0755);
    assert_mode(*state, file, 0640);
    free(file);
    fl_store_close(store);
}

static void a_reader_makes_nothing_and_finds_nothing(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, false);
    struct fl_remedy remedy, *list;
    size_t n = 1;

    assert_int_equal(fl_store_list(store, &list, &n, &err), 0);
    assert_int_equal(n, 0);
    fl_remedy_list_free(list, n);
    assert_int_equal(fl_store_get(store, "3f2b", &remedy, &err), -ENOENT);
    assert_string_equal(err.text, "there is no remedy for VM 3f2b");
    fl_store_close(store);
    assert_int_equal(rmdir(t->root), 0); /* is empty */
    assert_int_equal(mkdir(t->root, 0700), 0);
}

static void the_list_is_in_order_of_names(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_store *store = open_store(*state, true);
    struct fl_remedy *list;
    size_t n;

    put(store, "1", "web-2");
    put(store, "2", "web-1");
    put(store, "3", "db");
    put(store, "1", "web-2");
    assert_int_equal(fl_store_list(store, &list, &n, &err), 0);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].set.vm_name, "db");
    assert_string_equal(list[1].set.vm_name, "web-1");
    assert_string_equal(list[2].set.vm_name, "web-2");
    fl_remedy_list_free(list, n);
    fl_store_close(store);
}

static void an_identity_is_never_a_path(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, true);
    struct fl_remedy remedy;
    char *file;

    put(store, "../../../etc/passwd", "evil");
    file = only_file(t);
    assert_int_equal(strlen(file), strlen("var/lib/flowlift/remedies/") + 40 + strlen(".json"));
    assert_int_equal(fl_store_get(store, "../../../etc/passwd", &remedy, &err), 0);
    fl_remedy_destroy(&remedy);
    free(file);
    fl_store_close(store);
}

/* Put @text in the place of the only remedy, and say what reading it says, without the path. */
static void assert_damaged(struct temporary *t, const char *text, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_store *store = open_store(t, true);
    struct fl_remedy remedy;
    char *file, *expected;

    put(store, "3f2b", "web-1");
    file = only_file(t);
    temporary_write(t, file, text);
    assert_int_equal(fl_store_get(store, "3f2b", &remedy, &err), -EINVAL);
    assert_true(asprintf(&expected, "%s/%s %s", t->root, file, sentence) > 0);
    assert_string_equal(err.text, expected);
    free(expected);
    free(file);
    fl_store_close(store);
}

static void damaged_files_are_named_with_what_is_wrong(void **state)
{
    assert_damaged(*state, "", "is cut off: its JSON ends in line 1 before it is complete");
    assert_damaged(*state, "{\n\"schema\": \"flowlift/rem",
                   "is cut off: its JSON ends in line 2 before it is complete");
    assert_damaged(*state, "[]", "is damaged: the whole must be an object");
    assert_damaged(*state, "{\"schema\": \"flowlift/remedy/9\"}",
                   "is damaged: schema is \"flowlift/remedy/9\", this flowlift reads "
                   "\"flowlift/remedy/1\"");
    assert_damaged(*state, "{\"a\": 1, \"a\": 2}", "is damaged: a key is there twice in line 1");
    assert_damaged(*state, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                   "is nested deeper than 32 levels, which nothing of flowlift's is");
}

static void a_remedy_in_the_wrong_file_is_damaged(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, true);
    struct fl_remedy remedy;
    char *file, *text;

    put(store, "3f2b", "web-1");
    file = only_file(t);
    text = temporary_read(t, file);
    temporary_write(t, "keep", text);
    free(text);
    fl_store_close(store);

    store = open_store(t, true);
    put(store, "ffff", "web-9"); /* a second one, then overwritten with the first one's text */
    {
        char *path = temporary_path(t, file);

        assert_int_equal(unlink(path), 0);
        free(path);
        free(file);
    }
    file = only_file(t);
    text = temporary_read(t, "keep");
    temporary_write(t, file, text);
    assert_int_equal(fl_store_get(store, "ffff", &remedy, &err), -EINVAL);
    assert_non_null(strstr(err.text, "it holds the remedy of another VM"));
    free(text);
    free(file);
    fl_store_close(store);
}

static void damaged_files_do_not_hide_the_others(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, true);
    struct fl_remedy *list;
    size_t n;

    put(store, "1", "a");
    temporary_write(t, "var/lib/flowlift/remedies/broken.json", "{");
    temporary_write(t, "var/lib/flowlift/remedies/notes.txt", "not ours");
    assert_int_equal(fl_store_list(store, &list, &n, &err), -EINVAL);
    assert_non_null(strstr(err.text, "broken.json is cut off"));
    assert_int_equal(n, 1);
    fl_remedy_list_free(list, n);

    temporary_write(t, "var/lib/flowlift/remedies/broken2.json", "");
    err = (struct fl_error)FL_ERROR_INIT;
    assert_int_equal(fl_store_list(store, &list, &n, &err), -EINVAL);
    assert_non_null(strstr(err.text, "2 remedy files cannot be used, the first: "));
    fl_remedy_list_free(list, n);
    fl_store_close(store);
}

static void links_in_the_store_are_not_followed(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, true);
    struct fl_remedy remedy;
    char *file, *path;

    put(store, "3f2b", "web-1");
    file = only_file(t);
    path = temporary_path(t, file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(fl_store_get(store, "3f2b", &remedy, &err), -ELOOP);
    err = (struct fl_error)FL_ERROR_INIT;
    remedy_example(&remedy, "3f2b", "web-1");
    assert_int_equal(fl_store_put(store, &remedy, &err), -ELOOP);
    fl_remedy_destroy(&remedy);
    free(path);
    free(file);
    fl_store_close(store);
}

static void one_writer_at_a_time(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, true), *second = NULL, *reader = open_store(t, false);
    char expected[512];

    assert_int_equal(fl_store_open(t->root, true, 50, &second, &err), -EAGAIN);
    snprintf(expected, sizeof expected,
             "another flowlift (process %ld) is changing remedies right now and holds "
             "%s/run/flowlift/lock; wait for it to finish and run again",
             (long)getpid(), t->root);
    assert_string_equal(err.text, expected);
    assert_null(second);
    fl_store_close(store);
    fl_store_close(reader);
    fl_store_close(open_store(t, true)); /* free again */
}

static void the_lock_of_a_killed_writer_is_free(void **state)
{
    struct temporary *t = *state;
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (!child) {
        open_store(t, true);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    fl_store_close(open_store(t, true));
    close(ready[0]);
    close(ready[1]);
}

static void a_writer_waits_for_the_other(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_store *store = NULL;
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (!child) {
        store = open_store(t, true);
        if (write(ready[1], "x", 1) == 1)
            usleep(100000); /* the parent is waiting by then, or comes later: both are fine */
        fl_store_close(store);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(fl_store_open(t->root, true, 10000, &store, &err), 0);
    fl_store_close(store);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void leftovers_of_killed_writers_are_taken_away(void **state)
{
    struct temporary *t = *state;
    char *path = temporary_path(t, "var/lib/flowlift/remedies/.x.json.1.tmp");

    temporary_write(t, "var/lib/flowlift/remedies/.x.json.1.tmp", "half");
    fl_store_close(open_store(t, false));
    assert_int_equal(access(path, F_OK), 0); /* a reader changes nothing */
    fl_store_close(open_store(t, true));
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void a_reader_cannot_write(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_store *store = open_store(*state, false);
    struct fl_remedy remedy;

    remedy_example(&remedy, "1", "a");
    assert_int_equal(fl_store_put(store, &remedy, &err), -EBADF);
    fl_remedy_destroy(&remedy);
    fl_store_close(store);
}

/* The nearest a process can get to a full disk without mounting one; test_full_disk.py mounts one. */
static void what_does_not_fit_leaves_the_old_file(void **state)
{
    struct temporary *t = *state;
    struct fl_store *store = open_store(t, true);
    int status;
    char *file, *before, *after, *now;
    pid_t child;

    put(store, "3f2b", "web-1");
    file = only_file(t);
    before = temporary_read(t, file);
    child = fork();
    if (!child) {
        struct rlimit limit = { 100, 100 };
        struct fl_error err = FL_ERROR_INIT;
        struct fl_remedy remedy;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        remedy_example(&remedy, "3f2b", "web-1");
        remedy.state = FL_REMEDY_VERIFIED;
        if (fl_store_put(store, &remedy, &err) != -EFBIG)
            _exit(1);
        _exit(strstr(err.text, "larger than this process may write") ? 0 : 2);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    now = only_file(t); /* and no temporary one */
    assert_string_equal(now, file);
    after = temporary_read(t, file);
    assert_string_equal(after, before);
    free(now);
    free(before);
    free(after);
    free(file);
    fl_store_close(store);
}

static void without_permission_it_says_run_as_root(void **state)
{
    struct temporary *t = *state;
    int status;
    pid_t child;

    if (geteuid() != 0)
        skip();
    child = fork();
    if (!child) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_store *store;
        char expected[256];

        snprintf(expected, sizeof expected,
                 "cannot make the folder %s/run: permission denied; run as root", t->root);
        if (setuid(65534) || fl_store_open(t->root, true, 0, &store, &err) != -EACCES)
            _exit(1);
        _exit(strcmp(err.text, expected) ? 2 : 0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void assert_not_written(struct temporary *t, const char *name, int code,
                               const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    char *path = temporary_path(t, name), *expected;

    assert_int_equal(fl_atomic_file_put(path, 0640, "x", 1, &err), code);
    assert_true(asprintf(&expected, "cannot write %s: %s", path, sentence) > 0);
    assert_string_equal(err.text, expected);
    free(expected);
    free(path);
}

static void only_regular_files_are_replaced(void **state)
{
    struct temporary *t = *state;
    char *path = temporary_path(t, "link");

    assert_int_equal(symlink("/dev/null", path), 0);
    assert_not_written(t, "link", -ELOOP, "it is a symbolic link");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_not_written(t, "link", -EINVAL,
                       "it is a device, pipe or socket; use \"-\" for standard output");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_not_written(t, "link", -EISDIR, "it is a folder");
    assert_not_written(t, "link/none/file", -ENOENT, "no such file or folder");
    free(path);
}

static void an_aborted_file_is_not_there(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_atomic_file *file;
    char *path = temporary_path(t, "file");

    assert_int_equal(fl_atomic_file_create(path, 0640, &file, &err), 0);
    fl_atomic_file_write(file, "text", 4);
    fl_atomic_file_abort(file);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rmdir(t->root), 0); /* nothing else either */
    assert_int_equal(mkdir(t->root, 0700), 0);
    free(path);
}

static void large_files_are_written_whole(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct temporary *t = *state;
    struct fl_atomic_file *file;
    char *path = temporary_path(t, "file"), *text;

    temporary_write(t, "file", "old");
    assert_int_equal(fl_atomic_file_create(path, 0604, &file, &err), 0);
    for (int i = 0; i < 100000; i++)
        fl_atomic_file_write(file, "0123456", 7);
    assert_int_equal(fl_atomic_file_commit(file, &err), 0);
    text = temporary_read(t, "file");
    assert_int_equal(strlen(text), 700000);
    for (size_t i = 0; i < 700000; i++)
        assert_true(text[i] == (char)('0' + i % 7));
    assert_mode(t, "file", 0604);
    free(text);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temporary_setup, temporary_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_remedy_survives_the_disk),
        TEST(a_deadline_survives_the_disk),
        TEST(until_survives_the_disk),
        TEST(a_file_without_a_reason_is_said_to_be_one),
        TEST(modes_do_not_depend_on_the_umask),
        TEST(a_reader_makes_nothing_and_finds_nothing),
        TEST(the_list_is_in_order_of_names),
        TEST(an_identity_is_never_a_path),
        TEST(damaged_files_are_named_with_what_is_wrong),
        TEST(a_remedy_in_the_wrong_file_is_damaged),
        TEST(damaged_files_do_not_hide_the_others),
        TEST(links_in_the_store_are_not_followed),
        TEST(one_writer_at_a_time),
        TEST(the_lock_of_a_killed_writer_is_free),
        TEST(a_writer_waits_for_the_other),
        TEST(leftovers_of_killed_writers_are_taken_away),
        TEST(a_reader_cannot_write),
        TEST(what_does_not_fit_leaves_the_old_file),
        TEST(without_permission_it_says_run_as_root),
        TEST(only_regular_files_are_replaced),
        TEST(an_aborted_file_is_not_there),
        TEST(large_files_are_written_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
