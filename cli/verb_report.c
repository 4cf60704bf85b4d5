/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A report for a ticket: one document of all that is known of a VM, or of the host, and the page that is made
 * from it.
 */

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/options.h"
#include "cli/plan_file.h"
#include "cli/report_document.h"
#include "cli/report_reading.h"
#include "cli/report_write.h"
#include "flows/cleanup.h"
#include "lib/collect_host.h"

/*
 * Files may be of any host: what is below --root is of theirs when it was named, or when they are of this host.
 */
static bool has_store(const struct fl_request *request, const struct fl_reading *reading)
{
    char name[FL_HOST_NAME_BYTES];

    return !request->n_from || *request->root ||
           !strcmp(fl_collect_host_name(name), fl_snapshot_host(reading->snapshot));
}

/* Return: exit code, or FL_EXIT_TROUBLE with @err. */
static int make_report(struct fl_report *report, struct fl_output *out, struct fl_error *err)
{
    const struct fl_request *request = report->request;
    _cleanup_json json_t *document = NULL;

    if (request->argument) {
        report->only = fl_reading_vm(report->reading, request->argument, err);
        if (!report->only)
            return FL_EXIT_TROUBLE;
    }
    report->has_store = has_store(request, report->reading);
    document = fl_report_document(report);
    if (fl_report_write(request, document, out, err))
        return FL_EXIT_TROUBLE;
    return fl_reading_exit_code(report->reading, report->only);
}

static int check(const struct fl_request *request, struct fl_error *err)
{
    if (!request->output && request->format != FL_FORMAT_JSON)
        return fl_error_set(
            err, -EINVAL, "flowlift report needs -o FILE (\"-o -\" is standard output), or --json");
    if (request->plan && !request->argument)
        return fl_error_set(err, -EINVAL, "--plan is of one VM; name it: flowlift report VM");
    return 0;
}

int fl_verb_report(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_report_points points;
    struct fl_reading reading = { .snapshot = NULL };
    struct fl_report report = { .request = request, .reading = &reading, .points = &points };
    struct fl_flowset plan;
    int exit_code = FL_EXIT_TROUBLE;

    if (check(request, err))
        return FL_EXIT_TROUBLE;
    if (request->plan) {
        if (fl_plan_file_read(request->plan, request->argument, &plan, err))
            return FL_EXIT_TROUBLE;
        report.plan = &plan;
    }
    fl_report_points_init(&points);
    if (!fl_report_read(request, &reading, &points, err))
        exit_code = make_report(&report, out, err);
    fl_reading_close(&reading);
    fl_report_points_destroy(&points);
    if (report.plan)
        fl_flowset_destroy(&plan);
    return exit_code;
}
