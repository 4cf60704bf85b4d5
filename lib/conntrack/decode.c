/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message of ctnetlink as a connection.
 *
 * Source: Linux 6.1 net/netfilter/nf_conntrack_netlink.c, ctnetlink_fill_info();
 * <linux/netfilter/nfnetlink_conntrack.h>.
 */

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "lib/conntrack/entries.h"

#define MAX_TYPE 32 /* Beyond all that is looked for: CTA_*, CTA_TUPLE_*, CTA_IP_*, CTA_PROTO_* */

struct attrs {
    const struct nlattr *of_type[MAX_TYPE + 1];
};

/* One direction. */
struct tuple {
    struct in6_addr src, dst;
    uint16_t sport, dport;
    uint8_t proto;
    bool has_zone;
    uint16_t zone;
};

static int add(const struct nlattr *attr, void *attrs)
{
    if (mnl_attr_get_type(attr) <= MAX_TYPE) {
        ((struct attrs *)attrs)->of_type[mnl_attr_get_type(attr)] = attr;
    }
    return MNL_CB_OK;
}

static void parse_nested(const struct nlattr *nest, struct attrs *attrs)
{
    memset(attrs, 0, sizeof *attrs);
    if (nest) {
        mnl_attr_parse_nested(nest, add, attrs);
    }
}

/* What @attrs has of a type, copied; all of it has to be there. Integers are of network byte order. */
static bool get(const struct attrs *attrs, int type, void *value, size_t size)
{
    const struct nlattr *attr = attrs->of_type[type];

    if (!attr || mnl_attr_get_payload_len(attr) != size) {
        return false;
    }
    memcpy(value, mnl_attr_get_payload(attr), size);
    return true;
}

static bool get_u8(const struct attrs *attrs, int type, uint8_t *value)
{
    return get(attrs, type, value, sizeof *value);
}

static bool get_u16(const struct attrs *attrs, int type, uint16_t *value)
{
    if (!get(attrs, type, value, sizeof *value)) {
        return false;
    }
    *value = be16toh(*value);
    return true;
}

static bool get_u32(const struct attrs *attrs, int type, uint32_t *value)
{
    if (!get(attrs, type, value, sizeof *value)) {
        return false;
    }
    *value = be32toh(*value);
    return true;
}

static uint64_t get_count(const struct attrs *attrs, int type)
{
    uint64_t value;

    return get(attrs, type, &value, sizeof value) ? be64toh(value) : FL_CONNECTION_COUNT_UNKNOWN;
}

static bool get_ipv4(const struct attrs *attrs, int type, struct in6_addr *address)
{
    memset(address, 0, sizeof *address);
    address->s6_addr[10] = 0xff;
    address->s6_addr[11] = 0xff;
    return get(attrs, type, &address->s6_addr[12], sizeof(struct in_addr));
}

static bool parse_addresses(const struct nlattr *nest, struct tuple *tuple)
{
    struct attrs attrs;

    parse_nested(nest, &attrs);
    return (get_ipv4(&attrs, CTA_IP_V4_SRC, &tuple->src) &&
            get_ipv4(&attrs, CTA_IP_V4_DST, &tuple->dst)) ||
           (get(&attrs, CTA_IP_V6_SRC, &tuple->src, sizeof tuple->src) &&
            get(&attrs, CTA_IP_V6_DST, &tuple->dst, sizeof tuple->dst));
}

static void parse_icmp(const struct attrs *attrs, bool v6, struct tuple *tuple)
{
    uint8_t type = 0, code = 0;

    get_u16(attrs, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, &tuple->sport);
    get_u8(attrs, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, &type);
    get_u8(attrs, v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, &code);
    tuple->dport = (uint16_t)(type << 8 | code);
}

static bool parse_tuple(const struct nlattr *nest, struct tuple *tuple)
{
    struct attrs attrs, proto;

    memset(tuple, 0, sizeof *tuple);
    parse_nested(nest, &attrs);
    parse_nested(attrs.of_type[CTA_TUPLE_PROTO], &proto);
    if (!parse_addresses(attrs.of_type[CTA_TUPLE_IP], tuple) ||
        !get_u8(&proto, CTA_PROTO_NUM, &tuple->proto)) {
        return false;
    }
    if (tuple->proto == IPPROTO_ICMP || tuple->proto == IPPROTO_ICMPV6) {
        parse_icmp(&proto, tuple->proto == IPPROTO_ICMPV6, tuple);
    } else {
        get_u16(&proto, CTA_PROTO_SRC_PORT, &tuple->sport);
        get_u16(&proto, CTA_PROTO_DST_PORT, &tuple->dport);
    }
    tuple->has_zone = get_u16(&attrs, CTA_TUPLE_ZONE, &tuple->zone);
    return true;
}

