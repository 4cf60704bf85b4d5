/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/tc_filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flows/flow.h"

void fl_tc_filter_clear(struct fl_tc_filter *filter)
{
    memset(filter, 0, offsetof(struct fl_tc_filter, key));
    filter->enc_opts.kind = filter->enc_opts_mask.kind = FL_TC_OPTS_NONE;
    filter->enc_opts.n_bytes = filter->enc_opts_mask.n_bytes = 0;
    filter->n_mpls = filter->n_actions = filter->n_tunnels = 0;
    filter->n_pedit_keys = 0;
    filter->unknown[0] = '\0';
    filter->unknown_match = filter->unknown_action = false;
}

struct fl_tc_action *fl_tc_add_action(struct fl_tc_filter *filter)
{
    struct fl_tc_action *action;

    if (filter->n_actions == FL_TC_ACTIONS_MAX) {
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "it has more than %d actions",
                             FL_TC_ACTIONS_MAX);
        return NULL;
    }
    action = &filter->actions[filter->n_actions++];
    memset(action, 0, sizeof *action);
    return action;
}

#define KEY_FORM(name, form, text) [FL_TC_KEY_##name] = FL_TC_FORM_##form,

static const uint8_t key_forms[FL_TC_N_KEYS] = { FL_TC_KEYS(KEY_FORM) };

static void fill_mask(enum fl_tc_form form, struct fl_tc_value *mask)
{
    switch (form) {
    case FL_TC_FORM_U8:
    case FL_TC_FORM_SLASHED:
    case FL_TC_FORM_ARP_OP:
    case FL_TC_FORM_IP_PROTO: mask->n = UINT8_MAX; break;
    case FL_TC_FORM_U16:
    case FL_TC_FORM_ETH_TYPE:
    case FL_TC_FORM_PROTOCOL:
    case FL_TC_FORM_PPP:
    case FL_TC_FORM_RANGE:
    case FL_TC_FORM_TCP_FLAGS:
    case FL_TC_FORM_CT_STATE: mask->n = UINT16_MAX; break;
    case FL_TC_FORM_U32:
    case FL_TC_FORM_IP_FLAGS: mask->n = UINT32_MAX; break;
    case FL_TC_FORM_MAC:
    case FL_TC_FORM_IP4:
    case FL_TC_FORM_IP6:
    case FL_TC_FORM_CT_LABEL: memset(mask, 0xff, sizeof *mask); break;
    }
}

void fl_tc_fill_masks(struct fl_tc_filter *filter)
{
    uint64_t without = filter->present & ~filter->masked;

    for (; without; without &= without - 1) {
        int key = __builtin_ctzll(without);

        fill_mask(key_forms[key], &filter->mask[key]);
    }
}

void fl_tc_not_understood(struct fl_tc_filter *filter, enum fl_tc_about about, const char *format,
                          ...)
{
    va_list args;

    filter->unknown_match |= about == FL_TC_ABOUT_MATCH;
    filter->unknown_action |= about == FL_TC_ABOUT_ACTION;
    if (filter->unknown[0])
        return;
    va_start(args, format);
    vsnprintf(filter->unknown, sizeof filter->unknown, format, args);
    va_end(args);
    for (char *p = filter->unknown; *p; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
}

const uint8_t *fl_tc_cookie(const struct fl_tc_filter *filter, size_t *n)
{
    for (size_t i = 0; i < filter->n_actions; i++) {
        if (filter->actions[i].n_cookie) {
            *n = filter->actions[i].n_cookie;
            return filter->actions[i].cookie;
        }
    }
    return NULL;
}

static uint64_t without(uint64_t all, uint64_t part)
{
    return all >= part ? all - part : 0;
}

void fl_tc_count(const struct fl_tc_filter *filter, struct fl_tc_totals *totals)
{
    *totals = (struct fl_tc_totals){ .known = false };
    for (size_t i = 0; i < filter->n_actions; i++) {
        const struct fl_tc_counters *c = &filter->actions[i].counters;
        uint64_t packets = c->packets, bytes = c->bytes;

        if (!c->has_basic)
            continue;
        totals->known = true;
        if (c->has_hw) {
            totals->hw_known = true;
            packets = without(packets, c->hw_packets);
            bytes = without(bytes, c->hw_bytes);
            if (c->hw_packets > totals->hw_packets) {
                totals->hw_packets = c->hw_packets;
                totals->hw_bytes = c->hw_bytes;
            }
        }
        if (packets > totals->sw_packets) {
            totals->sw_packets = packets;
            totals->sw_bytes = bytes;
        }
    }
}

int64_t fl_tc_used_ms(const struct fl_tc_filter *filter)
{
    const uint64_t never = UINT64_MAX;
    uint64_t latest = never;
    bool known = false;

    for (size_t i = 0; i < filter->n_actions; i++) {
        const struct fl_tc_action *action = &filter->actions[i];
        const struct fl_tc_times *times = &action->times;

        if (!(action->present & FL_TC_HAS_TIMES) ||
            (action->kind != FL_TC_GACT && action->kind != FL_TC_MIRRED &&
             action->kind != FL_TC_POLICE && action->kind != FL_TC_CT))
            continue;
        known = true;
        if (times->last_used != times->installed && times->last_used < latest)
            latest = times->last_used;
    }
    if (!known)
        return FL_USED_UNKNOWN;
    if (latest == never || latest > INT64_MAX / 1000)
        return FL_USED_NEVER;
    return (int64_t)(latest * 1000 / FL_TC_TICKS_PER_SECOND);
}
