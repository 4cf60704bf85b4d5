/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job in a child process: its result, its ends, and that the loop goes on meanwhile. And verifications, which
 * are such jobs: one that has to be tried again keeps no other waiting.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openvswitch/poll-loop.h>

#include "agent/verify.h"
#include "agent/worker.h"
#include "flows/cleanup.h"
#include "tests/unit/temporary.h"

struct seen {
    struct fl_worker worker;
    json_t *result;
    char *why;
    int n_done;
};

static void done(const json_t *result, const char *why, void *seen_)
{
    struct seen *seen = seen_;

    json_decref(seen->result);
    free(seen->why);
    seen->result = json_deep_copy(result);
    seen->why = why ? strdup(why) : NULL;
    seen->n_done++;
}

static int setup(void **state)
{
    struct seen *seen = calloc(1, sizeof *seen);

    fl_worker_init(&seen->worker);
    *state = seen;
    return 0;
}

static int teardown(void **state)
{
    struct seen *seen = *state;

    fl_worker_destroy(&seen->worker);
    json_decref(seen->result);
    free(seen->why);
    free(seen);
    return 0;
}

static void start(struct seen *seen, json_t *(*run)(void *aux), long long most_ms)
{
    struct fl_error err = FL_ERROR_INIT;
    const struct fl_job job = {
        .what = "job",
        .run = run,
        .done = done,
        .aux = seen,
        .most_ms = most_ms,
    };

    if (fl_worker_start(&seen->worker, &job, &err))
        fail_msg("%s", err.text);
}

static void loop(struct seen *seen)
{
    int n_before = seen->n_done;

    while (seen->n_done == n_before) {
        fl_worker_run(&seen->worker);
        if (seen->n_done == n_before) {
            fl_worker_wait(&seen->worker);
            poll_block();
        }
    }
}

/* In the child. */

static json_t *run_well(void *seen)
{
    return json_pack("{s:i, s:b}", "answer", 42, "is_child",
                     (int)(((struct seen *)seen)->worker.pid == 0));
}

static json_t *run_long_text(void *aux)
{
    const size_t n = 3 * 1024 * 1024;
    _cleanup_free char *text = malloc(n + 1);

    (void)aux;
    memset(text, 'x', n);
    text[n] = '\0';
    return json_string(text);
}

static json_t *run_too_long_text(void *aux)
{
    const size_t n = 17 * 1024 * 1024;
    _cleanup_free char *text = malloc(n + 1);

    (void)aux;
    memset(text, 'x', n);
    text[n] = '\0';
    return json_string(text);
}

static json_t *run_nothing(void *aux)
{
    (void)aux;
    return NULL;
}

static json_t *run_crash(void *aux)
{
    (void)aux;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGKILL);
    return NULL;
}

static json_t *run_exit(void *aux)
{
    (void)aux;
    _exit(0);
}

static json_t *run_for_ever(void *aux)
{
    (void)aux;
    for (;;) {
        pause();
    }
    return NULL;
}

/* What is open but the standard descriptors and the folder itself. */
static json_t *run_descriptors(void *aux)
{
    DIR *folder = opendir("/proc/self/fd");
    json_t *array = json_array();
    struct dirent *entry;

    (void)aux;
    while ((entry = readdir(folder))) {
        char what[64];
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, what, sizeof what);

        if (atoi(entry->d_name) > STDERR_FILENO && atoi(entry->d_name) != dirfd(folder) && n > 0)
            json_array_append_new(array, json_stringn(what, (size_t)n));
    }
    closedir(folder);
    return array;
}

static json_t *run_signals(void *aux)
{
    sigset_t set;

    (void)aux;
    sigprocmask(SIG_SETMASK, NULL, &set);
    return json_pack("[b, b]", sigismember(&set, SIGTERM), sigismember(&set, SIGHUP));
}

/* In the agent. */

