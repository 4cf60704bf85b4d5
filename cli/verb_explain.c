/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/chain_view.h"
#include "cli/options.h"
#include "cli/text.h"
#include "flows/cleanup.h"
#include "lib/vm_connections.h"

/* The worst of each, the rest is counted. JSON has them all. */
#define CHAINS_SHOWN  4u
#define PEERS_SHOWN   5u
#define DETAILS_SHOWN 3u
/* Chains that are searched for different evidence, most packets first. */
#define CHAINS_SEARCHED 1000u

struct story {
    const struct fl_request *request;
    const struct fl_reading *reading;
    const struct fl_vm_audit *vm;
    int64_t window_ms;
};

static bool is_in_software(const struct fl_finding *finding)
{
    return finding->chain->path != FL_PATH_HW;
}

static size_t n_in_software(const struct fl_vm_audit *vm)
{
    size_t n = 0;

    for (size_t i = 0; i < vm->n_findings; i++)
        n += is_in_software(&vm->findings[i]);
    return n;
}

/* Packets that came to the VM's storage chains and were dropped there: no verdict counts these. */
static uint64_t dropped_packets(const struct fl_vm_audit *vm)
{
    uint64_t n = 0;

    for (size_t i = 0; i < vm->n_findings; i++) {
        if (vm->findings[i].chain->drops)
            n += vm->findings[i].chain->packets;
    }
    return n;
}

/* Different things that the VM's chains show for one cause. */
struct evidence {
    char details[DETAILS_SHOWN][sizeof((struct fl_cause *)0)->detail];
    size_t n;
};

static void add_detail(struct evidence *evidence, const char *detail)
{
    if (!*detail || evidence->n == DETAILS_SHOWN)
        return;
    for (size_t i = 0; i < evidence->n; i++) {
        if (!strcmp(evidence->details[i], detail))
            return;
    }
    ovs_strlcpy(evidence->details[evidence->n++], detail, sizeof evidence->details[0]);
}

static void gather_evidence(const struct story *story, enum fl_cause_id id,
                            struct evidence *evidence)
{
    const struct fl_vm_audit *vm = story->vm;

    evidence->n = 0;
    for (size_t i = 0; i < MIN(vm->n_findings, CHAINS_SEARCHED); i++) {
        struct fl_cause causes[FL_MAX_CAUSES];
        size_t n = fl_finding_causes(story->reading->audit, &vm->findings[i], causes);

        for (size_t j = 0; j < n; j++) {
            if (causes[j].id == id)
                add_detail(evidence, causes[j].detail);
        }
    }
}

/* What conntrack says of the VM's storage connections, or NULL where there is nothing to say; free() */
static char *connections_text(const struct story *story)
{
    const struct fl_host host = fl_request_host(story->request);
    struct fl_vm_connections counts;
    struct fl_error err = FL_ERROR_INIT;
    int error;

    if (story->request->n_from ||
        (story->vm->verdict != FL_VERDICT_STRANDED && story->vm->verdict != FL_VERDICT_LEAKING))
        return NULL;
    error = fl_vm_connections_read(&host, story->vm, &story->reading->config.storage, &counts,
                                   &err);
    if (error)
        return err.code ? xstrdup(err.text) : NULL;
    return fl_vm_connections_text(&counts);
}

/* What to do next. */
static char *next_step(const struct story *story)
{
    switch (story->vm->verdict) {
    case FL_VERDICT_STRANDED:
    case FL_VERDICT_LEAKING:
        if (story->vm->scope == FL_SCOPE_HOST)
            return fl_request_again(story->request, "doctor", NULL);
        return fl_request_again(story->request, "plan", story->vm->name);
    case FL_VERDICT_UNKNOWN: return fl_request_again(story->request, "doctor", NULL);
    case FL_VERDICT_IDLE:
    case FL_VERDICT_OFFLOADED:
    default: return NULL;
    }
}

static json_t *causes_json(const struct story *story)
{
    json_t *causes = json_array();

    for (size_t i = 0; i < story->vm->n_causes; i++) {
        const struct fl_cause_info *info = fl_cause_info(story->vm->causes[i]);
        json_t *seen = json_array();
        struct evidence evidence;

        gather_evidence(story, story->vm->causes[i], &evidence);
        for (size_t j = 0; j < evidence.n; j++)
            json_array_append_new(seen, fl_text_json(evidence.details[j]));
        json_array_append_new(causes,
                              json_pack("{s:s, s:s, s:o, s:s}", "id", info->id, "meaning",
                                        info->meaning, "evidence", seen, "cure", info->cure));
    }
    return causes;
}

