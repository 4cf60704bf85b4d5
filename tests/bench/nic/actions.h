/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actions: what a rule of the simulated NIC does to a frame.
 *
 * Rewrites change the frame in place; a frame buffer keeps FLOWNIC_HEADROOM_BYTES free
 * before the frame for a pushed tag. Output and drop are not carried out here: they are
 * handed to the caller, in the order of the list, through struct flownic_output_sink.
 */
#ifndef FLOWNIC_ACTIONS_H
#define FLOWNIC_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOWNIC_HEADROOM_BYTES 64
#define FLOWNIC_MAX_ACTIONS    16

enum flownic_action_type {
    FLOWNIC_ACTION_PORT,
    FLOWNIC_ACTION_DROP,
    FLOWNIC_ACTION_MARK,
    FLOWNIC_ACTION_PUSH_VLAN,
    FLOWNIC_ACTION_SET_VLAN_VID,
    FLOWNIC_ACTION_SET_VLAN_PCP,
    FLOWNIC_ACTION_POP_VLAN,
    FLOWNIC_ACTION_SET_ETH_SRC,
    FLOWNIC_ACTION_SET_ETH_DST,
    FLOWNIC_ACTION_SET_IPV4_SRC,
    FLOWNIC_ACTION_SET_IPV4_DST,
    FLOWNIC_ACTION_SET_TTL,
    FLOWNIC_ACTION_SET_L4_SRC,
    FLOWNIC_ACTION_SET_L4_DST,
    FLOWNIC_N_ACTION_TYPES,
};

struct flownic_action {
    enum flownic_action_type type;
    uint32_t number;  /* port, mark, TPID, VLAN id, PCP or TTL */
    uint8_t bytes[6]; /* address or L4 port, in network byte order */
};

/* A frame in a buffer that has FLOWNIC_HEADROOM_BYTES before the first frame's start. */
struct flownic_frame {
    uint8_t *data;
    size_t bytes;
};

struct flownic_output_sink {
    void (*output)(void *context, uint32_t port, const struct flownic_frame *frame);
    void *context;
};

/**
 * flownic_action_name() - the name by which faults and dumps call an action
 * @type: the action
 *
 * Return: a constant string such as "push-vlan".
 */
const char *flownic_action_name(enum flownic_action_type type);

/**
 * flownic_action_find() - look an action up by its name
 * @name: the name; borrowed
 *
 * Return: the enum flownic_action_type, or -1.
 */
int flownic_action_find(const char *name);

/**
 * flownic_actions_run() - carry out a list of actions on a frame
 * @actions: the list; borrowed
 * @n_actions: its length
 * @frame: the frame, changed in place
 * @sink: called for every output; borrowed
 */
void flownic_actions_run(const struct flownic_action *actions, size_t n_actions,
                         struct flownic_frame *frame, const struct flownic_output_sink *sink);

/**
 * flownic_actions_format() - write a list of actions as text
 * @actions: the list; borrowed
 * @n_actions: its length
 * @text: receives the text, always terminated
 * @size: bytes at @text
 */
void flownic_actions_format(const struct flownic_action *actions, size_t n_actions, char *text,
                            size_t size);

#endif
