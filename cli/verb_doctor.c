/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/doctor.h"

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/reading.h"
#include "lib/text.h"

struct checkup {
    struct fl_check *checks;
    size_t n;
};

static size_t n_with(const struct checkup *checkup, enum fl_check_status status)
{
    size_t n = 0;

    for (size_t i = 0; i < checkup->n; i++)
        n += checkup->checks[i].status == status;
    return n;
}

static void print_json(const struct checkup *checkup, struct fl_output *out)
{
    json_t *document = fl_document_here("doctor");
    json_t *checks = json_array(), *summary = json_object();

    for (size_t i = 0; i < checkup->n; i++) {
        const struct fl_check *check = &checkup->checks[i];

        json_array_append_new(checks, json_pack("{s:s, s:s, s:o, s:o}", "id", check->id, "status",
                                                fl_check_status_name(check->status), "summary",
                                                fl_text_json(check->summary), "advice",
                                                fl_text_json(check->advice)));
    }
    for (enum fl_check_status status = 0; status <= FL_CHECK_UNKNOWN; status++)
        json_object_set_new(summary, fl_check_status_name(status),
                            json_integer((json_int_t)n_with(checkup, status)));
    json_object_set_new(document, "checks", checks);
    json_object_set_new(document, "summary", summary);
    fl_output_json(out, document);
}

static enum fl_style style_of(enum fl_check_status status)
{
    static const enum fl_style styles[] = {
        [FL_CHECK_OK] = FL_STYLE_GOOD,
        [FL_CHECK_WARN] = FL_STYLE_ODD,
        [FL_CHECK_FAIL] = FL_STYLE_BAD,
        [FL_CHECK_UNKNOWN] = FL_STYLE_UNSURE,
    };

    return styles[status];
}

#define TEXT_COLUMN 29u

/* "  ok       hw-offload         other_config:hw-offload is true" */
static void print_check(const struct fl_check *check, struct fl_output *out)
{
    fl_output_printf(out, "  ");
    fl_output_styled(out, style_of(check->status), "%-7s", fl_check_status_name(check->status));
    fl_output_printf(out, "  %-17s  ", check->id);
    fl_output_paragraph(out, TEXT_COLUMN, TEXT_COLUMN, check->summary);
    if (check->advice) {
        fl_output_printf(out, "%*s", (int)TEXT_COLUMN, "");
        fl_output_styled(out, FL_STYLE_BOLD, "do: ");
        fl_output_paragraph(out, TEXT_COLUMN + 4, TEXT_COLUMN + 4, check->advice);
    }
}

/* Checks from @i on that say the same: what one missing thing keeps from being told. */
static size_t n_alike(const struct checkup *checkup, size_t i)
{
    const struct fl_check *first = &checkup->checks[i];
    size_t n = 1;

    while (i + n < checkup->n && checkup->checks[i + n].status == FL_CHECK_UNKNOWN &&
           !strcmp(checkup->checks[i + n].summary, first->summary))
        n++;
    return n;
}

static void print_alike(const struct checkup *checkup, size_t i, size_t n, struct fl_output *out)
{
    struct ds ids = DS_EMPTY_INITIALIZER;

    ds_put_format(&ids, "%s:", checkup->checks[i].summary);
    for (size_t j = 0; j < n; j++)
        ds_put_format(&ids, "%s %s", j ? "," : "", checkup->checks[i + j].id);
    fl_output_printf(out, "  ");
    fl_output_styled(out, FL_STYLE_UNSURE, "%-7s", fl_check_status_name(FL_CHECK_UNKNOWN));
    fl_output_printf(out, "  %-17s  ", "...");
    fl_output_paragraph(out, TEXT_COLUMN, TEXT_COLUMN, ds_cstr(&ids));
    ds_destroy(&ids);
}

static void print_text(const struct checkup *checkup, struct fl_output *out)
{
    const char *separator = "";

    for (size_t i = 0; i < checkup->n;) {
        size_t n = n_alike(checkup, i);

        if (n > 1)
            print_alike(checkup, i, n, out);
        else
            print_check(&checkup->checks[i], out);
        i += n;
    }
    fl_output_printf(out, "\n");
    for (enum fl_check_status status = 0; status <= FL_CHECK_UNKNOWN; status++) {
        if (!n_with(checkup, status))
            continue;
        fl_output_printf(out, "%s%zu %s", separator, n_with(checkup, status),
                         fl_check_status_name(status));
        separator = ", ";
    }
    fl_output_printf(out, "\n");
}

static int exit_code_of(const struct checkup *checkup)
{
    if (n_with(checkup, FL_CHECK_UNKNOWN))
        return FL_EXIT_TROUBLE;
    return n_with(checkup, FL_CHECK_FAIL) ? FL_EXIT_NOT_DONE : FL_EXIT_DONE;
}

int fl_verb_doctor(const struct fl_request *request, struct fl_output *out,
                   struct fl_error *err OVS_UNUSED)
{
    const struct fl_host host = fl_request_host(request);
    struct checkup checkup;
    int exit_code;

    fl_progress_line("examining the host", NULL);
    fl_doctor_run(request->root, &host, &checkup.checks, &checkup.n);
    fl_progress_end();
    if (request->format == FL_FORMAT_JSON)
        print_json(&checkup, out);
    else
        print_text(&checkup, out);
    exit_code = exit_code_of(&checkup);
    fl_checks_free(checkup.checks, checkup.n);
    return exit_code;
}
