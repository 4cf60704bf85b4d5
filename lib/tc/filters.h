/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_FILTERS_H
#define FLOWLIFT_TC_FILTERS_H

/*
 * Reads the flower filters of the kernel (rtnetlink, through libmnl), without ovs-vswitchd.
 *
 * A dump is a stream: 100,000 filters take no more memory than one. It lists links (names), qdiscs
 * (which devices have ingress, clsact, shared blocks), then the filters of each place: a device's
 * ingress or egress, or a block that devices share, which is read once.
 *
 * A place whose dump the kernel marks as interrupted, or whose messages did not fit into the socket
 * buffer, is read again, up to 3 times, if the caller can forget what it was given of it: @begin tells
 * it to. Without @begin, or after the last try, the rest is read all the same, and -EAGAIN is returned
 * in the end: some filters may be missing or have come twice. A device that vanishes meanwhile is no
 * error.
 */

#include "flows/error.h"
#include "flows/tc_filter.h"

/* Where filters are attached. */
struct fl_tc_place {
    const char *dev;      /* NULL for a block that no bond stands for. */
    const char *dev_kind; /* "geneve", "bond", ...; NULL for devices without a kind. */
    int ifindex;
    enum fl_tc_hook hook;
    uint32_t block;         /* Index of FL_TC_BLOCK. */
    uint32_t block_members; /* Devices that share it. */
};

struct fl_tc_sink {
    /**
     * @begin: the filters that follow are of @place; NULL when nobody needs to know
     * @attempt: 1, or more: forget what was handed over of this place since it began
     * Return: non-zero stops the dump.
     */
    int (*begin)(const struct fl_tc_place *place, unsigned int attempt, void *aux);
    /** @filter: valid during the call. Return: non-zero stops the dump. */
    int (*filter)(const struct fl_tc_filter *filter, void *aux);
    void *aux;
};

struct fl_tc_dump_options {
    const char *const *devices; /* Only these, and blocks that they are in; NULL for all. */
    size_t n_devices;
    /*
     * Only identity, flags, counters and cookies: the kernel has much less to write. Keys and what
     * actions do are not there. Kernels before 5.8 give all the same.
     */
    bool terse;
};

struct fl_tc_dump_stats {
    uint64_t filters;     /* Flower filters handed over. */
    uint64_t other_kinds; /* matchall, u32, bpf, ... */
    uint64_t
        malformed; /* Messages that could not be decoded: also makes the dump return -EBADMSG. */
    uint64_t interrupted; /* Dumps of a place that were marked so, tried again or not. */
    uint32_t places;      /* Read. */
    uint32_t vanished;    /* Devices that went away meanwhile. */
};

/**
 * fl_tc_dump() - every flower filter of the host
 * @stats: filled in any case; may be NULL
 * Return: 0, or negative errno: what was handed over before is then not all there is. -EAGAIN: see
 * above; -EPERM; -EBADMSG: messages that were no sense; or what @sink returned.
 */
int fl_tc_dump(const struct fl_tc_dump_options *options, const struct fl_tc_sink *sink,
               struct fl_tc_dump_stats *stats, struct fl_error *err);

#endif
