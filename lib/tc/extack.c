/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/extack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ovs/fatal-signal.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/descriptors.h"

#define INSTANCE  "flowlift-"
#define ENABLE    "events/netlink/netlink_extack/enable"
#define BUFFER_KB "64" /* For each CPU: some 600 messages. */
/* How soon a signal is seen. */
#define NAP_MS 100
/* A name, what stands before the text, and the text: longer lines are cut. */
#define LINE_BYTES 1024

struct session {
    char *directory; /* The instance; owned. */
    long pid;        /* Of ovs-vswitchd. */
    int trace_pipe;
    char line[LINE_BYTES]; /* What has been read of one. */
    size_t n_line;
    struct fl_extacks *extacks;
};

/* ---- The instance ---- */

static int explain(int code, const char *path, struct fl_error *err)
{
    if (code == -EPERM || code == -EACCES)
        return fl_error_set(err, -EPERM,
                            "cannot listen to the kernel: %s: permission denied; run as root (a "
                            "kernel in lockdown permits it to nobody)",
                            path);
    return fl_error_set(err, code, "cannot listen to the kernel: %s: %s", path, strerror(-code));
}

static int write_file(const struct session *session, const char *name, const char *text,
                      struct fl_error *err)
{
    _cleanup_free char *path = xasprintf("%s/%s", session->directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int ret = fd < 0 ? -errno : fl_write_all(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    if (ret == -ENOENT && !strcmp(name, ENABLE))
        return fl_error_set(err, ret,
                            "cannot listen to the kernel: it has no event netlink:netlink_extack "
                            "(Linux 5.12 and later do)");
    return ret ? explain(ret, path, err) : 0;
}

static bool is_left_behind(const char *name)
{
    int pid;

    return !strncmp(name, INSTANCE, strlen(INSTANCE)) &&
           str_to_int(name + strlen(INSTANCE), 10, &pid) && pid > 0 && kill(pid, 0) < 0 &&
           errno == ESRCH;
}

/* An instance whose process lives in another pid namespace cannot be removed: its trace_pipe is open. */
static void sweep(const char *instances)
{
    DIR *directory = opendir(instances);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        if (is_left_behind(entry->d_name))
            (void)unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
    }
    if (directory)
        closedir(directory);
}

static int make_instance(struct session *session, const char *tracefs, struct fl_error *err)
{
    _cleanup_free char *instances = xasprintf("%s/instances", tracefs);

    if (access(instances, F_OK) < 0 && errno == ENOENT)
        return fl_error_set(err, -ENOENT,
                            "cannot listen to the kernel: there is no tracefs at %s; mount it: "
                            "mount -t tracefs tracefs %s",
                            tracefs, tracefs);
    sweep(instances);
    session->directory = xasprintf("%s/" INSTANCE "%ld", instances, (long)getpid());
    rmdir(session->directory); /* Of a process that had this number. */
    if (mkdir(session->directory, 0700) < 0) {
        int ret = -errno;

        free(session->directory);
        session->directory = NULL;
        return explain(ret, instances, err);
    }
    return 0;
}

static void end(struct session *session)
{
    if (session->trace_pipe >= 0)
        close(session->trace_pipe);
    if (session->directory)
        rmdir(session->directory); /* Which turns the event off. */
    free(session->directory);
}

static int begin(struct session *session, const char *tracefs, struct fl_error *err)
{
    _cleanup_free char *path = NULL;
    int ret = make_instance(session, tracefs, err);

    /* First of all: see "What it costs". */
    if (!ret)
        ret = write_file(session, "buffer_size_kb", BUFFER_KB, err);
    if (!ret) {
        path = xasprintf("%s/trace_pipe", session->directory);
        session->trace_pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ret = session->trace_pipe < 0 ? explain(-errno, path, err) : 0;
    }
    return ret ? ret : write_file(session, ENABLE, "1", err);
}

/* ---- What is heard ---- */

static bool is_of_vswitchd(const struct session *session, uint32_t tid)
{
    _cleanup_free char *path = xasprintf("/proc/%ld/task/%u", session->pid, tid);

    return !access(path, F_OK);
}

static void take_line(struct session *session)
{
    char text[FL_TC_ANSWER_TEXT];
    uint32_t tid;

    session->line[session->n_line] = '\0';
    session->n_line = 0;
    switch (fl_extack_parse(session->line, &tid, text)) {
    case FL_EXTACK_TOLD:
        if (is_of_vswitchd(session, tid))
            fl_extacks_add(session->extacks, text);
        break;
    case FL_EXTACK_LOST: session->extacks->is_incomplete = true; break;
    case FL_EXTACK_NOTHING:
    default: break;
    }
}

static void take_bytes(struct session *session, const char *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        if (bytes[i] == '\n')
            take_line(session);
        else if (session->n_line < LINE_BYTES - 1)
            session->line[session->n_line++] = bytes[i] ? bytes[i] : '?';
    }
}

/* All that there is. Return: 0 or negative errno. */
static int drain(struct session *session, int64_t deadline_ms)
{
    char bytes[4096];
    ssize_t n;

    do {
        n = read(session->trace_pipe, bytes, sizeof bytes);
        if (n > 0)
            take_bytes(session, bytes, (size_t)n);
    } while (n > 0 && fl_monotonic_ms() < deadline_ms);
    return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

/* An ignored signal that is blocked is pending, too. */
static void find_deadly(sigset_t *deadly)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    sigemptyset(deadly);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        struct sigaction action;

        if (!sigaction(signals[i], NULL, &action) && action.sa_handler != SIG_IGN)
            sigaddset(deadly, signals[i]);
    }
}

static bool is_to_end(const sigset_t *deadly)
{
    sigset_t pending;

    sigpending(&pending);
    for (int i = 1; i < NSIG; i++) {
        if (sigismember(deadly, i) == 1 && sigismember(&pending, i) == 1)
            return true;
    }
    return false;
}

static int listen_for(struct session *session, int64_t ms, const sigset_t *deadly,
                      struct fl_error *err)
{
    int64_t now_ms = fl_monotonic_ms(), start_ms = now_ms, deadline_ms = now_ms + ms;
    int ret = 0;

    while (!ret && now_ms < deadline_ms && !is_to_end(deadly)) {
        struct pollfd pollfd = { .fd = session->trace_pipe, .events = POLLIN };

        poll(&pollfd, 1, (int)MIN(deadline_ms - now_ms, NAP_MS));
        ret = drain(session, deadline_ms);
        now_ms = fl_monotonic_ms();
    }
    session->extacks->listened_ms = now_ms - start_ms;
    return ret ? explain(ret, "trace_pipe", err) : 0;
}

int fl_extack_listen(const char *tracefs, long pid, int64_t ms, struct fl_extacks *extacks,
                     struct fl_error *err)
{
    struct session session = { .pid = pid, .trace_pipe = -1, .extacks = extacks };
    sigset_t deadly, before;
    int ret;

    *extacks = (struct fl_extacks){ .n_texts = 0 };
    find_deadly(&deadly);
    pthread_sigmask(SIG_BLOCK, &deadly, &before);
    ret = begin(&session, tracefs, err);
    if (!ret)
        ret = listen_for(&session, ms, &deadly, err);
    end(&session);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    fatal_signal_run(); /* Where libopenvswitch catches signals, it is this that ends the process. */
    return ret;
}
