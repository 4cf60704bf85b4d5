/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken from ovs-vswitchd's log as the reason of a refusal. Lines as OVS 3.1.0 writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/ovs/log.h"
#include "lib/ovs/log_unexpected.h"
#include "tests/unit/temporary.h"

#define HEAD(N) "2026-11-22T23:28:23.598Z|0000" #N "|netdev_offload_dpdk(hw_offload6)|WARN|"
#define FORWARDING \
    "vm2: Failed flow:   flow create 0 priority 0 group 0 transfer pattern eth / end\n"
#define MARKING "vm2: Failed flow:   flow create 0 ingress priority 0 group 0 pattern eth / end\n"
#define FULL    "vm2: rte_flow creation failed: 2 (nic: rule table full)."
#define NO_MARK "vm2: rte_flow creation failed: 8 (nic: marking not supported)."

static struct temporary *folder; /* OVS reads OVS_LOGDIR once: all tests share it */

static int group_setup(void **state)
{
    assert_int_equal(temporary_setup(state), 0);
    folder = *state;
    return setenv("OVS_LOGDIR", folder->root, 1);
}

static void write_log(const char *mode, const char *text)
{
    _cleanup_free char *path = temporary_path(folder, "ovs-vswitchd.log");
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_rule_that_forwards_tells_why(void **state)
{
    _cleanup_free char *text = NULL;

    (void)state;
    write_log("w", HEAD(1) FULL "\n" HEAD(2) FORWARDING HEAD(3) NO_MARK "\n" HEAD(4) MARKING);
    text = fl_log_refusal(0);
    assert_string_equal(text, FULL);
}

static void a_refusal_of_the_marking_rule_alone_is_said_to_be_one(void **state)
{
    _cleanup_free char *text = NULL;

    (void)state;
    write_log("w", HEAD(1) NO_MARK "\n" HEAD(2) MARKING);
    text = fl_log_refusal(0);
    assert_non_null(strstr(text, NO_MARK " This is of the second try"));
}

static void only_what_came_after_the_mark_counts(void **state)
{
    _cleanup_free char *text = NULL;
    int64_t mark;

    (void)state;
    write_log("w", HEAD(1) FULL "\n" HEAD(2) FORWARDING);
    mark = fl_log_mark();
    assert_null(fl_log_refusal(mark));
    write_log("a", "2026-11-22T23:28:24.000Z|00009|dpif_netlink|ERR|failed to offload flow: x\n");
    text = fl_log_refusal(mark);
    assert_string_equal(text, "failed to offload flow: x");
}

static void a_log_that_was_rotated_is_read_from_its_start(void **state)
{
    _cleanup_free char *text = NULL;

    (void)state;
    write_log("w", HEAD(1) FULL "\n" HEAD(2) FORWARDING);
    text = fl_log_refusal(1000000);
    assert_string_equal(text, FULL);
}

static void no_log_means_nothing(void **state)
{
    _cleanup_free char *path = temporary_path(folder, "ovs-vswitchd.log");

    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fl_log_mark(), 0);
    assert_null(fl_log_refusal(0));
}

/* The folder is that of the user who runs ovs-vswitchd, and we are root. */
static void what_is_no_file_keeps_nobody_waiting(void **state)
{
    _cleanup_free char *path = temporary_path(folder, "ovs-vswitchd.log");

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    assert_null(fl_log_refusal(0));
    alarm(0);
    assert_int_equal(unlink(path), 0);
}

#define MET(TIME, N)                                                                  \
    TIME "|00039|ofproto_dpif_upcall(revalidator3)|WARN|Failed to acquire udpif_key " \
         "corresponding to unexpected flow (No such file or directory): ufid:" N      \
         "0000000-0000-0000-"                                                         \
         "0000-000000000000\n"

/* Once is the moment in which a flow is made; long ago is another ovs-vswitchd. */
static void a_flow_that_is_met_again_is_unexpected(void **state)
{
    static const char text[] = MET("2026-11-26T22:03:10.000Z", "4") //
        MET("2026-11-26T22:03:13.000Z", "4") MET("2026-11-26T22:04:23.000Z", "1")
            MET("2026-11-26T22:04:24.000Z", "2") "2026-11-26T22:04:24.000Z|1|x|WARN|other\n" //
        MET("2026-11-26T22:04:24.500Z", "3") MET("2026-11-26T22:04:25.000Z", "1")
            MET("2026-11-26T22:04:25.900Z", "2");
    int64_t now_ms;
    struct fl_log_unexpected found;

    (void)state;
    assert_true(fl_time_parse("2026-11-26T22:04:26.000Z", &now_ms));
    fl_log_unexpected_parse(text, now_ms, &found);
    for (uint32_t n = 1; n <= 5; n++) {
        ovs_u128 ufid = { .u32 = { n << 28 } };

        assert_int_equal(fl_log_unexpected_has(&found, ufid), n == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule_that_forwards_tells_why),
        cmocka_unit_test(a_refusal_of_the_marking_rule_alone_is_said_to_be_one),
        cmocka_unit_test(only_what_came_after_the_mark_counts),
        cmocka_unit_test(a_log_that_was_rotated_is_read_from_its_start),
        cmocka_unit_test(no_log_means_nothing),
        cmocka_unit_test(what_is_no_file_keeps_nobody_waiting),
        cmocka_unit_test(a_flow_that_is_met_again_is_unexpected),
    };

    return cmocka_run_group_tests(tests, group_setup, temporary_teardown);
}
