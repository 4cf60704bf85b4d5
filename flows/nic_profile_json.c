/* SPDX-License-Identifier: Apache-2.0 */

/* Reading a NIC profile: docs/nic-profiles.md. Nothing in it is trusted. */

#include "flows/nic_profile_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/json_read.h"

#define SCHEMA "flowlift/nic-profile/1"

#define LINES_MAX    512u /* Of one interface. */
#define WHERE_BYTES  96u
#define PCI_ID_BYTES 9u /* "15b3:101d" */

/* ---- Lines of one interface ---- */

/* Do both speak of the same packets? Then one of them is wrong, or one too many. */
static bool overlap(const struct fl_profile_line *a, const struct fl_profile_line *b)
{
    return a->kind == b->kind && !strcmp(a->name, b->name) &&
           (a->over == b->over || !a->over || !b->over) &&
           ((a->flags & b->flags) || !a->flags || !b->flags);
}

static int add_line(struct fl_profile_lines *lines, const struct fl_profile_line *read,
                    const char *name, const char *where, struct fl_error *err)
{
    struct fl_profile_line line = *read;

    line.name = CONST_CAST(char *, name);
    for (size_t i = 0; i < lines->n; i++) {
        if (overlap(&lines->lines[i], &line))
            return fl_error_set(err, -EINVAL, "%s: %s is there twice", where, name);
    }
    if (lines->n == LINES_MAX)
        return fl_error_set(err, -EINVAL, "%s: more than %u lines", where, LINES_MAX);
    line.name = xstrdup(name);
    line.says = nullable_xstrdup(read->says);
    line.source = xstrdup(read->source);
    line.field = read->kind == FL_PROFILE_MATCH || read->kind == FL_PROFILE_REWRITE
                     ? fl_profile_field(name)
                     : NULL;
    svec_clone(&line.needs, &read->needs);
    svec_clone(&line.not_with, &read->not_with);
    lines->lines = xrealloc(lines->lines, (lines->n + 1) * sizeof *lines->lines);
    lines->lines[lines->n++] = line;
    return 0;
}

static int read_line(const json_t *json, const char *where, enum fl_profile_kind kind,
                     struct fl_profile_lines *lines, struct fl_error *err)
{
    struct fl_profile_line line = { .kind = kind,
                                    .needs = SVEC_EMPTY_INITIALIZER,
                                    .not_with = SVEC_EMPTY_INITIALIZER };
    struct svec names = SVEC_EMPTY_INITIALIZER;
    int error = fl_profile_read_line(json, where, &names, &line, err);

    for (size_t i = 0; !error && i < names.n; i++)
        error = add_line(lines, &line, names.names[i], where, err);
    svec_destroy(&names);
    fl_profile_line_destroy(&line);
    return error;
}

static int read_lines(const json_t *profile, const char *api, struct fl_profile_lines *lines,
                      struct fl_error *err)
{
    static const char *const keys[] = { "matches", "actions", "rewrites", "limits", NULL };
    const json_t *json = json_object_get(profile, api);
    int error;

    if (!json || json_is_null(json))
        return 0;
    error = fl_json_object(json, api, err);
    error = error ? error : fl_profile_check_keys(json, api, keys, err);
    for (enum fl_profile_kind kind = 0; !error && kind < FL_PROFILE_N_KINDS; kind++) {
        const json_t *items = NULL;

        error = fl_json_array(json, api, fl_profile_kind_name(kind), FL_PROFILE_ITEMS_MAX, &items,
                              err);
        for (size_t i = 0; !error && i < json_array_size(items); i++) {
            char where[WHERE_BYTES];

            snprintf(where, sizeof where, "%s.%s[%" PRIuSIZE "]", api, fl_profile_kind_name(kind),
                     i);
            error = read_line(json_array_get(items, i), where, kind, lines, err);
        }
    }
    return error;
}

/* ---- The profile ---- */

static int check_pci(const struct svec *ids, struct fl_error *err)
{
    for (size_t i = 0; i < ids->n; i++) {
        const char *id = ids->names[i];

        if (strlen(id) != PCI_ID_BYTES || id[4] != ':' ||
            strspn(id, "0123456789abcdef:") != PCI_ID_BYTES)
            return fl_error_set(err, -EINVAL, "ports.pci: \"%s\" is not like \"15b3:101d\"", id);
    }
    return 0;
}

static int read_ports(const json_t *profile, struct fl_profile *read, struct fl_error *err)
{
    static const char *const keys[] = { "kernel", "dpdk", "firmware", "pci", "source", NULL };
    const json_t *json = json_object_get(profile, "ports");
    const char *source;
    int error = fl_json_object(json, "ports", err);

    error = error ? error : fl_profile_check_keys(json, "ports", keys, err);
    error = error ? error : fl_profile_read_names(json, "ports", "kernel", &read->drivers[0], err);
    error = error ? error : fl_profile_read_names(json, "ports", "dpdk", &read->drivers[1], err);
    error = error ? error : fl_profile_read_names(json, "ports", "firmware", &read->firmware, err);
    error = error ? error : fl_profile_read_names(json, "ports", "pci", &read->pci, err);
    error = error ? error : check_pci(&read->pci, err);
    error = error ? error
                  : fl_json_string(json, "ports", "source", FL_PROFILE_TEXT_BYTES, &source, err);
    if (error)
        return error;
    if (!source[0])
        return fl_error_set(err, -EINVAL, "ports.source must say where this is from");
    read->identity_source = xstrdup(source);
    return 0;
}

static int read_head(const json_t *json, struct fl_profile *read, struct fl_error *err)
{
    static const char *const keys[] = { "schema", "name", "title",    "base",
                                        "ports",  "tc",   "rte_flow", NULL };
    const char *schema, *name, *title, *base;
    int error = fl_json_object(json, "", err);

    error = error ? error : fl_json_string(json, "", "schema", FL_PROFILE_NAME_BYTES, &schema, err);
    if (!error && strcmp(schema, SCHEMA))
        error = fl_error_set(err, -EINVAL, "schema is \"%s\", and not \"" SCHEMA "\"", schema);
    error = error ? error : fl_profile_check_keys(json, "", keys, err);
    error = error ? error : fl_json_string(json, "", "name", FL_PROFILE_NAME_BYTES, &name, err);
    error = error ? error : fl_profile_check_name(name, "name", err);
    error = error ? error : fl_json_string(json, "", "title", FL_PROFILE_TEXT_BYTES, &title, err);
    error = error ? error
                  : fl_json_string_or_null(json, "", "base", FL_PROFILE_NAME_BYTES, &base, err);
    if (error)
        return error;
    read->name = xstrdup(name);
    read->title = xstrdup(title);
    read->base = nullable_xstrdup(base);
    return 0;
}

int fl_profile_read(const json_t *json, struct fl_profile **profile, struct fl_error *err)
{
    struct fl_profile *read = xzalloc(sizeof *read);
    int error = read_head(json, read, err);

    error = error ? error : read_ports(json, read, err);
    error = error ? error : read_lines(json, "tc", &read->of[0], err);
    error = error ? error : read_lines(json, "rte_flow", &read->of[1], err);
    if (error) {
        fl_profile_destroy(read);
        return error;
    }
    *profile = read;
    return 0;
}
