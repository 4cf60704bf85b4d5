/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_SOCKET_H
#define FLOWLIFT_OVS_SOCKET_H

/*
 * Finds the sockets of Open vSwitch as its own tools find them (OVS_RUNDIR), connects to them, and
 * says in one sentence what is wrong with one. The only place that knows these paths.
 */

#include <stdint.h>

#include "flows/error.h"

/**
 * fl_socket_rundir() - folder of the sockets and pid files: $OVS_RUNDIR or OVS's default
 * Return: borrowed; read from the environment once.
 * Source: OVS 3.1 lib/dirs.c.in, ovs_rundir().
 */
const char *fl_socket_rundir(void);

/**
 * fl_socket_vswitchd() - control socket of the ovs-vswitchd that the pid file names
 * Return: 0 and *@path (free()); -ENOENT, -EACCES or -EINVAL with a sentence in @err.
 */
int fl_socket_vswitchd(char **path, struct fl_error *err);

/** fl_socket_pid() - the process number in the path of a control socket (".../ovs-vswitchd.PID.ctl"), or 0 */
long fl_socket_pid(const char *path);

/**
 * fl_socket_vswitchd_pid() - the process number of ovs-vswitchd
 * @target: its control socket, or NULL for that of its pid file
 * Return: 0 and *@pid; -EINVAL: @target does not tell it; else as fl_socket_vswitchd().
 */
int fl_socket_vswitchd_pid(const char *target, long *pid, struct fl_error *err);

/**
 * fl_socket_connect() - connect to a UNIX socket, non-blocking and close-on-exec
 * @server: who listens there, for the sentence ("ovs-vswitchd")
 * @deadline_ms: on the clock of fl_socket_now_ms()
 * Return: the descriptor (owned by the caller), or negative errno with a sentence in @err.
 */
int fl_socket_connect(const char *path, const char *server, int64_t deadline_ms,
                      struct fl_error *err);

/**
 * fl_socket_explain() - record why @path can't be talked to and what to do about it
 * @code: negative errno of the attempt
 * Return: @code, -ENOENT for a stale pid file's socket.
 */
int fl_socket_explain(const char *path, const char *server, int code, struct fl_error *err);

/** fl_socket_now_ms() - monotonic clock */
int64_t fl_socket_now_ms(void);

/**
 * fl_socket_hush() - keep vlog off standard error and syslog, once
 * libopenvswitch logs what it comes across; our one sentence is what the user sees. Called by every
 * first connection; who wants vlog (the agent) calls it before setting levels of its own.
 */
void fl_socket_hush(void);

#endif
