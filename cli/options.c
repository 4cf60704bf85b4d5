/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/audit.h"
#include "flows/nearest.h"

#define SECONDS_MOST  3600.0
#define LISTEN_LEAST  1.0
#define LINES_DEFAULT 50u
/* Less than it takes to look at the result would be no offer. */
#define CONFIRM_LEAST 5.0
#define CONFIRM_MOST  86400.0
#define OLDER_LEAST   1.0
#define OLDER_MOST    (3660.0 * 86400)

/* The words, and how far they were read. */
struct words {
    const char *const *words;
    int n;
    int next;
    bool only_arguments; /* "--" was seen */
};

static int parse_seconds(const char *option, const char *text, double least, int64_t *ms,
                         struct fl_error *err)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end || !isfinite(seconds) || seconds < least || seconds > SECONDS_MOST)
        return fl_error_set(err, -EINVAL, "--%s takes seconds from %g to %g, not '%s'", option,
                            least, SECONDS_MOST, text);
    *ms = llround(seconds * 1000);
    return 0;
}

/* "90", "90s", "1.5m" */
static int parse_confirm_within(const char *text, int64_t *ms, struct fl_error *err)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end != text && *end == 'm')
        seconds *= 60;
    if (end != text && (*end == 'm' || *end == 's'))
        end++;
    if (end == text || *end || !isfinite(seconds) || seconds < CONFIRM_LEAST ||
        seconds > CONFIRM_MOST)
        return fl_error_set(err, -EINVAL,
                            "--confirm-within takes a time from %gs to %gm, such as 90s or 5m, "
                            "not '%s'",
                            CONFIRM_LEAST, CONFIRM_MOST / 60, text);
    *ms = llround(seconds * 1000);
    return 0;
}

/* "90", "90s", "15m", "2h", "1d" */
static int parse_older(const char *text, int64_t *ms, struct fl_error *err)
{
    static const struct {
        char letter;
        double seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char *end;
    double seconds = strtod(text, &end);

    for (size_t i = 0; end != text && i < ARRAY_SIZE(units); i++) {
        if (*end == units[i].letter) {
            seconds *= units[i].seconds;
            end++;
            break;
        }
    }
    if (end == text || *end || !isfinite(seconds) || seconds < OLDER_LEAST || seconds > OLDER_MOST)
        return fl_error_set(err, -EINVAL,
                            "--older takes a time from %gs to %gd, such as 90s, 15m, 2h or 1d, not "
                            "'%s'",
                            OLDER_LEAST, OLDER_MOST / 86400, text);
    *ms = llround(seconds * 1000);
    return 0;
}

static int parse_count(const char *option, const char *text, size_t *count, struct fl_error *err)
{
    unsigned int value;

    if (!str_to_uint(text, 10, &value))
        return fl_error_set(err, -EINVAL, "--%s takes a number, not '%s'", option, text);
    *count = value;
    return 0;
}

static int parse_verdict(struct fl_request *request, const char *text, struct fl_error *err)
{
    request->fleet.has_verdict = fl_verdict_from_name(text, &request->fleet.verdict);
    if (request->fleet.has_verdict)
        return 0;
    return fl_error_set(err, -EINVAL,
                        "'%s' is no verdict; there are stranded, leaking, unknown, offloaded and "
                        "idle",
                        text);
}

static int parse_cause(struct fl_request *request, const char *text, struct fl_error *err)
{
    const char *known[FL_N_CAUSES], *nearest;

    request->fleet.cause = text;
    if (fl_cause_find(text) < FL_N_CAUSES)
        return 0;
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++)
        known[id] = fl_cause_info(id)->id;
    if (fl_nearest(text, known, FL_N_CAUSES, &nearest, 1))
        return fl_error_set(err, -EINVAL, "unknown cause '%s'; did you mean '%s'?", text, nearest);
    return fl_error_set(err, -EINVAL, "unknown cause '%s'; see flowlift causes", text);
}

