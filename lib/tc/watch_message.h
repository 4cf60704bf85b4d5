/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_WATCH_MESSAGE_H
#define FLOWLIFT_TC_WATCH_MESSAGE_H

/*
 * What rtnetlink says of devices and of their hooks for filters, and what is new in it. Pure: lib/tc/watch.h
 * has the socket.
 *
 * The devices that are there are known by a list of them (RTM_GETLINK), which is told again when events were
 * lost. Nothing of what is said while it is told is an event, since nobody knows what was before.
 */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/hmap.h>

enum fl_tc_event_kind {
    FL_TC_LINK_APPEARED,
    FL_TC_LINK_GONE,
    FL_TC_LINK_CHANGED,
    FL_TC_QDISC_GONE, /* The hook of a device for filters, and all filters with it. */
    FL_TC_FILTERS_FLUSHED, /* All flower filters of a device, or of one priority or chain of it, at once. */
    FL_TC_EVERYTHING, /* Events may have been missed: look at everything. */
    FL_TC_N_EVENTS,
};
/** fl_tc_event_name() - "link-appeared", ... */
const char *fl_tc_event_name(enum fl_tc_event_kind kind);

/* All borrowed, for the time of the call. */
struct fl_tc_event {
    enum fl_tc_event_kind kind;
    int ifindex; /* 0 where no one device is meant */
    const char
        *name;    /* of the device; what the kernel lets anybody choose; "" when it is not known */
    bool is_port; /* It belongs to a NIC's switch, or to Open vSwitch. */
    const char *why; /* of FL_TC_EVERYTHING: a sentence; else "" */
};
typedef void fl_tc_event_cb(const struct fl_tc_event *event, void *aux);

/* The devices, and how the list of them is told. */
struct fl_tc_watched {
    struct hmap by_index;
    /* Of the list that was asked for. */
    uint32_t sequence, portid;
    bool is_listing, is_interrupted;
    unsigned int round;
    uint64_t n_messages, n_left_out; /* left out: said nothing new */
};

void fl_tc_watched_init(struct fl_tc_watched *watched);
void fl_tc_watched_destroy(struct fl_tc_watched *watched);
/** fl_tc_watched_list() - the list of devices is asked for; its messages have @sequence and @portid */
void fl_tc_watched_list(struct fl_tc_watched *watched, uint32_t sequence, uint32_t portid);

/**
 * fl_tc_watched_take() - the messages of one datagram
 * @bytes: aligned to 4
 * Return: 0; 1 the list is told, and events are told from now on; -EAGAIN it is told, but devices changed
 * meanwhile: ask for it again; -EBADMSG; another negative errno of the kernel, which refused the list. After an error
 * events may have been missed.
 */
int fl_tc_watched_take(struct fl_tc_watched *watched, const void *bytes, size_t n,
                       fl_tc_event_cb *tell, void *aux);

#endif
