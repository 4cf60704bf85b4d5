/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"

/* One that was told to exit, and answered, is there for a moment more. */
#define WAIT_MS 1000
#define POLL_MS 20

/* Return: the process that wrote its number into the lock, or 0. */
static long holder(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

static int refuse(int fd, const char *path, const char *root, struct fl_error *err)
{
    return fl_error_set(err, -EAGAIN,
                        "another flowlift-agent runs already for %s (process %ld, which holds %s); "
                        "there can be one",
                        *root ? root : "this host", holder(fd), path);
}

int fl_instance_take(const char *root, int *fdp, struct fl_error *err)
{
    _cleanup_free char *folder = fl_path_rundir(root);
    _cleanup_free char *path = fl_path_agent_lock(root);
    int fd, error = fl_make_folder(folder, 0750, err);
    int64_t deadline_ms;

    if (error) {
        return error;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return fl_file_error(err, -errno, "open", path);
    }
    deadline_ms = fl_monotonic_ms() + WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR || (errno == EWOULDBLOCK && fl_monotonic_ms() < deadline_ms)) {
            fl_sleep_until_ms(fl_monotonic_ms() + POLL_MS);
            continue;
        }
        error = errno == EWOULDBLOCK ? refuse(fd, path, root, err)
                                     : fl_file_error(err, -errno, "lock", path);
        close(fd);
        return error;
    }
    fl_instance_sign(fd);
    *fdp = fd;
    return 0;
}

void fl_instance_sign(int fd)
{
    /* Only for the other one's sentence: with a full disk it says less. */
    if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        return;
    }
}
