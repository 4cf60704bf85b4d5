/* SPDX-License-Identifier: Apache-2.0 */
/* From a call of libvirt's hook to an event, and from an event to JSON and back. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flows/cleanup.h"
#include "lib/event/domain_xml.h"
#include "lib/event/libvirt.h"

#define UUID "c5f1a4d2-6b1f-4b41-9d0c-0f7b6c0a1d2e"
#define HEAD "<domain type='kvm'><name>vm2</name><uuid>" UUID "</uuid>"

/* As libvirt 9.0 writes it, but for devices of no interest. */
static const char domain[] =
    "<domain type='kvm' id='1' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
    "  <name>vm2</name>\n"
    "  <uuid>C5F1A4D2-6B1F-4B41-9D0C-0F7B6C0A1D2E</uuid>\n"
    "  <metadata><other:interface xmlns:other='urn:x'><mac address='00:00:00:00:00:01'/>"
    "</other:interface></metadata>\n"
    "  <devices>\n"
    "    <disk><target dev='vda'/><name>not this</name></disk>\n"
    "    <interface type='bridge'>\n"
    "      <mac address='52:54:00:64:00:02'/>\n"
    "      <source bridge='br0'/>\n"
    "      <virtualport type='openvswitch'>\n"
    "        <parameters interfaceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'/>\n"
    "      </virtualport>\n"
    "      <target dev='vnet3'/>\n"
    "    </interface>\n"
    "    <interface type='hostdev'><mac address='52:54:00:AB:00:03'/></interface>\n"
    "  </devices>\n"
    "</domain>\n";

