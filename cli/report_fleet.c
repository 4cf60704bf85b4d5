/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_fleet.h"

#include <string.h>

#include <ovs/util.h>

#include "cli/fleet_view.h"
#include "cli/html.h"
#include "cli/html_table.h"
#include "cli/report_tables.h"
#include "lib/base/clock.h"
#include "lib/text.h"

/* A sentence of what is wrong with a host. */
#define TROUBLE_SHOWN 160u

static void begin_section(struct ds *out, const char *title)
{
    ds_put_format(out, "<section><h2>%s</h2>", title);
}

static void end_section(struct ds *out)
{
    ds_put_cstr(out, "</section>");
}

static void put_more(struct ds *out, json_int_t n, const char *noun)
{
    if (n > 0)
        ds_put_format(out,
                      "<p class=\"more\">and %" JSON_INTEGER_FORMAT
                      " more %s%s (<code>-n 0</code> for all)</p>",
                      n, noun, n == 1 ? "" : "s");
}

static void put_name_or_dash(struct ds *out, const json_t *object, const char *key)
{
    if (*fl_text_at(object, key))
        fl_html_name(out, object, key);
    else
        ds_put_cstr(out, FL_HTML_ABSENT);
}

/* "mlx5e_rep 22.31.1014" */
static void put_nic(struct ds *out, const json_t *nic)
{
    put_name_or_dash(out, nic, "driver");
    if (*fl_text_at(nic, "firmware")) {
        ds_put_char(out, ' ');
        fl_html_name(out, nic, "firmware");
    }
}

static json_int_t count_all(const json_t *by_verdict)
{
    json_int_t n = 0;

    for (enum fl_verdict i = FL_VERDICT_STRANDED; i <= FL_VERDICT_OFFLOADED; i++)
        n += MAX(0, json_integer_value(json_object_get(by_verdict, fl_verdict_name(i))));
    return n;
}

/* ---- Patterns ---- */

static void put_pattern(struct ds *out, const json_t *pattern)
{
    fl_html_row_begin(out, "Cause");
    put_name_or_dash(out, pattern, "cause");
    fl_html_cell(out, "NIC", "h", true);
    put_nic(out, json_object_get(pattern, "nic"));
    fl_html_cell(out, "Stranded", "n", false);
    fl_html_count(out, json_object_get(pattern, "stranded"));
    fl_html_cell(out, "On hosts", "n", false);
    fl_html_count(out, json_object_get(pattern, "hosts"));
    fl_html_cell(out, "Of all VMs with it", "n", false);
    fl_html_count(out, json_object_get(pattern, "vms_alike"));
    fl_html_row_end(out);
}

static void put_patterns(struct ds *out, const json_t *document)
{
    static const char *const columns[] = {
        "Cause", "NIC", "Stranded", "On hosts", "Of all VMs with it", NULL
    };
    const json_t *patterns = json_object_get(document, "patterns"), *pattern;
    size_t i;

    if (!json_array_size(patterns))
        return;
    begin_section(out, "What they have in common");
    fl_html_table_begin(out, "cards vms patterns",
                        "Stranded VMs by cause and by the NIC behind them", columns);
    json_array_foreach(patterns, i, pattern)
        put_pattern(out, pattern);
    fl_html_table_end(out);
    put_more(out, json_integer_value(json_object_get(document, "n_patterns_left_out")), "pattern");
    end_section(out);
}

/* ---- VMs ---- */

/* "unknown (was stranded)": of a host that is not heard. */
static void put_verdict(struct ds *out, const json_t *vm)
{
    const char *said = fl_text_at(vm, "said");

    fl_report_verdict(out, fl_text_at(vm, "verdict"));
    if (*said && strcmp(said, fl_text_at(vm, "verdict"))) {
        ds_put_cstr(out, " <span class=\"by\">was ");
        fl_html_clipped(out, said, FL_HTML_NAME);
        ds_put_cstr(out, "</span>");
    }
}

