/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_html.h"

#include <string.h>

#include <ovs/util.h>

#include "cli/html.h"
#include "cli/report_chart.h"
#include "cli/report_fleet.h"
#include "cli/report_tables.h"
#include "flows/audit.h"
#include "lib/text.h"

/* Of one VM, and of each of many. */
#define CHAINS_OF_VM   12u
#define CHAINS_OF_MANY 2u
#define WORDS_SHOWN    320u

/* Nothing is loaded, and nothing runs. */
#define POLICY "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

struct page {
    struct ds *out;
    const json_t *document;
    bool of_vm;
    bool of_fleet;
    unsigned int level; /* of the headings of a VM's parts */
    unsigned int n_charts;
};

static void begin_section(struct page *page, const char *title)
{
    ds_put_format(page->out, "<section><h%u>%s</h%u>", page->level, title, page->level);
}

static void end_section(struct page *page)
{
    ds_put_cstr(page->out, "</section>");
}

static void put_words(struct ds *out, const char *class_, const json_t *object, const char *key)
{
    ds_put_format(out, "<p class=\"%s\">", class_);
    fl_html_clipped(out, fl_text_at(object, key), WORDS_SHOWN);
    ds_put_cstr(out, "</p>");
}

static void put_head(struct page *page)
{
    struct ds *out = page->out;
    const json_t *vm = json_array_get(json_object_get(page->document, "vms"), 0);

    ds_put_cstr(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"" POLICY "\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n"
                     "<link rel=\"icon\" href=\"data:,\">\n<title>");
    if (page->of_vm) {
        fl_html_clipped(out, fl_text_at(vm, "name"), FL_HTML_NAME);
        ds_put_cstr(out, ": ");
        fl_html_clipped(out, fl_text_at(json_object_get(vm, "now"), "verdict"), FL_HTML_NAME);
        ds_put_cstr(out, " on ");
    }
    if (page->of_fleet)
        ds_put_cstr(out, "Fleet");
    else
        fl_html_clipped(out, fl_text_at(page->document, "host"), FL_HTML_NAME);
    ds_put_format(out,
                  " \u2013 flowlift report</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
                  fl_report_style());
}

/* "flowlift report / node7 / 2026-... / ticket T-1" */
static void put_eyebrow(struct page *page)
{
    struct ds *out = page->out;

    ds_put_cstr(out, "<p class=\"eyebrow\"><span>flowlift report</span><span>");
    ds_put_cstr(out, page->of_fleet ? "made on " : "host ");
    fl_html_name(out, page->document, "host");
    ds_put_cstr(out, "</span><span>");
    fl_html_time(out, fl_text_at(page->document, "time"));
    ds_put_cstr(out, "</span>");
    if (*fl_text_at(page->document, "ticket")) {
        ds_put_cstr(out, "<span>ticket ");
        fl_html_name(out, page->document, "ticket");
        ds_put_cstr(out, "</span>");
    }
    ds_put_cstr(out, "</p>");
}

static json_t *packets_of(const json_t *entry)
{
    return json_object_get(json_object_get(entry, "storage"), "packets");
}

/* One of the large numbers: what share of its packets the NIC forwards. */
static void put_tile(struct ds *out, const char *title, const json_t *entry, const char *time)
{
    struct fl_report_counts counts = fl_report_counts(packets_of(entry));
    json_t *n = json_integer((json_int_t)MIN(counts.all, 9e18));

    ds_put_format(out, "<div class=\"tile\"><p class=\"when\">%s</p><p class=\"share\">", title);
    fl_html_share(out, json_object_get(entry, "hw_share"));
    ds_put_cstr(out, "</p>");
    fl_report_bar(out, packets_of(entry));
    ds_put_cstr(out, "<p class=\"of\">of ");
    fl_html_count(out, n);
    ds_put_cstr(out, " storage packets through the NIC</p><p class=\"at\">");
    fl_html_time(out, time);
    ds_put_cstr(out, "</p></div>");
    json_decref(n);
}

/* How many of the VMs beside it are well: what is possible on this host. */
static void put_peers_tile(struct ds *out, const json_t *peers)
{
    size_t n = 0, n_good = 0, i;
    const json_t *peer;

    json_array_foreach(peers, i, peer) {
        const char *verdict = fl_text_at(peer, "verdict");

        n += strcmp(verdict, "idle") != 0;
        n_good += !strcmp(verdict, "offloaded");
    }
    if (!n)
        return;
    ds_put_format(out,
                  "<div class=\"tile\"><p class=\"when\">Others on its host</p><p "
                  "class=\"share\">%zu of %zu</p><p class=\"of\">VMs with storage traffic have "
                  "it in the NIC</p></div>",
                  n_good, n);
}

