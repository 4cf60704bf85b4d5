/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what it accepts, and the sentence for each thing that it does not. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "flows/limits.h"
#include "lib/base/config.h"
#include "lib/base/config_keys.h"
#include "tests/unit/temporary.h"

/* Parse @text, which must be fine, on top of the defaults. */
static void parse(struct fl_config *config, const char *text)
{
    struct fl_error err = FL_ERROR_INIT;

    fl_config_init(config);
    if (fl_config_parse(config, "t.conf", text, strlen(text), &err))
        fail_msg("%s", err.text);
}

static void assert_refused(const char *text, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_config config;

    fl_config_init(&config);
    assert_int_equal(fl_config_parse(&config, "t.conf", text, strlen(text), &err), -EINVAL);
    assert_string_equal(err.text, sentence);
    assert_int_equal(err.code, -EINVAL);
    fl_config_destroy(&config);
}

static void assert_words(char **words, const char *expected)
{
    char text[256] = "";

    for (; *words; words++) {
        strcat(text, text[0] ? " " : "");
        strcat(text, *words);
    }
    assert_string_equal(text, expected);
}

static void defaults_are_those_of_the_design(void **state)
{
    struct fl_config config;

    (void)state;
    parse(&config, "");
    assert_int_equal(config.storage.n_vlans, 0);
    assert_int_equal(config.storage.n_subnets, 0);
    assert_int_equal(config.storage.n_services, 3);
    assert_int_equal(config.storage.services[0].port, 2049);
    assert_words(config.id_keys, "vm-id vm-uuid xs-vm-uuid iface-id");
    assert_words(config.name_keys, "vm-name");
    assert_int_equal(config.window_ms, 5000);
    assert_int_equal(config.audit.grace_ms, 1000);
    assert_true(config.audit.stranded_below == 0.9);
    assert_words(config.allow_relaxations, "ct-invalid");
    assert_true(fl_config_allows(&config, "ct-invalid"));
    assert_false(fl_config_allows(&config, "ct-new-in"));
    assert_string_equal(config.agent_auto, "audit");
    assert_int_equal(config.agent_interval_ms, 60000);
    assert_int_equal(config.agent_max_repairs_per_hour, 6);
    assert_string_equal(config.metrics_listen, "unix:metrics.sock");
    assert_null(config.metrics_textfile);
    assert_null(config.fleet_remote);
    fl_config_destroy(&config);
}

/* The documentation is made of the table: its defaults have to be the real ones. */
static void written_defaults_are_the_defaults(void **state)
{
    struct fl_config config, written;
    size_t n;
    const struct fl_config_key *keys = fl_config_keys(&n);

    (void)state;
    fl_config_init(&config);
    fl_config_init(&written);
    for (size_t i = 0; i < n; i++) {
        struct fl_error err = FL_ERROR_INIT;

        if (fl_config_key_set(&keys[i], keys[i].default_text, &written, &err))
            fail_msg("[%s] %s: %s", keys[i].section, keys[i].name, err.text);
        assert_true(keys[i].allowed[0] && keys[i].meaning[0]);
    }
    assert_int_equal(written.storage.n_vlans, config.storage.n_vlans);
    assert_int_equal(written.storage.n_subnets, config.storage.n_subnets);
    assert_int_equal(written.storage.n_services, config.storage.n_services);
    for (size_t i = 0; i < config.storage.n_services; i++) {
        assert_int_equal(written.storage.services[i].port, config.storage.services[i].port);
        assert_int_equal(written.storage.services[i].proto, config.storage.services[i].proto);
    }
    assert_int_equal(written.audit.grace_ms, fl_audit_options_default.grace_ms);
    assert_true(written.audit.stranded_below == fl_audit_options_default.stranded_below);
    fl_config_destroy(&config);
    fl_config_destroy(&written);
}

