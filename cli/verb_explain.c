/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/asked_view.h"
#include "cli/audit_view.h"
#include "cli/chain_view.h"
#include "cli/heard_view.h"
#include "cli/options.h"
#include "cli/origin_view.h"
#include "cli/ovn_view.h"
#include "cli/peer_view.h"
#include "cli/progress.h"
#include "cli/why_view.h"
#include "flows/cleanup.h"
#include "lib/ask.h"
#include "lib/audit_document.h"
#include "lib/doctor_facts.h"
#include "lib/hear.h"
#include "lib/text.h"
#include "lib/vm_connections.h"

/* The worst of each, the rest is counted. JSON has them all. */
#define CHAINS_SHOWN 4u
#define PEERS_SHOWN  5u

struct story {
    const struct fl_request *request;
    const struct fl_reading *reading;
    const struct fl_vm_audit *vm;
    int64_t window_ms;
    struct fl_asked_all asked; /* Of a probe. */
    bool listened;
    struct fl_extacks heard;
    struct fl_error deaf; /* Why nothing could be heard. */
    struct fl_why why;
    struct fl_origin origins[2];
    size_t n_origins;
    struct fl_error untold; /* Why there are no origins, of a probe. */
    struct fl_ovn ovn;
};

/* The kernel and its devices are read on the host itself only, and when there is something to explain. */
static void find_why(struct story *story)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(story->reading->snapshot);
    const struct fl_host host = fl_request_host(story->request);
    const char *datapath = inv ? fl_inventory_datapath_type(inv) : NULL;
    struct fl_kernel_facts facts;
    bool is_read = !story->request->n_from && fl_verdict_is_bad(story->vm->verdict) && datapath &&
                   strcmp(datapath, "netdev");

    if (is_read)
        fl_kernel_facts_read_setup(&facts);
    if (story->request->probe)
        fl_ask_nic(&host, story->reading->audit, story->vm, is_read ? &facts : NULL, &story->asked);
    fl_why_of_vm(story->reading->audit, story->vm, is_read ? &facts : NULL, &story->asked,
                 &story->why);
    if (is_read)
        fl_kernel_facts_destroy(&facts);
}

/* To what is put into the kernel meanwhile, whatever VM it is of. */
static void hear(struct story *story)
{
    const struct fl_host host = fl_request_host(story->request);

    if (!story->request->listen_ms || !fl_verdict_is_bad(story->vm->verdict))
        return;
    story->listened = true;
    fl_progress_line("listening to the kernel", NULL);
    if (!fl_hear(&host, fl_snapshot_inventory(story->reading->snapshot), story->request->listen_ms,
                 &story->heard, &story->deaf))
        fl_why_hear(&story->why, &story->heard);
    fl_progress_end();
}

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

/* The busiest chain in software of each direction. */
static void find_origins(struct story *story)
{
    const struct fl_host host = fl_request_host(story->request);
    const struct fl_vm_audit *vm = story->vm;
    const bool is_explained = fl_why_is_sure(&story->why);

    for (enum fl_direction direction = FL_FROM_VM; direction <= FL_TO_VM; direction++) {
        const struct fl_peer *peer = NULL;
        struct svec fields = SVEC_EMPTY_INITIALIZER;
        const struct fl_finding *finding = fl_peer_busiest(vm, direction);

        for (size_t i = 0; i < story->why.n_peers; i++) {
            if (story->why.peers[i].direction == direction)
                peer = &story->why.peers[i];
        }
        if (finding &&
            !fl_origin_find(&host, story->reading->audit, &story->reading->config.storage, finding,
                            peer ? &peer->only_fields : &fields, &story->origins[story->n_origins],
                            &story->untold)) {
            struct fl_cause cause;

            if (fl_origin_cause(&story->origins[story->n_origins++], &cause)) {
                /* A match that outlived its reason need not be what the NIC minds. */
                cause.may_be = is_explained;
                fl_why_add(&story->why, &cause, 1);
            }
        }
    }
    fl_ovn_find(&host, fl_snapshot_inventory(story->reading->snapshot), story->origins,
                story->n_origins, &story->ovn);
}

static json_t *origins_json(const struct story *story)
{
    json_t *array;

    if (!story->request->probe)
        return json_null();
    array = json_array();
    for (size_t i = 0; i < story->n_origins; i++)
        json_array_append_new(array, fl_origin_json(&story->origins[i], &story->ovn));
    return array;
}

static void print_origins(const struct story *story, struct fl_output *out)
{
    for (size_t i = 0; i < story->n_origins; i++)
        fl_origin_print(&story->origins[i], &story->ovn, out);
    fl_ovn_print(&story->ovn, out);
    if (story->untold.code) {
        fl_output_styled(out, FL_STYLE_UNSURE, "\nnot traced: ");
        fl_output_paragraph(out, 12, 12, story->untold.text);
    }
}

/* What conntrack says of the VM's storage connections, or NULL where there is nothing to say; free() */
static char *connections_text(const struct story *story)
{
    const struct fl_host host = fl_request_host(story->request);
    struct fl_vm_connections counts;
    struct fl_error err = FL_ERROR_INIT;
    int error;

    if (story->request->n_from || !fl_verdict_is_bad(story->vm->verdict))
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
    json_object_set_new(document, "causes", fl_why_json(&story->why));
    json_object_set_new(document, "host_causes",
                        fl_causes_json(audit->host_causes, audit->n_host_causes));
    json_object_set_new(document, "differences",
                        fl_peers_json(story->why.peers, story->why.n_peers));
    json_object_set_new(document, "nic",
                        story->request->probe ? fl_asked_json(&story->asked) : json_null());
    json_object_set_new(document, "heard",
                        story->listened ? fl_heard_json(&story->heard, &story->deaf) : json_null());
    json_object_set_new(document, "openflow", origins_json(story));
    json_object_set_new(document, "ovn", fl_ovn_json(&story->ovn));
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
    fl_why_print(story->reading->audit, &story->why, out);
    fl_peers_print(story->why.peers, story->why.n_peers, out);
    fl_asked_print(&story->asked, out);
    if (story->listened)
        fl_heard_print(&story->heard, &story->deaf, out);
    print_origins(story, out);
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

    if ((request->probe || request->listen_ms) && request->n_from) {
        fl_error_set(err, -EINVAL, "--%s the host itself, and --from is not the host",
                     request->probe ? "probe asks" : "listen listens to");
        return FL_EXIT_TROUBLE;
    }
    if (!fl_reading_open(request, -1, FL_KEEP_STORAGE, FL_DECODE_KEEP_PARTS, &reading, err)) {
        story.window_ms = fl_snapshot_window_ms(reading.snapshot);
        story.vm = fl_reading_vm(&reading, request->argument, err);
        if (story.vm) {
            find_why(&story);
            hear(&story);
            if (request->probe)
                find_origins(&story);
            if (request->format == FL_FORMAT_JSON)
                print_json(&story, out);
            else
                print_text(&story, out);
            for (size_t i = 0; i < story.n_origins; i++)
                fl_origin_destroy(&story.origins[i]);
            fl_ovn_destroy(&story.ovn);
            fl_why_destroy(&story.why);
            free(story.asked.flows);
            exit_code = fl_reading_exit_code(&reading, story.vm);
        }
    }
    fl_reading_close(&reading);
    return exit_code;
}
