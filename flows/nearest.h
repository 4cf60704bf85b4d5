/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NEAREST_H
#define FLOWLIFT_NEAREST_H

/*
 * "Did you mean": the known words nearest to one that nobody knows. For names of VMs, verbs, options
 * and configuration keys.
 */

#include <stddef.h>

/**
 * fl_nearest_distance() - edits (insert, delete, replace, swap two neighbours) from @a to @b
 *
 * Case does not count. Only the first 63 bytes of each are looked at.
 */
unsigned int fl_nearest_distance(const char *a, const char *b);

/**
 * fl_nearest() - the words that are near enough to be meant
 * @word: what was typed
 * @known: @n_known words; NULLs are skipped
 * @found: set to up to @max_found of them (borrowed), nearest first
 *
 * Near enough: a third of the letters differ at most, or one word begins the other (3 letters or more).
 *
 * Return: how many were found, 0 when nothing is near.
 */
size_t fl_nearest(const char *word, const char *const *known, size_t n_known, const char **found,
                  size_t max_found);

#endif
