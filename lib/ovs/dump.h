/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_DUMP_H
#define FLOWLIFT_OVS_DUMP_H

/*
 * Reads datapath flows and connections through ovs-vswitchd.
 */

#include "flows/connection.h"
#include "flows/decode.h"
#include "flows/error.h"
#include "flows/inventory.h"
#include "lib/ovs/ctl.h"

struct fl_dump_options {
    const char *filter; /* dpctl's filter=, or NULL for all flows */
    int pause_ms;       /* Left after each command; gives the main thread air. */
};

/**
 * fl_dump_flows() - stream "dpctl/dump-flows -m" text of every datapath in use
 * @inv: which datapaths there are; borrowed
 * @sink: gets the text; to be fed to a decoder or a capture
 * Return: 0, or negative errno: what was handed over before is then not all there is. -ENODEV: a bridge's
 * datapath is not there, all others were read; -EAGAIN: PMD threads came or went meanwhile; or what
 * @sink returned.
 */
int fl_dump_flows(struct fl_ctl *ctl, const struct fl_inventory *inv,
                  const struct fl_dump_options *options, fl_ctl_sink *sink, void *aux,
                  struct fl_error *err);

/**
 * fl_dump_connections() - conntrack entries of one zone
 * @max: stop after so many (-E2BIG, with those read so far returned)
 * Return: 0 and *@conns (owned by the caller, free()), *@n.
 */
int fl_dump_connections(struct fl_ctl *ctl, uint16_t zone, size_t max, struct fl_connection **conns,
                        size_t *n, struct fl_error *err);

/** fl_forget_connection() - delete one conntrack entry; that it is gone already is no error */
int fl_forget_connection(struct fl_ctl *ctl, const struct fl_connection *connection,
                         struct fl_error *err);

#endif
