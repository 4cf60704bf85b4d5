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
#include "agent/metrics.h"
#include "agent/report.h"
#include "agent/signals.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"

VLOG_DEFINE_THIS_MODULE(agent);

/* Others change remedies, too: the service manager is told anew so often at least. */
#define TELL_MS     60000
#define SOCKET_MODE 0660

/* Rules that are in and do not help: the VM came back with another address, say. */
static void verify_stranded(struct fl_agent *agent, const json_t *vm, const char *id,
                            const char *name)
{
    if (fl_auto_is_alone(vm) && fl_guard_has_in(agent->guard, id)) {
        fl_verify_want(&agent->verify, id, name, true);
    }
}

static void heed_countermand(struct fl_agent *agent, const char *id, const char *name)
{
    int64_t since_ms = fl_fleet_link_countermanded_ms(&agent->fleet, id);

    if (since_ms && fl_auto_is_on(&agent->repairs)) {
        fl_auto_heed_revert(&agent->repairs, id, name, since_ms,
                            "the fleet was ordered to revert it");
    }
}

static void heed_audit(const json_t *document, void *agent_)
{
    struct fl_agent *agent = agent_;
    const json_t *vm;
    size_t i;

    json_array_foreach(json_object_get(document, "vms"), i, vm) {
        const char *id = json_string_value(json_object_get(vm, "id"));
        const char *name = json_string_value(json_object_get(vm, "name"));

        if (id && name) {
            verify_stranded(agent, vm, id, name);
            heed_countermand(agent, id, name);
        }
    }
    if (fl_auto_is_on(&agent->repairs)) {
        fl_auto_consider(&agent->repairs, document);
    }
}

/* Of repairs that are over. Return: how many. */
static size_t metrics_results(const struct fl_auto *repairs,
                              struct fl_metrics_result results[FL_AUTO_N_ENDS])
{
    size_t n = 0;

    for (enum fl_auto_end end = FL_AUTO_UNDER_WAY + 1; end < FL_AUTO_N_ENDS; end++) {
        results[n++] = (struct fl_metrics_result){ fl_auto_end_name(end), repairs->ends[end] };
    }
    return n;
}

/* Some holds are over, and not forgotten yet. */
static uint64_t n_left_alone(const struct fl_auto_limits *limits)
{
    int64_t now_ms = fl_time_now_ms();
    uint64_t n = 0;

    for (size_t i = 0; i < limits->n_holds; i++) {
        n += limits->holds[i].until_ms > now_ms;
    }
    return n;
}

static bool is_here(const char *vm_id, const void *inv)
{
    return fl_inventory_vm(inv, vm_id) != NULL;
}

/* How things stand, as text of Prometheus. */
static void put_metrics(struct ds *text, void *agent_)
{
    const struct fl_agent *agent = agent_;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy *remedies = NULL;
    struct fl_store *store;
    size_t n = 0;
    struct fl_metrics_result results[FL_AUTO_N_ENDS];
    const struct fl_inventory *inv = agent->guard ? fl_guard_inventory(agent->guard) : NULL;
    bool is_connected = fl_fleet_link_is_connected(&agent->fleet);
    bool makes_audits = strcmp(agent->config.agent_auto, "off") != 0;
    const struct fl_metrics_audits audits = {
        .last = agent->audit.last,
        .is_failing = agent->audit.failure != NULL,
        .duration_ms = agent->audit.last_took_ms,
        .interval_ms = agent->config.agent_interval_ms,
        .n_ok = agent->audit.n_ok,
        .n_failed = agent->audit.n_failed,
    };
    const struct fl_metrics_repairs repairs = {
        .results = results,
        .n_results = metrics_results(&agent->repairs, results),
        .n_left_alone = n_left_alone(&agent->repairs.limits),
        .is_stopped = fl_auto_stopped_until_ms(&agent->repairs.limits, fl_time_now_ms()) ||
                      agent->repairs.unreadable,
    };

    if (!fl_store_open(agent->options->root, false, 0, &store, &err)) {
        fl_store_list(store, &remedies, &n, &err);
        fl_store_close(store);
    }
    fl_metrics_put(
        &(struct fl_metrics_of){
            .now_ms = fl_time_now_ms(),
            .started_ms = agent->started_ms,
            .config_read_ms = agent->config_read_ms,
            .config_is_refused = agent->config_refused_ms != 0,
            .events = &agent->events,
            .remedies = remedies,
            .n_remedies = n,
            .remedies_are_unread = err.code != 0,
            .is_here = inv ? is_here : NULL,
            .aux = inv,
            .fleet_is_connected = agent->config.fleet_remote ? &is_connected : NULL,
            .n_hook_events = agent->hooks.n_events,
            .n_hook_errors = agent->hooks.n_errors,
            .n_config_errors = agent->n_config_errors,
            .n_metrics_errors = agent->exporter.n_errors,
            .audits = makes_audits ? &audits : NULL,
            .repairs = fl_auto_is_on(&agent->repairs) ? &repairs : NULL,
        },
        text);
    fl_remedy_list_free(remedies, n);
}

