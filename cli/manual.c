/* SPDX-License-Identifier: Apache-2.0 */

/*
 * flowlift(1), from the tables of cli/verbs.c. The build writes it: flowlift help --man.
 */

#include <string.h>

#include "cli/help.h"
#include "cli/roff.h"

/* In front of what an example is for: it stands further in than the verb's text. */
static void put_examples(struct fl_output *out, const struct fl_verb *verb)
{
    if (verb->examples[0].words)
        fl_output_printf(out, ".RS\n");
    for (const struct fl_example *example = verb->examples; example->words; example++) {
        fl_output_printf(out, ".TP\n.B flowlift ");
        fl_roff_line(out, NULL, example->words);
        fl_roff_text(out, example->meaning);
        fl_output_printf(out, ".\n");
    }
    if (verb->examples[0].words)
        fl_output_printf(out, ".RE\n");
}

static void put_verbs(struct fl_output *out)
{
    fl_roff_line(out, ".SH", "VERBS");
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        char head[64];

        if (verb->hidden)
            continue;
        fl_output_printf(out, ".TP\n.B ");
        snprintf(head, sizeof head, "%s %s", verb->name, verb->arguments);
        fl_roff_line(out, NULL, head);
        fl_roff_line(out, NULL, verb->description);
        fl_output_printf(out, ".br\nOptions:");
        for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
            if (!fl_verb_has(verb, id))
                continue;
            fl_output_printf(out, " ");
            fl_roff_text(out, "--");
            fl_roff_text(out, fl_options[id].name);
        }
        fl_output_printf(out, ".\n");
        put_examples(out, verb);
    }
}

static void put_options(struct fl_output *out)
{
    fl_roff_line(out, ".SH", "OPTIONS");
    for (unsigned int id = 0; id < FL_N_OPTIONS; id++) {
        char name[48];

        fl_help_option(&fl_options[id], name, sizeof name);
        fl_output_printf(out, ".TP\n.B ");
        fl_roff_line(out, NULL, name);
        fl_roff_text(out, fl_options[id].summary);
        if (id == FL_OPTION_FORMAT) {
            fl_roff_text(out, ": ");
            fl_roff_text(out, fl_options[id].choices);
        }
        fl_output_printf(out, ".\n");
    }
    fl_output_printf(out,
                     ".TP\n.B \\-\\-version\nthe version of flowlift and of libopenvswitch.\n");
}

int fl_help_manual(struct fl_output *out)
{
    fl_output_printf(out, ".TH FLOWLIFT 1 \"\" \"flowlift %s\" \"User Commands\"\n",
                     FLOWLIFT_VERSION);
    fl_output_printf(
        out,
        ".SH NAME\nflowlift \\- find VMs whose storage traffic is stuck in software, and put it "
        "back into hardware\n"
        ".SH SYNOPSIS\n.B flowlift\n.I VERB\n.RI [ VM ]\n.RI [ options ]\n"
        ".SH DESCRIPTION\n"
        "flowlift audits the datapath flows of Open vSwitch on a hypervisor. It finds virtual "
        "machines whose shared\\-disk traffic has fallen out of the NIC's hardware fast path, says "
        "why, and puts the traffic back with a few OpenFlow rules that forward the same "
        "packets.\n");
    put_verbs(out);
    put_options(out);
    fl_output_printf(
        out,
        ".SH EXIT STATUS\n"
        ".TP\n.B 0\nnothing is stranded, or what was asked for is done.\n"
        ".TP\n.B 1\na stranded VM was found, or what was asked for was not done; the output says "
        "why.\n"
        ".TP\n.B 2\ntrouble: something could not be read, or the arguments are wrong. The output "
        "is then incomplete, or absent, with one sentence on standard error.\n"
        ".SH ENVIRONMENT\n"
        ".TP\n.B OVS_RUNDIR, OVS_DBDIR, OVS_LOGDIR\nwhere Open vSwitch is, as for its own tools.\n"
        ".TP\n.B NO_COLOR\nno colour, also on a terminal.\n"
        ".SH FILES\n"
        ".TP\n.I /etc/flowlift/flowlift.conf, /etc/flowlift/conf.d/*.conf\nconfiguration.\n"
        ".TP\n.I /var/lib/flowlift/remedies/\nremedies, one file a VM.\n"
        ".TP\n.I /var/log/flowlift/journal.jsonl\nthe journal.\n"
        ".TP\n.I /run/flowlift/\nlock and sockets; events/ is what hooks leave for the agent.\n"
        ".PP\nAll of them move with\n.BR \\-\\-root .\n"
        ".SH EXAMPLES\n.nf\n"
        "flowlift audit\nflowlift explain vm2\nflowlift apply vm2 \\-\\-ticket T\\-1\n"
        "flowlift capture \\-o host.json\nflowlift audit \\-\\-from host.json\n.fi\n"
        ".SH SEE ALSO\n.BR flowlift.conf (5),\n.BR flowlift\\-causes (7),\n.BR flowlift\\-json (7),\n.BR flowlift\\-agent (8),\n.BR ovs\\-appctl (8),\n.BR ovs\\-vswitchd (8)\n");
    return FL_EXIT_DONE;
}
