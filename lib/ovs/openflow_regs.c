/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which register bits a bridge uses: those that are read, by the match of a flow or by an action of a
 * flow or of a group's bucket, and those that such an action writes. Actions that name their bits are
 * taken at their word; of any other, every register that its text mentions counts as read whole.
 *
 * A bit that is written and never read guards as well as one that nobody touches: what it holds changes
 * nothing. Only, a packet must not come back to table 0 with it. OVN clears most registers whole between
 * its pipelines, so that there is no other kind of bit on its bridges.
 *
 * Not seen: registers that a controller sets in a packet-out (OpenFlow 1.5) or in a continuation.
 */
#include <ctype.h>
#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/meta-flow.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofp-group.h>
#include <openvswitch/ofp-msgs.h>
#include <ovs/bitmap.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/openflow_conn.h"

struct usage {
    uint32_t read[FLOW_N_REGS]; /* 1-bits are */
    uint32_t guards[FLOW_N_REGS]; /* read by flowlift's own rules */
    uint32_t written[FLOW_N_REGS];
    bool returns; /* an action may take a packet to table 0 again */
    enum ofp_version version;
    const char *bridge;
    struct fl_error *err;
};

static bool is_register(const struct mf_field *field)
{
    return field && mf_is_register(field->id);
}

/* Registers of all widths lie in the same memory, so the bits of one are written and looked at. */
static void use_flow(uint32_t bits[FLOW_N_REGS], const struct flow *flow)
{
    for (size_t i = 0; i < FLOW_N_REGS; i++) {
        bits[i] |= flow->regs[i];
    }
}

static void use_subfield(uint32_t bits[FLOW_N_REGS], const struct mf_subfield *subfield)
{
    union mf_subvalue ones;
    struct flow flow;

    if (!is_register(subfield->field)) {
        return;
    }
    memset(&ones, 0xff, sizeof ones);
    memset(&flow, 0, sizeof flow);
    mf_write_subfield_flow(subfield, &ones, &flow);
    use_flow(bits, &flow);
}

static void use_masked(uint32_t bits[FLOW_N_REGS], const struct mf_field *field,
                       const union mf_value *mask)
{
    struct flow flow;

    if (!is_register(field)) {
        return;
    }
    memset(&flow, 0, sizeof flow);
    mf_set_flow_value(field, mask, &flow);
    use_flow(bits, &flow);
}

static void use_field(uint32_t bits[FLOW_N_REGS], const struct mf_field *field)
{
    union mf_value ones;

    memset(&ones, 0xff, sizeof ones);
    use_masked(bits, field, &ones);
}

static void use_learn(struct usage *usage, const struct ofpact_learn *learn)
{
    const struct ofpact_learn_spec *spec;

    OFPACT_LEARN_SPEC_FOR_EACH(spec, learn)
    {
        if (spec->src_type == NX_LEARN_SRC_FIELD) {
            use_subfield(usage->read, &spec->src);
        }
        if (spec->dst_type == NX_LEARN_DST_MATCH) {
            use_subfield(usage->read, &spec->dst);
        } else if (spec->dst_type == NX_LEARN_DST_LOAD) {
            use_subfield(usage->written, &spec->dst);
        }
    }
    if (learn->flags & NX_LEARN_F_WRITE_RESULT) {
        use_subfield(usage->written, &learn->result_dst);
    }
}

/* "reg5", "NXM_NX_REG5[0..15]", "xreg1", "OXM_OF_PKT_REG1[]", "xxreg0": all of what is named. */
static void use_text(struct usage *usage, const char *text)
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
        use_field(usage->read, mf_from_name(name));
    }
}

static void use_unknown(struct usage *usage, const struct ofpact *action)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct ofpact_format_params params = { .s = &text };

    ofpacts_format(action, OFPACT_ALIGN(action->len), &params);
    use_text(usage, ds_cstr(&text));
    ds_destroy(&text);
}

