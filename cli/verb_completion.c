/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/help.h"

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

/* What may follow an option that takes a value: words, a file, or nothing that the shell knows. */
static void put_values(struct fl_output *out)
{
    for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
        const struct fl_option *option = &fl_options[id];

        if (!option->value)
            continue;
        fl_output_printf(out, "    --%s", option->name);
        if (option->letter)
            fl_output_printf(out, "|-%c", option->letter);
        if (!option->choices)
            fl_output_printf(out, ") return ;;\n");
        else if (!strcmp(option->choices, "FILE"))
            fl_output_printf(out, ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
        else
            fl_output_printf(out, ") COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n",
                             option->choices);
    }
}

static void put_verb_names(struct fl_output *out)
{
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        if (!verb->hidden)
            fl_output_printf(out, "%s ", verb->name);
    }
}

/* The options of each verb, and the words that its first argument may be. */
static void put_verbs(struct fl_output *out)
{
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        if (verb->hidden)
            continue;
        fl_output_printf(out, "    %s) options='", verb->name);
        put_option_names(out, verb);
        fl_output_printf(out, "'");
        if (verb->words)
            fl_output_printf(out, " words='%s'", verb->words);
        if (verb->takes_more)
            fl_output_printf(out, " files=1");
        fl_output_printf(out, " ;;\n");
    }
}

int fl_verb_completion(const struct fl_request *request, struct fl_output *out,
                       struct fl_error *err)
{
    if (strcmp(request->argument, "bash")) {
        fl_error_set(err, -EINVAL, "there is completion for bash only, not for '%s'",
                     request->argument);
        return FL_EXIT_TROUBLE;
    }
    fl_output_printf(out,
                     "# bash completion for flowlift; made by: flowlift completion bash\n"
                     "_flowlift() {\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local verb= options= words= files= i\n"
                     "    case $before in\n");
    put_values(out);
    fl_output_printf(out,
                     "    esac\n"
                     "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                     "        [[ ${COMP_WORDS[i]} == -* ]] || { verb=${COMP_WORDS[i]}; break; }\n"
                     "    done\n"
                     "    case $verb in\n");
    put_verbs(out);
    fl_output_printf(out, "    esac\n"
                          "    if [[ -z $verb ]]; then\n"
                          "        options='");
    put_verb_names(out);
    fl_output_printf(out, "--help --version'\n"
                          "    elif [[ $verb == help && $word != -* ]]; then\n"
                          "        options='");
    put_verb_names(out);
    fl_output_printf(out, "'\n"
                          "    elif [[ -n $words && $before == $verb && $word != -* ]]; then\n"
                          "        options=$words\n"
                          "    elif [[ -n $files && $word != -* ]]; then\n"
                          "        COMPREPLY=($(compgen -f -- \"$word\")); return\n"
                          "    fi\n"
                          "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
                          "}\n"
                          "complete -F _flowlift flowlift\n");
    return FL_EXIT_DONE;
}
