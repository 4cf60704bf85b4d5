/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Network devices: names, the same-eSwitch test, what counters mean, and what is made of
 * the kernel's messages, recorded in the kernel bench (tests/fuzz/corpus/nic, stats).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/nic.h"
#include "lib/nic/ports_decode.h"
#include "lib/nic/stats_decode.h"

static struct fl_nic_port *add_port(struct fl_nic *nic, int ifindex, const char *name,
                                    enum fl_nic_role role, const char *switch_id)
{
    struct fl_nic_port *port = fl_nic_add(nic, ifindex);

    ovs_strlcpy(port->name, name, sizeof port->name);
    port->role = role;
    port->switch_id.n_bytes = (uint8_t)strlen(switch_id);
    memcpy(port->switch_id.bytes, switch_id, strlen(switch_id));
    return port;
}

static void ports_are_found_by_ifindex_and_name(void **state)
{
    static const int ifindexes[] = { 7, 3, 900, 1, 12, 4 };
    struct fl_nic nic;

    (void)state;
    fl_nic_init(&nic);
    for (size_t i = 0; i < ARRAY_SIZE(ifindexes); i++) {
        char name[FL_NIC_NAME_BYTES];

        snprintf(name, sizeof name, "p%d", ifindexes[i]);
        add_port(&nic, ifindexes[i], name, FL_NIC_ROLE_UNKNOWN, "");
    }
    for (size_t i = 1; i < nic.n_ports; i++)
        assert_true(nic.ports[i - 1].ifindex < nic.ports[i].ifindex);
    for (size_t i = 0; i < ARRAY_SIZE(ifindexes); i++)
        assert_int_equal(fl_nic_port(&nic, ifindexes[i])->ifindex, ifindexes[i]);
    assert_null(fl_nic_port(&nic, 5));
    assert_null(fl_nic_port(&nic, -1));
    assert_int_equal(fl_nic_port_named(&nic, "p900")->ifindex, 900);
    assert_null(fl_nic_port_named(&nic, "p9"));
    fl_nic_destroy(&nic);
}

#define REP  FL_NIC_ROLE_REPRESENTOR
#define NONE FL_NIC_ROLE_NEITHER

