/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HOOK_PROMISE_H
#define FLOWLIFT_CLI_HOOK_PROMISE_H

/*
 * What a hook promises to those who call it: it is over within FL_HOOK_MS, with exit code 0, whatever
 * happens. Another exit code on "reconnect" would have libvirt kill the running guest.
 */

#define FL_HOOK_MS 70

/**
 * fl_hook_promise() - from now on
 *
 * When the time is over before fl_hook_is_done() was called (a machine that stands still, a file system
 * that does), a child goes on with the work, for at most five seconds and without the standard
 * descriptors, and the process ends. A crash ends it with 0 as well.
 */
void fl_hook_promise(void);
/** fl_hook_is_done() - nothing is left that may not be cut off */
void fl_hook_is_done(void);

#endif
