/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stage one: which VMs are suspect, from port counters. Mixes of traffic as hosts have them, made up
 * packet by packet: what enters the switch in software leaves it in software, a flood more than once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/example_host.h"

#include "flows/audit.h"
#include "flows/screen.h"

#define MAX_VMS        200
#define UPLINK         1
#define PORT(VM)       (10 + (VM)) /* ifindex */
#define BOND           1000
#define SCREEN_DEFAULT 0.9

/* A host: its inventory, and what its ports have counted by now. */
struct host {
    struct fl_inventory inv;
    struct fl_nic nic;
    struct fl_port_stats before[MAX_VMS + 2], now[MAX_VMS + 2]; /* The uplink, then the VMs. */
    size_t n_vms, n_before, n_now;
    unsigned int seed;
};

static uint64_t random_up_to(struct host *host, uint64_t max)
{
    host->seed = host->seed * 1103515245 + 12345;
    return (host->seed >> 8) % (max + 1);
}

static void add_device(struct host *host, size_t i, const char *name, const char *driver)
{
    struct fl_nic_port *port = fl_nic_add(&host->nic, i ? PORT((int)i - 1) : UPLINK);

    ovs_strlcpy(port->name, name, sizeof port->name);
    ovs_strlcpy(port->driver, driver, sizeof port->driver);
    port->role = i ? FL_NIC_ROLE_REPRESENTOR : FL_NIC_ROLE_UPLINK;
    host->now[i] = (struct fl_port_stats){ .ifindex = port->ifindex, .has_cpu_hit = true };
    host->now[i].link.rx_packets = host->now[i].link.tx_packets = random_up_to(host, 1 << 20);
}

static void begin(struct host *host, size_t n_vms)
{
    memset(host, 0, sizeof *host);
    host->n_vms = n_vms;
    host->seed = (unsigned int)n_vms;
    fl_inventory_init(&host->inv);
    fl_nic_init(&host->nic);
    add_interface(&host->inv, "p0", "")->ifindex = UPLINK;
    add_device(host, 0, "p0", "mlx5_core");
    for (size_t i = 0; i < n_vms; i++) {
        char vm[32], port[32];

        snprintf(vm, sizeof vm, "vm%zu", i);
        snprintf(port, sizeof port, "rep%zu", i);
        add_vm(&host->inv, vm, port, NULL)->ifindex = PORT((int)i);
        add_device(host, i + 1, port, "mlx5e_rep");
    }
    for (size_t i = 0; i < host->inv.n_interfaces; i++) {
        free(host->inv.interfaces[i].type);
        host->inv.interfaces[i].type = xstrdup("");
    }
    fl_inventory_group_vms(&host->inv, &fl_vm_keys_default);
    memcpy(host->before, host->now, sizeof host->before);
    host->n_before = host->n_now = n_vms + 1;
}

static void end(struct host *host)
{
    fl_inventory_destroy(&host->inv);
    fl_nic_destroy(&host->nic);
}

static void count_in(struct host *host, size_t port, uint64_t packets, uint64_t software)
{
    host->now[port].link.rx_packets += packets;
    host->now[port].cpu_hit.rx_packets += software;
}

static void count_out(struct host *host, size_t port, uint64_t packets, uint64_t software)
{
    host->now[port].link.tx_packets += packets;
    host->now[port].cpu_hit.tx_packets += software;
}

/* Packets of @vm to the wire, and from there to it; @software of them handled by a CPU. */
static void vm_sends(struct host *host, size_t vm, uint64_t packets, uint64_t software)
{
    count_in(host, vm + 1, packets, software);
    count_out(host, 0, packets, software);
}

static void vm_receives(struct host *host, size_t vm, uint64_t packets, uint64_t software)
{
    count_in(host, 0, packets, software);
    count_out(host, vm + 1, packets, software);
}

/* Storage: a read of @packets, acknowledged by half as many; a tenth of a percent is in software. */
static void mount_well(struct host *host, size_t vm, uint64_t packets)
{
    vm_receives(host, vm, packets, packets / 1000);
    vm_sends(host, vm, packets / 2, packets / 2000);
}

/* A broadcast of the wire (@from < 0) or of a VM: to everybody but its sender. */
static void flood(struct host *host, int from, uint64_t packets)
{
    count_in(host, (size_t)(from + 1), packets, packets);
    for (size_t i = 0; i <= host->n_vms; i++) {
        if ((int)i != from + 1)
            count_out(host, i, packets, packets);
    }
}

