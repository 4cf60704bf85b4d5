/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_H
#define FLOWLIFT_DPDK_PLUGIN_H

/*
 * Asks the NIC through librte_flowlift.so in ovs-vswitchd (docs/dpdk-plugin.md): which rules it holds, and
 * whether it would take one.
 *
 *     fl_plugin_open(dpdk_extra, NULL, 5000, &telemetry, err);
 *     fl_plugin_validate(telemetry, port, rule, &answer, err);
 *
 * All calls return 0, or negative errno with a sentence in @err: what fl_telemetry_ask() returns;
 * -ENODEV: no such port; -EOPNOTSUPP: the driver does not do this; -EBUSY: others kept the plug-in busy for
 * FL_PLUGIN_BUSY_MS. Whatever is not a reply of this plug-in to this request is -EPROTO.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "lib/dpdk/telemetry.h"

#define FL_PLUGIN_BUSY_MS    10000
#define FL_PLUGIN_TEXT_BYTES 128

struct fl_plugin_version {
    char plugin[FL_PLUGIN_TEXT_BYTES];
    char dpdk[FL_PLUGIN_TEXT_BYTES];
    char built_for[FL_PLUGIN_TEXT_BYTES];
};

/**
 * fl_plugin_check() - is the plug-in there, and does it speak as we do?
 * Return: 0; -ENOENT: ovs-vswitchd has none, the sentence says how to load it; -EPROTO: of another flowlift.
 */
int fl_plugin_check(struct fl_telemetry *telemetry, struct fl_plugin_version *version,
                    struct fl_error *err);

/**
 * fl_plugin_open() - connect to the telemetry of ovs-vswitchd, and check that the plug-in is there
 * @dpdk_extra: Open_vSwitch.other_config:dpdk-extra, or NULL
 * @target: control socket of ovs-vswitchd, or NULL for that of its pid file
 * Return: 0 and *@telemetry, for fl_telemetry_close(); else it is NULL.
 */
int fl_plugin_open(const char *dpdk_extra, const char *target, int timeout_ms,
                   struct fl_telemetry **telemetry, struct fl_error *err);

struct fl_plugin_port {
    uint16_t
        id; /* DPDK's, in OVSDB Interface.status:port_no; neither a datapath's nor OpenFlow's. */
    char name
        [FL_PLUGIN_TEXT_BYTES]; /* options:dpdk-devargs begins with it, or names its PCI device */
    char driver[FL_PLUGIN_TEXT_BYTES];
    char switch_name[FL_PLUGIN_TEXT_BYTES];
    int switch_domain; /* Ports that are behind one NIC have the same; -1: none */
    int switch_port;
    int n_rx_queues;
    bool is_representor;
    bool has_flow_api;
};

/** fl_plugin_ports() - the ports that are started. Return: 0 and *@ports (free()), *@n */
int fl_plugin_ports(struct fl_telemetry *telemetry, struct fl_plugin_port **ports, size_t *n,
                    struct fl_error *err);

/** struct fl_plugin_listing - how much a driver wrote about the rules of a port */
struct fl_plugin_listing {
    uint64_t lines; /* One a rule with some drivers (cnxk), several with others (mlx5). */
    uint64_t bytes;
    uint64_t took_us; /* How long the driver wrote. */
    bool is_complete; /* All lines were handed over; fl_plugin_rules() only. */
};

/* A line of the driver's, not ended by a newline, printable ASCII and tabs. Non-zero stops. */
typedef int fl_plugin_line_sink(const char *line, void *aux);

/**
 * fl_plugin_rules() - what the driver writes about a port's rules, line by line
 *
 * @at_own_risk: the operator wants it from a driver that reads lists without their locks meanwhile (mlx5), which
 * may crash ovs-vswitchd; else -EPERM. Never by default, and never on a timer.
 *
 * Opaque text, the driver's own, and of one moment; 8 MiB at most (@listing says if there was more). While the
 * driver writes, OVS may have to wait for it to insert rules and to read counters.
 * -EAGAIN: we were too slow, and another client's listing took the place of ours.
 */
