/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_ANSWER_H
#define FLOWLIFT_TC_ANSWER_H

/*
 * What came back when a filter was offered to a NIC (lib/tc/probe.h), and what flows/shrink.h works with.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* Longest text kept, with its NUL. Those of drivers have up to 80 bytes (NETLINK_MAX_FMTMSG_LEN). */
#define FL_TC_ANSWER_TEXT 256

enum fl_tc_verdict {
    FL_TC_ACCEPTED, /* The NIC has taken it; it is gone again. */
    FL_TC_REFUSED,  /* The kernel by itself would have taken it, the NIC has not. */
    FL_TC_CANNOT_TELL, /* Not offered, or refused before a NIC was asked: nothing is said of the NIC. */
};

struct fl_tc_answer {
    enum fl_tc_verdict verdict;
    int error;          /* Negative errno; 0 when accepted. */
    uint16_t attribute; /* TCA_FLOWER_* that the kernel points at (NLMSGERR_ATTR_OFFS); 0: none. */
    char text[FL_TC_ANSWER_TEXT]; /* The driver's or the kernel's words; "" without. Printable. */
};

/**
 * fl_tc_answer_passes() - the refusal is of the moment, not of the filter: a full table, a busy NIC
 * @answer: refused, else false
 */
static inline bool fl_tc_answer_passes(const struct fl_tc_answer *answer)
{
    if (answer->verdict != FL_TC_REFUSED)
        return false;
    switch (-answer->error) {
    case ENOSPC:
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
    case ENOBUFS:
    case EINTR:
    case ETIMEDOUT: return true;
    default: return false;
    }
}

#endif
