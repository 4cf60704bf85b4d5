/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The decoder over listings that people posted. They are third-party data and stay outside of this
 * project: $FLOWLIFT_CORPUS, or ../shared/corpus beside the source folder. Without them: skipped.
 *
 * A specimen is NAME.txt, and NAME.json with its kind, its flows judged by reading, and labels: a line
 * and the paths that are accepted for the flow that begins there.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "flows/cleanup.h"
#include "flows/tc_flow.h"
#include "flows/tc_text.h"
#include "tests/unit/decoded.h"

/* Where the corpus is, or NULL with a note why the test is skipped. */
static const char *find_corpus(void)
{
    static char folder[4096];
    const char *given = getenv("FLOWLIFT_CORPUS");
    const char *source = getenv("FLOWLIFT_SOURCE");
    struct stat status;

    if (given)
        snprintf(folder, sizeof folder, "%s", given);
    else
        snprintf(folder, sizeof folder, "%s/../shared/corpus", source ? source : ".");
    if (!stat(folder, &status) && S_ISDIR(status.st_mode))
        return folder;
    print_message("# no corpus: neither $FLOWLIFT_CORPUS nor ../shared/corpus is a folder\n");
    return NULL;
}

static char *read_file(const char *folder, const char *name, const char *suffix, size_t *n)
{
    _cleanup_free char *path = xasprintf("%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "r");
    struct stat status;
    char *bytes;

    if (!file || fstat(fileno(file), &status))
        fail_msg("cannot open %s", path);
    bytes = xmalloc((size_t)status.st_size + 1);
    *n = fread(bytes, 1, (size_t)status.st_size, file);
    bytes[*n] = '\0';
    fclose(file);
    return bytes;
}

/* What the decoder saw in one text. */

#define MAX_FLOWS 64

struct seen {
    struct fl_ports *ports;
    size_t n;
    struct {
        uint32_t line;
        enum fl_path path;
        char in_port[64];
    } flows[MAX_FLOWS];
    struct ds errors;
    struct fl_decode_stats stats;
};

static int see_flow(const struct fl_flow *flow, void *seen_)
{
    struct seen *seen = seen_;
    char buf[16];

    if (flow->parse_error)
        ds_put_format(&seen->errors, "%s\n", flow->parse_error);
    if (seen->n == MAX_FLOWS)
        return 0;
    seen->flows[seen->n].line = flow->line;
    seen->flows[seen->n].path = flow->path;
    snprintf(seen->flows[seen->n].in_port, sizeof seen->flows[0].in_port, "%s",
             flow->in_port == ODPP_NONE ? "" : fl_ports_name(seen->ports, flow->in_port, buf));
    seen->n++;
    return 0;
}

static void see_text(struct seen *seen, const char *text, size_t n)
{
    struct fl_decoder *decoder;

    memset(seen, 0, sizeof *seen);
    ds_init(&seen->errors);
    seen->ports = fl_ports_create();
    decoder = fl_decoder_create(seen->ports, 0, see_flow, seen);
    fl_decoder_push(decoder, text, n);
    fl_decoder_finish(decoder);
    seen->stats = *fl_decoder_stats(decoder);
    fl_decoder_destroy(decoder);
}

static void forget(struct seen *seen)
{
    ds_destroy(&seen->errors);
    fl_ports_destroy(seen->ports);
}

/* The first flow that begins on @line, or -1. */
static int flow_on(const struct seen *seen, json_int_t line)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->flows[i].line == line)
            return (int)i;
    }
    return -1;
}

/* Specimens */

struct score {
    size_t specimens;
    size_t labels, accepted;
    size_t flows, found, same_port;
};

static uint64_t count_lines(const char *text, size_t n)
{
    uint64_t lines = n > 0 && text[n - 1] != '\n';

    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    return lines;
}

static bool is_accepted(const json_t *label, enum fl_path path)
{
    json_t *accept = json_object_get(label, "accept");
    json_t *name;
    size_t i;

    json_array_foreach(accept, i, name) {
        if (!strcmp(json_string_value(name), fl_path_name(path)))
            return true;
    }
    return false;
}

static void check_labels(const char *name, const json_t *specimen, const struct seen *seen,
                         struct score *score)
{
    json_t *labels = json_object_get(specimen, "labels");
    json_t *label;
    size_t i;

    json_array_foreach(labels, i, label) {
        json_int_t line = json_integer_value(json_object_get(label, "line"));
        int flow = flow_on(seen, line);

        score->labels++;
        if (flow >= 0 && is_accepted(label, seen->flows[flow].path))
            score->accepted++;
        else
            print_message("# %s:%d: %s\n", name, (int)line,
                          flow < 0 ? "no flow begins here" : fl_path_name(seen->flows[flow].path));
    }
}

