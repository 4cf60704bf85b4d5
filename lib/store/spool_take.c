/* SPDX-License-Identifier: Apache-2.0 */

/* The reader's side of the spool. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/base/config.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"
#include "lib/store/spool.h"
#include "lib/store/spool_internal.h"

#define WATCHED \
    (IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW)
/* What a writer that was killed left is removed when it is this old. */
#define LEFTOVER_SECONDS 60
/* Names looked at in one pass: what writers may leave, and as much again of others' making. */
#define NAMES_MOST (2 * FL_LIMIT_SPOOLED_EVENTS)

struct fl_spool {
    char *path;
    int dir_fd; /* While it is read. Otherwise -1: of a folder held open, the end is not told. */
    int inotify_fd;
    int watch;
    bool look_anew;
};

/* Names of files, in no order at first. */
struct names {
    char **name;
    size_t n, room;
};

static void names_destroy(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
}

static int names_add(struct names *names, const char *name)
{
    if (names->n == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **larger = realloc(names->name, room * sizeof *larger);

        if (!larger)
            return -ENOMEM;
        names->name = larger;
        names->room = room;
    }
    names->name[names->n] = strdup(name);
    return names->name[names->n] ? (names->n++, 0) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_event_name(const char *name)
{
    static const char form[] = FL_SPOOL_NAME_FORM;

    if (strlen(name) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++) {
        bool fits = form[i] == '-' ? name[i] == '-' : name[i] >= '0' && name[i] <= '9';

        if (!fits)
            return false;
    }
    return true;
}

static void remove_leftover(int dir_fd, const char *name)
{
    struct stat status;

    if (!fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) &&
        status.st_ctim.tv_sec < time(NULL) - LEFTOVER_SECONDS)
        unlinkat(dir_fd, name, 0);
}

