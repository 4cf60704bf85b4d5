/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/store/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/base/descriptors.h"
#include "lib/base/small_file.h"

#define BUFFER_BYTES (64 * 1024)

struct fl_atomic_file {
    int fd;
    int dir_fd;       /* -1 for standard output */
    char *path;       /* for errors */
    const char *name; /* last part of @path */
    char *temporary;  /* name in the folder; NULL while the file has none */
    bool is_passing;
    int failed; /* first negative errno of a write */
    size_t n_buffered;
    char buffer[BUFFER_BYTES];
};

static int flush_buffer(struct fl_atomic_file *file)
{
    if (!file->failed)
        file->failed = fl_write_all(file->fd, file->buffer, file->n_buffered);
    file->n_buffered = 0;
    return file->failed;
}

int fl_atomic_file_write(struct fl_atomic_file *file, const void *bytes, size_t n_bytes)
{
    const char *next = bytes;

    while (n_bytes && !file->failed) {
        size_t n = BUFFER_BYTES - file->n_buffered;

        n = n < n_bytes ? n : n_bytes;
        memcpy(file->buffer + file->n_buffered, next, n);
        file->n_buffered += n;
        next += n;
        n_bytes -= n;
        if (file->n_buffered == BUFFER_BYTES)
            flush_buffer(file);
    }
    return file->failed;
}

/* Only a regular file, or nothing, may be where the new file goes. */
static int check_target(int dir_fd, const char *name, const char *path, struct fl_error *err)
{
    struct stat status;

    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fl_file_error(err, -errno, "write", path);
    if (S_ISREG(status.st_mode))
        return 0;
    if (S_ISLNK(status.st_mode))
        return fl_file_error(err, -ELOOP, "write", path);
    if (S_ISDIR(status.st_mode))
        return fl_file_error(err, -EISDIR, "write", path);
    return fl_error_set(
        err, -EINVAL,
        "cannot write %s: it is a device, pipe or socket; use \"-\" for standard output", path);
}

static char *temporary_name(const char *name)
{
    char *temporary;

    /* The target's name may be as long as names can be: a part of it has to do. */
    if (asprintf(&temporary, ".%.*s.%ld.tmp", NAME_MAX - 32, name, (long)getpid()) < 0)
        return NULL;
    return temporary;
}

int fl_atomic_file_is_leftover(const char *name)
{
    size_t n = strlen(name);

    return name[0] == '.' && n > 5 && !strcmp(name + n - 4, ".tmp");
}

