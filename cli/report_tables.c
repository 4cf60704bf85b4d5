/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_tables.h"

#include <string.h>

#include <ovs/util.h>

#include "cli/html.h"
#include "cli/html_table.h"
#include "cli/report_chart.h"
#include "flows/audit.h"
#include "lib/audit_document.h"
#include "lib/text.h"

#define POINTS_SHOWN 32u
#define CAUSES_SHOWN 4u

/* Only words that there are become a class. */
void fl_report_verdict(struct ds *out, const char *verdict)
{
    enum fl_verdict known = FL_VERDICT_UNKNOWN;

    fl_verdict_from_name(verdict, &known);
    ds_put_format(out, "<span class=\"verdict v-%s\">", fl_verdict_name(known));
    fl_html_clipped(out, *verdict ? verdict : "unknown", FL_HTML_NAME);
    ds_put_cstr(out, "</span>");
}

static void put_sum(struct ds *out, const json_t *counts, bool software_only, bool of_bytes)
{
    json_t *sum = json_is_object(counts)
                      ? json_integer(fl_audit_document_sum(counts, software_only))
                      : json_null();

    if (of_bytes)
        fl_html_bytes(out, sum);
    else
        fl_html_count(out, sum);
    json_decref(sum);
}

void fl_report_cause_ids(struct ds *out, const json_t *causes)
{
    const json_t *cause;
    size_t i;

    if (!json_array_size(causes))
        ds_put_cstr(out, FL_HTML_ABSENT);
    json_array_foreach(causes, i, cause) {
        const char *id = json_is_object(cause) ? fl_text_at(cause, "id") : json_string_value(cause);

        if (i == CAUSES_SHOWN)
            break;
        ds_put_cstr(out, i ? ", " : "");
        fl_html_clipped(out, id, FL_HTML_NAME);
    }
}

/* The cells that an audit entry fills: verdict, share, packets in hardware and in software, bytes, causes. */
static void put_entry_cells(struct ds *out, const json_t *entry, bool is_first)
{
    const json_t *storage = json_object_get(entry, "storage");
    const json_t *packets = json_object_get(storage, "packets");

    fl_html_cell(out, "Verdict", "v", is_first);
    fl_report_verdict(out, fl_text_at(entry, "verdict"));
    fl_html_cell(out, "In the NIC", "n", false);
    fl_html_share(out, json_object_get(entry, "hw_share"));
    fl_html_cell(out, "Packets, NIC", "n", false);
    fl_html_count(out, json_object_get(packets, "hw"));
    fl_html_cell(out, "Packets, software", "n", false);
    put_sum(out, packets, true, false);
    fl_html_cell(out, "Bytes", "n", false);
    put_sum(out, json_object_get(storage, "bytes"), false, true);
    fl_html_cell(out, "Cause", "c", false);
    fl_report_cause_ids(out, json_object_get(entry, "causes"));
    fl_html_row_end(out);
}

static void begin_vm_table(struct ds *out, const char *caption, bool with_host)
{
    static const char *const columns[] = {
        "VM",    "Host",  "Verdict", "In the NIC", "Packets, NIC", "Packets, software",
        "Bytes", "Cause", NULL,
    };
    const char *shown[ARRAY_SIZE(columns)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        if (with_host || i != 1)
            shown[n++] = columns[i];
    }
    fl_html_table_begin(out, "cards vms", caption, shown);
}

/* @host: NULL where all are of one. */
static void put_entry_row(struct ds *out, const json_t *named, const char *name_key,
                          const char *host, const json_t *entry)
{
    fl_html_row_begin(out, "VM");
    fl_html_name(out, named, name_key);
    if (host) {
        fl_html_cell(out, "Host", "h", true);
        fl_html_clipped(out, host, FL_HTML_NAME);
    }
    put_entry_cells(out, entry, !host);
}

void fl_report_vm_table(struct ds *out, const json_t *vms, bool with_host)
{
    const json_t *vm;
    size_t i;

    begin_vm_table(out, "All VMs, the worst first", with_host);
    json_array_foreach(vms, i, vm)
        put_entry_row(out, vm, "name", with_host ? fl_text_at(vm, "host") : NULL,
                      json_object_get(vm, "now"));
    fl_html_table_end(out);
}

