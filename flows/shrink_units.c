/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "flows/shrink_internal.h"
#include "flows/tc_rewrite.h"

#define KEY(name) (UINT64_C(1) << FL_TC_KEY_##name)
#define BIT(unit) (UINT64_C(1) << (unit))

/* Those that others need first; the rest as they are numbered. */
static const uint8_t first_keys[] = {
    FL_TC_KEY_VLAN_ID,    FL_TC_KEY_VLAN_PRIO,      FL_TC_KEY_VLAN_ETH_TYPE, FL_TC_KEY_CVLAN_ID,
    FL_TC_KEY_CVLAN_PRIO, FL_TC_KEY_CVLAN_ETH_TYPE, FL_TC_KEY_ETH_TYPE,      FL_TC_KEY_DST_MAC,
    FL_TC_KEY_SRC_MAC,    FL_TC_KEY_IP_PROTO,       FL_TC_KEY_ENC_KEY_ID,    FL_TC_KEY_ENC_DST_PORT,
};

#define PORTS                                                                                    \
    (KEY(DST_PORT) | KEY(SRC_PORT) | KEY(DST_PORT_MIN) | KEY(DST_PORT_MAX) | KEY(SRC_PORT_MIN) | \
     KEY(SRC_PORT_MAX))
#define TRANSPORT (PORTS | KEY(TCP_FLAGS) | KEY(ICMP_TYPE) | KEY(ICMP_CODE) | KEY(L2TPV3_SID))
#define NETWORK                                                                                \
    (KEY(IP_PROTO) | KEY(IP_TOS) | KEY(IP_TTL) | KEY(DST_IP4) | KEY(DST_IP6) | KEY(SRC_IP4) |  \
     KEY(SRC_IP6) | KEY(IP_FLAGS) | KEY(ARP_SIP) | KEY(ARP_TIP) | KEY(ARP_OP) | KEY(ARP_SHA) | \
     KEY(ARP_THA) | KEY(MPLS_LABEL) | KEY(MPLS_TC) | KEY(MPLS_BOS) | KEY(MPLS_TTL) |           \
     KEY(PPPOE_SID) | KEY(PPP_PROTO) | KEY(HASH))
#define OF_TAG        (KEY(VLAN_ID) | KEY(VLAN_PRIO) | KEY(VLAN_ETH_TYPE))
#define OF_SECOND_TAG (KEY(CVLAN_ID) | KEY(CVLAN_PRIO) | KEY(CVLAN_ETH_TYPE))
/* What tells one tunnel from another. */
#define OF_TUNNEL                                                                                  \
    (KEY(ENC_DST_IP4) | KEY(ENC_DST_IP6) | KEY(ENC_SRC_IP4) | KEY(ENC_SRC_IP6) | KEY(ENC_KEY_ID) | \
     KEY(ENC_DST_PORT))

struct splitting {
    const struct fl_tc_filter *filter;
    struct fl_shrunk *shrunk;
    bool overflow;     /* There are more units than there is room for. */
    uint64_t rewrites; /* Since the last checksum. */
    uint64_t
        tunnel; /* The header of the tunnel that the next output goes into, or that was taken off. */
    uint64_t host; /* That the next output is for this host. */
};

static struct fl_shrink_unit *add(struct splitting *split, enum fl_shrink_kind kind)
{
    struct fl_shrunk *shrunk = split->shrunk;
    struct fl_shrink_unit *unit;

    if (shrunk->n_units == FL_SHRINK_UNITS_MAX) {
        split->overflow = true;
        return NULL;
    }
    unit = &shrunk->units[shrunk->n_units++];
    *unit = (struct fl_shrink_unit){ .kind = kind };
    return unit;
}

static uint64_t last(const struct splitting *split)
{
    return BIT(split->shrunk->n_units - 1);
}

/* Units that have one of these keys. */
static uint64_t units_of(const struct splitting *split, uint64_t keys)
{
    uint64_t found = 0;

    for (unsigned int i = 0; i < split->shrunk->n_units; i++)
        found |= split->shrunk->units[i].keys & keys ? BIT(i) : 0;
    return found;
}

