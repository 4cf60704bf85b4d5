/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/rendezvous.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/daemon.h>
#include <ovs/dirs.h>
#include <ovs/fatal-signal.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"

VLOG_DEFINE_THIS_MODULE(agent_rendezvous);

#define NAME "flowlift-agent"
/* Between two looks whether the links are there. */
#define LOOK_MS 5000

struct link {
    char *path;   /* in OVS_RUNDIR; NULL: none is wanted */
    char *target; /* in ROOT/run/flowlift */
    bool is_pidfile;
    bool told; /* that it cannot be made */
};

struct fl_rendezvous {
    struct link links[2];
    long long look_ms;
};

/* Return: whether @path is a symbolic link, to what is in @target. */
static bool read_link(const char *path, char target[PATH_MAX])
{
    ssize_t n = readlink(path, target, PATH_MAX - 1);

    if (n < 0) {
        return false;
    }
    target[n] = '\0';
    return true;
}

static bool is_ours(const struct link *link)
{
    char target[PATH_MAX];

    return read_link(link->path, target) && !strcmp(target, link->target);
}

/* What is in the way. Return: NULL when nothing is that matters. */
static const char *obstacle(const struct link *link)
{
    struct stat status;
    pid_t pid;

    if (lstat(link->path, &status) < 0) {
        return NULL;
    }
    if (!S_ISLNK(status.st_mode)) {
        return "something else is there";
    }
    /* A dead link is in nobody's way; and whoever has this folder may have made it lead anywhere. */
    if (!link->is_pidfile || stat(link->path, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != geteuid() || access(link->path, R_OK | W_OK)) {
        return NULL;
    }
    pid = read_pidfile(link->path);
    return pid > 0 && pid != getpid() ? "the agent of another root has the name" : NULL;
}

/* Return: 0, or positive errno; never a moment without a link when there was one. */
static int make_link(const struct link *link)
{
    _cleanup_free char *new = xasprintf("%s.new", link->path);

    if ((unlink(new) < 0 && errno != ENOENT) || symlink(link->target, new) < 0) {
        return errno;
    }
    if (rename(new, link->path) < 0) {
        int error = errno;

        unlink(new);
        return error;
    }
    return 0;
}

static void see_to(struct link *link)
{
    const char *why;
    int error;

    if (!link->path || is_ours(link)) {
        return;
    }
    why = obstacle(link);
    error = why ? 0 : make_link(link);
    if (error) {
        why = ovs_strerror(error);
    }
    if (why && !link->told) {
        VLOG_INFO("ovs-appctl -t " NAME " does not find us, since %s cannot be made (%s); give it "
                  "the socket in ROOT/run/flowlift",
                  link->path, why);
    }
    link->told = why != NULL;
}

static void remove_links(void *rendezvous_)
{
    struct fl_rendezvous *rendezvous = rendezvous_;

    for (size_t i = 0; i < ARRAY_SIZE(rendezvous->links); i++) {
        struct link *link = &rendezvous->links[i];

        if (link->path && is_ours(link)) {
            unlink(link->path);
        }
    }
}

/* ---- What was left behind ---- */

/* "flowlift-agent.123.ctl" */
static bool is_socket_name(const char *name)
{
    int end = 0;

    return sscanf(name, NAME ".%*[0-9].ctl%n", &end) == 0 && end && !name[end];
}

/* Sockets in our own folder are ours, since we have the lock; elsewhere, links to it. */
static void remove_dead(const char *folder, const char *only_into, const char *except)
{
    DIR *dir = opendir(folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        _cleanup_free char *path = xasprintf("%s/%s", folder, entry->d_name);
        char target[PATH_MAX];
        size_t n = only_into ? strlen(only_into) : 0;

        if (!is_socket_name(entry->d_name) || (except && !strcmp(path, except))) {
            continue;
        }
        if (!only_into ||
            (read_link(path, target) && !strncmp(target, only_into, n) && target[n] == '/')) {
            unlink(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static bool is_same_folder(const char *a, const char *b)
{
    struct stat status_a, status_b;

    return !stat(a, &status_a) && !stat(b, &status_b) && status_a.st_dev == status_b.st_dev &&
           status_a.st_ino == status_b.st_ino;
}

struct fl_rendezvous *fl_rendezvous_open(const char *rundir, const char *pidfile,
                                         const char *socket)
{
    struct fl_rendezvous *rendezvous = xzalloc(sizeof *rendezvous);
    struct link *links = rendezvous->links;

    remove_dead(rundir, NULL, socket);
    if (!is_same_folder(rundir, ovs_rundir())) {
        remove_dead(ovs_rundir(), rundir, NULL);
        links[0] = (struct link){ .path = xasprintf("%s/" NAME ".pid", ovs_rundir()),
                                  .target = xstrdup(pidfile),
                                  .is_pidfile = true };
        if (socket) {
            links[1].path = xasprintf("%s/" NAME ".%ld.ctl", ovs_rundir(), (long)getpid());
            links[1].target = xstrdup(socket);
        }
    }
    fatal_signal_add_hook(remove_links, NULL, rendezvous, true);
    fl_rendezvous_run(rendezvous);
    return rendezvous;
}

void fl_rendezvous_close(struct fl_rendezvous *rendezvous)
{
    if (!rendezvous) {
        return;
    }
    remove_links(rendezvous);
    /* The hook stays: it finds nothing to remove. */
    for (size_t i = 0; i < ARRAY_SIZE(rendezvous->links); i++) {
        free(rendezvous->links[i].path);
        free(rendezvous->links[i].target);
        rendezvous->links[i] = (struct link){ .path = NULL };
    }
}

void fl_rendezvous_run(struct fl_rendezvous *rendezvous)
{
    if (time_msec() < rendezvous->look_ms) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rendezvous->links); i++) {
        see_to(&rendezvous->links[i]);
    }
    rendezvous->look_ms = time_msec() + LOOK_MS;
}

void fl_rendezvous_wait(const struct fl_rendezvous *rendezvous)
{
    poll_timer_wait_until(rendezvous->look_ms);
}