static void put_shift(struct ds *out, const json_t *vm)
{
    const json_t *before = json_object_get(vm, "before");

    ds_put_cstr(out, "<div class=\"shift\">");
    if (json_is_object(before)) {
        put_tile(out, "Before", before, fl_text_at(vm, "before_time"));
        ds_put_cstr(out, "<span class=\"arrow\" aria-hidden=\"true\">\u2192</span>");
    }
    put_tile(out, "Now", json_object_get(vm, "now"), fl_text_at(vm, "time"));
    if (!json_is_object(before))
        put_peers_tile(out, json_object_get(vm, "peers"));
    ds_put_cstr(out, "</div>");
}

/* What a manager reads: why, what was done, what is next. */
static void put_brief(struct ds *out, const json_t *vm)
{
    const json_t *cause = json_array_get(json_object_get(vm, "causes"), 0);

    ds_put_cstr(out, "<dl class=\"brief\">");
    if (cause) {
        ds_put_cstr(out, "<div><dt>Cause</dt><dd>");
        fl_html_put(out, cause, "meaning");
        ds_put_cstr(out, " <span class=\"id\">");
        fl_html_put(out, cause, "id");
        ds_put_format(out, "</span>%s</dd></div>",
                      !strcmp(fl_text_at(vm, "causes_of"), "before")
                          ? " <span class=\"maybe\">before</span>"
                          : "");
    }
    ds_put_cstr(out, "<div><dt>Done</dt><dd>");
    fl_html_clipped(out, fl_text_at(vm, "done"), WORDS_SHOWN);
    ds_put_cstr(out, "</dd></div>");
    if (*fl_text_at(vm, "next")) {
        ds_put_cstr(out, "<div><dt>Next</dt><dd>on that host: <code>");
        fl_html_clipped(out, fl_text_at(vm, "next"), WORDS_SHOWN);
        ds_put_cstr(out, "</code></dd></div>");
    }
    ds_put_cstr(out, "</dl>");
}

/* What could not be read makes everything else less sure, so it stands at the top. */
static void put_warning(struct ds *out, const json_t *object, const char *key)
{
    if (!*fl_text_at(object, key))
        return;
    ds_put_cstr(out, "<p class=\"warning\"><strong>Incomplete:</strong> ");
    fl_html_put(out, object, key);
    ds_put_cstr(out, "</p>");
}

static void put_over_time(struct page *page, const json_t *points)
{
    /* One reading is in the tiles already. */
    if (json_array_size(points) < 2)
        return;
    begin_section(page, "Over time");
    fl_report_charts(page->out, points, page->n_charts++);
    fl_report_point_table(page->out, points);
    end_section(page);
}

static void put_cause(struct ds *out, const json_t *cause)
{
    const json_t *seen;
    size_t i;

    ds_put_cstr(out, "<article class=\"cause\"><p><span class=\"id\">");
    fl_html_put(out, cause, "id");
    ds_put_cstr(out, "</span>");
    if (!strcmp(fl_text_at(cause, "certainty"), "may-be"))
        ds_put_cstr(out, " <span class=\"maybe\">may be</span>");
    ds_put_cstr(out, "</p><p>");
    fl_html_put(out, cause, "meaning");
    ds_put_cstr(out, "</p><dl class=\"facts\">");
    json_array_foreach(json_object_get(cause, "evidence"), i, seen) {
        ds_put_cstr(out, "<div><dt>Seen</dt><dd><code>");
        fl_html_code(out, json_string_value(seen));
        ds_put_cstr(out, "</code></dd></div>");
    }
    ds_put_cstr(out, "<div><dt>Cure</dt><dd>");
    fl_html_put(out, cause, "cure");
    ds_put_cstr(out, "</dd></div></dl></article>");
}

/* "ct_state, tp_dst"; nothing where there are none */
static void put_difference(struct ds *out, const char *what, const json_t *names)
{
    const json_t *name;
    size_t i;

    if (!json_array_size(names))
        return;
    ds_put_format(out, "<div><dt>%s</dt><dd><code>", what);
    json_array_foreach(names, i, name) {
        ds_put_cstr(out, i ? ", " : "");
        fl_html_text(out, json_string_value(name));
    }
    ds_put_cstr(out, "</code></dd></div>");
}

