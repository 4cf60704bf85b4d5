/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit has to say that those before it had not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "agent/news.h"
#include "flows/cleanup.h"

struct story {
    struct fl_news news;
    struct ds lines;
};

static int setup(void **state)
{
    struct story *story = calloc(1, sizeof *story);

    fl_news_init(&story->news);
    ds_init(&story->lines);
    *state = story;
    return 0;
}

static int teardown(void **state)
{
    struct story *story = *state;

    fl_news_destroy(&story->news);
    ds_destroy(&story->lines);
    free(story);
    return 0;
}

static void take_line(bool is_bad, const char *line, void *story_)
{
    struct story *story = story_;

    ds_put_format(&story->lines, "%c %s\n", is_bad ? '!' : '.', line);
}

#define STRANDED(NAME)                  \
    "{'name':'" NAME "','id':'id-" NAME \
    "','verdict':'stranded','scope':'vm','causes':['conntrack'],'reason':'because'}"
#define OFFLOADED(NAME)                 \
    "{'name':'" NAME "','id':'id-" NAME \
    "','verdict':'offloaded','scope':null,'causes':[],'reason':'fine'}"
#define IDLE(NAME)                      \
    "{'name':'" NAME "','id':'id-" NAME \
    "','verdict':'idle','scope':null,'causes':[],'reason':'no packets'}"
#define UNKNOWN(NAME)                   \
    "{'name':'" NAME "','id':'id-" NAME \
    "','verdict':'unknown','scope':null,'causes':[],'reason':'who knows'}"
#define OF_HOST(NAME)                   \
    "{'name':'" NAME "','id':'id-" NAME \
    "','verdict':'stranded','scope':'host','causes':['conntrack'],'reason':'because'}"