int fl_agent_init(struct fl_agent *agent, const struct fl_agent_options *options,
                  struct fl_notify *notify, struct fl_error *err)
{
    int error;

    *agent = (struct fl_agent){ .options = options, .notify = notify, .signals = -1 };
    fl_events_init(&agent->events);
    agent->op = (struct fl_operator){
        .config = &agent->config,
        .root = options->root,
        .host = { .db = options->db, .timeout_ms = options->timeout_ms },
        .who = "flowlift-agent",
    };
    fl_verify_init(&agent->verify, &agent->op);
    fl_orders_init(&agent->orders, options);
    fl_exporter_init(&agent->exporter, options->root, put_metrics, agent);
    agent->config_read_ms = fl_time_now_ms();
    error = fl_config_load(&agent->config, options->root, err);
    fl_audit_timer_open(&agent->audit, &agent->config, &agent->op.host, heed_audit, agent);
    fl_auto_open(&agent->repairs, &agent->op);
    return error;
}

void fl_agent_reread(struct fl_agent *agent)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_config config;

    if (fl_config_load(&config, agent->options->root, &err)) {
        VLOG_WARN("the configuration is refused, the old one stays: %s", err.text);
        agent->config_why = err;
        agent->config_refused_ms = fl_time_now_ms();
        agent->n_config_errors++;
        fl_exporter_news(&agent->exporter);
        fl_config_destroy(&config);
        return;
    }
    /* The guard has its address, and so have the others. */
    fl_config_destroy(&agent->config);
    agent->config = config;
    agent->config_read_ms = fl_time_now_ms();
    agent->config_refused_ms = 0;
    fl_audit_timer_reread(&agent->audit);
    fl_auto_reread(&agent->repairs);
    fl_fleet_link_reread(&agent->fleet);
    if (agent->guard) {
        fl_guard_look_again(agent->guard, NULL);
        fl_exporter_configure(&agent->exporter, &agent->config);
    }
}

json_t *fl_agent_report(const struct fl_agent *agent)
{
    return fl_report(&(struct fl_report_of){
        .root = agent->options->root,
        .events = &agent->events,
        .audit = &agent->audit,
        .repairs = &agent->repairs,
        .fleet = &agent->fleet,
        .started_ms = agent->started_ms,
        .config_read_ms = agent->config_read_ms,
        .config_refused_ms = agent->config_refused_ms,
        .config_why = agent->config_why.text,
    });
}

/* ---- Begin ---- */

static void take_event(const struct fl_guard_event *event, void *agent_)
{
    struct fl_agent *agent = agent_;

    fl_events_take(&agent->events, event);
    fl_verify_take(&agent->verify, event);
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
    error = fl_guard_open(&agent->op, take_event, agent, &agent->guard, err);
    if (!error) {
        fl_hooks_open(&agent->hooks, agent->options->root, agent->guard);
        fl_links_open(&agent->links, agent->guard);
        fl_fleet_link_open(&agent->fleet, &agent->op, agent->guard, &agent->audit);
        error = open_socket(agent, err);
    }
    if (!error) {
        fl_exporter_configure(&agent->exporter, &agent->config);
    }
    if (!error) {
        fl_control_register(agent);
        fl_orders_register(&agent->orders);
        fl_audit_timer_register(&agent->audit);
        fl_auto_register(&agent->repairs);
    }
    return error;
}

