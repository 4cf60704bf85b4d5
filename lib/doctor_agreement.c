/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The check whether Open vSwitch and the NIC agree about what is in the NIC.
 */

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "lib/agreement.h"
#include "lib/doctor_visit.h"

/* Nothing is wrong with a host whose NIC cannot be asked: most cannot. */
static bool is_not_to_be_had(int error)
{
    return error == -ENODATA || error == -ENOENT || error == -EOPNOTSUPP;
}

static void finds_agreement(const struct fl_visit *visit, const struct fl_agreement *agreement,
                            struct fl_check *check)
{
    bool has_tc = visit->kernel != NULL;

    if (agreement->n_found)
        fl_finds(check, FL_CHECK_FAIL,
                 "flowlift flows --json lists all (\"disagreements\"); docs/flows.md says what to "
                 "do about each",
                 "Open vSwitch and the NIC do not agree, in %zu case%s: %s", agreement->n_found,
                 agreement->n_found == 1 ? "" : "s", agreement->found[0].text);
    else if (!has_tc && !agreement->n_ports)
        fl_finds(check, FL_CHECK_OK, NULL, "not compared: no driver lists the rules of its NIC");
    else
        fl_finds(check, FL_CHECK_OK, NULL, "Open vSwitch and %s agree about what is in the NIC",
                 has_tc && agreement->n_ports ? "TC, and the NIC's driver,"
                 : has_tc                     ? "TC"
                                              : "the NIC's driver");
}

void fl_check_agreement(struct fl_visit *visit, struct fl_check *check)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_agreement agreement;
    int ret;

    if (!fl_visit_has_database(visit, check))
        return;
    ret = fl_agreement_read(visit->host, &visit->inv, NULL, &agreement, &err);
    if (!ret) {
        finds_agreement(visit, &agreement, check);
        fl_agreement_destroy(&agreement);
    } else if (is_not_to_be_had(ret)) {
        fl_finds(check, FL_CHECK_OK, NULL, "not compared: %s", err.text);
    } else {
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s", err.text);
    }
}
