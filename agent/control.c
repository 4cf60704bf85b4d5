/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control.h"

#include <string.h>

#include <openvswitch/vlog.h>
#include <ovs/unixctl.h>
#include <ovs/util.h>

#include "agent/agent.h"
#include "agent/report.h"
#include "flows/cleanup.h"

VLOG_DEFINE_THIS_MODULE(agent_control);

static void status(struct unixctl_conn *conn, int argc, const char *argv[], void *agent_)
{
    bool wants_json = argc > 1 && !strcmp(argv[1], "--json");
    _cleanup_json json_t *report = NULL;
    _cleanup_free char *text = NULL;

    if (argc > 1 && !wants_json) {
        unixctl_command_reply_error(conn, "status takes --json, or nothing");
        return;
    }
    report = fl_agent_report(agent_);
    text = wants_json ? json_dumps(report, JSON_INDENT(2)) : fl_report_text(report);
    unixctl_command_reply(conn, text);
}

static void end(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[] OVS_UNUSED,
                void *agent_)
{
    struct fl_agent *agent = agent_;

    VLOG_INFO("told to exit by a control command");
    agent->is_ending = true;
    unixctl_command_reply(conn, NULL);
}

void fl_control_register(struct fl_agent *agent)
{
    unixctl_command_register("status", "[--json]", 0, 1, status, agent);
    unixctl_command_register("exit", "", 0, 0, end, agent);
}
