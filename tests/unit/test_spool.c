/* SPDX-License-Identifier: Apache-2.0 */
/* The spool of events: what is put in comes out once, in order, whatever else lies there. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store/spool.h"
#include "tests/unit/temporary.h"

#define EVENTS "run/flowlift/events"

static int put(struct temporary *t, const char *vm)
{
    struct fl_event event = { .source = "command", .what = FL_EVENT_START };
    struct fl_error err = FL_ERROR_INIT;
    int ret;

    assert_true(fl_event_text(event.vm, sizeof event.vm, vm));
    ret = fl_spool_put(t->root, fl_spool_clock_ns(), &event, &err);
    if (ret < 0)
        fail_msg("%s", err.text);
    return ret;
}

static struct fl_spool *open_spool(struct temporary *t)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_spool *spool;

    if (fl_spool_open(t->root, &spool, &err))
        fail_msg("%s", err.text);
    return spool;
}

/* What was taken: names of VMs, "ANEW", and "TROUBLE: ...", a line each; stops at @stop_at. */
struct taken {
    char text[8192];
    size_t n_events;
    const char *stop_at;
};

static int note(const struct fl_spool_item *item, void *aux)
{
    struct taken *taken = aux;
    size_t n = strlen(taken->text);

    if (item->kind == FL_SPOOL_EVENT && taken->stop_at && !strcmp(item->event->vm, taken->stop_at))
        return 7;
    taken->n_events += item->kind == FL_SPOOL_EVENT;
    snprintf(taken->text + n, sizeof taken->text - n, "%s%s\n",
             item->kind == FL_SPOOL_TROUBLE ? "TROUBLE: " : "",
             item->kind == FL_SPOOL_EVENT  ? item->event->vm
             : item->kind == FL_SPOOL_ANEW ? "ANEW"
                                           : item->why);
    return 0;
}

static void take(struct fl_spool *spool, struct taken *taken, int expected)
{
    struct fl_error err = FL_ERROR_INIT;
    int ret = fl_spool_take(spool, note, taken, &err);

    if (ret != expected)
        fail_msg("%d: %s", ret, err.text);
}

static void assert_taken(struct fl_spool *spool, const char *expected)
{
    struct taken taken = { .text = "" };

    take(spool, &taken, 0);
    assert_string_equal(taken.text, expected);
}

static bool is_woken(struct fl_spool *spool, int timeout_ms)
{
    struct pollfd fd = { .fd = fl_spool_fd(spool), .events = POLLIN };

    return poll(&fd, 1, timeout_ms) == 1;
}

static void what_is_put_comes_out_once_and_in_order(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool;

    for (int i = 0; i < 3; i++)
        assert_int_equal(put(t, (const char *const[]){ "b", "a", "../x\ny" }[i]), 0);
    spool = open_spool(t);
    assert_taken(spool,
                 "ANEW\nb\na\n../x\ny\n"); /* the first time, all that was before is unknown */
    assert_taken(spool, "");
    assert_int_equal(put(t, "c"), 0);
    assert_taken(spool, "c\n");
    fl_spool_close(spool);
}

static void the_order_is_that_of_when_it_happened(void **state)
{
    struct temporary *t = *state;
    struct fl_event event = { .source = "command", .vm = "late" };
    int64_t before_ns = fl_spool_clock_ns();
    struct fl_spool *spool = open_spool(t);

    assert_taken(spool, "ANEW\n");
    put(t, "early");
    assert_int_equal(fl_spool_put(t->root, fl_spool_clock_ns(), &event, NULL), 0);
    strcpy(event.vm, "first");
    assert_int_equal(fl_spool_put(t->root, before_ns, &event, NULL), 0);
    assert_taken(spool, "first\nearly\nlate\n");
    fl_spool_close(spool);
}

static void files_have_mode_0640_and_folders_0750(void **state)
{
    static const mode_t masks[] = { 022, 0777, 0 };
    struct temporary *t = *state;

    for (size_t i = 0; i < 3; i++) {
        mode_t old = umask(masks[i]);
        struct stat status;
        char *path;

        put(t, "vm2");
        umask(old);
        path = temporary_path(t, EVENTS);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0750);
        {
            char command[256];

            snprintf(command, sizeof command, "test -z \"$(find %s -type f ! -perm 0640)\"", path);
            assert_int_equal(system(command), 0);
        }
        free(path);
    }
}

