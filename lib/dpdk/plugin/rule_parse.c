/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a rule from text. See rule.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/dpdk/plugin/rule.h"

/* Most of a word that a complaint repeats. */
#define QUOTED_BYTES 32

struct word {
    const char *text;
    size_t n;
};

struct reading {
    const char *next;
    unsigned int n_words;
    struct word word; /* the current one; n is 0 at the end */
    unsigned int n_rx_queues;
    struct fl_rule *rule;
    char *why;
};

/* What an item's or action's word looks like: NAME or NAME=VALUE[/MASK[-LAST]]. */
struct assignment {
    struct word name, value, mask, last;
};

static void advance(struct reading *reading)
{
    const char *start = reading->next;

    while (*start == ' ') {
        start++;
    }
    reading->word = (struct word){ start, strcspn(start, " ") };
    reading->next = start + reading->word.n;
    reading->n_words++;
}

static bool is(const struct reading *reading, const char *text)
{
    return reading->word.n == strlen(text) && !memcmp(reading->word.text, text, reading->word.n);
}

/* Complain of the current word. Return: -EINVAL. */
__attribute__((format(printf, 2, 3))) static int refuse(struct reading *reading, const char *format,
                                                        ...)
{
    char quoted[QUOTED_BYTES + 1] = "", text[FL_RULE_WHY_BYTES - QUOTED_BYTES - 24];
    va_list args;

    for (size_t i = 0; i < reading->word.n && i < QUOTED_BYTES; i++) {
        char c = reading->word.text[i];

        quoted[i] = c > ' ' && c < 0x7f ? c : '?';
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(reading->why, FL_RULE_WHY_BYTES, "word %u (%s): %s", reading->n_words,
             quoted[0] ? quoted : "the end", text);
    return -EINVAL;
}

static int read_decimal(struct reading *reading, struct word word, uint32_t max, uint32_t *number)
{
    uint64_t value = 0;

    if (!word.n || word.n > 10) {
        return refuse(reading, "a decimal number is wanted");
    }
    for (size_t i = 0; i < word.n; i++) {
        if (word.text[i] < '0' || word.text[i] > '9') {
            return refuse(reading, "a decimal number is wanted");
        }
        value = value * 10 + (uint64_t)(word.text[i] - '0');
    }
    if (value > max) {
        return refuse(reading, "at most %u", max);
    }
    *number = (uint32_t)value;
    return 0;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* @word must have exactly two digits for each of @n_bytes. */
static int read_bytes(struct reading *reading, struct word word, uint8_t *bytes, size_t n_bytes)
{
    if (word.n != 2 * n_bytes) {
        return refuse(reading, "%zu hexadecimal digits are wanted", 2 * n_bytes);
    }
    for (size_t i = 0; i < n_bytes; i++) {
        int high = digit(word.text[2 * i]), low = digit(word.text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return refuse(reading, "%zu hexadecimal digits are wanted", 2 * n_bytes);
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* Cuts @from at the first @separator. Return: what follows it, empty if there is none. */
static struct word cut(struct word *from, char separator)
{
    const char *at = from->n ? memchr(from->text, separator, from->n) : NULL;
    struct word rest = { NULL, 0 };

    if (at) {
        rest = (struct word){ at + 1, from->n - (size_t)(at + 1 - from->text) };
        from->n = (size_t)(at - from->text);
    }
    return rest;
}

/* Return: 0, or -EINVAL if the current word has no '=', or nothing behind a '=', '/' or '-'. */
static int read_assignment(struct reading *reading, struct assignment *assignment)
{
    struct word rest = reading->word;
    struct word value = cut(&rest, '=');
    struct word mask = cut(&value, '/');
    struct word last = cut(&mask, '-');

    *assignment = (struct assignment){ rest, value, mask, last };
    if (!value.n || (mask.text && !mask.n) || (last.text && !last.n)) {
        return refuse(reading, "FIELD=VALUE[/MASK[-LAST]] is wanted");
    }
    return 0;
}

static const struct fl_rule_field *find_field(const struct fl_rule_field *fields, struct word name)
{
    for (size_t i = 0; i < FL_RULE_FIELDS && fields[i].name; i++) {
        if (strlen(fields[i].name) == name.n && !memcmp(fields[i].name, name.text, name.n)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* ---- Attributes ---- */

static int read_attribute(struct reading *reading)
{
    struct rte_flow_attr *attr = &reading->rule->attr;
    struct assignment number;

    if (is(reading, "transfer")) {
        attr->transfer = 1;
        return 0;
    }
    if (is(reading, "ingress")) {
        attr->ingress = 1;
        return 0;
    }
    if (is(reading, "egress")) {
        attr->egress = 1;
        return 0;
    }
    if (read_assignment(reading, &number)) {
        return refuse(reading, "transfer, ingress, egress, group=N, priority=N or pattern");
    }
    if (number.mask.n) {
        return refuse(reading, "no mask here");
    }
    if (number.name.n == 5 && !memcmp(number.name.text, "group", 5)) {
        return read_decimal(reading, number.value, UINT32_MAX, &attr->group);
    }
    if (number.name.n == 8 && !memcmp(number.name.text, "priority", 8)) {
        return read_decimal(reading, number.value, UINT32_MAX, &attr->priority);
    }
    return refuse(reading, "transfer, ingress, egress, group=N, priority=N or pattern");
}

/* ---- Items ---- */

static int set_item_bit(struct reading *reading, enum fl_rule_bit bit, const struct assignment *set,
                        void *spec, void *mask)
{
    uint32_t value, bits = 1;
    int error = read_decimal(reading, set->value, 1, &value);

    if (!error && set->mask.n) {
        error = read_decimal(reading, set->mask, 1, &bits);
    }
    if (!error && set->last.n) {
        error = refuse(reading, "no range here");
    }
    if (!error) {
        fl_rule_set_bit(spec, bit, value);
        fl_rule_set_bit(mask, bit, bits);
    }
    return error;
}

static int set_item_field(struct reading *reading, const struct fl_rule_field *field,
                          const struct assignment *set, unsigned int i)
{
    struct fl_rule *rule = reading->rule;
    uint8_t *mask = rule->mask[i].bytes + field->offset;
    int error;

    if (field->value == FL_RULE_BIT) {
        return set_item_bit(reading, field->bit, set, rule->spec[i].bytes, rule->mask[i].bytes);
    }
    error = read_bytes(reading, set->value, rule->spec[i].bytes + field->offset, field->n_bytes);
    if (!error && set->mask.n) {
        error = read_bytes(reading, set->mask, mask, field->n_bytes);
    } else if (!error) {
        memset(mask, 0xff, field->n_bytes);
    }
    if (!error && set->last.n) {
        rule->items[i].last = rule->last[i].bytes;
        error = read_bytes(reading, set->last, rule->last[i].bytes + field->offset, field->n_bytes);
    }
    return error;
}

/* The fields behind an item's name, up to the next "/" or "actions". */
static int read_item_fields(struct reading *reading, const struct fl_rule_item_word *word,
                            unsigned int i)
{
    struct rte_flow_item *item = &reading->rule->items[i];
    const struct fl_rule_field *field;
    struct assignment set;
    unsigned int seen = 0;

    for (;;) {
        advance(reading);
        if (!reading->word.n || is(reading, "/") || is(reading, "actions")) {
            return 0;
        }
        if (read_assignment(reading, &set)) {
            return -EINVAL;
        }
        field = find_field(word->fields, set.name);
        if (!field) {
            return refuse(reading, "%s has no such field", word->name);
        }
        if (seen & 1u << (field - word->fields)) {
            return refuse(reading, "given twice");
        }
        seen |= 1u << (field - word->fields);
        if (set_item_field(reading, field, &set, i)) {
            return -EINVAL;
        }
        item->spec = reading->rule->spec[i].bytes;
        item->mask = reading->rule->mask[i].bytes;
    }
}

static int read_pattern(struct reading *reading)
{
    struct fl_rule *rule = reading->rule;

    do {
        const struct fl_rule_item_word *word;

        advance(reading);
        if (!rule->n_items && is(reading, "actions")) {
            return 0; /* every packet */
        }
        word = fl_rule_item_find(reading->word.text, reading->word.n);
        if (!word) {
            return refuse(reading, "no such item");
        }
        if (rule->n_items == FL_RULE_ITEMS) {
            return refuse(reading, "more than %d items", FL_RULE_ITEMS);
        }
        rule->items[rule->n_items].type = word->type;
        if (read_item_fields(reading, word, rule->n_items++)) {
            return -EINVAL;
        }
    } while (is(reading, "/"));
    return is(reading, "actions") ? 0 : refuse(reading, "/ or actions is wanted");
}

/* ---- Actions ---- */

static int set_conf(struct reading *reading, const struct fl_rule_field *field, struct word value,
                    uint8_t *conf)
{
    uint32_t number;

    if (field->value == FL_RULE_BYTES) {
        return read_bytes(reading, value, conf + field->offset, field->n_bytes);
    }
    if (read_decimal(reading, value, field->max, &number)) {
        return -EINVAL;
    }
    if (field->value == FL_RULE_BE16) {
        rte_be16_t be16 = rte_cpu_to_be_16((uint16_t)number);

        memcpy(conf + field->offset, &be16, sizeof be16);
    } else if (field->n_bytes == sizeof(uint8_t)) {
        conf[field->offset] = (uint8_t)number;
    } else if (field->n_bytes == sizeof(uint16_t)) {
        memcpy(conf + field->offset, &(uint16_t){ (uint16_t)number }, sizeof(uint16_t));
    } else {
        memcpy(conf + field->offset, &number, sizeof number);
    }
    return 0;
}

/* As OVS asks for it: all queues of the port, the default hash. */
static int set_rss(struct reading *reading, uint32_t n_queues, void *conf)
{
    struct fl_rule *rule = reading->rule;

    if (!n_queues || n_queues > FL_RULE_QUEUES) {
        return refuse(reading, "queues=N from 1 to %d is wanted", FL_RULE_QUEUES);
    }
    for (uint16_t i = 0; i < n_queues; i++) {
        rule->queues[i] = i;
    }
    *(struct rte_flow_action_rss *)conf = (struct rte_flow_action_rss){
        .func = RTE_ETH_HASH_FUNCTION_DEFAULT,
        .types = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP,
        .queue_num = n_queues,
        .queue = rule->queues,
    };
    return 0;
}

static int set_encap(struct reading *reading, enum fl_rule_special special, struct word value,
                     void *conf)
{
    struct fl_rule *rule = reading->rule;
    const char *wrong;

    if (rule->has_header) {
        return refuse(reading, "one encapsulation a rule");
    }
    if (value.n % 2 || value.n / 2 > FL_RULE_HEADER_BYTES) {
        return refuse(reading, "an even number of hexadecimal digits is wanted, at most %d",
                      2 * FL_RULE_HEADER_BYTES);
    }
    if (read_bytes(reading, value, rule->header, value.n / 2)) {
        return -EINVAL;
    }
    rule->has_header = true;
    wrong = fl_rule_set_header(rule, special, value.n / 2, conf);
    return wrong ? refuse(reading, "%s", wrong) : 0;
}

/* The names of what actions that are no plain ones take. */
static const char *parameter_name(const struct fl_rule_action_word *word)
{
    switch (word->special) {
    case FL_RULE_RSS: return "queues";
    case FL_RULE_RAW_ENCAP:
    case FL_RULE_VXLAN_ENCAP: return "data";
    case FL_RULE_PLAIN:
    default: return word->field.name;
    }
}

static int set_parameter(struct reading *reading, const struct fl_rule_action_word *word,
                         struct word value, uint8_t *conf)
{
    uint32_t n_queues;

    switch (word->special) {
    case FL_RULE_RSS:
        return read_decimal(reading, value, FL_RULE_QUEUES, &n_queues)
                   ? -EINVAL
                   : set_rss(reading, n_queues, conf);
    case FL_RULE_RAW_ENCAP:
    case FL_RULE_VXLAN_ENCAP: return set_encap(reading, word->special, value, conf);
    case FL_RULE_PLAIN:
    default: return set_conf(reading, &word->field, value, conf);
    }
}

/* What follows an action's name, up to the next "/" or the end. */
static int read_parameter(struct reading *reading, const struct fl_rule_action_word *word,
                          struct rte_flow_action *action, uint8_t *conf)
{
    const char *name = parameter_name(word);
    struct assignment set;

    action->conf = name || word->has_conf ? conf : NULL;
    advance(reading);
    if (!reading->word.n || is(reading, "/")) {
        return word->special == FL_RULE_RSS ? set_rss(reading, reading->n_rx_queues, conf)
               : name                       ? refuse(reading, "%s wants %s=", word->name, name)
                                            : 0;
    }
    if (!name) {
        return refuse(reading, "%s takes nothing", word->name);
    }
    if (read_assignment(reading, &set)) {
        return -EINVAL;
    }
    if (set.name.n != strlen(name) || memcmp(set.name.text, name, set.name.n) || set.mask.n) {
        return refuse(reading, "%s wants %s=", word->name, name);
    }
    if (set_parameter(reading, word, set.value, conf)) {
        return -EINVAL;
    }
    advance(reading);
    return 0;
}

static int read_actions(struct reading *reading)
{
    struct fl_rule *rule = reading->rule;

    do {
        const struct fl_rule_action_word *word;
        unsigned int i = rule->n_actions;

        advance(reading);
        word = fl_rule_action_find(reading->word.text, reading->word.n);
        if (!word) {
            return refuse(reading, "no such action");
        }
        if (i == FL_RULE_ACTIONS) {
            return refuse(reading, "more than %d actions", FL_RULE_ACTIONS);
        }
        rule->actions[i].type = word->type;
        rule->n_actions++;
        if (read_parameter(reading, word, &rule->actions[i], rule->conf[i].bytes)) {
            return -EINVAL;
        }
    } while (is(reading, "/"));
    return reading->word.n ? refuse(reading, "/ or the end is wanted") : 0;
}

int fl_rule_parse(const char *text, unsigned int n_rx_queues, struct fl_rule *rule,
                  char why[FL_RULE_WHY_BYTES])
{
    struct reading reading = {
        .next = text,
        .n_rx_queues = n_rx_queues < FL_RULE_QUEUES ? n_rx_queues : FL_RULE_QUEUES,
        .rule = rule,
        .why = why,
    };

    memset(rule, 0, sizeof *rule);
    for (advance(&reading); !is(&reading, "pattern"); advance(&reading)) {
        if (read_attribute(&reading)) {
            return -EINVAL;
        }
    }
    return read_pattern(&reading) || read_actions(&reading) ? -EINVAL : 0;
}