/* "table or json": the formats of @verb in words. */
static char *formats_of(const struct fl_verb *verb)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    unsigned int left = verb->formats;

    for (unsigned int i = 0; i < FL_N_FORMATS; i++) {
        if (!(left & 1u << i))
            continue;
        left &= ~(1u << i);
        ds_put_format(&ds, "%s%s", !ds.length ? "" : left ? ", " : " or ", fl_format_names[i]);
    }
    return ds_steal_cstr(&ds);
}

static int parse_format(struct fl_request *request, const char *text, struct fl_error *err)
{
    char *formats;

    for (unsigned int i = 0; i < FL_N_FORMATS; i++) {
        if (!strcmp(text, fl_format_names[i]) && request->verb->formats & 1u << i) {
            request->format = i;
            return 0;
        }
    }
    formats = formats_of(request->verb);
    fl_error_set(err, -EINVAL, "flowlift %s has the formats %s, not '%s'", request->verb->name,
                 formats, text);
    free(formats);
    return -EINVAL;
}

static int parse_path(struct fl_request *request, const char *text, struct fl_error *err)
{
    if (!fl_path_from_name(text, &request->path))
        return fl_error_set(err, -EINVAL,
                            "'%s' is no path; there are hw, hw-partial, tc-sw, dp-sw, upcall and "
                            "unknown",
                            text);
    request->has_path = true;
    return 0;
}

static int parse_via(struct fl_request *request, const char *text, struct fl_error *err)
{
    static const struct {
        const char *name;
        enum fl_via via;
    } names[] = { { "auto", FL_VIA_AUTO }, { "kernel", FL_VIA_KERNEL }, { "ovs", FL_VIA_OVS } };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(text, names[i].name)) {
            request->via = names[i].via;
            return 0;
        }
    }
    return fl_error_set(err, -EINVAL, "--via is auto, kernel or ovs, not '%s'", text);
}

static int set_option(struct fl_request *request, enum fl_option_id id, const char *value,
                      struct fl_error *err)
{
    int64_t timeout_ms;

    switch (id) {
    case FL_OPTION_VM: request->argument = value; return 0;
    case FL_OPTION_STORAGE: request->storage = true; return 0;
    case FL_OPTION_PATH: return parse_path(request, value, err);
    case FL_OPTION_WINDOW: return parse_seconds("window", value, 0, &request->window_ms, err);
    case FL_OPTION_SCREEN: request->screen = true; return 0;
    case FL_OPTION_PROBE: request->probe = true; return 0;
    case FL_OPTION_LISTEN:
        return parse_seconds("listen", value, LISTEN_LEAST, &request->listen_ms, err);
    case FL_OPTION_MLX5_DUMP: request->mlx5_dump = true; return 0;
    case FL_OPTION_OUTPUT: request->output = value; return 0;
    case FL_OPTION_PLAN: request->plan = value; return 0;
    case FL_OPTION_TICKET: request->ticket = value; return 0;
    case FL_OPTION_DRY_RUN: request->dry_run = true; return 0;
    case FL_OPTION_CONFIRM_WITHIN:
        return parse_confirm_within(value, &request->confirm_within_ms, err);
    case FL_OPTION_UNTIL:
        if (fl_until_parse(value, &request->until, err)) {
            fl_error_prefix(err, "--until");
            return -EINVAL;
        }
        return 0;
    case FL_OPTION_FOREGROUND: request->foreground = true; return 0;
    case FL_OPTION_ALL: request->all = true; return 0;
    case FL_OPTION_VERDICT: return parse_verdict(request, value, err);
    case FL_OPTION_CAUSE: return parse_cause(request, value, err);
    case FL_OPTION_NIC: request->fleet.driver = value; return 0;
    case FL_OPTION_FIRMWARE: request->fleet.firmware = value; return 0;
    case FL_OPTION_VERSION: request->fleet.version = value; return 0;
    case FL_OPTION_HOST: request->fleet.host = value; return 0;
    case FL_OPTION_OLDER: return parse_older(value, &request->older_ms, err);
    case FL_OPTION_REMOTE: request->remote = value; return 0;
    case FL_OPTION_LINES:
        request->has_lines = true;
        return parse_count("lines", value, &request->lines, err);
    case FL_OPTION_TICKS: return parse_count("ticks", value, &request->ticks, err);
    case FL_OPTION_MAN: request->man = true; return 0;
    case FL_OPTION_FROM: request->from[request->n_from++] = value; return 0;
    case FL_OPTION_FORMAT: return parse_format(request, value, err);
    case FL_OPTION_JSON: request->format = FL_FORMAT_JSON; return 0;
    case FL_OPTION_VIA: return parse_via(request, value, err);
    case FL_OPTION_DB: request->db = value; return 0;
    case FL_OPTION_ROOT: request->root = value; return 0;
    case FL_OPTION_HELP: request->help = true; return 0;
    case FL_OPTION_TIMEOUT:
        if (parse_seconds("timeout", value, 0.1, &timeout_ms, err))
            return -EINVAL;
        request->timeout_ms = (int)timeout_ms;
        return 0;
    case FL_N_OPTIONS: break;
    }
    OVS_NOT_REACHED();
}