static void put_differences(struct ds *out, const json_t *differences)
{
    const json_t *difference;
    size_t i;

    json_array_foreach(differences, i, difference) {
        bool is_from = !strcmp(fl_text_at(difference, "direction"), "from-vm");

        ds_put_format(out, "<article class=\"cause\"><p>Packets %s the VM, beside those of ",
                      is_from ? "from" : "to");
        fl_html_name(out, json_object_get(difference, "beside"), "vm");
        ds_put_cstr(out, ", which are in the NIC</p><dl class=\"facts\">");
        put_difference(out, "Only it matches", json_object_get(difference, "only_fields"));
        put_difference(out, "Only it does", json_object_get(difference, "only_actions"));
        ds_put_cstr(out, "</dl></article>");
    }
}

static void put_why(struct page *page, const json_t *vm)
{
    const json_t *causes = json_object_get(vm, "causes"), *cause;
    bool was = !strcmp(fl_text_at(vm, "causes_of"), "before");
    size_t i;

    if (!json_array_size(causes))
        return;
    begin_section(page, was ? "Why it was in software" : "Why");
    json_array_foreach(causes, i, cause)
        put_cause(page->out, cause);
    put_differences(page->out, json_object_get(vm, "differences"));
    end_section(page);
}

static void put_rule(struct ds *out, const json_t *rule)
{
    bool is_from = !strcmp(fl_text_at(rule, "direction"), "from-vm");

    ds_put_format(out, "<li><p><strong>%s the VM</strong>, bridge ", is_from ? "From" : "To");
    fl_html_name(out, rule, "bridge");
    ds_put_cstr(out, ". ");
    fl_html_put(out, rule, "words");
    ds_put_cstr(out, "</p><code>");
    fl_html_code(out, fl_text_at(rule, "text"));
    ds_put_cstr(out, "</code></li>");
}

static void put_rules(struct ds *out, const json_t *rules)
{
    const json_t *rule;
    size_t i;

    ds_put_cstr(out, "<ol class=\"rules\">");
    json_array_foreach(rules, i, rule) {
        /* They are there for a second. */
        if (!json_is_true(json_object_get(rule, "decoy")))
            put_rule(out, rule);
    }
    ds_put_cstr(out, "</ol>");
}

static void put_proof_fact(struct ds *out, const char *name, const json_t *number)
{
    ds_put_format(out, "<div><dt>%s</dt><dd>", name);
    fl_html_count(out, number);
    ds_put_cstr(out, "</dd></div>");
}

/* A relaxation or an exception: what it is, and a packet to try. */
static void put_allowance(struct ds *out, const char *name, const json_t *object, const char *key,
                          const char *id)
{
    ds_put_format(out, "<div><dt>%s</dt><dd>", name);
    if (*id) {
        ds_put_cstr(out, "<span class=\"id\">");
        fl_html_text(out, id);
        ds_put_cstr(out, "</span> ");
    }
    fl_html_put(out, object, key);
    if (*fl_text_at(object, "example")) {
        ds_put_cstr(out, ", such as <code>");
        fl_html_code(out, fl_text_at(object, "example"));
        ds_put_cstr(out, "</code>");
    }
    ds_put_cstr(out, "</dd></div>");
}

static void put_proof(struct page *page, const json_t *remedy)
{
    const json_t *allowance;
    struct ds *out = page->out;
    size_t i;

    begin_section(page, "Proof");
    ds_put_cstr(out,
                "<p>Open vSwitch itself (ofproto/trace) was asked what the pipeline without these "
                "rules does with every packet that they can match. Each fares as before, but for "
                "what is listed here.</p><dl class=\"facts\">");
    put_proof_fact(out, "Regions covered", json_object_get(remedy, "regions"));
    put_proof_fact(out, "Traces", json_object_get(remedy, "traces"));
    put_proof_fact(out, "Milliseconds", json_object_get(remedy, "proof_ms"));
    json_array_foreach(json_object_get(remedy, "relaxations"), i, allowance)
        put_allowance(out, "Relaxation", allowance, "meaning", fl_text_at(allowance, "id"));
    json_array_foreach(json_object_get(remedy, "exceptions"), i, allowance)
        put_allowance(out, "Excepted", allowance, "why", "");
    ds_put_cstr(out, "</dl>");
    end_section(page);
}

