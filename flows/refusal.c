/* SPDX-License-Identifier: Apache-2.0 */

/* See refusal.h. */

#include "flows/refusal.h"

#include <errno.h>
#include <ovs/util.h>
#include <string.h>

struct words {
    const char *part; /* of the text, any case */
    enum fl_cause_id id;
};

/*
 * The first that fits is taken: special words before general ones. Without a name: mlx5 of Linux 6.1
 * (en_tc.c, en/tc_ct.c, en/tc_tun.c).
 */
static const struct words driver_words[] = {
    { "driver is in safe mode", FL_CAUSE_NIC_SAFE_MODE }, /* ice */
    { "not on same switch", FL_CAUSE_OTHER_ESWITCH },
    { "already exist", FL_CAUSE_NIC_CONFLICT },                       /* ice */
    { "offload is disabled on net device", FL_CAUSE_TC_OFFLOAD_OFF }, /* Linux 6.1 net/pkt_cls.h */
    { "no free police", FL_CAUSE_NIC_RESOURCE },                      /* OVS */
    { "no space left", FL_CAUSE_TABLE_FULL },
    { "table is full", FL_CAUSE_TABLE_FULL },
    { "no more room", FL_CAUSE_TABLE_FULL },
    /* connection tracking */
    { "ct_state", FL_CAUSE_NIC_CONNTRACK },
    { "ct_label", FL_CAUSE_NIC_CONNTRACK },
    { "ct_mark", FL_CAUSE_NIC_CONNTRACK },
    { "ct_zone", FL_CAUSE_NIC_CONNTRACK },
    { "ct clear", FL_CAUSE_NIC_CONNTRACK },
    { "action ct", FL_CAUSE_NIC_CONNTRACK },
    { "ct action", FL_CAUSE_NIC_CONNTRACK },
    { "clear ct", FL_CAUSE_NIC_CONNTRACK },
    { "ct()", FL_CAUSE_NIC_CONNTRACK },
    { "of ct ", FL_CAUSE_NIC_CONNTRACK },
    { "ct entry", FL_CAUSE_NIC_CONNTRACK },
    { "connection tracking", FL_CAUSE_NIC_CONNTRACK },
    { "conntrack", FL_CAUSE_NIC_CONNTRACK },
    /* tunnels; "VF tunnel encap with mirroring" is one of them */
    { "tunnel", FL_CAUSE_NIC_TUNNEL },
    { "encap", FL_CAUSE_NIC_TUNNEL },
    { "decap", FL_CAUSE_NIC_TUNNEL },
    { "reformat", FL_CAUSE_NIC_TUNNEL },
    { "vxlan", FL_CAUSE_NIC_TUNNEL },
    { "geneve", FL_CAUSE_NIC_TUNNEL },
    { "neighbor", FL_CAUSE_NIC_TUNNEL }, /* bnxt */
    /* where to */
    { "output port", FL_CAUSE_NIC_OUTPUT },
    { "offload forwarding", FL_CAUSE_NIC_OUTPUT },
    { "duplicate output", FL_CAUSE_NIC_OUTPUT },
    { "can't forward from", FL_CAUSE_NIC_OUTPUT },
    { "forward/drop action", FL_CAUSE_NIC_OUTPUT },
    { "both uplink", FL_CAUSE_NIC_OUTPUT },
    { "mirroring", FL_CAUSE_NIC_OUTPUT },
    { "unsupported netdevice", FL_CAUSE_NIC_OUTPUT }, /* ice */
    { "is not pf-if", FL_CAUSE_NIC_OUTPUT },          /* bnxt */
    { "out port is", FL_CAUSE_NIC_OUTPUT },           /* nfp */
    { "unknown port", FL_CAUSE_NIC_OUTPUT },
    { "port id", FL_CAUSE_NIC_OUTPUT },
    /* chains */
    { "goto", FL_CAUSE_NIC_CHAIN },
    { "chain", FL_CAUSE_NIC_CHAIN },
    { "priority is out of", FL_CAUSE_NIC_CHAIN },
    { "jump", FL_CAUSE_NIC_CHAIN },
    /* something it has not enough of */
    { "too many", FL_CAUSE_NIC_RESOURCE },
    { "max action list", FL_CAUSE_NIC_RESOURCE }, /* nfp */
    { "out of resources", FL_CAUSE_NIC_RESOURCE },
    { "no resources", FL_CAUSE_NIC_RESOURCE },
    /* what is matched */
    { "unsupported key", FL_CAUSE_NIC_MATCH },
    { "matching on", FL_CAUSE_NIC_MATCH },
    { "match on", FL_CAUSE_NIC_MATCH },
    { "l4 matching", FL_CAUSE_NIC_MATCH },
    { "min inline", FL_CAUSE_NIC_MATCH },
    { "non-tcp/udp", FL_CAUSE_NIC_MATCH }, /* bnxt */
    { "protocol match", FL_CAUSE_NIC_MATCH },
    { "partial mask", FL_CAUSE_NIC_MATCH }, /* OVS-DPDK */
    { "unsupported mask", FL_CAUSE_NIC_MATCH },
    { "ingress ifindex", FL_CAUSE_NIC_MATCH },
    { "match field", FL_CAUSE_NIC_MATCH },
    { "item", FL_CAUSE_NIC_MATCH }, /* rte_flow */
    /* what is done */
    { "re-write", FL_CAUSE_NIC_ACTION },
    { "rewrite", FL_CAUSE_NIC_ACTION },
    { "modify header", FL_CAUSE_NIC_ACTION },
    { "modification", FL_CAUSE_NIC_ACTION },
    { "pedit", FL_CAUSE_NIC_ACTION },
    { "set and add", FL_CAUSE_NIC_ACTION },
    { "changing vlan", FL_CAUSE_NIC_ACTION },
    { "unsupported field", FL_CAUSE_NIC_ACTION },
    { "statistics", FL_CAUSE_NIC_ACTION },
    { "hw stats", FL_CAUSE_NIC_ACTION },
    { "action", FL_CAUSE_NIC_ACTION },
    { "set field", FL_CAUSE_NIC_ACTION },
};

