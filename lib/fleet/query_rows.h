/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_QUERY_ROWS_H
#define FLOWLIFT_FLEET_QUERY_ROWS_H

/* Answers of the fleet's database (RFC 7047) as values. Pure; what it says is not trusted. */

#include <jansson.h>
#include <stddef.h>

#include "flows/error.h"
#include "lib/fleet/overview.h"

/**
 * fl_fleet_results() - the rows that each operation of a transaction found
 * @text: of the answer
 * @results: array of @n arrays of rows; new reference
 * Return: 0; -ENOENT the server refuses, in its words; -EPROTO for what is no answer.
 */
int fl_fleet_results(const char *text, size_t n_text, size_t n, json_t **results,
                     struct fl_error *err);

/**
 * fl_fleet_take_rows() - rows of Host, VM and Repair, in this order, into @fleet
 * @counts: VMs that are well are only in the numbers that hosts tell
 */
int fl_fleet_take_rows(const json_t *results, bool counts, struct fl_fleet *fleet,
                       struct fl_error *err);

/** fl_fleet_take_steps() - rows of Order and Repair, in this order. Return: as of fl_fleet_read_steps(); new reference */
json_t *fl_fleet_take_steps(const json_t *results);

#endif