static void screen(struct host *host, struct fl_screen *result)
{
    const struct fl_port_sample before = { host->before, host->n_before, 0 };
    const struct fl_port_sample after = { host->now, host->n_now, 0 };
    const struct fl_screen_input input = {
        .inv = &host->inv,
        .nic = &host->nic,
        .before = &before,
        .after = &after,
        .window_ms = 5000,
        .stranded_below = SCREEN_DEFAULT,
    };

    fl_screen_run(&input, result);
}

static const struct fl_screened *result_of(const struct fl_screen *result, size_t vm)
{
    char name[32];

    snprintf(name, sizeof name, "vm%zu", vm);
    for (size_t i = 0; i < result->n_vms; i++) {
        if (!strcmp(result->vms[i].vm->name, name))
            return &result->vms[i];
    }
    fail_msg("no result for %s", name);
    return NULL;
}

static void assert_suspicion(const struct fl_screen *result, size_t vm, enum fl_suspicion wanted)
{
    const struct fl_screened *is = result_of(result, vm);

    if (is->suspicion != wanted)
        fail_msg("vm%zu is %s, not %s: %s", vm, fl_suspicion_name(is->suspicion),
                 fl_suspicion_name(wanted), is->reason);
}

static size_t n_suspects(const struct fl_screen *result)
{
    size_t n = 0;

    while (n < result->n_vms && result->vms[n].suspicion == FL_SUSPICION_SUSPECT)
        n++;
    return n;
}

/* One VM among nine that work well. Which of its packets are in software, and what it is then. */
static void one_vm_among_its_peers(void **state)
{
    static const struct {
        const char *what;
        uint64_t sent, sent_software, received, received_software;
        enum fl_suspicion suspicion;
    } cases[] = {
        { "stranded", 5000, 5000, 10000, 10000, FL_SUSPICION_SUSPECT },
        { "stranded, few packets", 30, 30, 30, 30, FL_SUSPICION_SUSPECT },
        { "every tenth packet", 5000, 500, 10000, 1000, FL_SUSPICION_SUSPECT },
        { "every tenth, slow", 200, 20, 200, 20, FL_SUSPICION_SUSPECT },
        { "every tenth sent only", 5000, 500, 10000, 0, FL_SUSPICION_SUSPECT },
        { "acknowledgements only", 500, 500, 100000, 0, FL_SUSPICION_SUSPECT },
        { "every tenth, diluted to a quarter", 20000, 500, 40000, 1000, FL_SUSPICION_SUSPECT },
        { "first packets of flows", 5000, 15, 10000, 15, FL_SUSPICION_CLEAN },
        { "some connections come and go", 50000, 400, 100000, 400, FL_SUSPICION_CLEAN },
        { "boots: DHCP, ARP, a mount", 60, 15, 60, 12, FL_SUSPICION_CLEAN },
        { "idle", 0, 0, 0, 0, FL_SUSPICION_IDLE },
        { "idle but for ARP", 4, 4, 4, 4, FL_SUSPICION_IDLE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fl_screen result;
        struct host host;

        begin(&host, 10);
        for (size_t vm = 1; vm < 10; vm++)
            mount_well(&host, vm, 10000);
        vm_sends(&host, 0, cases[i].sent, cases[i].sent_software);
        vm_receives(&host, 0, cases[i].received, cases[i].received_software);
        screen(&host, &result);
        if (result_of(&result, 0)->suspicion != cases[i].suspicion)
            fail_msg("%s: %s", cases[i].what, result_of(&result, 0)->reason);
        for (size_t vm = 1; vm < 10; vm++)
            assert_suspicion(&result, vm, FL_SUSPICION_CLEAN);
        fl_screen_destroy(&result);
        end(&host);
    }
}

/* Nobody to compare with. */
static void a_lonely_vm_is_judged_by_itself(void **state)
{
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 1);
    vm_receives(&host, 0, 10000, 1000);
    screen(&host, &result);
    assert_suspicion(&result, 0, FL_SUSPICION_SUSPECT);
    assert_string_equal(result.vms[0].reason,
                        "1000 of 10000 packets to rep0 (10.0 %) were in software in 5.0 s");
    assert_int_equal(result.vms[0].packets, 10000);
    assert_int_equal(result.vms[0].software, 1000);
    assert_true(result.vms[0].hw_share > 0.8999 && result.vms[0].hw_share < 0.9001);
    fl_screen_destroy(&result);
    end(&host);
}

