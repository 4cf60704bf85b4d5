/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_UNESCAPE_H
#define FLOWLIFT_OVS_UNESCAPE_H

/*
 * Takes the escapes out of a JSON string whose bytes come in pieces cut anywhere. Pure; zero the struct
 * at the opening quote. Bytes that are not escaped are handed on as they are, UTF-8 or not.
 * Source: RFC 8259, section 7.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/error.h"

struct fl_unescape {
    bool ended; /* the closing quote was taken */
    enum {
        FL_UNESCAPE_NONE,
        FL_UNESCAPE_BACKSLASH,
        FL_UNESCAPE_HEX, /* after "\u", n_digits so far */
        FL_UNESCAPE_LOW, /* a high surrogate needs "\u" and a low one */
        FL_UNESCAPE_LOW_BACKSLASH,
    } state;
    unsigned int hex, n_digits;
    unsigned int high; /* the high surrogate before, or 0 */
};

/* Gets bytes of the text, 1 or more. Non-zero return stops. */
typedef int fl_unescape_put(void *aux, const char *bytes, size_t n);

/**
 * fl_unescape_push() - take some of the next bytes
 * @n: 1 or more
 * @n_used: how many were taken, 1 or more
 * Return: 0; -EPROTO with a sentence in @err for what a JSON string can't hold (also NUL); or what @put
 * returned.
 */
int fl_unescape_push(struct fl_unescape *unescape, const char *bytes, size_t n, size_t *n_used,
                     fl_unescape_put *put, void *aux, struct fl_error *err);

/** fl_reply_malformed() - -EPROTO, and @what is wrong with a reply in @err */
int fl_reply_malformed(struct fl_error *err, const char *what);

#endif
