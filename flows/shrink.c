/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The units of a filter are in an order in which what is needed comes first. Of those the shortest beginning
 * that is refused is looked for, by halves: its last unit is one of a refused part. If that is not refused by
 * itself, the rest of the part is looked for in the same way, before it. Then it is taken out, and what is left is
 * offered, until that is accepted. What was answered once is not asked again, and what follows from an answer
 * (less than what was accepted, more than what was refused) is not asked at all.
 */
#include "flows/shrink.h"

#include <string.h>

#include "flows/shrink_internal.h"

#define BIT(unit)   (UINT64_C(1) << (unit))
#define ANSWERS_MAX 256

struct search {
    const struct fl_tc_filter *filter;
    fl_shrink_offer *offer;
    void *aux;
    struct fl_shrunk *shrunk;
    int end;            /* The unit that ends the actions; FL_SHRINK_NONE: a drop does. */
    uint64_t fixed;     /* Units that are always offered. */
    bool drop_is_taken; /* A drop in the place of @end, and nothing else. */
    bool stopped;       /* The outcome is set. */
    unsigned int n_answers;
    struct {
        uint64_t units;
        bool refused;
    } answers[ANSWERS_MAX];
    struct fl_tc_answer answer; /* The last refusal. */
    struct fl_tc_filter part;
};

/* Asking */

static uint64_t all_units(const struct search *search)
{
    unsigned int n = search->shrunk->n_units;

    return n == 64 ? UINT64_MAX : BIT(n) - 1;
}

static void stop(struct search *search, enum fl_shrink_outcome outcome,
                 const struct fl_tc_answer *answer)
{
    search->shrunk->outcome = outcome;
    search->shrunk->answer = *answer;
    search->stopped = true;
}

static void stop_with(struct search *search, const char *text)
{
    struct fl_tc_answer answer = { .verdict = FL_TC_CANNOT_TELL, .error = -E2BIG };

    strncpy(answer.text, text, sizeof answer.text - 1);
    stop(search, FL_SHRINK_CANNOT_TELL, &answer);
}

/* Return: whether it is refused; false when the search is over. */
static bool ask(struct search *search, uint64_t units, uint64_t whole_masks)
{
    struct fl_tc_answer answer = { .verdict = FL_TC_CANNOT_TELL };

    if (search->stopped)
        return false;
    if (search->shrunk->n_offers == 4 * search->shrunk->n_units + 16) {
        stop_with(search, "it took too many offers");
        return false;
    }
    search->shrunk->n_offers++;
    if (units == all_units(search) && !whole_masks) {
        search->offer(search->filter, search->aux, &answer);
    } else {
        fl_shrink_build(search->filter, search->shrunk, units, whole_masks, &search->part);
        search->offer(&search->part, search->aux, &answer);
    }
    if (answer.verdict == FL_TC_CANNOT_TELL)
        stop(search, FL_SHRINK_CANNOT_TELL, &answer);
    else if (fl_tc_answer_passes(&answer))
        stop(search, FL_SHRINK_PASSING, &answer);
    else if (answer.verdict == FL_TC_REFUSED)
        search->answer = answer;
    return !search->stopped && answer.verdict == FL_TC_REFUSED;
}

static void remember(struct search *search, uint64_t units, bool refused)
{
    if (search->stopped || search->n_answers == ANSWERS_MAX)
        return;
    search->answers[search->n_answers].units = units;
    search->answers[search->n_answers++].refused = refused;
}

/*
 * @follows: take what follows from other answers too. A filter with its own end is not more than one with a drop
 * in the place of it: from one nothing follows for the other.
 * Return: 1 refused, 0 accepted, -1 not known.
 */
static int recall(const struct search *search, uint64_t units, bool follows)
{
    uint64_t end = search->end == FL_SHRINK_NONE ? 0 : BIT(search->end);

    for (unsigned int i = 0; i < search->n_answers; i++) {
        uint64_t known = search->answers[i].units;
        bool refused = search->answers[i].refused;

        if ((known ^ units) & end)
            continue;
        if (known == units || (follows && (refused ? !(known & ~units) : !(units & ~known))))
            return refused;
    }
    return -1;
}

static bool is_refused(struct search *search, uint64_t units)
{
    int known = recall(search, units, true);
    bool refused;

    if (known >= 0)
        return known;
    refused = ask(search, units, 0);
    remember(search, units, refused);
    return refused;
}

/* Like is_refused(), and the words of the NIC to just this are in search->answer. */
static bool is_refused_saying(struct search *search, uint64_t units)
{
    bool refused;

    if (recall(search, units, false) == 0)
        return false;
    refused = ask(search, units, 0);
    remember(search, units, refused);
    return refused;
}

