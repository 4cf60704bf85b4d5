/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_LISTEN_H
#define FLOWLIFT_LISTEN_H

/*
 * Where somebody listens, as the configuration says it: "unix:NAME" (in ROOT/run/flowlift), "unix:/PATH",
 * "127.0.0.1:PORT", "[::1]:PORT", or "off". Nothing of flowlift is served to other hosts.
 */

#include <sys/socket.h>

#include "flows/error.h"

struct fl_listen {
    const char
        *path; /* of a Unix socket, absolute or a name; borrowed from what was read; or NULL */
    struct sockaddr_storage address; /* ss_family 0: none */
    socklen_t address_bytes;
};

/**
 * fl_listen_parse() - read where
 * @listen: neither path nor address for "off"
 * Return: 0; -EINVAL with the reason.
 */
int fl_listen_parse(const char *text, struct fl_listen *listen, struct fl_error *err);

#endif
