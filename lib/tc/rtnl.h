/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_RTNL_H
#define FLOWLIFT_TC_RTNL_H

/*
 * Dumps of rtnetlink, one after the other, through libmnl. One receive buffer, whatever the size of
 * the dump.
 */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "flows/error.h"

struct fl_rtnl;

/** fl_rtnl_open() - Return: 0 and *@rtnl, to be given to fl_rtnl_close(), or negative errno */
int fl_rtnl_open(struct fl_rtnl **rtnl, struct fl_error *err);
void fl_rtnl_close(struct fl_rtnl *rtnl);

/**
 * fl_rtnl_request() - a request for a dump, to be completed with mnl_attr_put_*()
 * @type: RTM_GET...
 * @n_header, @header: what follows struct nlmsghdr, copied
 * Return: borrowed from @rtnl until the next request.
 */
struct nlmsghdr *fl_rtnl_request(struct fl_rtnl *rtnl, int type, const void *header,
                                 size_t n_header);

/** fl_rtnl_message_cb - one message of a dump, header included. Non-zero return stops the dump. */
typedef int fl_rtnl_message_cb(const struct nlmsghdr *message, void *aux);

/**
 * fl_rtnl_dump() - send the request and hand over what comes back
 * @interrupted: set where the kernel says that what it dumped changed meanwhile, or could not give
 *               all of it: messages may be missing or have come twice
 * Return: 0, what @cb returned, or negative errno (without a sentence: the caller knows of what).
 */
int fl_rtnl_dump(struct fl_rtnl *rtnl, fl_rtnl_message_cb *cb, void *aux, bool *interrupted);

#endif
