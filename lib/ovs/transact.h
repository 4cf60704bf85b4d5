/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_TRANSACT_H
#define FLOWLIFT_OVS_TRANSACT_H

/*
 * Transactions with an OVSDB server that only read ("select"), over a connection of their own: for a database of
 * which a few rows are wanted, where the IDL would copy the tables. The answer is handed on as text, up to a
 * size that the caller names; nothing is read of it here (lib/ovs/transact_reply.h does).
 */

#include <jansson.h>
#include <stddef.h>

#include <openvswitch/dynamic-string.h>

#include "flows/error.h"

struct fl_transact;

/**
 * fl_transact_open() - connect to the first of @remotes that answers
 * @server: who that is, for the sentence ("OVN's southbound database")
 * @remotes: "unix:PATH", "tcp:IP:PORT", "ssl:IP:PORT", several with commas between. For ssl: the keys are set
 *           before, by libopenvswitch's stream_ssl_set_...().
 * @timeout_ms: for connecting and all transactions
 * Return: 0 and *@transact owned by the caller; -EINVAL for what is no remote, -ECONNREFUSED, -ENOENT, -EACCES,
 * -ETIMEDOUT, ... with a sentence in @err that names the last one that was tried.
 */
int fl_transact_open(const char *server, const char *remotes, int timeout_ms,
                     struct fl_transact **transact, struct fl_error *err);
void fl_transact_close(struct fl_transact *transact); /* NULL is fine */
/** fl_transact_remote() - the one that it is connected to; borrowed */
const char *fl_transact_remote(const struct fl_transact *transact);

/**
 * fl_transact_run() - one transaction
 * @operations: array of them; consumed. What is not a "select" is refused: -EPERM.
 * @reply: emptied; the text of the answer, owned by the caller
 * @bytes_max: longest answer
 * Return: 0; -EFBIG for a longer one; -ETIMEDOUT, -EPIPE, -EPROTO. After an error the connection is of no use.
 */
int fl_transact_run(struct fl_transact *transact, const char *database, json_t *operations,
                    size_t bytes_max, struct ds *reply, struct fl_error *err);

#endif