/* All that waits, the earliest first. */
static int list(struct fl_spool *spool, struct names *names, struct fl_error *err)
{
    int fd = openat(spool->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir) {
        ret = fl_file_error(err, -errno, "read", spool->path);
        if (fd >= 0)
            close(fd);
        return ret;
    }
    while (!ret && names->n < NAMES_MOST && (errno = 0, entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            ret = names_add(names, entry->d_name);
        else if (strspn(entry->d_name, ".") != strlen(entry->d_name))
            remove_leftover(spool->dir_fd, entry->d_name);
    }
    if (ret || (names->n < NAMES_MOST && errno))
        ret = fl_file_error(err, ret ? ret : -errno, "read", spool->path);
    closedir(dir);
    if (names->n)
        qsort(names->name, names->n, sizeof *names->name, compare_names);
    return ret;
}

static int give_trouble(const char *why, fl_spool_each *each, void *aux)
{
    const struct fl_spool_item item = { .kind = FL_SPOOL_TROUBLE, .why = why };

    return each(&item, aux);
}

/* Return: 0; -ENOENT it is gone; -ENOMEM, -EMFILE, -ENFILE; other negative errno for what is no event. */
static int read_event(struct fl_spool *spool, const char *name, struct fl_event *event,
                      struct fl_error *err)
{
    _cleanup_free char *path = NULL;
    _cleanup_free char *text = NULL;
    _cleanup_json json_t *json = NULL;
    size_t n_bytes;
    int ret;

    if (asprintf(&path, "%s/%s", spool->path, name) < 0) {
        path = NULL;
        return fl_error_set(err, -ENOMEM, "not enough memory");
    }
    if (!is_event_name(name))
        return fl_error_set(err, -EINVAL, "%s is no event: its name is not that of one", path);
    ret = fl_small_file_read(spool->dir_fd, name, path, O_NOFOLLOW, &text, &n_bytes, err);
    if (ret)
        return ret;
    if (n_bytes > FL_LIMIT_EVENT_BYTES)
        return fl_error_set(err, -EFBIG, "%s is larger than %u KiB, more than any event", path,
                            FL_LIMIT_EVENT_BYTES >> 10);
    json = fl_json_parse(path, text, n_bytes, err);
    if (!json)
        return err->code;
    ret = fl_event_from_json(json, event, err);
    if (ret)
        fl_error_prefix(err, "%s is no event", path);
    return ret;
}

static void remove_junk(int dir_fd, const char *name)
{
    if (unlinkat(dir_fd, name, 0) < 0)
        unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static int take_one(struct fl_spool *spool, const char *name, fl_spool_each *each, void *aux,
                    struct fl_error *err)
{
    struct fl_error why = FL_ERROR_INIT;
    struct fl_event event;
    const struct fl_spool_item item = { .kind = FL_SPOOL_EVENT, .event = &event };
    int ret = read_event(spool, name, &event, &why);

    switch (ret) {
    case 0:
        ret = each(&item, aux);
        if (!ret)
            unlinkat(spool->dir_fd, name, 0);
        return ret;
    case -ENOENT: return 0;
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE: *err = why; return ret;
    /* A socket, say. The others behind it must not wait for it. */
    default: remove_junk(spool->dir_fd, name); return give_trouble(why.text, each, aux);
    }
}

/* Watch the folder; events may be missing that were written before this. */
static int attach(struct fl_spool *spool, struct fl_error *err)
{
    int ret = fl_make_folder(spool->path, 0750, err);

    if (spool->watch >= 0)
        inotify_rm_watch(spool->inotify_fd, spool->watch); /* a folder may have been moved away */
    spool->watch = -1;
    spool->look_anew = true;
    if (ret)
        return ret;
    spool->watch = inotify_add_watch(spool->inotify_fd, spool->path, WATCHED);
    return spool->watch < 0 ? fl_file_error(err, -errno, "watch", spool->path) : 0;
}

int fl_spool_open(const char *root, struct fl_spool **result, struct fl_error *err)
{
    struct fl_spool *spool = calloc(1, sizeof *spool);
    int ret;

    if (!spool)
        return fl_error_set(err, -ENOMEM, "not enough memory");
    spool->path = fl_path_events(root);
    spool->dir_fd = spool->watch = -1;
    spool->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (spool->inotify_fd < 0)
        ret = fl_file_error(err, -errno, "watch", spool->path);
    else
        ret = attach(spool, err);
    if (ret)
        fl_spool_close(spool);
    else
        *result = spool;
    return ret;
}

void fl_spool_close(struct fl_spool *spool)
{
    if (!spool)
        return;
    if (spool->inotify_fd >= 0)
        close(spool->inotify_fd);
    free(spool->path);
    free(spool);
}

int fl_spool_fd(const struct fl_spool *spool)
{
    return spool->inotify_fd;
}

/* What happened to the folder itself; what happened in it is seen when it is read. */
static void hear(struct fl_spool *spool, const struct inotify_event *heard, bool *lost)
{
    if (heard->wd != spool->watch || heard->len)
        return;
    if (heard->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
        *lost = true;
    else if (heard->mask & IN_ATTRIB)
        spool->look_anew = true;
}

/* Return: whether the folder is not there any more. */
static bool drain_watch(struct fl_spool *spool)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool lost = spool->watch < 0;
    ssize_t n;

    while ((n = read(spool->inotify_fd, buffer, sizeof buffer)) > 0) {
        for (char *next = buffer; next < buffer + n;) {
            const struct inotify_event *heard = (const void *)next;

            hear(spool, heard, &lost);
            next += sizeof *heard + heard->len;
        }
    }
    return lost;
}

/* First of all: it is removed before it is handed on, so that one that comes meanwhile is not missed. */
static int take_overflow(struct fl_spool *spool, fl_spool_each *each, void *aux)
{
    const struct fl_spool_item item = { .kind = FL_SPOOL_ANEW };
    int ret;

    if (!unlinkat(spool->dir_fd, FL_SPOOL_OVERFLOW, 0))
        spool->look_anew = true;
    if (!spool->look_anew)
        return 0;
    ret = each(&item, aux);
    if (!ret)
        spool->look_anew = false;
    return ret;
}

/* Everything in the folder, which is open. */
static int take_all(struct fl_spool *spool, fl_spool_each *each, void *aux, struct fl_error *err)
{
    struct names names = { 0 };
    int ret = take_overflow(spool, each, aux);

    if (!ret)
        ret = list(spool, &names, err);
    for (size_t i = 0; !ret && i < names.n; i++) {
        if (strcmp(names.name[i], FL_SPOOL_OVERFLOW))
            ret = take_one(spool, names.name[i], each, aux, err);
    }
    names_destroy(&names);
    return ret;
}

int fl_spool_take(struct fl_spool *spool, fl_spool_each *each, void *aux, struct fl_error *err)
{
    int ret = drain_watch(spool) ? attach(spool, err) : 0;

    if (ret)
        return ret;
    spool->dir_fd = fl_spool_open_folder(spool->path, err);
    if (spool->dir_fd < 0)
        return spool->dir_fd;
    ret = take_all(spool, each, aux, err);
    close(spool->dir_fd);
    spool->dir_fd = -1;
    return ret;
}
