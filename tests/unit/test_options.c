/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ovs/util.h>

#include "cli/options.h"
#include "flows/cleanup.h"

/* Words of a command line, ended by NULL. */
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int parse(const char *const *words, struct fl_request *request, struct fl_error *err)
{
    int n = 0;

    while (words[n])
        n++;
    return fl_request_parse(request, n, words, err);
}

static void assert_refused(const char *const *words, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_request request;

    assert_int_equal(parse(words, &request, &err), -EINVAL);
    fl_request_destroy(&request);
    assert_string_equal(err.text, sentence);
}

static void assert_parsed(const char *const *words, struct fl_request *request)
{
    struct fl_error err = FL_ERROR_INIT;

    assert_int_equal(parse(words, request, &err), 0);
    assert_string_equal(err.text, "");
}

static void options_stand_before_or_behind_the_verb(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("--root", "/r", "--json", "audit", "--window=2.5", "--vm", "vm2"),
                  &request);
    assert_string_equal(request.verb->name, "audit");
    assert_string_equal(request.root, "/r");
    assert_string_equal(request.argument, "vm2");
    assert_int_equal(request.format, FL_FORMAT_JSON);
    assert_int_equal(request.window_ms, 2500);
    fl_request_destroy(&request);
}

static void what_is_not_given_has_its_default(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("status"), &request);
    assert_string_equal(request.root, "");
    assert_null(request.argument);
    assert_int_equal(request.format, FL_FORMAT_TABLE);
    assert_int_equal(request.window_ms, -1);
    assert_int_equal(request.timeout_ms, 0);
    assert_int_equal(request.n_from, 0);
    fl_request_destroy(&request);
}

static void from_may_be_given_more_than_once(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("audit", "--from", "a", "--from=b"), &request);
    assert_int_equal(request.n_from, 2);
    assert_string_equal(request.from[0], "a");
    assert_string_equal(request.from[1], "b");
    fl_request_destroy(&request);
}

static void short_options_take_their_value_either_way(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("history", "vm2", "-n5"), &request);
    assert_int_equal(request.lines, 5);
    assert_string_equal(request.argument, "vm2");
    fl_request_destroy(&request);
    assert_parsed(WORDS("capture", "-o", "-"), &request);
    assert_string_equal(request.output, "-");
    fl_request_destroy(&request);
}

static void words_behind_the_word_of_fleet_are_files(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("fleet", "--older", "2h", "report", "a", "-n0", "b", "--", "-c"), &request);
    assert_string_equal(request.argument, "report");
    assert_int_equal(request.n_more, 3);
    assert_string_equal(request.more[0], "a");
    assert_string_equal(request.more[1], "b");
    assert_string_equal(request.more[2], "-c");
    assert_int_equal(request.older_ms, 7200000);
    assert_true(request.has_lines);
    assert_int_equal(request.lines, 0);
    fl_request_destroy(&request);
    assert_refused(WORDS("fleet", "report", ""), "the argument of flowlift fleet is empty");
}

static void what_of_a_fleet_is_looked_at(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("fleet", "report", "a", "--verdict", "idle", "--cause", "conntrack",
                        "--nic=n", "--firmware", "1", "--version", "3.1", "--host", "h*"),
                  &request);
    assert_true(request.fleet.has_verdict);
    assert_int_equal(request.fleet.verdict, FL_VERDICT_IDLE);
    assert_string_equal(request.fleet.cause, "conntrack");
    assert_string_equal(request.fleet.driver, "n");
    assert_string_equal(request.fleet.firmware, "1");
    assert_string_equal(request.fleet.version, "3.1");
    assert_string_equal(request.fleet.host, "h*");
    assert_int_equal(request.older_ms, 3600000);
    assert_false(request.has_lines);
    fl_request_destroy(&request);
    assert_refused(WORDS("audit", "--verdict", "idle"),
                   "flowlift audit has no option --verdict; see "
                   "flowlift audit --help");
}

static void two_dashes_end_the_options(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("explain", "--", "--odd-name"), &request);
    assert_string_equal(request.argument, "--odd-name");
    fl_request_destroy(&request);
}