static void print_json(const struct story *story, struct fl_output *out)
{
    const struct fl_snapshot *snapshot = story->reading->snapshot;
    const struct fl_audit *audit = story->reading->audit;
    _cleanup_free char *next = next_step(story);
    _cleanup_free char *connections = connections_text(story);
    json_t *document = fl_document("explain", fl_snapshot_host(snapshot),
                                   fl_snapshot_time_ms(snapshot));
    json_t *chains = json_array(), *peers = json_array();

    for (size_t i = 0; i < story->vm->n_findings; i++)
        json_array_append_new(chains, fl_finding_json(story->reading, &story->vm->findings[i]));
    for (size_t i = 0; i < audit->n_vms; i++) {
        if (&audit->vms[i] != story->vm)
            json_array_append_new(peers, fl_vm_audit_to_json(&audit->vms[i]));
    }
    json_object_set_new(document, "window_ms", json_integer(story->window_ms));
    json_object_set_new(document, "incomplete", fl_text_json(audit->incomplete));
    json_object_set_new(document, "vm", fl_vm_audit_to_json(story->vm));
    json_object_set_new(document, "reason", fl_text_json(story->vm->reason));
    json_object_set_new(document, "causes", causes_json(story));
    json_object_set_new(document, "host_causes",
                        fl_causes_json(audit->host_causes, audit->n_host_causes));
    json_object_set_new(document, "dropped_packets", fl_count_json(dropped_packets(story->vm)));
    json_object_set_new(document, "conntrack", fl_text_json(connections));
    json_object_set_new(document, "chains", chains);
    json_object_set_new(document, "peers", peers);
    json_object_set_new(document, "next", fl_text_json(next));
    fl_output_json(out, document);
}

static void print_heading(const struct story *story, struct fl_output *out)
{
    const struct fl_vm_audit *vm = story->vm;
    const char *scope = fl_scope_name(vm->scope);

    fl_output_styled(out, FL_STYLE_BOLD, "%s", vm->name);
    fl_output_printf(out, " is ");
    fl_output_styled(out, fl_verdict_style(vm->verdict), "%s", fl_verdict_name(vm->verdict));
    if (scope)
        fl_output_printf(out, ", scope %s", scope);
    fl_output_printf(out, "\n");
    if (vm->reason)
        fl_output_paragraph(out, 0, 2, vm->reason);
}

/* The VM and, to compare with, its peers. */
static void print_peers(const struct story *story, struct fl_output *out)
{
    const struct fl_audit *audit = story->reading->audit;
    struct fl_table *table = fl_vm_table_create(audit->snapshot);
    size_t n = 0;

    fl_vm_table_row(table, story->vm, story->window_ms);
    /* From the best: they show what is possible on this host. */
    for (size_t i = audit->n_vms; i > 0 && n < PEERS_SHOWN; i--) {
        if (&audit->vms[i - 1] == story->vm)
            continue;
        fl_vm_table_row(table, &audit->vms[i - 1], story->window_ms);
        n++;
    }
    fl_output_printf(out, "\n");
    fl_table_print(table, out);
    fl_table_destroy(table);
    if (audit->n_vms > n + 1)
        fl_output_printf(out, "and %zu more\n", audit->n_vms - n - 1);
}

/* Without traffic every chain is worth a look; else those that nothing passed are only counted. */
static bool is_worth_showing(const struct fl_vm_audit *vm, const struct fl_finding *finding)
{
    return is_in_software(finding) && (finding->chain->packets || !vm->findings[0].chain->packets);
}

