/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The completion script: what the tables of verbs and options say, as two functions of the shell, and behind them
 * cli/completion.bash, which is the same whatever the tables have.
 */

#include <errno.h>
#include <string.h>

#include "cli/completion_names.h"
#include "cli/help.h"
#include "flows/cause.h"

/* completion.bash */
extern const char fl_completion_text[];

static void put_verb_names(struct fl_output *out)
{
    const char *space = "";

    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        if (verb->hidden)
            continue;
        fl_output_printf(out, "%s%s", space, verb->name);
        space = " ";
    }
}

static void put_option_names(struct fl_output *out, const struct fl_verb *verb)
{
    const char *space = "";

    for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
        if (!fl_verb_has(verb, id))
            continue;
        fl_output_printf(out, "%s--%s", space, fl_options[id].name);
        if (fl_options[id].letter)
            fl_output_printf(out, " -%c", fl_options[id].letter);
        space = " ";
    }
}

static void put_causes(struct fl_output *out)
{
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++)
        fl_output_printf(out, "%s%s", id ? " " : "", fl_cause_info(id)->id);
}

/* What the first argument may be: words, or a kind of names that is asked for. */
static void put_names(struct fl_output *out, const struct fl_verb *verb)
{
    fl_output_printf(out, " names='");
    switch (verb->names) {
    case FL_NAMES_VMS: fl_output_printf(out, "vms"); break;
    case FL_NAMES_REMEDIES: fl_output_printf(out, "remedies"); break;
    case FL_NAMES_CAUSES: put_causes(out); break;
    case FL_NAMES_VERBS: put_verb_names(out); break;
    case FL_NAMES_NONE: fl_output_printf(out, "%s", verb->words ? verb->words : ""); break;
    }
    fl_output_printf(out, "'");
}

static void put_verbs(struct fl_output *out)
{
    fl_output_printf(out, "_flowlift_verbs='");
    put_verb_names(out);
    fl_output_printf(out, "'\n\n_flowlift_verb() {\n    case $1 in\n");
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        if (verb->hidden)
            continue;
        fl_output_printf(out, "    %s) options='", verb->name);
        put_option_names(out, verb);
        fl_output_printf(out, "'");
        put_names(out, verb);
        fl_output_printf(out, " ;;\n");
    }
    fl_output_printf(out, "    esac\n}\n\n");
}

/* What the value of an option may be, of those that take one: words, "FILE", "vms", or "any". */
static void put_options(struct fl_output *out)
{
    fl_output_printf(out, "_flowlift_option() {\n    case ${1%%%%=*} in\n");
    for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
        const struct fl_option *option = &fl_options[id];

        if (!option->value)
            continue;
        fl_output_printf(out, "    --%s", option->name);
        if (option->letter)
            fl_output_printf(out, " | -%c", option->letter);
        fl_output_printf(out, ") value='%s' ;;\n",
                         !option->choices                 ? "any"
                         : !strcmp(option->choices, "VM") ? "vms"
                                                          : option->choices);
    }
    fl_output_printf(out, "    esac\n}\n");
}

int fl_verb_completion(const struct fl_request *request, struct fl_output *out,
                       struct fl_error *err)
{
    if (!strcmp(request->argument, "vms")) {
        fl_completion_vms(request, out);
        return FL_EXIT_DONE;
    }
    if (!strcmp(request->argument, "remedies")) {
        fl_completion_remedies(request, out);
        return FL_EXIT_DONE;
    }
    if (strcmp(request->argument, "bash")) {
        fl_error_set(err, -EINVAL, "there is completion for bash only, not for '%s'",
                     request->argument);
        return FL_EXIT_TROUBLE;
    }
    fl_output_printf(out, "# bash completion for flowlift; made by: flowlift completion bash\n\n");
    put_verbs(out);
    put_options(out);
    fl_output_printf(out, "%s", fl_completion_text);
    return FL_EXIT_DONE;
}
