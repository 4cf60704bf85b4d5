/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_TELEMETRY_H
#define FLOWLIFT_DPDK_TELEMETRY_H

/*
 * Client of the telemetry socket that DPDK opens in ovs-vswitchd: one packet is a request, one a reply.
 *
 * Every client is served by a thread of its own there; ovs-vswitchd's main thread has no part in it. It is not
 * known whether a reply answers one's own request: DPDK before 26.07 cuts requests with strtok(), so that two
 * clients at once may get each other's parameters. Who asks must be able to tell from the reply (plugin.h).
 *
 * Source: DPDK 22.11 lib/telemetry/telemetry.c.
 */

#include <jansson.h>
#include <stddef.h>

#include "flows/error.h"

/* What DPDK reads of a request; it is cut off behind. */
#define FL_TELEMETRY_REQUEST_BYTES 1023

struct fl_telemetry;

/**
 * fl_telemetry_open() - connect, and read who answers
 * @path: of the socket
 * @pid: who has to be behind it if that is neither root nor our own user; 0: nobody else
 * @timeout_ms: longest wait for the connection, and for each reply
 * Return: 0 and *@telemetry owned by the caller; negative errno with a sentence in @err: -ENOENT,
 * -ECONNREFUSED, -EACCES, -ESRCH (another user's), -EUSERS (DPDK serves 10 clients at most), -ETIMEDOUT, -EPROTO.
 */
int fl_telemetry_open(const char *path, long pid, int timeout_ms, struct fl_telemetry **telemetry,
                      struct fl_error *err);

/**
 * fl_telemetry_open_ovs() - likewise, to the ovs-vswitchd of this host
 * @dpdk_extra: other_config:dpdk-extra of Open_vSwitch, which may name a --file-prefix; NULL: none
 * @pid: of ovs-vswitchd, so that no other process with the same prefix is asked; 0: whoever answers
 *
 * Looks where DPDK puts the socket: dpdk/PREFIX/dpdk_telemetry.v2, with ":N" behind it if somebody else was
 * first, below /var/run (root), $XDG_RUNTIME_DIR or /tmp (others), or what systemd says.
 */
int fl_telemetry_open_ovs(const char *dpdk_extra, long pid, int timeout_ms,
                          struct fl_telemetry **telemetry, struct fl_error *err);

void fl_telemetry_close(struct fl_telemetry *telemetry); /* NULL is fine */

/** fl_telemetry_version() - "DPDK 22.11.11"; borrowed */
const char *fl_telemetry_version(const struct fl_telemetry *telemetry);
/** fl_telemetry_pid() - the process that answers, as it sees itself */
long fl_telemetry_pid(const struct fl_telemetry *telemetry);
/** fl_telemetry_path() - where it is connected to; borrowed */
const char *fl_telemetry_path(const struct fl_telemetry *telemetry);

/**
 * fl_telemetry_ask() - one request and its reply
 * @request: COMMAND[,PARAMETERS]; -E2BIG if longer than FL_TELEMETRY_REQUEST_BYTES
 * @value: what the reply says of the command; new reference, never JSON's null
 *
 * Return: 0; -ENOENT when DPDK knows no such command, or the command refuses; -ETIMEDOUT, -EPIPE, -EPROTO,
 * -EMSGSIZE, after which the connection is of no use and each further call says -EPIPE.
 */
int fl_telemetry_ask(struct fl_telemetry *telemetry, const char *request, json_t **value,
                     struct fl_error *err);

/* ---- What comes over the socket; pure ---- */

struct fl_telemetry_greeting {
    char version[64];
    long pid;
};

/** fl_telemetry_decode_greeting() - what the server says first. Return: 0 or -EPROTO */
int fl_telemetry_decode_greeting(const char *bytes, size_t n,
                                 struct fl_telemetry_greeting *greeting, struct fl_error *err);
/**
 * fl_telemetry_decode() - a reply
 * @request: what was asked
 * Return: 0 and *@value (new reference); -ENOENT for a refusal; -EPROTO
 */
int fl_telemetry_decode(const char *bytes, size_t n, const char *request, json_t **value,
                        struct fl_error *err);

#endif