static uint64_t tag_of(const struct splitting *split)
{
    return split->shrunk->n_units && split->shrunk->units[0].kind == FL_SHRINK_TAG ? BIT(0) : 0;
}

/* All that is needed by what is needed. */
static uint64_t with_needs(const struct splitting *split, uint64_t units)
{
    uint64_t all = units;

    for (uint64_t left = units; left; left &= left - 1)
        all |= split->shrunk->units[__builtin_ctzll(left)].needs;
    return all;
}

/* Match */

static bool is_vlan_type(uint32_t type)
{
    return type == 0x8100 || type == 0x88a8;
}

static uint64_t needs_of_key(const struct splitting *split, uint64_t key)
{
    uint64_t needs = 0;

    if (key & OF_TAG)
        needs = tag_of(split);
    else if (key & OF_SECOND_TAG)
        needs = units_of(split, KEY(VLAN_ETH_TYPE));
    else if (key & KEY(ETH_TYPE))
        needs = units_of(split, KEY(VLAN_ETH_TYPE) | KEY(CVLAN_ETH_TYPE)) | tag_of(split);
    else if (key & NETWORK)
        needs = units_of(split, KEY(ETH_TYPE));
    else if (key & TRANSPORT)
        needs = units_of(split, KEY(IP_PROTO));
    return with_needs(split, needs);
}

static void add_key(struct splitting *split, unsigned int key)
{
    uint64_t keys = UINT64_C(1) << key;
    struct fl_shrink_unit *unit;

    if (!(split->filter->present & keys) || units_of(split, keys))
        return;
    /* The ends of a range go together. */
    if (keys & (KEY(DST_PORT_MIN) | KEY(SRC_PORT_MIN)))
        keys |= keys << 1;
    unit = add(split, FL_SHRINK_KEY);
    if (!unit)
        return;
    unit->keys = keys & split->filter->present;
    unit->needs = needs_of_key(split, keys);
}

static void split_match(struct splitting *split)
{
    struct fl_shrink_unit *unit;

    if (is_vlan_type(split->filter->protocol))
        add(split, FL_SHRINK_TAG);
    for (size_t i = 0; i < sizeof first_keys; i++)
        add_key(split, first_keys[i]);
    for (unsigned int key = 0; key < FL_TC_N_KEYS; key++)
        add_key(split, key);
    if (split->filter->enc_opts.kind != FL_TC_OPTS_NONE) {
        unit = add(split, FL_SHRINK_TUNNEL_OPTS);
        if (unit)
            unit->needs = units_of(split, KEY(ENC_KEY_ID) | KEY(ENC_DST_PORT));
    }
    if (split->filter->n_mpls) {
        unit = add(split, FL_SHRINK_MPLS);
        if (unit)
            unit->needs = with_needs(split, units_of(split, KEY(ETH_TYPE)));
    }
}

/* Actions */

static uint64_t needs_of_rewrite(const struct splitting *split, uint8_t header)
{
    switch (header) {
    case FL_TC_ETH:
    case FL_TC_NETWORK: return 0;
    default: return with_needs(split, units_of(split, KEY(ETH_TYPE) | KEY(IP_PROTO)));
    }
}

/* Words of one field follow each other. */
static void split_rewrites(struct splitting *split, uint8_t index)
{
    const struct fl_tc_pedit *pedit = &split->filter->actions[index].pedit;
    const struct fl_tc_pedit_key *keys = split->filter->pedit_keys;
    struct fl_shrink_unit *unit = NULL;
    const struct fl_tc_rewrite *field = NULL;

    for (uint16_t i = pedit->first; i < pedit->first + pedit->n; i++) {
        const struct fl_tc_rewrite *of = fl_tc_rewrite_of(&keys[i]);
        struct fl_shrink_unit *next = NULL;

        if (!unit || !of || of != field)
            next = add(split, FL_SHRINK_REWRITE);
        if (next) {
            unit = next;
            unit->action = index;
            unit->first = (uint8_t)i;
            unit->needs = needs_of_rewrite(split, keys[i].header);
            if (keys[i].header != FL_TC_ETH)
                split->rewrites |= last(split);
        }
        if (unit)
            unit->n++;
        field = of;
    }
}

