/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fleet_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/human.h"
#include "cli/table.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"

static void print_left_out(struct fl_output *out, size_t n, size_t lines, const char *noun)
{
    size_t left_out = n - fl_fleet_shown(n, lines);

    if (left_out)
        fl_output_styled(out, FL_STYLE_DIM, "and %zu more %s%s (-n 0 for all)\n", left_out, noun,
                         left_out == 1 ? "" : "s");
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

/* VMs. */

static bool has_remedies(const struct fl_fleet_look *look)
{
    for (size_t i = 0; i < look->n_vms; i++) {
        if (look->vms[i]->remedy)
            return true;
    }
    return false;
}

/* "unknown (was stranded)": of a host that is not heard. */
static void put_verdict(struct fl_table *table, const struct fl_fleet_vm *vm)
{
    enum fl_verdict verdict = fl_fleet_verdict(vm);

    if (verdict == vm->verdict)
        fl_table_cell(table, fl_verdict_style(verdict), "%s", fl_verdict_name(verdict));
    else
        fl_table_cell(table, fl_verdict_style(verdict), "%s (was %s)", fl_verdict_name(verdict),
                      fl_verdict_name(vm->verdict));
}

static void put_rates(struct fl_table *table, const struct fl_fleet_vm *vm)
{
    char text[FL_HUMAN_BYTES];

    if (!vm->has_counts || vm->window_ms <= 0) {
        fl_table_cell(table, FL_STYLE_DIM, "-");
        fl_table_cell(table, FL_STYLE_DIM, "-");
        return;
    }
    if (vm->packets_sw == FL_COUNT_UNKNOWN)
        fl_table_cell(table, FL_STYLE_DIM, "-");
    else
        fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                      fl_human_rate(vm->packets_sw, vm->window_ms, text));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                  fl_human_byte_rate(vm->bytes_sw, vm->window_ms, text));
}

static void put_causes(struct fl_table *table, const struct fl_fleet_vm *vm)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < vm->n_causes; i++)
        ds_put_format(&ds, "%s%s", i ? ", " : "", vm->causes[i]);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", ds_cstr(&ds));
    ds_destroy(&ds);
}

static void put_vm(struct fl_table *table, const struct fl_fleet_vm *vm, bool with_remedy)
{
    const char *scope = fl_scope_name(vm->scope);
    char text[FL_HUMAN_BYTES];

    fl_table_cell(table, FL_STYLE_BOLD, "%s", vm->name);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", vm->host->name);
    put_verdict(table, vm);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(scope));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", fl_human_share(vm->hw_share, text));
    put_rates(table, vm);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(vm->nic.driver));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(vm->nic.firmware));
    if (with_remedy)
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(vm->remedy));
    put_causes(table, vm);
}

#define VM_COLUMNS                                                                        \
    { "VM", false }, { "HOST", false }, { "VERDICT", false }, { "SCOPE", false },         \
        { "HW %", true }, { "SW PKT/S", true }, { "SW BYTES/S", true }, { "NIC", false }, \
    {                                                                                     \
        "FIRMWARE", false                                                                 \
    }

void fl_fleet_view_audit(const struct fl_fleet_look *look, size_t lines, struct fl_output *out)
{
    static const struct fl_column plain[] = { VM_COLUMNS, { "CAUSE", false } };
    static const struct fl_column with[] = { VM_COLUMNS, { "REMEDY", false }, { "CAUSE", false } };
    bool with_remedy = has_remedies(look);
    struct fl_table *table = with_remedy ? fl_table_create(with, ARRAY_SIZE(with))
                                         : fl_table_create(plain, ARRAY_SIZE(plain));

    for (size_t i = 0; i < fl_fleet_shown(look->n_vms, lines); i++)
        put_vm(table, look->vms[i], with_remedy);
    if (look->n_vms)
        fl_table_print(table, out);
    else
        fl_output_printf(out, "no such VM\n");
    fl_table_destroy(table);
    print_left_out(out, look->n_vms, lines, "VM");
}

