/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/rte_shrink.h"

#include <openvswitch/dynamic-string.h>
#include <ovs/svec.h>
#include <ovs/util.h>
#include <string.h>

#define UNITS_MAX 64
#define BIT(unit) (UINT64_C(1) << (unit))

/* What stands in a rule: an item, behind it its fields; behind all of these the actions. */
enum unit_kind { ITEM, FIELD, ACTION };

struct unit {
    enum unit_kind kind;
    const char *name; /* Of an item or a field's item; of an action its first word. */
    char *text;       /* "eth", "dst=525400640101", "of_push_vlan type=8100 / of_set_vlan_..." */
};

struct search {
    struct svec words;
    char *head; /* "transfer" */
    struct unit units[UNITS_MAX];
    unsigned int n_units;
    fl_rte_ask *ask;
    void *aux;
    struct fl_rte_shrunk *shrunk;
    struct fl_tc_answer answer; /* The last one. */
    /* What is never left out: the first item, since a pattern has one; the last action where no drop is taken. */
    uint64_t fixed;
    bool stopped;
};

/* ---- Taking a rule apart ---- */

static bool begins_with(const char *text, const char *word)
{
    return !strncmp(text, word, strlen(word));
}

/* What is put on and then filled in is one. */
static bool belongs_to_the_last(const char *word)
{
    return begins_with(word, "of_set_vlan_");
}

static void append(char **text, const char *between, const char *word)
{
    char *longer = xasprintf("%s%s%s", *text, between, word);

    free(*text);
    *text = longer;
}

/* Return: false when there are too many. */
static bool add_unit(struct search *search, enum unit_kind kind, const char *name, const char *text)
{
    if (search->n_units == UNITS_MAX)
        return false;
    search->units[search->n_units++] = (struct unit){ kind, name, xstrdup(text) };
    return true;
}

/* A word of the pattern or of the actions. @is_first: after "pattern", "actions", "/" */
static bool take_word(struct search *search, const char *word, bool in_actions, bool is_first)
{
    struct unit *last = search->n_units ? &search->units[search->n_units - 1] : NULL;

    if (!in_actions)
        return add_unit(search, is_first ? ITEM : FIELD, is_first ? word : last->name, word);
    if (is_first && !(last && belongs_to_the_last(word)))
        return add_unit(search, ACTION, word, word);
    append(&last->text, is_first ? " / " : " ", word);
    return true;
}

static bool take_apart(struct search *search)
{
    bool in_pattern = false, in_actions = false, is_first = true, fits = true;

    for (size_t i = 0; i < search->words.n && fits; i++) {
        const char *word = search->words.names[i];

        if (!strcmp(word, "pattern"))
            in_pattern = true;
        else if (!strcmp(word, "actions"))
            in_actions = is_first = true;
        else if (!in_pattern)
            append(&search->head, *search->head ? " " : "", word);
        else if (!strcmp(word, "/"))
            is_first = true;
        else {
            fits = take_word(search, word, in_actions, is_first);
            is_first = false;
        }
    }
    return fits && search->n_units && search->units[0].kind == ITEM;
}

/* ---- Asking about a part of it ---- */

static uint64_t all_units(const struct search *search)
{
    return search->n_units == UNITS_MAX ? UINT64_MAX : BIT(search->n_units) - 1;
}

static uint64_t units_of(const struct search *search, enum unit_kind kind)
{
    uint64_t units = 0;

    for (unsigned int i = 0; i < search->n_units; i++) {
        if (search->units[i].kind == kind)
            units |= BIT(i);
    }
    return units;
}

/* The rule always ends somewhere. */
static void write_rule(const struct search *search, uint64_t units, struct ds *rule)
{
    static const char *const before[] = { [ITEM] = " / ", [FIELD] = " ", [ACTION] = " / " };
    bool in_actions = false;

    ds_put_format(rule, "%s pattern", search->head);
    for (unsigned int i = 0; i < search->n_units; i++) {
        const struct unit *unit = &search->units[i];
        bool is_first = !i || (unit->kind == ACTION && !in_actions);

        if (!(units & BIT(i)))
            continue;
        if (is_first)
            ds_put_cstr(rule, unit->kind == ACTION ? " actions " : " ");
        else
            ds_put_cstr(rule, before[unit->kind]);
        in_actions |= unit->kind == ACTION;
        ds_put_cstr(rule, unit->text);
    }
    if (!(units & BIT(search->n_units - 1)))
        ds_put_cstr(rule, in_actions ? " / drop" : " actions drop");
}