/* Where the line names its device. */
enum where {
    NOWHERE,
    BEFORE, /* "DEVICE: ..." */
    AFTER,  /* the word that follows @part */
    LAST,   /* "...: DEVICE" */
};

struct log_words {
    const char *part;
    enum fl_cause_id id;
    enum where where;
};

/* Of a flow that was offered. */
static const struct log_words refused_words[] = {
    { "failed to offload flow: No such file or directory: ", FL_CAUSE_QDISC_LOST, LAST },
    { "failed to offload flow: No space left on device: ", FL_CAUSE_TABLE_FULL, LAST },
    { "failed to offload flow: Resource temporarily unavailable: ", FL_CAUSE_NIC_BUSY, LAST },
    { "failed to offload flow: Device or resource busy: ", FL_CAUSE_NIC_BUSY, LAST },
    { "failed to offload flow: File exists: ", FL_CAUSE_NIC_CONFLICT, LAST },
    { "failed to offload flow: ", FL_CAUSE_REFUSED, LAST },
    { "recirc_id sharing not supported", FL_CAUSE_NO_TC_RECIRC, NOWHERE },
    { "couldn't get tc prio: ", FL_CAUSE_TC_PRIO, NOWHERE },
};

static const struct log_words log_words[] = {
    { "No suitable flow API found", FL_CAUSE_NO_FLOW_API, BEFORE },
    { "failed adding ingress qdisc required for offloading on ", FL_CAUSE_QDISC_LOST, AFTER },
    { "failed to bind LAG member ", FL_CAUSE_BOND, AFTER },
    { "datapath reached the dynamic limit of ", FL_CAUSE_FLOW_LIMIT, NOWHERE },
    { "twice as high as current dynamic flow limit", FL_CAUSE_FLOW_LIMIT, NOWHERE },
    /* What Open vSwitch does not offer; most of it at debug level. */
    { "cannot be offloaded.", FL_CAUSE_NO_PORT_OFFLOAD, BEFORE },
    { "Can't find netdev for output port", FL_CAUSE_NO_PORT_OFFLOAD, NOWHERE },
    { "Can't find ifindex for output port", FL_CAUSE_NO_PORT_OFFLOAD, NOWHERE },
    { "Flow API provider mismatch between ingress", FL_CAUSE_NO_PORT_OFFLOAD, NOWHERE },
    { "flow_put: failed to get ifindex for ", FL_CAUSE_NO_PORT_OFFLOAD, AFTER },
    { "offloading of IPv6 fragments isn't supported", FL_CAUSE_FRAGMENTS, NOWHERE },
    { "offloading attribute ", FL_CAUSE_MATCH, NOWHERE },
    { "offloading isn't supported, unknown attribute", FL_CAUSE_MATCH, NOWHERE },
    { "Partial mask is not supported", FL_CAUSE_MATCH, NOWHERE },
    { "Can only support ", FL_CAUSE_ACTION, NOWHERE },
    { "unsupported put action type", FL_CAUSE_ACTION, NOWHERE },
    { "unsupported set action type", FL_CAUSE_ACTION, NOWHERE },
    { "unsupported sub attribute of set action", FL_CAUSE_ACTION, NOWHERE },
    { "unsupported tunnel key attribute", FL_CAUSE_ACTION, NOWHERE },
    { "reached too many pedit offsets", FL_CAUSE_ACTION, NOWHERE },
    { "Unsupported action type", FL_CAUSE_ACTION, NOWHERE },
    { " set action", FL_CAUSE_ACTION, NOWHERE },
    { "No free police index for meter id", FL_CAUSE_METER, NOWHERE },
    { "non-existing goto chain action", FL_CAUSE_RECIRCULATION, NOWHERE },
};