static void a_result_is_handed_over(void **state)
{
    struct seen *seen = *state;

    for (int i = 1; i <= 3; i++) {
        start(seen, run_well, 60000);
        assert_true(fl_worker_is_busy(&seen->worker));
        loop(seen);
        assert_false(fl_worker_is_busy(&seen->worker));
        assert_int_equal(seen->n_done, i);
        assert_null(seen->why);
        assert_int_equal(json_integer_value(json_object_get(seen->result, "answer")), 42);
        assert_true(json_is_true(json_object_get(seen->result, "is_child")));
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left, also no dead one */
}

static void a_long_one_too(void **state)
{
    struct seen *seen = *state;

    start(seen, run_long_text, 60000);
    loop(seen);
    assert_int_equal(json_string_length(seen->result), 3 * 1024 * 1024);
    start(seen, run_too_long_text, 60000);
    loop(seen);
    assert_null(seen->result);
    assert_string_equal(seen->why, "the job said more than 16 MiB");
}

static void nothing_is_null(void **state)
{
    struct seen *seen = *state;

    start(seen, run_nothing, 60000);
    loop(seen);
    assert_true(json_is_null(seen->result));
    assert_null(seen->why);
}

static void what_ends_without_one_says_so(void **state)
{
    struct seen *seen = *state;

    start(seen, run_crash, 60000);
    loop(seen);
    assert_null(seen->result);
    assert_string_equal(seen->why, "the job was killed by signal 9");
    start(seen, run_exit, 60000);
    loop(seen);
    assert_null(seen->result);
    assert_string_equal(seen->why, "the job ended without a result");
}

static void what_takes_too_long_is_ended(void **state)
{
    struct seen *seen = *state;
    pid_t pid;

    start(seen, run_for_ever, 100);
    pid = seen->worker.pid;
    loop(seen);
    assert_non_null(strstr(seen->why, "took longer than"));
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void one_at_a_time(void **state)
{
    struct seen *seen = *state;
    struct fl_error err = FL_ERROR_INIT;
    const struct fl_job job = { .what = "other", .run = run_well, .done = done, .aux = seen };

    start(seen, run_for_ever, 60000);
    assert_int_equal(fl_worker_start(&seen->worker, &job, &err), -EBUSY);
    assert_string_equal(err.text, "the job of before is not over");
    fl_worker_run(&seen->worker);
    assert_int_equal(seen->n_done, 0);
}

static void it_has_nothing_of_the_agent_s(void **state)
{
    struct seen *seen = *state;
    int fd = open("/dev/null", O_RDONLY);
    sigset_t set, old;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &old);
    start(seen, run_signals, 60000);
    sigprocmask(SIG_SETMASK, &old, NULL);
    loop(seen);
    assert_true(json_is_false(json_array_get(seen->result, 0)));
    assert_true(json_is_false(json_array_get(seen->result, 1)));
    start(seen, run_descriptors, 60000);
    loop(seen);
    assert_true(fd > STDERR_FILENO);
    /* Numbers stay taken, by a pipe of its own. */
    assert_true(json_array_size(seen->result) > 1);
    for (size_t i = 0; i < json_array_size(seen->result); i++) {
        const char *what = json_string_value(json_array_get(seen->result, i));

        assert_memory_equal(what, "pipe:", 5);
    }
    close(fd);
}

static void it_dies_with_the_agent(void **state)
{
    int fds[2];
    char buf[1];
    pid_t agent;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    agent = fork();
    if (!agent) {
        struct seen seen = { .n_done = 0 };
        pid_t pid;

        fl_worker_init(&seen.worker);
        /* The worker's child holds standard output, which is the pipe. */
        dup2(fds[1], STDOUT_FILENO);
        close(fds[1]);
        start(&seen, run_for_ever, 60000);
        pid = seen.worker.pid;
        _exit(pid > 0 ? 0 : 1);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], buf, 1), 0);
    close(fds[0]);
    assert_int_equal(waitpid(agent, NULL, 0), agent);
}

/* Until the verification that is under way is over. */
static void finish_verification(struct fl_verify *verify)
{
    while (fl_worker_is_busy(&verify->worker)) {
        fl_worker_wait(&verify->worker);
        poll_block();
        fl_worker_run(&verify->worker);
    }
}

/* There is no store: each of them fails, and is to be tried again in two seconds or more. */
static void a_verification_that_failed_keeps_no_other_waiting(void **state)
{
    const struct temporary *t = *state;
    const struct fl_operator op = { .root = t->root };
    struct fl_verify verify;

    fl_verify_init(&verify, &op);
    fl_verify_want(&verify, "id-1", "vm1", false);
    fl_verify_run(&verify);
    assert_true(fl_worker_is_busy(&verify.worker));
    finish_verification(&verify);
    fl_verify_run(&verify);
    assert_false(fl_worker_is_busy(&verify.worker));
    fl_verify_want(&verify, "id-2", "vm2", false);
    fl_verify_run(&verify);
    assert_true(fl_worker_is_busy(&verify.worker));
    finish_verification(&verify);
    assert_int_equal(ovs_list_size(&verify.wanted), 2);
    fl_verify_destroy(&verify);
}

#define SEEN(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEEN(a_result_is_handed_over),
        SEEN(a_long_one_too),
        SEEN(nothing_is_null),
        SEEN(what_ends_without_one_says_so),
        SEEN(what_takes_too_long_is_ended),
        SEEN(one_at_a_time),
        SEEN(it_has_nothing_of_the_agent_s),
        cmocka_unit_test(it_dies_with_the_agent),
        cmocka_unit_test_setup_teardown(a_verification_that_failed_keeps_no_other_waiting,
                                        temporary_setup, temporary_teardown),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
