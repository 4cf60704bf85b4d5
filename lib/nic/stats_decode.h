/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_STATS_DECODE_H
#define FLOWLIFT_NIC_STATS_DECODE_H

/*
 * The messages that answer RTM_GETSTATS: one a network device, then NLMSG_DONE or an error. Pure, so
 * that it runs on recorded bytes too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/screen.h"

struct fl_stats_answer {
    struct fl_port_sample
        *sample;       /* Appended to, in the kernel's order; borrowed. NULL: counted only. */
    uint32_t sequence; /* Of the request; answers to others are left out. */
    bool done;         /* The last message was seen. */
    bool interrupted;  /* The list of devices changed meanwhile: what came is not whole. */
    int error;         /* Negative errno that the kernel answered with, or 0. */
};

/**
 * fl_stats_decode() - take the messages of one received buffer
 * @bytes: aligned to 4
 * Return: 0, -EPROTO for a message that is no such answer or is cut short, -E2BIG above
 * FL_LIMIT_PORTS.
 */
int fl_stats_decode(struct fl_stats_answer *answer, const void *bytes, size_t n_bytes);

/** fl_stats_sort() - by ifindex, each once; those without link counters are dropped */
void fl_stats_sort(struct fl_port_sample *sample);

#endif
