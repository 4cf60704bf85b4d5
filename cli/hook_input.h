/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HOOK_INPUT_H
#define FLOWLIFT_CLI_HOOK_INPUT_H

/*
 * Standard input of a hook: read for a limited time, since whoever writes it may never close it, and to
 * its end, since whoever writes it must not be stopped by us.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * fl_hook_read() - what there is until the end, @room bytes or @deadline_ms (fl_monotonic_ms())
 * @is_whole: set to whether the end was seen
 * Return: bytes read.
 */
size_t fl_hook_read(int fd, char *buffer, size_t room, int64_t deadline_ms, bool *is_whole);
/** fl_hook_drain() - read on to the end or @deadline_ms, and forget it; @buffer is @room bytes to use */
void fl_hook_drain(int fd, char *buffer, size_t room, int64_t deadline_ms);

#endif