static bool hear(const char *const *words, const char *xml, bool is_whole, struct fl_event *event)
{
    size_t n = 0;

    while (words[n])
        n++;
    *event = (struct fl_event){ .time_ms = 1767225600123 };
    return fl_event_of_libvirt(words, n, xml, strlen(xml), is_whole, event);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_json(const struct fl_event *event, const char *expected)
{
    _cleanup_json json_t *json = fl_event_to_json(event);
    _cleanup_free char *text = json_dumps(json, JSON_COMPACT);

    assert_string_equal(text, expected);
}

static void a_start_says_who_and_which_interfaces(void **state)
{
    struct fl_event event;

    (void)state;
    assert_true(hear(WORDS("vm2", "started", "begin", "-"), domain, true, &event));
    assert_json(&event,
                "{\"schema\":\"flowlift/event/1\",\"time\":\"2026-01-01T00:00:00.123Z\","
                "\"source\":\"libvirt\",\"what\":\"start\",\"vm\":\"vm2\",\"uuid\":\"" UUID "\","
                "\"reason\":null,\"complete\":true,\"interfaces\":["
                "{\"mac\":\"52:54:00:64:00:02\",\"target\":\"vnet3\","
                "\"interface_id\":\"09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f\"},"
                "{\"mac\":\"52:54:00:ab:00:03\",\"target\":null,\"interface_id\":null}]}");
}

static void each_operation_has_its_event_or_none(void **state)
{
    static const struct {
        const char *operation, *suboperation, *extra, *what, *reason;
    } calls[] = {
        { "prepare", "begin", "-", NULL, NULL },
        { "start", "begin", "-", NULL, NULL },
        { "started", "begin", "-", "start", "" },
        { "stopped", "end", "-", "stop", "" },
        { "release", "end", "-", "stop", "" },
        { "release", "end", "from snapshot", "stop", "from snapshot" },
        { "migrate", "begin", "-", "incoming", "" },
        { "restore", "begin", "-", NULL, NULL },
        { "reconnect", "begin", "-", "reconnect", "" },
        { "attach", "begin", "-", "attach", "" },
        { "started", "end", "-", NULL, NULL },
        { "explode", "begin", "-", NULL, NULL },
        { "", "", "", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct fl_event event;
        bool heard = hear(WORDS("vm2", calls[i].operation, calls[i].suboperation, calls[i].extra),
                          domain, true, &event);

        assert_int_equal(heard, calls[i].what != NULL);
        if (heard) {
            assert_string_equal(fl_event_what_name(event.what), calls[i].what);
            assert_string_equal(event.reason, calls[i].reason);
        }
    }
}

static void words_that_are_missing_make_no_event(void **state)
{
    struct fl_event event = { 0 };
    const char *words[] = { "vm2", "started", "begin" };

    (void)state;
    for (size_t n = 0; n < 3; n++)
        assert_false(fl_event_of_libvirt(words, n, NULL, 0, true, &event));
    assert_true(fl_event_of_libvirt(words, 3, NULL, 0, true, &event));
    assert_string_equal(event.vm, "vm2");
    assert_false(event.complete);
}

/* The event stays, and says that it is not complete. */
static void assert_refused(const char *xml)
{
    struct fl_event event;

    assert_true(hear(WORDS("vm2", "started", "begin", "-"), xml, true, &event));
    if (event.uuid[0] || event.n_interfaces || event.complete)
        fail_msg("was believed: %.200s", xml);
    assert_string_equal(event.vm, "vm2");
}

static void xml_that_is_refused_says_nothing(void **state)
{
    char deep[2048] = HEAD;

    (void)state;
    assert_refused("");
    assert_refused("no XML");
    assert_refused("<network><name>n</name><uuid>" UUID "</uuid></network>");
    assert_refused(HEAD "<devices></domain>");
    assert_refused(HEAD "</domain><domain/>");
    assert_refused(HEAD "<x>\xff</x></domain>");
    assert_refused(HEAD "<x>&nothing;</x></domain>");
    assert_refused("<!DOCTYPE domain>" HEAD "</domain>");
    assert_refused("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>" HEAD "</domain>");
    assert_refused("<!DOCTYPE domain [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>"
                   "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;'>]>" HEAD "<x>&c;&c;&c;&c;</x></domain>");
    for (int i = 0; i < 64; i++)
        strcat(deep, "<x>");
    strcat(deep, "<empty/>");
    for (int i = 0; i < 64; i++)
        strcat(deep, "</x>");
    strcat(deep, "</domain>");
    assert_refused(deep);
}

static void xml_that_is_cut_off_counts_as_far_as_it_goes(void **state)
{
    struct fl_event event;

    (void)state;
    assert_true(hear(WORDS("vm2", "started", "begin", "-"),
                     HEAD "<devices><interface><target dev='vnet1'/></interface><interf", false,
                     &event));
    assert_string_equal(event.uuid, UUID);
    assert_int_equal(event.n_interfaces, 1);
    assert_string_equal(event.interfaces[0].target, "vnet1");
    assert_false(event.complete);
}

static void more_than_the_limit_is_not_read(void **state)
{
    const size_t n = FL_LIMIT_DOMAIN_XML_BYTES + 100;
    _cleanup_free char *xml = malloc(n + 1);
    struct fl_event event = { 0 };
    size_t start = strlen(HEAD "<!--");

    (void)state;
    memset(xml, ' ', n);
    memcpy(xml, HEAD "<!--", start);
    strcpy(xml + n - 12, "--></domain>");
    assert_int_equal(fl_domain_xml_read(xml, n, true, &event), 0);
    assert_string_equal(event.uuid, UUID);
    assert_string_equal(event.vm, "vm2");
    assert_false(event.complete);
}

static void too_many_interfaces_are_left_out(void **state)
{
    const size_t n = FL_LIMIT_EVENT_INTERFACES + 1;
    _cleanup_free char *xml = malloc(100 * n + 1000);
    struct fl_event event;
    char *end = xml + sprintf(xml, HEAD "<devices>");

    (void)state;
    for (size_t i = 0; i < n; i++)
        end += sprintf(end, "<interface><target dev='vnet%zu'/></interface>", i);
    strcpy(end, "</devices></domain>");
    assert_true(hear(WORDS("vm2", "started", "begin", "-"), xml, true, &event));
    assert_int_equal(event.n_interfaces, FL_LIMIT_EVENT_INTERFACES);
    assert_string_equal(event.interfaces[FL_LIMIT_EVENT_INTERFACES - 1].target, "vnet63");
    assert_false(event.complete);
}

static void names_are_kept_as_they_are_or_not_at_all(void **state)
{
    static const struct {
        const char *name;
        bool kept;
    } names[] = {
        { "../../etc/passwd", true }, { "a\nb\x01\x1b[31m", true },
        { "--root=/evil", true },     { "$(reboot)`id`", true },
        { "n\xc3\xa4me", true },      { "\xff\xfe", false },
        { "cut\xc3", false },         { "", false },
    };
    char longest[FL_LIMIT_NAME_BYTES + 2];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fl_event event;

        assert_true(hear(WORDS(names[i].name, "stopped", "end", "-"), "", true, &event));
        assert_string_equal(event.vm, names[i].kept ? names[i].name : "");
    }
    memset(longest, 'x', sizeof longest);
    longest[FL_LIMIT_NAME_BYTES] = '\0';
    for (int one_more = 0; one_more < 2; one_more++) {
        struct fl_event event;

        assert_true(hear(WORDS(longest, "stopped", "end", "-"), "", true, &event));
        assert_string_equal(event.vm, one_more ? "" : longest);
        longest[FL_LIMIT_NAME_BYTES] = one_more ? '\0' : 'x';
        longest[FL_LIMIT_NAME_BYTES + 1] = '\0';
    }
}

static void the_name_of_the_xml_stands_in_for_a_missing_one(void **state)
{
    struct fl_event event;

    (void)state;
    assert_true(hear(WORDS("-", "started", "begin", "-"), domain, true, &event));
    assert_string_equal(event.vm, "vm2");
    assert_true(hear(WORDS("vm3", "started", "begin", "-"), domain, true, &event));
    assert_string_equal(event.vm, "vm3");
}

static void attributes_that_cannot_be_meant_are_left_out(void **state)
{
    static const char *const odd[] = {
        "<target dev='../../x'/>", "<target dev='sixteen-letters-'/>", "<target dev='..'/>",
        "<target dev='a&#10;b'/>", "<mac address='52:54:00:64:00'/>",  "<mac address='x'/>",
        "<mac address=''/>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct fl_event event;
        char xml[1024];

        snprintf(xml, sizeof xml, HEAD "<devices><interface>%s</interface></devices></domain>",
                 odd[i]);
        assert_true(hear(WORDS("vm2", "started", "begin", "-"), xml, true, &event));
        assert_int_equal(event.n_interfaces, 1);
        assert_string_equal(event.interfaces[0].mac, "");
        assert_string_equal(event.interfaces[0].target, "");
        assert_false(event.complete);
    }
}

static void json_gives_the_same_event_back(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_event event, again;
    json_t *json;

    (void)state;
    assert_true(hear(WORDS("a/\n\x01", "release", "end", "crashed"), domain, true, &event));
    json = fl_event_to_json(&event);
    memset(&again, 0xff, sizeof again);
    if (fl_event_from_json(json, &again, &err))
        fail_msg("%s", err.text);
    json_decref(json);
    json = fl_event_to_json(&again);
    {
        _cleanup_json json_t *expected = fl_event_to_json(&event);

        assert_true(json_equal(json, expected));
    }
    json_decref(json);
}

/* @key becomes @value, or is taken away. */
static void assert_json_refused(const char *key, json_t *value, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_event event;
    _cleanup_json json_t *json = NULL;

    assert_true(hear(WORDS("vm2", "started", "begin", "-"), domain, true, &event));
    json = fl_event_to_json(&event);
    if (value)
        json_object_set_new(json, key, value);
    else
        json_object_del(json, key);
    assert_int_equal(fl_event_from_json(json, &event, &err), -EINVAL);
    assert_non_null(strstr(err.text, sentence));
}

static void json_of_others_is_checked(void **state)
{
    json_t *many = json_array();

    (void)state;
    for (unsigned int i = 0; i <= FL_LIMIT_EVENT_INTERFACES; i++)
        json_array_append_new(many, json_object());
    assert_json_refused("schema", NULL, "schema");
    assert_json_refused("schema", json_string("flowlift/plan/1"), "schema");
    assert_json_refused("time", json_string("yesterday"), "time");
    assert_json_refused("what", json_string("explode"), "what");
    assert_json_refused("what", json_integer(1), "what");
    assert_json_refused("vm", json_array(), "vm");
    assert_json_refused("uuid", json_string("0123456789012345678901234567890123456"), "uuid");
    assert_json_refused("complete", json_integer(1), "complete");
    assert_json_refused("interfaces", many, "interfaces");
    assert_json_refused("interfaces", json_pack("[i]", 1), "interfaces[0]");
    assert_json_refused("interfaces", json_pack("[{s:s}]", "target", "sixteen-letters-"),
                        "interfaces[0].target");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_says_who_and_which_interfaces),
        cmocka_unit_test(each_operation_has_its_event_or_none),
        cmocka_unit_test(words_that_are_missing_make_no_event),
        cmocka_unit_test(xml_that_is_refused_says_nothing),
        cmocka_unit_test(xml_that_is_cut_off_counts_as_far_as_it_goes),
        cmocka_unit_test(more_than_the_limit_is_not_read),
        cmocka_unit_test(too_many_interfaces_are_left_out),
        cmocka_unit_test(names_are_kept_as_they_are_or_not_at_all),
        cmocka_unit_test(the_name_of_the_xml_stands_in_for_a_missing_one),
        cmocka_unit_test(attributes_that_cannot_be_meant_are_left_out),
        cmocka_unit_test(json_gives_the_same_event_back),
        cmocka_unit_test(json_of_others_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