static void every_key_is_read(void **state)
{
    struct fl_config config;

    (void)state;
    parse(&config, "; a comment\n"
                   "[storage]\n"
                   "vlans = 100, 200-202\n"
                   "subnets = 10.1.0.0/16,\n"
                   "    fd00:1::/64\n"
                   "services = tcp/2049\n"
                   "[vm]\n"
                   "id-keys = my-id other-id ; both\n"
                   "names: my-name\n"
                   "[audit]\n"
                   "window = 2\n"
                   "grace = 500ms\n"
                   "stranded-below = 75%\n"
                   "[policy]\n"
                   "allow-relaxations = ct-invalid, mac-learning\n"
                   "[agent]\n"
                   "auto = repair\n"
                   "interval = 2m\n"
                   "max-repairs-per-hour = 0\n"
                   "[metrics]\n"
                   "listen = [::1]:9112\n"
                   "textfile = /var/lib/prometheus/node-exporter/flowlift.prom\n"
                   "[fleet]\n"
                   "remote = ssl:10.0.0.1:6640\n");
    assert_int_equal(config.storage.n_vlans, 4);
    assert_int_equal(config.storage.vlans[3], 202);
    assert_int_equal(config.storage.n_subnets, 2);
    assert_int_equal(config.storage.n_services, 1);
    assert_words(config.id_keys, "my-id other-id");
    assert_words(config.name_keys, "my-name");
    assert_string_equal(fl_config_vm_keys(&config).id_keys[1], "other-id");
    assert_int_equal(config.window_ms, 2000);
    assert_int_equal(config.audit.grace_ms, 500);
    assert_true(config.audit.stranded_below == 0.75);
    assert_true(fl_config_allows(&config, "mac-learning"));
    assert_string_equal(config.agent_auto, "repair");
    assert_int_equal(config.agent_interval_ms, 120000);
    assert_int_equal(config.agent_max_repairs_per_hour, 0);
    assert_string_equal(config.metrics_listen, "[::1]:9112");
    assert_string_equal(config.metrics_textfile, "/var/lib/prometheus/node-exporter/flowlift.prom");
    assert_string_equal(config.fleet_remote, "ssl:10.0.0.1:6640");
    fl_config_destroy(&config);
}

static void later_values_replace_earlier_ones(void **state)
{
    struct fl_config config;

    (void)state;
    parse(&config, "[storage]\nvlans=1\nvlans=2\n[policy]\nallow-relaxations=\n[audit]\ngrace=0\n"
                   "[storage]\nvlans=\n");
    assert_int_equal(config.storage.n_vlans, 0);
    assert_int_equal(config.audit.grace_ms, 0);
    assert_false(fl_config_allows(&config, "ct-invalid"));
    fl_config_destroy(&config);
}

static void unknown_names_get_the_nearest_known_one(void **state)
{
    (void)state;
    assert_refused("[storage]\nvlan = 100\n",
                   "t.conf:2: unknown key \"vlan\" in section [storage]; did you mean \"vlans\"?");
    assert_refused("\n[storge]\nvlans = 100\n",
                   "t.conf:3: unknown section [storge]; did you mean [storage]?");
    assert_refused("[audit]\nvlans = 100\n",
                   "t.conf:2: key \"vlans\" belongs into section [storage], not into [audit]");
    assert_refused("[audit]\nxyzzy = 100\n", "t.conf:2: unknown key \"xyzzy\" in section [audit]; "
                                             "known there: window, grace and stranded-below");
    assert_refused("[xyzzy]\na = 100\n",
                   "t.conf:2: unknown section [xyzzy]; there are storage, vm, "
                   "audit, policy, agent, metrics and fleet");
    assert_refused("window = 5\n", "t.conf:1: key \"window\" stands above the first section; put a "
                                   "line such as [audit] before it");
}