/* Or a version, until which a remedy may stand, too. */
static void put_time_fact(struct ds *out, const char *name, const char *time)
{
    if (!*time)
        return;
    ds_put_format(out, "<div><dt>%s</dt><dd>", name);
    fl_html_time(out, time);
    ds_put_cstr(out, "</dd></div>");
}

static void put_remedy(struct page *page, const json_t *vm)
{
    static const struct {
        const char *name, *key;
    } facts[] = { { "State", "state" },
                  { "Reason", "reason" },
                  { "By", "who" },
                  { "Ticket", "ticket" },
                  { "Cookie", "cookie" } };
    const json_t *remedy = json_object_get(vm, "remedy");

    if (!json_is_object(remedy))
        return;
    begin_section(page, "Remedy");
    ds_put_cstr(page->out, "<dl class=\"facts\">");
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
        if (!*fl_text_at(remedy, facts[i].key))
            continue;
        ds_put_format(page->out, "<div><dt>%s</dt><dd>", facts[i].name);
        fl_html_put(page->out, remedy, facts[i].key);
        ds_put_cstr(page->out, "</dd></div>");
    }
    put_time_fact(page->out, "Changed", fl_text_at(remedy, "changed"));
    put_time_fact(page->out, "Until", fl_text_at(remedy, "until"));
    put_time_fact(page->out, "To be confirmed by", fl_text_at(remedy, "confirm_by"));
    ds_put_cstr(page->out, "</dl>");
    put_rules(page->out, json_object_get(remedy, "rules"));
    end_section(page);
    put_proof(page, remedy);
}

static void put_flows(struct page *page, const json_t *vm, size_t most)
{
    if (!json_array_size(json_object_get(vm, "chains")))
        return;
    begin_section(page, "Where its storage packets go");
    fl_report_chains(page->out, vm, most);
    end_section(page);
}

static void put_journal(struct page *page, const json_t *vm)
{
    if (!json_array_size(json_object_get(vm, "journal")))
        return;
    begin_section(page, "Journal");
    fl_report_journal_table(page->out, json_object_get(vm, "journal"));
    end_section(page);
}

/* All that is told of a VM below its heading and its brief. */
static void put_details(struct page *page, const json_t *vm)
{
    put_over_time(page, json_object_get(vm, "points"));
    put_why(page, vm);
    put_remedy(page, vm);
    put_flows(page, vm, page->of_vm ? CHAINS_OF_VM : CHAINS_OF_MANY);
    if (json_array_size(json_object_get(vm, "peers"))) {
        begin_section(page, "Beside other VMs");
        fl_report_peer_table(page->out, json_object_get(vm, "now"), json_object_get(vm, "peers"));
        end_section(page);
    }
    put_journal(page, vm);
}

static void put_vm_page(struct page *page)
{
    const json_t *vm = json_array_get(json_object_get(page->document, "vms"), 0);
    struct ds *out = page->out;

    ds_put_cstr(out, "<header>");
    put_eyebrow(page);
    ds_put_cstr(out, "<h1>");
    fl_html_name(out, vm, "name");
    ds_put_cstr(out, " ");
    fl_report_verdict(out, fl_text_at(json_object_get(vm, "now"), "verdict"));
    ds_put_cstr(out, "</h1>");
    put_words(out, "words", page->document, "words");
    put_warning(out, page->document, "incomplete");
    put_warning(out, vm, "unread");
    ds_put_cstr(out, "</header>");
    put_shift(out, vm);
    put_brief(out, vm);
    page->level = 2;
    put_details(page, vm);
}

/* How many VMs have which verdict. */
static void put_counts(struct ds *out, const json_t *summary)
{
    ds_put_cstr(out, "<ul class=\"counts\">");
    for (enum fl_verdict i = FL_VERDICT_STRANDED; i <= FL_VERDICT_OFFLOADED; i++) {
        const json_t *n = json_object_get(summary, fl_verdict_name(i));

        ds_put_format(out, "<li%s><span class=\"share\">",
                      json_integer_value(n) > 0 ? "" : " class=\"zero\"");
        fl_html_count(out, n);
        ds_put_cstr(out, "</span> ");
        fl_report_verdict(out, fl_verdict_name(i));
        ds_put_cstr(out, "</li>");
    }
    ds_put_cstr(out, "</ul>");
}