void fl_report_peer_table(struct ds *out, const json_t *now, const json_t *peers)
{
    const json_t *peer;
    size_t i;

    begin_vm_table(out, "This VM and others on its host", false);
    put_entry_row(out, now, "name", NULL, now);
    json_array_foreach(peers, i, peer)
        put_entry_row(out, peer, "name", NULL, peer);
    fl_html_table_end(out);
}

static const char *source_words(const json_t *point)
{
    const char *by = fl_text_at(point, "by"), *step = fl_text_at(point, "step");

    if (!strcmp(by, "journal"))
        return !strcmp(step, "before") ? "journal, before" : "journal, after";
    return !strcmp(by, "capture") ? "capture" : "sample";
}

static void put_point_row(struct ds *out, const json_t *point)
{
    const json_t *packets = json_object_get(point, "packets");

    fl_html_row_begin(out, "Time");
    fl_html_time(out, fl_text_at(point, "time"));
    ds_put_format(out, " <span class=\"by\">%s</span>", source_words(point));
    fl_html_cell(out, "In the NIC", "n", true);
    fl_html_share(out, json_object_get(point, "hw_share"));
    fl_html_cell(out, "Packets, NIC", "n", false);
    fl_html_count(out, json_object_get(packets, "hw"));
    fl_html_cell(out, "Packets, software", "n", false);
    put_sum(out, packets, true, false);
    fl_html_cell(out, "Bytes", "n", false);
    put_sum(out, json_object_get(point, "bytes"), false, true);
    fl_html_row_end(out);
}

void fl_report_point_table(struct ds *out, const json_t *points)
{
    static const char *const columns[] = { "Time",         "In the NIC",
                                           "Packets, NIC", "Packets, software",
                                           "Bytes",        NULL };
    size_t n = json_array_size(points);

    fl_html_table_begin(out, "tight points", "Storage traffic of each reading", columns);
    for (size_t i = n - MIN(n, POINTS_SHOWN); i < n; i++)
        put_point_row(out, json_array_get(points, i));
    fl_html_table_end(out);
}

void fl_report_journal_table(struct ds *out, const json_t *journal)
{
    static const char *const columns[] = {
        "Time", "Step", "State", "Who", "Ticket", "Reason", NULL
    };
    static const char *const keys[] = { "step", "state", "who", "ticket", "reason" };
    const json_t *line;
    size_t i;

    fl_html_table_begin(out, "cards journal", "What was done, the newest last", columns);
    json_array_foreach(journal, i, line) {
        fl_html_row_begin(out, "Time");
        fl_html_time(out, fl_text_at(line, "time"));
        for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
            fl_html_cell(out, columns[j + 1], "", j == 0);
            fl_html_put_or(out, line, keys[j], FL_HTML_ABSENT);
        }
        fl_html_row_end(out);
    }
    fl_html_table_end(out);
}

/* A pair of a list of facts; nothing for what is not known. */
static void put_fact(struct ds *out, const char *name, const json_t *object, const char *key)
{
    if (!*fl_text_at(object, key))
        return;
    ds_put_format(out, "<div><dt>%s</dt><dd>", name);
    fl_html_put(out, object, key);
    ds_put_cstr(out, "</dd></div>");
}

static void put_nic(struct ds *out, const json_t *nic)
{
    const char *firmware = fl_text_at(nic, "firmware"), *bridge = fl_text_at(nic, "bridge");

    ds_put_cstr(out, "<div><dt>NIC ");
    fl_html_name(out, nic, "name");
    ds_put_cstr(out, "</dt><dd>");
    fl_html_put_or(out, nic, "driver", "driver not known");
    if (*firmware) {
        ds_put_cstr(out, ", firmware ");
        fl_html_text(out, firmware);
    }
    if (*bridge) {
        ds_put_cstr(out, ", on bridge ");
        fl_html_text(out, bridge);
    }
    ds_put_cstr(out, "</dd></div>");
}