static void print_chains(const struct story *story, struct fl_output *out)
{
    const struct fl_vm_audit *vm = story->vm;
    size_t n_software = n_in_software(vm), n_hardware = vm->n_findings - n_software;
    size_t n = 0;

    if (!vm->n_findings)
        return;
    fl_output_styled(out, FL_STYLE_BOLD, "\nWhere its storage packets go\n");
    for (size_t i = 0; i < vm->n_findings && n < CHAINS_SHOWN; i++) {
        if (is_worth_showing(vm, &vm->findings[i]))
            fl_finding_print(story->reading, &vm->findings[i], ++n, out);
    }
    if (n_software > n)
        fl_output_printf(out, "  %s%zu %schain%s in software; --json lists all\n", n ? "and " : "",
                         n_software - n, n ? "more " : "", n_software - n == 1 ? "" : "s");
    if (n_hardware)
        fl_output_printf(out, "  %s%zu chain%s in hardware\n", n_software ? "besides, " : "",
                         n_hardware, n_hardware == 1 ? "" : "s");
}

static void print_cause(struct fl_output *out, const struct fl_cause_info *info,
                        const struct evidence *evidence)
{
    fl_output_printf(out, "  ");
    fl_output_styled(out, FL_STYLE_ODD, "%s", info->id);
    fl_output_printf(out, "\n");
    fl_output_paragraph(out, 0, 4, info->meaning);
    for (size_t i = 0; i < evidence->n; i++) {
        fl_output_printf(out, "    seen: ");
        fl_output_paragraph(out, 10, 10, evidence->details[i]);
    }
    fl_output_printf(out, "    cure: ");
    fl_output_paragraph(out, 10, 10, info->cure);
}

static void print_causes(const struct story *story, struct fl_output *out)
{
    const struct fl_audit *audit = story->reading->audit;
    struct evidence evidence;

    if (!story->vm->n_causes && !audit->n_host_causes)
        return;
    fl_output_styled(out, FL_STYLE_BOLD, "\nWhy\n");
    for (size_t i = 0; i < audit->n_host_causes; i++) {
        evidence.n = 0;
        add_detail(&evidence, audit->host_causes[i].detail);
        print_cause(out, fl_cause_info(audit->host_causes[i].id), &evidence);
    }
    for (size_t i = 0; i < story->vm->n_causes; i++) {
        const struct fl_cause_info *info = fl_cause_info(story->vm->causes[i]);

        if (info->by_host && audit->n_host_causes)
            continue;
        gather_evidence(story, story->vm->causes[i], &evidence);
        print_cause(out, info, &evidence);
    }
}

static void print_connections(const struct story *story, struct fl_output *out)
{
    _cleanup_free char *text = connections_text(story);

    if (!text)
        return;
    fl_output_styled(out, FL_STYLE_BOLD, "\nconntrack: ");
    fl_output_paragraph(out, 11, 11, text);
}

static void print_drops(const struct story *story, struct fl_output *out)
{
    uint64_t n = dropped_packets(story->vm);

    if (!n)
        return;
    fl_output_styled(out, FL_STYLE_BAD, "\ndropped: ");
    fl_output_printf(out, "the pipeline drops storage packets of this VM (%" PRIu64 " %s)\n", n,
                     story->window_ms ? "in the window" : "so far");
}

static void print_text(const struct story *story, struct fl_output *out)
{
    _cleanup_free char *next = next_step(story);

    print_heading(story, out);
    print_peers(story, out);
    print_chains(story, out);
    print_causes(story, out);
    print_connections(story, out);
    print_drops(story, out);
    if (next)
        fl_output_styled(out, FL_STYLE_BOLD, "\n%s: %s\n",
                         story->request->n_from ? "next, on that host" : "next", next);
    else if (!dropped_packets(story->vm))
        fl_output_printf(out, "\nnothing to do\n");
    if (story->reading->audit->incomplete) {
        fl_output_styled(out, FL_STYLE_UNSURE, "incomplete: ");
        fl_output_paragraph(out, 12, 12, story->reading->audit->incomplete);
    }
}

int fl_verb_explain(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_reading reading;
    struct story story = { .request = request, .reading = &reading };
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_reading_open(request, -1, FL_KEEP_STORAGE, FL_DECODE_KEEP_TEXT, &reading, err)) {
        story.window_ms = fl_snapshot_window_ms(reading.snapshot);
        story.vm = fl_reading_vm(&reading, request->argument, err);
        if (story.vm) {
            if (request->format == FL_FORMAT_JSON)
                print_json(&story, out);
            else
                print_text(&story, out);
            exit_code = fl_reading_exit_code(&reading, story.vm);
        }
    }
    fl_reading_close(&reading);
    return exit_code;
}