static void a_flood_makes_nobody_suspect(void **state)
{
    static const int senders[] = { -1, 3 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
        struct fl_screen result;
        struct host host;

        begin(&host, 10);
        for (size_t vm = 0; vm < 5; vm++)
            mount_well(&host, vm, 2000);
        flood(&host, senders[i], 5000);
        screen(&host, &result);
        for (size_t vm = 0; vm < 10; vm++) {
            if ((int)vm == senders[i])
                continue; /* what it sends itself is its own */
            assert_suspicion(&result, vm, vm < 5 ? FL_SUSPICION_CLEAN : FL_SUSPICION_IDLE);
        }
        fl_screen_destroy(&result);
        end(&host);
    }
}

static void a_leak_is_seen_through_a_flood(void **state)
{
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 10);
    for (size_t vm = 1; vm < 10; vm++)
        mount_well(&host, vm, 10000);
    vm_receives(&host, 0, 10000, 1000);
    flood(&host, -1, 20000);
    screen(&host, &result);
    assert_suspicion(&result, 0, FL_SUSPICION_SUSPECT);
    assert_int_equal(n_suspects(&result), 1);
    fl_screen_destroy(&result);
    end(&host);
}

/* All alike, as with a flood: but nothing was multiplied. */
static void what_all_suffer_alike_is_no_flood(void **state)
{
    static const struct {
        const char *what;
        bool in, out;
    } cases[] = {
        { "offload is off", true, true },
        { "the uplink's filters are lost", false, true },
        { "the representors' filters are lost", true, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fl_screen result;
        struct host host;

        begin(&host, 50);
        for (size_t vm = 0; vm < 50; vm++) {
            vm_receives(&host, vm, 10000, cases[i].out ? 10000 : 0);
            vm_sends(&host, vm, 5000, cases[i].in ? 5000 : 0);
        }
        screen(&host, &result);
        if (n_suspects(&result) != 50)
            fail_msg("%s: %zu of 50 are suspect", cases[i].what, n_suspects(&result));
        fl_screen_destroy(&result);
        end(&host);
    }
}

static void without_the_uplinks_counters_nothing_passes_for_a_flood(void **state)
{
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 20);
    host.before[0].has_cpu_hit = host.now[0].has_cpu_hit = false;
    for (size_t vm = 0; vm < 20; vm++)
        vm_receives(&host, vm, 10000, 10000);
    screen(&host, &result);
    assert_int_equal(n_suspects(&result), 20);
    fl_screen_destroy(&result);
    end(&host);
}

static void of_a_bond_the_members_count(void **state)
{
    struct fl_nic_port *bond;
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 10);
    /* p0 becomes a member of bond0, the switch's port, which has no CPU_HIT. */
    free(host.inv.interfaces[0].name);
    host.inv.interfaces[0].name = xstrdup("bond0");
    host.inv.interfaces[0].ifindex = BOND;
    bond = fl_nic_add(&host.nic, BOND);
    ovs_strlcpy(bond->name, "bond0", sizeof bond->name);
    fl_nic_port(&host.nic, UPLINK)->master = BOND;
    ovs_strlcpy(fl_nic_port(&host.nic, UPLINK)->master_kind, "bond", FL_NIC_NAME_BYTES);
    for (size_t vm = 0; vm < 10; vm++)
        mount_well(&host, vm, 10000);
    flood(&host, -1, 3000);
    host.now[11] = (struct fl_port_stats){ .ifindex = BOND, .link = host.now[0].link };
    host.before[11] = (struct fl_port_stats){ .ifindex = BOND, .link = host.before[0].link };
    host.n_before = host.n_now = 12;
    screen(&host, &result);
    assert_int_equal(n_suspects(&result), 0);
    fl_screen_destroy(&result);
    end(&host);
}

