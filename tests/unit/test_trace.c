/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Traces that ovs-vswitchd 3.1.0 printed, read from the corpus of the fuzz target. The pipeline of most:
 *
 *     table=0,priority=100,ip,in_port=vm1,ct_state=-trk,actions=ct(table=1,zone=5)
 *     table=0,priority=100,ip,in_port=p0,dl_vlan=100,ct_state=-trk,actions=pop_vlan,ct(table=1,zone=5)
 *     table=0,priority=10,arp,actions=NORMAL
 *     table=1,priority=100,ct_state=+trk+est,ip,in_port=vm1,actions=mod_vlan_vid:100,output:p0
 *     table=1,priority=100,ct_state=+trk+est,ip,in_port=p0,actions=output:vm1
 *     table=1,priority=90,ct_state=+trk+new,tcp,in_port=vm1,tp_dst=2049,actions=
 *         ct(commit,zone=5),mod_vlan_vid:100,output:p0
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/trace.h"
#include "lib/ovs/trace_rules.h"

static char *read_specimen(const char *name)
{
    static char text[65536];
    char path[4096];
    const char *source = getenv("FLOWLIFT_SOURCE");
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/trace/%s.txt", source ? source : ".", name);
    file = fopen(path, "r");
    assert_non_null(file);
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    return text;
}

static struct fl_trace *parse(const char *name)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_trace *trace = NULL;
    int error = fl_trace_parse(read_specimen(name), &trace, &err);

    assert_string_equal(err.text, "");
    assert_int_equal(error, 0);
    return trace;
}

/* What becomes of their packets is in test_fate.c. */
static void assert_trace(const char *name, size_t n_steps, unsigned int n_normal)
{
    struct fl_trace *trace = parse(name);

    assert_int_equal(trace->n_steps, n_steps);
    assert_int_equal(trace->n_normal, n_normal);
    assert_string_equal(trace->text, read_specimen(name));
    fl_trace_destroy(trace);
}

static void test_steps_and_normal_are_counted(void **state)
{
    (void)state;
    assert_trace("packet-out", 1, 0);
    assert_trace("established", 2, 0);
    assert_trace("two-zones", 3, 0);
    assert_trace("clone-fork", 2, 0);
    assert_trace("slow-path", 1, 0);
    assert_trace("normal-learned", 1, 1);
    assert_trace("patch", 1, 1);
}

static void test_steps_are_kept(void **state)
{
    struct fl_trace *trace = parse("reply");

    (void)state;
    assert_int_equal(trace->steps[0].recirc_id, 0);
    assert_null(trace->steps[0].ct_state);
    assert_string_equal(trace->steps[0].megaflow, "recirc_id=0,ct_state=-trk,eth,ip,in_port=p0,"
                                                  "dl_vlan=100,dl_vlan_pcp=0,nw_frag=no");
    assert_string_equal(trace->steps[0].datapath_actions, "pop_vlan,ct(zone=5),recirc(0xa)");
    assert_int_equal(trace->steps[1].recirc_id, 0xa);
    assert_string_equal(trace->steps[1].ct_state, "est|rpl|trk");
    fl_trace_destroy(trace);
}

static void assert_refused(const char *text, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_trace *trace = NULL;

    assert_int_equal(fl_trace_parse(text, &trace, &err), -EPROTO);
    assert_null(trace);
    if (!strstr(err.text, sentence)) {
        assert_string_equal(err.text, sentence);
    }
}

static void test_what_ovs_cannot_say_is_refused(void **state)
{
    (void)state;
    assert_refused(read_specimen("failed"), "Translation failed (Recirculation conflict)");
    assert_refused(read_specimen("dp-hash"), "a recirculation that was not followed");
}

/* Only inside a line of actions is a cut not to be told; the reply's framing tells that. */
static void test_cut_off_trace_is_refused(void **state)
{
    char *text = read_specimen("established");
    size_t n_refused = 0;

    (void)state;
    for (size_t n = 0; n < strlen(text); n++) {
        char *cut = xmemdup0(text, n), *line = strrchr(cut, '\n');
        bool in_actions = line && !strncmp(line + 1, "Datapath actions: ", 18);

        if (!in_actions) {
            n_refused++;
            /* After the first step's actions the trace must go on, since it recirculates. */
            assert_refused(cut, "cannot understand OVS's trace");
        }
        free(cut);
    }
    assert_true(n_refused > 1000);
}

#define HEAD          "Flow: tcp,in_port=p0,vlan_tci=0x0000,nw_ttl=64\n"
#define MEGAFLOW      "Megaflow: recirc_id=0,eth,tcp,in_port=p0,nw_frag=no\n"
#define STEP(ACTIONS) HEAD "Final flow: unchanged\n" MEGAFLOW "Datapath actions: " ACTIONS "\n"
#define BOX(TITLE)    "\n====\n" TITLE "\n====\n\n"