/* Sets of units */

static const struct fl_shrink_unit *unit_at(const struct search *search, int i)
{
    return &search->shrunk->units[i];
}

static int lowest(uint64_t units)
{
    return __builtin_ctzll(units);
}

/* With what they need. @alive: of which one is taken that some unit needs any of */
static uint64_t with_needs(const struct search *search, uint64_t units, uint64_t alive)
{
    uint64_t all = units;

    for (uint64_t left = units; left; left &= left - 1) {
        const struct fl_shrink_unit *unit = unit_at(search, lowest(left));
        uint64_t any = unit->needs_any & alive;

        all |= unit->needs;
        if (any && !(units & any))
            all |= BIT(lowest(any)) | unit_at(search, lowest(any))->needs;
    }
    return all;
}

/* @alive without a unit, and without all that cannot be there without it. */
static uint64_t without(const struct search *search, uint64_t alive, int gone)
{
    alive &= ~BIT(gone);
    for (unsigned int i = 0; i < search->shrunk->n_units; i++) {
        const struct fl_shrink_unit *unit = unit_at(search, (int)i);

        if (unit->needs & BIT(gone) || (unit->needs_any && !(unit->needs_any & alive)))
            alive &= ~BIT(i);
    }
    return alive;
}

/* One part */

/*
 * The end of the shortest beginning of @alive that is refused together with @always.
 * @bound: the beginning of all units before this one is refused
 * Return: its last unit; FL_SHRINK_NONE when @always alone is.
 */
static int find_last(struct search *search, uint64_t alive, uint64_t always, int bound)
{
    uint64_t candidates = alive & ~always & (bound == 64 ? UINT64_MAX : BIT(bound) - 1);
    int units[FL_SHRINK_UNITS_MAX], n = 0, taken = -1;

    for (; candidates; candidates &= candidates - 1)
        units[n++] = lowest(candidates);
    /* With the first @taken of them it is accepted (-1: not even that is known), with all @n refused. */
    while (n - taken > 1 && !search->stopped) {
        int middle = taken < 0 ? 0 : taken + (n - taken) / 2;
        uint64_t begin = middle ? BIT(units[middle - 1]) | (BIT(units[middle - 1]) - 1) : 0;

        if (is_refused(search, with_needs(search, always | (alive & begin), alive)))
            n = middle;
        else
            taken = middle;
    }
    return n ? units[n - 1] : FL_SHRINK_NONE;
}

/* Whether the part is refused with a drop in the place of the filter's own end. */
static bool is_refused_before_drop(struct search *search, uint64_t units, uint64_t alive)
{
    if (!search->drop_is_taken)
        return false;
    return is_refused_saying(search, with_needs(search, units, alive));
}

/* What some other unit of the part needs is there anyway. */
static void keep_what_tells(const struct search *search, uint64_t units, uint64_t alive,
                            struct fl_shrunk_part *part)
{
    part->units = units;
    for (uint64_t left = units; left; left &= left - 1)
        part->units &= ~unit_at(search, lowest(left))->needs;
    part->needed = with_needs(search, units, alive) & ~part->units;
}

static void look_at_masks(struct search *search, struct fl_shrunk_part *part)
{
    uint64_t units = part->units | part->needed | (search->drop_is_taken ? 0 : search->fixed);

    for (uint64_t left = part->units; left; left &= left - 1) {
        int unit = lowest(left);

        if (fl_shrink_is_masked(search->filter, unit_at(search, unit)) &&
            !ask(search, units, BIT(unit)) && !search->stopped)
            part->masks |= BIT(unit);
    }
}

/* @alive is refused. Return: whether a part was found; false when the search is over. */
static bool find_part(struct search *search, uint64_t alive, struct fl_shrunk_part *part)
{
    uint64_t end = search->end == FL_SHRINK_NONE ? 0 : BIT(search->end) & search->fixed;
    uint64_t units = 0;
    int bound = 64;

    for (;;) {
        int unit = find_last(search, alive, search->fixed | units, bound);

        if (search->stopped)
            return false;
        if (unit == FL_SHRINK_NONE)
            break;
        units |= BIT(unit);
        bound = unit;
        if (is_refused_before_drop(search, units, alive)) {
            end = 0;
            break;
        }
        if (is_refused_saying(search, with_needs(search, search->fixed | units, alive)))
            break;
        if (search->stopped)
            return false;
    }
    if (search->drop_is_taken)
        units |= end;
    memset(part, 0, sizeof *part);
    keep_what_tells(search, units, alive, part);
    part->answer = search->answer;
    look_at_masks(search, part);
    return !search->stopped;
}