static uint64_t needs_of_action(const struct splitting *split, const struct fl_tc_action *action)
{
    switch (action->kind) {
    case FL_TC_MIRRED: return with_needs(split, split->tunnel | split->host);
    case FL_TC_VLAN:
        return action->vlan.action == FL_TC_VLAN_POP || action->vlan.action == FL_TC_VLAN_MODIFY
                   ? tag_of(split)
                   : 0;
    case FL_TC_MPLS:
        return action->mpls.action == FL_TC_MPLS_PUSH
                   ? 0
                   : with_needs(split, units_of(split, KEY(ETH_TYPE)));
    case FL_TC_CT:
        return action->ct.flags & FL_TC_CT_CLEAR
                   ? 0
                   : with_needs(split, units_of(split, KEY(ETH_TYPE) | KEY(IP_PROTO)));
    case FL_TC_TUNNEL_KEY:
        return action->tunnel_key.action == FL_TC_TUNNEL_UNSET ? units_of(split, OF_TUNNEL) : 0;
    default: return 0;
    }
}

static void split_action(struct splitting *split, uint8_t index)
{
    const struct fl_tc_action *action = &split->filter->actions[index];
    struct fl_shrink_unit *unit;

    if (action->kind == FL_TC_PEDIT && action->pedit.n) {
        split_rewrites(split, index);
        return;
    }
    unit = add(split, FL_SHRINK_ACTION);
    if (!unit)
        return;
    unit->action = index;
    unit->needs = needs_of_action(split, action);
    if (action->kind == FL_TC_CSUM) {
        unit->needs_any = split->rewrites;
        split->rewrites = 0;
    } else if (action->kind == FL_TC_TUNNEL_KEY) {
        split->tunnel = last(split);
    } else if (action->kind == FL_TC_SKBEDIT) {
        split->host = last(split);
    } else if (action->kind == FL_TC_MIRRED) {
        split->host = 0;
    }
}

bool fl_shrink_ends(const struct fl_tc_action *action)
{
    if (action->kind == FL_TC_MIRRED)
        return action->control == FL_TC_STOLEN;
    return action->kind == FL_TC_GACT && action->control != FL_TC_PIPE &&
           action->control != FL_TC_UNSPEC;
}

bool fl_shrink_jumps(const struct fl_tc_filter *filter)
{
    for (size_t i = 0; i < filter->n_actions; i++) {
        const struct fl_tc_action *action = &filter->actions[i];

        if ((action->control & FL_TC_EXT_MASK) == FL_TC_JUMP || action->kind == FL_TC_POLICE)
            return true;
    }
    return false;
}

static bool is_drop(const struct fl_tc_action *action)
{
    return action->kind == FL_TC_GACT && action->control == FL_TC_SHOT;
}

static void split_actions(struct splitting *split)
{
    const struct fl_tc_filter *filter = split->filter;
    unsigned int n = filter->n_actions;

    /* A drop at the end is what stands there anyway. */
    if (n && is_drop(&filter->actions[n - 1]))
        n--;
    for (unsigned int i = 0; i < n; i++)
        split_action(split, (uint8_t)i);
}

int fl_shrink_split(const struct fl_tc_filter *filter, struct fl_shrunk *shrunk)
{
    struct splitting split = { .filter = filter, .shrunk = shrunk };
    const struct fl_tc_action *end = &filter->actions[filter->n_actions - 1];
    unsigned int n_match;

    shrunk->n_units = 0;
    split_match(&split);
    if (!filter->n_actions)
        return FL_SHRINK_NONE;
    n_match = shrunk->n_units;
    if (!fl_shrink_jumps(filter)) {
        split_actions(&split);
        if (!split.overflow)
            return fl_shrink_ends(end) && !is_drop(end) ? (int)shrunk->n_units - 1 : FL_SHRINK_NONE;
    }
    shrunk->n_units = n_match;
    add(&split, FL_SHRINK_ACTIONS);
    return (int)shrunk->n_units - 1;
}
