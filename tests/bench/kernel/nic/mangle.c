// SPDX-License-Identifier: GPL-2.0
#include "mangle.h"

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#define ETH FLOW_ACT_MANGLE_HDR_TYPE_ETH
#define IP4 FLOW_ACT_MANGLE_HDR_TYPE_IP4
#define IP6 FLOW_ACT_MANGLE_HDR_TYPE_IP6
#define TCP FLOW_ACT_MANGLE_HDR_TYPE_TCP
#define UDP FLOW_ACT_MANGLE_HDR_TYPE_UDP

#define IN_KEY(MEMBER) offsetof(struct flownic_key, MEMBER)

/* What can be rewritten: bytes of a header, and the same bytes of a key. */
static const struct span {
    enum flownic_action_kind kind;
    enum flow_action_mangle_base header;
    u32 first;
    u32 size;
    size_t in_key;
} spans[] = {
    { FLOWNIC_SET_ETH_DST, ETH, 0, 6, IN_KEY(eth_dst) },
    { FLOWNIC_SET_ETH_SRC, ETH, 6, 6, IN_KEY(eth_src) },
    { FLOWNIC_SET_TOS, IP4, 1, 1, IN_KEY(tos) },
    { FLOWNIC_SET_TTL, IP4, 8, 1, IN_KEY(ttl) },
    { FLOWNIC_SET_IPV4_SRC, IP4, 12, 4, IN_KEY(src) },
    { FLOWNIC_SET_IPV4_DST, IP4, 16, 4, IN_KEY(dst) },
    { FLOWNIC_SET_TTL, IP6, 7, 1, IN_KEY(ttl) },
    { FLOWNIC_SET_IPV6_SRC, IP6, 8, 16, IN_KEY(src) },
    { FLOWNIC_SET_IPV6_DST, IP6, 24, 16, IN_KEY(dst) },
    { FLOWNIC_SET_L4_SRC, TCP, 0, 2, IN_KEY(l4_src) },
    { FLOWNIC_SET_L4_DST, TCP, 2, 2, IN_KEY(l4_dst) },
    { FLOWNIC_SET_L4_SRC, UDP, 0, 2, IN_KEY(l4_src) },
    { FLOWNIC_SET_L4_DST, UDP, 2, 2, IN_KEY(l4_dst) },
};

static const struct span *span_of(const struct flownic_mangle *mangle, int byte)
{
    u32 position = mangle->offset + byte;
    int i;

    for (i = 0; i < ARRAY_SIZE(spans); i++) {
        if (spans[i].header == mangle->header && position >= spans[i].first &&
            position < spans[i].first + spans[i].size) {
            return &spans[i];
        }
    }
    return NULL;
}

static bool changes(const struct flownic_mangle *mangle, int byte)
{
    return ((const u8 *)&mangle->keep)[byte] != 0xff;
}

bool flownic_mangle_is(const struct flownic_action *action)
{
    return action->kind >= FLOWNIC_SET_ETH_DST;
}

u32 flownic_mangle_kinds(const struct flownic_action *action)
{
    u32 kinds = BIT(action->kind);
    int byte;

    if (!flownic_mangle_is(action)) {
        return kinds;
    }
    for (byte = 0; byte < sizeof(u32); byte++) {
        if (changes(&action->mangle, byte)) {
            kinds |= BIT(span_of(&action->mangle, byte)->kind);
        }
    }
    return kinds;
}

int flownic_mangle_translate(struct flownic_action *action, const struct flow_action_entry *entry,
                             const char **why)
{
    bool found = false;
    int byte;

    action->mangle.header = entry->mangle.htype;
    action->mangle.offset = entry->mangle.offset;
    action->mangle.keep = entry->mangle.mask;
    action->mangle.value = entry->mangle.val;
    for (byte = 0; byte < sizeof(u32); byte++) {
        const struct span *span;

        if (!changes(&action->mangle, byte)) {
            continue;
        }
        span = span_of(&action->mangle, byte);
        if (!span) {
            *why = KBUILD_MODNAME ": attempt to offload an unsupported field";
            return -EOPNOTSUPP;
        }
        if (!found) {
            action->kind = span->kind;
        }
        found = true;
    }
    if (!found) {
        *why = KBUILD_MODNAME ": pedit that changes nothing is not supported";
        return -EOPNOTSUPP;
    }
    return 0;
}

static bool has_header(const struct flownic_key *key, const struct flownic_layers *layers,
                       enum flow_action_mangle_base header)
{
    switch (header) {
    case ETH: return true;
    case IP4: return key->eth_type == htons(ETH_P_IP);
    case IP6: return key->eth_type == htons(ETH_P_IPV6);
    case TCP: return layers->transport && key->ip_proto == IPPROTO_TCP;
    case UDP: return layers->transport && key->ip_proto == IPPROTO_UDP;
    default: return false;
    }
}

