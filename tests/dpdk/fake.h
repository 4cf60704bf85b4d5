/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_DPDK_FAKE_H
#define FLOWLIFT_TESTS_DPDK_FAKE_H

/*
 * What the plug-in takes of DPDK, made up: so that all of the plug-in runs in a unit test and under a fuzzer,
 * with sanitizers, which it cannot within ovs-vswitchd. Requests come in and replies go out as in DPDK 22.11,
 * whose limits abort() here. The real thing is tests/integration/plugin.py.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/dpdk/plugin/dpdk.h"

#define FAKE_PORTS 3 /* 0 and 1 are there, 2 has no flow API; 7 is one that fails */

struct fake_dpdk {
    const char *driver; /* NULL: net_fake */
    bool is_stopped;    /* All ports are. */
    /* What the driver writes of its rules. */
    const char *dump;
    size_t n_dump;
    unsigned int dump_ms;
    int dump_error;
    /* What it says of a rule. */
    int validate_error;
    enum rte_flow_error_type error_type;
    const char *error_message;
    void (*on_validate)(const struct rte_flow_attr *attr, const struct rte_flow_item *items,
                        const struct rte_flow_action *actions);
    unsigned int n_dumps, n_validated;
    unsigned int n_commands;
};

extern struct fake_dpdk fake_dpdk;

/**
 * fake_dpdk_ask() - one request, as it comes over the socket
 * @bytes: of the request; need not be ended
 * Return: the reply's text, owned by the caller, NULL for a refusal ("null").
 */
char *fake_dpdk_ask(const void *bytes, size_t n);

/** fake_dpdk_ask_json() - likewise, of a text; what the reply says of the command (new reference) */
json_t *fake_dpdk_ask_json(const char *request);

#endif