/* Return: is it refused? What cannot be told, or is of the moment, ends the search. */
static bool is_refused(struct search *search, uint64_t units)
{
    struct ds rule = DS_EMPTY_INITIALIZER;

    if (search->stopped)
        return false;
    write_rule(search, units, &rule);
    search->ask(ds_cstr(&rule), search->aux, &search->answer);
    search->shrunk->n_offers++;
    ds_destroy(&rule);
    if (search->answer.verdict == FL_TC_CANNOT_TELL || fl_tc_answer_passes(&search->answer)) {
        search->stopped = true;
        search->shrunk->answer = search->answer;
        search->shrunk->outcome = search->answer.verdict == FL_TC_CANNOT_TELL
                                      ? FL_SHRINK_CANNOT_TELL
                                      : FL_SHRINK_PASSING;
        return false;
    }
    return search->answer.verdict == FL_TC_REFUSED;
}

/* Likewise, and in the same words. */
static bool is_refused_alike(struct search *search, uint64_t units,
                             const struct fl_tc_answer *answer)
{
    return is_refused(search, units) && search->answer.error == answer->error &&
           !strcmp(search->answer.text, answer->text);
}

/* ---- The smallest part ---- */

/* A unit, and what cannot be there without it: fields of an item, and items behind it. */
static uint64_t with_dependants(const struct search *search, unsigned int unit)
{
    uint64_t units = BIT(unit);

    if (search->units[unit].kind != ITEM)
        return units;
    for (unsigned int i = unit + 1; i < search->n_units && search->units[i].kind != ACTION; i++)
        units |= BIT(i);
    return units;
}

static bool has_item_behind(const struct search *search, unsigned int unit, uint64_t units)
{
    return with_dependants(search, unit) & units & units_of(search, ITEM) & ~BIT(unit);
}

static uint64_t fields_of(const struct search *search, unsigned int item)
{
    uint64_t fields = 0;

    for (unsigned int i = item + 1; i < search->n_units && search->units[i].kind == FIELD; i++)
        fields |= BIT(i);
    return fields;
}

static void leave_out(struct search *search, uint64_t units, const struct fl_tc_answer *answer,
                      uint64_t *left)
{
    units &= ~search->fixed;
    if (units & *left && is_refused_alike(search, *left & ~units, answer))
        *left &= ~units;
}

/* The last first: nothing behind an item needs it then. */
static uint64_t smallest(struct search *search, uint64_t units, const struct fl_tc_answer *answer)
{
    leave_out(search, units_of(search, ACTION), answer, &units);
    for (unsigned int i = search->n_units; i-- > 0;) {
        if (search->units[i].kind == ACTION)
            leave_out(search, BIT(i), answer, &units);
        if (search->units[i].kind != ITEM)
            continue;
        if (!has_item_behind(search, i, units))
            leave_out(search, with_dependants(search, i), answer, &units);
        if (!(units & BIT(i)))
            continue;
        leave_out(search, fields_of(search, i), answer, &units);
        for (uint64_t fields = fields_of(search, i) & units; fields; fields &= fields - 1)
            leave_out(search, fields & -fields, answer, &units);
    }
    return units;
}

/* ---- What it is called ---- */

/* An item is named only where nothing else of it, or behind it, is refused; what is fixed, where nothing else is. */
static uint64_t named_units(const struct search *search, uint64_t units)
{
    uint64_t named = units & ~units_of(search, ITEM);

    for (unsigned int i = 0; i < search->n_units; i++) {
        if (units & BIT(i) && search->units[i].kind == ITEM &&
            !(units & with_dependants(search, i) & ~BIT(i)))
            named |= BIT(i);
    }
    if (named & ~search->fixed)
        return named & ~search->fixed;
    return named & ~BIT(0) ? named & ~BIT(0) : named;
}