static void parse_zone(const struct attrs *attrs, const struct tuple *orig,
                       const struct tuple *reply, struct fl_connection *connection)
{
    if (get_u16(attrs, CTA_ZONE, &connection->zone)) {
        return;
    }
    if (orig->has_zone) {
        connection->zone = orig->zone;
        connection->zone_of = FL_CONNECTION_ZONE_ORIG;
    } else if (reply->has_zone) {
        connection->zone = reply->zone;
        connection->zone_of = FL_CONNECTION_ZONE_REPLY;
    }
}

static void parse_status(const struct attrs *attrs, struct fl_connection *connection)
{
    if (!get_u32(attrs, CTA_STATUS, &connection->status)) {
        return; /* offload is not known */
    }
    connection->established = connection->status & IPS_SEEN_REPLY;
    if (connection->status & IPS_HW_OFFLOAD) {
        connection->offload = FL_CONNECTION_OFFLOAD_HARDWARE;
    } else if (connection->status & IPS_OFFLOAD) {
        connection->offload = FL_CONNECTION_OFFLOAD_SOFTWARE;
    } else {
        connection->offload = FL_CONNECTION_OFFLOAD_NO;
    }
}

static void parse_counters(const struct nlattr *nest, uint64_t *packets, uint64_t *bytes)
{
    struct attrs attrs;

    parse_nested(nest, &attrs);
    *packets = get_count(&attrs, CTA_COUNTERS_PACKETS);
    *bytes = get_count(&attrs, CTA_COUNTERS_BYTES);
}

static uint8_t parse_tcp_state(const struct nlattr *protoinfo)
{
    struct attrs attrs, tcp;
    uint8_t state = 0;

    parse_nested(protoinfo, &attrs);
    parse_nested(attrs.of_type[CTA_PROTOINFO_TCP], &tcp);
    get_u8(&tcp, CTA_PROTOINFO_TCP_STATE, &state);
    return state;
}

static bool is_labelled(const struct nlattr *labels)
{
    const uint8_t *bytes = labels ? mnl_attr_get_payload(labels) : NULL;
    bool any = false;

    for (size_t i = 0; labels && i < mnl_attr_get_payload_len(labels); i++) {
        any |= bytes[i] != 0;
    }
    return any;
}

static bool parse_entry(const struct attrs *attrs, struct fl_connection *connection)
{
    struct tuple orig, reply;

    if (!parse_tuple(attrs->of_type[CTA_TUPLE_ORIG], &orig) ||
        !parse_tuple(attrs->of_type[CTA_TUPLE_REPLY], &reply)) {
        return false;
    }
    *connection = (struct fl_connection){
        .orig_src = orig.src,
        .orig_dst = orig.dst,
        .reply_src = reply.src,
        .reply_dst = reply.dst,
        .orig_sport = orig.sport,
        .orig_dport = orig.dport,
        .reply_sport = reply.sport,
        .reply_dport = reply.dport,
        .proto = orig.proto,
        .timeout_s = FL_CONNECTION_TIMEOUT_UNKNOWN,
        .labelled = is_labelled(attrs->of_type[CTA_LABELS]),
        .tcp_state = parse_tcp_state(attrs->of_type[CTA_PROTOINFO]),
    };
    parse_zone(attrs, &orig, &reply, connection);
    parse_status(attrs, connection);
    get_u32(attrs, CTA_MARK, &connection->mark);
    get_u32(attrs, CTA_TIMEOUT, &connection->timeout_s);
    parse_counters(attrs->of_type[CTA_COUNTERS_ORIG], &connection->orig_packets,
                   &connection->orig_bytes);
    parse_counters(attrs->of_type[CTA_COUNTERS_REPLY], &connection->reply_packets,
                   &connection->reply_bytes);
    return true;
}

bool fl_conntrack_decode(const void *message, size_t n_bytes, struct fl_connection *connection)
{
    const struct nlmsghdr *header = message;
    struct attrs attrs;

    if (n_bytes > INT32_MAX || !mnl_nlmsg_ok(header, (int)n_bytes) ||
        mnl_nlmsg_get_payload_len(header) < sizeof(struct nfgenmsg) ||
        NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_CTNETLINK ||
        NFNL_MSG_TYPE(header->nlmsg_type) != IPCTNL_MSG_CT_NEW) {
        return false;
    }
    memset(&attrs, 0, sizeof attrs);
    mnl_attr_parse(header, sizeof(struct nfgenmsg), add, &attrs);
    return parse_entry(&attrs, connection);
}
