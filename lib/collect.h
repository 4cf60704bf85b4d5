/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_COLLECT_H
#define FLOWLIFT_COLLECT_H

/*
 * A snapshot of a host: inventory from OVSDB, flows twice, a window apart, from the kernel or from
 * ovs-vswitchd; or of files: captures and raw dumps. Everything right of the snapshot is the same for both.
 */

#include "flows/error.h"
#include "flows/snapshot.h"
#include "lib/base/config.h"

/* Who is asked for the flows. */
enum fl_via {
    FL_VIA_AUTO,   /* the kernel where its datapath is used, else ovs-vswitchd */
    FL_VIA_OVS,    /* ovs-vswitchd, whose main thread has to answer */
    FL_VIA_KERNEL, /* netlink; ovs-vswitchd is not disturbed */
};

/* Where OVS is. All borrowed; NULL for OVS's own defaults (OVS_RUNDIR, OVS_DBDIR). */
struct fl_host {
    const char *db;     /* --db */
    const char *target; /* unixctl socket of ovs-vswitchd */
    int timeout_ms;     /* for each command; 0: 15 s */
    enum fl_via via;
};

/** fl_host_timeout_ms() - longest wait for each answer of OVS */
static inline int fl_host_timeout_ms(const struct fl_host *host)
{
    return host->timeout_ms ? host->timeout_ms : 15000;
}

struct fl_collect_options {
    const struct fl_config *config;
    int64_t window_ms; /* 0: one dump, lifetime counters */
    enum fl_snapshot_keep keep;
    unsigned int decode_flags;                     /* enum fl_decode_flags */
    void (*progress)(const char *what, void *aux); /* or NULL */
    void *progress_aux;
};

/**
 * fl_collect_host() - read a live host
 * Return: 0 and *@snapshot owned by the caller. What could not be read wholly makes the snapshot
 * incomplete; only when nothing useful could be read is it a negative errno with @err.
 */
int fl_collect_host(const struct fl_host *host, const struct fl_collect_options *options,
                    struct fl_snapshot **snapshot, struct fl_error *err);

/**
 * fl_collect_files() - read what "--from" names, told apart by content
 * @paths: one capture; or one raw dump (lifetime counters); or two raw dumps, earlier first, whose
 *         difference is the window. "-" is standard input.
 * Return: as fl_collect_host(); -EINVAL for a file that is none of these, naming it.
 */
int fl_collect_files(const char *const *paths, size_t n_paths,
                     const struct fl_collect_options *options, struct fl_snapshot **snapshot,
                     struct fl_error *err);

/**
 * fl_collect_next_file() - read one of several files that show a host one moment after the other
 * @before: of the file before, or NULL. When @path has one dump, its window begins with the last of @before,
 *          which remembers it no more then; of a capture that has both readings it begins with its own.
 * Return: as fl_collect_files(). The snapshot remembers its last dump.
 */
int fl_collect_next_file(const char *path, struct fl_snapshot *before,
                         const struct fl_collect_options *options, struct fl_snapshot **snapshot,
                         struct fl_error *err);

/**
 * fl_collect_capture() - write a capture of the live host to @path ("-": standard output), streaming
 * Written to a temporary file first; on error nothing is left at @path that was not there before.
 * @n_flows: filled with the flows written, may be NULL
 */
int fl_collect_capture(const struct fl_host *host, const struct fl_collect_options *options,
                       const char *path, uint64_t *n_flows, struct fl_error *err);

#endif
