/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A capture from anywhere, and all that is made of it: decoding, stitching, verdicts, causes, JSON.
 *
 * Input that begins with '{' is the JSON of a capture. Any other is the text of two dumps, with a line
 * "---" between them, on a host with three VMs: so that what is behind the JSON is reached as well.
 */

#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/audit.h"
#include "flows/snapshot.h"

/* What the program itself allows of a capture it reads; hostile nesting ends in Jansson. */
#define JSON_FLAGS   (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)
#define CAPTURE_TIME "2026-01-02T03:04:05Z"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *vm_interface(const char *name, const char *mac, int tag)
{
    return json_pack("{ss ss ss ss si s{ss ss}}", "name", name, "type", "dpdk", "bridge", "br0",
                     "port", name, "tag", tag, "external_ids", "vm-id", name, "attached-mac", mac);
}

static json_t *host(void)
{
    return json_pack("{s{ss} s[{ss ss}] s[o o o]}", "other_config", "hw-offload", "true", "bridges",
                     "name", "br0", "datapath_type", "netdev", "interfaces",
                     vm_interface("vm1", "52:54:00:00:00:01", -1),
                     vm_interface("vm2", "52:54:00:00:00:02", 100),
                     vm_interface("vm3", "52:54:00:00:00:03", -1));
}

static json_t *capture_of_text(const char *text, size_t size)
{
    json_t *lines[2] = { json_array(), json_array() };
    size_t sample = 0;

    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t n = end ? (size_t)(end - text) : size;

        if (n == 3 && !memcmp(text, "---", 3)) {
            sample = 1;
        } else {
            json_t *line = json_stringn_nocheck(text, n);

            json_array_append_new(lines[sample], line);
        }
        text += n + (end != NULL);
        size -= n + (end != NULL);
    }
    if (!sample) {
        json_array_extend(lines[1], lines[0]);
    }
    return json_pack("{ss ss si so s[{ss so} {ss so}]}", "schema", FL_CAPTURE_SCHEMA, "time",
                     CAPTURE_TIME, "window_ms", 5000, "inventory", host(), "samples", "time",
                     CAPTURE_TIME, "lines", lines[0], "time", CAPTURE_TIME, "lines", lines[1]);
}

static void check_chain(const struct fl_chain *chain)
{
    struct match region;
    uint64_t at_most = chain->links[chain->n_links - 1]->window_packets;

    ovs_assert(chain->n_links > 0);
    ovs_assert(chain->packets <= at_most);
    fl_chain_region(chain, &region);
    ovs_assert(!region.wc.masks.ct_state && !region.wc.masks.recirc_id);
}

/* Promises that hold whatever was read. */
static void check_vm(const struct fl_audit *audit, const struct fl_vm_audit *vm)
{
    struct fl_cause causes[FL_MAX_CAUSES];
    json_t *json = fl_vm_audit_to_json(vm);

    ovs_assert(json);
    json_decref(json);
    ovs_assert(vm->reason && vm->reason[0]);
    ovs_assert(vm->hw_share <= 1);
    ovs_assert((vm->verdict == FL_VERDICT_STRANDED) == (vm->scope != FL_SCOPE_NONE));
    ovs_assert(vm->verdict != FL_VERDICT_LEAKING);
    ovs_assert(!audit->incomplete || vm->verdict == FL_VERDICT_STRANDED ||
               vm->verdict == FL_VERDICT_UNKNOWN);
    for (size_t i = 0; i < vm->n_findings; i++) {
        fl_finding_causes(audit, &vm->findings[i], causes);
    }
}

static void check(const json_t *json, enum fl_snapshot_keep keep)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_storage storage;
    struct fl_snapshot *snapshot;
    struct fl_audit *audit;

    fl_storage_init(&storage);
    snapshot = fl_snapshot_from_capture(json, &fl_vm_keys_default, keep, &storage,
                                        FL_DECODE_KEEP_TEXT, &err);
    ovs_assert(!snapshot == (err.code != 0));
    ovs_assert(!snapshot == (err.text[0] != '\0'));
    if (snapshot) {
        audit = fl_audit_run(snapshot, &storage, &fl_audit_options_default);
        for (size_t i = 0; i < audit->chains->n; i++) {
            check_chain(&audit->chains->chains[i]);
        }
        for (size_t i = 0; i < audit->n_vms; i++) {
            check_vm(audit, &audit->vms[i]);
        }
        fl_audit_destroy(audit);
    }
    fl_snapshot_destroy(snapshot);
    fl_storage_destroy(&storage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    json_t *json = size && text[0] == '{' ? json_loadb(text, size, JSON_FLAGS, NULL)
                                          : capture_of_text(text, size);

    if (json) {
        check(json, size % 2 ? FL_KEEP_STORAGE : FL_KEEP_ALL);
        json_decref(json);
    }
    return 0;
}
