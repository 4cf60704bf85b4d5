/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion_names.h"

#include <string.h>

#include "flows/cleanup.h"
#include "lib/base/config.h"
#include "lib/ovs/db.h"
#include "lib/store/remedies.h"
#include "lib/text.h"

/* Longer than OVSDB takes for a thousand ports; shorter than anybody waits for a name. */
#define PATIENCE_MS 250

static bool is_plain(const char *name)
{
    _cleanup_free char *visible = fl_text_escaped(name);

    return *name && !strcmp(visible, name);
}

static void put_name(struct fl_output *out, const char *name)
{
    if (is_plain(name))
        fl_output_printf(out, "%s\n", name);
}

void fl_completion_vms(const struct fl_request *request, struct fl_output *out)
{
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_config config;
    struct fl_inventory inv;
    struct fl_vm_keys keys;
    int timeout_ms = request->timeout_ms ? request->timeout_ms : PATIENCE_MS;

    fl_config_load(&config, request->root, &ignored); /* The defaults where it cannot be. */
    keys = fl_config_vm_keys(&config);
    if (!fl_db_read(request->db, &keys, timeout_ms, &inv, &ignored)) {
        for (size_t i = 0; i < inv.n_vms; i++) {
            const struct fl_vm *vm = &inv.vms[i];

            put_name(out, is_plain(vm->name) ? vm->name : vm->id);
        }
        fl_inventory_destroy(&inv);
    }
    fl_config_destroy(&config);
}

void fl_completion_remedies(const struct fl_request *request, struct fl_output *out)
{
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_remedy *list = NULL;
    struct fl_store *store;
    size_t n = 0;

    if (fl_store_open(request->root, false, 0, &store, &ignored))
        return;
    fl_store_list(store, &list, &n, &ignored);
    for (size_t i = 0; i < n; i++) {
        if (list[i].state != FL_REMEDY_REVERTED)
            put_name(out, is_plain(list[i].set.vm_name) ? list[i].set.vm_name : list[i].set.vm_id);
    }
    fl_remedy_list_free(list, n);
    fl_store_close(store);
}