static void counters_that_cannot_tell_make_it_unknown(void **state)
{
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 5);
    for (size_t vm = 0; vm < 5; vm++)
        mount_well(&host, vm, 10000);
    host.now[1].link.rx_packets = 3; /* below what it was: reset */
    host.before[2].has_cpu_hit = host.now[2].has_cpu_hit = false;
    ovs_strlcpy(fl_nic_port(&host.nic, PORT(1))->driver, "newcomer", FL_NIC_DRIVER_BYTES);
    memmove(&host.now[3], &host.now[4], 2 * sizeof host.now[0]); /* rep2 is gone */
    host.n_now--;
    screen(&host, &result);
    assert_string_equal(result_of(&result, 0)->reason,
                        "the counters of rep0 fell: they were reset");
    assert_string_equal(result_of(&result, 1)->reason,
                        "the driver of rep1 (newcomer) does not count software packets apart");
    assert_string_equal(result_of(&result, 2)->reason, "rep2 went away in the window");
    for (size_t vm = 0; vm < 3; vm++) {
        assert_suspicion(&result, vm, FL_SUSPICION_UNKNOWN);
        assert_true(result_of(&result, vm)->hw_share < 0);
    }
    fl_screen_destroy(&result);
    end(&host);
}

/* bnxt: only software packets are counted. */
static void drivers_that_count_software_only_are_judged_by_that(void **state)
{
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 5);
    for (size_t vm = 0; vm < 5; vm++) {
        ovs_strlcpy(fl_nic_port(&host.nic, PORT((int)vm))->driver, "bnxt_en", FL_NIC_DRIVER_BYTES);
        host.before[vm + 1].has_cpu_hit = host.now[vm + 1].has_cpu_hit = false;
        host.now[vm + 1].link.tx_packets += vm == 2 ? 700 : 3;
    }
    screen(&host, &result);
    assert_int_equal(n_suspects(&result), 1);
    assert_suspicion(&result, 2, FL_SUSPICION_SUSPECT);
    assert_string_equal(
        result_of(&result, 2)->reason,
        "697 packets to rep2 were in software in 5.0 s; the NIC does not count those "
        "that it forwards itself");
    assert_suspicion(&result, 0, FL_SUSPICION_IDLE);
    fl_screen_destroy(&result);
    end(&host);
}

static void a_port_that_appears_counts_from_zero(void **state)
{
    struct fl_screen result;
    struct host host;

    (void)state;
    begin(&host, 5);
    for (size_t vm = 0; vm < 5; vm++)
        mount_well(&host, vm, 10000);
    host.now[5].link = host.now[5].cpu_hit = (struct fl_port_count){ .rx_packets = 500 };
    host.n_before--;
    screen(&host, &result);
    assert_suspicion(&result, 4, FL_SUSPICION_SUSPECT);
    assert_int_equal(n_suspects(&result), 1);
    fl_screen_destroy(&result);
    end(&host);
}

/* What a VM of a busy host does in a window. None of it is a leak of storage. */
static void live(struct host *host, size_t vm)
{
    uint64_t packets = 200 + random_up_to(host, 50000), first = random_up_to(host, 15);

    switch (random_up_to(host, 5)) {
    case 0: /* idle, but for ARP and the like */
        vm_sends(host, vm, random_up_to(host, 9), 0);
        return;
    case 1: /* boots */
        vm_sends(host, vm, 40, first);
        vm_receives(host, vm, 60, first);
        return;
    case 2: /* connections that come and go: the first packets of each in software */
        vm_sends(host, vm, packets, packets / 300);
        vm_receives(host, vm, packets, packets / 300);
        return;
    default: /* a mount, in hardware */
        vm_receives(host, vm, packets, MIN(first, packets));
        vm_sends(host, vm, packets / 2, MIN(first, packets / 2));
        return;
    }
}

/* 200 VMs, 100 windows: the one that is stranded and the one that leaks, always, and nobody else. */
static void among_200_vms_the_stranded_and_the_leaking_one_are_found(void **state)
{
    (void)state;
    for (unsigned int run = 0; run < 100; run++) {
        static struct host host;
        struct fl_screen result;
        size_t stranded, leaking;

        begin(&host, MAX_VMS);
        host.seed = run;
        stranded = random_up_to(&host, MAX_VMS - 1);
        leaking = (stranded + 1 + random_up_to(&host, MAX_VMS - 2)) % MAX_VMS;
        for (size_t vm = 0; vm < MAX_VMS; vm++) {
            if (vm != stranded && vm != leaking)
                live(&host, vm);
        }
        vm_receives(&host, stranded, 300, 300);
        vm_sends(&host, stranded, 150, 150);
        vm_receives(&host, leaking, 3000, 300);
        vm_sends(&host, leaking, 1500, 150);
        flood(&host, -1, random_up_to(&host, 3000));
        screen(&host, &result);
        assert_int_equal(result.n_vms, MAX_VMS);
        assert_suspicion(&result, stranded, FL_SUSPICION_SUSPECT);
        assert_suspicion(&result, leaking, FL_SUSPICION_SUSPECT);
        if (n_suspects(&result) != 2)
            fail_msg("run %u: %s", run, result.vms[2].reason);
        fl_screen_destroy(&result);
        end(&host);
    }
}

