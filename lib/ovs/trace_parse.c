/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of what ofproto/trace prints. Of each step the parts at the start of a line count, in this
 * order; the pipeline between them is indented:
 *
 *     Flow: ...
 *     ...the pipeline: tables, actions, "-> remarks"...
 *     Final flow: ...
 *     Megaflow: ...
 *     Datapath actions: ...
 *     This flow is handled by the userspace slow path because it:
 *       - reason.
 *
 * Between two steps stands a box of '=' lines that names the recirculation.
 * Source: OVS 3.1 ofproto/ofproto-dpif-trace.c, ofproto_trace__() and ofproto_trace_recirc_node().
 */
#include <ctype.h>
#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/decode.h"
#include "flows/limits.h"
#include "flows/megaflow.h"
#include "lib/ovs/trace.h"

#define MEGAFLOW "Megaflow: "
#define ACTIONS  "Datapath actions: "
#define FLOW     "Flow: "
#define BRIDGE   "bridge(\""
#define OUTPUT   "output:"
#define RECIRC   "recirc("
#define SLOW     "This flow is handled by the userspace slow path"
#define FAILED   "Translation failed"
#define RULER    "===="

void fl_trace_destroy(struct fl_trace *trace)
{
    if (!trace) {
        return;
    }
    for (size_t i = 0; i < trace->n_steps; i++) {
        free(trace->steps[i].ct_state);
        free(trace->steps[i].megaflow);
        free(trace->steps[i].datapath_actions);
        free(trace->steps[i].actions);
    }
    fl_fate_destroy(trace->fate);
    fl_ports_destroy(trace->ports);
    free(trace->steps);
    free(trace->patch_port);
    free(trace->text);
    free(trace);
}

static int not_understood(struct fl_error *err, const char *what)
{
    return fl_error_set(err, -EPROTO, "cannot understand OVS's trace: %s", what);
}

/* Where the reader is: what it expects next at the start of a line. */
enum expect {
    EXPECT_FLOW,
    EXPECT_MEGAFLOW,
    EXPECT_ACTIONS,
    EXPECT_REMARKS, /* after the actions */
    EXPECT_REASONS, /* after the slow path line */
    EXPECT_BOX,     /* after the first '=' line */
};

struct reader {
    struct fl_trace *trace;
    enum expect expect;
    unsigned int n_vlans;   /* of this step's packet */
    ovs_be16 tci;           /* of the outer header, if there is one */
    bool pops_vlan;         /* the step's pipeline takes a header off */
    bool pushes_vlan;       /* ... or may put one on */
    unsigned int n_bridges; /* of this step so far */
    char *output;           /* port of the action in the line before, or NULL */
    unsigned int involves;  /* what the pipeline's lines tell */
};

static bool has_prefix(const char *line, const char *prefix)
{
    return !strncmp(line, prefix, strlen(prefix));
}

static struct fl_trace_step *last_step(struct fl_trace *trace)
{
    return &trace->steps[trace->n_steps - 1];
}

static int begin_step(struct fl_trace *trace, struct fl_error *err)
{
    if (trace->n_steps >= FL_LIMIT_CHAIN_LINKS) {
        return fl_error_set(err, -EPROTO, "the trace recirculates more than %u times",
                            FL_LIMIT_CHAIN_LINKS - 1);
    }
    trace->steps = xrealloc(trace->steps, (trace->n_steps + 1) * sizeof *trace->steps);
    trace->steps[trace->n_steps++] = (struct fl_trace_step){ .recirc_id = 0 };
    return 0;
}

/* "recirc(0x1) - resume conntrack with ct_state=est|trk", "... with default ct_state=trk|new (use" */
static int read_box(struct fl_trace *trace, const char *line, struct fl_error *err)
{
    struct fl_trace_step *step;
    const char *state;
    int error;

    if (!last_step(trace)->megaflow) {
        return not_understood(err, "two recirculations at once");
    }
    error = begin_step(trace, err);
    if (error) {
        return error;
    }
    step = last_step(trace);
    if (!ovs_scan(line, RECIRC "0x%" SCNx32 ")", &step->recirc_id) || !step->recirc_id) {
        return not_understood(err, "a recirculation without its number");
    }
    state = strstr(line, "ct_state=");
    if (state) {
        state += strlen("ct_state=");
        step->ct_state = xmemdup0(state, strcspn(state, " "));
    }
    return 0;
}

