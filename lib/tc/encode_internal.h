/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_ENCODE_INTERNAL_H
#define FLOWLIFT_TC_ENCODE_INTERNAL_H

/*
 * What the files of the encoder share, and nobody else includes.
 *
 *   encode.c           the message, where it is attached, match keys
 *   encode_action.c    actions
 *   encode_tunnel.c    options of tunnels, and the action that sets them
 */

#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "flows/error.h"
#include "flows/tc_filter.h"

/* A message that grows, until it is full. */
struct fl_tc_message {
    struct nlmsghdr *header;
    size_t n_bytes; /* It may have. */
    bool full;      /* Something did not fit. */
    struct fl_error *err;
};

static inline void fl_put(struct fl_tc_message *message, uint16_t type, const void *data, size_t n)
{
    message->full |= !mnl_attr_put_check(message->header, message->n_bytes, type, n, data);
}

static inline void fl_put_u8(struct fl_tc_message *message, uint16_t type, uint32_t value)
{
    const uint8_t byte = (uint8_t)value;

    fl_put(message, type, &byte, sizeof byte);
}

static inline void fl_put_u16(struct fl_tc_message *message, uint16_t type, uint32_t value)
{
    const uint16_t word = (uint16_t)value;

    fl_put(message, type, &word, sizeof word);
}

static inline void fl_put_u32(struct fl_tc_message *message, uint16_t type, uint32_t value)
{
    fl_put(message, type, &value, sizeof value);
}

static inline void fl_put_be16(struct fl_tc_message *message, uint16_t type, uint32_t value)
{
    fl_put_u16(message, type, htons((uint16_t)value));
}

static inline void fl_put_be32(struct fl_tc_message *message, uint16_t type, uint32_t value)
{
    fl_put_u32(message, type, htonl(value));
}

/** fl_nest() - Return: to be given to fl_unnest(); NULL when the message is full */
static inline struct nlattr *fl_nest(struct fl_tc_message *message, uint16_t type)
{
    struct nlattr *nest = message->full
                              ? NULL
                              : mnl_attr_nest_start_check(message->header, message->n_bytes, type);

    message->full |= !nest;
    return nest;
}

static inline void fl_unnest(struct fl_tc_message *message, struct nlattr *nest)
{
    if (nest)
        mnl_attr_nest_end(message->header, nest);
}

/** fl_tc_encode_actions() - TCA_FLOWER_ACT. Return: 0, or -EOPNOTSUPP with a sentence */
int fl_tc_encode_actions(const struct fl_tc_filter *filter, struct fl_tc_message *message);
/** fl_tc_encode_tunnel_opts() - TCA_FLOWER_KEY_ENC_OPTS, its mask, or TCA_TUNNEL_KEY_ENC_OPTS */
void fl_tc_encode_tunnel_opts(const struct fl_tc_tunnel_opts *opts, uint16_t type,
                              struct fl_tc_message *message);
/** fl_tc_encode_tunnel_key() - the options of this action */
void fl_tc_encode_tunnel_key(const struct fl_tc_filter *filter, const struct fl_tc_action *action,
                             struct fl_tc_message *message);
/** fl_tc_encode_ct() - likewise */
void fl_tc_encode_ct(const struct fl_tc_action *action, struct fl_tc_message *message);

#endif
