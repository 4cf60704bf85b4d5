/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bits a bridge uses: those that are read, by the match of a flow or by an action of a flow or of a
 * group's bucket, and those that such an action writes. Actions that name their bits are taken at their
 * word; of any other, every register that its text mentions counts as read whole, and every header.
 *
 * A register bit that is written and never read guards as well as one that nobody touches: what it holds
 * changes nothing. Only, a packet must not come back to table 0 with it. OVN clears most registers whole
 * between its pipelines, so that there is no other kind of bit on its bridges.
 *
 * Not seen: registers that a controller sets in a packet-out (OpenFlow 1.5) or in a continuation.
 */
#include <ctype.h>
#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/meta-flow.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofp-group.h>
#include <ovs/bitmap.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/openflow_summary.h"

static void use_masks(struct flow *bits, const struct flow *masks)
{
    const uint64_t *mask = (const uint64_t *)masks;
    uint64_t *bit = (uint64_t *)bits;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        bit[i] |= mask[i];
    }
}

static void use_subfield(struct flow *bits, const struct mf_subfield *subfield)
{
    union mf_subvalue ones;
    struct flow flow;

    if (!subfield->field) {
        return;
    }
    memset(&ones, 0xff, sizeof ones);
    memset(&flow, 0, sizeof flow);
    mf_write_subfield_flow(subfield, &ones, &flow);
    use_masks(bits, &flow);
}

static void use_masked(struct flow *bits, const struct mf_field *field, const union mf_value *mask)
{
    struct flow flow;

    if (!field) {
        return;
    }
    memset(&flow, 0, sizeof flow);
    mf_set_flow_value(field, mask, &flow);
    use_masks(bits, &flow);
}

static void use_field(struct flow *bits, const struct mf_field *field)
{
    union mf_value ones;

    memset(&ones, 0xff, sizeof ones);
    use_masked(bits, field, &ones);
}

static void use_learn(struct fl_openflow_usage *usage, const struct ofpact_learn *learn)
{
    const struct ofpact_learn_spec *spec;

    OFPACT_LEARN_SPEC_FOR_EACH(spec, learn)
    {
        if (spec->src_type == NX_LEARN_SRC_FIELD) {
            use_subfield(&usage->read, &spec->src);
        }
        if (spec->dst_type == NX_LEARN_DST_MATCH) {
            use_subfield(&usage->read, &spec->dst);
        } else if (spec->dst_type == NX_LEARN_DST_LOAD) {
            use_subfield(&usage->written, &spec->dst);
        }
    }
    if (learn->flags & NX_LEARN_F_WRITE_RESULT) {
        use_subfield(&usage->written, &learn->result_dst);
    }
}

/* "reg5", "NXM_NX_REG5[0..15]", "xreg1", "OXM_OF_PKT_REG1[]", "xxreg0": all of what is named. */
static void use_text(struct fl_openflow_usage *usage, const char *text)
{
    for (const char *reg = text; (reg = strcasestr(reg, "reg")); reg += strlen("reg")) {
        char name[16];
        const char *digits = reg + strlen("reg");
        const char *prefix = "";

        if (!isdigit((unsigned char)*digits)) {
            continue;
        }
        if (reg >= text + 2 && !strncasecmp(reg - 2, "xx", 2)) {
            prefix = "xx";
        } else if ((reg >= text + 1 && tolower((unsigned char)reg[-1]) == 'x') ||
                   (reg >= text + 4 && !strncasecmp(reg - 4, "pkt_", 4))) {
            prefix = "x";
        }
        snprintf(name, sizeof name, "%sreg%d", prefix, atoi(digits));
        use_field(&usage->read, mf_from_name(name));
    }
}

static void use_unknown(struct fl_openflow_usage *usage, const struct ofpact *action)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct ofpact_format_params params = { .s = &text };
    struct flow headers;

    ofpacts_format(action, OFPACT_ALIGN(action->len), &params);
    use_text(usage, ds_cstr(&text));
    ds_destroy(&text);
    memset(&headers, 0xff, sizeof headers);
    memset(headers.regs, 0, sizeof headers.regs);
    use_masks(&usage->read, &headers);
}

