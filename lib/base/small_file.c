/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/base/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "flows/limits.h"

/* The folder where the file system of @path is mounted: the last one upwards on the same device. */
static void find_mount_point(const char *path, char mount_point[PATH_MAX])
{
    struct stat here, above;
    char *slash;

    if (snprintf(mount_point, PATH_MAX, "%s", path) >= PATH_MAX)
        return;
    for (;;) { /* the nearest part of the path that exists */
        char resolved[PATH_MAX];

        if (realpath(mount_point, resolved)) {
            memcpy(mount_point, resolved, sizeof resolved);
            break;
        }
        slash = strrchr(mount_point, '/');
        if (!slash || slash == mount_point) {
            snprintf(mount_point, PATH_MAX, "%s", slash ? "/" : ".");
        } else {
            *slash = '\0';
        }
    }
    if (stat(mount_point, &here) < 0)
        return;
    while ((slash = strrchr(mount_point, '/')) && mount_point[1]) {
        char parent[PATH_MAX];

        snprintf(parent, sizeof parent, "%.*s",
                 slash == mount_point ? 1 : (int)(slash - mount_point), mount_point);
        if (stat(parent, &above) < 0 || above.st_dev != here.st_dev)
            return;
        memcpy(mount_point, parent, sizeof parent);
    }
}

static int full_error(struct fl_error *err, int code, const char *what, const char *path)
{
    char mount_point[PATH_MAX];
    struct statvfs fs;

    find_mount_point(path, mount_point);
    if (code == -EDQUOT)
        return fl_error_set(err, code,
                            "cannot %s %s: the disk quota on file system %s is used up; free some "
                            "space there or raise the quota",
                            what, path, mount_point);
    if (!statvfs(mount_point, &fs) && fs.f_files && !fs.f_favail)
        return fl_error_set(
            err, code, "cannot %s %s: file system %s has no free inode; remove some files there",
            what, path, mount_point);
    return fl_error_set(err, code,
                        "cannot %s %s: file system %s is full; free some space there and run again",
                        what, path, mount_point);
}

int fl_file_error(struct fl_error *err, int code, const char *what, const char *path)
{
    switch (-code) {
    case ENOSPC:
    case EDQUOT: return full_error(err, code, what, path);
    case EACCES:
    case EPERM:
        if (geteuid() != 0)
            return fl_error_set(err, code, "cannot %s %s: permission denied; run as root", what,
                                path);
        return fl_error_set(err, code, "cannot %s %s: permission denied", what, path);
    case EROFS:
        return fl_error_set(err, code, "cannot %s %s: the file system is mounted read-only", what,
                            path);
    case ENOENT: return fl_error_set(err, code, "cannot %s %s: no such file or folder", what, path);
    case EISDIR: return fl_error_set(err, code, "cannot %s %s: it is a folder", what, path);
    case ENOTDIR:
        return fl_error_set(err, code, "cannot %s %s: a part of its path is no folder", what, path);
    case ELOOP: return fl_error_set(err, code, "cannot %s %s: it is a symbolic link", what, path);
    case EFBIG:
        return fl_error_set(err, code,
                            "cannot %s %s: it would be larger than this process may write "
                            "(see ulimit -f)",
                            what, path);
    default: return fl_error_set(err, code, "cannot %s %s: %s", what, path, strerror(-code));
    }
}

static int read_all(int fd, size_t size_hint, char **text, size_t *n_bytes)
{
    size_t room = size_hint + 1, n = 0;
    _cleanup_free char *buffer = malloc(room + 1);

    while (buffer) {
        ssize_t got = read(fd, buffer + n, room - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        n += (size_t)got;
        if (n > FL_LIMIT_FILE_BYTES)
            return -EFBIG;
        if (!got) {
            buffer[n] = '\0';
            *text = fl_steal(buffer);
            *n_bytes = n;
            return 0;
        }
        if (n == room) { /* it grew while it was read */
            char *larger = realloc(buffer, 2 * room + 1);

            if (!larger)
                break;
            buffer = larger;
            room *= 2;
        }
    }
    return -ENOMEM;
}

static int too_large(struct fl_error *err, const char *path)
{
    return fl_error_set(err, -EFBIG, "%s is larger than %u MiB, more than any file of flowlift's",
                        path, FL_LIMIT_FILE_BYTES >> 20);
}

int fl_small_file_read(int dir_fd, const char *name, const char *path, int open_flags, char **text,
                       size_t *n_bytes, struct fl_error *err)
{
    struct stat status;
    int fd, ret;

    /* O_NONBLOCK: a FIFO in the file's place must not hang us. */
    fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | open_flags);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : fl_file_error(err, -errno, "read", path);
    if (fstat(fd, &status) < 0) {
        ret = fl_file_error(err, -errno, "read", path);
    } else if (!S_ISREG(status.st_mode)) {
        ret = fl_error_set(err, -EINVAL, "cannot read %s: it is %s, not a file", path,
                           S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket");
    } else if (status.st_size > FL_LIMIT_FILE_BYTES) {
        ret = too_large(err, path);
    } else {
        ret = read_all(fd, (size_t)status.st_size, text, n_bytes);
        if (ret == -EFBIG)
            ret = too_large(err, path);
        else if (ret)
            ret = fl_file_error(err, ret, "read", path);
    }
    close(fd);
    return ret;
}

bool fl_json_depth_ok(struct fl_json_depth *state, const char *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        char c = bytes[i];

        if (state->escaped) {
            state->escaped = false;
        } else if (state->in_string) {
            state->escaped = c == '\\';
            state->in_string = c != '"';
        } else if (c == '"') {
            state->in_string = true;
        } else if (c == '[' || c == '{') {
            if (++state->depth > FL_LIMIT_JSON_DEPTH)
                return false;
        } else if ((c == ']' || c == '}') && state->depth) {
            state->depth--;
        }
    }
    return true;
}

int fl_json_refuse(struct fl_error *err, const char *path, const json_error_t *why)
{
    switch ((int)json_error_code(why)) {
    case json_error_premature_end_of_input:
        return fl_error_set(err, -EINVAL,
                            "%s is cut off: its JSON ends in line %d before it is complete", path,
                            why->line);
    case json_error_out_of_memory:
        return fl_error_set(err, -ENOMEM, "cannot read %s: not enough memory", path);
    case json_error_duplicate_key:
        return fl_error_set(err, -EINVAL, "%s is damaged: a key is there twice in line %d", path,
                            why->line);
    default:
        return fl_error_set(err, -EINVAL, "%s is no JSON: line %d, column %d: %s", path, why->line,
                            why->column, why->text);
    }
}

json_t *fl_json_parse(const char *path, const char *text, size_t n_bytes, struct fl_error *err)
{
    struct fl_json_depth depth = { 0 };
    json_error_t why;
    json_t *json;

    if (!fl_json_depth_ok(&depth, text, n_bytes)) {
        fl_error_set(err, -EINVAL,
                     "%s is nested deeper than %u levels, which nothing of flowlift's is", path,
                     FL_LIMIT_JSON_DEPTH);
        return NULL;
    }
    json = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        fl_json_refuse(err, path, &why);
    return json;
}