/* When flows are read for the sake of others: what a few packets say of a VM that stage one did not doubt. */

static void judged_by_flows(struct fl_vm_audit *vm, const struct fl_vm *of, uint64_t software)
{
    *vm = (struct fl_vm_audit){
        .vm = of,
        .name = of->name,
        .verdict = FL_VERDICT_STRANDED,
        .scope = FL_SCOPE_VM,
        .reason = xstrdup("by its flows"),
        .storage.packets[FL_PATH_DP_SW] = software,
        .hw_share = 0.25,
        .n_causes = 1,
    };
}

static char few[] = "few", many[] = "many", doubted[] = "doubted", by_ports[] = "by its ports";

static void few_packets_accuse_nobody_whom_stage_one_does_not_doubt(void **state)
{
    struct fl_vm vms[] = { { .name = few }, { .name = many }, { .name = doubted } };
    struct fl_screened screened[] = {
        { .vm = &vms[0], .suspicion = FL_SUSPICION_CLEAN, .reason = by_ports },
        { .vm = &vms[1], .suspicion = FL_SUSPICION_CLEAN, .reason = by_ports },
        { .vm = &vms[2], .suspicion = FL_SUSPICION_SUSPECT, .reason = by_ports },
    };
    const struct fl_screen screen = { .vms = screened, .n_vms = ARRAY_SIZE(screened) };
    struct fl_vm_audit audits[ARRAY_SIZE(vms)];
    struct fl_audit audit = { .vms = audits, .n_vms = ARRAY_SIZE(audits) };

    (void)state;
    judged_by_flows(&audits[0], &vms[0], FL_SCREEN_MIN_PACKETS - 1);
    judged_by_flows(&audits[1], &vms[1], FL_SCREEN_MIN_PACKETS);
    judged_by_flows(&audits[2], &vms[2], 3);
    fl_audit_heed_screen(&audit, &screen);
    /* Worst first. */
    assert_string_equal(audits[0].name, "many");
    assert_int_equal(audits[0].verdict, FL_VERDICT_STRANDED);
    assert_string_equal(audits[0].reason, "by its flows");
    assert_string_equal(audits[1].name, "doubted");
    assert_int_equal(audits[1].verdict, FL_VERDICT_STRANDED);
    assert_string_equal(audits[2].name, "few");
    assert_int_equal(audits[2].verdict, FL_VERDICT_OFFLOADED);
    assert_int_equal(audits[2].scope, FL_SCOPE_NONE);
    assert_int_equal(audits[2].n_causes, 0);
    assert_true(audits[2].by_ports);
    assert_string_equal(audits[2].reason, "by its ports");
    for (size_t i = 0; i < ARRAY_SIZE(audits); i++)
        free(audits[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_vm_among_its_peers),
        cmocka_unit_test(a_lonely_vm_is_judged_by_itself),
        cmocka_unit_test(a_flood_makes_nobody_suspect),
        cmocka_unit_test(a_leak_is_seen_through_a_flood),
        cmocka_unit_test(what_all_suffer_alike_is_no_flood),
        cmocka_unit_test(without_the_uplinks_counters_nothing_passes_for_a_flood),
        cmocka_unit_test(of_a_bond_the_members_count),
        cmocka_unit_test(counters_that_cannot_tell_make_it_unknown),
        cmocka_unit_test(drivers_that_count_software_only_are_judged_by_that),
        cmocka_unit_test(a_port_that_appears_counts_from_zero),
        cmocka_unit_test(few_packets_accuse_nobody_whom_stage_one_does_not_doubt),
        cmocka_unit_test(among_200_vms_the_stranded_and_the_leaking_one_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
