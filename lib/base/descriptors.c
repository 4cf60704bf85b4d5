/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int fl_write_all(int fd, const void *bytes, size_t n_bytes)
{
    const char *next = bytes;

    while (n_bytes) {
        ssize_t n = write(fd, next, n_bytes);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        next += n;
        n_bytes -= (size_t)n;
    }
    return 0;
}

void fl_hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        }
    }
}
