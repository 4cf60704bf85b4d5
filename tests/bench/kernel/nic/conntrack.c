// SPDX-License-Identifier: GPL-2.0
#include "conntrack.h"

#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_flow_table.h>
#include <net/pkt_cls.h>
#include <uapi/linux/tc_act/tc_ct.h>

#define BUCKET_BITS 10
#define ENDS        htons(0x0005) /* FIN, RST: conntrack in software has to see them */

/* One direction of a connection. */
struct tuple {
    struct in6_addr src;
    struct in6_addr dst;
    __be16 sport;
    __be16 dport;
    __be16 eth_type;
    u8 proto;
    u8 unused;
};

struct flownic_connection {
    struct hlist_node in_zone; /* RCU */
    struct rcu_head rcu;
    unsigned long cookie;
    struct tuple tuple;
    bool is_original;
    u32 mark;
    atomic64_t packets;
    atomic64_t bytes;
    unsigned long last_used;
};

struct flownic_ct_zone {
    struct list_head in_zones;
    struct rcu_head rcu;
    struct nf_flowtable *table;
    u16 number;
    unsigned int n_users;
    struct mutex lock; /* of who changes connections */
    struct hlist_head connections[1 << BUCKET_BITS];
};

/* Taken before a flow table's flow_block_lock; a zone's lock is taken with that one held. */
static DEFINE_MUTEX(zones_lock);
static LIST_HEAD(zones);

static struct tuple tuple_of(const struct flownic_key *key)
{
    struct tuple tuple = {
        .src = key->src,
        .dst = key->dst,
        .sport = key->l4_src,
        .dport = key->l4_dst,
        .eth_type = key->eth_type,
        .proto = key->ip_proto,
    };

    return tuple;
}

static u32 bucket_of(const struct tuple *tuple)
{
    static_assert(sizeof(*tuple) % sizeof(u32) == 0);
    return hash_32(jhash2((const u32 *)tuple, sizeof(*tuple) / sizeof(u32), 0), BUCKET_BITS);
}

bool flownic_ct_restore(const struct flownic_ct_zone *zone, struct flownic_key *key,
                        struct flownic_connection **connection)
{
    struct tuple tuple = tuple_of(key);
    struct flownic_connection *each;

    key->ct_state = 0;
    key->ct_zone = 0;
    key->ct_mark = 0;
    if (!zone) {
        return true;
    }
    if (key->frag || (key->ip_proto == IPPROTO_TCP && (key->tcp_flags & ENDS))) {
        return false;
    }
    hlist_for_each_entry_rcu(each, &zone->connections[bucket_of(&tuple)], in_zone) {
        if (memcmp(&each->tuple, &tuple, sizeof(tuple))) {
            continue;
        }
        key->ct_state = TCA_FLOWER_KEY_CT_FLAGS_TRACKED | TCA_FLOWER_KEY_CT_FLAGS_ESTABLISHED;
        if (!each->is_original) {
            key->ct_state |= TCA_FLOWER_KEY_CT_FLAGS_REPLY;
        }
        key->ct_zone = zone->number;
        key->ct_mark = each->mark;
        *connection = each;
        return true;
    }
    return false;
}

void flownic_ct_count(struct flownic_connection *connection, struct flownic_size size)
{
    if (connection) {
        atomic64_add((s64)size.packets, &connection->packets);
        atomic64_add((s64)size.bytes, &connection->bytes);
        WRITE_ONCE(connection->last_used, jiffies);
    }
}