static void use_action(struct usage *usage, const struct ofpact *action)
{
    switch (action->type) {
    case OFPACT_SET_FIELD: {
        const struct ofpact_set_field *set = ofpact_get_SET_FIELD(action);

        use_masked(usage->written, set->field, ofpact_set_field_mask(set));
        break;
    }
    case OFPACT_REG_MOVE:
        use_subfield(usage->read, &ofpact_get_REG_MOVE(action)->src);
        use_subfield(usage->written, &ofpact_get_REG_MOVE(action)->dst);
        break;
    case OFPACT_STACK_PUSH:
        use_subfield(usage->read, &ofpact_get_STACK_PUSH(action)->subfield);
        break;
    case OFPACT_STACK_POP:
        use_subfield(usage->written, &ofpact_get_STACK_POP(action)->subfield);
        break;
    case OFPACT_LEARN: use_learn(usage, ofpact_get_LEARN(action)); break;
    case OFPACT_CT:
        use_subfield(usage->read, &ofpact_get_CT(action)->zone_src);
        usage->returns |= ofpact_get_CT(action)->recirc_table == 0;
        break;
    case OFPACT_RESUBMIT:
        /* Of this table (255) only a flow of table 0 can mean table 0; that is not looked at. */
        usage->returns |= ofpact_get_RESUBMIT(action)->table_id == 0 ||
                          ofpact_get_RESUBMIT(action)->table_id == 255;
        break;
    /* What these hold is visited by itself. */
    case OFPACT_CLONE:
    case OFPACT_WRITE_ACTIONS: break;
    default: use_unknown(usage, action); break;
    }
}

static void use_actions(struct usage *usage, const struct ofpact *actions, size_t length)
{
    const struct ofpact *action;

    OFPACT_FOR_EACH_FLATTENED(action, actions, length)
    use_action(usage, action);
}

static int visit_flow(const struct ofputil_flow_stats *flow, void *usage_)
{
    struct usage *usage = usage_;

    bool is_ours = ntohll(flow->cookie) >> 48 == FL_COOKIE_PREFIX;

    use_flow(is_ours ? usage->guards : usage->read, &flow->match.wc.masks);
    use_actions(usage, flow->ofpacts, flow->ofpacts_len);
    return 0;
}

static void use_group(struct usage *usage, const struct ofputil_group_desc *group)
{
    const struct ofputil_bucket *bucket;

    LIST_FOR_EACH(bucket, list_node, &group->buckets)
        use_actions(usage, bucket->ofpacts, bucket->ofpacts_len);
    for (int id = 0; id < MFF_N_IDS; id++) {
        if (bitmap_is_set(group->props.fields.used.bm, id)) {
            use_field(usage->read, mf_from_id((enum mf_field_id)id));
        }
    }
}

static int visit_groups(struct ofpbuf *reply, void *usage_)
{
    struct usage *usage = usage_;

    for (;;) {
        struct ofputil_group_desc group;
        int error = ofputil_decode_group_desc_reply(&group, reply, usage->version);

        if (error == EOF) {
            return 0;
        }
        if (error) {
            return fl_error_set(usage->err, -EPROTO,
                                "bridge %s sent a group that cannot be decoded", usage->bridge);
        }
        use_group(usage, &group);
        ofputil_uninit_group_desc(&group);
    }
}

/* The highest bit that is not read; nor written, unless @written are good enough. */
static bool find_bit(const struct usage *usage, bool written, struct fl_reg_bit *bit)
{
    for (unsigned int reg = FLOW_N_REGS; reg-- > 0;) {
        uint32_t unused = ~(usage->read[reg] | usage->guards[reg] |
                            (written ? 0 : usage->written[reg]));

        if (unused) {
            *bit = (struct fl_reg_bit){ reg, 1u << (31 - __builtin_clz(unused)) };
            return true;
        }
    }
    return false;
}

static bool is_free(const struct usage *usage, const struct fl_reg_bit *bit)
{
    return bit->mask && !(bit->mask & usage->read[bit->reg]) &&
           !(usage->returns && bit->mask & usage->written[bit->reg]);
}

int fl_openflow_free_reg_bit(struct fl_openflow *of, struct fl_reg_bit *bit, struct fl_error *err)
{
    struct usage usage = { .version = FL_OPENFLOW_VERSION,
                           .bridge = fl_openflow_bridge(of),
                           .err = err };
    int error = fl_openflow_each_flow(of, 0, 0, OFPTT_ALL, visit_flow, &usage, err);

    if (!error) {
        error = fl_openflow_multipart(of,
                                      ofputil_encode_group_desc_request(FL_OPENFLOW_VERSION,
                                                                        OFPG_ALL),
                                      "to list its groups", visit_groups, &usage, err);
    }
    if (error) {
        return error;
    }
    return is_free(&usage, bit) || find_bit(&usage, false, bit) || (!usage.returns && find_bit(&usage, true, bit))
               ? 0
               : fl_error_set(err, -ENOSPC,
                              "the flows of bridge %s use every bit of every register, so none is "
                              "left to guard flowlift's rules with",
                              fl_openflow_bridge(of));
}
