/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fleet_view.h"

#include <inttypes.h>

#include <ovs/util.h>

#include "cli/report_words.h"
#include "cli/report_write.h"
#include "flows/cleanup.h"
#include "lib/document.h"
#include "lib/text.h"

/* A page of 100 VMs and 100 hosts has some 170 kB, and ten pages on paper. */
#define PAGE_LINES 100u

static json_t *size_json(size_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *nic_json(const struct fl_fleet_nic *nic)
{
    return json_pack("{s:o, s:o}", "driver", fl_text_json(nic->driver), "firmware",
                     fl_text_json(nic->firmware));
}

static json_t *verdicts_json(const size_t n_by_verdict[FL_FLEET_N_VERDICTS])
{
    json_t *json = json_object();

    for (enum fl_verdict i = 0; i < FL_FLEET_N_VERDICTS; i++)
        json_object_set_new(json, fl_verdict_name(i), size_json(n_by_verdict[i]));
    return json;
}

static json_t *summary_json(const struct fl_fleet_look *look)
{
    json_t *hosts = json_object();

    for (enum fl_fleet_state i = 0; i < FL_FLEET_N_STATES; i++)
        json_object_set_new(hosts, fl_fleet_state_name(i), size_json(look->n_by_state[i]));
    json_object_set_new(hosts, "incomplete", size_json(look->n_incomplete));
    return json_pack("{s:o, s:o}", "hosts", hosts, "vms", verdicts_json(look->n_by_verdict));
}

static json_t *host_json(const struct fl_fleet_host_line *line)
{
    const struct fl_fleet_host *host = line->host;

    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:f, s:o}", "name",
                     fl_text_json(host->name), "time", fl_time_json(host->time_ms), "state",
                     fl_fleet_state_name(host->state), "flowlift_version",
                     fl_text_json(host->flowlift_version), "ovs_version",
                     fl_text_json(host->ovs_version), "nic",
                     line->many_nics ? json_null() : nic_json(&line->nic), "vms",
                     verdicts_json(line->n_vms), "sw_bytes_per_second", line->sw_rate, "trouble",
                     fl_text_json(host->trouble));
}

static json_t *pattern_json(const struct fl_fleet_look *look,
                            const struct fl_fleet_pattern *pattern)
{
    json_t *n_alike = look->has_unlisted ? json_null() : size_json(pattern->n_alike);

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "cause", fl_text_json(pattern->cause), "nic",
                     nic_json(&pattern->nic), "stranded", size_json(pattern->n_stranded), "hosts",
                     size_json(pattern->n_hosts), "vms_alike", n_alike);
}

static json_t *causes_json(const struct fl_fleet_vm *vm)
{
    json_t *json = json_array();

    for (size_t i = 0; i < vm->n_causes; i++)
        json_array_append_new(json, fl_text_json(vm->causes[i]));
    return json;
}

/* Null where nothing was counted. */
static json_t *counts_json(const struct fl_fleet_vm *vm, uint64_t hw, uint64_t sw)
{
    if (!vm->has_counts)
        return json_null();
    return json_pack("{s:o, s:o}", "hw", fl_count_json(hw), "sw", fl_count_json(sw));
}

static json_t *vm_json(const struct fl_fleet_vm *vm)
{
    const char *scope = fl_scope_name(vm->scope);

    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:s?, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "name",
                     fl_text_json(vm->name), "id", fl_text_json(vm->id), "host",
                     fl_text_json(vm->host->name), "verdict", fl_verdict_name(fl_fleet_verdict(vm)),
                     "said", fl_verdict_name(vm->verdict), "scope", scope, "hw_share",
                     fl_share_json(vm->hw_share), "window_ms", (json_int_t)vm->window_ms, "packets",
                     counts_json(vm, vm->packets_hw, vm->packets_sw), "bytes",
                     counts_json(vm, vm->bytes_hw, vm->bytes_sw), "causes", causes_json(vm), "nic",
                     nic_json(&vm->nic), "remedy", fl_text_json(vm->remedy));
}