static void the_reader_is_woken(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);

    assert_taken(spool, "ANEW\n");
    assert_false(is_woken(spool, 0));
    put(t, "vm2");
    assert_true(is_woken(spool, 5000));
    assert_taken(spool, "vm2\n");
    assert_taken(spool, "");
    assert_false(is_woken(spool, 0)); /* nor by what it removed itself */
    fl_spool_close(spool);
}

static void what_is_not_dealt_with_comes_again(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);
    struct taken taken = { .stop_at = "b" };

    assert_taken(spool, "ANEW\n");
    put(t, "a");
    put(t, "b");
    put(t, "c");
    take(spool, &taken, 7);
    assert_string_equal(taken.text, "a\n");
    assert_taken(spool, "b\nc\n");
    fl_spool_close(spool);
}

static void what_is_no_event_is_removed_and_told(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);
    char *large = calloc(1, 200000), *secret = temporary_path(t, "secret");
    char *link = temporary_path(t, EVENTS "/00000000000000000003-0000000001-000000");
    struct taken taken = { .text = "" };

    assert_taken(spool, "ANEW\n");
    memset(large, ' ', 199999);
    memcpy(large, "{}", 2);
    temporary_write(t, EVENTS "/00000000000000000001-0000000001-000000", "{\"schema\":");
    temporary_write(t, EVENTS "/00000000000000000002-0000000001-000000", "{\"schema\":\"x\"}");
    temporary_write(t, "secret", "secret");
    assert_int_equal(symlink(secret, link), 0);
    temporary_write(t, EVENTS "/00000000000000000004-0000000001-000000", large);
    temporary_write(t, EVENTS "/00000000000000000005-0000000001-000000", "[[[[[[[[");
    temporary_write(t, EVENTS "/other", "{}");
    temporary_write(t, EVENTS "/.0000000000000000006-0000000001-000000", "being written");
    free(link);
    link = temporary_path(t, EVENTS "/00000000000000000007-0000000001-000000");
    assert_int_equal(mkfifo(link, 0600), 0);
    free(link);
    link = temporary_path(t, EVENTS "/00000000000000000008-0000000001-000000");
    assert_int_equal(mknod(link, S_IFSOCK | 0600, 0), 0);
    put(t, "vm2");

    take(spool, &taken, 0);
    assert_int_equal(taken.n_events, 1);
    for (int i = 1; i <= 8; i++) {
        char name[160];

        snprintf(name, sizeof name, "%s/" EVENTS "/%020d-", t->root, i);
        assert_int_equal(strstr(taken.text, name) != NULL, i != 6);
    }
    assert_non_null(strstr(taken.text, "/other is no event"));
    assert_taken(spool, "");
    {
        char *text = temporary_read(t, "secret");

        assert_string_equal(text, "secret");
        free(text);
    }
    fl_spool_close(spool);
    free(large);
    free(secret);
    free(link);
}

static void a_folder_among_the_events_does_not_stop_them(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);
    struct taken taken = { .text = "" };

    temporary_write(t, EVENTS "/00000000000000000001-0000000001-000000/file", "x");
    put(t, "vm2");
    take(spool, &taken, 0);
    assert_int_equal(taken.n_events, 1);
    fl_spool_close(spool);
}

static void too_many_are_an_overflow(void **state)
{
    struct temporary *t = *state;
    char *folder = temporary_path(t, EVENTS);
    struct taken taken = { .text = "" };
    struct fl_spool *spool;
    int dir_fd;

    put(t, "first");
    dir_fd = open(folder, O_RDONLY | O_DIRECTORY);
    for (unsigned int i = 2; i < FL_LIMIT_SPOOLED_EVENTS; i++) {
        char name[64];

        snprintf(name, sizeof name, "%020d-%010u-000000", 1, i);
        close(openat(dir_fd, name, O_WRONLY | O_CREAT, 0640));
    }
    assert_int_equal(put(t, "last"), 0);
    assert_int_equal(put(t, "too many"), 1);
    assert_int_equal(put(t, "too many"), 1);
    assert_int_equal(faccessat(dir_fd, "overflow", F_OK, 0), 0);
    close(dir_fd);
    free(folder);

    spool = open_spool(t);
    take(spool, &taken, 0);
    assert_memory_equal(taken.text, "ANEW\n", 5);
    assert_int_equal(taken.n_events, 2);
    put(t, "again");
    assert_taken(spool, "again\n");
    fl_spool_close(spool);
}

static void an_overflow_is_told_to_who_runs_already(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);

    assert_taken(spool, "ANEW\n");
    temporary_write(t, EVENTS "/overflow", "");
    assert_taken(spool, "ANEW\n");
    assert_taken(spool, "");
    fl_spool_close(spool);
}

