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

/* Newest part of the log that is looked at, in bytes. */
#define TAIL_BYTES (256 * 1024)

/* OVS 3.1: lib/netdev-offload-dpdk.c, lib/dpif-netlink.c, lib/netdev-offload-tc.c. */
static const char *const refusals[] = {
    "rte_flow creation failed",
    "failed to offload flow",
    "recirc_id sharing not supported",
    "couldn't get tc prio",
};

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
    int fd = open(path, O_RDONLY | O_CLOEXEC);
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

/* "2026-...Z|00042|netdev_offload_dpdk(pmd)|WARN|TEXT" -> "TEXT" */
static const char *message_of(const char *line)
{
    const char *text = line;

    for (int i = 0; i < 4; i++) {
        const char *bar = strchr(text, '|');

        if (!bar) {
            return line;
        }
        text = bar + 1;
    }
    return text;
}

static bool is_refusal(const char *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (strstr(line, refusals[i])) {
            return true;
        }
    }
    return false;
}

/*
 * OVS-DPDK offers a flow twice: as a rule that forwards ("transfer"), then as one that only marks. The
 * first refusal is the cause. When it is about an action, OVS logs it at debug level only.
 */
struct refusal {
    const char *last;       /* newest refusal line; borrowed */
    const char *forwarding; /* newest of a rule that forwards; borrowed */
};

static void take_line(struct refusal *refusal, const char *line)
{
    if (is_refusal(line)) {
        refusal->last = line;
    } else if (refusal->last && strstr(line, "Failed flow:") && strstr(line, "transfer ")) {
        refusal->forwarding = refusal->last;
    }
}

static char *refusal_text(const struct refusal *refusal)
{
    if (refusal->forwarding) {
        return xstrdup(message_of(refusal->forwarding));
    }
    if (refusal->last && strstr(refusal->last, "rte_flow")) {
        return xasprintf(
            "%s This is of the second try, a rule that only marks packets; OVS logs why "
            "one that forwards was refused at debug level only (ovs-appctl vlog/set "
            "netdev_offload_dpdk:file:dbg).",
            message_of(refusal->last));
    }
    return refusal->last ? xstrdup(message_of(refusal->last)) : NULL;
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