/* '"key": value' with what stands in front of it; @value is consumed. */
static void put_member(struct fl_output *out, const char *before, const char *key, json_t *value)
{
    fprintf(out->stream, "%s\"%s\": ", before, key);
    json_dumpf(value, out->stream, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(value);
}

/* One element of an array, on a line of its own; @value is consumed. */
static void put_element(struct fl_output *out, size_t i, json_t *value)
{
    fputs(i ? ",\n    " : "\n    ", out->stream);
    json_dumpf(value, out->stream, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(value);
}

static void put_vms(const struct fl_fleet_look *look, size_t lines, struct fl_output *out)
{
    size_t n = fl_fleet_shown(look->n_vms, lines);

    fprintf(out->stream, ",\n  \"vms\": [");
    for (size_t i = 0; i < n; i++)
        put_element(out, i, vm_json(look->vms[i]));
    fprintf(out->stream, "%s]", n ? "\n  " : "");
    put_member(out, ",\n  ", "n_vms_left_out", size_json(look->n_vms - n));
}

static void put_totals(const struct fl_fleet_look *look, json_t *head)
{
    json_object_set_new(head, "older_ms", json_integer(look->fleet->older_ms));
    json_object_set_new(head, "summary", summary_json(look));
    json_object_set_new(head, "shared_nic", look->shared ? nic_json(look->shared) : json_null());
}

void fl_fleet_view_json(const struct fl_fleet_look *look, json_t *head, bool with_vms, size_t lines,
                        struct fl_output *out)
{
    _cleanup_json json_t *owned = head;
    const char *before = "{\n  ";
    const char *key;
    json_t *value;

    put_totals(look, head);
    json_object_foreach(head, key, value) {
        put_member(out, before, key, json_incref(value));
        before = ",\n  ";
    }
    fprintf(out->stream, ",\n  \"hosts\": [");
    for (size_t i = 0; i < look->n_hosts; i++)
        put_element(out, i, host_json(&look->hosts[i]));
    fprintf(out->stream, "%s],\n  \"patterns\": [", look->n_hosts ? "\n  " : "");
    for (size_t i = 0; i < look->n_patterns; i++)
        put_element(out, i, pattern_json(look, &look->patterns[i]));
    fprintf(out->stream, "%s]", look->n_patterns ? "\n  " : "");
    if (with_vms)
        put_vms(look, lines, out);
    fprintf(out->stream, "\n}\n");
}

/* Hosts of which nothing new is known, wherever they stand among the others. */
static void add_not_heard(const struct fl_fleet_look *look, size_t lines, json_t *document)
{
    json_t *hosts = json_array();
    size_t n = 0;

    for (size_t i = 0; i < look->n_hosts; i++) {
        if (look->hosts[i].host->state == FL_FLEET_HEARD)
            continue;
        if (n < fl_fleet_shown(n + 1, lines))
            json_array_append_new(hosts, host_json(&look->hosts[i]));
        n++;
    }
    json_object_set_new(document, "n_not_heard", size_json(n));
    json_object_set_new(document, "not_heard", hosts);
}

json_t *fl_fleet_document(const struct fl_fleet_look *look, json_t *head, size_t lines)
{
    size_t n_hosts = fl_fleet_shown(look->n_hosts, lines);
    size_t n_patterns = fl_fleet_shown(look->n_patterns, lines);
    size_t n_vms = fl_fleet_shown(look->n_vms, lines);
    json_t *hosts = json_array(), *patterns = json_array(), *vms = json_array();
    _cleanup_free char *words = NULL;

    for (size_t i = 0; i < n_hosts; i++)
        json_array_append_new(hosts, host_json(&look->hosts[i]));
    for (size_t i = 0; i < n_patterns; i++)
        json_array_append_new(patterns, pattern_json(look, &look->patterns[i]));
    for (size_t i = 0; i < n_vms; i++)
        json_array_append_new(vms, vm_json(look->vms[i]));
    put_totals(look, head);
    json_object_set_new(head, "of", json_string("audits"));
    json_object_set_new(head, "flowlift", json_string(FLOWLIFT_VERSION));
    json_object_set_new(head, "hosts", hosts);
    json_object_set_new(head, "n_hosts_left_out", size_json(look->n_hosts - n_hosts));
    add_not_heard(look, lines, head);
    json_object_set_new(head, "patterns", patterns);
    json_object_set_new(head, "n_patterns_left_out", size_json(look->n_patterns - n_patterns));
    json_object_set_new(head, "vms", vms);
    json_object_set_new(head, "n_vms_left_out", size_json(look->n_vms - n_vms));
    json_object_set_new(head, "words", fl_text_json(words = fl_report_fleet_words(head)));
    return head;
}

int fl_fleet_write_page(const struct fl_request *request, const struct fl_fleet_look *look,
                        json_t *head, struct fl_output *out, struct fl_error *err)
{
    size_t lines = request->has_lines ? request->lines : PAGE_LINES;
    _cleanup_json json_t *document = fl_fleet_document(look, head, lines);

    return fl_report_write(request, document, out, err);
}