/* The unit of a part that takes least with it. */
static int to_take_out(const struct search *search, const struct fl_shrunk_part *part,
                       uint64_t alive)
{
    int best = lowest(part->units), best_left = -1;

    for (uint64_t left = part->units & ~search->fixed; left; left &= left - 1) {
        int n = __builtin_popcountll(without(search, alive, lowest(left)));

        if (n > best_left) {
            best_left = n;
            best = lowest(left);
        }
    }
    return best;
}

/* All of them */

static void find_parts(struct search *search, int taken_out[FL_SHRINK_PARTS_MAX])
{
    struct fl_shrunk *shrunk = search->shrunk;
    uint64_t alive = all_units(search);

    while (shrunk->n_parts < FL_SHRINK_PARTS_MAX && is_refused(search, alive)) {
        struct fl_shrunk_part *part = &shrunk->parts[shrunk->n_parts];

        if (!find_part(search, alive, part))
            return;
        taken_out[shrunk->n_parts++] = to_take_out(search, part, alive);
        alive = without(search, alive, taken_out[shrunk->n_parts - 1]);
    }
}

/* Without all other parts it is still refused: else this one was refused for being so little. */
static bool is_necessary(struct search *search, unsigned int i,
                         const int taken_out[FL_SHRINK_PARTS_MAX])
{
    const struct fl_shrunk_part *part = &search->shrunk->parts[i];
    uint64_t alive = all_units(search);
    int known;

    for (unsigned int other = 0; other < search->shrunk->n_parts; other++) {
        if (other != i)
            alive = without(search, alive, taken_out[other]);
    }
    if ((part->units | part->needed) & ~alive)
        return true;
    known = recall(search, alive, false);
    return known >= 0 ? known : ask(search, alive, 0) || search->stopped;
}

static void leave_out_the_needless(struct search *search, const int taken_out[FL_SHRINK_PARTS_MAX])
{
    struct fl_shrunk *shrunk = search->shrunk;
    bool needless[FL_SHRINK_PARTS_MAX] = { false };
    unsigned int n = 0;

    if (shrunk->n_parts < 2)
        return;
    for (unsigned int i = 0; i < shrunk->n_parts; i++)
        needless[i] = !is_necessary(search, i, taken_out);
    for (unsigned int i = 0; i < shrunk->n_parts; i++) {
        if (!needless[i])
            shrunk->parts[n++] = shrunk->parts[i];
    }
    shrunk->n_parts = n;
}

/*
 * The least that is accepted: where the actions end as they do, or in a drop; nothing matched, or, for a NIC
 * that wants to be told, the Ethernet type.
 */
static bool find_least(struct search *search)
{
    uint64_t end = search->end == FL_SHRINK_NONE ? 0 : BIT(search->end), type = 0;
    const uint64_t all = all_units(search);

    for (unsigned int i = 0; i < search->shrunk->n_units; i++) {
        if (unit_at(search, (int)i)->keys >> FL_TC_KEY_ETH_TYPE & 1)
            type = BIT(i);
    }
    search->drop_is_taken = !is_refused(search, 0) && !search->stopped;
    search->fixed = with_needs(search, end, all);
    if (!is_refused(search, search->fixed))
        return !search->stopped;
    search->fixed = 0;
    if (search->drop_is_taken || !type)
        return search->drop_is_taken;
    search->fixed = with_needs(search, end | type, all);
    if (!is_refused(search, search->fixed))
        return !search->stopped;
    search->fixed = with_needs(search, type, all);
    return !is_refused(search, search->fixed) && !search->stopped;
}

void fl_shrink(const struct fl_tc_filter *filter, fl_shrink_offer *offer, void *aux,
               struct fl_shrunk *shrunk)
{
    struct search search = { .filter = filter, .offer = offer, .aux = aux, .shrunk = shrunk };
    int taken_out[FL_SHRINK_PARTS_MAX];
    struct fl_tc_answer whole;

    *shrunk = (struct fl_shrunk){ .outcome = FL_SHRINK_ACCEPTED };
    search.end = fl_shrink_split(filter, shrunk);
    if (!is_refused(&search, all_units(&search)))
        return;
    whole = search.answer;
    if (!find_least(&search)) {
        if (!search.stopped)
            stop(&search, FL_SHRINK_EVERYTHING, &whole);
        return;
    }
    find_parts(&search, taken_out);
    leave_out_the_needless(&search, taken_out);
    if (search.stopped)
        return;
    shrunk->outcome = FL_SHRINK_PARTS;
    shrunk->answer = whole;
}
