/* SPDX-License-Identifier: Apache-2.0 */

/* Reading one line of a NIC profile, and what the whole is read with. Nothing in it is trusted. */

#include "flows/nic_profile_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openvswitch/meta-flow.h>
#include <ovs/util.h>

#include "flows/json_read.h"

#define LIMIT_VALUE (INT64_C(1) << 40)

static const struct {
    const char *name;
    enum fl_profile_word word;
} words[] = {
    { "taken", FL_PROFILE_TAKEN },
    { "refused", FL_PROFILE_REFUSED },
    { "depends", FL_PROFILE_DEPENDS },
};

/* A key that nobody reads is a misspelt one. */
int fl_profile_check_keys(const json_t *object, const char *where, const char *const *known,
                          struct fl_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)CONST_CAST(json_t *, object), key, value) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], key))
            i++;
        if (!known[i])
            return fl_error_set(err, -EINVAL, "%s has the key \"%.64s\", which means nothing",
                                where[0] ? where : "the profile", key);
    }
    return 0;
}

/* A name is of lower-case letters, digits and some signs, so that it can be shown and compared. */
int fl_profile_check_name(const char *name, const char *where, struct fl_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.:()";

    if (!name[0] || name[strspn(name, allowed)])
        return fl_error_set(err, -EINVAL, "%s: \"%s\" is not a name", where, name);
    return 0;
}

/* ---- Lists of names ---- */

/* Of an array of strings, or of a single one; absent leaves it empty. */
int fl_profile_read_names(const json_t *object, const char *where, const char *key,
                          struct svec *names, struct fl_error *err)
{
    const json_t *json = json_object_get(object, key);
    size_t n = json_is_array(json) ? json_array_size(json) : json != NULL;

    if (n > FL_PROFILE_ITEMS_MAX)
        return fl_error_set(err, -EINVAL, "%s.%s has more than %u names", where, key,
                            FL_PROFILE_ITEMS_MAX);
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_is_array(json) ? json_array_get(json, i) : CONST_CAST(json_t *, json);
        const char *text = json_string_value(item);
        int error;

        if (!text || json_string_length(item) > FL_PROFILE_NAME_BYTES ||
            strlen(text) != json_string_length(item))
            return fl_error_set(err, -EINVAL, "%s.%s must be a name, or an array of names", where,
                                key);
        error = fl_profile_check_name(text, where, err);
        if (error)
            return error;
        svec_add(names, text);
    }
    return 0;
}

static int check_fields(const struct svec *names, const char *where, struct fl_error *err)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!fl_profile_field(names->names[i]))
            return fl_error_set(err, -EINVAL, "%s: Open vSwitch has no field \"%s\"", where,
                                names->names[i]);
    }
    return 0;
}

static int check_actions(const struct svec *names, const char *where, struct fl_error *err)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!fl_profile_is_action(names->names[i]))
            return fl_error_set(err, -EINVAL, "%s: a datapath has no action \"%s\"", where,
                                names->names[i]);
    }
    return 0;
}

/* ---- One line ---- */

static int read_word(const json_t *json, const char *where, struct fl_profile_line *line,
                     struct fl_error *err)
{
    const char *text;
    int error = fl_json_string(json, where, "is", FL_PROFILE_NAME_BYTES, &text, err);

    if (error)
        return error;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(text, words[i].name)) {
            line->word = words[i].word;
            return 0;
        }
    }
    return fl_error_set(err, -EINVAL, "%s.is must be \"taken\", \"refused\" or \"depends\"", where);
}

static int read_over(const json_t *json, const char *where, struct fl_profile_line *line,
                     struct fl_error *err)
{
    const char *text;
    int error = fl_json_string_or_null(json, where, "over", FL_PROFILE_NAME_BYTES, &text, err);

    if (error || !text)
        return error;
    if (strcmp(text, "ipv4") && strcmp(text, "ipv6"))
        return fl_error_set(err, -EINVAL, "%s.over must be \"ipv4\" or \"ipv6\"", where);
    line->over = !strcmp(text, "ipv4") ? FL_PROFILE_OVER_IPV4 : FL_PROFILE_OVER_IPV6;
    return 0;
}

/* Of ct_state and ip_frag, whose bits a NIC may take or not. */
static int read_flags(const json_t *json, const char *where, const struct svec *names,
                      struct fl_profile_line *line, struct fl_error *err)
{
    struct svec flags = SVEC_EMPTY_INITIALIZER;
    int error = fl_profile_read_names(json, where, "set", &flags, err);

    for (size_t i = 0; !error && i < flags.n; i++) {
        uint32_t bit = names->n == 1 ? fl_profile_flag(names->names[0], flags.names[i]) : 0;

        if (!bit)
            error = fl_error_set(err, -EINVAL, "%s.set: the field has no flag \"%s\"", where,
                                 flags.names[i]);
        line->flags |= bit;
    }
    if (!error && line->flags && line->word == FL_PROFILE_TAKEN)
        error = fl_error_set(err, -EINVAL, "%s.set says when it is refused, and it is taken",
                             where);
    svec_destroy(&flags);
    return error;
}