static void what_follows_the_source_of_a_hook_is_not_ours(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("hook", "--root", "/r", "libvirt", "--root=/evil", "--help", "--", ""),
                  &request);
    assert_string_equal(request.argument, "libvirt");
    assert_string_equal(request.root, "/r");
    assert_false(request.help);
    assert_int_equal(request.n_rest, 4);
    assert_string_equal(request.rest[0], "--root=/evil");
    assert_string_equal(request.rest[3], "");
    fl_request_destroy(&request);
    assert_parsed(WORDS("hook", "vm-start"), &request);
    assert_int_equal(request.n_rest, 0);
    fl_request_destroy(&request);
    assert_refused(WORDS("hook"), "flowlift hook needs SOURCE ...; see flowlift hook --help");
}

static void help_needs_no_argument(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("explain", "--help"), &request);
    assert_true(request.help);
    fl_request_destroy(&request);
}

static void what_is_unknown_is_met_with_the_nearest_word(void **state)
{
    (void)state;
    assert_refused(WORDS("audti"), "unknown verb 'audti'; did you mean 'audit'?");
    assert_refused(WORDS("xyzzy"), "unknown verb 'xyzzy'; see flowlift help");
    assert_refused(WORDS("audit", "--jsno"),
                   "flowlift audit has no option --jsno; did you mean --json?");
    assert_refused(WORDS("audit", "--zzz=1"),
                   "flowlift audit has no option --zzz; see flowlift audit --help");
    assert_refused(WORDS("audit", "-x"),
                   "flowlift audit has no option -x; see flowlift audit --help");
    assert_refused(WORDS("audit", "--ticket", "T-1"),
                   "flowlift audit has no option --ticket; see flowlift audit --help");
}

static void a_value_is_checked(void **state)
{
    (void)state;
    assert_refused(WORDS("audit", "--window", "soon"),
                   "--window takes seconds from 0 to 3600, not 'soon'");
    assert_refused(WORDS("audit", "--window", "-1"),
                   "--window takes seconds from 0 to 3600, not '-1'");
    assert_refused(WORDS("audit", "--window", "nan"),
                   "--window takes seconds from 0 to 3600, not 'nan'");
    assert_refused(WORDS("status", "--timeout", "0"),
                   "--timeout takes seconds from 0.1 to 3600, not '0'");
    assert_refused(WORDS("history", "-n", "-3"), "--lines takes a number, not '-3'");
    assert_refused(WORDS("audit", "--format", "xml"),
                   "flowlift audit has the formats table, json, jsonl or prom, not 'xml'");
    assert_refused(WORDS("status", "--format", "prom"),
                   "flowlift status has the formats table or json, not 'prom'");
    assert_refused(WORDS("flows", "--path", "fast"),
                   "'fast' is no path; there are hw, hw-partial, tc-sw, dp-sw, upcall and unknown");
    assert_refused(WORDS("audit", "--window"), "--window needs a value: --window SEC");
    assert_refused(WORDS("audit", "--vm="), "the value of --vm is empty");
    assert_refused(WORDS("audit", "--json=yes"), "--json takes no value");
}

static void a_time_to_confirm_has_a_unit_or_none(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = { { "90", 90000 }, { "90s", 90000 },  { "5m", 300000 },
                  { "7.5", 7500 }, { "1.5m", 90000 }, { "1440m", 86400000 } };
    struct fl_request request;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        assert_parsed(WORDS("apply", "vm2", "--confirm-within", times[i].text), &request);
        assert_int_equal(request.confirm_within_ms, times[i].ms);
        fl_request_destroy(&request);
    }
    assert_parsed(WORDS("apply", "vm2"), &request);
    assert_int_equal(request.confirm_within_ms, 0);
    fl_request_destroy(&request);
    assert_refused(WORDS("apply", "vm2", "--confirm-within", "4s"),
                   "--confirm-within takes a time from 5s to 1440m, such as 90s or 5m, not '4s'");
    assert_refused(WORDS("apply", "vm2", "--confirm-within", "5h"),
                   "--confirm-within takes a time from 5s to 1440m, such as 90s or 5m, not '5h'");
    assert_refused(WORDS("apply", "vm2", "--confirm-within", "m"),
                   "--confirm-within takes a time from 5s to 1440m, such as 90s or 5m, not 'm'");
}

