/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_JSON_TEXT_H
#define FLOWLIFT_JSON_TEXT_H

/*
 * JSON strings written as a stream, for text that is too much for a json_t, and may be no UTF-8.
 */

#include <stddef.h>

typedef int fl_json_sink(const void *bytes, size_t n_bytes, void *aux);

/**
 * fl_json_escape() - the inside of a JSON string
 * @bytes: any; what is not UTF-8 becomes U+FFFD, and so does a zero byte, which Jansson would refuse
 * @sink: gets the pieces; a non-zero return stops
 * Return: 0 or what @sink returned.
 */
int fl_json_escape(const char *bytes, size_t n_bytes, fl_json_sink *sink, void *aux);

#endif
