/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/memory.h>
#include <ovs/simap.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "agent/control.h"
#include "agent/report.h"
#include "agent/signals.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"

VLOG_DEFINE_THIS_MODULE(agent);

/* Others change remedies, too: the service manager is told anew so often at least. */
#define TELL_MS     60000
#define SOCKET_MODE 0660

int fl_agent_init(struct fl_agent *agent, const struct fl_agent_options *options,
                  struct fl_notify *notify, struct fl_error *err)
{
    *agent = (struct fl_agent){ .options = options, .notify = notify, .signals = -1 };
    fl_events_init(&agent->events);
    agent->config_read_ms = fl_time_now_ms();
    return fl_config_load(&agent->config, options->root, err);
}

void fl_agent_reread(struct fl_agent *agent)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_config config;

    if (fl_config_load(&config, agent->options->root, &err)) {
        VLOG_WARN("the configuration is refused, the old one stays: %s", err.text);
        agent->config_why = err;
        agent->config_refused_ms = fl_time_now_ms();
        fl_config_destroy(&config);
        return;
    }
    /* The guard has its address. */
    fl_config_destroy(&agent->config);
    agent->config = config;
    agent->config_read_ms = fl_time_now_ms();
    agent->config_refused_ms = 0;
    if (agent->guard) {
        fl_guard_look_again(agent->guard, NULL);
    }
}

json_t *fl_agent_report(const struct fl_agent *agent)
{
    return fl_report(&(struct fl_report_of){
        .root = agent->options->root,
        .events = &agent->events,
        .started_ms = agent->started_ms,
        .config_read_ms = agent->config_read_ms,
        .config_refused_ms = agent->config_refused_ms,
        .config_why = agent->config_why.text,
    });
}

/* ---- Begin ---- */

static int open_guard(struct fl_agent *agent, struct fl_error *err)
{
    const struct fl_operator op = {
        .config = &agent->config,
        .root = agent->options->root,
        .host = { .db = agent->options->db, .timeout_ms = agent->options->timeout_ms },
        .who = "flowlift-agent",
    };

    return fl_guard_open(&op, fl_events_take, &agent->events, &agent->guard, err);
}

static int open_socket(struct fl_agent *agent, struct fl_error *err)
{
    _cleanup_free char *rundir = fl_path_rundir(agent->options->root);
    _cleanup_free char *path = NULL;
    int error;

    path = agent->options->socket ? xstrdup(agent->options->socket)
                                  : xasprintf("%s/flowlift-agent.%ld.ctl", rundir, (long)getpid());
    error = unixctl_server_create(path, &agent->server);
    if (error) {
        return fl_error_set(err, -error, "cannot listen on %s: %s", path, ovs_strerror(error));
    }
    if (agent->server && chmod(path, SOCKET_MODE) < 0) {
        return fl_error_set(err, -errno, "cannot let the group use %s: %s", path,
                            ovs_strerror(errno));
    }
    agent->rendezvous = fl_rendezvous_open(rundir, agent->options->pidfile,
                                           unixctl_server_get_path(agent->server));
    return 0;
}

int fl_agent_open(struct fl_agent *agent, struct fl_error *err)
{
    int error;

    agent->started_ms = fl_time_now_ms();
    agent->signals = fl_signals_open();
    if (agent->signals < 0) {
        return fl_error_set(err, agent->signals, "cannot wait for signals: %s",
                            ovs_strerror(-agent->signals));
    }
    error = open_guard(agent, err);
    if (!error) {
        fl_hooks_open(&agent->hooks, agent->options->root, agent->guard);
        error = open_socket(agent, err);
    }
    if (!error) {
        fl_control_register(agent);
    }
    return error;
}

/* ---- The loop ---- */

static void tell_manager(struct fl_agent *agent, const char *first)
{
    _cleanup_json json_t *report = fl_agent_report(agent);
    _cleanup_free char *sentence = fl_report_sentence(report);

    fl_notify_send(agent->notify, "%sSTATUS=%s", first, sentence);
    agent->events.is_news = false;
    agent->tell_ms = time_msec() + TELL_MS;
}

static void take_signals(struct fl_agent *agent)
{
    int number;

    while ((number = fl_signals_take(agent->signals))) {
        if (number == SIGHUP) {
            VLOG_INFO("SIGHUP: reading the configuration again");
            fl_agent_reread(agent);
        } else {
            agent->is_ending = true;
        }
    }
}

static void run_memory(const struct fl_agent *agent)
{
    struct simap usage = SIMAP_INITIALIZER(&usage);

    memory_run();
    if (memory_should_report()) {
        simap_put(&usage, "watched", (unsigned int)shash_count(&agent->events.last));
        memory_report(&usage);
    }
    simap_destroy(&usage);
}

static void run_once(struct fl_agent *agent)
{
    fl_notify_alive(agent->notify);
    run_memory(agent);
    fl_hooks_run(&agent->hooks);
    fl_guard_run(agent->guard);
    unixctl_server_run(agent->server);
    fl_rendezvous_run(agent->rendezvous);
    take_signals(agent);
    if (agent->events.is_news || time_msec() >= agent->tell_ms) {
        tell_manager(agent, "");
    }
}

static void wait_once(struct fl_agent *agent)
{
    fl_notify_wait(agent->notify);
    memory_wait();
    fl_hooks_wait(&agent->hooks);
    fl_guard_wait(agent->guard);
    unixctl_server_wait(agent->server);
    fl_rendezvous_wait(agent->rendezvous);
    poll_fd_wait(agent->signals, POLLIN);
    poll_timer_wait_until(agent->tell_ms);
    poll_block();
}

void fl_agent_run(struct fl_agent *agent)
{
    VLOG_INFO("flowlift-agent %s guards %s", FLOWLIFT_VERSION,
              *agent->options->root ? agent->options->root : "this host");
    tell_manager(agent, "READY=1\n");
    for (;;) {
        run_once(agent);
        if (agent->is_ending) {
            break;
        }
        wait_once(agent);
    }
    VLOG_INFO("ends; the remedies stay as they are");
    fl_notify_send(agent->notify, "STOPPING=1");
}

void fl_agent_close(struct fl_agent *agent)
{
    /* The answer to "exit" is on its way. */
    unixctl_server_run(agent->server);
    fl_rendezvous_close(agent->rendezvous);
    unixctl_server_destroy(agent->server);
    fl_hooks_close(&agent->hooks);
    fl_guard_close(agent->guard);
    fl_events_destroy(&agent->events);
    fl_config_destroy(&agent->config);
    if (agent->signals >= 0) {
        close(agent->signals);
    }
}