static void bad_values_name_key_value_and_what_is_allowed(void **state)
{
    (void)state;
    assert_refused(
        "[audit]\nwindow = soon\n",
        "t.conf:2: [audit] window: \"soon\" cannot be used: it is no time; allowed: 100ms to "
        "10m, such as 5, 5s or 500ms");
    assert_refused(
        "[audit]\nwindow = 0\n",
        "t.conf:2: [audit] window: \"0\" cannot be used: too small; allowed: 100ms to 10m, "
        "such as 5, 5s or 500ms");
    assert_refused("[audit]\ngrace = 99h\n", "t.conf:2: [audit] grace: \"99h\" cannot be used: too "
                                             "large; allowed: 0 to 10m, such as 1, 1s or 500ms");
    assert_refused(
        "[audit]\nstranded-below = 90\n",
        "t.conf:2: [audit] stranded-below: \"90\" cannot be used: too large; allowed: a share, "
        "such as 0.9 or 90%");
    assert_refused("[agent]\nauto = yes\n",
                   "t.conf:2: [agent] auto: \"yes\" cannot be used; allowed: off, audit or repair");
    assert_refused("[agent]\nmax-repairs-per-hour = 1.5\n",
                   "t.conf:2: [agent] max-repairs-per-hour: \"1.5\" cannot be used: it is no whole "
                   "number; allowed: 0 to 1000");
    assert_refused(
        "[vm]\nid-keys = ,\n",
        "t.conf:2: [vm] id-keys: \",\" cannot be used: at least one is needed; allowed: names "
        "of external_ids keys, the first that an interface has wins");
    assert_refused(
        "[policy]\nallow-relaxations = CT!\n",
        "t.conf:2: [policy] allow-relaxations: \"CT!\" cannot be used: \"CT!\" is no id; "
        "allowed: ids of relaxations, such as \"ct-invalid, mac-learning\"; empty for none");
    assert_refused(
        "[fleet]\nremote = there\n",
        "t.conf:2: [fleet] remote: \"there\" cannot be used: it is no OVSDB remote; allowed: "
        "an OVSDB remote, such as ssl:10.0.0.1:6640; empty for none");
}

static void metrics_are_for_this_host_only(void **state)
{
    static const char *const good[] = { "off",     "unix:a.sock",     "unix:/run/a.sock",
                                        "[::1]:1", "127.0.0.1:65535", "127.1.2.3:80" };
    static const struct {
        const char *value, *why;
    } bad[] = {
        { "", "there is no port" },
        { "9112", "there is no port" },
        { ":9112", "there is no port" },
        { "127.0.0.1", "there is no port" },
        { "127.0.0.1:", "there is no port" },
        { "127.0.0.1:0", "there is no port" },
        { "127.0.0.1:65536", "there is no port" },
        { "127.0.0.1:+80", "there is no port" },
        { "127.0.0.1:99999999999", "there is no port" },
        { "localhost:9112", "\"localhost\" is no address" },
        { "[127.0.0.1]:9112", "\"[127.0.0.1]\" is no address" },
        { "::1:9112", "\"::1\" is no address" },
        { "[::1:9112", "it is no address" },
        { "]:9112", "it is no address" },
        { "[:9112", "it is no address" },
        { "0.0.0.0:9112", "only this host may ask, so it is 127.0.0.1 or [::1]" },
        { "10.0.0.1:9112", "only this host may ask, so it is 127.0.0.1 or [::1]" },
        { "[::]:9112", "only this host may ask, so it is 127.0.0.1 or [::1]" },
        { "[::ffff:127.0.0.1]:9112", "only this host may ask, so it is 127.0.0.1 or [::1]" },
        { "unix:", "the socket has no name" },
        { "unix:..", "the socket has no name" },
        { "unix:../a.sock", "the socket is neither a name nor an absolute path" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct fl_config config;
        char text[128];

        snprintf(text, sizeof text, "[metrics]\nlisten = %s\n", good[i]);
        parse(&config, text);
        assert_string_equal(config.metrics_listen, good[i]);
        fl_config_destroy(&config);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128], sentence[256];

        snprintf(text, sizeof text, "[metrics]\nlisten = %s\n", bad[i].value);
        snprintf(sentence, sizeof sentence,
                 "t.conf:2: [metrics] listen: \"%s\" cannot be used: %s; allowed: unix:NAME, "
                 "unix:/PATH, 127.0.0.1:PORT, [::1]:PORT or off",
                 bad[i].value, bad[i].why);
        assert_refused(text, sentence);
    }
    assert_refused("[metrics]\ntextfile = a.prom\n",
                   "t.conf:2: [metrics] textfile: \"a.prom\" cannot be used: it is no absolute "
                   "path; allowed: an absolute path that ends in .prom; empty for none");
    assert_refused("[metrics]\ntextfile = /tmp/a.txt\n",
                   "t.conf:2: [metrics] textfile: \"/tmp/a.txt\" cannot be used: its name does not "
                   "end in .prom; allowed: an absolute path that ends in .prom; empty for none");
}