void fl_report_host_facts(struct ds *out, const json_t *host)
{
    static const struct {
        const char *name, *key;
    } facts[] = {
        { "Host", "host" },
        { "Open vSwitch", "ovs_version" },
        { "DPDK", "dpdk_version" },
        { "Datapath", "datapath" },
        { "hw-offload", "hw_offload" },
        { "tc-policy", "tc_policy" },
        { "Kernel", "kernel" },
        { "flowlift", "flowlift" },
        { "Incomplete", "incomplete" },
    };
    const json_t *nic;
    size_t i;

    ds_put_cstr(out, "<dl class=\"facts wide\">");
    for (i = 0; i < ARRAY_SIZE(facts); i++)
        put_fact(out, facts[i].name, host, facts[i].key);
    json_array_foreach(json_object_get(host, "nics"), i, nic)
        put_nic(out, nic);
    ds_put_cstr(out, "<div><dt>Read</dt><dd>");
    fl_html_time(out, fl_text_at(host, "time"));
    ds_put_cstr(out, "</dd></div></dl>");
}

/* Of a flow or a chain: "dp-sw". */
static void put_path(struct ds *out, const json_t *object)
{
    const char *name = fl_text_at(object, "path");
    enum fl_path path = FL_PATH_UNKNOWN;

    fl_path_from_name(name, &path);
    ds_put_format(out, "<span class=\"path\"><span class=\"key p-%s\"></span>",
                  path < FL_REPORT_PATHS ? fl_path_key(path) : "other");
    fl_html_clipped(out, name, FL_HTML_NAME);
    ds_put_cstr(out, "</span>");
}

static void put_link(struct ds *out, const json_t *link)
{
    ds_put_cstr(out, "<li>");
    put_path(out, link);
    ds_put_cstr(out, "<code>");
    fl_html_code(out,
                 *fl_text_at(link, "match_words") ? fl_text_at(link, "match_words") : "any packet");
    ds_put_cstr(out, "</code><code class=\"does\"><span aria-label=\"does\">\u2192</span> ");
    fl_html_code(out, *fl_text_at(link, "actions") ? fl_text_at(link, "actions") : "drop");
    ds_put_cstr(out, "</code>");
    if (json_array_size(json_object_get(link, "causes"))) {
        ds_put_cstr(out, "<p class=\"causes-of\">");
        fl_report_cause_ids(out, json_object_get(link, "causes"));
        ds_put_cstr(out, "</p>");
    }
    ds_put_cstr(out, "</li>");
}

static void put_chain(struct ds *out, const json_t *chain)
{
    const json_t *vlan = json_object_get(chain, "vlan"), *link;
    bool is_from = !strcmp(fl_text_at(chain, "direction"), "from-vm");
    size_t i;

    ds_put_format(out, "<article class=\"chain\"><p class=\"chain-head\">%s the VM",
                  is_from ? "From" : "To");
    if (json_integer_value(vlan) > 0)
        ds_put_format(out, ", VLAN %" JSON_INTEGER_FORMAT, json_integer_value(vlan));
    ds_put_cstr(out, ": ");
    fl_html_count(out, json_object_get(chain, "packets"));
    ds_put_cstr(out, " packets, ");
    fl_html_bytes(out, json_object_get(chain, "bytes"));
    if (json_is_true(json_object_get(chain, "drops")))
        ds_put_cstr(out, ", dropped");
    if (!strcmp(fl_text_at(chain, "storage"), "maybe"))
        ds_put_cstr(out, " (some of it may be other traffic)");
    ds_put_cstr(out, " ");
    put_path(out, chain);
    ds_put_cstr(out, "</p><ol>");
    json_array_foreach(json_object_get(chain, "links"), i, link)
        put_link(out, link);
    ds_put_cstr(out, "</ol></article>");
}

void fl_report_chains(struct ds *out, const json_t *vm, size_t most)
{
    const json_t *chains = json_object_get(vm, "chains"), *chain;
    json_int_t n = json_integer_value(json_object_get(vm, "n_chains"));
    size_t i, shown = MIN(most, json_array_size(chains));

    json_array_foreach(chains, i, chain) {
        if (i == shown)
            break;
        put_chain(out, chain);
    }
    if (n > 0 && (size_t)n > shown)
        ds_put_format(out,
                      "<p class=\"more\">and %" JSON_INTEGER_FORMAT " more, with fewer "
                      "packets</p>",
                      n - (json_int_t)shown);
}
