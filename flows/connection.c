/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line looks like this; with -m and with statistics there is more between the commas:
 *
 *     tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=1000,dport=2049),reply=(src=10.1.1.2,dst=10.1.1.1,
 *     sport=2049,dport=1000),zone=5,protoinfo=(state=ESTABLISHED)
 *
 * Source: OVS 3.1 lib/ct-dpif.c, ct_dpif_format_entry(); the kernel datapath's entries have with -m
 * "status=ASSURED|SEEN_REPLY" and "state_orig=ESTABLISHED".
 */
#include "flows/connection.h"

#include <arpa/inet.h>
#include <ovs/util.h>
#include <string.h>

struct endpoint_pair {
    struct in6_addr src, dst;
    uint16_t sport, dport;
};

/* Return: true and the address as IPv6 (IPv4 mapped); @text need not end where the address does. */
static bool parse_address(const char *text, size_t length, struct in6_addr *address)
{
    char buffer[INET6_ADDRSTRLEN];
    struct in_addr ipv4;

    if (length >= sizeof buffer) {
        return false;
    }
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    if (inet_pton(AF_INET6, buffer, address) == 1) {
        return true;
    }
    if (inet_pton(AF_INET, buffer, &ipv4) != 1) {
        return false;
    }
    memset(address, 0, 10);
    memset(&address->s6_addr[10], 0xff, 2);
    memcpy(&address->s6_addr[12], &ipv4, 4);
    return true;
}

static bool parse_number(const char *text, size_t length, uint16_t *number)
{
    unsigned int value = 0;

    if (!length || length > 5) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned int)(text[i] - '0');
    }
    *number = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* The value after "KEY=" at the start of @text or after one of its commas, up to @end. */
static const char *find_value(const char *text, const char *end, const char *key, size_t *length)
{
    size_t key_length = strlen(key);

    while (text < end) {
        size_t word = strcspn(text, ",)");

        if (word > key_length && !strncmp(text, key, key_length) && text[key_length] == '=') {
            *length = word - key_length - 1;
            return text + key_length + 1;
        }
        text += word + 1;
    }
    return NULL;
}

static bool parse_pair(const char *text, struct endpoint_pair *pair)
{
    const char *end = strchr(text, ')');
    const char *src, *dst, *sport, *dport;
    size_t src_len, dst_len, sport_len, dport_len;

    if (!end) {
        return false;
    }
    src = find_value(text, end, "src", &src_len);
    dst = find_value(text, end, "dst", &dst_len);
    sport = find_value(text, end, "sport", &sport_len);
    dport = find_value(text, end, "dport", &dport_len);
    return src && dst && sport && dport && parse_address(src, src_len, &pair->src) &&
           parse_address(dst, dst_len, &pair->dst) &&
           parse_number(sport, sport_len, &pair->sport) &&
           parse_number(dport, dport_len, &pair->dport);
}

/* What tells that packets were seen both ways; without it (UDP without -m) we do not claim it. */
static bool is_established(const char *rest)
{
    return strstr(rest, "SEEN_REPLY") || strstr(rest, "state=ESTABLISHED") ||
           strstr(rest, "state_orig=ESTABLISHED");
}

/* "mark=5", "labels=0x1"; OVS leaves out what is 0. */
static void parse_marks(const char *text, struct fl_connection *conn)
{
    const char *end = text + strlen(text);
    size_t length;
    const char *mark = find_value(text, end, "mark", &length);
    unsigned int value;

    /* What is no number is a mark all the same. */
    conn->mark = !mark ? 0 : ovs_scan(mark, "%u", &value) ? value : 1;
    conn->labelled = find_value(text, end, "labels", &length) != NULL;
}

bool fl_connection_parse(const char *line, struct fl_connection *conn)
{
    struct endpoint_pair orig, reply;
    const char *text, *zone;
    uint16_t zone_number = 0;
    size_t length;
    uint8_t proto;

    if (!strncmp(line, "tcp,", 4)) {
        proto = IPPROTO_TCP;
    } else if (!strncmp(line, "udp,", 4)) {
        proto = IPPROTO_UDP;
    } else {
        return false;
    }
    text = strstr(line, "orig=(");
    if (!text || !parse_pair(text + strlen("orig=("), &orig)) {
        return false;
    }
    text = strstr(text, "reply=(");
    if (!text || !parse_pair(text + strlen("reply=("), &reply)) {
        return false;
    }
    text = strchr(text, ')') + 1; /* parse_pair() saw one */
    zone = find_value(text, text + strlen(text), "zone", &length);
    if (zone && !parse_number(zone, length, &zone_number)) {
        return false;
    }
    *conn = (struct fl_connection){
        .orig_src = orig.src,
        .orig_dst = orig.dst,
        .reply_src = reply.src,
        .reply_dst = reply.dst,
        .orig_sport = orig.sport,
        .orig_dport = orig.dport,
        .reply_sport = reply.sport,
        .reply_dport = reply.dport,
        .zone = zone_number,
        .proto = proto,
        .established = is_established(text),
        .timeout_s = FL_CONNECTION_TIMEOUT_UNKNOWN,
        .orig_packets = FL_CONNECTION_COUNT_UNKNOWN,
        .orig_bytes = FL_CONNECTION_COUNT_UNKNOWN,
        .reply_packets = FL_CONNECTION_COUNT_UNKNOWN,
        .reply_bytes = FL_CONNECTION_COUNT_UNKNOWN,
    };
    parse_marks(text, conn);
    return true;
}

static bool same(const struct in6_addr *a, const struct in6_addr *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* Type and code of an answer differ from those of its question, with NAT or without. */
static bool is_icmp(const struct fl_connection *conn)
{
    return conn->proto == IPPROTO_ICMP || conn->proto == IPPROTO_ICMPV6;
}

bool fl_connection_has_nat(const struct fl_connection *conn)
{
    if (is_icmp(conn)) {
        return !same(&conn->orig_src, &conn->reply_dst) ||
               !same(&conn->orig_dst, &conn->reply_src) || conn->orig_sport != conn->reply_sport;
    }
    return !same(&conn->orig_src, &conn->reply_dst) || !same(&conn->orig_dst, &conn->reply_src) ||
           conn->orig_sport != conn->reply_dport || conn->orig_dport != conn->reply_sport;
}

bool fl_connection_is_open(const struct fl_connection *conn)
{
    /* Source: Linux 6.1 include/uapi/linux/netfilter/nf_conntrack_tcp.h */
    const uint8_t none = 0, established = 3;

    return conn->established && (conn->proto != IPPROTO_TCP || conn->tcp_state == none ||
                                 conn->tcp_state == established);
}