/* ---- The loop ---- */

static void tell_manager(struct fl_agent *agent, const char *first)
{
    _cleanup_json json_t *report = fl_agent_report(agent);
    _cleanup_free char *sentence = fl_report_sentence(report);

    fl_notify_send(agent->notify, "%sSTATUS=%s", first, sentence);
    agent->events.is_news = agent->audit.is_news = agent->repairs.is_news = false;
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

static bool has_news(const struct fl_agent *agent)
{
    return agent->events.is_news || agent->audit.is_news || agent->repairs.is_news;
}

static void run_once(struct fl_agent *agent)
{
    fl_notify_alive(agent->notify);
    run_memory(agent);
    fl_hooks_run(&agent->hooks);
    fl_links_run(&agent->links);
    if (agent->links.wants_audit != agent->n_wipes_heeded) {
        agent->n_wipes_heeded = agent->links.wants_audit;
        fl_audit_timer_soon(&agent->audit);
    }
    fl_guard_run(agent->guard);
    fl_verify_run(&agent->verify);
    fl_audit_timer_run(&agent->audit);
    fl_auto_run(&agent->repairs);
    fl_fleet_link_run(&agent->fleet);
    unixctl_server_run(agent->server);
    fl_orders_run(&agent->orders);
    fl_rendezvous_run(agent->rendezvous);
    take_signals(agent);
    /* An audit is news for the file, also when it says what the last one said. */
    if (has_news(agent) || agent->audit.n_ok + agent->audit.n_failed != agent->n_audits_exported) {
        agent->n_audits_exported = agent->audit.n_ok + agent->audit.n_failed;
        fl_exporter_news(&agent->exporter);
    }
    fl_exporter_run(&agent->exporter);
    if (has_news(agent) || time_msec() >= agent->tell_ms) {
        tell_manager(agent, "");
    }
}

static void wait_once(struct fl_agent *agent)
{
    fl_notify_wait(agent->notify);
    memory_wait();
    fl_hooks_wait(&agent->hooks);
    fl_links_wait(&agent->links);
    fl_guard_wait(agent->guard);
    fl_verify_wait(&agent->verify);
    fl_audit_timer_wait(&agent->audit);
    fl_auto_wait(&agent->repairs);
    fl_fleet_link_wait(&agent->fleet);
    unixctl_server_wait(agent->server);
    fl_orders_wait(&agent->orders);
    fl_rendezvous_wait(agent->rendezvous);
    fl_exporter_wait(&agent->exporter);
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
            fl_orders_close(&agent->orders);
        }
        if (agent->is_ending && !fl_orders_is_busy(&agent->orders)) {
            break;
        }
        wait_once(agent);
    }
    VLOG_INFO("ends; the remedies stay as they are");
    fl_notify_send(agent->notify, "STOPPING=1");
}

void fl_agent_close(struct fl_agent *agent)
{
    /* These kill their children; who waits is told, as is who said "exit". */
    fl_audit_timer_close(&agent->audit);
    fl_auto_close(&agent->repairs);
    fl_fleet_link_close(&agent->fleet);
    unixctl_server_run(agent->server);
    fl_orders_destroy(&agent->orders);
    fl_exporter_close(&agent->exporter);
    fl_rendezvous_close(agent->rendezvous);
    unixctl_server_destroy(agent->server);
    fl_links_close(&agent->links);
    fl_hooks_close(&agent->hooks);
    fl_guard_close(agent->guard);
    fl_verify_destroy(&agent->verify);
    fl_events_destroy(&agent->events);
    fl_config_destroy(&agent->config);
    if (agent->signals >= 0) {
        close(agent->signals);
    }
}