/* An audit with these VMs says these lines. @host_causes, @incomplete: JSON with ' for ". */
static void says_of(struct story *story, const char *vms, const char *host_causes,
                    const char *incomplete, const char *lines)
{
    _cleanup_free char *text = xasprintf("{'vms':[%s],'host_causes':[%s],'incomplete':%s}", vms,
                                         host_causes, incomplete);
    _cleanup_json json_t *document = NULL;

    for (char *p = text; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    document = json_loads(text, 0, NULL);
    assert_non_null(document);
    ds_clear(&story->lines);
    fl_news_take(&story->news, document, take_line, story);
    assert_string_equal(ds_cstr(&story->lines), lines);
}

static void says(struct story *story, const char *vms, const char *lines)
{
    says_of(story, vms, "", "null", lines);
}

static void a_line_when_it_begins_and_when_it_ends(void **state)
{
    says(*state, OFFLOADED("a") "," OFFLOADED("b"), "");
    says(*state, STRANDED("a") "," OFFLOADED("b"), "! a: stranded, scope vm, conntrack: because\n");
    says(*state, STRANDED("a") "," OFFLOADED("b"), "");
    says(*state, OFFLOADED("a") "," OFFLOADED("b"), ". a: is well again\n");
    says(*state, OFFLOADED("a") "," OFFLOADED("b"), "");
}

static void another_verdict_scope_or_cause_is_news(void **state)
{
    says(*state, STRANDED("a"), "! a: stranded, scope vm, conntrack: because\n");
    says(*state,
         "{'name':'a','id':'id-a','verdict':'leaking','scope':'vm','causes':['conntrack'],"
         "'reason':'r'}",
         "! a: leaking, scope vm, conntrack: r\n");
    says(*state,
         "{'name':'a','id':'id-a','verdict':'leaking','scope':'nic','causes':['conntrack','x'],"
         "'reason':'r'}",
         "! a: leaking, scope nic, conntrack: r\n");
    /* Neither is another reason, nor another second cause. */
    says(*state,
         "{'name':'a','id':'id-a','verdict':'leaking','scope':'nic','causes':['conntrack','y'],"
         "'reason':'s'}",
         "");
    says(*state,
         "{'name':'a','id':'id-a','verdict':'leaking','scope':'nic','causes':[],'reason':'s'}",
         "! a: leaking, scope nic: s\n");
}

static void idle_or_unknown_is_no_news(void **state)
{
    says(*state, IDLE("a") "," UNKNOWN("b"), "");
    says(*state, STRANDED("a"), "! a: stranded, scope vm, conntrack: because\n");
    says(*state, IDLE("a"), "");
    says(*state, UNKNOWN("a"), "");
    says(*state, STRANDED("a"), "");
    says(*state, IDLE("a"), "");
    says(*state, OFFLOADED("a"), ". a: is well again\n");
}

static void one_that_is_gone_while_bad_is_news(void **state)
{
    says(*state, STRANDED("a") "," OFFLOADED("b"), "! a: stranded, scope vm, conntrack: because\n");
    /* What was not read may be there. */
    says_of(*state, "", "", "'the dump was cut off'", "");
    says(*state, "", ". a: is gone; it was stranded, scope vm, conntrack\n");
    says(*state, STRANDED("a"), "! a: stranded, scope vm, conntrack: because\n");
}

static void the_whole_host_is_one_line(void **state)
{
    says(*state, OF_HOST("a") "," OF_HOST("b") "," IDLE("c"),
         "! the whole host: no flow in hardware: no flow of any VM is in hardware; 2 of 3 VMs are "
         "stranded\n");
    says(*state, OF_HOST("a") "," OF_HOST("b") "," OF_HOST("c"), "");
    says(*state, IDLE("a") "," IDLE("b") "," UNKNOWN("c"), "");
    says(*state, OFFLOADED("a") "," STRANDED("b") "," OFFLOADED("c"),
         ". the whole host: is well again\n! b: stranded, scope vm, conntrack: because\n");
    says(*state, OFFLOADED("a") "," OFFLOADED("b") "," OFFLOADED("c"), ". b: is well again\n");
}

static void offload_that_is_off_is_the_host_s(void **state)
{
    static const char off[] = "{'id':'offload-off','detail':'hw-offload is false'}";

    says_of(*state, IDLE("a"), off, "null",
            "! the whole host: offload-off: hw-offload is false; 0 of 1 VMs are stranded\n");
    says_of(*state, OF_HOST("a"), off, "null", "");
    says(*state, OF_HOST("a"),
         "! the whole host: no flow in hardware: no flow of any VM is in hardware; 1 of 1 VMs are "
         "stranded\n");
    says_of(*state, OF_HOST("a"), off, "null",
            "! the whole host: offload-off: hw-offload is false; 1 of 1 VMs are stranded\n");
    says(*state, IDLE("a"), ". the whole host: is well again\n");
}

/* A VM of whom something was said before the host's line is not forgotten. */
static void a_vm_is_bad_then_its_host_then_all_is_well(void **state)
{
    says(*state, STRANDED("a") "," OFFLOADED("b"), "! a: stranded, scope vm, conntrack: because\n");
    says(*state, OF_HOST("a") "," OF_HOST("b"),
         "! the whole host: no flow in hardware: no flow of any VM is in hardware; 2 of 2 VMs are "
         "stranded\n");
    says(*state, OFFLOADED("a") "," OFFLOADED("b"),
         ". the whole host: is well again\n. a: is well again\n");
}

static void names_are_fit_for_a_log(void **state)
{
    says(*state,
         "{'name':'a\\nb\\u001b[2J','id':'i','verdict':'stranded','scope':'vm','causes':[],"
         "'reason':'x\\ry'}",
         "! a\\x0ab\\x1b[2J: stranded, scope vm: x\\x0dy\n");
}

/* Two VMs may have one name. */
static void identities_are_what_counts(void **state)
{
    says(*state,
         "{'name':'a','id':'1','verdict':'stranded','scope':'vm','causes':[],'reason':'r'},"
         "{'name':'a','id':'2','verdict':'offloaded','scope':null,'causes':[],'reason':'r'}",
         "! a: stranded, scope vm: r\n");
    says(*state,
         "{'name':'renamed','id':'1','verdict':'stranded','scope':'vm','causes':[],'reason':'r'}",
         "");
}

#define STORY(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_line_when_it_begins_and_when_it_ends),
        STORY(another_verdict_scope_or_cause_is_news),
        STORY(idle_or_unknown_is_no_news),
        STORY(one_that_is_gone_while_bad_is_news),
        STORY(the_whole_host_is_one_line),
        STORY(offload_that_is_off_is_the_host_s),
        STORY(a_vm_is_bad_then_its_host_then_all_is_well),
        STORY(names_are_fit_for_a_log),
        STORY(identities_are_what_counts),
    };

    return cmocka_run_group_tests_name("news", tests, NULL, NULL);
}
