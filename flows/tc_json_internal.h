/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_JSON_INTERNAL_H
#define FLOWLIFT_TC_JSON_INTERNAL_H

/*
 * What the files of the JSON form share, and nobody else includes.
 *
 *   tc_json.c          filter -> JSON            tc_json_read.c     JSON -> filter
 *   tc_action_json.c   actions -> JSON           tc_action_read.c, tc_kind_read.c   JSON -> actions
 *   tc_words.c         words of both
 *   tc_key.c           keys -> JSON              tc_key_read.c      text -> keys
 */

#include "flows/tc_json.h"

/** fl_tc_actions_json() - new reference: an array */
json_t *fl_tc_actions_json(const struct fl_tc_filter *filter);
/** fl_tc_actions_read() - "actions" of a filter */
void fl_tc_actions_read(const json_t *actions, struct fl_tc_filter *filter);
/** fl_tc_opts_json() - options of a tunnel: an array, or NULL for none. New reference. */
json_t *fl_tc_opts_json(const struct fl_tc_tunnel_opts *opts);
/** fl_tc_opts_read() - the inverse; @kind: "geneve", "vxlan" or "erspan" */
bool fl_tc_opts_read(const json_t *json, const char *kind, struct fl_tc_tunnel_opts *opts);

/** fl_tc_kind_read() - what an action does. Return: false for what is not understood. */
bool fl_tc_kind_read(const json_t *json, struct fl_tc_filter *filter, struct fl_tc_action *action);
/** fl_tc_control_read() - {"type": "goto", "chain": 3} */
bool fl_tc_control_read(const json_t *json, uint32_t *control);
/** fl_tc_number_or() - a number, or a text that is one */
uint64_t fl_tc_number_or(const json_t *object, const char *key, uint64_t otherwise);
/** fl_tc_text_of() - a text, "" without; borrowed */
const char *fl_tc_text_of(const json_t *object, const char *key);

/* A word and the number that stands for it. */
struct fl_tc_word {
    const char *text;
    uint32_t number;
};

/* Each ends with a NULL text. */
extern const struct fl_tc_word fl_tc_kind_words[];
extern const struct fl_tc_word fl_tc_control_words[];
extern const struct fl_tc_word fl_tc_vlan_words[];
extern const struct fl_tc_word fl_tc_mpls_words[];
extern const struct fl_tc_word fl_tc_csum_words[];
extern const struct fl_tc_word fl_tc_pedit_words[];
extern const struct fl_tc_word fl_tc_ptype_words[];
extern const struct fl_tc_word fl_tc_random_words[];

/** fl_tc_word_of() - the text for @number, or NULL */
const char *fl_tc_word_of(const struct fl_tc_word *words, uint32_t number);
/** fl_tc_word_read() - Return: true and *@number, or false when there is no such word */
bool fl_tc_word_read(const struct fl_tc_word *words, const char *text, uint32_t *number);

#endif
