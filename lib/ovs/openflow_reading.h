/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_OPENFLOW_READING_H
#define FLOWLIFT_OVS_OPENFLOW_READING_H

/*
 * A reading: what all flows and groups of a bridge come to, listed once. They go by one at a time and none is
 * kept: to list those of a busy bridge keeps the main thread of ovs-vswitchd for as long as it takes.
 *
 *     fl_openflow_read(of, &headers, ports, n_ports, &reading, err);
 *     fl_openflow_free_reg_bit(&reading, &bit, err);
 *     fl_openflow_tests_of(&reading, ports[0]);
 *     fl_openflow_reading_release(&reading);
 */

#include <openvswitch/hmap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ovs/openflow.h"

#define FL_OPENFLOW_MAX_TESTS 20000u
/* Different tests of some bits. More than FL_OPENFLOW_MAX_TESTS: there are others that are not here. */
struct fl_openflow_tests {
    struct hmap by_hash; /* struct fl_openflow_test */
};
struct fl_openflow_test {
    struct hmap_node node;  /* in fl_openflow_tests.by_hash */
    struct minimatch match; /* Nothing but these bits. */
};

/* Bits of packets and metadata that flows and groups use; 1-bits are. */
struct fl_openflow_usage {
    struct flow matched;   /* By flows, rules of flowlift apart. */
    struct flow read;      /* By actions and groups. */
    struct flow guards;    /* By rules of flowlift. */
    struct flow written;   /* By actions that name what they write. */
    struct flow rewritten; /* Headers and in_port that any action may change, named or not. */
    bool returns;          /* An action may take a packet to table 0 again. */
    bool moves_port;       /* An action may change in_port. */
};

struct fl_openflow_port_tests;

struct fl_openflow_reading {
    char *bridge;
    /*
     * Flows, flowlift's apart, and groups as one number: the same when nothing changed, in whatever order
     * the switch lists them. Counters do not count.
     */
    uint64_t fingerprint;
    struct fl_openflow_usage usage;
    struct fl_openflow_tests tests; /* See fl_openflow_tests_of(). */
    struct fl_openflow_port_tests *ports;
    size_t n_ports;
};

/**
 * fl_openflow_read() - list all flows and all groups of the bridge, each once
 * @headers: bits whose tests are collected, or NULL
 * @ports: @n_ports different ones by which packets come in that will be asked about
 * @reading: fl_openflow_reading_release() it, and do not move it meanwhile; nothing to release on errors
 */
int fl_openflow_read(struct fl_openflow *of, const struct flow *headers, const ofp_port_t *ports,
                     size_t n_ports, struct fl_openflow_reading *reading, struct fl_error *err);
void fl_openflow_reading_release(struct fl_openflow_reading *reading);

/**
 * fl_openflow_tests_of() - how flows that packets of a port may meet test the headers; borrowed
 * @in_port: of one that was not given to fl_openflow_read(), those of all flows
 */
const struct fl_openflow_tests *fl_openflow_tests_of(const struct fl_openflow_reading *reading,
                                                     ofp_port_t in_port);

/**
 * fl_openflow_free_reg_bit() - a register bit whose value means nothing to any flow or group of the bridge
 * @bit: filled: register number and mask, from the highest register down; one that nobody writes either
 *       where there is one, else one that is only written, if no packet comes back to table 0 with it.
 *       What it holds before stays if it is such a bit, rules of flowlift apart; mask 0: nothing
 * Return: 0, or -ENOSPC when every bit is in use.
 */
struct fl_reg_bit {
    unsigned int reg;
    uint32_t mask;
};
int fl_openflow_free_reg_bit(const struct fl_openflow_reading *reading, struct fl_reg_bit *bit,
                             struct fl_error *err);

#endif
