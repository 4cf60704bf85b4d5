/* SPDX-License-Identifier: Apache-2.0 */
#include "actions.h"

#include <stdio.h>
#include <string.h>

#include "frame_key.h"

#define IP_PROTO_TCP 6
#define IP_PROTO_UDP 17

static const char *const action_names[FLOWNIC_N_ACTION_TYPES] = {
    [FLOWNIC_ACTION_PORT] = "port",
    [FLOWNIC_ACTION_DROP] = "drop",
    [FLOWNIC_ACTION_MARK] = "mark",
    [FLOWNIC_ACTION_PUSH_VLAN] = "push-vlan",
    [FLOWNIC_ACTION_SET_VLAN_VID] = "set-vlan-vid",
    [FLOWNIC_ACTION_SET_VLAN_PCP] = "set-vlan-pcp",
    [FLOWNIC_ACTION_POP_VLAN] = "pop-vlan",
    [FLOWNIC_ACTION_SET_ETH_SRC] = "set-eth-src",
    [FLOWNIC_ACTION_SET_ETH_DST] = "set-eth-dst",
    [FLOWNIC_ACTION_SET_IPV4_SRC] = "set-ipv4-src",
    [FLOWNIC_ACTION_SET_IPV4_DST] = "set-ipv4-dst",
    [FLOWNIC_ACTION_SET_TTL] = "set-ttl",
    [FLOWNIC_ACTION_SET_L4_SRC] = "set-l4-src",
    [FLOWNIC_ACTION_SET_L4_DST] = "set-l4-dst",
};

const char *flownic_action_name(enum flownic_action_type type)
{
    return action_names[type];
}

int flownic_action_find(const char *name)
{
    for (int i = 0; i < FLOWNIC_N_ACTION_TYPES; i++) {
        if (!strcmp(action_names[i], name)) {
            return i;
        }
    }
    return -1;
}

static void push_vlan(struct flownic_frame *frame, uint32_t tpid)
{
    frame->data -= FLOWNIC_VLAN_TAG_BYTES;
    frame->bytes += FLOWNIC_VLAN_TAG_BYTES;
    memmove(frame->data, frame->data + FLOWNIC_VLAN_TAG_BYTES, 12);
    frame->data[12] = (uint8_t)(tpid >> 8);
    frame->data[13] = (uint8_t)tpid;
    frame->data[14] = 0;
    frame->data[15] = 0;
}

static void pop_vlan(struct flownic_frame *frame)
{
    memmove(frame->data + FLOWNIC_VLAN_TAG_BYTES, frame->data, 12);
    frame->data += FLOWNIC_VLAN_TAG_BYTES;
    frame->bytes -= FLOWNIC_VLAN_TAG_BYTES;
}