/* "flows" of the specimen: all that a reader saw, also in the log lines between them. */
static void check_flows(const char *name, const json_t *specimen, const struct seen *seen,
                        struct score *score)
{
    json_t *flows = json_object_get(specimen, "flows");
    json_t *wanted;
    size_t i;

    json_array_foreach(flows, i, wanted) {
        json_int_t line = json_integer_value(json_object_get(wanted, "line"));
        const char *in_port = json_string_value(json_object_get(wanted, "in_port"));
        int flow = flow_on(seen, line);

        score->flows++;
        if (flow < 0) {
            print_message("# %s:%d: no flow begins here\n", name, (int)line);
            continue;
        }
        score->found++;
        if (!strcmp(in_port ? in_port : "", seen->flows[flow].in_port))
            score->same_port++;
        else
            print_message("# %s:%d: in_port is %s, not %s\n", name, (int)line,
                          seen->flows[flow].in_port, in_port ? in_port : "missing");
    }
}

static void check_specimen(const char *folder, const char *name, struct score *score)
{
    size_t n;
    _cleanup_free char *description = read_file(folder, name, ".json", &n);
    _cleanup_json json_t *specimen = json_loads(description, 0, NULL);
    const char *kind = json_string_value(json_object_get(specimen, "kind"));
    _cleanup_free char *text = NULL;
    struct seen seen;

    if (!kind || strcmp(kind, "dpctl-dump-flows"))
        return;
    text = read_file(folder, name, ".txt", &n);
    see_text(&seen, text, n);
    score->specimens++;
    assert_int_equal(seen.stats.lines, count_lines(text, n));
    assert_int_equal(seen.stats.flow_lines + seen.stats.continued_lines + seen.stats.heading_lines +
                         seen.stats.other_lines,
                     seen.stats.lines);
    check_labels(name, specimen, &seen, score);
    check_flows(name, specimen, &seen, score);
    forget(&seen);
}

static void specimens_are_decoded_as_a_reader_would(void **state)
{
    const char *folder = find_corpus();
    struct dirent **entries = NULL;
    struct score score = { .specimens = 0 };
    int n;

    (void)state;
    if (!folder)
        skip();
    n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *suffix = strstr(entries[i]->d_name, ".json");

        if (suffix && !suffix[strlen(".json")]) {
            *suffix = '\0';
            check_specimen(folder, entries[i]->d_name, &score);
        }
        free(entries[i]);
    }
    free(entries);
    print_message("# %zu specimens; %zu of %zu labels accepted; %zu of %zu flows found, %zu with "
                  "their in_port\n",
                  score.specimens, score.accepted, score.labels, score.found, score.flows,
                  score.same_port);
    assert_true(score.specimens > 0);
    assert_true(score.accepted * 100 >= score.labels * 99);
    assert_true(score.same_port * 100 >= score.flows * 98);
}

/* Specimens of what tc prints: the path that a reader told for each filter */

struct filters_seen {
    struct seen seen;
    struct fl_tc_flow scratch;
};

static int see_filter(const struct fl_tc_filter *filter, void *filters_)
{
    struct filters_seen *filters = filters_;
    struct fl_flow flow;

    fl_tc_to_flow(&filters->scratch, filter, 0, &flow);
    return see_flow(&flow, &filters->seen);
}

static void check_paths(const char *name, const json_t *specimen, const struct seen *seen,
                        struct score *score)
{
    json_t *flows = json_object_get(specimen, "flows");
    json_t *wanted;
    size_t i;

    json_array_foreach(flows, i, wanted) {
        json_int_t line = json_integer_value(json_object_get(wanted, "line"));
        const char *path = json_string_value(json_object_get(wanted, "path"));
        int flow = flow_on(seen, line);

        score->flows++;
        if (flow < 0) {
            print_message("# %s:%d: no filter begins here\n", name, (int)line);
            continue;
        }
        score->found++;
        if (!strcmp(path ? path : "unknown", fl_path_name(seen->flows[flow].path)))
            score->accepted++;
        else
            print_message("# %s:%d: %s\n", name, (int)line, fl_path_name(seen->flows[flow].path));
    }
}

