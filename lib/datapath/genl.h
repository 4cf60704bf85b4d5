/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DATAPATH_GENL_H
#define FLOWLIFT_DATAPATH_GENL_H

/*
 * Generic netlink through libnl, as far as the kernel datapath needs it: families and dumps. Here, and
 * nowhere else in lib/datapath/, errors of libnl become ours.
 *
 * libnl copies each message that it receives into one of its own; a dump of 50,000 flows is read past
 * that, from the socket into one buffer, and handed over from there.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"

struct fl_genl;

/** fl_genl_open() - Return: 0 and *@genlp, owned by the caller; negative errno */
int fl_genl_open(struct fl_genl **genlp, struct fl_error *err);
void fl_genl_close(struct fl_genl *genl);

/**
 * fl_genl_family() - number of a family
 * Asking the kernel for one by name would load the module that has it: all are listed instead.
 * Return: > 0; -ENOENT: the kernel has none of that name; other negative errno.
 */
int fl_genl_family(struct fl_genl *genl, const char *name);

/**
 * fl_genl_take - what follows the generic netlink header of one message, aligned to 4 bytes
 * Return: non-zero ends the dump, and is what fl_genl_dump() returns.
 */
typedef int fl_genl_take(const void *payload, size_t n_bytes, void *aux);

/**
 * fl_genl_dump() - ask for everything, hand over each message
 * @request: what follows the generic netlink header of the request
 * Return: 0; -EAGAIN: the kernel says that it was interrupted, or dropped messages, or what is left of a
 * message is no message: something may be missing; what @take or the kernel said.
 */
int fl_genl_dump(struct fl_genl *genl, int family, uint8_t command, uint8_t version,
                 const void *request, size_t n_bytes, fl_genl_take *take, void *aux);

#endif