/* The port of "output:PORT", or NULL. Long names stand in quotes; owned by the caller. */
static char *output_port(const char *line)
{
    bool quoted;

    if (!has_prefix(line, OUTPUT)) {
        return NULL;
    }
    line += strlen(OUTPUT);
    quoted = *line == '"';
    return xmemdup0(line + quoted, strcspn(line + quoted, "\""));
}

/* What the beginning of a pipeline's line tells that the datapath actions may not. */
static unsigned int involved(const char *line)
{
    static const struct {
        const char *prefix;
        unsigned int involves;
    } actions[] = {
        { "learn(", FL_INVOLVES_LEARN },          { "fin_timeout(", FL_INVOLVES_LEARN },
        { "CONTROLLER", FL_INVOLVES_CONTROLLER }, { "controller", FL_INVOLVES_CONTROLLER },
        { "meter:", FL_INVOLVES_METER },          { "sample(", FL_INVOLVES_SAMPLE },
        { "group:", FL_INVOLVES_GROUP },          { "NORMAL", FL_INVOLVES_NORMAL },
        { "bundle", FL_INVOLVES_HASH },           { "multipath(", FL_INVOLVES_HASH },
    };

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (has_prefix(line, actions[i].prefix)) {
            return actions[i].involves;
        }
    }
    return 0;
}

static bool pops_vlan(const char *line)
{
    return has_prefix(line, "pop_vlan") || has_prefix(line, "strip_vlan");
}

/* "mod_vlan_vid" may, where there is none. NORMAL does for an access port. */
static bool pushes_vlan(const char *line)
{
    return has_prefix(line, "push_vlan") || has_prefix(line, "mod_vlan") ||
           has_prefix(line, "set_vlan") || has_prefix(line, "NORMAL");
}

static bool has_suffix(const char *line, const char *suffix)
{
    size_t n = strlen(line), length = strlen(suffix);

    return n >= length && !strcmp(line + n - length, suffix);
}

/* A bridge's heading right behind "output:PORT" says that PORT leads there. */
static void read_pipeline(struct reader *reader, const char *line)
{
    struct fl_trace *trace = reader->trace;

    line += strspn(line, " ");
    if (has_prefix(line, BRIDGE)) {
        if (reader->n_bridges++ == 1 && reader->output && !trace->patch_port) {
            trace->patch_port = xstrdup(reader->output);
        }
    } else if (*line) {
        free(reader->output);
        reader->output = output_port(line);
    }
    trace->n_normal += !strcmp(line, "NORMAL");
    if (has_prefix(line, "-> ") && has_suffix(line, ", flooding")) {
        reader->involves |= FL_INVOLVES_FLOOD;
    }
    reader->involves |= involved(line);
    reader->pops_vlan |= pops_vlan(line);
    reader->pushes_vlan |= pushes_vlan(line);
}

static int read_remark(struct reader *reader, const char *line, struct fl_error *err)
{
    if (has_prefix(line, FAILED)) {
        return fl_error_set(err, -EPROTO, "OVS cannot say what becomes of the packet: %s", line);
    }
    if (has_prefix(line, SLOW)) {
        reader->involves |= FL_INVOLVES_USERSPACE;
        reader->expect = EXPECT_REASONS;
    } else if (has_prefix(line, RULER)) {
        reader->expect = EXPECT_BOX;
    } else if (*line) {
        return not_understood(err, "an unknown remark after the datapath actions");
    }
    return 0;
}

static int read_reason(struct reader *reader, const char *line, struct fl_error *err)
{
    if (!has_prefix(line, "  - ")) {
        reader->expect = EXPECT_REMARKS;
        return read_remark(reader, line, err);
    }
    return 0;
}

static int read_box_line(struct reader *reader, const char *line, struct fl_error *err)
{
    struct fl_trace *trace = reader->trace;

    if (has_prefix(line, RECIRC)) {
        return read_box(trace, line, err);
    }
    if (has_prefix(line, RULER)) {
        if (last_step(trace)->megaflow) {
            return not_understood(err, "a recirculation without its number");
        }
        reader->expect = EXPECT_FLOW;
    }
    return 0;
}