static void touching_the_folder_is_an_overflow_too(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);
    char *folder = temporary_path(t, EVENTS);

    assert_taken(spool, "ANEW\n");
    assert_int_equal(utimensat(AT_FDCWD, folder, NULL, 0), 0);
    assert_true(is_woken(spool, 5000));
    assert_taken(spool, "ANEW\n");
    assert_taken(spool, "");
    free(folder);
    fl_spool_close(spool);
}

static void a_folder_that_is_taken_away_is_made_again(void **state)
{
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);
    char *folder = temporary_path(t, EVENTS), *elsewhere = temporary_path(t, "elsewhere");

    assert_taken(spool, "ANEW\n");
    assert_int_equal(rmdir(folder), 0);
    assert_true(is_woken(spool, 5000));
    assert_taken(spool, "ANEW\n");
    put(t, "vm2");
    assert_true(is_woken(spool, 5000));
    assert_taken(spool, "vm2\n");
    assert_int_equal(rename(folder, elsewhere), 0);
    assert_taken(spool, "ANEW\n");
    put(t, "vm3");
    assert_true(is_woken(spool, 5000));
    assert_taken(spool, "vm3\n");
    free(folder);
    free(elsewhere);
    fl_spool_close(spool);
}

static void a_symbolic_link_in_place_of_the_folder_is_refused(void **state)
{
    struct temporary *t = *state;
    struct fl_event event = { .source = "command" };
    struct fl_error err = FL_ERROR_INIT;
    char *folder = temporary_path(t, EVENTS), *elsewhere = temporary_path(t, "elsewhere");

    temporary_write(t, "elsewhere/x", "");
    temporary_write(t, "run/flowlift/x", "");
    assert_int_equal(symlink(elsewhere, folder), 0);
    assert_true(fl_spool_put(t->root, 1, &event, &err) < 0);
    assert_non_null(strstr(err.text, "events"));
    free(folder);
    free(elsewhere);
}

static void a_look_takes_nothing(void **state)
{
    struct temporary *t = *state;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_spool_view view;

    assert_int_equal(fl_spool_look(t->root, &view, &err), -ENOENT);
    assert_int_equal(err.code, 0);
    put(t, "vm1");
    put(t, "vm2");
    temporary_write(t, EVENTS "/.hidden", "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fl_spool_look(t->root, &view, &err), 0);
        assert_int_equal(view.n_waiting, 2);
        assert_false(view.overflow);
        assert_int_equal(view.owner, geteuid());
        assert_int_equal(view.mode, 0750);
    }
    temporary_write(t, EVENTS "/overflow", "");
    assert_int_equal(fl_spool_look(t->root, &view, &err), 0);
    assert_int_equal(view.n_waiting, 2);
    assert_true(view.overflow);
}

/* Several processes at once, and a reader that takes meanwhile. */
static void nothing_is_lost_between_many_writers(void **state)
{
    enum { WRITERS = 4, EACH = 250 };
    struct temporary *t = *state;
    struct fl_spool *spool = open_spool(t);
    struct taken *taken = calloc(1, sizeof *taken);
    int n_left = WRITERS;

    for (int i = 0; i < WRITERS; i++) {
        if (!fork()) {
            for (int j = 0; j < EACH; j++)
                put(t, "vm");
            _exit(0);
        }
    }
    while (n_left) {
        int status;

        take(spool, taken, 0);
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            n_left--;
        }
    }
    take(spool, taken, 0);
    assert_int_equal(taken->n_events, WRITERS * EACH);
    free(taken);
    fl_spool_close(spool);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temporary_setup, temporary_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_comes_out_once_and_in_order),
        TEST(the_order_is_that_of_when_it_happened),
        TEST(files_have_mode_0640_and_folders_0750),
        TEST(the_reader_is_woken),
        TEST(what_is_not_dealt_with_comes_again),
        TEST(what_is_no_event_is_removed_and_told),
        TEST(a_folder_among_the_events_does_not_stop_them),
        TEST(too_many_are_an_overflow),
        TEST(an_overflow_is_told_to_who_runs_already),
        TEST(touching_the_folder_is_an_overflow_too),
        TEST(a_folder_that_is_taken_away_is_made_again),
        TEST(a_symbolic_link_in_place_of_the_folder_is_refused),
        TEST(a_look_takes_nothing),
        TEST(nothing_is_lost_between_many_writers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