/* A file without a name, or else with a temporary one. Return: its descriptor or negative errno. */
static int open_temporary(struct fl_atomic_file *file)
{
    int fd = openat(file->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
        return -errno;
    file->temporary = temporary_name(file->name);
    if (!file->temporary)
        return -ENOMEM;
    unlinkat(file->dir_fd, file->temporary, 0); /* of a killed process that had our id */
    fd = openat(file->dir_fd, file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    return fd < 0 ? -errno : fd;
}

static int open_folder(const char *path, const char *name)
{
    _cleanup_free char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    return fd < 0 ? -errno : fd;
}

static struct fl_atomic_file *allocate(const char *path)
{
    struct fl_atomic_file *file = malloc(sizeof *file);

    if (!file)
        return NULL;
    memset(file, 0, offsetof(struct fl_atomic_file, buffer));
    file->fd = file->dir_fd = -1;
    file->path = strdup(path);
    if (!file->path) {
        free(file);
        return NULL;
    }
    file->name = strrchr(file->path, '/');
    file->name = file->name ? file->name + 1 : file->path;
    return file;
}

int fl_atomic_file_create(const char *path, mode_t mode, struct fl_atomic_file **result,
                          struct fl_error *err)
{
    struct fl_atomic_file *file = allocate(path);
    int ret;

    if (!file)
        return fl_error_set(err, -ENOMEM, "cannot write %s: not enough memory", path);
    if (!file->name[0]) {
        ret = fl_error_set(err, -EISDIR, "cannot write \"%s\": it is no file name", path);
        goto fail;
    }
    file->dir_fd = open_folder(file->path, file->name);
    if (file->dir_fd < 0) {
        ret = fl_file_error(err, file->dir_fd, "write", path);
        goto fail;
    }
    ret = check_target(file->dir_fd, file->name, path, err);
    if (ret)
        goto fail;
    file->fd = open_temporary(file);
    if (file->fd < 0) {
        ret = fl_file_error(err, file->fd, "write", path);
        goto fail;
    }
    if (fchmod(file->fd, mode) < 0) {
        ret = fl_file_error(err, -errno, "write", path);
        goto fail;
    }
    *result = file;
    return 0;

fail:
    fl_atomic_file_abort(file);
    return ret;
}

int fl_atomic_file_stdout(struct fl_atomic_file **result, struct fl_error *err)
{
    struct fl_atomic_file *file = allocate("standard output");

    if (!file)
        return fl_error_set(err, -ENOMEM, "cannot write standard output: not enough memory");
    file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (file->fd < 0) {
        int ret = fl_file_error(err, -errno, "write", file->path);

        fl_atomic_file_abort(file);
        return ret;
    }
    *result = file;
    return 0;
}

/* Give the file without a name one, so that it can be renamed: link(2) never replaces a file. */
static int name_temporary(struct fl_atomic_file *file)
{
    char proc[64];

    if (file->temporary)
        return 0;
    file->temporary = temporary_name(file->name);
    if (!file->temporary)
        return -ENOMEM;
    unlinkat(file->dir_fd, file->temporary, 0);
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", file->fd);
    if (!linkat(AT_FDCWD, proc, file->dir_fd, file->temporary, AT_SYMLINK_FOLLOW) ||
        !linkat(file->fd, "", file->dir_fd, file->temporary, AT_EMPTY_PATH))
        return 0;
    free(file->temporary);
    file->temporary = NULL;
    return -errno;
}

/* Some file systems cannot sync a folder: then their rename has to do. */
static int sync_folder(int dir_fd)
{
    if (!fsync(dir_fd) || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
        return 0;
    return -errno;
}

static int commit(struct fl_atomic_file *file)
{
    int ret = flush_buffer(file);

    if (ret || file->dir_fd < 0)
        return ret;
    if (!file->is_passing && fsync(file->fd) < 0)
        return -errno;
    ret = name_temporary(file);
    if (ret)
        return ret;
    if (renameat(file->dir_fd, file->temporary, file->dir_fd, file->name) < 0)
        return -errno;
    free(file->temporary);
    file->temporary = NULL;
    return file->is_passing ? 0 : sync_folder(file->dir_fd);
}

void fl_atomic_file_set_passing(struct fl_atomic_file *file)
{
    file->is_passing = true;
}

int fl_atomic_file_commit(struct fl_atomic_file *file, struct fl_error *err)
{
    int ret = commit(file);

    if (ret)
        fl_file_error(err, ret, "write", file->path);
    fl_atomic_file_abort(file);
    return ret;
}

void fl_atomic_file_abort(struct fl_atomic_file *file)
{
    if (!file)
        return;
    if (file->temporary)
        unlinkat(file->dir_fd, file->temporary, 0);
    if (file->fd >= 0)
        close(file->fd);
    if (file->dir_fd >= 0)
        close(file->dir_fd);
    free(file->temporary);
    free(file->path);
    free(file);
}

int fl_atomic_file_put(const char *path, mode_t mode, const void *bytes, size_t n_bytes,
                       struct fl_error *err)
{
    struct fl_atomic_file *file;
    int ret = fl_atomic_file_create(path, mode, &file, err);

    if (ret)
        return ret;
    fl_atomic_file_write(file, bytes, n_bytes);
    return fl_atomic_file_commit(file, err);
}

/* One folder, whose parent exists. */
static int make_one(const char *path, mode_t mode, struct fl_error *err)
{
    struct stat status;

    if (!mkdir(path, mode & 0700)) /* narrow until chmod() has set what is asked for */
        return chmod(path, mode) < 0 ? fl_file_error(err, -errno, "make the folder", path) : 0;
    if (errno != EEXIST)
        return fl_file_error(err, -errno, "make the folder", path);
    if (stat(path, &status) < 0)
        return fl_file_error(err, -errno, "use the folder", path);
    return S_ISDIR(status.st_mode) ? 0 : fl_file_error(err, -ENOTDIR, "use the folder", path);
}

int fl_make_folder(const char *path, mode_t mode, struct fl_error *err)
{
    _cleanup_free char *part = strdup(path);
    struct stat status;
    int ret = 0;

    if (!part)
        return fl_error_set(err, -ENOMEM, "cannot make the folder %s: not enough memory", path);
    if (!stat(path, &status) && S_ISDIR(status.st_mode))
        return 0;
    for (char *slash = part + 1; *part && !ret && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (stat(part, &status) < 0)
            ret = make_one(part, 0755, err);
    }
    return ret ? ret : make_one(path, mode, err);
}