/* What an action changes that does not name its bits, and more rather than less. */
static void use_rewrite(struct fl_openflow_usage *usage, const struct ofpact *action)
{
    struct flow *to = &usage->rewritten;

    switch (action->type) {
    case OFPACT_RESUBMIT: {
        ofp_port_t in_port = ofpact_get_RESUBMIT(action)->in_port;

        if (in_port != OFPP_IN_PORT) {
            memset(&to->in_port, 0xff, sizeof to->in_port);
        }
        break;
    }
    case OFPACT_SET_VLAN_VID:
    case OFPACT_SET_VLAN_PCP:
    case OFPACT_STRIP_VLAN:
    case OFPACT_PUSH_VLAN:
        memset(to->vlans, 0xff, sizeof to->vlans);
        to->dl_type = OVS_BE16_MAX;
        break;
    case OFPACT_SET_ETH_SRC: memset(&to->dl_src, 0xff, sizeof to->dl_src); break;
    case OFPACT_SET_ETH_DST: memset(&to->dl_dst, 0xff, sizeof to->dl_dst); break;
    case OFPACT_SET_IPV4_SRC: to->nw_src = OVS_BE32_MAX; break;
    case OFPACT_SET_IPV4_DST: to->nw_dst = OVS_BE32_MAX; break;
    case OFPACT_SET_L4_SRC_PORT: to->tp_src = OVS_BE16_MAX; break;
    case OFPACT_SET_L4_DST_PORT: to->tp_dst = OVS_BE16_MAX; break;
    case OFPACT_DEC_TTL: to->nw_ttl = UINT8_MAX; break;
    case OFPACT_NAT:
        to->nw_src = to->nw_dst = OVS_BE32_MAX;
        to->tp_src = to->tp_dst = OVS_BE16_MAX;
        memset(&to->ipv6_src, 0xff, sizeof to->ipv6_src);
        memset(&to->ipv6_dst, 0xff, sizeof to->ipv6_dst);
        break;
    /* These name what they write, which is added in the end, or change nothing. */
    case OFPACT_SET_FIELD:
    case OFPACT_REG_MOVE:
    case OFPACT_STACK_PUSH:
    case OFPACT_STACK_POP:
    case OFPACT_CLONE:
    case OFPACT_WRITE_ACTIONS:
    case OFPACT_OUTPUT:
    case OFPACT_GROUP:
    case OFPACT_CONJUNCTION:
    case OFPACT_CLEAR_ACTIONS:
    case OFPACT_GOTO_TABLE:
    case OFPACT_METER:
    case OFPACT_NOTE: break;
    /* Those of conntrack are no headers of the packet. */
    case OFPACT_CT:
    case OFPACT_CT_CLEAR: break;
    default: memset(to, 0xff, sizeof *to); break;
    }
}

static void use_action(struct fl_openflow_usage *usage, const struct ofpact *action)
{
    use_rewrite(usage, action);
    switch (action->type) {
    case OFPACT_SET_FIELD: {
        const struct ofpact_set_field *set = ofpact_get_SET_FIELD(action);

        use_masked(&usage->written, set->field, ofpact_set_field_mask(set));
        break;
    }
    case OFPACT_REG_MOVE:
        use_subfield(&usage->read, &ofpact_get_REG_MOVE(action)->src);
        use_subfield(&usage->written, &ofpact_get_REG_MOVE(action)->dst);
        break;
    case OFPACT_STACK_PUSH:
        use_subfield(&usage->read, &ofpact_get_STACK_PUSH(action)->subfield);
        break;
    case OFPACT_STACK_POP:
        use_subfield(&usage->written, &ofpact_get_STACK_POP(action)->subfield);
        break;
    case OFPACT_LEARN: use_learn(usage, ofpact_get_LEARN(action)); break;
    case OFPACT_CT:
        use_subfield(&usage->read, &ofpact_get_CT(action)->zone_src);
        usage->returns |= ofpact_get_CT(action)->recirc_table == 0;
        break;
    case OFPACT_RESUBMIT:
        /* Of this table (255) only a flow of table 0 can mean table 0; that is not looked at. */
        usage->returns |= ofpact_get_RESUBMIT(action)->table_id == 0 ||
                          ofpact_get_RESUBMIT(action)->table_id == 255;
        usage->moves_port |= ofpact_get_RESUBMIT(action)->in_port != OFPP_IN_PORT;
        break;
    /* What these hold is visited by itself. */
    case OFPACT_CLONE:
    case OFPACT_WRITE_ACTIONS:
    /* These read nothing, whatever they do to the packet. */
    case OFPACT_OUTPUT:
    case OFPACT_GROUP:
    case OFPACT_CONTROLLER:
    case OFPACT_SET_VLAN_VID:
    case OFPACT_SET_VLAN_PCP:
    case OFPACT_STRIP_VLAN:
    case OFPACT_PUSH_VLAN:
    case OFPACT_SET_ETH_SRC:
    case OFPACT_SET_ETH_DST:
    case OFPACT_SET_IPV4_SRC:
    case OFPACT_SET_IPV4_DST:
    case OFPACT_SET_L4_SRC_PORT:
    case OFPACT_SET_L4_DST_PORT:
    case OFPACT_DEC_TTL:
    case OFPACT_CT_CLEAR:
    case OFPACT_NAT:
    case OFPACT_CONJUNCTION:
    case OFPACT_CLEAR_ACTIONS:
    case OFPACT_GOTO_TABLE:
    case OFPACT_METER:
    case OFPACT_NOTE: break;
    default: use_unknown(usage, action); break;
    }
}