/* Outer VLAN header of "Flow: ...,dl_vlan=100,dl_vlan_pcp=0,..."; 0 when there is none. */
static ovs_be16 read_tci(const char *flow)
{
    const char *vlan = strstr(flow, "dl_vlan=");
    int vid, pcp;

    return vlan && ovs_scan(vlan, "dl_vlan=%d,dl_vlan_pcp=%d", &vid, &pcp)
               ? htons((uint16_t)(vid | pcp << VLAN_PCP_SHIFT | VLAN_CFI))
               : 0;
}

static int read_flow(struct reader *reader, const char *line, struct fl_error *err)
{
    if (has_prefix(line, FLOW)) {
        int n_vlans = fl_megaflow_count_vlans(line + strlen(FLOW), err);

        reader->expect = EXPECT_MEGAFLOW;
        reader->n_bridges = 0;
        reader->pops_vlan = reader->pushes_vlan = false;
        reader->tci = read_tci(line);
        reader->n_vlans = n_vlans > 0 ? (unsigned int)n_vlans : 0;
        if (n_vlans < 0) {
            return n_vlans;
        }
        return reader->trace->n_steps ? 0 : begin_step(reader->trace, err);
    }
    return *line ? not_understood(err, "it does not start with \"Flow:\"") : 0;
}

/*
 * OVS composes no action for a VLAN header that is taken off and put on again as it was, and does not
 * test the header for that: its megaflow is too wide then, and holds for this very header alone.
 * Source: OVS 3.1 lib/odp-util.c, commit_vlan_action() and flow_skip_common_vlan_headers().
 */
static void bind_renewed_vlan(struct reader *reader, struct match *region)
{
    if (reader->pops_vlan && reader->pushes_vlan) {
        reader->trace->renews_vlan = true;
        region->flow.vlans[0].tci = reader->tci;
        region->wc.masks.vlans[0].tci = OVS_BE16_MAX;
    }
}

static int read_megaflow(struct reader *reader, const char *text, struct fl_error *err)
{
    struct fl_trace_step *step = last_step(reader->trace);
    int error = fl_megaflow_read(text, reader->n_vlans, &step->region, err);

    step->megaflow = xstrdup(text);
    reader->expect = EXPECT_ACTIONS;
    if (!error) {
        bind_renewed_vlan(reader, &step->region);
    }
    return error;
}

static int read_datapath_actions(struct reader *reader, const char *text, struct fl_error *err)
{
    struct fl_trace_step *step = last_step(reader->trace);
    struct ofpbuf actions;
    bool understood;

    step->datapath_actions = xstrdup(text);
    reader->expect = EXPECT_REMARKS;
    ofpbuf_init(&actions, 256);
    understood = fl_decode_actions(text, reader->trace->ports, &actions);
    step->actions_len = actions.size;
    step->actions = ofpbuf_steal_data(&actions);
    return understood
               ? 0
               : fl_error_set(err, -EPROTO,
                              "cannot understand OVS's trace: datapath actions: \"%s\"", text);
}

static int read_line(struct reader *reader, const char *line, struct fl_error *err)
{
    switch (reader->expect) {
    case EXPECT_FLOW: return read_flow(reader, line, err);
    case EXPECT_MEGAFLOW:
        if (has_prefix(line, MEGAFLOW)) {
            return read_megaflow(reader, line + strlen(MEGAFLOW), err);
        }
        read_pipeline(reader, line);
        return 0;
    case EXPECT_ACTIONS:
        if (!has_prefix(line, ACTIONS)) {
            return not_understood(err, "no datapath actions after a megaflow");
        }
        return read_datapath_actions(reader, line + strlen(ACTIONS), err);
    case EXPECT_REMARKS: return read_remark(reader, line, err);
    case EXPECT_REASONS: return read_reason(reader, line, err);
    case EXPECT_BOX: return read_box_line(reader, line, err);
    }
    OVS_NOT_REACHED();
}

