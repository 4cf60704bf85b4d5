/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/nearest.h"

const char *const fl_format_names[] = { "table", "json", "jsonl", "prom", "md", NULL };

/* In the order in which help lists them: a verb's own first, what all have last. */
const struct fl_option fl_options[FL_N_OPTIONS] = {
    [FL_OPTION_VM] = { .name = "vm",
                       .value = "VM",
                       .choices = "VM",
                       .summary = "only this VM: its name, identity, interface or MAC" },
    [FL_OPTION_STORAGE] = { .name = "storage", .summary = "only flows that carry storage traffic" },
    [FL_OPTION_PATH] = { .name = "path",
                         .value = "PATH",
                         .choices = "hw hw-partial tc-sw dp-sw upcall unknown",
                         .summary = "only flows on this path: hw, hw-partial, tc-sw, dp-sw, upcall "
                                    "or unknown" },
    [FL_OPTION_WINDOW] = { .name = "window",
                           .value = "SEC",
                           .summary = "count packets for this many seconds; 0 takes what the flows "
                                      "counted in their lifetime" },
    [FL_OPTION_SCREEN] = { .name = "screen",
                           .summary = "look at the counters of all ports first, which costs "
                                      "nearly nothing, and read flows only when a VM is suspect" },
    [FL_OPTION_PROBE] = { .name = "probe",
                          .summary = "ask: the NIC whether it takes the flows that it has not, and "
                                     "why not; Open vSwitch for the OpenFlow flows behind them (a "
                                     "trace); OVN's southbound for whose these are" },
    [FL_OPTION_LISTEN] = { .name = "listen",
                           .value = "SEC",
                           .summary = "listen for this many seconds to what the kernel tells "
                                      "ovs-vswitchd while that installs flows (a tracepoint)" },
    [FL_OPTION_MLX5_DUMP] = { .name = "mlx5-dump",
                              .summary =
                                  "without the DPDK plug-in: have mlx5 write the NIC's rules, at "
                                  "your own risk: its driver reads lists that change meanwhile, "
                                  "which may crash ovs-vswitchd" },
    [FL_OPTION_OUTPUT] = { .name = "output",
                           .letter = 'o',
                           .value = "FILE",
                           .choices = "FILE",
                           .summary = "write to FILE (\"-\" is standard output)" },
    [FL_OPTION_PLAN] = { .name = "plan",
                         .value = "FILE",
                         .choices = "FILE",
                         .summary =
                             "this plan, made by \"flowlift plan -o FILE\": apply installs it, "
                             "report shows it" },
    [FL_OPTION_TICKET] = { .name = "ticket",
                           .value = "ID",
                           .summary = "why: kept with the remedy and in the journal" },
    [FL_OPTION_DRY_RUN] = { .name = "dry-run", .summary = "plan and prove, but change nothing" },
    [FL_OPTION_CONFIRM_WITHIN] = { .name = "confirm-within",
                                   .value = "TIME",
                                   .summary =
                                       "revert it again unless flowlift confirm comes within this "
                                       "time from when the rules go in: 90, 90s or 5m" },
    [FL_OPTION_UNTIL] = { .name = "until",
                          .value = "DATE|VERSION",
                          .summary = "until when it stands; then the agent, or flowlift guard, "
                                     "reverts it: 2027-01-31, 2027-01-31T12:00:00Z, or a version "
                                     "of Open vSwitch such as 3.3.1 that has the permanent fix" },
    [FL_OPTION_FOREGROUND] = { .name = "foreground",
                               .summary = "stay, and write a line for each thing done" },
    [FL_OPTION_ALL] = { .name = "all",
                        .summary = "every remedy, and every rule with flowlift's cookie on every "
                                   "bridge" },
    [FL_OPTION_VERDICT] = { .name = "verdict",
                            .value = "VERDICT",
                            .choices = "stranded leaking unknown offloaded idle",
                            .summary = "only VMs of this verdict; those of a host that is not "
                                       "heard are unknown" },
    [FL_OPTION_CAUSE] = { .name = "cause",
                          .value = "ID",
                          .summary = "only VMs with this cause; flowlift causes lists them" },
    [FL_OPTION_NIC] = { .name = "nic",
                        .value = "DRIVER",
                        .summary = "only VMs behind a NIC of this driver: mlx5e_rep, mlx5_pci" },
    [FL_OPTION_FIRMWARE] = { .name = "firmware",
                             .value = "VERSION",
                             .summary = "only VMs behind a NIC of this firmware; 22.31 means "
                                        "22.31.1014, too" },
    [FL_OPTION_VERSION] = { .name = "version",
                            .value = "VERSION",
                            .summary = "only hosts with this version of Open vSwitch; 3.1 means "
                                       "3.1.2, too" },
    [FL_OPTION_HOST] = { .name = "host",
                         .value = "PATTERN",
                         .summary = "only hosts of this name, as a shell pattern: \"rack7-*\"" },
    [FL_OPTION_OLDER] = { .name = "older",
                          .value = "TIME",
                          .summary = "a host whose last word is older than this is silent, and its "
                                     "VMs are unknown: 90s, 15m, 2h or 1d (default 1h)" },
    [FL_OPTION_REMOTE] = { .name = "remote",
                           .value = "REMOTE",
                           .summary = "the fleet's database, such as ssl:10.0.0.1:6642; several "
                                      "with commas between (default: [fleet] remote)" },
    [FL_OPTION_LINES] = { .name = "lines",
                          .letter = 'n',
                          .value = "N",
                          .summary = "the newest (of a fleet, the worst) N entries; 0 for all "
                                     "(default 50)" },
    [FL_OPTION_TICKS] = { .name = "ticks",
                          .letter = 'n',
                          .value = "N",
                          .summary = "end after N readings; the exit code is that of the last" },
    [FL_OPTION_MAN] = { .name = "man", .summary = "a manual page, as roff: pipe it to man -l -" },
    [FL_OPTION_FROM] = { .name = "from",
                         .value = "FILE",
                         .choices = "FILE",
                         .summary =
                             "read FILE instead of the host: a capture, or the text of "
                             "\"dpctl/dump-flows -m\" or \"tc -s [-j] filter show\"; two such "
                             "texts, the earlier first, make a window (\"-\" is standard input)" },
    [FL_OPTION_FORMAT] = { .name = "format",
                           .value = "FORMAT",
                           .choices = "table json jsonl prom md",
                           .summary = "how the result is written" },
    [FL_OPTION_JSON] = { .name = "json", .summary = "short for --format json" },
    [FL_OPTION_VIA] = { .name = "via",
                        .value = "WHO",
                        .choices = "auto kernel ovs",
                        .summary =
                            "who is asked for flows: kernel (netlink, which does not disturb "
                            "ovs-vswitchd), ovs (ovs-vswitchd), or auto: the kernel where "
                            "its datapath is used" },
    [FL_OPTION_DB] = { .name = "db",
                       .value = "REMOTE",
                       .summary =
                           "the Open vSwitch database, as for ovs-vsctl (default: db.sock in "
                           "OVS_RUNDIR)" },
    [FL_OPTION_ROOT] = { .name = "root",
                         .value = "DIR",
                         .choices = "FILE",
                         .summary = "flowlift's own files (configuration, remedies, journal) lie "
                                    "below DIR" },
    [FL_OPTION_TIMEOUT] = { .name = "timeout",
                            .value = "SEC",
                            .summary =
                                "longest wait for each answer of Open vSwitch (default 15)" },
    [FL_OPTION_HELP] = { .name = "help", .letter = 'h', .summary = "this text" },
};

