/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_source.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/chain_view.h"
#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/base/clock.h"
#include "lib/collect_host.h"
#include "lib/store/remedies.h"
#include "lib/text.h"

#define TICK_LEAST_MS 200
/* Between two files, unless --window says otherwise. */
#define PLAY_MS 1000

int fl_live_source_open(struct fl_live_source *source, const struct fl_request *request,
                        struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    struct fl_collect_options options = { .config = &source->config, .keep = FL_KEEP_STORAGE };
    int error;

    *source = (struct fl_live_source){ .request = request };
    error = fl_config_load(&source->config, request->root, err);
    options.window_ms = request->window_ms >= 0 ? request->window_ms : source->config.window_ms;
    if (!error && options.window_ms < TICK_LEAST_MS)
        error = fl_error_set(err, -EINVAL,
                             "flowlift watch counts packets from one reading to the next, which "
                             "are %g s apart or more: --window 5",
                             TICK_LEAST_MS / 1000.0);
    fl_series_init(&source->series, &host, &options);
    source->series.paths = (const char *const *)request->from;
    source->series.n_paths = request->n_from;
    source->series.pause_ms = request->window_ms >= 0 ? request->window_ms : PLAY_MS;
    return error;
}

void fl_live_source_close(struct fl_live_source *source)
{
    fl_series_destroy(&source->series);
    fl_config_destroy(&source->config);
}

int64_t fl_live_source_tick_ms(const struct fl_live_source *source)
{
    return source->request->n_from ? source->series.pause_ms : source->series.options.window_ms;
}

/* ---- What the screen needs on top ---- */

static json_t *flow_json(const struct fl_audit *audit, const struct fl_finding *finding)
{
    const struct fl_chain *chain = finding->chain;
    struct fl_cause causes[FL_MAX_CAUSES];
    size_t n = fl_finding_causes(audit, finding, causes);
    _cleanup_free char *text = fl_chain_in_short(chain);
    json_t *json = json_object(), *ids = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(ids, json_string(fl_cause_info(causes[i].id)->id));
    json_object_set_new(json, "text", fl_text_json(text));
    json_object_set_new(json, "direction", json_string(fl_direction_name(finding->direction)));
    json_object_set_new(json, "vlan",
                        finding->vlan >= 0 ? json_integer(finding->vlan) : json_null());
    json_object_set_new(json, "path", json_string(fl_path_name(chain->path)));
    json_object_set_new(json, "packets", json_integer((json_int_t)chain->packets));
    json_object_set_new(json, "bytes", json_integer((json_int_t)chain->bytes));
    json_object_set_new(json, "causes", ids);
    return json;
}

static void add_flows(const struct fl_audit *audit, const struct fl_vm_audit *vm, json_t *entry)
{
    size_t n = MIN(vm->n_findings, FL_LIMIT_LIVE_FLOWS);
    json_t *flows = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(flows, flow_json(audit, &vm->findings[i]));
    json_object_set_new(entry, "live_flows", flows);
    json_object_set_new(entry, "live_flows_more", json_integer((json_int_t)(vm->n_findings - n)));
}

/* {"identity of a VM": {"state"}}; what cannot be read is said in *@err. */
static json_t *read_remedies(const char *root, struct fl_error *err)
{
    struct fl_remedy *list = NULL;
    struct fl_store *store;
    json_t *json = json_object();
    size_t n = 0;

    if (fl_store_open(root, false, 0, &store, err))
        return json;
    fl_store_list(store, &list, &n, err);
    for (size_t i = 0; i < n; i++) {
        const char *state = fl_remedy_state_name(list[i].state);

        json_object_set_new(json, list[i].set.vm_id, json_pack("{s:s}", "state", state));
    }
    fl_remedy_list_free(list, n);
    fl_store_close(store);
    return json;
}

/* The entries of "vms" are those of the audit, or of one VM of it. */
static void add_to_vms(const struct fl_audit *audit, const struct fl_vm_audit *only,
                       const json_t *remedies, json_t *vms)
{
    size_t next = 0;

    for (size_t i = 0; i < audit->n_vms; i++) {
        const struct fl_vm_audit *vm = &audit->vms[i];
        json_t *remedy, *entry;

        if (only && only != vm)
            continue;
        entry = json_array_get(vms, next++);
        remedy = vm->vm ? json_object_get(remedies, vm->vm->id) : NULL;
        json_object_set_new(entry, "live_remedy", remedy ? json_incref(remedy) : json_null());
        add_flows(audit, vm, entry);
    }
}

static void add_for_screen(const struct fl_live_source *source, const struct fl_reading *reading,
                           const struct fl_vm_audit *only, json_t *document)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *remedies = read_remedies(source->request->root, &err);
    bool has_vms = fl_snapshot_inventory(reading->snapshot) != NULL;

    add_to_vms(reading->audit, only, remedies, json_object_get(document, "vms"));
    json_object_set_new(document, "live_exit_code", json_integer(source->exit_code));
    json_object_set_new(document, "live_has_vms", json_boolean(has_vms));
    json_object_set_new(document, "live_remedies_missing",
                        fl_text_json(err.code ? err.text : NULL));
}

/* ---- Documents ---- */

/* An audit of nothing, which says why. */
static json_t *failure(struct fl_live_source *source, bool for_screen, const struct fl_error *why)
{
    char name[FL_HOST_NAME_BYTES];
    struct fl_snapshot *snapshot = fl_snapshot_create(fl_collect_host_name(name), fl_time_now_ms());
    struct fl_audit *audit;
    json_t *document;

    source->exit_code = FL_EXIT_TROUBLE;
    fl_snapshot_set_incomplete(snapshot, "%s", why->text);
    audit = fl_audit_run(snapshot, &source->config.storage, &source->config.audit);
    document = fl_audit_document(audit, NULL, NULL);
    if (for_screen) {
        json_object_set_new(document, "live_error", fl_text_json(why->text));
        json_object_set_new(document, "live_exit_code", json_integer(source->exit_code));
    }
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
    return document;
}

static int judge(struct fl_live_source *source, const struct fl_snapshot *snapshot, bool for_screen,
                 json_t **document, struct fl_error *err)
{
    const char *what = source->request->argument;
    struct fl_audit *audit = fl_audit_run(snapshot, &source->config.storage, &source->config.audit);
    struct fl_reading reading = { .snapshot = snapshot, .audit = audit };
    const struct fl_vm_audit *only = what ? fl_reading_vm(&reading, what, err) : NULL;

    if (!what || only) {
        source->exit_code = fl_reading_exit_code(&reading, only);
        *document = fl_audit_document(audit, only, NULL);
        if (for_screen)
            add_for_screen(source, &reading, only, *document);
    }
    fl_audit_destroy(audit);
    return what && !only ? -ENOENT : 0;
}

int fl_live_source_next(struct fl_live_source *source, bool for_screen, json_t **document,
                        struct fl_error *err)
{
    const struct fl_snapshot *snapshot;
    struct fl_error why = FL_ERROR_INIT;
    int error = fl_series_next(&source->series, &snapshot, &why);

    if (!error)
        error = judge(source, snapshot, for_screen, document, &why);
    if (!error) {
        source->has_read = true;
        return 0;
    }
    if (error == -ENODATA && !why.code)
        return error;
    if (!source->has_read || source->request->n_from)
        return fl_error_set(err, why.code ? why.code : error, "%s", why.text);
    *document = failure(source, for_screen, &why);
    return 0;
}
