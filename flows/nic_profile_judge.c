/* SPDX-License-Identifier: Apache-2.0 */

/* What a NIC profile says of a flow, and of what a rule may do: nic_profile.h. */

#include "flows/nic_profile_internal.h"

#include <inttypes.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/meta-flow.h>
#include <ovs/util.h>

/* Limits of one flow have a number here; the others are of the whole NIC, and only told. */
static const char *const limit_names[] = { "outputs",  "vlan_pushes",    "rules",      "chains",
                                           "rewrites", "internal_ports", "connections" };

bool fl_profile_is_limit(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(limit_names); i++) {
        if (!strcmp(limit_names[i], name))
            return true;
    }
    return false;
}

static uint64_t count_of(const struct fl_profile_parts *parts, const char *limit)
{
    return !strcmp(limit, "outputs")       ? parts->n_outputs
           : !strcmp(limit, "vlan_pushes") ? parts->n_vlan_pushes
                                           : 0;
}

/* ---- Does a line speak against a flow? ---- */

static bool is_of(enum fl_profile_over line, enum fl_profile_over packets)
{
    return line == FL_PROFILE_OVER_ANY || line == packets;
}

static bool tests_flags(const struct fl_profile_line *line, const struct fl_profile_parts *parts)
{
    const struct flow *flow = &parts->match.flow, *mask = &parts->match.wc.masks;
    uint32_t set = line->field->id == MFF_IP_FRAG ? flow->nw_frag & mask->nw_frag
                                                  : flow->ct_state & mask->ct_state;

    return set & line->flags;
}

static bool is_exact(const struct mf_field *field, const union mf_value *mask)
{
    const uint8_t *bytes = (const uint8_t *)mask;

    return is_all_ones(bytes + field->n_bytes - field->n_bits / 8, field->n_bits / 8) &&
           (field->n_bits % 8 == 0 ||
            !(~bytes[field->n_bytes - field->n_bits / 8 - 1] & ((1u << field->n_bits % 8) - 1)));
}

static bool is_zero(const struct mf_field *field, const union mf_value *value)
{
    return is_all_zeros(value, field->n_bytes);
}

static bool match_speaks(const struct fl_profile_line *line, const struct fl_profile_parts *parts)
{
    union mf_value value, mask;

    if (!is_of(line->over, parts->over) || !fl_profile_parts_test(parts, line->field))
        return false;
    if (line->word != FL_PROFILE_TAKEN)
        return !line->flags || tests_flags(line, parts);
    if (!line->exact_mask && !line->zero_value)
        return false;
    mf_get(line->field, &parts->match, &value, &mask);
    return (line->exact_mask && !is_exact(line->field, &mask)) ||
           (line->zero_value && !is_zero(line->field, &value));
}

/* An action, or a rewrite, that the flow has. */
static bool done_speaks(const struct fl_profile_line *line, const struct fl_profile_parts *parts)
{
    if (line->word != FL_PROFILE_TAKEN)
        return true;
    for (size_t i = 0; i < line->not_with.n; i++) {
        if (svec_contains(&parts->actions, line->not_with.names[i]))
            return true;
    }
    for (size_t i = 0; parts->flow->has_match && i < line->needs.n; i++) {
        if (!fl_profile_parts_test(parts, fl_profile_field(line->needs.names[i])))
            return true;
    }
    return false;
}

static bool rewrite_speaks(const struct fl_profile_line *line, const struct fl_profile_parts *parts)
{
    for (size_t i = 0; i < parts->n_rewrites; i++) {
        if (!strcmp(parts->rewrites[i].field, line->name) &&
            is_of(line->over, parts->rewrites[i].over))
            return done_speaks(line, parts);
    }
    return false;
}

static bool speaks_against(const struct fl_profile_line *line, const struct fl_profile_parts *parts)
{
    if (line->disproved)
        return false;
    switch (line->kind) {
    case FL_PROFILE_MATCH: return match_speaks(line, parts);
    case FL_PROFILE_ACTION:
        return is_of(line->over, parts->over) && svec_contains(&parts->actions, line->name) &&
               done_speaks(line, parts);
    case FL_PROFILE_REWRITE: return rewrite_speaks(line, parts);
    case FL_PROFILE_LIMIT: return count_of(parts, line->name) > line->most;
    case FL_PROFILE_N_KINDS:
    default: return false;
    }
}

/* ---- All lines ---- */

