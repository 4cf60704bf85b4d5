/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_view.h"

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/human.h"

enum fl_style fl_verdict_style(enum fl_verdict verdict)
{
    switch (verdict) {
    case FL_VERDICT_STRANDED: return FL_STYLE_BAD;
    case FL_VERDICT_LEAKING: return FL_STYLE_ODD;
    case FL_VERDICT_UNKNOWN: return FL_STYLE_UNSURE;
    case FL_VERDICT_IDLE: return FL_STYLE_DIM;
    case FL_VERDICT_OFFLOADED: return FL_STYLE_GOOD;
    }
    return FL_STYLE_PLAIN;
}

uint64_t fl_tally_all(const uint64_t by_path[FL_N_PATHS])
{
    uint64_t sum = 0;

    for (unsigned int path = 0; path < FL_N_PATHS; path++)
        sum += by_path[path];
    return sum;
}

/* Packets that software forwarded: all known paths but "hw". */
static uint64_t tally_software(const uint64_t by_path[FL_N_PATHS])
{
    return fl_tally_all(by_path) - by_path[FL_PATH_HW] - by_path[FL_PATH_UNKNOWN];
}

#define VM_COLUMNS(NAME, HW, SW, BYTES)                                                            \
    {                                                                                              \
        { NAME, false }, { "VERDICT", false }, { "SCOPE", false }, { "HW %", true }, { HW, true }, \
            { SW, true }, { BYTES, true }, { "CAUSE", false },                                     \
    }

struct fl_table *fl_vm_table_create(const struct fl_snapshot *snapshot)
{
    /* [is without an inventory][has a window] */
    static const struct fl_column columns[2][2][8] = {
        { VM_COLUMNS("VM", "HW PACKETS", "SW PACKETS", "BYTES"),
          VM_COLUMNS("VM", "HW PKT/S", "SW PKT/S", "BYTES/S") },
        { VM_COLUMNS("PORT", "HW PACKETS", "SW PACKETS", "BYTES"),
          VM_COLUMNS("PORT", "HW PKT/S", "SW PKT/S", "BYTES/S") },
    };

    return fl_table_create(
        columns[!fl_snapshot_inventory(snapshot)][fl_snapshot_window_ms(snapshot) > 0],
        ARRAY_SIZE(columns[0][0]));
}

static void put_causes(struct fl_table *table, const struct fl_vm_audit *vm)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < vm->n_causes; i++)
        ds_put_format(&ds, "%s%s", i ? ", " : "", fl_cause_info(vm->causes[i])->id);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", ds_cstr(&ds));
    ds_destroy(&ds);
}

void fl_vm_table_row(struct fl_table *table, const struct fl_vm_audit *vm, int64_t window_ms)
{
    const char *scope = fl_scope_name(vm->scope);
    char text[FL_HUMAN_BYTES];

    fl_table_cell(table, FL_STYLE_BOLD, "%s", vm->name);
    fl_table_cell(table, fl_verdict_style(vm->verdict), "%s", fl_verdict_name(vm->verdict));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", scope ? scope : "-");
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", fl_human_share(vm->hw_share, text));
    if (vm->by_ports) {
        /* What its ports counted is all its traffic: no column for that. */
        for (unsigned int i = 0; i < 3; i++)
            fl_table_cell(table, FL_STYLE_DIM, "-");
    } else {
        fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                      fl_human_rate(vm->storage.packets[FL_PATH_HW], window_ms, text));
        fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                      fl_human_rate(tally_software(vm->storage.packets), window_ms, text));
        fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                      fl_human_byte_rate(fl_tally_all(vm->storage.bytes), window_ms, text));
    }
    put_causes(table, vm);
}
