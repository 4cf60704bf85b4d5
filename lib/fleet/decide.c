/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/decide.h"

bool fl_decision_is_later(const struct fl_decision *a, const struct fl_decision *b)
{
    if (a->decided_ms != b->decided_ms) {
        return a->decided_ms > b->decided_ms;
    }
    return a->decided_ms && !a->stands && b->stands;
}

static enum fl_act repair(const struct fl_decide_on *view, const struct fl_decision *word)
{
    bool is_new = view->tried_ms != word->decided_ms;
    bool is_due = is_new || (view->is_stranded && view->may_retry);

    return view->is_here && is_due ? FL_ACT_REPAIR : FL_ACT_LEAVE;
}

/* Somebody else decided that it is to stand, later than anybody here. */
static enum fl_act take_up(const struct fl_decide_on *view, const struct fl_decision *word)
{
    if (view->own_is_in) {
        return FL_ACT_HEED;
    }
    if (!view->is_here) {
        return FL_ACT_LEAVE;
    }
    return view->peers_have_rules ? FL_ACT_ADOPT : repair(view, word);
}

enum fl_act fl_decide(const struct fl_decide_on *view, struct fl_decision *word)
{
    bool has_order = view->order.decided_ms != 0;
    const struct fl_decision *said = &view->peers;

    if (has_order && !fl_decision_is_later(&view->peers, &view->order)) {
        said = &view->order;
        if (said->stands && view->order_is_over) {
            *word = *said;
            return FL_ACT_LEAVE; /* What was said before it is no more. */
        }
    }
    *word = *said;
    if (fl_decision_is_later(said, &view->own)) {
        return said->stands ? take_up(view, said) : view->own_is_in ? FL_ACT_REVERT : FL_ACT_LEAVE;
    }
    /* An order that was heard here, and did not help: it still stands. */
    if (has_order && view->order.stands && view->own.stands && !view->own_is_in &&
        view->order.decided_ms == view->own.decided_ms) {
        *word = view->order;
        return view->is_here && view->is_stranded && view->may_retry ? FL_ACT_REPAIR : FL_ACT_LEAVE;
    }
    return FL_ACT_LEAVE;
}