static const struct fl_profile_lines *lines_of(const struct fl_profile *profile,
                                               enum fl_offload_api api)
{
    return !profile || api == FL_API_UNKNOWN ? NULL : &profile->of[api == FL_API_RTE_FLOW];
}

static bool has_line_on(const struct fl_profile_lines *lines, const struct fl_profile_line *line)
{
    for (size_t i = 0; lines && i < lines->n; i++) {
        if (lines->lines[i].kind == line->kind && !strcmp(lines->lines[i].name, line->name))
            return true;
    }
    return false;
}

typedef bool line_cb(const struct fl_profile_line *line, void *aux);

/* Those of the profile, then those of its base that it says nothing else of. @cb ends it with true. */
static bool each_line(const struct fl_profile *profile, enum fl_offload_api api, line_cb *cb,
                      void *aux)
{
    const struct fl_profile_lines *own = lines_of(profile, api);
    const struct fl_profile_lines *more = lines_of(profile ? profile->base_found : NULL, api);

    for (size_t i = 0; own && i < own->n; i++) {
        if (cb(&own->lines[i], aux))
            return true;
    }
    for (size_t i = 0; more && i < more->n; i++) {
        if (!has_line_on(own, &more->lines[i]) && cb(&more->lines[i], aux))
            return true;
    }
    return false;
}

struct hits {
    const struct fl_profile_parts *parts;
    struct fl_profile_hit *hits;
    size_t n;
    bool depends; /* Look for these, or for the others. */
};

static bool add_hit(const struct fl_profile_line *line, void *hits_)
{
    struct hits *hits = hits_;

    if ((line->word == FL_PROFILE_DEPENDS) == hits->depends && speaks_against(line, hits->parts))
        hits->hits[hits->n++] = (struct fl_profile_hit){ line, count_of(hits->parts, line->name) };
    return hits->n == FL_PROFILE_HITS_MAX;
}

size_t fl_profile_against(const struct fl_profile *profile, enum fl_offload_api api,
                          const struct fl_flow *flow,
                          struct fl_profile_hit hits[FL_PROFILE_HITS_MAX])
{
    struct fl_profile_parts parts;
    struct hits found = { .parts = &parts, .hits = hits };

    if (!profile || api == FL_API_UNKNOWN)
        return 0;
    fl_profile_parts_init(&parts, flow);
    if (!each_line(profile, api, add_hit, &found)) {
        found.depends = true;
        each_line(profile, api, add_hit, &found);
    }
    fl_profile_parts_destroy(&parts);
    return found.n;
}

/* ---- What it asks of connections ---- */

struct part {
    const struct fl_profile_parts *parts;
    enum fl_profile_kind kind;
    const char *name;
    bool is_taken, is_refused;
};

static bool ask_line(const struct fl_profile_line *line, void *part_)
{
    struct part *part = part_;

    if (line->kind != part->kind || strcmp(line->name, part->name))
        return false;
    if (speaks_against(line, part->parts))
        part->is_refused = true;
    else if (line->word == FL_PROFILE_TAKEN || line->disproved)
        part->is_taken = true;
    return part->is_refused;
}

static bool takes_part(const struct fl_profile *profile, enum fl_offload_api api,
                       const struct fl_profile_parts *parts, enum fl_profile_kind kind,
                       const char *name)
{
    struct part part = { .parts = parts, .kind = kind, .name = name };

    each_line(profile, api, ask_line, &part);
    return part.is_taken && !part.is_refused;
}

bool fl_profile_takes_ct(const struct fl_profile *profile, enum fl_offload_api api,
                         const struct fl_flow *flow)
{
    struct fl_profile_parts parts;
    bool takes = true;

    fl_profile_parts_init(&parts, flow);
    for (int id = 0; id < MFF_N_IDS && takes; id++) {
        const struct mf_field *field = mf_from_id((enum mf_field_id)id);

        if (!strncmp(field->name, "ct_", 3) && fl_profile_parts_test(&parts, field))
            takes = takes_part(profile, api, &parts, FL_PROFILE_MATCH, field->name);
    }
    if (svec_contains(&parts.actions, "ct_clear"))
        takes &= takes_part(profile, api, &parts, FL_PROFILE_ACTION, "ct_clear");
    fl_profile_parts_destroy(&parts);
    return takes;
}

/* ---- As causes ---- */

static bool is_tunnel(const char *name)
{
    return !strncmp(name, "tun_", 4) || !strncmp(name, "tnl_", 4) || !strcmp(name, "set(tunnel)");
}

