/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/carry_out.h"
#include "cli/outcome_view.h"
#include "cli/progress.h"
#include "cli/reading.h"

int fl_verb_verify(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_outcome outcome = { .hw_share = -1 };
    struct fl_error why = FL_ERROR_INIT;
    struct fl_outcome_answer answer = {
        .request = request,
        .vm_name = request->argument,
        .outcome = &outcome,
    };
    struct fl_config config;
    struct fl_operator op;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_operator_open(request, &config, &op, err)) {
        int error = fl_carry_out_for_vm(&op, FL_ORDER_VERIFY, request->argument, &outcome, &why);

        fl_progress_end();
        if (error && error != -ECANCELED) {
            *err = why;
        } else {
            fl_outcome_show(&answer, out);
            exit_code = error ? FL_EXIT_NOT_DONE : FL_EXIT_DONE;
        }
    }
    fl_outcome_destroy(&outcome);
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return exit_code;
}
