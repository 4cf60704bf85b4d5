/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_TRANSACT_REPLY_H
#define FLOWLIFT_OVS_TRANSACT_REPLY_H

/*
 * What an OVSDB server says (RFC 7047), which is not trusted. Pure: bytes in, values out.
 *
 * An answer of a few rows is read by Jansson. One that has nothing but the uuids of a whole table, of 100,000 rows
 * and more, is not made a tree of: the uuids are picked out of its text.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ovs/uuid.h>

#include "flows/error.h"

/* Finds the end of one JSON object in a stream. Zeroed at first. */
struct fl_json_frame {
    size_t depth;
    bool in_string, is_escaped, is_complete;
};

/**
 * fl_json_frame_push() - the next bytes, cut anywhere
 * @n_used: how many belong to the object; less than @n only when it is complete
 * Return: false for what does not begin as an object.
 */
bool fl_json_frame_push(struct fl_json_frame *frame, const char *bytes, size_t n, size_t *n_used);

/** fl_transact_is_request() - the server asks ("echo"), and does not answer */
bool fl_transact_is_request(const char *text, size_t n);

/**
 * fl_transact_rows() - the first row that each operation of a transaction found
 * @n_operations: that were asked for
 * @rows: array of as many, an object or null each; owned by the caller
 * Return: 0; -ENOENT when the server refuses: no such database, table or column, in its words; -EPROTO for
 * what is no answer.
 */
int fl_transact_rows(const char *text, size_t n, size_t n_operations, json_t **rows,
                     struct fl_error *err);

/**
 * fl_transact_uuids() - of an answer that has "_uuid" and no other column: those that begin with a wanted number
 * @prefixes: first 32 bits of a uuid
 * @found: room for @max; how many were found may be more
 * Return: 0 and *@n_found; -ENOENT, -EPROTO as fl_transact_rows(). A refusal is short: what is longer than
 * 64 KiB is not looked at for one.
 */
int fl_transact_uuids(const char *text, size_t n, const uint32_t *prefixes, size_t n_prefixes,
                      struct uuid *found, size_t max, size_t *n_found, struct fl_error *err);

#endif
