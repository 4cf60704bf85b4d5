/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/edges_ovn.h"

#include <inttypes.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/ovn/find.h"
#include "lib/ovs/db.h"

static void print_ovn_row(const struct fl_ovn_row *row)
{
    printf("%s " UUID_FMT " %s", row->table, UUID_ARGS(&row->uuid), row->name ? row->name : "-");
    if (row->is_logical_flow) {
        printf(" %s %d %d %s [%s] [%s] %s %08" PRIx32 "%s", row->pipeline, row->table_id,
               row->priority, row->stage, row->match, row->actions, row->source, row->hint,
               row->is_acl ? " ACL" : "");
    }
    if (row->acl) {
        printf(" %s %d [%s] %s", row->acl->direction, row->acl->priority, row->acl->match,
               row->acl->action);
    }
    putchar('\n');
}

/* Of this program alone: getrusage() counts that of whoever started it, too. In KiB. */
static long peak_memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long kib = 0;

    while (file && fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %ld", &kib) != 1) {
    }
    if (file) {
        fclose(file);
    }
    return kib;
}

int fl_edges_ovn(int timeout_ms, char *argv[], struct fl_error *err)
{
    struct fl_host host = { .timeout_ms = timeout_ms };
    struct fl_origin origin = { .packet = NULL };
    struct fl_inventory inv;
    struct fl_ovn ovn;
    int error = fl_db_read(NULL, &fl_vm_keys_default, timeout_ms, &inv, err);

    if (error) {
        return error;
    }
    for (; *argv; argv++) {
        origin.rules = xrealloc(origin.rules, (origin.n_rules + 1) * sizeof *origin.rules);
        origin.rules[origin.n_rules++] = (struct fl_traced_rule){
            .bridge = xstrdup("br-int"),
            .cookie = strtoull(*argv, NULL, 16),
        };
    }
    fl_ovn_find(&host, &inv, &origin, 1, &ovn);
    for (size_t i = 0; i < ovn.n_rows; i++) {
        print_ovn_row(&ovn.rows[i]);
    }
    printf("bridge %s southbound %s complete %d peak %ld\n", ovn.bridge ? ovn.bridge : "-",
           ovn.southbound ? ovn.southbound : "-", ovn.is_complete, peak_memory());
    error = ovn.untold.code;
    *err = ovn.untold;
    fl_ovn_destroy(&ovn);
    fl_origin_destroy(&origin);
    fl_inventory_destroy(&inv);
    return error;
}
