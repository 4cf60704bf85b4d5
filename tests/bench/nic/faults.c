/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "frame_key.h"

#define MAX_WORDS       3
#define WORD_SEPARATORS ",:"

static bool parse_switch(const char *word, bool *on)
{
    if (!strcmp(word, "on") || !strcmp(word, "1")) {
        *on = true;
    } else if (!strcmp(word, "off") || !strcmp(word, "0")) {
        *on = false;
    } else {
        return false;
    }
    return true;
}

static const char *set_switch(bool *target, const char *word)
{
    return parse_switch(word, target) ? NULL : "a fault is switched 'on' or 'off'";
}

static const char *set_number(uint32_t *target, const char *word)
{
    unsigned long number;
    char *end;

    if (!strcmp(word, "off")) {
        *target = 0;
        return NULL;
    }
    number = strtoul(word, &end, 10);
    if (*end || end == word || *word == '-' || number > UINT32_MAX) {
        return "not a number, and not 'off'";
    }
    *target = (uint32_t)number;
    return NULL;
}

static const char *set_bit(uint32_t *bits, int index, const char *word, const char *unknown)
{
    bool on;

    if (index < 0) {
        return unknown;
    }
    if (!parse_switch(word, &on)) {
        return "a fault is switched 'on' or 'off'";
    }
    *bits = on ? *bits | 1u << index : *bits & ~(1u << index);
    return NULL;
}

static const char *set_words(struct flownic_faults *faults, char *words[], size_t n_words)
{
    const char *name = words[0];
    const char *last = words[n_words - 1];

    if (n_words == 3 && !strcmp(name, "refuse-match")) {
        return set_bit(&faults->refused_fields, flownic_field_find(words[1]), last,
                       "no such match field");
    }
    if (n_words == 3 && !strcmp(name, "refuse-action")) {
        return set_bit(&faults->refused_actions, flownic_action_find(words[1]), last,
                       "no such action");
    }
    if (n_words != 2) {
        return "a fault is NAME,VALUE or refuse-match,FIELD,on or refuse-action,ACTION,on";
    }
    if (!strcmp(name, "max-rules")) {
        return set_number(&faults->max_rules, last);
    }
    if (!strcmp(name, "latency-us")) {
        return set_number(&faults->latency_us, last);
    }
    if (!strcmp(name, "table-full")) {
        return set_switch(&faults->table_full, last);
    }
    if (!strcmp(name, "partial")) {
        return set_switch(&faults->partial, last);
    }
    if (!strcmp(name, "partial-only")) {
        return set_switch(&faults->partial_only, last);
    }
    if (!strcmp(name, "all") && !strcmp(last, "off")) {
        memset(faults, 0, sizeof *faults);
        return NULL;
    }
    return "no such fault";
}

const char *flownic_faults_set(struct flownic_faults *faults, const char *words)
{
    struct flownic_faults changed = *faults;
    char *word[MAX_WORDS + 1];
    char text[128];
    char *rest = NULL;
    const char *wrong;
    size_t n = 0;

    if (strlen(words) >= sizeof text) {
        return "too long";
    }
    strcpy(text, words);
    for (char *next = strtok_r(text, WORD_SEPARATORS, &rest); next && n <= MAX_WORDS;
         next = strtok_r(NULL, WORD_SEPARATORS, &rest)) {
        word[n++] = next;
    }
    if (!n || n > MAX_WORDS) {
        return "a fault has two or three words";
    }
    wrong = set_words(&changed, word, n);
    if (!wrong) {
        *faults = changed;
    }
    return wrong;
}

struct text_writer {
    char *text;
    size_t size;
    size_t used;
};

static void append(struct text_writer *writer, const char *before, const char *word,
                   const char *after)
{
    size_t room = writer->size - writer->used;
    int n = snprintf(writer->text + writer->used, room, "%s%s%s%s", writer->used ? " " : "", before,
                     word, after);

    if (n > 0 && (size_t)n < room) {
        writer->used += (size_t)n;
    } else {
        writer->text[writer->used] = '\0';
    }
}

static void append_number(struct text_writer *writer, const char *before, uint32_t number)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%u", number);
    append(writer, before, digits, "");
}

void flownic_faults_format(const struct flownic_faults *faults, char *text, size_t size)
{
    struct text_writer writer = { .text = text, .size = size };

    if (!size) {
        return;
    }
    text[0] = '\0';
    if (faults->max_rules) {
        append_number(&writer, "max-rules,", faults->max_rules);
    }
    if (faults->latency_us) {
        append_number(&writer, "latency-us,", faults->latency_us);
    }
    if (faults->table_full) {
        append(&writer, "table-full", "", ",on");
    }
    if (faults->partial) {
        append(&writer, "partial", "", ",on");
    }
    if (faults->partial_only) {
        append(&writer, "partial-only", "", ",on");
    }
    for (size_t i = 0; i < flownic_n_fields; i++) {
        if (faults->refused_fields & 1u << i) {
            append(&writer, "refuse-match,", flownic_fields[i].name, ",on");
        }
    }
    for (int i = 0; i < FLOWNIC_N_ACTION_TYPES; i++) {
        if (faults->refused_actions & 1u << i) {
            append(&writer, "refuse-action,", flownic_action_name(i), ",on");
        }
    }
}