static int translate_tuple(struct tuple *tuple, struct flow_rule *rule)
{
    struct flow_match_control control;
    struct flow_match_basic basic;
    struct flow_match_ports ports;

    if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CONTROL) ||
        !flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC) ||
        !flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS)) {
        return -EOPNOTSUPP;
    }
    flow_rule_match_control(rule, &control);
    flow_rule_match_basic(rule, &basic);
    flow_rule_match_ports(rule, &ports);
    tuple->proto = basic.key->ip_proto;
    tuple->sport = ports.key->src;
    tuple->dport = ports.key->dst;
    if (control.key->addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS) {
        struct flow_match_ipv4_addrs addresses;

        flow_rule_match_ipv4_addrs(rule, &addresses);
        tuple->eth_type = htons(ETH_P_IP);
        tuple->src.s6_addr32[0] = addresses.key->src;
        tuple->dst.s6_addr32[0] = addresses.key->dst;
        return 0;
    }
    if (control.key->addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS) {
        struct flow_match_ipv6_addrs addresses;

        flow_rule_match_ipv6_addrs(rule, &addresses);
        tuple->eth_type = htons(ETH_P_IPV6);
        tuple->src = addresses.key->src;
        tuple->dst = addresses.key->dst;
        return 0;
    }
    return -EOPNOTSUPP;
}

/* NAT would come as further entries: it is not for this hardware. */
static int translate_connection(struct flownic_connection *connection, struct flow_rule *rule)
{
    const struct flow_action_entry *entry;
    int i;

    flow_action_for_each(i, entry, &rule->action) {
        if (entry->id != FLOW_ACTION_CT_METADATA ||
            memchr_inv(entry->ct_metadata.labels, 0, sizeof(entry->ct_metadata.labels))) {
            return -EOPNOTSUPP;
        }
        connection->is_original = entry->ct_metadata.orig_dir;
        connection->mark = entry->ct_metadata.mark;
    }
    return translate_tuple(&connection->tuple, rule);
}

static int add(struct flownic_ct_zone *zone, struct flow_cls_offload *cls)
{
    struct flownic_connection *connection = kzalloc(sizeof(*connection), GFP_KERNEL);
    int error;

    if (!connection) {
        return -ENOMEM;
    }
    connection->cookie = cls->cookie;
    connection->last_used = jiffies;
    error = translate_connection(connection, cls->rule);
    if (error) {
        kfree(connection);
        return error;
    }
    hlist_add_head_rcu(&connection->in_zone, &zone->connections[bucket_of(&connection->tuple)]);
    return 0;
}

static struct flownic_connection *find(struct flownic_ct_zone *zone, unsigned long cookie)
{
    struct flownic_connection *connection;
    int i;

    for (i = 0; i < ARRAY_SIZE(zone->connections); i++) {
        hlist_for_each_entry(connection, &zone->connections[i], in_zone) {
            if (connection->cookie == cookie) {
                return connection;
            }
        }
    }
    return NULL;
}

static int serve(struct flownic_ct_zone *zone, struct flow_cls_offload *cls)
{
    struct flownic_connection *connection;

    if (cls->command == FLOW_CLS_REPLACE) {
        return add(zone, cls);
    }
    connection = find(zone, cls->cookie);
    if (!connection) {
        return -ENOENT;
    }
    switch (cls->command) {
    case FLOW_CLS_DESTROY:
        hlist_del_rcu(&connection->in_zone);
        kfree_rcu(connection, rcu);
        return 0;
    case FLOW_CLS_STATS:
        flow_stats_update(&cls->stats, (u64)atomic64_xchg(&connection->bytes, 0),
                          (u64)atomic64_xchg(&connection->packets, 0), 0,
                          READ_ONCE(connection->last_used), FLOW_ACTION_HW_STATS_DELAYED);
        return 0;
    default: return -EOPNOTSUPP;
    }
}

static int flow_table_callback(enum tc_setup_type type, void *data, void *context)
{
    struct flownic_ct_zone *zone = context;
    int error;

    if (type != TC_SETUP_CLSFLOWER) {
        return -EOPNOTSUPP;
    }
    mutex_lock(&zone->lock);
    error = serve(zone, data);
    mutex_unlock(&zone->lock);
    return error;
}

/* zones_lock is held. Return: NULL if there is no memory. */
static struct flownic_ct_zone *zone_get(struct nf_flowtable *table, u16 number)
{
    struct flownic_ct_zone *zone;