/* The option that "--name" or "--name=value" (without its dashes) names, or FL_N_OPTIONS. */
static enum fl_option_id option_by_name(const char *word)
{
    size_t length = strcspn(word, "=");
    enum fl_option_id id;

    for (id = 0; id < FL_N_OPTIONS; id++) {
        const char *name = fl_options[id].name;

        if (strlen(name) == length && !memcmp(name, word, length))
            break;
    }
    return id;
}

/* A letter may mean one thing to one verb and another to another. @verb: or NULL, of any */
static enum fl_option_id option_by_letter(const struct fl_verb *verb, char letter)
{
    enum fl_option_id id;

    for (id = 0; id < FL_N_OPTIONS; id++) {
        if (letter && fl_options[id].letter == letter && (!verb || fl_verb_has(verb, id)))
            break;
    }
    return id;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

static enum fl_option_id option_of(const struct fl_verb *verb, const char *word)
{
    return word[1] == '-' ? option_by_name(word + 2) : option_by_letter(verb, word[1]);
}

/* The value written in the same word ("--window=5", "-n5"), or NULL. */
static const char *value_within(const char *word)
{
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');

        return equals ? equals + 1 : NULL;
    }
    return word[2] ? word + 2 : NULL;
}

static int unknown_option(const struct fl_verb *verb, const char *word, struct fl_error *err)
{
    const char *known[FL_N_OPTIONS + 1] = { NULL };
    const char *nearest = NULL;
    int length = (int)strcspn(word, "=");
    char name[64];

    for (unsigned int id = 0; id < FL_N_OPTIONS; id++)
        known[id] = fl_verb_has(verb, id) ? fl_options[id].name : NULL;
    if (word[1] == '-') {
        ovs_strlcpy(name, word + 2, sizeof name);
        name[strcspn(name, "=")] = '\0';
        fl_nearest(name, known, FL_N_OPTIONS, &nearest, 1);
    }
    if (nearest)
        return fl_error_set(err, -EINVAL, "flowlift %s has no option %.*s; did you mean --%s?",
                            verb->name, length, word, nearest);
    return fl_error_set(err, -EINVAL, "flowlift %s has no option %.*s; see flowlift %s --help",
                        verb->name, length, word, verb->name);
}

static int read_option(struct fl_request *request, struct words *in, const char *word,
                       struct fl_error *err)
{
    enum fl_option_id id = option_of(request->verb, word);
    const char *value = value_within(word);