/* Hosts. */

const char *fl_fleet_heard(enum fl_fleet_state state, int64_t age_ms,
                           char buf[FL_FLEET_HEARD_BYTES])
{
    char text[FL_HUMAN_BYTES];

    switch (state) {
    case FL_FLEET_NEVER: return "no time";
    case FL_FLEET_AHEAD:
        snprintf(buf, FL_FLEET_HEARD_BYTES, "clock %s ahead", fl_human_duration(-age_ms, text));
        break;
    case FL_FLEET_SILENT:
        snprintf(buf, FL_FLEET_HEARD_BYTES, "silent for %s", fl_human_duration(age_ms, text));
        break;
    case FL_FLEET_HEARD:
    case FL_FLEET_N_STATES:
    default:
        snprintf(buf, FL_FLEET_HEARD_BYTES, "%s ago", fl_human_duration(MAX(age_ms, 0), text));
        break;
    }
    return buf;
}

static void put_nic(struct fl_table *table, const struct fl_fleet_host_line *line)
{
    const struct fl_fleet_nic *nic = &line->nic;

    if (line->many_nics)
        fl_table_cell(table, FL_STYLE_PLAIN, "several");
    else
        fl_table_cell(table, FL_STYLE_PLAIN, "%s%s%s", or_dash(nic->driver),
                      nic->firmware ? " " : "", nic->firmware ? nic->firmware : "");
}

static void put_host(struct fl_table *table, const struct fl_fleet *fleet,
                     const struct fl_fleet_host_line *line)
{
    static const enum fl_verdict verdicts[] = { FL_VERDICT_STRANDED, FL_VERDICT_LEAKING,
                                                FL_VERDICT_UNKNOWN };
    char heard[FL_FLEET_HEARD_BYTES];
    size_t n_vms = 0;

    for (enum fl_verdict i = 0; i < FL_FLEET_N_VERDICTS; i++)
        n_vms += line->n_vms[i];
    fl_table_cell(table, FL_STYLE_BOLD, "%s", line->host->name);
    fl_table_cell(table, line->host->state == FL_FLEET_HEARD ? FL_STYLE_PLAIN : FL_STYLE_UNSURE,
                  "%s",
                  fl_fleet_heard(line->host->state, fleet->now_ms - line->host->time_ms, heard));
    fl_table_cell(table, FL_STYLE_PLAIN, "%zu", n_vms);
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        size_t n = line->n_vms[verdicts[i]];

        fl_table_cell(table, n ? fl_verdict_style(verdicts[i]) : FL_STYLE_PLAIN, "%zu", n);
    }
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(line->host->ovs_version));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(line->host->flowlift_version));
    put_nic(table, line);
    fl_table_cell(table, FL_STYLE_UNSURE, "%s", line->host->trouble ? line->host->trouble : "");
}

static void print_hosts(const struct fl_fleet_look *look, size_t lines, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "HOST", false },   { "HEARD", false },   { "VMS", true },  { "STRANDED", true },
        { "LEAKING", true }, { "UNKNOWN", true },  { "OVS", false }, { "FLOWLIFT", false },
        { "NIC", false },    { "TROUBLE", false },
    };
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));

    for (size_t i = 0; i < fl_fleet_shown(look->n_hosts, lines); i++)
        put_host(table, look->fleet, &look->hosts[i]);
    if (look->n_hosts)
        fl_table_print(table, out);
    else
        fl_output_printf(out, "no such host\n");
    fl_table_destroy(table);
    print_left_out(out, look->n_hosts, lines, "host");
}

/* Patterns. */

static void print_shared(const struct fl_fleet_look *look, struct fl_output *out)
{
    const struct fl_fleet_nic *nic = look->shared;

    if (!nic)
        return;
    fl_output_styled(out, FL_STYLE_BAD, "all %zu stranded VMs have a NIC of %s, firmware %s\n",
                     look->n_by_verdict[FL_VERDICT_STRANDED],
                     nic->driver ? nic->driver : "an unknown driver",
                     nic->firmware ? nic->firmware : "unknown");
}