/* The action at @text: its length, up to a comma outside of brackets; -1 when brackets do not match. */
static int action_length(const char *text)
{
    int depth = 0, n = 0;

    for (; text[n] && (depth || text[n] != ','); n++) {
        depth += text[n] == '(';
        depth -= text[n] == ')';
        if (depth < 0) {
            return -1;
        }
    }
    return depth ? -1 : n;
}

static bool is_action(const char *text, int n, const char *name)
{
    int length = (int)strlen(name);

    return n >= length && !strncmp(text, name, (size_t)length) &&
           (n == length || text[length] == '(');
}

struct recirculation {
    uint32_t id;
    bool was_last;  /* no action after it */
    unsigned int n; /* of them at the top level */
    bool nested;    /* inside clone() and the like */
};

static int read_recirculation(const char *text, struct recirculation *recirc, struct fl_error *err)
{
    for (;;) {
        int n = action_length(text);
        const char *inside = n > 0 ? memmem(text, (size_t)n, RECIRC, strlen(RECIRC)) : NULL;

        if (n <= 0) {
            return not_understood(err, "brackets of the datapath actions do not match");
        }
        recirc->was_last = inside == text;
        if (is_action(text, n, "recirc")) {
            if (!ovs_scan(text, RECIRC "0x%" SCNx32 ")", &recirc->id) || !recirc->id) {
                return not_understood(err, "a recirculation without its number");
            }
            recirc->n++;
        } else if (inside) {
            recirc->nested = true;
        }
        if (!text[n]) {
            return 0;
        }
        text += n + 1;
    }
}

/*
 * A plain sequence recirculates once at the end of each step but the last, and has a step for each. Of what
 * forks (a step that recirculates more than once, goes on after recirc(), or does it inside clone()) the
 * fate tells.
 */
static int check_sequence(const struct fl_trace *trace, struct fl_error *err)
{
    unsigned int n_recirc = 0;
    bool forks = false;

    for (size_t i = 0; i < trace->n_steps; i++) {
        struct recirculation recirc = { .n = 0 };
        int error = read_recirculation(trace->steps[i].datapath_actions, &recirc, err);

        if (error) {
            return error;
        }
        n_recirc += recirc.n;
        forks |= recirc.nested || recirc.n > 1 || (recirc.n && !recirc.was_last) ||
                 (recirc.n && i + 1 < trace->n_steps && trace->steps[i + 1].recirc_id != recirc.id);
    }
    return forks || n_recirc == trace->n_steps - 1
               ? 0
               : not_understood(err, "a recirculation that was not followed");
}

static int read_text(struct reader *reader, const char *text, struct fl_error *err)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        char *line = xmemdup0(text, length);
        int error = read_line(reader, line, err);

        free(line);
        if (error) {
            return error;
        }
        text += length + (text[length] != '\0');
    }
    if (reader->expect != EXPECT_REMARKS && reader->expect != EXPECT_REASONS) {
        return not_understood(err, "it ends too early");
    }
    return 0;
}

static void find_fate(struct reader *reader)
{
    struct fl_fate_step steps[FL_LIMIT_CHAIN_LINKS];
    struct fl_trace *trace = reader->trace;
    struct fl_fate *fate;

    for (size_t i = 0; i < trace->n_steps; i++) {
        const struct fl_trace_step *step = &trace->steps[i];

        steps[i] = (struct fl_fate_step){
            .recirc_id = step->recirc_id,
            .region = &step->region,
            .actions = step->actions,
            .actions_len = step->actions_len,
        };
    }
    fate = fl_fate_of(steps, trace->n_steps, trace->ports);
    fate->involves |= reader->involves;
    trace->fate = fate;
}

int fl_trace_parse(const char *text, struct fl_trace **tracep, struct fl_error *err)
{
    struct reader reader = { .trace = xzalloc(sizeof *reader.trace), .expect = EXPECT_FLOW };
    int error;

    reader.trace->ports = fl_ports_create();
    error = read_text(&reader, text, err);
    free(reader.output);
    if (!error) {
        error = check_sequence(reader.trace, err);
    }
    if (error) {
        fl_trace_destroy(reader.trace);
        return error;
    }
    find_fate(&reader);
    reader.trace->text = xstrdup(text);
    *tracep = reader.trace;
    return 0;
}
