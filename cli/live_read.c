/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_read.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/live_source.h"
#include "lib/base/clock.h"
#include "lib/document.h"
#include "lib/text.h"

/* More than any counter of a window has, and far enough from where sums would wrap. */
#define COUNT_MOST (INT64_C(1) << 56)

void fl_live_vms_free(struct fl_live_vm *vms, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < vms[i].n_flows; j++) {
            free(vms[i].flows[j].text);
            free(vms[i].flows[j].causes);
        }
        free(vms[i].flows);
        free(vms[i].name);
        free(vms[i].causes);
        free(vms[i].reason);
        free(vms[i].remedy);
    }
    free(vms);
}

static char *read_text(const json_t *json, const char *key)
{
    return xstrdup(fl_text_at(json, key));
}

static int64_t read_number(const json_t *json, const char *key, int64_t least, int64_t most)
{
    return MAX(least, MIN(json_integer_value(json_object_get(json, key)), most));
}

static uint64_t read_count(const json_t *json, const char *key)
{
    return (uint64_t)read_number(json, key, 0, COUNT_MOST);
}

/* The strings of an array, or the "id" of its objects: "conntrack, recirculation". */
static char *read_list(const json_t *json, const char *key)
{
    const json_t *array = json_object_get(json, key);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *entry = json_array_get(array, i);
        const json_t *id = json_is_object(entry) ? json_object_get(entry, "id") : entry;

        if (json_is_string(id))
            ds_put_format(&ds, "%s%s", ds.length ? ", " : "", json_string_value(id));
    }
    return ds_steal_cstr(&ds);
}

static enum fl_verdict read_verdict(const json_t *vm)
{
    enum fl_verdict verdict = FL_VERDICT_UNKNOWN;

    fl_verdict_from_name(json_string_value(json_object_get(vm, "verdict")), &verdict);
    return verdict;
}

static void read_flow(const json_t *json, struct fl_live_flow *flow)
{
    const char *direction = json_string_value(json_object_get(json, "direction"));
    const char *path = json_string_value(json_object_get(json, "path"));

    *flow = (struct fl_live_flow){
        .text = read_text(json, "text"),
        .causes = read_list(json, "causes"),
        .direction = direction && !strcmp(direction, "to-vm") ? FL_TO_VM : FL_FROM_VM,
        .path = FL_PATH_UNKNOWN,
        .vlan = json_is_integer(json_object_get(json, "vlan"))
                    ? (int)read_number(json, "vlan", 0, 4095)
                    : -1,
        .packets = read_count(json, "packets"),
        .bytes = read_count(json, "bytes"),
    };
    if (path)
        fl_path_from_name(path, &flow->path);
}

static void read_flows(const json_t *json, struct fl_live_vm *vm)
{
    const json_t *flows = json_object_get(json, "live_flows");
    size_t n = MIN(json_array_size(flows), FL_LIMIT_LIVE_FLOWS);

    vm->flows = xcalloc(n + 1, sizeof *vm->flows);
    for (size_t i = 0; i < n; i++)
        read_flow(json_array_get(flows, i), &vm->flows[vm->n_flows++]);
    vm->n_more_flows = read_count(json, "live_flows_more");
}

static void read_vm(const json_t *json, struct fl_live_vm *vm)
{
    const json_t *storage = json_object_get(json, "storage");
    const json_t *packets = json_object_get(storage, "packets");
    const json_t *bytes = json_object_get(storage, "bytes");
    const json_t *unknown = json_object_get(json_object_get(json, "uncounted"), "unknown");
    const char *judged_by = json_string_value(json_object_get(json, "judged_by"));

    *vm = (struct fl_live_vm){
        .name = read_text(json, "name"),
        .verdict = read_verdict(json),
        .causes = read_list(json, "causes"),
        .reason = read_text(json, "reason"),
        .remedy = read_text(json_object_get(json, "live_remedy"), "state"),
        .hw_share = fl_share_at(json, "hw_share"),
        .by_ports = judged_by && !strcmp(judged_by, "ports"),
    };
    for (unsigned int path = 0; path < FL_PATH_UNKNOWN; path++) {
        vm->packets[path] = read_count(packets, fl_path_key(path));
        vm->bytes += read_count(bytes, fl_path_key(path));
    }
    vm->packets[FL_PATH_UNKNOWN] = read_count(unknown, "packets");
    vm->bytes += read_count(unknown, "bytes");
    read_flows(json, vm);
}

/* The most important thing that is wrong, in one line. */
static char *read_message(const json_t *document)
{
    const json_t *cause = json_array_get(json_object_get(document, "host_causes"), 0);
    const char *remedies = json_string_value(json_object_get(document, "live_remedies_missing"));
    const char *incomplete = json_string_value(json_object_get(document, "incomplete"));
    const char *error = json_string_value(json_object_get(document, "live_error"));
    const char *id = json_string_value(json_object_get(cause, "id"));
    const char *detail = json_string_value(json_object_get(cause, "detail"));

    if (error)
        return xasprintf("cannot read: %s", error);
    if (incomplete)
        return xasprintf("incomplete: %s", incomplete);
    if (id)
        return xasprintf("host: %s%s%s", id, detail && *detail ? ": " : "", detail ? detail : "");
    if (remedies)
        return xasprintf("remedies: %s", remedies);
    return xstrdup("");
}

void fl_live_read(const json_t *document, struct fl_live_model *model)
{
    const json_t *vms = json_object_get(document, "vms");
    const char *time = json_string_value(json_object_get(document, "time"));

    *model = (struct fl_live_model){
        .host = read_text(document, "host"),
        .window_ms = read_number(document, "window_ms", 0, INT64_C(1) << 40),
        .message = read_message(document),
        .failed = json_is_string(json_object_get(document, "live_error")),
        .has_vms = !json_is_false(json_object_get(document, "live_has_vms")),
        .exit_code = (int)read_number(document, "live_exit_code", 0, 2),
    };
    if (!time || !fl_time_parse(time, &model->time_ms))
        model->time_ms = 0;
    model->n_vms = json_array_size(vms);
    model->vms = xcalloc(model->n_vms + 1, sizeof *model->vms);
    for (size_t i = 0; i < model->n_vms; i++) {
        read_vm(json_array_get(vms, i), &model->vms[i]);
        model->vms[i].rank = i;
    }
}
