/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_WATCH_H
#define FLOWLIFT_TC_WATCH_H

/*
 * Watches the devices of this host (its network namespace), by rtnetlink: that they come, go and change, and
 * that somebody takes away the hook that a device has for filters, or flushes its filters, and with them
 * whatever the NIC had of Open vSwitch's flows, behind its back.
 *
 *     fl_tc_watch_open(tell, aux, 0, &watch);
 *     for (;;) {
 *         fl_tc_watch_run(watch);
 *         fl_tc_watch_wait(watch);
 *         poll_block();
 *     }
 *
 * Open vSwitch's own filters come and go by the thousand: the kernel drops messages about single ones before
 * they are queued. Devices that say nothing new (statistics) are left out here.
 *
 * When messages were lost (the socket's buffer ran over) or cannot be read the socket is opened anew, at
 * once, then later each time; FL_TC_EVERYTHING is told when events are lost and, once more, when none are
 * lost any more, which in most cases is the same moment. It is the first event of all, too.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "lib/tc/watch_message.h"

struct fl_tc_watch;

/**
 * fl_tc_watch_open() - begin to watch, now or as soon as that is possible
 * @tell: called from fl_tc_watch_run()
 * @receive_bytes: buffer of the socket; 0: 1 MiB
 */
struct fl_tc_watch *fl_tc_watch_open(fl_tc_event_cb *tell, void *aux, size_t receive_bytes);
void fl_tc_watch_close(struct fl_tc_watch *watch); /* NULL is fine */
/** fl_tc_watch_run() - read what is there, and tell. Never blocks. */
void fl_tc_watch_run(struct fl_tc_watch *watch);
/** fl_tc_watch_wait() - have poll_block() return when fl_tc_watch_run() has something to do */
void fl_tc_watch_wait(const struct fl_tc_watch *watch);

/**
 * fl_tc_watch_status() - is every event seen?
 * Return: 0; -EAGAIN not yet, nothing is wrong; another negative errno, with a sentence in @err: tried again
 * after a second, two, up to a minute.
 */
int fl_tc_watch_status(const struct fl_tc_watch *watch, struct fl_error *err);

/* Since the beginning. */
struct fl_tc_watch_counts {
    uint64_t n_messages;
    uint64_t n_left_out; /* of these, said nothing new */
    uint64_t n_opened;   /* times */
    uint64_t n_lost;     /* times that events were lost */
};
struct fl_tc_watch_counts fl_tc_watch_counts(const struct fl_tc_watch *watch);

#endif