static void numbers_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = { "1e3",   "0x10",  "nan",
                                       "inf",   "-1",    "+1",
                                       "1.2.3", ".",     "5 5",
                                       "5ss",   "5 m s", "99999999999999999999999999999999999999" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_config config;
        char text[128];

        fl_config_init(&config);
        snprintf(text, sizeof text, "[audit]\nwindow = %s\n", bad[i]);
        assert_int_equal(fl_config_parse(&config, "t", text, strlen(text), &err), -EINVAL);
        assert_int_equal(config.window_ms, 5000);
        fl_config_destroy(&config);
    }
}

static void lines_that_are_no_ini_are_named(void **state)
{
    char text[512] = "[storage]\nvlans = ";
    struct fl_error err = FL_ERROR_INIT;
    struct fl_config config;

    (void)state;
    assert_refused("[storage\n", "t.conf:1: this is neither \"[section]\" nor \"key = value\"");
    assert_refused("[storage]\nvlans\nfoo = 1\n",
                   "t.conf:2: this is neither \"[section]\" nor \"key = value\"");
    assert_refused("[vm]\n  id-keys = a\n  names = b\n",
                   "t.conf:3: the line begins with a blank, so it would go on with the value of "
                   "\"id-keys\"; take the blank away if it is a key of its own");
    memset(text + strlen(text), '1', 300);
    assert_refused(text,
                   "t.conf:2: the line is longer than 197 bytes; go on in a new line that begins "
                   "with a blank");
    fl_config_init(&config);
    assert_int_equal(fl_config_parse(&config, "t.conf", "[vm]\0\n", 6, &err), -EINVAL);
    assert_string_equal(err.text, "t.conf:1: the line has a zero byte, so this is no text file");
    fl_config_destroy(&config);
}

static int load(struct temporary *t, struct fl_config *config, struct fl_error *err)
{
    *err = (struct fl_error)FL_ERROR_INIT;
    return fl_config_load(config, t->root, err);
}

static void no_file_means_the_defaults(void **state)
{
    struct fl_config config;
    struct fl_error err;

    assert_int_equal(load(*state, &config, &err), 0);
    assert_int_equal(config.window_ms, 5000);
    fl_config_destroy(&config);
}

static void conf_d_is_read_after_the_file_and_in_order(void **state)
{
    struct temporary *t = *state;
    struct fl_config config;
    struct fl_error err;

    temporary_write(t, "etc/flowlift/flowlift.conf", "[audit]\nwindow=1\ngrace=1\n");
    temporary_write(t, "etc/flowlift/conf.d/20.conf", "[audit]\nwindow=3\n");
    temporary_write(t, "etc/flowlift/conf.d/10.conf", "[audit]\nwindow=2\ngrace=2\n");
    temporary_write(t, "etc/flowlift/conf.d/30.conf.bak", "[audit]\nwindow=4\n");
    temporary_write(t, "etc/flowlift/conf.d/.40.conf", "[audit]\nwindow=5\n");
    assert_int_equal(load(t, &config, &err), 0);
    assert_int_equal(config.window_ms, 3000);
    assert_int_equal(config.audit.grace_ms, 2000);
    fl_config_destroy(&config);
}

