/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/asked.h"

#include <string.h>

#include <ovs/flow.h>
#include <ovs/util.h>

#include "flows/refusal.h"

const char *fl_asked_outcome_name(enum fl_asked_outcome outcome)
{
    static const char *const names[] = {
        [FL_ASKED_CANNOT_TELL] = "cannot-tell",
        [FL_ASKED_NOT_OFFERED] = "not-offered",
        [FL_ASKED_REFUSED] = "refused",
        [FL_ASKED_REFUSES_ALL] = "refuses-everything",
        [FL_ASKED_REFUSED_FOR_NOW] = "refused-for-now",
        [FL_ASKED_ACCEPTED] = "accepted",
    };

    return names[outcome];
}

/* ---- What came back ---- */

static enum fl_asked_outcome outcome_of(enum fl_shrink_outcome outcome, unsigned int n_parts)
{
    switch (outcome) {
    case FL_SHRINK_PARTS: return FL_ASKED_REFUSED;
    case FL_SHRINK_ACCEPTED: return FL_ASKED_ACCEPTED;
    case FL_SHRINK_EVERYTHING: return FL_ASKED_REFUSES_ALL;
    case FL_SHRINK_PASSING: return n_parts ? FL_ASKED_REFUSED : FL_ASKED_REFUSED_FOR_NOW;
    case FL_SHRINK_CANNOT_TELL:
    default: return n_parts ? FL_ASKED_REFUSED : FL_ASKED_CANNOT_TELL;
    }
}

/* @answer: to the whole, or the one that ended it */
static void take_answer(struct fl_asked *asked, enum fl_shrink_outcome outcome,
                        unsigned int n_offers, unsigned int n_parts,
                        const struct fl_tc_answer *answer)
{
    asked->outcome = outcome_of(outcome, n_parts);
    asked->n_offers = n_offers;
    asked->n_parts = n_parts;
    if (outcome == FL_SHRINK_PARTS || outcome == FL_SHRINK_ACCEPTED)
        return;
    asked->error = -answer->error;
    asked->cause = fl_refusal_cause(answer->error, answer->text);
    ovs_strlcpy(asked->words, answer->text, sizeof asked->words);
}

static void take_part(struct fl_asked_part *part, const char *what, enum fl_cause_id cause,
                      const struct fl_tc_answer *answer)
{
    *part = (struct fl_asked_part){
        .cause = fl_refusal_cause_of_part(answer->error, answer->text, cause),
        .error = -answer->error,
    };
    ovs_strlcpy(part->what, what, sizeof part->what);
    ovs_strlcpy(part->words, answer->text, sizeof part->words);
}

void fl_asked_take_shrunk(struct fl_asked *asked, const struct fl_shrunk *shrunk,
                          const struct fl_tc_filter *filter)
{
    take_answer(asked, shrunk->outcome, shrunk->n_offers, shrunk->n_parts, &shrunk->answer);
    for (unsigned int i = 0; i < shrunk->n_parts; i++) {
        struct ds what = DS_EMPTY_INITIALIZER;

        fl_shrunk_format(shrunk, i, filter, &what);
        take_part(&asked->parts[i], ds_cstr(&what), fl_shrunk_cause(shrunk, i, filter),
                  &shrunk->parts[i].answer);
        ds_destroy(&what);
    }
}

void fl_asked_take_rte(struct fl_asked *asked, const struct fl_rte_shrunk *shrunk)
{
    take_answer(asked, shrunk->outcome, shrunk->n_offers, shrunk->n_parts, &shrunk->answer);
    for (unsigned int i = 0; i < shrunk->n_parts; i++)
        take_part(&asked->parts[i], shrunk->parts[i].what, shrunk->parts[i].cause,
                  &shrunk->parts[i].answer);
}

/* ---- Of which flow ---- */

bool fl_asked_told(const struct fl_asked *asked)
{
    return asked->outcome != FL_ASKED_CANNOT_TELL && asked->outcome != FL_ASKED_NOT_OFFERED;
}

static bool has_same_mask(const struct fl_flow *a, const struct fl_flow *b)
{
    struct match of_a, of_b;

    minimatch_expand(&a->match, &of_a);
    minimatch_expand(&b->match, &of_b);
    return flow_wildcards_equal(&of_a.wc, &of_b.wc);
}

/* A NIC takes or refuses fields and actions, not values. */
static bool is_alike(const struct fl_flow *a, const struct fl_flow *b)
{
    return a == b ||
           (a->in_port == b->in_port && a->recirc_id == b->recirc_id && a->has_match &&
            b->has_match && a->has_actions && b->has_actions && a->actions_len == b->actions_len &&
            !memcmp(a->actions, b->actions, a->actions_len) && has_same_mask(a, b));
}

const struct fl_asked *fl_asked_of(const struct fl_asked_all *all, const struct fl_flow *flow)
{
    for (size_t i = 0; i < all->n; i++) {
        if (is_alike(all->flows[i].flow, flow))
            return &all->flows[i];
    }
    return NULL;
}

/* ---- Causes ---- */

/* "vm1 refuses ip_tos: "flownic: Matching on TOS is not supported"" */
static struct fl_cause refusal(const char *device, const char *what, enum fl_cause_id id, int error,
                               const char *words)
{
    struct fl_cause cause = { .id = id };
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_format(&text, "%s refuses %s: ", device, what);
    if (*words)
        ds_put_format(&text, "\"%s\"", words);
    else
        ds_put_cstr(&text, ovs_strerror(error));
    ovs_strlcpy(cause.detail, ds_cstr(&text), sizeof cause.detail);
    ds_destroy(&text);
    return cause;
}

static struct fl_cause acceptance(const struct fl_asked *asked)
{
    struct fl_cause cause = {
        .id = FL_CAUSE_REFUSED_ONCE,
        .may_be = asked->api != FL_API_TC,
    };

    snprintf(cause.detail, sizeof cause.detail, "%.64s was asked, and %s", asked->device,
             cause.may_be ? "takes the flow if it has room" : "takes the flow now");
    return cause;
}

size_t fl_asked_causes(const struct fl_asked *asked, struct fl_cause causes[FL_SHRINK_PARTS_MAX])
{
    switch (asked->outcome) {
    case FL_ASKED_REFUSED:
        for (unsigned int i = 0; i < asked->n_parts; i++)
            causes[i] = refusal(asked->device, asked->parts[i].what, asked->parts[i].cause,
                                asked->parts[i].error, asked->parts[i].words);
        return asked->n_parts;
    case FL_ASKED_REFUSES_ALL:
    case FL_ASKED_REFUSED_FOR_NOW:
        causes[0] = refusal(asked->device,
                            asked->outcome == FL_ASKED_REFUSES_ALL ? "every flow"
                                                                   : "it for the moment",
                            asked->cause, asked->error, asked->words);
        return 1;
    case FL_ASKED_ACCEPTED: causes[0] = acceptance(asked); return 1;
    case FL_ASKED_CANNOT_TELL:
    case FL_ASKED_NOT_OFFERED:
    default: return 0;
    }
}
