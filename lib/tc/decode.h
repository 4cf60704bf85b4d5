/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_DECODE_H
#define FLOWLIFT_TC_DECODE_H

/*
 * One netlink message as a TC filter. Hostile bytes are expected; nothing is allocated.
 */

#include <stddef.h>

#include "flows/tc_filter.h"
#include "lib/tc/links.h"

/**
 * fl_tc_decode() - an RTM_NEWTFILTER message
 * @message: from its struct nlmsghdr on, @n_bytes of them (aligned to 4)
 * @links: names of devices; NULL when there are none
 * @filter: all set on 0; its strings point into @message and @links
 *
 * What is not understood is named in @filter->unknown.
 * Return: 0; -ENOENT for a message that only announces filters of a priority (no handle); -ENOTSUP for
 * a filter of another kind than flower; -EBADMSG for bytes that make no sense.
 */
int fl_tc_decode(const void *message, size_t n_bytes, const struct fl_tc_links *links,
                 struct fl_tc_filter *filter);

#endif
