/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/log_offload.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ovs/dirs.h>
#include <ovs/util.h>

#include "flows/cleanup.h"

/* Newest part of the log that is looked at, in bytes. */
#define TAIL_BYTES (4 * 1024 * 1024)

/*
 * Open vSwitch 3.1: lib/vlog.c, lib/netdev-offload.c, lib/tc.c, lib/netdev-offload-tc.c. Messages are
 * numbered from the start (each thread for itself, and a log opened anew goes on); "ovs-vswitchd (Open vSwitch) 3.1.0" comes after that of the flow API.
 */
#define STARTED   "Z|00001|vlog|INFO|opened log file"
#define ENABLED   "netdev: Flow API Enabled"
#define POLICY    "tc: Using policy '"
#define NO_RECIRC "recirc_id sharing not supported"
#define NO_SPACE  "No space left on device"

static void take_line(const char *line, size_t n, struct fl_log_offload *facts)
{
    const char *policy = memmem(line, n, POLICY, strlen(POLICY));

    if (memmem(line, n, STARTED, strlen(STARTED)))
        *facts = (struct fl_log_offload){ .seen_start = true };
    facts->flow_api |= memmem(line, n, ENABLED, strlen(ENABLED)) != NULL;
    facts->recirc_refused |= memmem(line, n, NO_RECIRC, strlen(NO_RECIRC)) != NULL;
    facts->no_space += memmem(line, n, NO_SPACE, strlen(NO_SPACE)) != NULL;
    if (policy) {
        size_t length;

        policy += strlen(POLICY);
        length = strcspn(policy, "'\n");
        ovs_strlcpy(facts->tc_policy, policy, MIN(length + 1, sizeof facts->tc_policy));
    }
}

void fl_log_offload_parse(const char *text, struct fl_log_offload *facts)
{
    *facts = (struct fl_log_offload){ .seen_start = false };
    while (*text) {
        size_t n = strcspn(text, "\n");

        take_line(text, n, facts);
        text += n + (text[n] == '\n');
    }
}

void fl_log_offload_read(struct fl_log_offload *facts)
{
    _cleanup_free char *path = xasprintf("%s/ovs-vswitchd.log", ovs_logdir());
    _cleanup_free char *tail = xmalloc(TAIL_BYTES + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    struct stat s;

    if (fd >= 0 && !fstat(fd, &s))
        n = pread(fd, tail, TAIL_BYTES, MAX(s.st_size - TAIL_BYTES, 0));
    if (fd >= 0)
        close(fd);
    tail[MAX(n, 0)] = '\0';
    fl_log_offload_parse(tail, facts);
}
