/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "cli/audit_view.h"
#include "cli/human.h"
#include "cli/options.h"
#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/audit_prometheus.h"
#include "lib/base/clock.h"
#include "lib/text.h"

/* What the verb answers: an audit, of one VM or of all. */
struct answer {
    const struct fl_request *request;
    const struct fl_audit *audit;
    json_t *doubts;                 /* Of stage one, or NULL; borrowed. */
    const struct fl_vm_audit *only; /* NULL: all */
    int64_t window_ms;
};

static bool is_shown(const struct answer *answer, size_t i)
{
    return !answer->only || answer->only == &answer->audit->vms[i];
}

static void print_metrics(const struct answer *answer, struct fl_output *out)
{
    _cleanup_json json_t *document = fl_audit_document(answer->audit, answer->only, answer->doubts);
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_audit_prometheus(document, &text);
    fputs(ds_cstr(&text), out->stream);
    ds_destroy(&text);
}

static void print_json(const struct answer *answer, struct fl_output *out)
{
    fl_output_json(out, fl_audit_document(answer->audit, answer->only, answer->doubts));
}

/*
 * Each line stands for itself: it has the host and the time too. A host without VMs says so in one line, which
 * nobody takes for an audit that failed.
 */
static void print_json_lines(const struct answer *answer, struct fl_output *out)
{
    if (!answer->audit->n_vms)
        fl_output_json_line(out, fl_audit_document(answer->audit, NULL, answer->doubts));
    for (size_t i = 0; i < answer->audit->n_vms; i++) {
        _cleanup_json json_t *vm = NULL;
        json_t *line;

        if (!is_shown(answer, i))
            continue;
        line = fl_audit_document_head(answer->audit);
        vm = fl_vm_audit_to_json(&answer->audit->vms[i]);
        json_object_update_missing(line, vm);
        fl_output_json_line(out, line);
    }
}

static void print_table(const struct answer *answer, struct fl_output *out)
{
    struct fl_table *table = fl_vm_table_create(answer->audit->snapshot);

    for (size_t i = 0; i < answer->audit->n_vms; i++) {
        if (is_shown(answer, i))
            fl_vm_table_row(table, &answer->audit->vms[i], answer->window_ms);
    }
    fl_table_print(table, out);
    fl_table_destroy(table);
}

/* "4 VMs: 1 stranded, 3 offloaded; host node1, window 5 s, 2026-..." */
static void print_summary(const struct answer *answer, struct fl_output *out)
{
    const struct fl_snapshot *snapshot = answer->audit->snapshot;
    _cleanup_json json_t *summary = fl_summary_json(answer->audit, answer->only);
    const char *host = fl_snapshot_host(snapshot);
    const char *noun = fl_snapshot_inventory(snapshot) ? "VM" : "port";
    json_int_t n = json_integer_value(json_object_get(summary, "vms"));
    char text[FL_TIME_TEXT_BYTES], window[FL_HUMAN_BYTES];
    const char *key, *separator = ": ";
    json_t *count;

    fl_output_printf(out, "%" JSON_INTEGER_FORMAT " %s%s", n, noun, n == 1 ? "" : "s");
    json_object_foreach(summary, key, count) {
        if (strcmp(key, "vms") && json_integer_value(count)) {
            fl_output_printf(out, "%s%" JSON_INTEGER_FORMAT " %s", separator,
                             json_integer_value(count), key);
            separator = ", ";
        }
    }
    if (*host && strcmp(host, "unknown"))
        fl_output_printf(out, "; host %s", host);
    if (answer->audit->n_vms && answer->audit->vms[0].by_ports)
        fl_output_printf(out, "; judged by the ports' counters");
    if (answer->window_ms)
        fl_output_printf(out, "; window %s", fl_human_duration(answer->window_ms, window));
    else
        fl_output_printf(out, "; counted over the flows' lifetime");
    if (fl_snapshot_time_ms(snapshot))
        fl_output_printf(out, "; %.19sZ", fl_time_format(fl_snapshot_time_ms(snapshot), text));
    fl_output_printf(out, "\n");
}

static void print_host_causes(const struct answer *answer, struct fl_output *out)
{
    for (size_t i = 0; i < answer->audit->n_host_causes; i++) {
        const struct fl_cause *cause = &answer->audit->host_causes[i];
        const struct fl_cause_info *info = fl_cause_info(cause->id);

        fl_output_styled(out, FL_STYLE_BAD, "host: ");
        fl_output_paragraph(out, 6, 6, info->meaning);
        fl_output_printf(out, "      seen: ");
        fl_output_paragraph(out, 12, 12, cause->detail);
        fl_output_printf(out, "      cure: ");
        fl_output_paragraph(out, 12, 12, info->cure);
    }
}