/* "p0: rte_flow creation failed: 16 (TEXT)." or, since 3.5, "... failed [16 (TEXT)]: ..." */
#define RTE_FLOW_FAILED "rte_flow creation failed"

static const struct {
    int error;
    enum fl_cause_id id;
} errnos[] = {
    { ENOSPC, FL_CAUSE_TABLE_FULL }, { EAGAIN, FL_CAUSE_NIC_BUSY },
    { EBUSY, FL_CAUSE_NIC_BUSY },    { EEXIST, FL_CAUSE_NIC_CONFLICT },
    { ENOENT, FL_CAUSE_QDISC_LOST }, { ENETUNREACH, FL_CAUSE_NIC_TUNNEL },
};

/* Return: FL_N_CAUSES when no words fit. */
static enum fl_cause_id find_words(const struct words *words, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasestr(text, words[i].part)) {
            return words[i].id;
        }
    }
    return FL_N_CAUSES;
}

enum fl_cause_id fl_refusal_cause(int error, const char *text)
{
    enum fl_cause_id id = text ? find_words(driver_words, ARRAY_SIZE(driver_words), text)
                               : FL_N_CAUSES;

    for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
        if (errnos[i].error == abs(error)) {
            return errnos[i].id;
        }
    }
    return id == FL_N_CAUSES ? FL_CAUSE_REFUSED : id;
}

enum fl_cause_id fl_refusal_cause_of_part(int error, const char *text, enum fl_cause_id of_part)
{
    enum fl_cause_id id = fl_refusal_cause(error, text);
    bool is_vague = id == FL_CAUSE_REFUSED || id == FL_CAUSE_NIC_MATCH ||
                    id == FL_CAUSE_NIC_ACTION ||
                    (id == FL_CAUSE_NIC_OUTPUT && of_part == FL_CAUSE_MULTI_OUTPUT);

    return is_vague ? of_part : id;
}

