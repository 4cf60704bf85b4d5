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

/** enum fl_connection_offload - who forwards the packets of a connection */
enum fl_connection_offload {
    FL_CONNECTION_OFFLOAD_UNKNOWN,  /* Not told: OVS's own table does not say. */
    FL_CONNECTION_OFFLOAD_NO,       /* Each packet goes through conntrack. */
    FL_CONNECTION_OFFLOAD_SOFTWARE, /* In a flow table of the kernel (IPS_OFFLOAD). */
    FL_CONNECTION_OFFLOAD_HARDWARE, /* In the NIC's (IPS_HW_OFFLOAD). */
};

/** enum fl_connection_zone - for which direction the zone holds */
enum fl_connection_zone {
    FL_CONNECTION_ZONE_BOTH,
    FL_CONNECTION_ZONE_ORIG,
    FL_CONNECTION_ZONE_REPLY,
};

#define FL_CONNECTION_COUNT_UNKNOWN   UINT64_MAX
#define FL_CONNECTION_TIMEOUT_UNKNOWN UINT32_MAX

/*
 * What fl_connection_parse() leaves unknown, a kernel's table tells: from @offload on. Ports of ICMP: of
 * the source its id, of the destination type << 8 | code.
 */
struct fl_connection {
    struct in6_addr orig_src, orig_dst; /* IPv4 as ::ffff:a.b.c.d */
    struct in6_addr reply_src, reply_dst;
    uint16_t orig_sport, orig_dport; /* host byte order; 0 when there is none */
    uint16_t reply_sport, reply_dport;
    uint16_t zone;
    uint8_t proto;
    bool established; /* seen in both directions */
    enum fl_connection_offload offload;
    enum fl_connection_zone zone_of;
    uint32_t status; /* IPS_* of the kernel; 0 when not known. */
    uint32_t mark;
    bool labelled;      /* Its label is not 0. */
    uint32_t timeout_s; /* Seconds; none is told of an offloaded entry. */
    uint8_t tcp_state;  /* TCP_CONNTRACK_* of the kernel; 0 (NONE) when not known. */
    /* Unknown unless the host counts (net.netfilter.nf_conntrack_acct). */
    uint64_t orig_packets, orig_bytes, reply_packets, reply_bytes;
};

/**
 * fl_connection_parse() - one line of dump-conntrack, with or without -m
 * @line: NUL-terminated
 * Return: true and *@conn filled; false for a line that is no TCP or UDP connection.
 */
bool fl_connection_parse(const char *line, struct fl_connection *conn);
/**
 * fl_connection_is_open() - packets go both ways, and neither end has closed it
 * Only such a TCP connection is offered to the NIC; one that is closed stays in the table for minutes.
 */
bool fl_connection_is_open(const struct fl_connection *conn);
/** fl_connection_has_nat() - the reply does not mirror the original direction */
bool fl_connection_has_nat(const struct fl_connection *conn);

#endif