static void one_eswitch_is_told_from_two_and_from_ignorance(void **state)
{
    /* NULL: nothing known; "": no switch id; "-": known to be on no eSwitch. */
    static const struct {
        const char *ids[4];
        enum fl_nic_same same;
        int odd; /* -1: none */
    } cases[] = {
        { { "A", "A", "A" }, FL_NIC_SAME_YES, -1 },
        { { "A", "A", "B" }, FL_NIC_SAME_NO, 2 },
        { { "A", "AA" }, FL_NIC_SAME_NO, 1 },
        { { "A", "", "A" }, FL_NIC_SAME_UNKNOWN, 1 },
        { { "A", "", "B" }, FL_NIC_SAME_NO, 2 },
        { { "", "-" }, FL_NIC_SAME_NO, 1 },
        { { "-" }, FL_NIC_SAME_NO, 0 },
        { { "A" }, FL_NIC_SAME_YES, -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct fl_nic_port *ports[4], *odd = NULL;
        struct fl_nic nics[4];
        size_t n = 0;

        for (; n < 4 && cases[i].ids[n]; n++) {
            bool none = !strcmp(cases[i].ids[n], "-");

            fl_nic_init(&nics[n]);
            ports[n] = add_port(&nics[n], 1, "p", none ? NONE : REP, none ? "" : cases[i].ids[n]);
        }
        assert_int_equal(fl_nic_same_eswitch(ports, n, &odd), cases[i].same);
        assert_ptr_equal(odd, cases[i].odd < 0 ? NULL : ports[cases[i].odd]);
        while (n--)
            fl_nic_destroy(&nics[n]);
    }
}

static void a_port_of_which_nothing_is_known_leaves_it_open(void **state)
{
    const struct fl_nic_port *ports[] = { NULL, NULL }, *odd = NULL;

    (void)state;
    assert_int_equal(fl_nic_same_eswitch(ports, 2, &odd), FL_NIC_SAME_UNKNOWN);
    assert_null(odd);
    assert_int_equal(fl_nic_same_eswitch(ports, 0, NULL), FL_NIC_SAME_UNKNOWN);
}

static void what_counters_mean_is_the_drivers(void **state)
{
    static const struct {
        const char *driver;
        enum fl_nic_role role;
        bool has_cpu_hit;
        enum fl_nic_counters counters;
    } cases[] = {
        { "mlx5e_rep", REP, true, FL_NIC_COUNTERS_CPU_HIT },
        { "newcomer", REP, true, FL_NIC_COUNTERS_CPU_HIT },
        { "newcomer", REP, false, FL_NIC_COUNTERS_UNKNOWN },
        { "", REP, false, FL_NIC_COUNTERS_UNKNOWN },
        { "bnxt_en", REP, false, FL_NIC_COUNTERS_SLOW_LINK },
        { "bnxt_en", FL_NIC_ROLE_UPLINK, false, FL_NIC_COUNTERS_UNKNOWN },
        { "tun", NONE, false, FL_NIC_COUNTERS_ALL_SLOW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fl_nic_port port = { .role = cases[i].role };

        ovs_strlcpy(port.driver, cases[i].driver, sizeof port.driver);
        assert_int_equal(fl_nic_counters(&port, cases[i].has_cpu_hit), cases[i].counters);
    }
    assert_int_equal(fl_nic_counters(NULL, true), FL_NIC_COUNTERS_CPU_HIT);
    assert_int_equal(fl_nic_counters(NULL, false), FL_NIC_COUNTERS_UNKNOWN);
    assert_true(fl_nic_counters_lag("mlx5e_rep"));
    assert_false(fl_nic_counters_lag("ice"));
    assert_false(fl_nic_counters_lag(NULL));
}

/* Recorded messages. */

static uint8_t *read_corpus(const char *name, size_t *n)
{
    const char *source = getenv("FLOWLIFT_SOURCE");
    _cleanup_free char *path = xasprintf("%s/tests/fuzz/corpus/%s", source ? source : ".", name);
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);

    if (!file)
        fail_msg("cannot open %s", path);
    *n = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* As tests/fuzz/fuzz_nic.c reads it. */
static void replay(const char *name, struct fl_nic *nic)
{
    struct fl_nic_reading reading = { .nic = nic, .tc_offload_bit = -1 };
    size_t n, at = 0;
    uint8_t *bytes = read_corpus(name, &n);

    fl_nic_init(nic);
    while (at < n) {
        size_t length = (size_t)(bytes[at + 1] | bytes[at + 2] << 8);
        void *piece = malloc(length);

        memcpy(piece, bytes + at + 3, length);
        assert_int_equal(fl_nic_decode(&reading, (enum fl_nic_answer)bytes[at], piece, length), 0);
        free(piece);
        at += 3 + length;
    }
    fl_nic_infer_roles(nic, true);
    free(bytes);
}

static char *describe(const struct fl_nic *nic, const char *name)
{
    const struct fl_nic_port *port = fl_nic_port_named(nic, name);

    return !port
               ? xstrdup("absent")
               : xasprintf("%s '%s' id %d master '%s' tc %s devlink '%s' %s inline %s encap %s",
                           fl_nic_role_name(port->role), port->port_name,
                           port->switch_id.n_bytes ? port->switch_id.bytes[7] : -1,
                           port->master_kind, fl_nic_feature_name(port->tc_offload), port->devlink,
                           fl_eswitch_mode_name(port->eswitch),
                           fl_inline_mode_name(port->inline_mode), fl_encap_mode_name(port->encap));
}

/* Two NICs of the bench, the second in legacy mode and with its uplink in a bond. */
static void recorded_devices_are_read_as_they_were(void **state)
{
    static const struct {
        const char *name;
        const char *is;
    } devices[] = {
        { "lo", "neither '' id -1 master '' tc off [fixed] devlink '' unknown inline unknown "
                "encap unknown" },
        { "uplink0", "uplink 'p0' id 1 master '' tc on devlink 'platform/flownic.0' switchdev "
                     "inline none encap basic" },
        { "rep0", "representor 'pf0vf0' id 1 master '' tc on devlink 'platform/flownic.0' "
                  "switchdev inline none encap basic" },
        { "rep1", "representor 'pf0vf1' id 1 master '' tc off devlink 'platform/flownic.0' "
                  "switchdev inline none encap basic" },
        { "vf1", "neither '' id -1 master '' tc off [fixed] devlink '' unknown inline unknown "
                 "encap unknown" },
        { "uplink1", "uplink '' id -1 master 'bond' tc on devlink 'platform/flownic.1' legacy "
                     "inline none encap basic" },
        { "rep6", "representor '' id -1 master '' tc on devlink 'platform/flownic.1' legacy "
                  "inline none encap basic" },
        { "bond0", "neither '' id -1 master '' tc off [fixed] devlink '' unknown inline unknown "
                   "encap unknown" },
    };
    struct fl_nic nic;

    (void)state;
    replay("nic/two-nics-and-a-bond", &nic);
    assert_int_equal(nic.n_ports, 32);
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        _cleanup_free char *is = describe(&nic, devices[i].name);

        assert_string_equal(is, devices[i].is);
    }
    assert_int_equal(fl_nic_port_named(&nic, "uplink1")->master,
                     fl_nic_port_named(&nic, "bond0")->ifindex);
    assert_true(fl_nic_in_lag(fl_nic_port_named(&nic, "uplink1")));
    assert_false(fl_nic_in_lag(fl_nic_port_named(&nic, "uplink0")));
    fl_nic_destroy(&nic);
}

static void roles_without_devlink_come_from_names(void **state)
{
    static const struct {
        const char *port_name;
        const char *switch_id;
        enum fl_nic_role with, without; /* devlink known to be whole, or not */
    } cases[] = {
        { "pf0vf3", "A", REP, REP },
        { "c1pf0vf3", "A", REP, REP },
        { "pf1sf12", "A", REP, REP },
        { "p0", "A", FL_NIC_ROLE_UPLINK, FL_NIC_ROLE_UPLINK },
        { "p1s0", "A", FL_NIC_ROLE_UPLINK, FL_NIC_ROLE_UPLINK },
        { "3", "A", FL_NIC_ROLE_UNKNOWN, FL_NIC_ROLE_UNKNOWN },
        { "", "", NONE, FL_NIC_ROLE_UNKNOWN },
        { "pf0vf3", "", NONE, FL_NIC_ROLE_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        const bool whole = i % 2;
        struct fl_nic_port *port;
        struct fl_nic nic;

        fl_nic_init(&nic);
        port = add_port(&nic, 1, "p", FL_NIC_ROLE_UNKNOWN, cases[i / 2].switch_id);
        ovs_strlcpy(port->port_name, cases[i / 2].port_name, sizeof port->port_name);
        fl_nic_infer_roles(&nic, whole);
        assert_int_equal(port->role, whole ? cases[i / 2].with : cases[i / 2].without);
        fl_nic_destroy(&nic);
    }
}

/* Counters. */

static struct fl_port_sample replay_stats(const char *name, struct fl_stats_answer *answer)
{
    struct fl_port_sample sample = { .ports = NULL };
    size_t n;
    uint8_t *bytes = read_corpus(name, &n);

    *answer = (struct fl_stats_answer){ .sample = &sample, .sequence = 1 };
    assert_int_equal(fl_stats_decode(answer, bytes, n), 0);
    assert_true(answer->done);
    assert_false(answer->interrupted);
    free(bytes);
    return sample;
}

static void recorded_counters_of_200_vfs_are_read(void **state)
{
    struct fl_stats_answer answer;
    struct fl_port_sample sample = replay_stats("stats/200-vfs", &answer);
    size_t n_with_cpu_hit = 0;

    (void)state;
    assert_int_equal(answer.error, 0);
    fl_stats_sort(&sample);
    assert_int_equal(sample.n_ports, 207);
    for (size_t i = 0; i < sample.n_ports; i++)
        n_with_cpu_hit += sample.ports[i].has_cpu_hit;
    assert_int_equal(n_with_cpu_hit, 201);
    assert_true(fl_port_sample_find(&sample, 169)->has_cpu_hit);
    assert_null(fl_port_sample_find(&sample, 4));
    free(sample.ports);
}

static void software_packets_are_apart(void **state)
{
    struct fl_stats_answer answer;
    struct fl_port_sample sample = replay_stats("stats/two-nics", &answer);
    const struct fl_port_stats *port;

    (void)state;
    fl_stats_sort(&sample);
    port = fl_port_sample_find(&sample, 5);
    assert_true(port->has_cpu_hit);
    assert_int_equal(port->link.rx_packets, 3);
    assert_int_equal(port->cpu_hit.rx_packets, 3);
    assert_int_equal(port->cpu_hit.tx_bytes, 516);
    assert_false(fl_port_sample_find(&sample, 1)->has_cpu_hit);
    free(sample.ports);
}

static void a_device_split_over_two_messages_is_one(void **state)
{
    struct fl_stats_answer answer;
    struct fl_port_sample sample = replay_stats("stats/split-in-two", &answer);

    (void)state;
    assert_int_equal(sample.n_ports, 3);
    assert_int_equal(sample.ports[1].ifindex, 169);
    assert_true(sample.ports[1].has_link && sample.ports[1].has_cpu_hit);
    free(sample.ports);
}

static void a_device_whose_link_counters_were_lost_does_not_pass_for_zero(void **state)
{
    struct fl_stats_answer answer;
    struct fl_port_sample sample = replay_stats("stats/link-counters-lost", &answer);

    (void)state;
    assert_int_equal(sample.n_ports, 3);
    assert_false(sample.ports[1].has_link);
    fl_stats_sort(&sample);
    assert_int_equal(sample.n_ports, 2);
    assert_null(fl_port_sample_find(&sample, 169));
    free(sample.ports);
}

static void a_refusal_is_told(void **state)
{
    struct fl_stats_answer answer;
    struct fl_port_sample sample = replay_stats("stats/refused", &answer);

    (void)state;
    assert_int_equal(answer.error, -EOPNOTSUPP);
    assert_int_equal(sample.n_ports, 0);
    free(sample.ports);
}

static void a_cut_answer_is_no_answer(void **state)
{
    size_t n;
    uint8_t *bytes = read_corpus("stats/split-in-two", &n);

    (void)state;
    for (size_t cut = 1; cut < n; cut++) {
        struct fl_port_sample sample = { .ports = NULL };
        struct fl_stats_answer answer = { .sample = &sample, .sequence = 1 };
        int ret = fl_stats_decode(&answer, bytes, cut);

        assert_true(ret == -EPROTO || (!ret && !answer.done));
        free(sample.ports);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_found_by_ifindex_and_name),
        cmocka_unit_test(one_eswitch_is_told_from_two_and_from_ignorance),
        cmocka_unit_test(a_port_of_which_nothing_is_known_leaves_it_open),
        cmocka_unit_test(what_counters_mean_is_the_drivers),
        cmocka_unit_test(recorded_devices_are_read_as_they_were),
        cmocka_unit_test(roles_without_devlink_come_from_names),
        cmocka_unit_test(recorded_counters_of_200_vfs_are_read),
        cmocka_unit_test(software_packets_are_apart),
        cmocka_unit_test(a_device_split_over_two_messages_is_one),
        cmocka_unit_test(a_device_whose_link_counters_were_lost_does_not_pass_for_zero),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(a_cut_answer_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
