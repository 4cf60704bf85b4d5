/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CONNECTION_H
#define FLOWLIFT_CONNECTION_H

/*
 * Connections as conntrack knows them ("ovs-appctl dpctl/dump-conntrack"). A stateful pipeline often
 * leaves addresses and ports wild in its megaflows; the connection table then tells which servers and
 * services a VM really talks to, and whether NAT changes its packets.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_connection {
    struct in6_addr orig_src, orig_dst; /* IPv4 as ::ffff:a.b.c.d */
    struct in6_addr reply_src, reply_dst;
    uint16_t orig_sport, orig_dport; /* host byte order; 0 when there is none */
    uint16_t reply_sport, reply_dport;
    uint16_t zone;
    uint8_t proto;
    bool established; /* seen in both directions */
};

/**
 * fl_connection_parse() - one line of dump-conntrack, with or without -m
 * @line: NUL-terminated
 * Return: true and *@conn filled; false for a line that is no TCP or UDP connection.
 */
bool fl_connection_parse(const char *line, struct fl_connection *conn);
/** fl_connection_has_nat() - the reply does not mirror the original direction */
bool fl_connection_has_nat(const struct fl_connection *conn);

#endif
