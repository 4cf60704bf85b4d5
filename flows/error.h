/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ERROR_H
#define FLOWLIFT_ERROR_H

/*
 * One sentence that says what went wrong and what to do about it.
 *
 * Functions that meet bytes or programs from outside take a 'struct fl_error *' as their last
 * argument and return 0 or a negative errno. The first cause wins: a caller that adds context puts
 * it in front with fl_error_prefix() and never replaces the cause.
 */

#include <stdbool.h>
#include <stdio.h>

/* Longest sentence kept, with the terminating NUL. Longer ones end in "...". */
#define FL_ERROR_MAX 512

struct fl_error {
    int code;                /* Negative errno of the first cause; 0 while there is none. */
    char text[FL_ERROR_MAX]; /* Sentence without a trailing newline or full stop. */
};

#define FL_ERROR_INIT         \
    {                         \
        .code = 0, .text = "" \
    }

/**
 * fl_error_set() - record the first cause
 * @err: where to; NULL is allowed and only the code is returned
 * @code: negative errno
 * @format: printf format of the sentence; control characters in the result are made visible
 *
 * Does nothing to @err when it already holds a cause.
 *
 * Return: @code, so that "return fl_error_set(err, -EINVAL, ...)" reads well.
 */
int fl_error_set(struct fl_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * fl_error_prefix() - put context in front of the recorded cause ("CONTEXT: CAUSE")
 * @err: may be NULL
 * @format: printf format of the context
 */
void fl_error_prefix(struct fl_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** fl_error_clear() - forget the cause, so that @err can be used again (NULL is allowed) */
void fl_error_clear(struct fl_error *err);

#endif
