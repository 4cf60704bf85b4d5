/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/nearest.h"

const char *const fl_format_names[] = { "table", "json", "jsonl", "prom", NULL };

/* In the order in which help lists them: a verb's own first, what all have last. */
const struct fl_option fl_options[FL_N_OPTIONS] = {
    [FL_OPTION_VM] = { "vm", 0, "VM", NULL,
        "only this VM: its name, identity, interface or MAC" },
    [FL_OPTION_STORAGE] = { "storage", 0, NULL, NULL,
        "only flows that carry storage traffic" },
    [FL_OPTION_PATH] = { "path", 0, "PATH", "hw hw-partial tc-sw dp-sw upcall unknown",
        "only flows on this path: hw, hw-partial, tc-sw, dp-sw, upcall or unknown" },
    [FL_OPTION_WINDOW] = { "window", 0, "SEC", NULL,
        "count packets for this many seconds; 0 takes what the flows counted in their lifetime" },
    [FL_OPTION_OUTPUT] = { "output", 'o', "FILE", "FILE",
        "write to FILE (\"-\" is standard output)" },
    [FL_OPTION_PLAN] = { "plan", 0, "FILE", "FILE",
        "install this plan, made by \"flowlift plan -o FILE\"" },
    [FL_OPTION_TICKET] = { "ticket", 0, "ID", NULL,
        "why: kept with the remedy and in the journal" },
    [FL_OPTION_DRY_RUN] = { "dry-run", 0, NULL, NULL,
        "plan and prove, but change nothing" },
    [FL_OPTION_ALL] = { "all", 0, NULL, NULL,
        "every remedy, and every rule with flowlift's cookie on every bridge" },
    [FL_OPTION_LINES] = { "lines", 'n', "N", NULL,
        "the newest N entries; 0 for all (default 50)" },
    [FL_OPTION_MAN] = { "man", 0, NULL, NULL,
        "the manual page, as roff: flowlift help --man | man -l -" },
    [FL_OPTION_FROM] = { "from", 0, "FILE", "FILE",
        "read FILE instead of the host: a capture, or the text of \"dpctl/dump-flows -m\"; two such "
        "texts, the earlier first, make a window (\"-\" is standard input)" },
    [FL_OPTION_FORMAT] = { "format", 0, "FORMAT", "table json jsonl prom",
        "how the result is written" },
    [FL_OPTION_JSON] = { "json", 0, NULL, NULL,
        "short for --format json" },
    [FL_OPTION_DB] = { "db", 0, "REMOTE", NULL,
        "the Open vSwitch database, as for ovs-vsctl (default: db.sock in OVS_RUNDIR)" },
    [FL_OPTION_ROOT] = { "root", 0, "DIR", "FILE",
        "flowlift's own files (configuration, remedies, journal) lie below DIR" },
    [FL_OPTION_TIMEOUT] = { "timeout", 0, "SEC", NULL,
        "longest wait for each answer of Open vSwitch (default 15)" },
    [FL_OPTION_HELP] = { "help", 'h', NULL, NULL,
        "this text" },
};

#define BIT(option) (1u << FL_OPTION_##option)
#define FORMAT(format) (1u << FL_FORMAT_##format)

#define ALL_VERBS (BIT(FORMAT) | BIT(JSON) | BIT(ROOT) | BIT(HELP))
#define ASKS_OVS (BIT(DB) | BIT(TIMEOUT))
#define TEXT_OR_JSON (FORMAT(TABLE) | FORMAT(JSON))

