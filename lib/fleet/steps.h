/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_STEPS_H
#define FLOWLIFT_FLEET_STEPS_H

/*
 * The last steps of an order or a repair, kept in its row as a set of texts, each a JSON object that begins with
 * its time. OVSDB sorts sets, so that they are in their order. Pure.
 */

#include <jansson.h>
#include <stddef.h>

/* Of an order or a repair the newest so many are kept. */
#define FL_FLEET_STEPS 16

/**
 * fl_fleet_step_text() - a step
 * @repair: "changed" (Unix time, ms), "state", "reason", "who", "ticket"
 * Return: owned by the caller, free().
 */
char *fl_fleet_step_text(const json_t *repair);
/** fl_fleet_step_read() - Return: new reference, or NULL for what is no step */
json_t *fl_fleet_step_read(const char *text);

/**
 * fl_fleet_steps_add() - one more, and the oldest goes when there are @max
 * @steps: @n of them in their order, with room for one more; pointers are borrowed
 * @step: borrowed; one that is there already is not added
 * Return: how many there are now.
 */
size_t fl_fleet_steps_add(const char **steps, size_t n, const char *step, size_t max);
/**
 * fl_fleet_steps_of_row() - likewise, of the steps that a row has, FL_FLEET_STEPS at most
 * @n: of @steps; becomes how many there are now
 * Return: the array is owned by the caller, free(); what is in it is borrowed.
 */
const char **fl_fleet_steps_of_row(char *const *steps, size_t *n, const char *step);

#endif
