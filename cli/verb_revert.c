/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/carry_out.h"
#include "cli/options.h"
#include "cli/outcome_view.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "flows/cleanup.h"

static int revert_one(const struct fl_request *request, const struct fl_operator *op,
                      struct fl_output *out, struct fl_error *err)
{
    struct fl_outcome outcome = { .hw_share = -1 };
    struct fl_outcome_answer answer = {
        .request = request,
        .vm_name = request->argument,
        .outcome = &outcome,
    };
    int error = fl_carry_out_for_vm(op, FL_ORDER_REVERT, request->argument, &outcome, err);

    fl_progress_end();
    if (!error)
        fl_outcome_show(&answer, out);
    fl_outcome_destroy(&outcome);
    return error ? FL_EXIT_TROUBLE : FL_EXIT_DONE;
}

static int revert_all(const struct fl_request *request, const struct fl_operator *op,
                      struct fl_output *out, struct fl_error *err)
{
    _cleanup_free char *next = fl_request_again(request, "audit", NULL);
    json_t *document;
    size_t n = 0;
    int error = fl_carry_out_revert_all(op, &n, err);

    fl_progress_end();
    if (error)
        return FL_EXIT_TROUBLE;
    if (request->format == FL_FORMAT_JSON) {
        document = fl_document_here("revert");
        json_object_set_new(document, "state", json_string("reverted"));
        json_object_set_new(document, "changed", json_boolean(n > 0));
        json_object_set_new(document, "reverted", json_integer((json_int_t)n));
        fl_output_json(out, document);
        return FL_EXIT_DONE;
    }
    if (n)
        fl_output_printf(out, "%zu remed%s taken out; no rule of flowlift is left in the switch\n",
                         n, n == 1 ? "y" : "ies");
    else
        fl_output_printf(out, "nothing to revert: no rule of flowlift is in the switch\n");
    fl_output_styled(out, FL_STYLE_BOLD, "next: %s\n", next);
    return FL_EXIT_DONE;
}

int fl_verb_revert(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_config config;
    struct fl_operator op;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_operator_open(request, &config, &op, err))
        exit_code = request->all ? revert_all(request, &op, out, err)
                                 : revert_one(request, &op, out, err);
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return exit_code;
}