    list_for_each_entry(zone, &zones, in_zones) {
        if (zone->table == table) {
            zone->n_users++;
            return zone;
        }
    }
    zone = kzalloc(sizeof(*zone), GFP_KERNEL);
    if (!zone) {
        return NULL;
    }
    mutex_init(&zone->lock);
    zone->table = table;
    zone->number = number;
    zone->n_users = 1;
    if (nf_flow_table_offload_add_cb(table, flow_table_callback, zone)) {
        kfree(zone);
        return NULL;
    }
    list_add(&zone->in_zones, &zones);
    return zone;
}

static void free_connections(struct flownic_ct_zone *zone)
{
    struct flownic_connection *connection;
    struct hlist_node *next;
    int i;

    for (i = 0; i < ARRAY_SIZE(zone->connections); i++) {
        hlist_for_each_entry_safe(connection, next, &zone->connections[i], in_zone) {
            hlist_del_rcu(&connection->in_zone);
            kfree_rcu(connection, rcu);
        }
    }
}

void flownic_ct_zone_put(struct flownic_ct_zone *zone)
{
    if (!zone) {
        return;
    }
    mutex_lock(&zones_lock);
    if (!--zone->n_users) {
        list_del(&zone->in_zones);
        nf_flow_table_offload_del_cb(zone->table, flow_table_callback, zone);
        free_connections(zone);
        kfree_rcu(zone, rcu);
    }
    mutex_unlock(&zones_lock);
}

int flownic_ct_translate(const struct flow_action_entry *entry, struct flownic_ct_zone **zone,
                         const char **why)
{
    *zone = NULL;
    if (entry->ct.action & TCA_CT_ACT_CLEAR) {
        return 0;
    }
    if (entry->ct.action & TCA_CT_ACT_NAT) {
        *why = KBUILD_MODNAME ": The offload action ct nat is not supported";
        return -EOPNOTSUPP;
    }
    if (entry->ct.action & TCA_CT_ACT_COMMIT) {
        *why = KBUILD_MODNAME ": The offload action ct commit is not supported";
        return -EOPNOTSUPP;
    }
    mutex_lock(&zones_lock);
    *zone = zone_get(entry->ct.flow_table, entry->ct.zone);
    mutex_unlock(&zones_lock);
    if (!*zone) {
        *why = KBUILD_MODNAME ": Failed to register with the ct flow table";
        return -EOPNOTSUPP;
    }
    return 0;
}

static void print_connection(struct seq_file *seq, const struct flownic_ct_zone *zone,
                             const struct flownic_connection *connection)
{
    const struct tuple *tuple = &connection->tuple;
    const char *direction = connection->is_original ? "original" : "reply";

    seq_printf(seq, "zone %u proto %u ", zone->number, tuple->proto);
    if (tuple->eth_type == htons(ETH_P_IP)) {
        seq_printf(seq, "%pI4:%u > %pI4:%u", &tuple->src, ntohs(tuple->sport), &tuple->dst,
                   ntohs(tuple->dport));
    } else {
        seq_printf(seq, "[%pI6c]:%u > [%pI6c]:%u", &tuple->src, ntohs(tuple->sport), &tuple->dst,
                   ntohs(tuple->dport));
    }
    seq_printf(seq, " %s\n", direction);
}

void flownic_ct_print(struct seq_file *seq)
{
    struct flownic_connection *connection;
    struct flownic_ct_zone *zone;
    int i;

    mutex_lock(&zones_lock);
    list_for_each_entry(zone, &zones, in_zones) {
        mutex_lock(&zone->lock);
        for (i = 0; i < ARRAY_SIZE(zone->connections); i++) {
            hlist_for_each_entry(connection, &zone->connections[i], in_zone) {
                print_connection(seq, zone, connection);
            }
        }
        mutex_unlock(&zone->lock);
    }
    mutex_unlock(&zones_lock);
}
