/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_PEER_VIEW_H
#define FLOWLIFT_CLI_PEER_VIEW_H

/* A stranded VM beside a healthy peer, for people and as JSON. */

#include "cli/output.h"
#include "flows/peer.h"

/** fl_peers_print() - nothing when there is nobody to compare with */
void fl_peers_print(const struct fl_peer *peers, size_t n, struct fl_output *out);
/** fl_peers_json() - an array, one element a direction; new reference */
json_t *fl_peers_json(const struct fl_peer *peers, size_t n);

#endif