static void test_strange_traces_are_refused(void **state)
{
    (void)state;
    assert_refused("", "ends too early");
    assert_refused("hello", "does not start");
    assert_refused(HEAD, "ends too early");
    assert_refused("Flow: tcp,in_port=p0\n", "whether the packet has a VLAN header");
    assert_refused(HEAD MEGAFLOW HEAD, "no datapath actions");
    assert_refused(STEP("p0"
                        ")"),
                   "datapath actions: \"p0)\"");
    assert_refused(STEP("set(eth(src=1)"), "datapath actions");
    assert_refused(STEP("p0,,p1"), "datapath actions");
    assert_refused(STEP("p0,explode(1)"), "datapath actions");
    assert_refused(STEP("recirc(x)"), "datapath actions");
    assert_refused(STEP("ct,recirc(0x1)"), "not followed");
    assert_refused(STEP("p0") "something else\n", "unknown remark");
    assert_refused(STEP("p0") BOX("recirc(0x1)") STEP("p0"), "not followed");
    assert_refused(STEP("recirc(0x1)") BOX("recirc(0x1)\nrecirc(0x2)") STEP("p0"), "two recirc");
    assert_refused(STEP("recirc(0x1)") BOX("no number") STEP("p0"), "without its number");
}

static void assert_megaflow_refused(const char *megaflow, const char *sentence)
{
    char text[1024];

    snprintf(text, sizeof text, "%sMegaflow: %s\nDatapath actions: drop\n", HEAD, megaflow);
    assert_refused(text, sentence);
}

/* What is not understood to the last letter is no region. */
static void test_strange_megaflows_are_refused(void **state)
{
    (void)state;
    assert_megaflow_refused("recirc_id=0,eth,tcp", "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,in_port=p0", "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,nw_frag=no,", "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,tp_dst=2049,nw_frag=no", "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,nw_src=10.0.0.1/24,nw_frag=no",
                            "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,tp_dst=02049", "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,tp_dst=", "tp_dst");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,colour=red", "colour");
    assert_megaflow_refused("recirc_id=0,eth,tcp,tun_metadata0=0x1,in_port=p0", "tun_metadata0");
    assert_megaflow_refused("recirc_id=0,eth,tcp,tun_tos=10,in_port=p0", "megaflow");
    assert_megaflow_refused("recirc_id=0,packet_type=(1,0x800),ip,in_port=p0", "megaflow");
    assert_megaflow_refused("recirc_id=0,eth,tcp,in_port=p0,dl_vlan=100", "megaflow");
}

static void test_steps_are_limited(void **state)
{
    char *text = calloc(1, 1 << 16);

    (void)state;
    strcat(text, STEP("recirc(0x1)"));
    for (int i = 0; i < 100; i++) {
        strcat(text, BOX("recirc(0x1)") STEP("recirc(0x1)"));
    }
    assert_refused(text, "recirculates more than");
    free(text);
}

/* ---- The OpenFlow flows of a trace ---- */

static void assert_rules_of(const char *text, const char *wanted)
{
    struct ds got = DS_EMPTY_INITIALIZER;
    struct fl_traced_rule *rules;
    size_t n = fl_trace_rules(text, &rules);

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&got, "%s%s:%u %d [%s]", i ? "; " : "", rules[i].bridge, rules[i].table,
                      rules[i].priority, rules[i].match);
        if (rules[i].cookie)
            ds_put_format(&got, " %#" PRIx64, rules[i].cookie);
    }
    assert_string_equal(ds_cstr(&got), wanted);
    ds_destroy(&got);
    fl_traced_rules_free(rules, n);
}

static void the_flows_that_a_packet_hit(void **state)
{
    (void)state;
    assert_rules_of(read_specimen("action-set"), "br0:0 9 [metadata=0x31]; br0:49 9 []");
    assert_rules_of(read_specimen("patch-known"),
                    "br0:0 9 [metadata=0x17]; br0:23 9 []; br1:0 0 []");
    assert_rules_of(
        read_specimen("established"),
        "br0:0 100 [ct_state=-trk,ip,in_port=vm1]; br0:1 100 [ct_state=+est+trk,ip,in_port=vm1]");
    assert_rules_of("bridge(\"br-int\")\n---\n"
                    " 0. in_port=5, priority 100, cookie 0xa1b2c3d4\n"
                    "    resubmit(,8)\n"
                    " 8. No match.\n"
                    "    drop\n"
                    "33. ip,reg15=0x3,metadata=0x1, priority 100, cookie 0xffffffff00000001\n",
                    "br-int:0 100 [in_port=5] 0xa1b2c3d4; "
                    "br-int:33 100 [ip,reg15=0x3,metadata=0x1] 0xffffffff00000001");
    assert_rules_of("", "");
    assert_rules_of("999. priority 1\n 1. prio\n2.\nbridge(\"cut", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_flows_that_a_packet_hit),
        cmocka_unit_test(test_steps_and_normal_are_counted),
        cmocka_unit_test(test_steps_are_kept),
        cmocka_unit_test(test_what_ovs_cannot_say_is_refused),
        cmocka_unit_test(test_cut_off_trace_is_refused),
        cmocka_unit_test(test_strange_traces_are_refused),
        cmocka_unit_test(test_strange_megaflows_are_refused),
        cmocka_unit_test(test_steps_are_limited),
    };

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