static void use_actions(struct fl_openflow_usage *usage, const struct ofpact *actions,
                        size_t length)
{
    const struct ofpact *action;

    OFPACT_FOR_EACH_FLATTENED(action, actions, length)
    use_action(usage, action);
    use_masks(&usage->rewritten, &usage->written);
    usage->moves_port |= usage->written.in_port.ofp_port != 0;
}

void fl_openflow_use_flow(struct fl_openflow_usage *usage, const struct ofputil_flow_stats *flow,
                          bool is_ours)
{
    use_masks(is_ours ? &usage->guards : &usage->matched, &flow->match.wc.masks);
    use_actions(usage, flow->ofpacts, flow->ofpacts_len);
}

void fl_openflow_use_group(struct fl_openflow_usage *usage, const struct ofputil_group_desc *group)
{
    const struct ofputil_bucket *bucket;

    LIST_FOR_EACH(bucket, list_node, &group->buckets)
        use_actions(usage, bucket->ofpacts, bucket->ofpacts_len);
    /* It may choose by a hash of any header. */
    if (group->type == OFPGT11_SELECT) {
        struct flow headers;

        memset(&headers, 0xff, sizeof headers);
        memset(headers.regs, 0, sizeof headers.regs);
        use_masks(&usage->read, &headers);
    }
    for (int id = 0; id < MFF_N_IDS; id++) {
        if (bitmap_is_set(group->props.fields.used.bm, id)) {
            use_field(&usage->read, mf_from_id((enum mf_field_id)id));
        }
    }
}

static uint32_t is_used(const struct fl_openflow_usage *usage, unsigned int reg)
{
    return usage->read.regs[reg] | usage->matched.regs[reg];
}

/* The highest bit that is not read; nor written, unless @written are good enough. */
static bool find_bit(const struct fl_openflow_usage *usage, bool written, struct fl_reg_bit *bit)
{
    for (unsigned int reg = FLOW_N_REGS; reg-- > 0;) {
        uint32_t unused = ~(is_used(usage, reg) | usage->guards.regs[reg] |
                            (written ? 0 : usage->written.regs[reg]));

        if (unused) {
            *bit = (struct fl_reg_bit){ reg, 1u << (31 - __builtin_clz(unused)) };
            return true;
        }
    }
    return false;
}

static bool is_free(const struct fl_openflow_usage *usage, const struct fl_reg_bit *bit)
{
    return bit->mask && !(bit->mask & is_used(usage, bit->reg)) &&
           !(usage->returns && bit->mask & usage->written.regs[bit->reg]);
}

int fl_openflow_free_reg_bit(const struct fl_openflow_reading *reading, struct fl_reg_bit *bit,
                             struct fl_error *err)
{
    const struct fl_openflow_usage *usage = &reading->usage;

    return is_free(usage, bit) || find_bit(usage, false, bit) ||
                   (!usage->returns && find_bit(usage, true, bit))
               ? 0
               : fl_error_set(err, -ENOSPC,
                              "the flows of bridge %s use every bit of every register, so none is "
                              "left to guard flowlift's rules with",
                              reading->bridge);
}