static void an_error_names_the_file_and_leaves_the_defaults(void **state)
{
    struct temporary *t = *state;
    struct fl_config config;
    struct fl_error err;
    char expected[512];

    temporary_write(t, "etc/flowlift/flowlift.conf", "[audit]\nwindow=1\n");
    temporary_write(t, "etc/flowlift/conf.d/10.conf", "[audit]\nwindw=1\n");
    assert_int_equal(load(t, &config, &err), -EINVAL);
    snprintf(
        expected, sizeof expected,
        "%s/etc/flowlift/conf.d/10.conf:2: unknown key \"windw\" in section [audit]; did you mean "
        "\"window\"?",
        t->root);
    assert_string_equal(err.text, expected);
    assert_int_equal(config.window_ms, 5000);
    fl_config_destroy(&config);
}

static void folders_and_huge_files_are_refused(void **state)
{
    struct temporary *t = *state;
    struct fl_config config;
    struct fl_error err;
    char expected[512];
    char *path = temporary_path(t, "etc/flowlift/flowlift.conf");

    temporary_write(t, "etc/flowlift/flowlift.conf", "");
    assert_int_equal(truncate(path, FL_LIMIT_FILE_BYTES + 1), 0);
    assert_int_equal(load(t, &config, &err), -EFBIG);
    snprintf(expected, sizeof expected, "%s is larger than 4 MiB, more than any file of flowlift's",
             path);
    assert_string_equal(err.text, expected);
    fl_config_destroy(&config);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(load(t, &config, &err), -EINVAL);
    snprintf(expected, sizeof expected, "cannot read %s: it is a folder, not a file", path);
    assert_string_equal(err.text, expected);
    fl_config_destroy(&config);

    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(load(t, &config, &err), -EINVAL); /* and does not hang */
    fl_config_destroy(&config);
    free(path);
}

static void paths_are_below_the_root(void **state)
{
    static const struct {
        char *(*path)(const char *root);
        const char *expected;
    } paths[] = {
        { fl_path_remedies, "/var/lib/flowlift/remedies" },
        { fl_path_journal, "/var/log/flowlift/journal.jsonl" },
        { fl_path_rundir, "/run/flowlift" },
        { fl_path_config, "/etc/flowlift/flowlift.conf" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *plain = paths[i].path(""), *below = paths[i].path("/lab/"), expected[128];

        snprintf(expected, sizeof expected, "/lab%s", paths[i].expected);
        assert_string_equal(plain, paths[i].expected);
        assert_string_equal(below, expected);
        free(plain);
        free(below);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_design),
        cmocka_unit_test(written_defaults_are_the_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(later_values_replace_earlier_ones),
        cmocka_unit_test(unknown_names_get_the_nearest_known_one),
        cmocka_unit_test(bad_values_name_key_value_and_what_is_allowed),
        cmocka_unit_test(metrics_are_for_this_host_only),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(lines_that_are_no_ini_are_named),
        cmocka_unit_test_setup_teardown(no_file_means_the_defaults, temporary_setup,
                                        temporary_teardown),
        cmocka_unit_test_setup_teardown(conf_d_is_read_after_the_file_and_in_order, temporary_setup,
                                        temporary_teardown),
        cmocka_unit_test_setup_teardown(an_error_names_the_file_and_leaves_the_defaults,
                                        temporary_setup, temporary_teardown),
        cmocka_unit_test_setup_teardown(folders_and_huge_files_are_refused, temporary_setup,
                                        temporary_teardown),
        cmocka_unit_test(paths_are_below_the_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
