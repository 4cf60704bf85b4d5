/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_CTL_H
#define FLOWLIFT_OVS_CTL_H

/*
 * Runs commands of ovs-vswitchd, or of another daemon, over its unixctl socket, as ovs-appctl(8) does.
 *
 * The main thread of ovs-vswitchd serves them one at a time: a caller that reads much reads it in
 * small commands, and lets time pass between two.
 */

#include "flows/error.h"

struct fl_ctl;

/**
 * fl_ctl_open() - connect to ovs-vswitchd
 * @target: a socket's path, or NULL: OVS_RUNDIR (or OVS's default) and ovs-vswitchd.pid in it
 * @timeout_ms: longest wait for one command's reply
 * Return: 0 and *@ctl owned by the caller; negative errno with a sentence in @err (no pid file, stale
 * pid file of a dead process, socket missing, permission denied, not answering).
 */
int fl_ctl_open(const char *target, int timeout_ms, struct fl_ctl **ctl, struct fl_error *err);
/**
 * fl_ctl_open_other() - likewise, to another daemon of this manner
 * @server: its name, for sentences
 * @path: its socket
 */
int fl_ctl_open_other(const char *server, const char *path, int timeout_ms, struct fl_ctl **ctl,
                      struct fl_error *err);
void fl_ctl_close(struct fl_ctl *ctl);

/**
 * fl_ctl_run() - run one command and take its whole reply (at most FL_LIMIT_REPLY_BYTES)
 * @argv: arguments after the command; NULL-terminated, NULL for none
 * Return: 0 and *@reply (owned by the caller, free()); -EREMOTEIO when the command itself failed, its
 * text in @err; -ETIMEDOUT; -EPIPE when ovs-vswitchd went away; -EMSGSIZE.
 */
int fl_ctl_run(struct fl_ctl *ctl, const char *command, const char *const *argv, char **reply,
               struct fl_error *err);

/* Next bytes of a reply's text, unescaped. Non-zero return stops; the connection is then closed. */
typedef int fl_ctl_sink(const void *bytes, size_t n_bytes, void *aux);
/**
 * fl_ctl_stream() - run one command and hand its reply on in pieces, never whole in memory
 * Return: as fl_ctl_run(), or what @sink returned.
 */
int fl_ctl_stream(struct fl_ctl *ctl, const char *command, const char *const *argv,
                  fl_ctl_sink *sink, void *aux, struct fl_error *err);

#endif
