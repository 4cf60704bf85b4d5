/* SPDX-License-Identifier: Apache-2.0 */
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/json_read.h"
#include "flows/tc_key.h"
#include "flows/tc_text.h"
#include "flows/tc_text_internal.h"

#define WORD_BYTES 96

bool fl_tc_next_word(const char **p, char *word, size_t size)
{
    const char *start = *p + strspn(*p, " \t");
    size_t n = strcspn(start, " \t");

    if (!n)
        return false;
    *p = start + n;
    ovs_strlcpy(word, start, MIN(n + 1, size));
    return true;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (!strcmp(word, *words))
            return true;
    }
    return false;
}

/* The last of several that a mailer ran together on one line. */
const char *fl_tc_line_header(const char *line)
{
    const size_t n = strcspn(line, "\\"); /* With -o, the filter itself follows. */
    static const char *const begins[] = { "parent", "ingress",  "egress", "root", "block",
                                          "dev",    "protocol", "pref",   NULL };
    const char *found = NULL;

    for (const char *p = line; (p = strstr(p, "filter ")); p += strlen("filter ")) {
        const char *rest = p + strlen("filter ");
        char word[WORD_BYTES];

        if (p > line && p[-1] != ' ' && p[-1] != '\t' && p[-1] != '#' && p[-1] != '\'')
            continue;
        if (fl_tc_next_word(&rest, word, sizeof word) && is_one_of(word, begins) && p < line + n &&
            (strstr(p, " pref ") || strstr(p, " protocol ")))
            found = p + strlen("filter ");
    }
    return found;
}

static void put_text(json_t *json, const char *key, const char *text)
{
    json_object_set_new(json, key, fl_json_of_string(text));
}

/* "in_hw" and the like, as whole words. Return: false when @word is no flag. */
static bool read_flag(const char *word, const char **rest, json_t *options)
{
    static const char *const flags[] = { "in_hw", "not_in_hw", "skip_hw", "skip_sw", NULL };
    char count[WORD_BYTES];

    if (is_one_of(word, flags)) {
        json_object_set_new(options, word, json_true());
        return true;
    }
    if (strcmp(word, "in_hw_count"))
        return false;
    if (fl_tc_next_word(rest, count, sizeof count))
        put_text(options, "in_hw_count", count);
    return true;
}

static bool read_pair(const char *word, const char **rest, json_t *json, json_t *options)
{
    static const char *const outer[] = {
        "parent", "dev", "block", "protocol", "pref", "chain", NULL
    };
    static const char *const inner[] = { "handle", "fh", "hw_tc", "classid", "flowid", NULL };
    bool is_outer = is_one_of(word, outer);
    char value[WORD_BYTES];

    if (!is_outer && !is_one_of(word, inner))
        return false;
    if (!fl_tc_next_word(rest, value, sizeof value))
        return true;
    /* Some print "handle" of a u32 table twice: the last is the filter's. */
    put_text(is_outer ? json : options, word, value);
    return true;
}

bool fl_tc_read_header(const char *header, json_t *json)
{
    json_t *options = json_object_get(json, "options");
    char word[WORD_BYTES];

    while (fl_tc_next_word(&header, word, sizeof word)) {
        if (!strcmp(word, "ingress") || !strcmp(word, "egress") || !strcmp(word, "root"))
            json_object_set_new(json, word, json_true());
        else if (!strcmp(word, "divisor"))
            json_object_set_new(options, "ht", json_true());
        else if (!read_pair(word, &header, json, options) && !read_flag(word, &header, options) &&
                 json_object_get(json, "pref") && !json_object_get(json, "kind"))
            put_text(json, "kind", word);
    }
    /* A hash table of u32 is no filter. */
    return !json_object_get(options, "ht") &&
           (json_object_get(options, "handle") || json_object_get(options, "fh"));
}

static bool is_key(const char *word)
{
    for (enum fl_tc_key key = 0; key < FL_TC_N_KEYS; key++) {
        if (!strcmp(fl_tc_key_name(key), word))
            return true;
    }
    return false;
}

/* Options of tunnels as text, which this version only names. */
static bool is_opts(const char *word)
{
    static const char *const opts[] = { "geneve_opts", "vxlan_opts", "erspan_opts", "gtp_opts",
                                        "enc_opt",     "lse",        NULL };

    return is_one_of(word, opts);
}

static bool read_key(const char *name, const char *value, const char *rest, json_t *options)
{
    json_t *keys = json_object_get(options, "keys");
    char word[WORD_BYTES];

    /* "dst_port range 1-10", as one version had it. */
    if (!strcmp(value, "range") && fl_tc_next_word(&rest, word, sizeof word))
        value = word;
    put_text(keys, name, value);
    return true;
}

bool fl_tc_read_flags(const char *line, json_t *options)
{
    char word[WORD_BYTES];
    bool found = false;

    while (fl_tc_next_word(&line, word, sizeof word))
        found |= read_flag(word, &line, options);
    return found;
}

bool fl_tc_read_key_line(const char *line, json_t *options)
{
    char word[WORD_BYTES], value[WORD_BYTES];
    bool found = false;

    while (fl_tc_next_word(&line, word, sizeof word)) {
        const char *rest = line;

        if (read_flag(word, &line, options)) {
            found = true;
            continue;
        }
        if (!fl_tc_next_word(&rest, value, sizeof value))
            return found;
        if (!strcmp(word, "indev"))
            put_text(options, "indev", value);
        else if (is_opts(word))
            put_text(json_object_get(options, "keys"), word, value);
        else if (!is_key(word))
            return found;
        else
            read_key(word, value, rest, options);
        found = true;
        line = rest;
    }
    return found;
}