int fl_plugin_rules(struct fl_telemetry *telemetry, uint16_t port, bool at_own_risk,
                    fl_plugin_line_sink *sink, void *aux, struct fl_plugin_listing *listing,
                    struct fl_error *err);

/** fl_plugin_count() - how much that would be; the driver writes it all the same */
int fl_plugin_count(struct fl_telemetry *telemetry, uint16_t port, bool at_own_risk,
                    struct fl_plugin_listing *listing, struct fl_error *err);

enum fl_plugin_verdict {
    FL_PLUGIN_ACCEPTED, /* The driver would take it. Few drivers look whether there is room. */
    FL_PLUGIN_REFUSED,
    FL_PLUGIN_UNKNOWN, /* Cannot tell: no port, no flow API, no such function in the driver. */
};

struct fl_plugin_answer {
    enum fl_plugin_verdict verdict;
    int code;                        /* Positive errno of the driver, 0: accepted. */
    int type;                        /* DPDK's enum rte_flow_error_type. */
    char text[FL_PLUGIN_TEXT_BYTES]; /* The driver's own words, as OVS logs them; may be empty. */
};

/**
 * fl_plugin_validate() - would the NIC take this rule?
 * @rule: docs/dpdk-plugin.md; -EINVAL if the plug-in does not understand it, with what is wrong
 */
int fl_plugin_validate(struct fl_telemetry *telemetry, uint16_t port, const char *rule,
                       struct fl_plugin_answer *answer, struct fl_error *err);

/** fl_plugin_type_name() - what a refusal is about: "item", "action", "attr.transfer", ...; constant */
const char *fl_plugin_type_name(int type);

/* ---- What the plug-in replies; pure ---- */

enum fl_plugin_status {
    FL_PLUGIN_OK,
    FL_PLUGIN_BUSY, /* @retry_ms */
    FL_PLUGIN_GONE,
    FL_PLUGIN_DECLINED,  /* @code, @text */
    FL_PLUGIN_MALFORMED, /* @text: our request, it says */
};

/** struct fl_plugin_page - one reply to /flowlift/rules */
struct fl_plugin_page {
    enum fl_plugin_status status;
    uint32_t retry_ms;
    int code;
    char text[FL_PLUGIN_TEXT_BYTES];
    uint32_t port, snapshot;
    uint64_t offset, next, stored;
    struct fl_plugin_listing listing;
    const char *lines; /* In the reply; @next - @offset bytes. */
};

/** fl_plugin_decode_page() - @reply: of fl_telemetry_ask(), borrowed as long as @page. Return: 0 or -EPROTO */
int fl_plugin_decode_page(const json_t *reply, struct fl_plugin_page *page, struct fl_error *err);
/** fl_plugin_decode_port() - of /flowlift/port. Return: 0, -ENODEV, -EAGAIN (as below), -EPROTO */
int fl_plugin_decode_port(const json_t *reply, struct fl_plugin_port *port, struct fl_error *err);
/** fl_plugin_decode_count() - of /flowlift/count; fills @page as if it were one without lines */
int fl_plugin_decode_count(const json_t *reply, struct fl_plugin_page *page, struct fl_error *err);
/**
 * fl_plugin_decode_answer() - of /flowlift/validate
 * @check: fl_plugin_check_of() what was asked
 * Return: 0; -EINVAL: the rule is malformed; -EAGAIN: an answer to another request; -EPROTO
 */
int fl_plugin_decode_answer(const json_t *reply, uint32_t check, struct fl_plugin_answer *answer,
                            struct fl_error *err);
/** fl_plugin_check_of() - what the plug-in repeats of a request's parameters: FNV-1a */
uint32_t fl_plugin_check_of(const char *params);

#endif
