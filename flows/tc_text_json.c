/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "flows/limits.h"
#include "flows/tc_text_internal.h"

/* One filter as JSON; tc prints some 600 bytes an action. */
#define MAX_ELEMENT_BYTES (256u * 1024)

void fl_tc_array_init(struct fl_tc_array *array)
{
    memset(array, 0, sizeof *array);
    ds_init(&array->element);
}

void fl_tc_array_destroy(struct fl_tc_array *array)
{
    ds_destroy(&array->element);
}

bool fl_tc_array_begins(const char *line)
{
    line = strchr(line, '[');
    if (!line)
        return false;
    line += 1 + strspn(line + 1, " \t\r");
    return *line == '{' || !*line;
}

static void start(struct fl_tc_array *array)
{
    array->depth = 0;
    array->open = true;
    array->in_string = array->escaped = false;
    ds_clear(&array->element);
}

/* A character outside of strings. Return: true when it ends an element. */
static bool see_bracket(struct fl_tc_array *array, char c, uint32_t line)
{
    if (c == '[' || c == '{') {
        if (array->depth++ == 1) {
            array->line = line;
            array->between = !array->line_begins;
        }
        return false;
    }
    if (c != ']' && c != '}')
        return false;
    if (array->depth)
        array->depth--;
    if (!array->depth)
        array->open = false;
    return array->depth == 1 && c == '}';
}

/* Return: true when an element is complete. */
static bool see_char(struct fl_tc_array *array, char c, uint32_t line)
{
    bool ends = false;

    /* "},{" belongs to the element before: the next one begins with its first key. */
    if (array->between && !strchr(" \t\r{", c)) {
        array->line = line;
        array->between = false;
    }
    if (array->in_string) {
        if (!array->escaped && c == '"')
            array->in_string = false;
        array->escaped = !array->escaped && c == '\\';
    } else if (c == '"') {
        array->in_string = true;
    } else {
        ends = see_bracket(array, c, line);
    }
    array->line_begins &= c == ' ' || c == '\t';
    if (array->depth > 1 || ends)
        ds_put_char(&array->element, c);
    if (array->depth > FL_LIMIT_JSON_DEPTH || array->element.length > MAX_ELEMENT_BYTES)
        array->open = false; /* No filter is like that: what follows is no JSON to us. */
    return ends;
}

/*
 * An element that is no JSON ("[...]" stands for a part of it) is still a filter: its flags are
 * legible, and that it has keys which are not.
 */
static json_t *salvage(const char *text)
{
    static const char *const flags[] = { "in_hw", "not_in_hw", "skip_hw", "skip_sw" };
    json_t *options;

    if (!strstr(text, "\"options\""))
        return NULL;
    options = json_pack("{s:{s:s}}", "keys", "the JSON is not legible", "");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char name[16];
        const char *found;

        snprintf(name, sizeof name, "\"%s\":", flags[i]);
        found = strstr(text, name);
        found = found ? found + strlen(name) : NULL;
        if (found && !strncmp(found + strspn(found, " "), "true", 4))
            json_object_set_new(options, flags[i], json_true());
    }
    return json_pack("{s:o}", "options", options);
}

const char *fl_tc_array_push(struct fl_tc_array *array, const char *text, uint32_t line,
                             json_t **element)
{
    *element = NULL;
    if (!array->open)
        start(array);
    array->line_begins |= line != array->last_line;
    array->last_line = line;
    while (*text && array->open) {
        if (see_char(array, *text++, line)) {
            *element = json_loadb(ds_cstr(&array->element), array->element.length, 0, NULL);
            if (!*element)
                *element = salvage(ds_cstr(&array->element));
            ds_clear(&array->element);
            if (*element)
                return text;
        }
    }
    /* The newline: it ends a string that should not go on. */
    array->in_string = array->escaped = false;
    return NULL;
}