static void put_vm(struct ds *out, const json_t *vm, bool with_remedy)
{
    const json_t *window_ms = json_object_get(vm, "window_ms");

    fl_html_row_begin(out, "VM");
    fl_html_name(out, vm, "name");
    fl_html_cell(out, "Host", "h", true);
    fl_html_name(out, vm, "host");
    fl_html_cell(out, "Verdict", "v", false);
    put_verdict(out, vm);
    fl_html_cell(out, "In the NIC", "n", false);
    fl_html_share(out, json_object_get(vm, "hw_share"));
    fl_html_cell(out, "Software, packets/s", "n", false);
    fl_html_rate(out, json_object_get(json_object_get(vm, "packets"), "sw"), window_ms, false);
    fl_html_cell(out, "Software, bytes/s", "n", false);
    fl_html_rate(out, json_object_get(json_object_get(vm, "bytes"), "sw"), window_ms, true);
    fl_html_cell(out, "NIC", "h", false);
    put_nic(out, json_object_get(vm, "nic"));
    if (with_remedy) {
        fl_html_cell(out, "Remedy", "c", false);
        put_name_or_dash(out, vm, "remedy");
    }
    fl_html_cell(out, "Cause", "c", false);
    fl_report_cause_ids(out, json_object_get(vm, "causes"));
    fl_html_row_end(out);
}

/* Files of audits do not say it. */
static bool has_remedies(const json_t *vms)
{
    const json_t *vm;
    size_t i;

    json_array_foreach(vms, i, vm) {
        if (*fl_text_at(vm, "remedy"))
            return true;
    }
    return false;
}

#define VM_COLUMNS \
    "VM", "Host", "Verdict", "In the NIC", "Software, packets/s", "Software, bytes/s", "NIC"

static void put_vms(struct ds *out, const json_t *document)
{
    static const char *const plain[] = { VM_COLUMNS, "Cause", NULL };
    static const char *const with[] = { VM_COLUMNS, "Remedy", "Cause", NULL };
    const json_t *vms = json_object_get(document, "vms"), *vm;
    const json_t *counts = json_object_get(json_object_get(document, "summary"), "vms");
    json_int_t n_left_out = json_integer_value(json_object_get(document, "n_vms_left_out"));
    json_int_t n_unlisted = count_all(counts) - n_left_out - (json_int_t)json_array_size(vms);
    bool with_remedy = has_remedies(vms);
    size_t i;

    begin_section(out, "VMs");
    fl_html_table_begin(out, "cards vms fleet", "VMs of all hosts, the worst first",
                        with_remedy ? with : plain);
    json_array_foreach(vms, i, vm)
        put_vm(out, vm, with_remedy);
    fl_html_table_end(out);
    put_more(out, n_left_out, "VM");
    if (n_unlisted > 0)
        ds_put_format(out,
                      "<p class=\"more\">%" JSON_INTEGER_FORMAT " VM%s only counted: their hosts "
                      "say that nothing is wrong with %s</p>",
                      n_unlisted, n_unlisted == 1 ? " is" : "s are",
                      n_unlisted == 1 ? "it" : "them");
    end_section(out);
}

/* ---- Hosts ---- */

/* As text for people has it. */
static void put_heard(struct ds *out, const json_t *document, const json_t *host)
{
    int64_t now_ms = 0, time_ms = 0;
    char text[FL_FLEET_HEARD_BYTES];
    enum fl_fleet_state state = FL_FLEET_HEARD;

    for (enum fl_fleet_state i = 0; i < FL_FLEET_N_STATES; i++) {
        if (!strcmp(fl_text_at(host, "state"), fl_fleet_state_name(i)))
            state = i;
    }
    if (!fl_time_parse(fl_text_at(document, "time"), &now_ms) ||
        !fl_time_parse(fl_text_at(host, "time"), &time_ms))
        state = FL_FLEET_NEVER;
    fl_html_text(out, fl_fleet_heard(state, now_ms - time_ms, text));
}

static void put_host_count(struct ds *out, const char *label, json_t *n)
{
    fl_html_cell(out, label, "n", false);
    fl_html_count(out, n);
    json_decref(n);
}

