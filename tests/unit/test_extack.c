/* SPDX-License-Identifier: Apache-2.0 */

/* What the kernel told ovs-vswitchd: lines of its tracepoint, what they mean, and what keeps us from listening. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flows/extack.h"
#include "lib/hear.h"
#include "lib/tc/extack.h"
#include "temporary.h"

/* The first is verbatim of Linux 6.1. */
static const struct {
    const char *line;
    enum fl_extack_line is;
    uint32_t tid;
    const char *text;
} lines[] = {
    { "       handler13-1201    [001] .....   101.402127: netlink_extack: msg=flownic: Matching on "
      "TTL is not supported",
      FL_EXTACK_TOLD, 1201, "flownic: Matching on TTL is not supported" },
    { "  ovs-vswitchd-7       (      7) [000] .....     1.000001: netlink_extack: msg=",
      FL_EXTACK_LOST, 0, NULL }, /* One column less. */
    { "    ovs-vswitchd-7       (      7) [000] .....     1.000001: netlink_extack: msg=",
      FL_EXTACK_TOLD, 7, "" },
    { "           <...>-4194304 [127] 99999.000001: netlink_extack: msg=a: netlink_extack: msg=b",
      FL_EXTACK_TOLD, 4194304, "a: netlink_extack: msg=b" },
    /* A name that looks like a line. */
    { "x-1 [0]: netlink-666     [000] .....     1.000001: netlink_extack: msg=x", FL_EXTACK_TOLD,
      666, "x" },
    { "a-1201  [001] .-666     [000] .....     1.000001: netlink_extack: msg=x", FL_EXTACK_LOST, 0,
      NULL },
    { "       handler13-1201    [001] .....   101.402127: netlink_extack: msg=a\tb\x1b[2J\xc3",
      FL_EXTACK_TOLD, 1201, "a?b?[2J?" },
    { "", FL_EXTACK_NOTHING, 0, NULL },
    { "# tracer: nop", FL_EXTACK_NOTHING, 0, NULL },
    { "CPU:1 [LOST 17 EVENTS]", FL_EXTACK_LOST, 0, NULL },
    { "       handler13-1201    [001] .....   101.402127: sched_switch: prev_comm=x",
      FL_EXTACK_LOST, 0, NULL },
    { "       handler13-", FL_EXTACK_LOST, 0, NULL },
    { "       handler13--1      [001] .....   1.0: netlink_extack: msg=x", FL_EXTACK_LOST, 0,
      NULL },
    { "       handler13-99999999999 [001] .....   1.0: netlink_extack: msg=x", FL_EXTACK_LOST, 0,
      NULL },
};

static void lines_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char text[FL_TC_ANSWER_TEXT] = "untouched";
        uint32_t tid = 0;
        enum fl_extack_line is = fl_extack_parse(lines[i].line, &tid, text);

        if (is != lines[i].is || tid != lines[i].tid ||
            strcmp(text, lines[i].text ? lines[i].text : "untouched")) {
            fail_msg("'%s': %d, %u, '%s'", lines[i].line, is, tid, text);
        }
    }
}

static void long_texts_are_cut(void **state)
{
    char *line = xasprintf("       handler13-1201    [001] .. 1.0: netlink_extack: msg=%0500d", 0);
    char text[FL_TC_ANSWER_TEXT];
    uint32_t tid;

    (void)state;
    assert_int_equal(fl_extack_parse(line, &tid, text), FL_EXTACK_TOLD);
    assert_int_equal(strlen(text), sizeof text - 1);
    free(line);
}

static void texts_are_counted(void **state)
{
    struct fl_extacks extacks = { .n_texts = 0 };
    char text[16];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "x: %d", i % 36);
        fl_extacks_add(&extacks, text);
    }
    assert_int_equal(extacks.n_texts, FL_EXTACKS_MAX);
    assert_int_equal(extacks.n_others, 4);
    assert_string_equal(extacks.texts[3].text, "x: 3");
    assert_int_equal(extacks.texts[3].n, 2);
    assert_int_equal(extacks.texts[4].n, 1);
}

