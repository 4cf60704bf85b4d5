/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_BASE_DESCRIPTORS_H
#define FLOWLIFT_BASE_DESCRIPTORS_H

#include <stddef.h>

/** fl_write_all() - write(2), again and again until all is written. Return: 0 or negative errno */
int fl_write_all(int fd, const void *bytes, size_t n_bytes);

/**
 * fl_hold_standard_descriptors() - put /dev/null where a standard descriptor is closed
 * The next socket would take its number, and a result be written into it. What is written to a standard output
 * that was closed fails.
 */
void fl_hold_standard_descriptors(void);

#endif
