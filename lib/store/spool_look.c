/* SPDX-License-Identifier: Apache-2.0 */

/* What waits in the spool, for who only wants to know. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/base/config.h"
#include "lib/base/small_file.h"
#include "lib/store/spool.h"
#include "lib/store/spool_internal.h"

/* As many as can wait, and then some: in a folder of others' making there may be any number. */
#define NAMES_MOST (2 * FL_LIMIT_SPOOLED_EVENTS)

static int count(DIR *dir, struct fl_spool_view *view)
{
    const struct dirent *entry;

    for (size_t n = 0; n < NAMES_MOST && (errno = 0, entry = readdir(dir)); n++) {
        if (!strcmp(entry->d_name, FL_SPOOL_OVERFLOW))
            view->overflow = true;
        else if (entry->d_name[0] != '.')
            view->n_waiting++;
    }
    return -errno;
}

int fl_spool_look(const char *root, struct fl_spool_view *result, struct fl_error *err)
{
    _cleanup_free char *path = fl_path_events(root);
    struct fl_spool_view view = { 0 };
    struct stat status;
    DIR *dir = NULL;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int ret = fd < 0 || fstat(fd, &status) < 0 ? -errno : 0;

    if (ret == -ENOENT)
        return ret;
    if (!ret) {
        dir = fdopendir(fd);
        ret = dir ? count(dir, &view) : -errno;
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    if (ret)
        return fl_file_error(err, ret, "read", path);
    view.owner = status.st_uid;
    view.mode = status.st_mode & 07777;
    *result = view;
    return 0;
}