static void put_host(struct ds *out, const json_t *document, const json_t *host)
{
    const json_t *vms = json_object_get(host, "vms"), *nic = json_object_get(host, "nic");

    fl_html_row_begin(out, "Host");
    fl_html_name(out, host, "name");
    fl_html_cell(out, "Heard", "h", true);
    put_heard(out, document, host);
    put_host_count(out, "VMs", json_integer(count_all(vms)));
    put_host_count(out, "Stranded", json_incref(json_object_get(vms, "stranded")));
    put_host_count(out, "Leaking", json_incref(json_object_get(vms, "leaking")));
    put_host_count(out, "Unknown", json_incref(json_object_get(vms, "unknown")));
    fl_html_cell(out, "Open vSwitch", "h", false);
    put_name_or_dash(out, host, "ovs_version");
    fl_html_cell(out, "flowlift", "h", false);
    put_name_or_dash(out, host, "flowlift_version");
    fl_html_cell(out, "NIC", "h", false);
    if (json_is_null(nic))
        ds_put_cstr(out, "several");
    else
        put_nic(out, nic);
    fl_html_cell(out, "Trouble", "c", false);
    if (*fl_text_at(host, "trouble"))
        fl_html_clipped(out, fl_text_at(host, "trouble"), TROUBLE_SHOWN);
    else
        ds_put_cstr(out, FL_HTML_ABSENT);
    fl_html_row_end(out);
}

static void put_hosts(struct ds *out, const json_t *document)
{
    static const char *const columns[] = {
        "Host",         "Heard",    "VMs", "Stranded", "Leaking", "Unknown",
        "Open vSwitch", "flowlift", "NIC", "Trouble",  NULL,
    };
    const json_t *hosts = json_object_get(document, "hosts"), *host;
    size_t i;

    begin_section(out, "Hosts");
    fl_html_table_begin(out, "cards vms hosts", "Hosts, the worst first", columns);
    json_array_foreach(hosts, i, host)
        put_host(out, document, host);
    fl_html_table_end(out);
    put_more(out, json_integer_value(json_object_get(document, "n_hosts_left_out")), "host");
    end_section(out);
}

/* ---- What is not known ---- */

static void put_not_heard(struct ds *out, const json_t *document)
{
    const json_t *hosts = json_object_get(document, "not_heard"), *host;
    json_int_t n = json_integer_value(json_object_get(document, "n_not_heard"));
    size_t i;

    if (!json_array_size(hosts))
        return;
    begin_section(out, "Not heard");
    ds_put_cstr(out, "<p class=\"lead\">How these are now nobody knows, so their VMs count as "
                     "unknown.</p><dl class=\"facts wide silent\">");
    json_array_foreach(hosts, i, host) {
        ds_put_cstr(out, "<div><dt>");
        fl_html_name(out, host, "name");
        ds_put_cstr(out, "</dt><dd>");
        put_heard(out, document, host);
        ds_put_cstr(out, "</dd></div>");
    }
    ds_put_cstr(out, "</dl>");
    put_more(out, n - (json_int_t)json_array_size(hosts), "host");
    end_section(out);
}

static void put_unread(struct ds *out, const json_t *document)
{
    const json_t *places = json_object_get(document, "unread"), *place;
    json_int_t n = json_integer_value(json_object_get(document, "n_unread"));
    size_t i;

    if (!json_array_size(places))
        return;
    begin_section(out, "Not read");
    ds_put_cstr(out, "<dl class=\"facts unread\">");
    json_array_foreach(places, i, place) {
        json_int_t line = json_integer_value(json_object_get(place, "line"));

        ds_put_cstr(out, "<div><dt>");
        fl_html_name(out, place, "file");
        if (line > 0)
            ds_put_format(out, ", line %" JSON_INTEGER_FORMAT, line);
        ds_put_cstr(out, "</dt><dd>");
        fl_html_clipped(out, fl_text_at(place, "reason"), TROUBLE_SHOWN);
        ds_put_cstr(out, "</dd></div>");
    }
    ds_put_cstr(out, "</dl>");
    if (n > (json_int_t)json_array_size(places))
        ds_put_format(out, "<p class=\"more\">and %" JSON_INTEGER_FORMAT " more</p>",
                      n - (json_int_t)json_array_size(places));
    end_section(out);
}

void fl_report_fleet(struct ds *out, const json_t *document)
{
    put_not_heard(out, document);
    put_patterns(out, document);
    put_vms(out, document);
    put_hosts(out, document);
    put_unread(out, document);
}
