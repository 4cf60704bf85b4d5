/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/plan_file.h"
#include "cli/plan_view.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "flows/cleanup.h"

/* Show the answer, and write it to the file that was asked for. */
static int show(const struct fl_plan_answer *answer, struct fl_output *out, struct fl_error *err)
{
    const struct fl_request *request = answer->request;
    bool to_file = request->output && strcmp(request->output, "-") && !answer->reason;
    bool as_json = request->format == FL_FORMAT_JSON ||
                   (request->output && !strcmp(request->output, "-"));
    _cleanup_json json_t *document = fl_plan_json(answer, "plan");

    if (to_file && fl_plan_file_write(request->output, document, err))
        return err->code;
    if (as_json)
        fl_output_json(out, json_incref(document));
    else
        fl_plan_print(answer, to_file ? request->output : NULL, out);
    return 0;
}

int fl_verb_plan(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_plan plan = { .snapshot = NULL };
    struct fl_error why = FL_ERROR_INIT;
    struct fl_plan_answer answer;
    struct fl_config config;
    struct fl_operator op;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_operator_open(request, &config, &op, err)) {
        int code = fl_remedy_plan(&op, request->argument, &plan, &why);

        fl_progress_end();
        answer = fl_plan_answer(request, &plan, code, &why);
        if (!fl_plan_answered(code))
            *err = why;
        else if (!show(&answer, out, err))
            exit_code = fl_plan_exit_code(code);
    }
    fl_plan_destroy(&plan);
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return exit_code;
}
