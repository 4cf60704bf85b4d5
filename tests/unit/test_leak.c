/* SPDX-License-Identifier: Apache-2.0 */

/* Leaks: the NIC has the flow, and packets of it come to software all the same. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/audit_report.h"

/* From the VM, in TC: P packets, H of them counted by the NIC. */
#define APART(P, H) \
    ", packets:" P ", bytes:" P "00, offload_packets:" H ", offload_bytes:" H "00, used:0.1s, "
#define TC_OUT(N, VM, P, H)                                                         \
    UFID(N)                                                                         \
    IN(VM)                                                                          \
    TO_SERVER APART(P, H) "offloaded:yes, dp:tc, actions:push_vlan(vid=100,pcp=0)," \
                          "p0\n"

static void a_leak_of_ten_percent_is_leaking(void **state)
{
    (void)state;
    assert_report(TC_OUT("01", "vm1", "1000", "1000") VM2("0", HW),
                  TC_OUT("01", "vm1", "3000", "2800") VM2("9", HW),
                  "web leaking vm 0.90 hardware-miss: 10 % of 2,000 storage packets came to "
                  "software, although the NIC has their flows, its peers are in hardware\n"
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

/* The first packets of each flow are in software. */
static void a_leak_of_half_a_percent_is_offloaded(void **state)
{
    (void)state;
    assert_report(TC_OUT("01", "vm1", "1000", "1000") VM2("0", HW),
                  TC_OUT("01", "vm1", "3000", "2990") VM2("9", HW),
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "web offloaded - 0.99: more than 99 % of 2,000 storage packets were forwarded by "
                  "the NIC\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 0");
}

/* While Open vSwitch puts a flow anew a packet or two pass it by. */
static void a_few_packets_are_no_leak(void **state)
{
    (void)state;
    assert_report(TC_OUT("01", "vm1", "1000", "1000") VM2("0", HW),
                  TC_OUT("01", "vm1", "1012", "1003") VM2("9", HW),
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "web offloaded - 0.25: 25 % of 12 storage packets were forwarded by the NIC\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 0");
    assert_report(TC_OUT("01", "vm1", "1000", "1000") VM2("0", HW),
                  TC_OUT("01", "vm1", "1013", "1003") VM2("9", HW),
                  "web leaking vm 0.23 hardware-miss: 77 % of 13 storage packets came to software, "
                  "although the NIC has their flows, its peers are in hardware\n"
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void when_all_packets_leak_nothing_is_in_hardware_and_it_is_leaking(void **state)
{
    (void)state;
    assert_report(TC_OUT("01", "vm1", "1000", "1000") VM2("0", HW),
                  TC_OUT("01", "vm1", "3000", "1000") VM2("9", HW),
                  "web leaking vm 0.00 hardware-miss: 100 % of 2,000 storage packets came to "
                  "software, although the NIC has their flows, its peers are in hardware\n"
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

/* The worse of both; the causes tell both. */
static void stranded_one_way_and_leaking_the_other_is_stranded(void **state)
{
    (void)state;
    assert_report(
        TC_OUT("01", "vm1", "0", "0") BACK_LINE("11", "vm1", MAC_1, "0", SW) VM2("0", HW),
        TC_OUT("01", "vm1", "1000", "900") BACK_LINE("11", "vm1", MAC_1, "1000", SW) VM2("9", HW),
        "web stranded vm 0.45 hardware-miss,refused: 55 % of 2,000 storage packets were forwarded "
        "by a CPU (dp-sw), its peers are in hardware\n"
        "mail idle - -: no storage packets in the window of 5 s\n"
        "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
        "exit 1");
}

/* goto chain 5: what the last link counts in software missed there, whatever the first one counts. */
static void a_chain_leaks_where_its_last_link_counts_software(void **state)
{
#define GOTO_OUT(P, H)                                    \
    UFID("01")                                            \
    IN("vm1")                                             \
    "eth_type(0x0800),ipv4(frag=no)" APART(               \
        P, P) "offloaded:yes, dp:tc, actions:ct(zone=5)," \
              "recirc(0x5)\n" UFID(                       \
                  "02") "recirc_id(0x5),"                 \
                        "in_port(vm1),ct_"                \
                        "state(+est+trk)," TO_SERVER      \
                        APART(P, H) "offloaded:yes, dp:tc, actions:push_vlan(vid=100,pcp=0),p0\n"

    (void)state;
    assert_report(GOTO_OUT("0", "0") VM2("0", HW), GOTO_OUT("1000", "700") VM2("9", HW),
                  "web leaking vm 0.70 hardware-miss: 30 % of 1,000 storage packets came to "
                  "software, although the NIC has their flows, its peers are in hardware\n"
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 1");
    assert_report(GOTO_OUT("0", "0") VM2("0", HW), GOTO_OUT("1000", "1000") VM2("9", HW),
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "web offloaded - 1.00: 100 % of 1,000 storage packets were forwarded by the NIC\n"
                  "exit 0");
}

/* The NIC's counter alone fell, or all did: what they show was counted since. */
static void counters_that_were_reset_make_no_leak(void **state)
{
    (void)state;
    assert_report(TC_OUT("01", "vm1", "5000", "4000") VM2("0", HW),
                  TC_OUT("01", "vm1", "300", "300") VM2("9", HW),
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "web offloaded - 1.00: 100 % of 300 storage packets were forwarded by the NIC\n"
                  "exit 0");
    assert_report(TC_OUT("01", "vm1", "5000", "4900") VM2("0", HW),
                  TC_OUT("01", "vm1", "5000", "4000") VM2("9", HW),
                  "web leaking vm 0.80 hardware-miss: 20 % of 5,000 storage packets came to "
                  "software, although the NIC has their flows, its peers are in hardware\n"
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_of_ten_percent_is_leaking),
        cmocka_unit_test(a_leak_of_half_a_percent_is_offloaded),
        cmocka_unit_test(a_few_packets_are_no_leak),
        cmocka_unit_test(when_all_packets_leak_nothing_is_in_hardware_and_it_is_leaking),
        cmocka_unit_test(stranded_one_way_and_leaking_the_other_is_stranded),
        cmocka_unit_test(a_chain_leaks_where_its_last_link_counts_software),
        cmocka_unit_test(counters_that_were_reset_make_no_leak),
    };

    return cmocka_run_group_tests_name("leak", tests, NULL, NULL);
}
