/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/fleet_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/fleet/tls.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_fleet);

/* Keys that cannot be read are looked at again. */
#define JOIN_MS 60000
/* Between two looks, however much changes: a look's own time so often, and this at least. */
#define PACE_TIMES 10
#define PACE_MS    10

/* ---- In and out of a fleet ---- */

/* Once for the same sentence. */
static void say(struct fl_fleet_link *fleet, const char *why)
{
    if (why && (!fleet->trouble || strcmp(why, fleet->trouble))) {
        _cleanup_free char *escaped = fl_text_escaped(why);

        VLOG_WARN("the fleet: %s", escaped);
    }
    if (why != fleet->trouble) {
        free(fleet->trouble);
        fleet->trouble = nullable_xstrdup(why);
    }
}

static void join(struct fl_fleet_link *fleet)
{
    const struct fl_config *config = fleet->op->config;
    struct fl_error err = FL_ERROR_INIT;

    if (!config->fleet_remote) {
        return;
    }
    if (fl_fleet_tls(config, &err)) {
        say(fleet, err.text);
        return;
    }
    fleet->remote = xstrdup(config->fleet_remote);
    fleet->name = fl_fleet_host_name(config);
    fleet->cluster = fl_cluster_open(fleet->remote, fleet->name);
    fleet->is_due = true;
    VLOG_INFO("this host is %s in the fleet of %s", fleet->name, fleet->remote);
}

static void leave(struct fl_fleet_link *fleet)
{
    fl_cluster_close(fleet->cluster);
    fleet->cluster = NULL;
    free(fleet->remote);
    free(fleet->name);
    fleet->remote = fleet->name = NULL;
    say(fleet, NULL);
}

void fl_fleet_link_open(struct fl_fleet_link *fleet, const struct fl_operator *op,
                        struct fl_guard *guard, const struct fl_audit_timer *audit)
{
    *fleet =
        (struct fl_fleet_link){ .op = op, .guard = guard, .audit = audit, .look_ms = LLONG_MAX };
    shash_init(&fleet->tried);
    fl_worker_init(&fleet->worker);
    join(fleet);
}

void fl_fleet_link_close(struct fl_fleet_link *fleet)
{
    struct shash_node *node;

    if (!fleet->op) {
        return;
    }
    fl_worker_destroy(&fleet->worker);
    fl_fleet_forget_job(fleet);
    leave(fleet);
    fl_remedy_list_free(fleet->remedies, fleet->n_remedies);
    SHASH_FOR_EACH(node, &fleet->tried)
        fl_fleet_tried_free(node->data);
    shash_destroy(&fleet->tried);
    fleet->op = NULL;
}

void fl_fleet_link_reread(struct fl_fleet_link *fleet)
{
    if (fleet->op) {
        leave(fleet);
        join(fleet);
    }
}

bool fl_fleet_link_is_connected(const struct fl_fleet_link *fleet)
{
    return fleet->cluster && fl_cluster_is_connected(fleet->cluster);
}

json_t *fl_fleet_link_report(const struct fl_fleet_link *fleet)
{
    if (!fleet->op || !fleet->op->config->fleet_remote) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:b, s:o}", "remote", fleet->op->config->fleet_remote, "name",
                     fl_text_json(fleet->name), "connected", fl_fleet_link_is_connected(fleet),
                     "trouble", fl_text_json(fleet->trouble));
}

/* ---- The loop ---- */

static void tell_connection(struct fl_fleet_link *fleet)
{
    bool is_connected = fl_cluster_is_connected(fleet->cluster);
    const char *trouble = fl_cluster_trouble(fleet->cluster);

    if (is_connected != fleet->was_connected) {
        VLOG_INFO("the fleet's database %s",
                  is_connected ? "is connected" : "is away: this host goes on by its own store");
        fleet->was_connected = is_connected;
    }
    if (trouble) {
        _cleanup_free char *why = xasprintf("its database does not take what this host tells: %s",
                                            trouble);

        say(fleet, why);
    } else if (fl_cluster_has_written(fleet->cluster)) {
        say(fleet, NULL);
    }
}

static long long due_ms(const struct fl_fleet_link *fleet)
{
    return fleet->is_due ? fleet->rest_ms : fleet->look_ms;
}

void fl_fleet_link_run(struct fl_fleet_link *fleet)
{
    fl_worker_run(&fleet->worker);
    if (!fleet->cluster && fleet->op->config->fleet_remote && time_msec() >= fleet->join_ms) {
        fleet->join_ms = time_msec() + JOIN_MS;
        join(fleet);
    }
    if (!fleet->cluster) {
        return;
    }
    if (fl_cluster_run(fleet->cluster)) {
        fleet->is_due = true;
    }
    tell_connection(fleet);
    if (fl_guard_serial(fleet->guard) != fleet->guard_serial) {
        fleet->guard_serial = fl_guard_serial(fleet->guard);
        fl_fleet_read_store(fleet);
        fleet->is_due = true;
    }
    if (fleet->audit->n_ok != fleet->n_audits) {
        fleet->n_audits = fleet->audit->n_ok;
        fleet->is_due = true;
    }
    if (time_msec() >= due_ms(fleet)) {
        int64_t began_ms = fl_monotonic_ms();

        fleet->is_due = false;
        fleet->look_ms = LLONG_MAX;
        fl_fleet_look_round(fleet);
        fleet->rest_ms = time_msec() + MAX(PACE_TIMES * (fl_monotonic_ms() - began_ms), PACE_MS);
    }
}

void fl_fleet_link_wait(const struct fl_fleet_link *fleet)
{
    fl_worker_wait(&fleet->worker);
    if (!fleet->cluster && fleet->op->config->fleet_remote) {
        poll_timer_wait_until(fleet->join_ms);
    }
    if (fleet->cluster) {
        fl_cluster_wait(fleet->cluster);
        poll_timer_wait_until(due_ms(fleet));
    }
}

int64_t fl_fleet_link_countermanded_ms(const struct fl_fleet_link *fleet, const char *vm_id)
{
    struct fl_cluster_heard heard;

    if (!fleet->cluster) {
        return 0;
    }
    fl_cluster_hear(fleet->cluster, vm_id, &heard);
    return heard.order.stands || fl_decision_is_later(&heard.peers, &heard.order)
               ? 0
               : heard.order.decided_ms;
}