static void only_words_of_drivers_are_causes(void **state)
{
    static const struct {
        const char *text, *id;
    } texts[] = {
        { "mlx5_core: Matching on TTL is not supported", "nic-match" },
        { "mlx5_core: can't support more output ports, can't offload forwarding", "nic-output" },
        { "TC offload is disabled on net device", "hw-tc-offload-off" },
        { "Driver supports only offload of chain 0", "nic-chain" },
        { "mlx5_core: never heard of", "refused" },
        /* The kernel's own, of requests of Open vSwitch. */
        { "Cannot find specified filter chain", "refused" },
        { "Exclusivity flag on, cannot modify", "refused" },
        { "Failed to load TC action module", "refused" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_string_equal(fl_cause_info(fl_extack_cause(texts[i].text))->id, texts[i].id);
    }
}

static void a_cause_only_may_be(void **state)
{
    struct fl_extacks extacks = { .listened_ms = 10040 };
    struct fl_cause causes[FL_EXTACKS_MAX];

    (void)state;
    fl_extacks_add(&extacks, "Exclusivity flag on, cannot modify");
    fl_extacks_add(&extacks, "mlx5_core: Matching on TTL is not supported");
    fl_extacks_add(&extacks, "mlx5_core: Matching on TTL is not supported");
    fl_extacks_add(&extacks, "mlx5_core: Unsupported key");
    assert_int_equal(fl_extacks_causes(&extacks, causes), 2);
    assert_int_equal(causes[0].id, FL_CAUSE_NIC_MATCH);
    assert_true(causes[0].may_be && causes[1].may_be);
    assert_string_equal(causes[0].detail,
                        "while listening for 10 s ovs-vswitchd was told 2 times by the kernel: "
                        "\"mlx5_core: Matching on TTL is not supported\"");
    assert_string_equal(causes[1].detail,
                        "while listening for 10 s ovs-vswitchd was told 1 time by the kernel: "
                        "\"mlx5_core: Unsupported key\"");
}

/* ---- What keeps us from listening; tests/kernel/causes.py listens ---- */

static void assert_deaf(const char *tracefs, int code, const char *part)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_extacks extacks;

    assert_int_equal(fl_extack_listen(tracefs, getpid(), 1000, &extacks, &err), code);
    assert_int_equal(extacks.n_texts, 0);
    if (!strstr(err.text, part)) {
        fail_msg("%s: it does not say: %s", err.text, part);
    }
}

static bool is_there(const struct temporary *t, const char *name)
{
    char *path = temporary_path(t, name);
    bool there = !access(path, F_OK);

    free(path);
    return there;
}

static void make_directory(const struct temporary *t, const char *name)
{
    char *path = temporary_path(t, name), *file = xasprintf("%s/x", path);

    temporary_make_parents(t, file);
    free(file);
    free(path);
}

static long dead_process(void)
{
    pid_t pid = fork();

    if (!pid) {
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void without_tracefs(void **state)
{
    struct temporary *t = *state;

    assert_deaf(t->root, -ENOENT, "there is no tracefs at ");
}

/* A folder that is no instance: nothing of it is there. */
static void left_behind(void **state)
{
    struct temporary *t = *state;
    char *dead = xasprintf("instances/flowlift-%ld", dead_process());
    char *own = xasprintf("instances/flowlift-%ld", (long)getpid());
    char *parent = xasprintf("instances/flowlift-%ld", (long)getppid());

    make_directory(t, dead);
    make_directory(t, parent);
    make_directory(t, "instances/flowlift-");
    make_directory(t, "instances/perf-1");
    assert_deaf(t->root, -ENOENT, "buffer_size_kb: No such file or directory");
    assert_false(is_there(t, dead));
    assert_false(is_there(t, own));
    assert_true(is_there(t, parent));
    assert_true(is_there(t, "instances/flowlift-"));
    assert_true(is_there(t, "instances/perf-1"));
    free(dead);
    free(own);
    free(parent);
}

static void without_a_kernel_bridge(void **state)
{
    const struct fl_host host = { .target = "/nowhere/other.ctl" };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_extacks extacks;
    struct fl_inventory inv;

    (void)state;
    fl_inventory_init(&inv);
    fl_inventory_add_bridge(&inv)->datapath_type = xstrdup("netdev");
    assert_int_equal(fl_hear(&host, &inv, 600000, &extacks, &err), -ENODATA);
    assert_non_null(strstr(err.text, "no bridge of this host is in the kernel"));
    fl_error_clear(&err);
    fl_inventory_add_bridge(&inv)->datapath_type = xstrdup("system");
    assert_int_equal(fl_hear(&host, &inv, 600000, &extacks, &err), -EINVAL);
    assert_non_null(strstr(err.text, "/nowhere/other.ctl"));
    fl_inventory_destroy(&inv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(texts_are_counted),
        cmocka_unit_test(only_words_of_drivers_are_causes),
        cmocka_unit_test(a_cause_only_may_be),
        cmocka_unit_test_setup_teardown(without_tracefs, temporary_setup, temporary_teardown),
        cmocka_unit_test_setup_teardown(left_behind, temporary_setup, temporary_teardown),
        cmocka_unit_test(without_a_kernel_bridge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
