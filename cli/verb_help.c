/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/help.h"

/* Columns of the names in front of their summaries. */
#define VERB_COLUMN   20u
#define OPTION_COLUMN 25u
/* Where it is said what an example is for. */
#define EXAMPLE_COLUMN 6u

void fl_help_option(const struct fl_option *option, char *buf, size_t size)
{
    char letter[8] = "";

    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(buf, size, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

static void list_verbs(struct fl_output *out, enum fl_effect effect, const char *title)
{
    fl_output_styled(out, FL_STYLE_BOLD, "\n%s\n", title);
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        char name[32];

        if (verb->hidden || verb->effect != effect)
            continue;
        snprintf(name, sizeof name, "%s %s", verb->name, verb->arguments);
        fl_output_printf(out, "  %-*s", (int)VERB_COLUMN - 2, name);
        fl_output_paragraph(out, VERB_COLUMN, VERB_COLUMN, verb->summary);
    }
}

int fl_help_overview(struct fl_output *out)
{
    fl_output_paragraph(out, 0, 0,
                        "Finds VMs whose storage traffic has fallen out of the NIC into software, "
                        "says why, and puts it back.");
    fl_output_printf(out, "\nusage: flowlift VERB [VM] [options]\n");
    list_verbs(out, FL_READS, "Look (changes nothing)");
    list_verbs(out, FL_WRITES, "Repair (writes to the switch or the journal)");
    fl_output_printf(out, "\n");
    fl_output_paragraph(out, 0, 0,
                        "flowlift VERB --help lists a verb's options; every verb has --json.");
    fl_output_paragraph(out, 0, 0,
                        "Exit code: 0 nothing stranded, or done; 1 stranded found, or not done; "
                        "2 trouble.");
    fl_output_styled(out, FL_STYLE_BOLD, "\nstart with: flowlift audit\n");
    return FL_EXIT_DONE;
}

static void list_option(const struct fl_verb *verb, enum fl_option_id id, struct fl_output *out)
{
    const struct fl_option *option = &fl_options[id];
    struct ds summary = DS_EMPTY_INITIALIZER;
    char name[48];

    ds_put_cstr(&summary, option->summary);
    if (id == FL_OPTION_FORMAT) {
        ds_put_cstr(&summary, ":");
        for (unsigned int i = 0; i < FL_N_FORMATS; i++) {
            if (verb->formats & 1u << i)
                ds_put_format(&summary, " %s", fl_format_names[i]);
        }
    }
    fl_help_option(option, name, sizeof name);
    fl_output_printf(out, "  %-*s", (int)OPTION_COLUMN - 2, name);
    fl_output_paragraph(out, MAX(OPTION_COLUMN, (unsigned int)strlen(name) + 2), OPTION_COLUMN,
                        ds_cstr(&summary));
    ds_destroy(&summary);
}

static void list_examples(const struct fl_verb *verb, struct fl_output *out)
{
    const struct fl_example *example = verb->examples;

    if (example->words)
        fl_output_styled(out, FL_STYLE_BOLD, "\nExamples\n");
    for (; example->words; example++) {
        fl_output_printf(out, "  flowlift %s\n", example->words);
        fl_output_paragraph(out, 0, EXAMPLE_COLUMN, example->meaning);
    }
}

int fl_help_verb(const struct fl_verb *verb, struct fl_output *out)
{
    fl_output_styled(out, FL_STYLE_BOLD, "flowlift %s: %s\n", verb->name, verb->summary);
    fl_output_printf(out, "\nusage: flowlift %s%s%s [options]\n\n", verb->name,
                     *verb->arguments ? " " : "", verb->arguments);
    fl_output_paragraph(out, 0, 0, verb->description);
    fl_output_styled(out, FL_STYLE_BOLD, "\nOptions\n");
    for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
        if (fl_verb_has(verb, id))
            list_option(verb, id, out);
    }
    list_examples(verb, out);
    return FL_EXIT_DONE;
}

int fl_verb_help(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    const struct fl_verb *verb;

    if (request->man && request->argument && !strcmp(request->argument, "flowlift.conf"))
        return fl_help_manual_conf(out);
    if (request->man)
        return fl_help_manual(out);
    if (!request->argument)
        return fl_help_overview(out);
    verb = fl_verb_named(request->argument, err);
    return verb ? fl_help_verb(verb, out) : FL_EXIT_TROUBLE;
}
