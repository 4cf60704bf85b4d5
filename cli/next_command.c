/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openvswitch/dynamic-string.h>

#include "cli/options.h"
#include "flows/cleanup.h"
#include "lib/text.h"

/* $'...' with every byte that is not plain ASCII as \xNN. */
static void put_escaped_word(struct ds *ds, const char *word)
{
    ds_put_cstr(ds, "$'");
    for (; *word; word++) {
        unsigned char byte = (unsigned char)*word;

        if (byte < 0x20 || byte >= 0x7f)
            ds_put_format(ds, "\\x%02x", byte);
        else if (byte == '\'' || byte == '\\')
            ds_put_format(ds, "\\%c", byte);
        else
            ds_put_char(ds, (char)byte);
    }
    ds_put_char(ds, '\'');
}

static void put_quoted_word(struct ds *ds, const char *word)
{
    ds_put_char(ds, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            ds_put_cstr(ds, "'\\''");
        else
            ds_put_char(ds, *word);
    }
    ds_put_char(ds, '\'');
}

/* @word as a shell reads it back; bare when it is made of harmless characters. */
static void put_shell_word(struct ds *ds, const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "_-./:@%+=,";
    _cleanup_free char *clean = fl_text_clean(word);

    if (*word && !word[strspn(word, harmless)])
        ds_put_cstr(ds, word);
    else if (strcmp(word, clean))
        put_escaped_word(ds, word);
    else
        put_quoted_word(ds, word);
}

char *fl_shell_word(const char *word)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    put_shell_word(&ds, word);
    return ds_steal_cstr(&ds);
}

static void put_option(struct ds *ds, enum fl_option_id id, const char *value)
{
    ds_put_format(ds, " --%s ", fl_options[id].name);
    put_shell_word(ds, value);
}

char *fl_request_again(const struct fl_request *request, const char *verb, const char *argument)
{
    const struct fl_verb *next = fl_verb_find(verb);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "flowlift %s", verb);
    if (argument) {
        ds_put_char(&ds, ' ');
        put_shell_word(&ds, argument);
    }
    for (size_t i = 0; i < request->n_from && fl_verb_has(next, FL_OPTION_FROM); i++)
        put_option(&ds, FL_OPTION_FROM, request->from[i]);
    if (request->db && fl_verb_has(next, FL_OPTION_DB))
        put_option(&ds, FL_OPTION_DB, request->db);
    if (*request->root && fl_verb_has(next, FL_OPTION_ROOT))
        put_option(&ds, FL_OPTION_ROOT, request->root);
    return ds_steal_cstr(&ds);
}
