/* SPDX-License-Identifier: Apache-2.0 */

/* The writer's side. It is called from hooks that must not wait: no lock, no sync, no log. */

#include "lib/store/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/base/config.h"
#include "lib/base/descriptors.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"
#include "lib/store/spool_internal.h"

int64_t fl_spool_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int fl_spool_open_folder(const char *path, struct fl_error *err)
{
    _cleanup_free char *copy = strdup(path);
    int ret, fd;

    /* The one above is not anybody's to read, either. */
    ret = copy ? fl_make_folder(dirname(copy), 0750, err)
               : fl_error_set(err, -ENOMEM, "not enough memory");
    ret = ret ? ret : fl_make_folder(path, 0750, err);
    if (ret)
        return ret;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? fl_file_error(err, -errno, "use the folder", path) : fd;
}

/* With mode 0640 whatever the umask, which seldom needs a call of its own. */
static int fill_file(int fd, const char *bytes, size_t n_bytes)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if ((status.st_mode & 07777) != 0640 && fchmod(fd, 0640) < 0)
        return -errno;
    return fl_write_all(fd, bytes, n_bytes);
}

/* A file that is there wholly or not at all, in place of one of that name. */
static int put_file(int dir_fd, const char *name, const char *hidden_name, const char *bytes,
                    size_t n_bytes)
{
    int fd = openat(dir_fd, hidden_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0640);
    int ret;

    if (fd < 0)
        return -errno;
    ret = fill_file(fd, bytes, n_bytes);
    close(fd);
    if (!ret && renameat(dir_fd, hidden_name, dir_fd, name) < 0)
        ret = -errno;
    if (ret)
        unlinkat(dir_fd, hidden_name, 0);
    return ret;
}

/* Whether as many files wait as may. Files that are being written count as well, and "overflow". */
static bool is_full(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t n = 0;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return false; /* the writing will say what is wrong */
    }
    while (n < FL_LIMIT_SPOOLED_EVENTS + 2 && readdir(dir))
        n++;
    closedir(dir);
    return n >= FL_LIMIT_SPOOLED_EVENTS + 2; /* "." and ".." */
}

/* Some file systems have no size, and do not run full. */
static bool is_crowded(int dir_fd)
{
    struct statvfs fs;

    return !fstatvfs(dir_fd, &fs) && fs.f_blocks && fs.f_bavail < fs.f_blocks / 8;
}

static int put_event(int dir_fd, const char *path, const struct fl_spool_name *name,
                     const struct fl_event *event, struct fl_error *err)
{
    _cleanup_json json_t *json = fl_event_to_json(event);
    _cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    int ret;

    if (!text)
        return fl_error_set(err, -ENOMEM, "cannot write %s: not enough memory", path);
    if (is_full(dir_fd))
        return fl_error_set(err, -ENOSPC, "%s holds %u events that nobody took", path,
                            FL_LIMIT_SPOOLED_EVENTS);
    if (is_crowded(dir_fd))
        return fl_error_set(err, -ENOSPC, "the file system of %s is nearly full", path);
    ret = put_file(dir_fd, name->text + 1, name->text, text, strlen(text));
    return ret ? fl_file_error(err, ret, "write an event into", path) : 0;
}

/* Tell the reader to look at everything. Return: 1, or the negative errno of what it could not be told. */
static int put_overflow(int dir_fd, const struct fl_spool_name *name)
{
    int ret = put_file(dir_fd, FL_SPOOL_OVERFLOW, name->text, "", 0);

    if (ret && !futimens(dir_fd, NULL))
        ret = 0;
    return ret ? ret : 1;
}

int fl_spool_put(const char *root, int64_t since_boot_ns, const struct fl_event *event,
                 struct fl_error *err)
{
    static unsigned int counter;
    _cleanup_free char *path = fl_path_events(root);
    int dir_fd = fl_spool_open_folder(path, err), ret;
    struct fl_spool_name name;

    if (dir_fd < 0)
        return dir_fd;
    snprintf(name.text, sizeof name.text, ".%020" PRId64 "-%010u-%06u", since_boot_ns,
             (unsigned int)getpid(), counter++ % 1000000);
    ret = put_event(dir_fd, path, &name, event, err);
    if (ret)
        ret = put_overflow(dir_fd, &name);
    close(dir_fd);
    return ret;
}