void flownic_mangle_key(struct flownic_key *key, const struct flownic_mangle *mangle)
{
    const u8 *keep = (const u8 *)&mangle->keep;
    const u8 *value = (const u8 *)&mangle->value;
    /* A frame's key does not tell where its layers are, but that it has them. */
    const struct flownic_layers any = { .transport = 1 };
    int byte;

    if (!has_header(key, &any, mangle->header)) {
        return;
    }
    for (byte = 0; byte < sizeof(u32); byte++) {
        if (changes(mangle, byte)) {
            const struct span *span = span_of(mangle, byte);
            u8 *target = (u8 *)key + span->in_key + mangle->offset + byte - span->first;

            *target = (*target & keep[byte]) ^ value[byte];
        }
    }
}

/* Where the checksum of the transport header is; NULL if it has none, or is not whole. */
static __sum16 *l4_checksum(struct sk_buff *skb, const struct flownic_key *key, int transport)
{
    int offset;
    __sum16 *checksum;

    switch (key->ip_proto) {
    case IPPROTO_TCP: offset = transport + offsetof(struct tcphdr, check); break;
    case IPPROTO_UDP: offset = transport + offsetof(struct udphdr, check); break;
    case IPPROTO_ICMPV6: offset = transport + 2; break;
    default: return NULL;
    }
    if (!transport || offset + (int)sizeof(*checksum) > skb_headlen(skb)) {
        return NULL;
    }
    checksum = (__sum16 *)(skb->data + offset);
    /* A UDP datagram may have none. */
    if (key->ip_proto == IPPROTO_UDP && !*checksum && skb->ip_summed != CHECKSUM_PARTIAL) {
        return NULL;
    }
    return checksum;
}

static void fix_l4_checksum(struct sk_buff *skb, const struct flownic_key *key, int transport,
                            __be32 old, __be32 new, bool pseudo)
{
    __sum16 *checksum = l4_checksum(skb, key, transport);

    if (!checksum) {
        return;
    }
    inet_proto_csum_replace4(checksum, skb, old, new, pseudo);
    if (key->ip_proto == IPPROTO_UDP && !*checksum) {
        *checksum = CSUM_MANGLED_0;
    }
}

static void fix_checksums(struct sk_buff *skb, const struct flownic_key *key,
                          const struct flownic_layers *layers, const struct flownic_mangle *mangle,
                          __be32 old, __be32 new)
{
    struct iphdr *ip;

    switch (mangle->header) {
    case IP4:
        ip = (struct iphdr *)(skb->data + layers->network);
        if (mangle->offset == 8) {
            /* The checksum itself is in this word, and not part of the sum. */
            old &= htonl(0xffff0000);
            new &= htonl(0xffff0000);
        }
        csum_replace4(&ip->check, old, new);
        if (mangle->offset >= offsetof(struct iphdr, saddr)) {
            fix_l4_checksum(skb, key, layers->transport, old, new, true);
        }
        break;
    case IP6:
        if (mangle->offset >= offsetof(struct ipv6hdr, saddr)) {
            fix_l4_checksum(skb, key, layers->transport, old, new, true);
        }
        break;
    case TCP:
    case UDP: fix_l4_checksum(skb, key, layers->transport, old, new, false); break;
    default: break;
    }
}

int flownic_mangle_frame(struct sk_buff *skb, const struct flownic_mangle *mangle)
{
    struct flownic_layers layers;
    struct flownic_key key;
    int start, need;
    __be32 old, new;
    u32 word;

    flownic_key_read(skb, &key, &layers);
    if (!has_header(&key, &layers, mangle->header)) {
        return 0;
    }
    start = mangle->header == ETH                            ? 0
            : mangle->header == IP4 || mangle->header == IP6 ? layers.network
                                                             : layers.transport;
    need = max(start + (int)mangle->offset + 4,
               layers.transport ? layers.transport + (int)sizeof(struct tcphdr) : 0);
    if (skb_ensure_writable(skb, min_t(int, need, skb->len))) {
        return -ENOMEM;
    }
    if (start + mangle->offset + 4 > skb_headlen(skb)) {
        return 0;
    }
    memcpy(&word, skb->data + start + mangle->offset, sizeof(word));
    old = (__force __be32)word;
    word = (word & mangle->keep) ^ mangle->value;
    new = (__force __be32)word;
    memcpy(skb->data + start + mangle->offset, &word, sizeof(word));
    fix_checksums(skb, &key, &layers, mangle, old, new);
    return 0;
}
