/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ovs/dirs.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/refusal.h"

/* Newest part of the log that is looked at, in bytes. */
#define TAIL_BYTES (256 * 1024)

static char *log_path(void)
{
    return xasprintf("%s/ovs-vswitchd.log", ovs_logdir());
}

int64_t fl_log_mark(void)
{
    _cleanup_free char *path = log_path();
    struct stat s;

    return stat(path, &s) ? 0 : s.st_size;
}

char *fl_log_tail(int64_t mark, size_t most)
{
    _cleanup_free char *path = log_path();
    char *tail = xmalloc(most + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;
    struct stat s;

    if (fd >= 0 && !fstat(fd, &s)) {
        n = pread(fd, tail, most, MAX(s.st_size < mark ? 0 : mark, s.st_size - (off_t)most));
    }
    if (fd >= 0) {
        close(fd);
    }
    tail[MAX(n, 0)] = '\0';
    return tail;
}

/*
 * OVS-DPDK offers a flow twice: as a rule that forwards ("transfer"), then as one that only marks. The
 * first refusal is the cause. When it is about an action, OVS logs it at debug level only.
 */
struct refusal {
    const char *last;       /* newest message of a refusal; borrowed */
    const char *forwarding; /* newest of a rule that forwards; borrowed */
};

static void take_line(struct refusal *refusal, const char *line)
{
    const char *message = fl_refusal_message(line);

    if (message) {
        refusal->last = message;
    } else if (refusal->last && strstr(line, "Failed flow:") && strstr(line, "transfer ")) {
        refusal->forwarding = refusal->last;
    }
}

static char *refusal_text(const struct refusal *refusal)
{
    if (refusal->forwarding) {
        return xstrdup(refusal->forwarding);
    }
    if (refusal->last && strstr(refusal->last, "rte_flow")) {
        return xasprintf(
            "%s This is of the second try, a rule that only marks packets; OVS logs why "
            "one that forwards was refused at debug level only (ovs-appctl vlog/set "
            "netdev_offload_dpdk:file:dbg).",
            refusal->last);
    }
    return nullable_xstrdup(refusal->last);
}

char *fl_log_refusal(int64_t mark)
{
    _cleanup_free char *tail = fl_log_tail(mark, TAIL_BYTES);
    struct refusal refusal = { .last = NULL };
    char *save = NULL;

    for (char *line = strtok_r(tail, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        take_line(&refusal, line);
    }
    return refusal_text(&refusal);
}
