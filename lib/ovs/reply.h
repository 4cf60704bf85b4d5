/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_REPLY_H
#define FLOWLIFT_OVS_REPLY_H

/*
 * Decoder of one JSON-RPC reply as unixctl servers send it:
 *
 *     {"id":0,"result":"...text with escapes...","error":null}
 *
 * Push bytes as they come, cut anywhere. The text of "result" is handed on unescaped, in pieces, so
 * that a dump of any size needs a fixed buffer. Keys may come in any order; unknown ones are skipped.
 * Pure: no sockets, no clock.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/error.h"
#include "lib/ovs/ctl.h"

struct fl_reply;

/** fl_reply_create() - @sink gets the bytes of "result"; never called with none */
struct fl_reply *fl_reply_create(fl_ctl_sink *sink, void *aux);
void fl_reply_destroy(struct fl_reply *reply);
/**
 * fl_reply_push() - the next bytes
 * @n_used: how many belong to the reply; less than @n_bytes only when it is complete
 * Return: 0; -EPROTO with a sentence in @err for what is no such reply; or what the sink returned.
 */
int fl_reply_push(struct fl_reply *reply, const void *bytes, size_t n_bytes, size_t *n_used,
                  struct fl_error *err);
/** fl_reply_is_complete() - the closing brace was seen */
bool fl_reply_is_complete(const struct fl_reply *reply);
/** fl_reply_error() - text of a non-null "error" of a complete reply (borrowed), or NULL */
const char *fl_reply_error(const struct fl_reply *reply);
/** fl_reply_id() - text of "id" as it was sent (borrowed), "" when there was none */
const char *fl_reply_id(const struct fl_reply *reply);

#endif