#define BIT(option)    (UINT64_C(1) << FL_OPTION_##option)
#define FORMAT(format) (1u << FL_FORMAT_##format)

#define ALL_VERBS    (BIT(FORMAT) | BIT(JSON) | BIT(ROOT) | BIT(HELP))
#define ASKS_OVS     (BIT(DB) | BIT(TIMEOUT))
#define READS_FLOWS  (ASKS_OVS | BIT(VIA))
#define TEXT_OR_JSON (FORMAT(TABLE) | FORMAT(JSON))

const struct fl_verb fl_verbs[] = {
    {
        .name = "audit",
        .arguments = "",
        .summary = "verdict of every VM, the worst first",
        .description = "Tells for each VM whether its storage traffic is forwarded by the NIC "
                       "(offloaded), is stuck in software (stranded), partly so (leaking), "
                       "absent (idle), or cannot be judged (unknown). The verdict is made from "
                       "packets counted in a window, not from flags.",
        .examples = {
            { "audit",
              "the VMs of this host; exit code 1 when one is stranded or leaking" },
            { "audit --vm vm2 --window 10",
              "one VM, counted for ten seconds" },
            { "audit --screen --format jsonl",
              "for cron: a line of JSON a VM, at next to no cost" },
            { "audit --from host.json",
              "of a capture, on any machine" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON | FORMAT(JSONL) | FORMAT(PROM),
        .options = ALL_VERBS | READS_FLOWS | BIT(VM) | BIT(WINDOW) | BIT(SCREEN) | BIT(FROM),
        .run = fl_verb_audit,
    },
    {
        .name = "flows",
        .arguments = "",
        .summary = "every datapath flow with its path and causes",
        .description = "Lists the datapath flows with the path each is on, the VM it belongs to, "
                       "whether it carries storage traffic, and why it is not in hardware. A "
                       "line that cannot be parsed is listed with what is legible of it. The NIC "
                       "is asked, too: where it and Open vSwitch do not agree about what is in "
                       "hardware, it says so; with --json its rules are listed (nic_rules).",
        .examples = {
            { "flows --vm vm2 --storage",
              "the storage flows of one VM" },
            { "flows --path dp-sw",
              "all flows that the datapath forwards in software" },
            { "flows --json --from dump.txt",
              "what \"ovs-appctl dpctl/dump-flows -m\" wrote" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(VM) | BIT(STORAGE) | BIT(PATH) | BIT(WINDOW) |
                   BIT(MLX5_DUMP) | BIT(FROM),
        .run = fl_verb_flows,
    },
    {
        .name = "explain",
        .arguments = "VM",
        .names = FL_NAMES_VMS,
        .summary = "why a VM is where it is, with the evidence",
        .description = "Tells the story of one VM: its verdict, its numbers beside those of its "
                       "peers, each chain of flows that its storage packets take through "
                       "software, the causes, and what cures them. With --probe the NIC is asked "
                       "about a VM that is stranded or leaking: over TC a flow is offered where no "
                       "packet reaches it, and removed at once; with DPDK its driver looks at the "
                       "rule. Traffic is not touched. With --listen the NIC is not asked: what "
                       "the kernel tells Open vSwitch of any flow is taken down, which is more "
                       "than Open vSwitch itself gets to see.",
        .examples = {
            { "explain vm2",
              "its numbers, chains and causes" },
            { "explain vm2 --probe",
              "ask the NIC, too, and whose OpenFlow flows they are" },
            { "explain vm2 --json --from host.json",
              "of a capture, for a script" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(PROBE) | BIT(LISTEN) | BIT(FROM),
        .run = fl_verb_explain,
    },
    {
        .name = "report",
        .arguments = "[VM]",
        .names = FL_NAMES_VMS,
        .summary = "one HTML page for a ticket: of a VM, or of the whole host",
        .description =
            "Writes a page that needs nothing else: the verdict in a sentence, before and "
            "after, the cause with its evidence, what was done and how that was proven, "
            "storage traffic by path over time, the flows, the journal, and the host. "
            "Without a VM: all VMs of the host, the worst first. The host is watched for "
            "20 s unless --window says how long. Captures, the earlier first, are points "
            "in time, and the last of them is now. With --json the document that the page "
            "is made from is printed.",
        .examples = {
            { "report vm2 -o ticket.html",
              "one page for a ticket, of a VM that is watched for 20 s" },
            { "report -o host.html",
              "all VMs of this host, the worst first" },
            { "report vm2 --plan vm2.plan -o ticket.html",
              "with rules that are not installed yet" },
            { "report vm2 --from before.json --from after.json -o ticket.html",
              "of captures, on any machine" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(OUTPUT) | BIT(PLAN) | BIT(FROM),
        .run = fl_verb_report,
    },
    {
        .name = "plan",
        .arguments = "VM",
        .names = FL_NAMES_VMS,
        .summary = "the simplified flow set for a VM, checked; changes nothing",
        .description = "Derives the few OpenFlow rules that would put the VM's storage traffic "
                       "back into hardware, and asks Open vSwitch itself whether they forward "
                       "the same packets as the pipeline without them.",
        .examples = {
            { "plan vm2",
              "the rules and their proof" },
            { "plan vm2 -o vm2.plan",
              "to be looked at, and installed by apply --plan" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(OUTPUT),
        .run = fl_verb_plan,
    },
    {
        .name = "apply",
        .arguments = "VM",
        .names = FL_NAMES_VMS,
        .summary = "install the plan, verify it in packets, or revert it",
        .description =
            "Plans (or takes --plan FILE). When the NIC would take the VM's flows now, Open "
            "vSwitch is made to offer them again; that may be enough, and no rule "
            "stays. Else it installs the rules in one atomic bundle, "
            "and watches the VM's storage packets. When the NIC does not take them "
            "over, the rules are removed again. Doing it twice changes nothing the "
            "second time. With --confirm-within a process stays behind that reverts it "
            "when the time is over, also when this one was killed.",
        .examples = {
            { "apply vm2 --ticket T-1",
              "repair it; history has the ticket" },
            { "apply vm2 --dry-run",
              "what would be done" },
            { "apply vm2 --confirm-within 5m",
              "reverted again unless flowlift confirm vm2 comes" },
            { "apply vm2 --plan vm2.plan --until 2027-01-31",
              "this plan, until the permanent fix is there" },
        },
        .effect = FL_WRITES,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(PLAN) | BIT(TICKET) | BIT(DRY_RUN) |
                   BIT(CONFIRM_WITHIN) | BIT(UNTIL),
        .run = fl_verb_apply,
    },
    {
        .name = "confirm",
        .arguments = "VM",
        .names = FL_NAMES_REMEDIES,
        .summary = "a remedy that was applied with --confirm-within is to stay",
        .description = "Until the time is over that apply --confirm-within gave. When there is "
                       "nothing to confirm, or it is too late, it says so and exits with 1.",
        .examples = {
            { "confirm vm2",
              "the remedy is to stay" },
        },
        .effect = FL_WRITES,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS,
        .run = fl_verb_confirm,
    },
    {
        .name = "verify",
        .arguments = "VM",
        .names = FL_NAMES_REMEDIES,
        .summary = "look again whether an installed remedy works",
        .description = "Counts the VM's storage packets for a window and says whether they are "
                       "in hardware, on flowlift's rules.",
        .examples = {
            { "verify vm2 --window 10",
              "count for ten seconds whether the remedy works" },
        },
        .effect = FL_WRITES,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(TICKET),
        .run = fl_verb_verify,
    },
    {
        .name = "revert",
        .arguments = "VM|--all",
        .names = FL_NAMES_REMEDIES,
        .summary = "take a remedy out again",
        .description = "Removes flowlift's rules for the VM, whatever state they are in. The "
                       "OpenFlow tables are then as they were before.",
        .examples = {
            { "revert vm2 --ticket T-1",
              "one remedy" },
            { "revert --all",
              "everything that flowlift has put into the switch" },
        },
        .effect = FL_WRITES,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | ASKS_OVS | BIT(ALL) | BIT(TICKET),
        .run = fl_verb_revert,
    },
    {
        .name = "guard",
        .arguments = "",
        .summary = "take remedies out while the pipeline forbids them",
        .description = "Watches the bridges of all remedies and proves each again when something "
                       "changes that may matter to it, and once a minute. When the pipeline does "
                       "not agree any more, the rules go out at once and the remedy is suspended; "
                       "when it agrees again, or somebody deleted the rules, they go in. Ends with "
                       "SIGTERM or SIGINT; the remedies stay as they are.",
        .examples = {
            { "guard --foreground",
              "where no agent runs; ends with ^C" },
        },
        .effect = FL_WRITES,
        .formats = TEXT_OR_JSON | FORMAT(JSONL),
        .options = ALL_VERBS | ASKS_OVS | BIT(FOREGROUND),
        .run = fl_verb_guard,
    },
    {
        .name = "hook",
        .arguments = "SOURCE ...",
        .words = "libvirt vm-start vm-stop vm-migrated",
        .summary = "something happened to a VM: leave word for the agent",
        .description = "Called by whoever starts and stops VMs. \"libvirt GUEST OPERATION "
                       "SUBOPERATION EXTRA\", with domain XML on standard input, is a call of "
                       "libvirt's qemu hook; \"vm-start NAME\", \"vm-stop NAME\" and "
                       "\"vm-migrated NAME\" are for all others. It writes a file into "
                       "/run/flowlift/events/, prints nothing, takes at most 100 ms, and exits "
                       "with 0, whatever happens; only a call that is no such call is met with a "
                       "sentence on standard error. Options come before SOURCE.",
        .examples = {
            { "hook vm-start vm2",
              "from a unit or a script that starts VMs" },
            { "hook libvirt vm2 started begin -",
              "as libvirt's qemu hook calls it, domain XML on standard input" },
        },
        .effect = FL_WRITES,
        .takes_rest = true,
        .never_fails = true,
        .formats = FORMAT(TABLE),
        .options = BIT(ROOT) | BIT(HELP),
        .run = fl_verb_hook,
    },
    {
        .name = "status",
        .arguments = "",
        .summary = "remedies now: on disk against in the switch",
        .description = "Lists every remedy with its state as the switch shows it, and names what "
                       "is odd.",
        .examples = {
            { "status",
              "what is in the switch, against what is on disk" },
            { "status --json",
              "for a script" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | ASKS_OVS,
        .run = fl_verb_status,
    },
    {
        .name = "history",
        .arguments = "[VM]",
        .names = FL_NAMES_VMS,
        .summary = "the journal of all steps, the newest last",
        .description = "Lists who did what to which VM, when, for which ticket, and what came of "
                       "it.",
        .examples = {
            { "history",
              "the newest 50 steps of all VMs" },
            { "history vm2 --lines 0",
              "all steps of one VM" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | BIT(LINES),
        .run = fl_verb_history,
    },
    {
        .name = "fleet",
        .arguments = "WORD ...",
        .words = "audit status apply revert history report",
        .summary = "many hosts at once: their VMs, worst first, and what they have in common",
        .description =
            "With a database that the agents share ([fleet] remote): audit lists the VMs of all hosts, "
            "status the hosts, worst first, as the agents told last; apply VM and revert VM order "
            "that its repair is to stand, or not to stand, wherever the VM is now and goes later; "
            "history [VM] is what was ordered, and what hosts did. Without one: report FILE... "
            "merges what \"flowlift audit --format jsonl\" (or --json) printed on many "
            "hosts, gathered by cron, ansible or clush: a file for each host or one of all "
            "(\"-\" is standard input), the newest word of each host. A host whose last word is "
            "too old, or whose clock is ahead, is never counted as healthy: its VMs are unknown. "
            "What cannot be read is named by file and line, and makes the exit code 2. With "
            "--json all VMs are listed, unless -n is given. With -o FILE audit, status and report "
            "write one HTML page instead, of the worst 100 VMs and hosts unless -n says how many.",
        .examples = {
            { "fleet report fleet/*.jsonl",
              "without a database: what audit --format jsonl printed on many hosts" },
            { "fleet audit --verdict stranded --nic mlx5e_rep",
              "all stranded VMs of the fleet that are behind such a NIC" },
            { "fleet apply vm2 --ticket T-1 --until 2027-01-31",
              "its repair is to stand, wherever it is, until then" },
            { "fleet report fleet/*.jsonl -o fleet.html",
              "one page of it" },
        },
        .effect = FL_WRITES,
        .takes_more = true,
        .formats = TEXT_OR_JSON,
        .options = BIT(FORMAT) | BIT(JSON) | BIT(HELP) | BIT(VERDICT) | BIT(CAUSE) | BIT(NIC) |
                   BIT(FIRMWARE) | BIT(VERSION) | BIT(HOST) | BIT(OLDER) | BIT(LINES) |
                   BIT(REMOTE) | BIT(TICKET) | BIT(UNTIL) | BIT(TIMEOUT) | BIT(ROOT) | BIT(OUTPUT),
        .run = fl_verb_fleet,
    },
    {
        .name = "watch",
        .arguments = "[VM]",
        .names = FL_NAMES_VMS,
        .summary = "a live view: every VM, its paths and rates, the worst first",
        .description =
            "Shows on a terminal what audit says, again and again: each reading counts the packets "
            "since the one before, with one dump of the flows. --window is the time from one to "
            "the next. Keys: q quits, arrows, j and k, page keys move, e shows the storage flows "
            "of a VM, s sorts otherwise, p pauses. With --json it prints a document of audit for "
            "each reading, one a line, until it is ended. --from plays files one after the other, "
            "one a second unless --window says otherwise: captures, and dumps, of which each is "
            "the end of the window that the one before it began.",
        .examples = {
            { "watch",
              "all VMs of this host, until q" },
            { "watch vm2 --window 2",
              "one VM, a reading each two seconds" },
            { "watch --json -n 12",
              "twelve documents of audit, one a line" },
            { "watch --from one.json --from two.json",
              "captures, played one after the other" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON | FORMAT(JSONL),
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(TICKS) | BIT(FROM),
        .run = fl_verb_watch,
    },
    {
        .name = "capture",
        .arguments = "",
        .summary = "write a snapshot of the host for a ticket",
        .description = "Writes all that flowlift reads of the host into one file, from which \" "
                       "--from FILE\" gives the same answers later and elsewhere.",
        .examples = {
            { "capture -o host.json",
              "for a ticket; audit --from host.json reads it" },
            { "capture -o host.json --window 30",
              "with the packets of half a minute" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | READS_FLOWS | BIT(WINDOW) | BIT(OUTPUT),
        .run = fl_verb_capture,
    },
    {
        .name = "doctor",
        .arguments = "",
        .summary = "what this host lacks for offload and for flowlift",
        .description = "Checks Open vSwitch, its offload settings, its interfaces, and "
                       "flowlift's own files, and says what to do about each thing that is not "
                       "in order.",
        .examples = {
            { "doctor",
              "after installation, and when a verdict is unknown" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON,
        .options = ALL_VERBS | ASKS_OVS,
        .run = fl_verb_doctor,
    },
    {
        .name = "causes",
        .arguments = "[ID]",
        .names = FL_NAMES_CAUSES,
        .summary = "why flows are not in the NIC: all causes that are known, or one",
        .description =
            "Lists what can keep a flow out of the NIC: how it shows, what cures it, and "
            "where it is known from. With the id of a cause, as audit and explain name "
            "it, that one. Reads nothing of the host.",
        .examples = {
            { "causes",
              "all of them" },
            { "causes conntrack",
              "one: how it shows, what cures it" },
        },
        .effect = FL_READS,
        .formats = TEXT_OR_JSON | FORMAT(MD),
        .options = BIT(MAN) | BIT(FORMAT) | BIT(JSON) | BIT(HELP),
        .run = fl_verb_causes,
    },
    {
        .name = "help",
        .arguments = "[VERB]",
        .names = FL_NAMES_VERBS,
        .summary = "all verbs, or one verb with its options",
        .description = "Without a verb: what there is. With one: its options.",
        .examples = {
            { "help apply",
              "the same as flowlift apply --help" },
        },
        .effect = FL_READS,
        .formats = FORMAT(TABLE),
        .options = BIT(MAN) | BIT(HELP),
        .run = fl_verb_help,
    },
    {
        .name = "await-confirm",
        .arguments = "VM",
        .summary = "revert a remedy that nobody confirms in time",
        .description = "What apply --confirm-within leaves behind.",
        .effect = FL_WRITES,
        .hidden = true,
        .formats = FORMAT(TABLE),
        .options = BIT(ROOT) | ASKS_OVS | BIT(HELP),
        .run = fl_verb_await,
    },
    {
        .name = "completion",
        .arguments = "bash",
        .words = "bash vms remedies",
        .summary = "the completion script of a shell",
        .description = "Prints a script for the shell, or what that script asks for: the names of the VMs of "
                       "this host, or of those with a remedy, one a line.",
        .examples = {
            { "completion bash",
              "source <(flowlift completion bash)" },
        },
        .effect = FL_READS,
        .hidden = true,
        .formats = FORMAT(TABLE),
        .options = BIT(ROOT) | ASKS_OVS | BIT(HELP),
        .run = fl_verb_completion,
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