static void check_tc_specimen(const char *folder, const char *name, struct score *score)
{
    size_t n;
    _cleanup_free char *description = read_file(folder, name, ".json", &n);
    _cleanup_json json_t *specimen = json_loads(description, 0, NULL);
    const char *kind = json_string_value(json_object_get(specimen, "kind"));
    struct filters_seen filters;
    _cleanup_free char *bytes = NULL;
    struct fl_tc_text *text;

    if (!kind || strncmp(kind, "tc-filter", strlen("tc-filter")))
        return;
    bytes = read_file(folder, name, ".txt", &n);
    memset(&filters, 0, sizeof filters);
    ds_init(&filters.seen.errors);
    filters.seen.ports = fl_ports_create();
    fl_tc_flow_init(&filters.scratch, filters.seen.ports);
    text = fl_tc_text_create(see_filter, &filters);
    fl_tc_text_push(text, bytes, n);
    fl_tc_text_finish(text);
    filters.seen.stats = *fl_tc_text_stats(text);
    score->specimens++;
    assert_int_equal(filters.seen.stats.lines, count_lines(bytes, n));
    assert_int_equal(filters.seen.stats.flow_lines + filters.seen.stats.continued_lines +
                         filters.seen.stats.heading_lines + filters.seen.stats.other_lines,
                     filters.seen.stats.lines);
    check_paths(name, specimen, &filters.seen, score);
    fl_tc_text_destroy(text);
    fl_tc_flow_uninit(&filters.scratch);
    forget(&filters.seen);
}

/* Strings of OVS's own tests */

/* Of versions after 3.1. */
static bool is_newer(const char *line)
{
    return strstr(line, "psample(") || strstr(line, "type=112,"); /* SRv6 */
}

static void check_valid_forms(const char *file, const char *before, const char *behind)
{
    const char *folder = find_corpus();
    size_t n, forms = 0, newer = 0;
    _cleanup_free char *text = NULL;
    char *rest, *line;

    if (!folder)
        skip();
    text = read_file(folder, file, "", &n);
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        _cleanup_free char *flow = NULL;
        struct seen seen;

        if (!*line || *line == '#')
            continue;
        flow = xasprintf("%s%s%s\n", before, line, behind);
        see_text(&seen, flow, strlen(flow));
        forms++;
        if (is_newer(line))
            newer++;
        else if (seen.stats.flows != 1 || seen.errors.length)
            fail_msg("%s: %s", line, ds_cstr(&seen.errors));
        forget(&seen);
    }
    print_message("# %s: %zu forms, %zu of them newer than OVS 3.1\n", file, forms, newer);
    assert_true(forms > 100 && newer * 10 < forms);
}

static void valid_keys_are_understood(void **state)
{
    (void)state;
    check_valid_forms("ovs-testsuite/odp-valid-keys.txt", "",
                      ", packets:0, bytes:0, used:never, actions:drop");
}

static void valid_actions_are_understood(void **state)
{
    (void)state;
    check_valid_forms("ovs-testsuite/odp-valid-actions.txt",
                      "recirc_id(0),in_port(1), packets:0, bytes:0, used:never, actions:", "");
}

static void tc_specimens_are_read_as_a_reader_would(void **state)
{
    const char *folder = find_corpus();
    struct dirent **entries = NULL;
    struct score score = { .specimens = 0 };
    int n;

    (void)state;
    if (!folder)
        skip();
    n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *suffix = strstr(entries[i]->d_name, ".json");

        if (suffix && !suffix[strlen(".json")]) {
            *suffix = '\0';
            check_tc_specimen(folder, entries[i]->d_name, &score);
        }
        free(entries[i]);
    }
    free(entries);
    print_message(
        "# %zu specimens; %zu filters, %zu found where the reader saw them, %zu with their "
        "path\n",
        score.specimens, score.flows, score.found, score.accepted);
    assert_true(score.specimens > 0);
    /* Readers took excerpts of broken JSON, and notes in source code, for filters too. */
    assert_true(score.accepted * 100 >= score.flows * 90);
    assert_true(score.accepted * 100 >= score.found * 98);
}

/* Not all of these are flows: nothing is asked but to live through them. */
static void strings_of_the_test_suite_do_no_harm(void **state)
{
    const char *folder = find_corpus();
    size_t n, strings = 0, flows = 0, errors = 0;
    _cleanup_free char *text = NULL;
    char *rest, *line;

    (void)state;
    if (!folder)
        skip();
    text = read_file(folder, "ovs-testsuite/strings.jsonl", "", &n);
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        _cleanup_json json_t *record = json_loads(line, 0, NULL);
        const char *string = json_string_value(json_object_get(record, "text"));
        struct seen seen;

        if (!string)
            continue;
        see_text(&seen, string, strlen(string));
        strings++;
        flows += seen.stats.flows;
        errors += seen.stats.parse_errors;
        assert_int_equal(seen.stats.lines, count_lines(string, strlen(string)));
        forget(&seen);
    }
    print_message("# %zu strings, %zu flows in them, %zu not understood in full\n", strings, flows,
                  errors);
    assert_true(flows > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specimens_are_decoded_as_a_reader_would),
        cmocka_unit_test(tc_specimens_are_read_as_a_reader_would),
        cmocka_unit_test(valid_keys_are_understood),
        cmocka_unit_test(valid_actions_are_understood),
        cmocka_unit_test(strings_of_the_test_suite_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
