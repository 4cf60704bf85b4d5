/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_WRITE_H
#define FLOWLIFT_CLI_REPORT_WRITE_H

/* Where the page of a document goes. */

#include <jansson.h>

#include "cli/verbs.h"

/**
 * fl_report_write() - the page to --output, and to @out what is said of it: its first sentence, or with --json
 * the document that it is made from
 * The page is in its place before anything is said of it; "-" is @out itself.
 * Return: 0, or negative errno with @err.
 */
int fl_report_write(const struct fl_request *request, const json_t *document, struct fl_output *out,
                    struct fl_error *err);

#endif
