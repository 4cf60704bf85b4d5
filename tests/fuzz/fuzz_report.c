/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of a report: whatever the document is, no text of it becomes markup. A document is taken as it is,
 * and once more with every string of it made hostile: the page must then be as well formed as before.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/report_html.h"
#include "flows/cleanup.h"
#include "lib/base/small_file.h"
#include "tests/fuzz/require.h"

#define HOSTILE "\"'><script src=//x></script><!--</style></title>&amp;\xe2\x80\xae"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Elements that the page has, and those of them that have no end. */
static const char *const elements[] = {
    "article", "bdi",    "body",       "caption", "code",   "data",  "dd",   "desc",  "div",
    "dl",      "dt",     "figcaption", "figure",  "footer", "g",     "h1",   "h2",    "h3",
    "head",    "header", "html",       "li",      "line",   "link",  "main", "meta",  "ol",
    "p",       "rect",   "section",    "span",    "strong", "style", "svg",  "table", "tbody",
    "td",      "text",   "th",         "thead",   "time",   "title", "tr",   "ul",    "wbr",
};
static const char *const endless[] = { "link", "meta", "wbr" };

#define DEPTH_MOST 64u

struct tags {
    const char *open[DEPTH_MOST];
    size_t length[DEPTH_MOST];
    size_t n;
};

static bool is_one_of(const char *const *names, size_t n_names, const char *name, size_t length)
{
    for (size_t i = 0; i < n_names; i++) {
        if (strlen(names[i]) == length && !memcmp(names[i], name, length))
            return true;
    }
    return false;
}

/* From behind '<' to behind '>'; a '>' in a quoted value does not end it. */
static const char *end_of_tag(const char *text)
{
    bool quoted = false;

    for (; *text && (quoted || *text != '>'); text++)
        quoted ^= *text == '"';
    REQUIRE(*text == '>');
    return text;
}

static void take_tag(struct tags *tags, const char *text, const char *end)
{
    bool closes = *text == '/';
    const char *name = text + closes;
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz123");

    REQUIRE(is_one_of(elements, sizeof elements / sizeof *elements, name, length));
    if (closes) {
        REQUIRE(tags->n > 0);
        tags->n--;
        REQUIRE(tags->length[tags->n] == length && !memcmp(tags->open[tags->n], name, length));
    } else if (end[-1] != '/' &&
               !is_one_of(endless, sizeof endless / sizeof *endless, name, length)) {
        REQUIRE(tags->n < DEPTH_MOST);
        tags->open[tags->n] = name;
        tags->length[tags->n++] = length;
    }
}

/* Every element is known and closed in its order, and an ampersand is that of an escape. */
static void check_page(const char *page)
{
    static const char doctype[] = "<!DOCTYPE html>\n";
    struct tags tags = { .n = 0 };

    REQUIRE(!strncmp(page, doctype, sizeof doctype - 1));
    for (const char *text = page + sizeof doctype - 1; *text; text++) {
        if (*text == '<') {
            const char *end = end_of_tag(text + 1);

            take_tag(&tags, text + 1, end);
            text = end;
        }
        if (*text == '&')
            REQUIRE(!strncmp(text, "&amp;", 5) || !strncmp(text, "&lt;", 4) ||
                    !strncmp(text, "&gt;", 4) || !strncmp(text, "&quot;", 6) ||
                    !strncmp(text, "&#39;", 5));
    }
    REQUIRE(!tags.n);
    REQUIRE(!strstr(page, "\xe2\x80\xae"));
}

static void render(const json_t *document)
{
    struct ds page = DS_EMPTY_INITIALIZER;

    fl_report_html(document, &page);
    REQUIRE(strlen(ds_cstr(&page)) == page.length);
    check_page(ds_cstr(&page));
    ds_destroy(&page);
}

/* What something is called in the document stays: "of", a verdict, a path; else nothing would be shown. */
static json_t *made_hostile(const json_t *json)
{
    json_t *made, *value;
    const char *key;
    size_t i;

    if (json_is_string(json))
        return json_string(HOSTILE);
    if (json_is_array(json)) {
        made = json_array();
        json_array_foreach(json, i, value)
            json_array_append_new(made, made_hostile(value));
        return made;
    }
    if (!json_is_object(json))
        return json_incref(CONST_CAST(json_t *, json));
    made = json_object();
    json_object_foreach(CONST_CAST(json_t *, json), key, value)
        json_object_set_new(made, key,
                            !strcmp(key, "of") ? json_incref(value) : made_hostile(value));
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = fl_json_parse("fuzz.json", (const char *)data, size, &err);
    _cleanup_json json_t *hostile = NULL;

    if (!json)
        return 0;
    render(json);
    hostile = made_hostile(json);
    render(hostile);
    return 0;
}
