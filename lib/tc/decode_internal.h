/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_DECODE_INTERNAL_H
#define FLOWLIFT_TC_DECODE_INTERNAL_H

/*
 * What the files of the decoder share, and nobody else includes.
 *
 *   decode.c          the message, where it is attached, match keys
 *   decode_action.c   what all actions have in common: counters, times, flags
 *   decode_options.c  what each kind of action does
 *   decode_pedit.c, decode_ct.c, decode_tunnel.c   those that take more
 */

#include "flows/tc_filter.h"
#include "lib/tc/attr.h"
#include "lib/tc/links.h"

/** fl_tc_decode_actions() - TCA_FLOWER_ACT. Return: false for bytes that make no sense. */
bool fl_tc_decode_actions(const struct fl_attr *outer, const struct fl_tc_links *links,
                          struct fl_tc_filter *filter);

/**
 * fl_tc_decode_options() - TCA_ACT_OPTIONS of one action, whose kind is set already
 * Return: false for bytes that make no sense.
 */
bool fl_tc_decode_options(const struct fl_attr *options, const struct fl_tc_links *links,
                          struct fl_tc_filter *filter, struct fl_tc_action *action);

/** fl_tc_decode_pedit(), fl_tc_decode_ct(), fl_tc_decode_tunnel_key() - the options of these kinds */
bool fl_tc_decode_pedit(struct fl_attrs attrs, struct fl_tc_filter *filter,
                        struct fl_tc_action *action);
bool fl_tc_decode_ct(struct fl_attrs attrs, struct fl_tc_filter *filter,
                     struct fl_tc_action *action);
bool fl_tc_decode_tunnel_key(const struct fl_attr *options, struct fl_tc_filter *filter,
                             struct fl_tc_action *action);

/** fl_tc_decode_tunnel_opts() - TCA_FLOWER_KEY_ENC_OPTS, its mask, or TCA_TUNNEL_KEY_ENC_OPTS */
void fl_tc_decode_tunnel_opts(const struct fl_attr *outer, struct fl_tc_tunnel_opts *opts,
                              enum fl_tc_about about, struct fl_tc_filter *filter);

/** fl_tc_read_gen() - the fields that begin the parameters of most actions (tc_gen) */
bool fl_tc_read_gen(const struct fl_attr *attr, size_t n_min, struct fl_tc_action *action);
/** fl_tc_read_times() - struct tcf_t */
void fl_tc_read_times(const struct fl_attr *attr, struct fl_tc_action *action);

/** fl_tc_number() - 1, 2 or 4 bytes in host byte order; then @part of the action is present */
static inline uint32_t fl_tc_number(const struct fl_attr *attr, size_t n,
                                    struct fl_tc_action *action, enum fl_tc_part part)
{
    if (attr->n != n)
        return 0;
    action->present |= part;
    switch (n) {
    case 1: return fl_attr_u8(attr);
    case 2: return fl_attr_u16(attr);
    default: return fl_attr_u32(attr);
    }
}

#endif
