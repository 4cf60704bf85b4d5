/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/doctor_visit.h"
#include "lib/ovs/db.h"

const char *fl_check_status_name(enum fl_check_status status)
{
    static const char *const names[] = {
        [FL_CHECK_OK] = "ok",
        [FL_CHECK_WARN] = "warn",
        [FL_CHECK_FAIL] = "fail",
        [FL_CHECK_UNKNOWN] = "unknown",
    };

    return names[status];
}

void fl_finds(struct fl_check *check, enum fl_check_status status, const char *advice,
              const char *format, ...)
{
    va_list args;

    va_start(args, format);
    check->summary = xvasprintf(format, args);
    va_end(args);
    check->advice = nullable_xstrdup(advice);
    check->status = status;
}

void fl_finds_nothing(struct fl_check *check, const char *what_is_missing)
{
    fl_finds(check, FL_CHECK_UNKNOWN, NULL, "cannot be told without %s", what_is_missing);
}

bool fl_visit_has_database(const struct fl_visit *visit, struct fl_check *check)
{
    if (visit->db_err.code)
        fl_finds_nothing(check, "the database");
    return !visit->db_err.code;
}

static void check_config(struct fl_visit *visit, struct fl_check *check)
{
    if (visit->config_err.code)
        fl_finds(check, FL_CHECK_FAIL, "mend the file; until then every other verb refuses to run",
                 "%s", visit->config_err.text);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "the configuration is valid");
}

/* A dead database is no fact about the host's offload: it keeps everything else from being told. */
static void check_database(struct fl_visit *visit, struct fl_check *check)
{
    if (visit->db_err.code)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s", visit->db_err.text);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "OVSDB answers");
}

/* "ovs-vswitchd (Open vSwitch) 3.1.0" and lines about DPDK */
static void keep_version(struct fl_visit *visit, const char *reply)
{
    const char *version = strstr(reply, "(Open vSwitch) ");

    if (version)
        ovs_strlcpy(visit->version, version + strlen("(Open vSwitch) "),
                    MIN(sizeof visit->version,
                        strcspn(version + strlen("(Open vSwitch) "), "\n") + 1));
}

static void check_vswitchd(struct fl_visit *visit, struct fl_check *check)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_free char *reply = NULL;

    if (visit->ctl_err.code) {
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s", visit->ctl_err.text);
    } else if (fl_ctl_run(visit->ctl, "version", NULL, &reply, &err)) {
        fl_finds(check, FL_CHECK_UNKNOWN,
                 "see whether ovs-vswitchd is busy: ovs-appctl coverage/show", "%s", err.text);
    } else {
        keep_version(visit, reply);
        fl_finds(check, FL_CHECK_OK, NULL, "ovs-vswitchd answers");
    }
}

static const struct {
    const char *id;
    fl_check_run *run; /* or */
    fl_judge *judge;   /* of the kernel datapath only */
} checks_in_order[] = {
    { "config", check_config, NULL },
    { "database", check_database, NULL },
    { "vswitchd", check_vswitchd, NULL },
    { "bridges", fl_check_bridges, NULL },
    { "ovs-version", fl_check_version, NULL },
    { "datapath", fl_check_datapath, NULL },
    { "dpdk", fl_check_dpdk, NULL },
    { "hw-offload", fl_check_hw_offload, NULL },
    { "hw-offload-active", fl_check_hw_offload_active, NULL },
    { "tc-policy", fl_check_tc_policy, NULL },
    { "interfaces", fl_check_interfaces, NULL },
    { "vm-ids", fl_check_vm_ids, NULL },
    { "vm-ports", fl_check_vm_ports, NULL },
    { "representors", NULL, fl_judge_representors },
    { "hw-tc-offload", NULL, fl_judge_tc_offload },
    { "eswitch-mode", NULL, fl_judge_eswitch_mode },
    { "one-eswitch", NULL, fl_judge_one_eswitch },
    { "uplink-bond", NULL, fl_judge_uplink_bond },
    { "ingress-qdisc", NULL, fl_judge_ingress },
    { "recirculation", NULL, fl_judge_recirculation },
    { "rule-table", NULL, fl_judge_rule_table },
    { "orphan-filters", NULL, fl_judge_orphans },
    { "nic-agreement", fl_check_agreement, NULL },
    { "conntrack", NULL, fl_judge_conntrack },
    { "state-folders", fl_check_folders, NULL },
    { "events", fl_check_events, NULL },
    { "remedies", fl_check_remedies, NULL },
};

static void judge(fl_judge *judge_it, const struct fl_visit *visit, struct fl_check *check)
{
    if (!fl_visit_has_database(visit, check))
        return;
    if (visit->kernel)
        judge_it(visit->kernel, &visit->inv, check);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "not used without the kernel datapath");
}

static bool has_kernel_datapath(const struct fl_inventory *inv)
{
    for (size_t i = 0; i < inv->n_bridges; i++) {
        if (!strcmp(inv->bridges[i].datapath_type, "system"))
            return true;
    }
    return false;
}

static void begin_visit(struct fl_visit *visit)
{
    int timeout_ms = fl_host_timeout_ms(visit->host);
    struct fl_vm_keys keys;

    fl_inventory_init(&visit->inv);
    fl_config_load(&visit->config, visit->root, &visit->config_err);
    keys = fl_config_vm_keys(&visit->config);
    fl_db_read(visit->host->db, &keys, timeout_ms, &visit->inv, &visit->db_err);
    fl_ctl_open(visit->host->target, timeout_ms, &visit->ctl, &visit->ctl_err);
    if (has_kernel_datapath(&visit->inv)) {
        visit->kernel = xmalloc(sizeof *visit->kernel);
        fl_kernel_facts_read(visit->kernel, &visit->inv, &visit->config.storage);
    }
}

void fl_doctor_run(const char *root, const struct fl_host *host, struct fl_check **checks,
                   size_t *n)
{
    struct fl_visit visit = { .root = root, .host = host };

    begin_visit(&visit);
    *n = ARRAY_SIZE(checks_in_order);
    *checks = xcalloc(*n, sizeof **checks);
    for (size_t i = 0; i < *n; i++) {
        (*checks)[i].id = checks_in_order[i].id;
        if (checks_in_order[i].run)
            checks_in_order[i].run(&visit, &(*checks)[i]);
        else
            judge(checks_in_order[i].judge, &visit, &(*checks)[i]);
    }
    if (visit.ctl)
        fl_ctl_close(visit.ctl);
    if (visit.kernel)
        fl_kernel_facts_destroy(visit.kernel);
    free(visit.kernel);
    fl_inventory_destroy(&visit.inv);
    fl_config_destroy(&visit.config);
}

void fl_checks_free(struct fl_check *checks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(checks[i].summary);
        free(checks[i].advice);
    }
    free(checks);
}