/* RFC 1624, equation 3: replace 16-bit words that a checksum covers. */
static void checksum_replace(uint8_t *checksum, const uint8_t *old_bytes, const uint8_t *new_bytes,
                             size_t n)
{
    uint32_t sum = (uint16_t) ~(checksum[0] << 8 | checksum[1]);

    for (size_t i = 0; i + 1 < n; i += 2) {
        sum += (uint16_t) ~(old_bytes[i] << 8 | old_bytes[i + 1]);
        sum += (uint32_t)(new_bytes[i] << 8 | new_bytes[i + 1]);
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum = ~sum & 0xffff;
    checksum[0] = (uint8_t)(sum >> 8);
    checksum[1] = (uint8_t)sum;
}

/* The checksum of the frame's TCP or UDP header, or NULL if there is none to keep. */
static uint8_t *l4_checksum(struct flownic_frame *frame, const struct flownic_key *key,
                            const struct flownic_layers *layers)
{
    size_t offset = key->ip_proto == IP_PROTO_TCP ? 16 : 6;
    uint8_t *checksum = frame->data + layers->l4 + offset;

    if (!layers->l4 || layers->l4 + offset + 2 > frame->bytes ||
        (key->ip_proto != IP_PROTO_TCP && key->ip_proto != IP_PROTO_UDP)) {
        return NULL;
    }
    if (key->ip_proto == IP_PROTO_UDP && !checksum[0] && !checksum[1]) {
        return NULL;
    }
    return checksum;
}

static void set_ipv4_bytes(struct flownic_frame *frame, size_t offset, const uint8_t *bytes,
                           size_t n, bool in_pseudo_header)
{
    struct flownic_layers layers;
    struct flownic_key key;
    uint8_t old_bytes[4];
    uint8_t *checksum, *ip;

    flownic_key_extract(frame->data, frame->bytes, &key, &layers);
    if (key.eth_type[0] != 0x08 || key.eth_type[1] || layers.l3 + 20 > frame->bytes) {
        return;
    }
    ip = frame->data + layers.l3;
    memcpy(old_bytes, ip + offset, n);
    memcpy(ip + offset, bytes, n);
    checksum_replace(ip + 10, old_bytes, bytes, n);
    checksum = in_pseudo_header ? l4_checksum(frame, &key, &layers) : NULL;
    if (checksum) {
        checksum_replace(checksum, old_bytes, bytes, n);
    }
}

static void set_ttl(struct flownic_frame *frame, uint8_t ttl)
{
    struct flownic_layers layers;
    struct flownic_key key;
    uint8_t ttl_and_proto[2];

    flownic_key_extract(frame->data, frame->bytes, &key, &layers);
    ttl_and_proto[0] = ttl;
    ttl_and_proto[1] = key.ip_proto;
    set_ipv4_bytes(frame, 8, ttl_and_proto, 2, false);
}

static void set_l4_port(struct flownic_frame *frame, size_t offset, const uint8_t *port)
{
    struct flownic_layers layers;
    struct flownic_key key;
    uint8_t old_port[2];
    uint8_t *checksum;

    flownic_key_extract(frame->data, frame->bytes, &key, &layers);
    if (!layers.l4 || layers.l4 + 4 > frame->bytes) {
        return;
    }
    memcpy(old_port, frame->data + layers.l4 + offset, 2);
    memcpy(frame->data + layers.l4 + offset, port, 2);
    checksum = l4_checksum(frame, &key, &layers);
    if (checksum) {
        checksum_replace(checksum, old_port, port, 2);
    }
}

/* One rewrite. Rewrites of a tag on an untagged frame do nothing, as in hardware. */
static void rewrite(const struct flownic_action *action, struct flownic_frame *frame)
{
    struct flownic_layers layers = { 0 };
    struct flownic_key key;

    if (!flownic_key_extract(frame->data, frame->bytes, &key, &layers)) {
        return;
    }
    switch (action->type) {
    case FLOWNIC_ACTION_PUSH_VLAN: push_vlan(frame, action->number); break;
    case FLOWNIC_ACTION_POP_VLAN:
        if (layers.tagged) {
            pop_vlan(frame);
        }
        break;
    case FLOWNIC_ACTION_SET_VLAN_VID:
        if (layers.tagged) {
            frame->data[14] = (uint8_t)((frame->data[14] & 0xf0) | (action->number >> 8 & 0x0f));
            frame->data[15] = (uint8_t)action->number;
        }
        break;
    case FLOWNIC_ACTION_SET_VLAN_PCP:
        if (layers.tagged) {
            frame->data[14] = (uint8_t)((frame->data[14] & 0x1f) | action->number << 5);
        }
        break;
    case FLOWNIC_ACTION_SET_ETH_DST: memcpy(frame->data, action->bytes, 6); break;
    case FLOWNIC_ACTION_SET_ETH_SRC: memcpy(frame->data + 6, action->bytes, 6); break;
    case FLOWNIC_ACTION_SET_IPV4_SRC: set_ipv4_bytes(frame, 12, action->bytes, 4, true); break;
    case FLOWNIC_ACTION_SET_IPV4_DST: set_ipv4_bytes(frame, 16, action->bytes, 4, true); break;
    case FLOWNIC_ACTION_SET_TTL: set_ttl(frame, (uint8_t)action->number); break;
    case FLOWNIC_ACTION_SET_L4_SRC: set_l4_port(frame, 0, action->bytes); break;
    case FLOWNIC_ACTION_SET_L4_DST: set_l4_port(frame, 2, action->bytes); break;
    case FLOWNIC_ACTION_PORT:
    case FLOWNIC_ACTION_DROP:
    case FLOWNIC_ACTION_MARK:
    case FLOWNIC_N_ACTION_TYPES:
    default: break;
    }
}

void flownic_actions_run(const struct flownic_action *actions, size_t n_actions,
                         struct flownic_frame *frame, const struct flownic_output_sink *sink)
{
    for (size_t i = 0; i < n_actions; i++) {
        if (actions[i].type == FLOWNIC_ACTION_PORT) {
            sink->output(sink->context, actions[i].number, frame);
        } else {
            rewrite(&actions[i], frame);
        }
    }
}

static int format_one(const struct flownic_action *action, char *text, size_t size)
{
    const uint8_t *b = action->bytes;
    const char *name = flownic_action_name(action->type);

    switch (action->type) {
    case FLOWNIC_ACTION_PORT:
    case FLOWNIC_ACTION_MARK:
    case FLOWNIC_ACTION_SET_VLAN_VID:
    case FLOWNIC_ACTION_SET_VLAN_PCP:
    case FLOWNIC_ACTION_SET_TTL: return snprintf(text, size, "%s:%u", name, action->number);
    case FLOWNIC_ACTION_SET_ETH_SRC:
    case FLOWNIC_ACTION_SET_ETH_DST:
        return snprintf(text, size, "%s:%02x%02x%02x%02x%02x%02x", name, b[0], b[1], b[2], b[3],
                        b[4], b[5]);
    case FLOWNIC_ACTION_SET_IPV4_SRC:
    case FLOWNIC_ACTION_SET_IPV4_DST:
        return snprintf(text, size, "%s:%u.%u.%u.%u", name, b[0], b[1], b[2], b[3]);
    case FLOWNIC_ACTION_SET_L4_SRC:
    case FLOWNIC_ACTION_SET_L4_DST:
        return snprintf(text, size, "%s:%u", name, (unsigned int)(b[0] << 8 | b[1]));
    case FLOWNIC_ACTION_DROP:
    case FLOWNIC_ACTION_PUSH_VLAN:
    case FLOWNIC_ACTION_POP_VLAN:
    case FLOWNIC_N_ACTION_TYPES:
    default: return snprintf(text, size, "%s", name);
    }
}

void flownic_actions_format(const struct flownic_action *actions, size_t n_actions, char *text,
                            size_t size)
{
    size_t used = 0;

    if (size) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < n_actions && used + 1 < size; i++) {
        if (i) {
            text[used++] = ',';
        }
        used += (size_t)format_one(&actions[i], text + used, size - used);
    }
}