static void name_unit(const struct unit *unit, struct ds *text)
{
    if (unit->kind == FIELD)
        ds_put_format(text, "%s %.*s", unit->name, (int)strcspn(unit->text, "="), unit->text);
    else
        ds_put_cstr(text, unit->name);
}

static enum fl_cause_id cause_of(const struct unit *unit)
{
    if (unit->kind != ACTION)
        return begins_with(unit->name, "vxlan") || begins_with(unit->name, "gre")
                   ? FL_CAUSE_NIC_TUNNEL
                   : FL_CAUSE_NIC_MATCH;
    return strstr(unit->name, "encap")   ? FL_CAUSE_NIC_TUNNEL
           : strstr(unit->name, "port")  ? FL_CAUSE_NIC_OUTPUT
           : !strcmp(unit->name, "jump") ? FL_CAUSE_NIC_CHAIN
                                         : FL_CAUSE_NIC_ACTION;
}

static void describe(const struct search *search, uint64_t named, struct fl_rte_part *part)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (unsigned int i = 0; i < search->n_units; i++) {
        if (!(named & BIT(i)))
            continue;
        if (text.length)
            ds_put_cstr(&text, " with ");
        name_unit(&search->units[i], &text);
        part->cause = cause_of(&search->units[i]);
    }
    ovs_strlcpy(part->what, ds_cstr(&text), sizeof part->what);
    ds_destroy(&text);
}

/* ---- All parts ---- */

/* The least there is, which drops, is refused, and in the same words: it is not the rule. */
static bool is_everything_refused(struct search *search, const struct fl_tc_answer *answer)
{
    bool is_alike = is_refused_alike(search, BIT(0), answer);

    search->fixed = BIT(0);
    if (search->answer.verdict == FL_TC_REFUSED)
        search->fixed |= BIT(search->n_units - 1);
    return is_alike;
}

static void find_parts(struct search *search)
{
    struct fl_rte_shrunk *shrunk = search->shrunk;
    uint64_t left = all_units(search);
    struct fl_tc_answer answer = shrunk->answer;

    do {
        struct fl_rte_part *part = &shrunk->parts[shrunk->n_parts];
        uint64_t named = named_units(search, smallest(search, left, &answer));
        uint64_t loose = named & ~search->fixed;

        if (search->stopped)
            return;
        describe(search, named, part);
        part->answer = answer;
        shrunk->n_parts++;
        if (!loose)
            return;
        left &= ~with_dependants(search, 63u - (unsigned int)__builtin_clzll(loose));
        if (!is_refused(search, left))
            return;
        answer = search->answer;
    } while (shrunk->n_parts < FL_SHRINK_PARTS_MAX);
}

static void shrink(struct search *search)
{
    struct fl_rte_shrunk *shrunk = search->shrunk;

    if (!is_refused(search, all_units(search)))
        return;
    shrunk->answer = search->answer;
    shrunk->outcome = FL_SHRINK_PARTS;
    if (is_everything_refused(search, &shrunk->answer))
        shrunk->outcome = FL_SHRINK_EVERYTHING;
    else if (!search->stopped)
        find_parts(search);
}

void fl_rte_shrink(const char *rule, fl_rte_ask *ask, void *aux, struct fl_rte_shrunk *shrunk)
{
    struct search search = {
        .words = SVEC_EMPTY_INITIALIZER,
        .head = xstrdup(""),
        .ask = ask,
        .aux = aux,
        .shrunk = shrunk,
    };

    *shrunk = (struct fl_rte_shrunk){ .outcome = FL_SHRINK_ACCEPTED };
    svec_parse_words(&search.words, rule);
    if (take_apart(&search)) {
        shrink(&search);
    } else {
        shrunk->outcome = FL_SHRINK_CANNOT_TELL;
        shrunk->answer.verdict = FL_TC_CANNOT_TELL;
        ovs_strlcpy(shrunk->answer.text, "the rule has too many parts", sizeof shrunk->answer.text);
    }
    for (unsigned int i = 0; i < search.n_units; i++)
        free(search.units[i].text);
    free(search.head);
    svec_destroy(&search.words);
}
