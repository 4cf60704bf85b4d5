/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_PROBE_SIBLING_H
#define FLOWLIFT_TC_PROBE_SIBLING_H

/*
 * A process that sends one netlink request when its parent is no more, however that died: it holds one end of a
 * pipe, and the kernel closes the other. For lib/tc/probe.c, and nobody else.
 *
 * A request is carried out within sendmsg(), which SIGKILL does not interrupt half-way: what the parent had sent
 * is done when the pipe closes. The sibling ignores every signal that can be, has a session of its own and keeps
 * nothing open of its parent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "flows/error.h"

struct fl_tc_sibling {
    pid_t pid; /* 0: none */
    int pipe;  /* Ours to close. */
};

/**
 * fl_tc_sibling_start() - from now on @request is sent when this process ends, or stops the sibling
 * @request: a netlink request with NLM_F_ACK; copied
 * @sibling: set on 0
 */
int fl_tc_sibling_start(struct fl_tc_sibling *sibling, const void *request, size_t n_bytes,
                        struct fl_error *err);
/** fl_tc_sibling_lives() - will it still do its work? */
bool fl_tc_sibling_lives(const struct fl_tc_sibling *sibling);
/** fl_tc_sibling_stop() - it sends the request and ends; waits for that */
void fl_tc_sibling_stop(struct fl_tc_sibling *sibling);

#endif
