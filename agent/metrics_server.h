/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_METRICS_SERVER_H
#define FLOWLIFT_AGENT_METRICS_SERVER_H

/*
 * GET /metrics, by libmicrohttpd, within the agent's loop: no thread, and no client that has it wait. A
 * connection is for one request, has a small buffer for it, and is over after CONNECTION_MS, read or not;
 * there are MOST_CONNECTIONS at a time, and the others wait in the listen queue.
 */

#include "flows/error.h"
#include "lib/base/listen.h"

struct fl_metrics_server;

/**
 * fl_metrics_server_open() - listen
 * @where: the path of a Unix socket is absolute; it gets mode 0660, and replaces a socket that is there
 * @name: of @where, for sentences
 * @text: gives the text, borrowed until it is called again; called while a request is answered
 * Return: 0 and *@server owned by the caller; negative errno with a sentence.
 */
int fl_metrics_server_open(const struct fl_listen *where, const char *name,
                           const char *(*text)(void *aux), void *aux,
                           struct fl_metrics_server **server, struct fl_error *err);
/** fl_metrics_server_close() - the socket is gone, too; NULL is fine */
void fl_metrics_server_close(struct fl_metrics_server *server);
void fl_metrics_server_run(struct fl_metrics_server *server);
void fl_metrics_server_wait(const struct fl_metrics_server *server);

#endif
