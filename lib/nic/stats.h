/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_STATS_H
#define FLOWLIFT_NIC_STATS_H

/*
 * Counters of all ports in one dump (RTM_GETSTATS through libmnl), all packets and those that the NIC
 * handed to software apart: what stage one of the audit is made from. Cheap enough for a timer.
 *
 *     ret = fl_stats_open(&stats, err);
 *     ret = ret ? ret : fl_stats_read(stats, lag, &before, err);
 *     ... the window ...
 *     ret = ret ? ret : fl_stats_read(stats, lag, &after, err);
 *     fl_stats_close(stats);
 */

#include <stdbool.h>

#include "flows/error.h"
#include "flows/screen.h"

struct fl_stats;

/* What a driver needs to look at its hardware once it was asked, in milliseconds. */
#define FL_STATS_PRIME_MS 200

/** fl_stats_open() - a socket and its buffer, for any number of reads. Return: 0, or -errno. */
int fl_stats_open(struct fl_stats **stats, struct fl_error *err);
void fl_stats_close(struct fl_stats *stats); /* NULL is allowed */

/**
 * fl_stats_read() - one sample of all ports of this network namespace
 * @lag: a driver here answers with counters of a while ago (fl_nic_counters_lag()): ask once, wait
 *       FL_STATS_PRIME_MS, and ask again
 * @sample: zeroed or filled before; its room is used again, see fl_stats_release()
 * Return: 0; -EAGAIN when the list of devices changed each time it was read, -EOPNOTSUPP for a kernel
 * before 4.7, -ETIMEDOUT, -E2BIG above FL_LIMIT_PORTS, -EPROTO. @sample is empty on error.
 */
int fl_stats_read(struct fl_stats *stats, bool lag, struct fl_port_sample *sample,
                  struct fl_error *err);
/** fl_stats_release() - free what fl_stats_read() put into @sample */
void fl_stats_release(struct fl_port_sample *sample);

#endif