    if (id == FL_N_OPTIONS || !fl_verb_has(request->verb, id))
        return unknown_option(request->verb, word, err);
    if (!fl_options[id].value && value)
        return fl_error_set(err, -EINVAL, "--%s takes no value", fl_options[id].name);
    if (fl_options[id].value && !value) {
        if (in->next == in->n)
            return fl_error_set(err, -EINVAL, "--%s needs a value: --%s %s", fl_options[id].name,
                                fl_options[id].name, fl_options[id].value);
        value = in->words[in->next++];
    }
    if (value && !*value)
        return fl_error_set(err, -EINVAL, "the value of --%s is empty", fl_options[id].name);
    return set_option(request, id, value, err);
}

static int read_argument(struct fl_request *request, struct words *in, const char *word,
                         struct fl_error *err)
{
    const struct fl_verb *verb = request->verb;

    if (!*verb->arguments && fl_verb_has(verb, FL_OPTION_VM))
        return fl_error_set(err, -EINVAL, "flowlift %s takes no argument '%s'; for one VM: --vm %s",
                            verb->name, word, word);
    if (!*verb->arguments)
        return fl_error_set(err, -EINVAL, "flowlift %s takes no argument '%s'", verb->name, word);
    if (request->argument && verb->takes_more && *word) {
        request->more[request->n_more++] = word;
        return 0;
    }
    if (request->argument && !verb->takes_more)
        return fl_error_set(err, -EINVAL,
                            "flowlift %s takes one argument (%s), and '%s' is one more", verb->name,
                            verb->arguments, word);
    if (!*word)
        return fl_error_set(err, -EINVAL, "the argument of flowlift %s is empty", verb->name);
    request->argument = word;
    if (verb->takes_rest) {
        request->rest = in->words + in->next;
        request->n_rest = (size_t)(in->n - in->next);
        in->next = in->n;
    }
    return 0;
}

/* The first word that is neither an option nor an option's value. Return: its index, or n. */
static int find_verb(const struct words *in)
{
    int i;

    for (i = 0; i < in->n && is_option(in->words[i]); i++) {
        enum fl_option_id id = option_of(NULL, in->words[i]);

        if (id != FL_N_OPTIONS && fl_options[id].value && !value_within(in->words[i]))
            i++;
    }
    return MIN(i, in->n);
}

/* Whether what was given fits together. */
static int check(const struct fl_request *request, struct fl_error *err)
{
    const char *arguments = request->verb->arguments;
    const char *verb = request->verb->name;

    if (request->all && request->argument)
        return fl_error_set(err, -EINVAL, "flowlift %s takes a VM or --all, not both", verb);
    if (*arguments && *arguments != '[' && !request->argument && !request->all)
        return fl_error_set(err, -EINVAL, "flowlift %s needs %s; see flowlift %s --help", verb,
                            request->verb->arguments, verb);
    return 0;
}

int fl_request_parse(struct fl_request *request, int n_words, const char *const *words,
                     struct fl_error *err)
{
    struct words in = { .words = words, .n = n_words };
    int verb = find_verb(&in);

    *request = (struct fl_request){
        .root = "",
        .window_ms = -1,
        .lines = LINES_DEFAULT,
        .from = xcalloc((size_t)n_words + 1, sizeof *request->from),
        .more = xcalloc((size_t)n_words + 1, sizeof *request->more),
        .older_ms = FL_FLEET_OLDER_MS,
    };
    if (verb == n_words)
        return fl_error_set(err, -EINVAL, "a verb is missing; see flowlift help");
    request->verb = fl_verb_named(words[verb], err);
    if (!request->verb)
        return -EINVAL;

    while (in.next < in.n) {
        const char *word = words[in.next++];
        int error = 0;

        if (in.next - 1 == verb)
            continue;
        if (!in.only_arguments && !strcmp(word, "--"))
            in.only_arguments = true;
        else if (!in.only_arguments && is_option(word))
            error = read_option(request, &in, word, err);
        else
            error = read_argument(request, &in, word, err);
        if (error)
            return error;
    }
    return request->help ? 0 : check(request, err);
}

void fl_request_destroy(struct fl_request *request)
{
    free(request->from);
    request->from = NULL;
    free(request->more);
    request->more = NULL;
}