const struct fl_verb fl_verbs[] = {
    {
        "audit", "", "verdict of every VM, the worst first",
        "Tells for each VM whether its storage traffic is forwarded by the NIC (offloaded), is stuck in "
        "software (stranded), partly so (leaking), absent (idle), or cannot be judged (unknown). The "
        "verdict is made from packets counted in a window, not from flags.",
        FL_READS, false, TEXT_OR_JSON | FORMAT(JSONL) | FORMAT(PROM),
        ALL_VERBS | ASKS_OVS | BIT(VM) | BIT(WINDOW) | BIT(FROM), fl_verb_audit,
    },
    {
        "flows", "", "every datapath flow with its path and causes",
        "Lists the datapath flows with the path each is on, the VM it belongs to, whether it carries "
        "storage traffic, and why it is not in hardware. A line that cannot be parsed is listed with "
        "what is legible of it.",
        FL_READS, false, TEXT_OR_JSON,
        ALL_VERBS | ASKS_OVS | BIT(VM) | BIT(STORAGE) | BIT(PATH) | BIT(WINDOW) | BIT(FROM),
        fl_verb_flows,
    },
    {
        "explain", "VM", "why a VM is where it is, with the evidence",
        "Tells the story of one VM: its verdict, its numbers beside those of its peers, each chain of "
        "flows that its storage packets take through software, the causes, and what cures them.",
        FL_READS, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS | BIT(WINDOW) | BIT(FROM), fl_verb_explain,
    },
    {
        "plan", "VM", "the simplified flow set for a VM, checked; changes nothing",
        "Derives the few OpenFlow rules that would put the VM's storage traffic back into hardware, and "
        "asks Open vSwitch itself whether they forward the same packets as the pipeline without them.",
        FL_READS, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS | BIT(WINDOW) | BIT(OUTPUT), fl_verb_plan,
    },
    {
        "apply", "VM", "install the plan, verify it in packets, or revert it",
        "Plans (or takes --plan FILE), installs the rules in one atomic bundle, and watches the VM's "
        "storage packets. When the NIC does not take them over, the rules are removed again. Doing it "
        "twice changes nothing the second time.",
        FL_WRITES, false, TEXT_OR_JSON,
        ALL_VERBS | ASKS_OVS | BIT(WINDOW) | BIT(PLAN) | BIT(TICKET) | BIT(DRY_RUN), fl_verb_apply,
    },
    {
        "verify", "VM", "look again whether an installed remedy works",
        "Counts the VM's storage packets for a window and says whether they are in hardware, on "
        "flowlift's rules.",
        FL_WRITES, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS | BIT(WINDOW) | BIT(TICKET), fl_verb_verify,
    },
    {
        "revert", "VM|--all", "take a remedy out again",
        "Removes flowlift's rules for the VM, whatever state they are in. The OpenFlow tables are then "
        "as they were before.",
        FL_WRITES, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS | BIT(ALL) | BIT(TICKET), fl_verb_revert,
    },
    {
        "status", "", "remedies now: on disk against in the switch",
        "Lists every remedy with its state as the switch shows it, and names what is odd.",
        FL_READS, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS, fl_verb_status,
    },
    {
        "history", "[VM]", "the journal of all steps, the newest last",
        "Lists who did what to which VM, when, for which ticket, and what came of it.",
        FL_READS, false, TEXT_OR_JSON, ALL_VERBS | BIT(LINES), fl_verb_history,
    },
    {
        "capture", "", "write a snapshot of the host for a ticket",
        "Writes all that flowlift reads of the host into one file, from which \"--from FILE\" gives the "
        "same answers later and elsewhere.",
        FL_READS, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS | BIT(WINDOW) | BIT(OUTPUT), fl_verb_capture,
    },
    {
        "doctor", "", "what this host lacks for offload and for flowlift",
        "Checks Open vSwitch, its offload settings, its interfaces, and flowlift's own files, and says "
        "what to do about each thing that is not in order.",
        FL_READS, false, TEXT_OR_JSON, ALL_VERBS | ASKS_OVS, fl_verb_doctor,
    },
    {
        "help", "[VERB]", "all verbs, or one verb with its options",
        "Without a verb: what there is. With one: its options.",
        FL_READS, false, FORMAT(TABLE), BIT(MAN) | BIT(HELP), fl_verb_help,
    },
    {
        "completion", "bash", "the completion script of a shell",
        "Prints a script for the shell: source <(flowlift completion bash)",
        FL_READS, true, FORMAT(TABLE), BIT(HELP), fl_verb_completion,
    },
    { .name = NULL },
};

const struct fl_verb *fl_verb_find(const char *name)
{
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++) {
        if (!strcmp(verb->name, name))
            return verb;
    }
    return NULL;
}

const struct fl_verb *fl_verb_named(const char *name, struct fl_error *err)
{
    const struct fl_verb *found = fl_verb_find(name);
    const char *known[ARRAY_SIZE(fl_verbs)], *nearest;
    size_t n = 0;

    if (found)
        return found;
    for (const struct fl_verb *verb = fl_verbs; verb->name; verb++)
        known[n++] = verb->hidden ? NULL : verb->name;
    if (fl_nearest(name, known, n, &nearest, 1))
        fl_error_set(err, -EINVAL, "unknown verb '%s'; did you mean '%s'?", name, nearest);
    else
        fl_error_set(err, -EINVAL, "unknown verb '%s'; see flowlift help", name);
    return NULL;
}