/* One line: it is no VM's verdict. */
static void print_orphans(const struct answer *answer, struct fl_output *out)
{
    uint64_t n = fl_snapshot_n_orphans(answer->audit->snapshot);
    const struct fl_snapshot_orphan *orphans;
    _cleanup_free char *sentence = NULL;
    size_t n_listed;

    if (!n)
        return;
    orphans = fl_snapshot_orphans(answer->audit->snapshot, &n_listed);
    sentence = xasprintf("%" PRIu64
                         " TC filter%s no megaflow behind %s; of the first, %s. flowlift "
                         "doctor says what to do, flowlift flows shows %s",
                         n, n == 1 ? " has" : "s have", n == 1 ? "it" : "them", orphans[0].reason,
                         n == 1 ? "it" : "them");
    fl_output_styled(out, FL_STYLE_ODD, "orphans: ");
    fl_output_paragraph(out, 9, 9, sentence);
}

/* Where no cause says why the verdict is not good, its reason has to. */
static bool needs_reason(const struct answer *answer, size_t i)
{
    const struct fl_vm_audit *vm = &answer->audit->vms[i];

    return is_shown(answer, i) && !vm->n_causes && vm->reason && !fl_verdict_is_well(vm->verdict);
}

static bool has_same_reason(const struct answer *answer, size_t i, size_t j)
{
    return needs_reason(answer, j) &&
           !strcmp(answer->audit->vms[i].reason, answer->audit->vms[j].reason);
}

/* "vm1 and 3 more: the path of ... is not known": each reason once. */
static void print_reason(const struct answer *answer, size_t i, struct fl_output *out)
{
    const struct fl_vm_audit *vm = &answer->audit->vms[i];
    _cleanup_free char *name = fl_text_clean(vm->name);
    _cleanup_free char *sentence = NULL;
    size_t n_more = 0;

    for (size_t j = 0; j < i; j++) {
        if (has_same_reason(answer, i, j))
            return;
    }
    for (size_t j = i + 1; j < answer->audit->n_vms; j++)
        n_more += has_same_reason(answer, i, j);
    sentence = n_more ? xasprintf("and %zu more: %s", n_more, vm->reason) : xstrdup(vm->reason);
    fl_output_styled(out, fl_verdict_style(vm->verdict), "%s%s ", name, n_more ? "" : ":");
    fl_output_paragraph(out, (unsigned int)fl_text_width(name) + (n_more ? 1 : 2), 2, sentence);
}

/* What to do about the worst of those shown; NULL when there is nothing to do. */
static char *next_step(const struct answer *answer)
{
    const struct fl_vm_audit *worst = answer->only;

    if (!answer->audit->n_vms)
        return answer->request->n_from ? NULL : fl_request_again(answer->request, "doctor", NULL);
    if (!worst)
        worst = &answer->audit->vms[0];
    if (worst->scope == FL_SCOPE_HOST && !answer->request->n_from)
        return fl_request_again(answer->request, "doctor", NULL);
    if (fl_verdict_is_well(worst->verdict))
        return NULL;
    return fl_request_again(answer->request, "explain", worst->name);
}

static void print_text(const struct answer *answer, struct fl_output *out)
{
    _cleanup_free char *next = next_step(answer);

    if (answer->audit->n_vms) {
        print_table(answer, out);
        fl_output_printf(out, "\n");
    }
    print_summary(answer, out);
    print_host_causes(answer, out);
    for (size_t i = 0; i < answer->audit->n_vms; i++) {
        if (needs_reason(answer, i))
            print_reason(answer, i, out);
    }
    print_orphans(answer, out);
    if (next)
        fl_output_styled(out, FL_STYLE_BOLD, "next: %s\n", next);
    else if (answer->audit->n_vms && !fl_snapshot_n_orphans(answer->audit->snapshot))
        fl_output_printf(out, "nothing to do\n");
    if (answer->audit->incomplete) {
        fl_output_styled(out, FL_STYLE_UNSURE, "incomplete: ");
        fl_output_paragraph(out, 12, 12, answer->audit->incomplete);
    }
}

static void print(const struct answer *answer, struct fl_output *out)
{
    switch (answer->request->format) {
    case FL_FORMAT_JSON: print_json(answer, out); break;
    case FL_FORMAT_JSONL: print_json_lines(answer, out); break;
    case FL_FORMAT_PROM: print_metrics(answer, out); break;
    case FL_FORMAT_TABLE:
    case FL_FORMAT_MD:
    case FL_N_FORMATS:
    default: print_text(answer, out); break;
    }
}

int fl_verb_audit(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_reading reading;
    struct answer answer = { .request = request };
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_reading_open(request, -1, FL_KEEP_STORAGE, 0, &reading, err)) {
        answer.audit = reading.audit;
        answer.doubts = reading.host.doubts;
        answer.window_ms = fl_snapshot_window_ms(reading.snapshot);
        if (request->argument)
            answer.only = fl_reading_vm(&reading, request->argument, err);
        if (!request->argument || answer.only) {
            print(&answer, out);
            exit_code = fl_reading_exit_code(&reading, answer.only);
        }
    }
    fl_reading_close(&reading);
    return exit_code;
}
