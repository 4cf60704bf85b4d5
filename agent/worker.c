/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/command-line.h>
#include <ovs/fatal-signal.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/descriptors.h"

/* A result is some hundred bytes for each VM. */
#define MAX_RESULT_MIB   16
#define MAX_RESULT_BYTES (MAX_RESULT_MIB * 1024 * 1024)

void fl_worker_init(struct fl_worker *worker)
{
    *worker = (struct fl_worker){ .fd = -1 };
    ds_init(&worker->text);
}

/* ---- In the child ---- */

/* Nothing of the agent's may be used: its sockets, its signals, what it would remove when it ends. */
static void become_child(pid_t agent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != agent) {
        _exit(EXIT_FAILURE);
    }
    fatal_signal_fork();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* What the agent was about to wait for. */
    poll_immediate_wake();
    poll_block();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
}

/*
 * The agent's descriptors are closed, and their numbers stay taken, by a pipe on which nothing ever comes: the
 * memory that we have of the agent knows some of them. libopenvswitch polls one of its own in each
 * poll_block(); were it closed, each would return at once, and were its number somebody else's, likewise.
 */
static int take_over_descriptors(int keep)
{
    DIR *dir = opendir("/proc/self/fd");
    int silent[2];

    if (!dir || pipe2(silent, O_CLOEXEC) < 0) {
        return -errno;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        int fd = atoi(entry->d_name);

        if (fd > STDERR_FILENO && fd != keep && fd != dirfd(dir) && fd != silent[0] &&
            fd != silent[1] && dup3(silent[0], fd, O_CLOEXEC) < 0) {
            return -errno;
        }
    }
    closedir(dir);
    return 0;
}

static void run_child(const struct fl_job *job, int fd, pid_t agent)
{
    _cleanup_json json_t *result = NULL;
    _cleanup_free char *text = NULL;

    become_child(agent);
    ovs_cmdl_proctitle_set("worker: %s", job->what);
    if (take_over_descriptors(fd)) {
        _exit(EXIT_FAILURE);
    }
    result = job->run(job->aux);
    text = json_dumps(result ? result : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
    _exit(text && !fl_write_all(fd, text, strlen(text)) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- In the agent ---- */

int fl_worker_start(struct fl_worker *worker, const struct fl_job *job, struct fl_error *err)
{
    pid_t agent = getpid();
    int fds[2];

    if (fl_worker_is_busy(worker)) {
        return fl_error_set(err, -EBUSY, "the %s of before is not over", worker->job.what);
    }
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return fl_error_set(err, -errno, "no pipe for the %s: %s", job->what, ovs_strerror(errno));
    }
    worker->pid = fork();
    if (!worker->pid) {
        run_child(job, fds[1], agent);
    }
    close(fds[1]);
    if (worker->pid < 0) {
        int error = errno;

        worker->pid = 0;
        close(fds[0]);
        return fl_error_set(err, -error, "no process for the %s: %s", job->what,
                            ovs_strerror(error));
    }
    worker->fd = fds[0];
    fcntl(worker->fd, F_SETFL, O_NONBLOCK);
    worker->job = *job;
    worker->deadline_ms = time_msec() + job->most_ms;
    ds_clear(&worker->text);
    return 0;
}

/* Return: its status as of waitpid(2). */
static int end_child(struct fl_worker *worker)
{
    int status = 0;

    kill(worker->pid, SIGKILL);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    close(worker->fd);
    worker->fd = -1;
    worker->pid = 0;
    return status;
}

void fl_worker_destroy(struct fl_worker *worker)
{
    if (fl_worker_is_busy(worker)) {
        end_child(worker);
    }
    ds_destroy(&worker->text);
}

static void finish(struct fl_worker *worker, const char *why)
{
    const struct fl_job job = worker->job;
    _cleanup_free char *text = NULL, *sentence = NULL;
    _cleanup_json json_t *result = NULL;
    int status = end_child(worker);

    text = ds_steal_cstr(&worker->text);
    result = why ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
    if (!result && !why) {
        sentence = WIFSIGNALED(status)
                       ? xasprintf("the %s was killed by signal %d", job.what, WTERMSIG(status))
                       : xasprintf("the %s ended without a result", job.what);
        why = sentence;
    }
    job.done(result, why, job.aux);
}

/* Return: whether there is more to come; @too_much: more than is taken has. */
static bool read_some(struct fl_worker *worker, bool *too_much)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(worker->fd, buf, sizeof buf)) > 0) {
        if (worker->text.length + (size_t)n > MAX_RESULT_BYTES) {
            *too_much = true;
            return false;
        }
        ds_put_buffer(&worker->text, buf, (size_t)n);
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void fl_worker_run(struct fl_worker *worker)
{
    bool too_much = false;

    if (!fl_worker_is_busy(worker)) {
        return;
    }
    if (!read_some(worker, &too_much)) {
        _cleanup_free char *why = too_much ? xasprintf("the %s said more than %d MiB",
                                                       worker->job.what, MAX_RESULT_MIB)
                                           : NULL;

        finish(worker, why);
    } else if (time_msec() >= worker->deadline_ms) {
        _cleanup_free char *why = xasprintf("the %s took longer than %lld s and was ended",
                                            worker->job.what, worker->job.most_ms / 1000);

        finish(worker, why);
    }
}

void fl_worker_wait(const struct fl_worker *worker)
{
    if (fl_worker_is_busy(worker)) {
        poll_fd_wait(worker->fd, POLLIN);
        poll_timer_wait_until(worker->deadline_ms);
    }
}