/* What it is when this line is why a flow was refused. */
static enum fl_cause_id cause_of(const struct fl_profile_line *line)
{
    if (!strncmp(line->name, "ct", 2) &&
        (line->name[2] == '_' || line->name[2] == '(' || line->name[2] == '\0'))
        return FL_CAUSE_NIC_CONNTRACK;
    if (!strcmp(line->name, "recirc") || !strcmp(line->name, "recirc_id"))
        return FL_CAUSE_NIC_CHAIN;
    if (is_tunnel(line->name))
        return FL_CAUSE_NIC_TUNNEL;
    if (!strcmp(line->name, "output") || !strcmp(line->name, "outputs"))
        return FL_CAUSE_NIC_OUTPUT;
    return line->kind == FL_PROFILE_MATCH ? FL_CAUSE_NIC_MATCH : FL_CAUSE_NIC_ACTION;
}

static void put_hit(const struct fl_profile_hit *hit, struct ds *text)
{
    const struct fl_profile_line *line = hit->line;

    if (line->kind == FL_PROFILE_LIMIT)
        ds_put_format(text, "%" PRIu64 " %s, where it takes %" PRIu64, hit->number, line->name,
                      line->most);
    else
        ds_put_format(text, "%s%s%s", line->kind == FL_PROFILE_REWRITE ? "rewrite of " : "",
                      line->name, line->word == FL_PROFILE_DEPENDS ? " (not on every one)" : "");
    if (line->says)
        ds_put_format(text, ": \"%s\"", line->says);
    ds_put_format(text, " (%s)", line->source);
}

/* One cause of each kind: further lines are added to its text, as far as it holds them. */
static void add_cause(struct fl_cause causes[FL_MAX_CAUSES], size_t *n, enum fl_cause_id id,
                      const char *text)
{
    struct fl_cause cause = { .id = id, .may_be = true };
    size_t used;

    for (size_t i = 0; i < *n; i++) {
        if (causes[i].id != id)
            continue;
        used = strlen(causes[i].detail);
        if (used + 2 + strlen(text) < sizeof causes[i].detail) {
            ovs_strlcpy(causes[i].detail + used, "; ", sizeof causes[i].detail - used);
            ovs_strlcpy(causes[i].detail + used + 2, text, sizeof causes[i].detail - used - 2);
        }
        return;
    }
    ovs_strlcpy(cause.detail, text, sizeof cause.detail);
    *n = fl_causes_merge(causes, *n, &cause, 1);
}

size_t fl_profile_judge(const struct fl_profile *profile, enum fl_offload_api api,
                        const struct fl_flow *flow, struct fl_cause causes[FL_MAX_CAUSES])
{
    struct fl_profile_hit hits[FL_PROFILE_HITS_MAX];
    struct ds text = DS_EMPTY_INITIALIZER;
    size_t n_hits = fl_profile_against(profile, api, flow, hits);
    size_t n = 0;

    for (size_t i = 0; i < n_hits; i++) {
        ds_clear(&text);
        put_hit(&hits[i], &text);
        add_cause(causes, &n, cause_of(hits[i].line), ds_cstr(&text));
    }
    ds_destroy(&text);
    return n;
}

/* ---- What a plan may contain ---- */

struct wanted {
    const char *name, *action;
    enum fl_profile_over over;
    const struct fl_profile_line *refusal;
};

static bool refuses(const struct fl_profile_line *line, void *wanted_)
{
    struct wanted *wanted = wanted_;
    bool is_it = line->kind == FL_PROFILE_REWRITE ? !strcmp(line->name, wanted->name)
                 : line->kind == FL_PROFILE_ACTION
                     ? !strcmp(line->name, wanted->name) ||
                           (wanted->action && !strcmp(line->name, wanted->action))
                     : false;

    if (is_it && !line->disproved && line->word == FL_PROFILE_REFUSED &&
        is_of(line->over, wanted->over))
        wanted->refusal = line;
    return wanted->refusal != NULL;
}

bool fl_profile_allows_rewrite(const struct fl_profile *profile, enum fl_offload_api api,
                               const char *name, enum fl_profile_over over,
                               const struct fl_profile_line **why)
{
    struct wanted wanted = { .name = name,
                             .action = fl_profile_rewrite_action(name, over),
                             .over = over };

    if (!each_line(profile, api, refuses, &wanted))
        return true;
    if (why)
        *why = wanted.refusal;
    return false;
}
