/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"

/* Fits the largest plan; a longer line was not written by flowlift. */
#define MAX_LINE_BYTES (1024 * 1024)

static json_t *make_line(const char *step, const struct fl_remedy *remedy, json_t *extra)
{
    char time[FL_TIME_TEXT_BYTES];
    json_t *line = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:o}", "time",
                             fl_time_format(fl_time_now_ms(), time), "who",
                             fl_json_of_string(remedy->who), "vm",
                             fl_json_of_string(remedy->set.vm_name), "vm_id",
                             fl_json_of_string(remedy->set.vm_id), "ticket",
                             fl_json_of_string(remedy->ticket), "step", step, "state",
                             fl_remedy_state_name(remedy->state), "reason",
                             fl_json_of_string(remedy->reason));

    if (line && extra && json_object_update_missing(line, extra)) {
        json_decref(line);
        line = NULL;
    }
    return line;
}

static int open_journal(const char *path, struct fl_error *err)
{
    _cleanup_free char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));
    int fd, ret;

    if (!folder)
        return fl_error_set(err, -ENOMEM, "not enough memory");
    ret = fl_make_folder(folder, 0750, err);
    if (ret)
        return ret;
    fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd >= 0)
        fchmod(fd, 0640); /* whatever the umask */
    else if (errno == EEXIST)
        fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 ? fl_file_error(err, -errno, "write", path) : fd;
}

/* Whether a writer was killed, or found the disk full, in the middle of the last line. */
static bool last_line_is_open(int fd, off_t size)
{
    char last;

    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* One write(2), or nothing: what was written of a line that did not fit is taken back. */
static int append_line(int fd, const char *text)
{
    struct stat status;
    size_t n = strlen(text);
    ssize_t written;

    if (flock(fd, LOCK_EX) < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    if (!last_line_is_open(fd, status.st_size)) { /* then its newline is not needed */
        text++;
        n--;
    }
    written = write(fd, text, n);
    if (written == (ssize_t)n)
        return fdatasync(fd) < 0 && errno != EINVAL ? -errno : 0;
    if (written >= 0)
        errno = ENOSPC;
    if (written > 0 && ftruncate(fd, status.st_size) < 0)
        return -EIO;
    return -errno;
}

int fl_journal_append(const char *root, const char *step, const struct fl_remedy *remedy,
                      json_t *extra, struct fl_error *err)
{
    _cleanup_free char *path = fl_path_journal(root);
    _cleanup_json json_t *owned_extra = extra;
    _cleanup_json json_t *line = make_line(step, remedy, extra);
    _cleanup_free char *json = line ? json_dumps(line, JSON_COMPACT) : NULL;
    _cleanup_free char *text = NULL;
    int fd, ret;

    (void)owned_extra;
    if (!json || asprintf(&text, "\n%s\n", json) < 0) {
        text = NULL;
        return fl_error_set(err, -ENOMEM, "cannot write %s: not enough memory", path);
    }
    if (strlen(text) > MAX_LINE_BYTES)
        return fl_error_set(err, -EFBIG, "cannot write %s: a line would be longer than %d KiB",
                            path, MAX_LINE_BYTES >> 10);
    fd = open_journal(path, err);
    if (fd < 0)
        return fd;
    ret = append_line(fd, text);
    if (ret)
        fl_file_error(err, ret, "write", path);
    close(fd);
    return ret;
}

/* Lines being read: the newest @max of those that fit. */
struct history {
    const char *vm;
    size_t max;
    size_t n_damaged;
    json_t *lines;
};

static bool is_about(const json_t *line, const char *vm)
{
    const char *name = json_string_value(json_object_get(line, "vm"));
    const char *id = json_string_value(json_object_get(line, "vm_id"));

    return !vm || (name && !strcmp(name, vm)) || (id && !strcmp(id, vm));
}

static void take_line(struct history *history, const char *text, size_t n)
{
    struct fl_json_depth depth = { 0 };
    json_t *line;

    if (n && text[n - 1] == '\n')
        n--;
    if (!n)
        return;
    line = n > MAX_LINE_BYTES || !fl_json_depth_ok(&depth, text, n)
               ? NULL
               : json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(line)) {
        history->n_damaged++;
        json_decref(line);
        return;
    }
    if (!is_about(line, history->vm)) {
        json_decref(line);
        return;
    }
    json_array_append_new(history->lines, line);
    /* Now and then, since taking from the front costs the length of the array. */
    if (history->max && json_array_size(history->lines) >= 2 * history->max + 1024) {
        while (json_array_size(history->lines) > history->max)
            json_array_remove(history->lines, 0);
    }
}

/* Lines of any length, but never more than MAX_LINE_BYTES + 1 of one in memory. */
static int read_lines(int fd, struct history *history)
{
    const size_t room = MAX_LINE_BYTES + 1;
    _cleanup_free char *buffer = malloc(room);
    size_t n = 0;
    bool too_long = false;
    ssize_t got;

    if (!buffer)
        return -ENOMEM;
    while ((got = read(fd, buffer + n, room - n)) != 0) {
        char *start = buffer, *newline;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        n += (size_t)got;
        while ((newline = memchr(start, '\n', n))) {
            size_t length = (size_t)(newline - start) + 1;

            if (!too_long)
                take_line(history, start, length);
            too_long = false;
            start += length;
            n -= length;
        }
        memmove(buffer, start, n);
        if (n == room) {
            history->n_damaged += !too_long;
            too_long = true;
            n = 0;
        }
    }
    if (n && !too_long)
        take_line(history, buffer, n);
    return 0;
}

static void keep_newest(struct history *history)
{
    size_t n = json_array_size(history->lines);
    json_t *newest = json_array();

    for (size_t i = history->max && n > history->max ? n - history->max : 0; i < n; i++)
        json_array_append(newest, json_array_get(history->lines, i));
    json_decref(history->lines);
    history->lines = newest;
}

json_t *fl_journal_read(const char *root, const char *vm, size_t max, size_t *n_damaged,
                        struct fl_error *err)
{
    _cleanup_free char *path = fl_path_journal(root);
    struct history history = { .vm = vm, .max = max, .lines = json_array() };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), ret = 0;

    if (fd >= 0) {
        ret = read_lines(fd, &history);
        close(fd);
    } else if (errno != ENOENT) {
        ret = -errno;
    }
    if (ret) {
        fl_file_error(err, ret, "read", path);
        json_decref(history.lines);
        return NULL;
    }
    keep_newest(&history);
    if (n_damaged)
        *n_damaged = history.n_damaged;
    return history.lines;
}