/* One of the VMs of a host or a fleet that there is something to tell of. */
static void put_told_vm(struct page *page, const json_t *vm, bool with_host)
{
    struct ds *out = page->out;

    ds_put_cstr(out, "<article class=\"vm\"><h2>");
    fl_html_name(out, vm, "name");
    if (with_host) {
        ds_put_cstr(out, " on ");
        fl_html_name(out, vm, "host");
    }
    ds_put_cstr(out, " ");
    fl_report_verdict(out, fl_text_at(json_object_get(vm, "now"), "verdict"));
    ds_put_cstr(out, "</h2>");
    put_words(out, "lead", vm, "words");
    put_warning(out, vm, "unread");
    put_shift(out, vm);
    put_brief(out, vm);
    page->level = 3;
    put_details(page, vm);
    ds_put_cstr(out, "</article>");
}

static void put_host_causes(struct page *page, const json_t *hosts)
{
    const json_t *host, *cause;
    size_t i, j;

    json_array_foreach(hosts, i, host) {
        if (!json_array_size(json_object_get(host, "causes")))
            continue;
        ds_put_cstr(page->out, "<section><h2>What holds for all of host ");
        fl_html_name(page->out, host, "host");
        ds_put_cstr(page->out, "</h2>");
        json_array_foreach(json_object_get(host, "causes"), j, cause)
            put_cause(page->out, cause);
        end_section(page);
    }
}

static void put_list_page(struct page *page)
{
    const json_t *vms = json_object_get(page->document, "vms"), *vm;
    bool with_host = json_array_size(json_object_get(page->document, "hosts")) > 1;
    struct ds *out = page->out;
    size_t i;

    ds_put_cstr(out, "<header>");
    put_eyebrow(page);
    ds_put_cstr(out, "<h1>");
    fl_html_name(out, page->document, "host");
    ds_put_cstr(out, "</h1>");
    put_words(out, "words", page->document, "words");
    put_warning(out, page->document, "incomplete");
    ds_put_cstr(out, "</header>");
    put_counts(out, json_object_get(page->document, "summary"));
    put_host_causes(page, json_object_get(page->document, "hosts"));
    page->level = 2;
    begin_section(page, "VMs");
    fl_report_vm_table(out, vms, with_host);
    end_section(page);
    put_over_time(page, json_object_get(page->document, "points"));
    json_array_foreach(vms, i, vm) {
        if (json_is_true(json_object_get(vm, "told")))
            put_told_vm(page, vm, with_host);
    }
}

static void put_fleet_page(struct page *page)
{
    struct ds *out = page->out;
    const json_t *summary = json_object_get(page->document, "summary");

    ds_put_cstr(out, "<header>");
    put_eyebrow(page);
    ds_put_cstr(out, "<h1>Fleet</h1>");
    put_words(out, "words", page->document, "words");
    ds_put_cstr(out, "</header>");
    put_counts(out, json_object_get(summary, "vms"));
    fl_report_fleet(out, page->document);
}

static void put_hosts(struct page *page)
{
    const json_t *hosts = json_object_get(page->document, "hosts"), *host;
    size_t i;

    if (!json_array_size(hosts))
        return;
    page->level = 2;
    begin_section(page, json_array_size(hosts) > 1 ? "Hosts" : "Host");
    json_array_foreach(hosts, i, host)
        fl_report_host_facts(page->out, host);
    end_section(page);
}

static void put_foot(struct page *page)
{
    ds_put_cstr(page->out,
                "<footer><p>A verdict is made from packets counted in a window, never from "
                "a flag: a flow that is said to be offloaded and whose packets a CPU "
                "forwards is not in the NIC. Made by flowlift ");
    fl_html_put(page->out, page->document, "flowlift");
    ds_put_format(page->out,
                  " from the document that <code>flowlift %sreport --json</code> "
                  "prints.</p></footer>\n</main>\n</body>\n</html>\n",
                  page->of_fleet ? "fleet " : "");
}

void fl_report_html(const json_t *document, struct ds *out)
{
    struct page page = {
        .out = out,
        .document = document,
        .of_vm = !strcmp(fl_text_at(document, "of"), "vm"),
        .of_fleet = !strcmp(fl_text_at(document, "of"), "audits"),
    };

    put_head(&page);
    if (page.of_vm)
        put_vm_page(&page);
    else if (page.of_fleet)
        put_fleet_page(&page);
    else
        put_list_page(&page);
    if (!page.of_fleet)
        put_hosts(&page);
    put_foot(&page);
}