static int read_mask(const json_t *json, const char *where, struct fl_profile_line *line,
                     struct fl_error *err)
{
    const char *mask, *value;
    int error = fl_json_string_or_null(json, where, "mask", FL_PROFILE_NAME_BYTES, &mask, err);

    error = error
                ? error
                : fl_json_string_or_null(json, where, "value", FL_PROFILE_NAME_BYTES, &value, err);
    if (error)
        return error;
    if ((mask && strcmp(mask, "exact")) || (value && strcmp(value, "zero")))
        return fl_error_set(err, -EINVAL, "%s: mask can only be \"exact\", value only \"zero\"",
                            where);
    line->exact_mask = mask != NULL;
    line->zero_value = value != NULL;
    if ((mask || value) && line->word != FL_PROFILE_TAKEN)
        return fl_error_set(err, -EINVAL, "%s: mask and value say when it is taken", where);
    return 0;
}

static int read_texts(const json_t *json, const char *where, struct fl_profile_line *line,
                      struct fl_error *err)
{
    const char *says, *source;
    int error = fl_json_string_or_null(json, where, "says", FL_PROFILE_TEXT_BYTES, &says, err);

    error = error ? error
                  : fl_json_string(json, where, "source", FL_PROFILE_TEXT_BYTES, &source, err);
    if (error)
        return error;
    if (!source[0])
        return fl_error_set(err, -EINVAL, "%s.source must say where this is from", where);
    line->says = nullable_xstrdup(says);
    line->source = xstrdup(source);
    return 0;
}

static int read_match(const json_t *json, const char *where, const struct svec *names,
                      struct fl_profile_line *line, struct fl_error *err)
{
    static const char *const keys[] = { "name",  "is",   "over",   "set", "mask",
                                        "value", "says", "source", NULL };
    int error = fl_profile_check_keys(json, where, keys, err);

    error = error ? error : check_fields(names, where, err);
    error = error ? error : read_word(json, where, line, err);
    error = error ? error : read_over(json, where, line, err);
    error = error ? error : read_flags(json, where, names, line, err);
    return error ? error : read_mask(json, where, line, err);
}

static int read_action(const json_t *json, const char *where, const struct svec *names,
                       struct fl_profile_line *line, struct fl_error *err)
{
    static const char *const keys[] = { "name",     "is",   "over",   "needs",
                                        "not_with", "says", "source", NULL };
    int error = fl_profile_check_keys(json, where, keys, err);

    if (!error)
        error = line->kind == FL_PROFILE_ACTION ? check_actions(names, where, err)
                                                : check_fields(names, where, err);
    error = error ? error : read_word(json, where, line, err);
    error = error ? error : read_over(json, where, line, err);
    error = error ? error : fl_profile_read_names(json, where, "needs", &line->needs, err);
    error = error ? error : check_fields(&line->needs, where, err);
    error = error ? error : fl_profile_read_names(json, where, "not_with", &line->not_with, err);
    error = error ? error : check_actions(&line->not_with, where, err);
    if (!error && (line->needs.n || line->not_with.n) && line->word != FL_PROFILE_TAKEN)
        error = fl_error_set(err, -EINVAL, "%s: needs and not_with say when it is taken", where);
    return error;
}

static int read_limit(const json_t *json, const char *where, const struct svec *names,
                      struct fl_profile_line *line, struct fl_error *err)
{
    static const char *const keys[] = { "name", "most", "says", "source", NULL };
    int64_t most = -1;
    int error = fl_profile_check_keys(json, where, keys, err);

    error = error ? error : fl_json_integer(json, where, "most", 0, LIMIT_VALUE, -1, &most, err);
    if (error)
        return error;
    if (most < 0)
        return fl_error_set(err, -EINVAL, "%s.most must be there", where);
    for (size_t i = 0; i < names->n; i++) {
        if (!fl_profile_is_limit(names->names[i]))
            return fl_error_set(err, -EINVAL, "%s: there is no limit \"%s\"", where,
                                names->names[i]);
    }
    line->most = (uint64_t)most;
    return 0;
}

int fl_profile_read_line(const json_t *json, const char *where, struct svec *names,
                         struct fl_profile_line *line, struct fl_error *err)
{
    int error = fl_json_object(json, where, err);

    error = error ? error : fl_profile_read_names(json, where, "name", names, err);
    if (!error && !names->n)
        error = fl_error_set(err, -EINVAL, "%s.name must be there", where);
    if (error)
        return error;
    error = line->kind == FL_PROFILE_MATCH   ? read_match(json, where, names, line, err)
            : line->kind == FL_PROFILE_LIMIT ? read_limit(json, where, names, line, err)
                                             : read_action(json, where, names, line, err);
    return error ? error : read_texts(json, where, line, err);
}