static void until_is_a_date_or_a_version(void **state)
{
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("apply", "vm2", "--until", "2027-01-31"), &request);
    assert_int_equal(request.until.time_ms, INT64_C(1801353600000));
    fl_request_destroy(&request);
    assert_parsed(WORDS("apply", "vm2", "--until=3.3.1"), &request);
    assert_string_equal(request.until.version, "3.3.1");
    fl_request_destroy(&request);
    assert_refused(WORDS("apply", "vm2", "--until", "soon"),
                   "--until: a remedy stands until a date such as 2027-01-31 or "
                   "2027-01-31T12:00:00+01:00, or a version of Open vSwitch such as 3.3.1, not "
                   "'soon'");
    assert_refused(WORDS("revert", "vm2", "--until", "3.3"),
                   "flowlift revert has no option --until; see flowlift revert --help");
}

static void arguments_are_as_many_as_the_verb_takes(void **state)
{
    (void)state;
    assert_refused(WORDS("--json"), "a verb is missing; see flowlift help");
    assert_refused(WORDS("explain"), "flowlift explain needs VM; see flowlift explain --help");
    assert_refused(WORDS("explain", "a", "b"),
                   "flowlift explain takes one argument (VM), and 'b' is one more");
    assert_refused(WORDS("explain", ""), "the argument of flowlift explain is empty");
    assert_refused(WORDS("audit", "vm2"),
                   "flowlift audit takes no argument 'vm2'; for one VM: --vm vm2");
    assert_refused(WORDS("status", "vm2"), "flowlift status takes no argument 'vm2'");
    assert_refused(WORDS("revert"), "flowlift revert needs VM|--all; see flowlift revert --help");
    assert_refused(WORDS("revert", "vm2", "--all"),
                   "flowlift revert takes a VM or --all, not both");
}

static void the_next_command_says_where_things_are(void **state)
{
    _cleanup_free char *explain = NULL, *plan = NULL;
    struct fl_request request;

    (void)state;
    assert_parsed(WORDS("audit", "--root", "/a b", "--db", "unix:/x", "--from", "it's"), &request);
    explain = fl_request_again(&request, "explain", "vm 2");
    plan = fl_request_again(&request, "plan", "vm2");
    fl_request_destroy(&request);
    assert_string_equal(explain, "flowlift explain 'vm 2' --from 'it'\\''s' --db unix:/x "
                                 "--root '/a b'");
    assert_string_equal(plan, "flowlift plan vm2 --db unix:/x --root '/a b'");
}

static void every_verb_is_whole(void **state)
{
    (void)state;
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        assert_non_null(verb->run);
        assert_non_null(verb->arguments);
        assert_non_null(verb->summary);
        assert_non_null(verb->description);
        assert_true(fl_verb_has(verb, FL_OPTION_HELP));
        assert_true(verb->formats & 1u << FL_FORMAT_TABLE);
        /* --json is there for all that answer with facts. */
        assert_int_equal(fl_verb_has(verb, FL_OPTION_JSON), (verb->formats >> FL_FORMAT_JSON) & 1);
    }
    for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
        assert_non_null(fl_options[id].name);
        assert_non_null(fl_options[id].summary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_behind_the_verb),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(from_may_be_given_more_than_once),
        cmocka_unit_test(short_options_take_their_value_either_way),
        cmocka_unit_test(words_behind_the_word_of_fleet_are_files),
        cmocka_unit_test(what_of_a_fleet_is_looked_at),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(what_follows_the_source_of_a_hook_is_not_ours),
        cmocka_unit_test(help_needs_no_argument),
        cmocka_unit_test(what_is_unknown_is_met_with_the_nearest_word),
        cmocka_unit_test(a_value_is_checked),
        cmocka_unit_test(a_time_to_confirm_has_a_unit_or_none),
        cmocka_unit_test(until_is_a_date_or_a_version),
        cmocka_unit_test(arguments_are_as_many_as_the_verb_takes),
        cmocka_unit_test(the_next_command_says_where_things_are),
        cmocka_unit_test(every_verb_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