/* Of modules that have a say in offloads; OVS 3.6 calls some of them dpif_offload*. */
static bool is_of_offload(const char *module, size_t n)
{
    static const char *const modules[] = {
        "netdev_offload", "dpif_offload", "dpif_netlink",
        "netdev_linux",   "tc",           "ofproto_dpif_upcall"
    };

    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        size_t length = strlen(modules[i]);

        if (n >= length && !memcmp(module, modules[i], length)) {
            return true;
        }
    }
    return false;
}

/* "2026-...Z|00042|netdev_offload_dpdk(pmd)|WARN|TEXT" -> "TEXT"; NULL for other modules' */
static const char *message_of(const char *line)
{
    const char *parts[5] = { line };

    for (size_t i = 1; i < ARRAY_SIZE(parts); i++) {
        const char *bar = strchr(parts[i - 1], '|');

        if (!bar) {
            return NULL;
        }
        parts[i] = bar + 1;
    }
    return is_of_offload(parts[2], (size_t)(parts[3] - parts[2]) - 1) ? parts[4] : NULL;
}

static void copy_device(const char *start, size_t n, char device[FL_REFUSAL_DEVICE_BYTES])
{
    if (n < FL_REFUSAL_DEVICE_BYTES) {
        ovs_strzcpy(device, "", FL_REFUSAL_DEVICE_BYTES);
        memcpy(device, start, n);
    }
}

static void find_device(const char *message, const char *after, enum where where,
                        char device[FL_REFUSAL_DEVICE_BYTES])
{
    const char *last = strrchr(message, ':');
    size_t before = strcspn(message, ": ");

    device[0] = '\0';
    if (where == AFTER) {
        copy_device(after, strcspn(after, ": "), device);
    } else if (where == LAST && last && last[1] == ' ') {
        copy_device(last + 2, strcspn(last + 2, " "), device);
    } else if (where == BEFORE && message[before] == ':') {
        copy_device(message, before, device);
    }
}

static bool take_rte_flow(const char *message, struct fl_cause *cause,
                          char device[FL_REFUSAL_DEVICE_BYTES])
{
    const char *failed = strstr(message, RTE_FLOW_FAILED);

    if (!failed) {
        return false;
    }
    cause->id = fl_refusal_cause(0, failed + strlen(RTE_FLOW_FAILED));
    find_device(message, NULL, BEFORE, device);
    return true;
}

/* Return: NULL when no words fit. */
static const struct log_words *find_log_words(const struct log_words *words, size_t n,
                                              const char *message)
{
    for (size_t i = 0; i < n; i++) {
        if (strstr(message, words[i].part)) {
            return &words[i];
        }
    }
    return NULL;
}

static const struct log_words *find_refused(const char *message)
{
    return find_log_words(refused_words, ARRAY_SIZE(refused_words), message);
}

static bool take_words(const char *message, struct fl_cause *cause,
                       char device[FL_REFUSAL_DEVICE_BYTES])
{
    const struct log_words *words = find_refused(message);

    words = words ? words : find_log_words(log_words, ARRAY_SIZE(log_words), message);
    if (!words) {
        return false;
    }
    cause->id = words->id;
    find_device(message, strstr(message, words->part) + strlen(words->part), words->where, device);
    return true;
}

bool fl_refusal_of_log(const char *line, struct fl_cause *cause,
                       char device[FL_REFUSAL_DEVICE_BYTES])
{
    const char *message = message_of(line);

    if (!message ||
        (!take_rte_flow(message, cause, device) && !take_words(message, cause, device))) {
        return false;
    }
    cause->may_be = false;
    ovs_strlcpy(cause->detail, message, sizeof cause->detail);
    return true;
}

const char *fl_refusal_message(const char *line)
{
    const char *message = message_of(line);
    bool is_refusal = message && (strstr(message, RTE_FLOW_FAILED) || find_refused(message));

    return is_refusal ? message : NULL;
}
