/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/carry_out.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "lib/text.h"

static void show(const struct fl_request *request, const struct fl_outcome *outcome, bool confirmed,
                 struct fl_output *out)
{
    json_t *document;

    if (request->format != FL_FORMAT_JSON) {
        fl_output_styled(out, FL_STYLE_BOLD, "%s", request->argument);
        fl_output_printf(out, ": %s\n", outcome->reason);
        return;
    }
    document = fl_document_here("confirm");
    json_object_set_new(document, "vm", fl_text_json(request->argument));
    json_object_set_new(document, "state", json_string(fl_remedy_state_name(outcome->state)));
    json_object_set_new(document, "confirmed", json_boolean(confirmed));
    json_object_set_new(document, "reason", fl_text_json(outcome->reason));
    fl_output_json(out, document);
}

int fl_verb_confirm(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_outcome outcome = { .hw_share = -1 };
    struct fl_error why = FL_ERROR_INIT;
    struct fl_config config;
    struct fl_operator op;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_operator_open(request, &config, &op, err)) {
        int error = fl_carry_out_for_vm(&op, FL_ORDER_CONFIRM, request->argument, &outcome, &why);

        fl_progress_end();
        if (error && error != -ECANCELED) {
            *err = why;
        } else {
            show(request, &outcome, !error, out);
            exit_code = error ? FL_EXIT_NOT_DONE : FL_EXIT_DONE;
        }
    }
    fl_outcome_destroy(&outcome);
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return exit_code;
}