static void print_patterns(const struct fl_fleet_look *look, size_t lines, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "CAUSE", false },   { "NIC", false },  { "FIRMWARE", false },
        { "STRANDED", true }, { "HOSTS", true }, { "OF ALL VMS WITH IT", true },
    };
    struct fl_table *table;

    if (!look->n_patterns)
        return;
    table = fl_table_create(columns, ARRAY_SIZE(columns));
    fl_output_styled(out, FL_STYLE_BOLD, "\nStranded VMs by cause and NIC\n");
    for (size_t i = 0; i < fl_fleet_shown(look->n_patterns, lines); i++) {
        const struct fl_fleet_pattern *pattern = &look->patterns[i];

        fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(pattern->cause));
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(pattern->nic.driver));
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", or_dash(pattern->nic.firmware));
        fl_table_cell(table, FL_STYLE_BOLD, "%zu", pattern->n_stranded);
        fl_table_cell(table, FL_STYLE_PLAIN, "%zu", pattern->n_hosts);
        if (look->has_unlisted)
            fl_table_cell(table, FL_STYLE_DIM, "-");
        else
            fl_table_cell(table, FL_STYLE_PLAIN, "%zu", pattern->n_alike);
    }
    fl_table_print(table, out);
    fl_table_destroy(table);
    print_left_out(out, look->n_patterns, lines, "pattern");
    print_shared(look, out);
}

/* Totals. */

static void put_part(struct ds *ds, size_t n, const char *what)
{
    if (n)
        ds_put_format(ds, "%s%zu %s", ds->length ? ", " : "", n, what);
}

static void print_total(struct fl_output *out, size_t n, const char *noun, struct ds *parts)
{
    fl_output_printf(out, "%zu %s%s%s%s", n, noun, n == 1 ? "" : "s", parts->length ? ": " : "",
                     ds_cstr(parts));
    ds_destroy(parts);
}

/* "2000 hosts: 3 silent, 1997 heard; 100000 VMs: 60 stranded, ..." */
static void print_totals(const struct fl_fleet_look *look, struct fl_output *out)
{
    static const char *const states[FL_FLEET_N_STATES] = {
        [FL_FLEET_NEVER] = "without a time",
        [FL_FLEET_AHEAD] = "with a clock that is ahead",
        [FL_FLEET_SILENT] = "silent",
        [FL_FLEET_HEARD] = "heard",
    };
    struct ds hosts = DS_EMPTY_INITIALIZER, vms = DS_EMPTY_INITIALIZER;
    char text[FL_TIME_TEXT_BYTES];
    size_t n_hosts = 0, n_vms = 0;

    for (enum fl_fleet_state i = 0; i < FL_FLEET_N_STATES; i++) {
        n_hosts += look->n_by_state[i];
        put_part(&hosts, look->n_by_state[i], states[i]);
    }
    put_part(&hosts, look->n_incomplete, "of these not whole");
    for (enum fl_verdict i = 0; i < FL_FLEET_N_VERDICTS; i++) {
        n_vms += look->n_by_verdict[i];
        put_part(&vms, look->n_by_verdict[i], fl_verdict_name(i));
    }
    fl_output_printf(out, "\n");
    print_total(out, n_hosts, "host", &hosts);
    fl_output_printf(out, "; ");
    print_total(out, n_vms, "VM", &vms);
    fl_output_printf(out, "; %.19sZ\n", fl_time_format(look->fleet->now_ms, text));
}

void fl_fleet_view_status(const struct fl_fleet_look *look, size_t lines, struct fl_output *out)
{
    print_hosts(look, lines, out);
    print_patterns(look, lines, out);
    print_totals(look, out);
}
