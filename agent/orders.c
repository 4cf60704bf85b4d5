/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/orders.h"

#include <errno.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/unixctl.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/agent_client.h"
#include "lib/base/small_file.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_orders);

#define MAX_WAITING 16

struct waiting {
    struct ovs_list node; /* in fl_orders.queue */
    struct fl_orders *orders;
    struct fl_order order;
    struct unixctl_conn *conn;
    long long until_ms; /* It is begun by then, or refused. */
};

static struct waiting *first(const struct fl_orders *orders)
{
    return ovs_list_is_empty(&orders->queue)
               ? NULL
               : CONTAINER_OF(ovs_list_front(&orders->queue), struct waiting, node);
}

static void drop(struct fl_orders *orders, struct waiting *waiting)
{
    ovs_list_remove(&waiting->node);
    orders->n--;
    fl_order_destroy(&waiting->order);
    free(waiting);
}

static void refuse(struct fl_orders *orders, struct waiting *waiting, const char *why)
{
    VLOG_WARN("an order is refused: %s", why);
    unixctl_command_reply_error(waiting->conn, why);
    drop(orders, waiting);
}

/* ---- The step ---- */

/* In the child. The configuration is read as the CLI reads it: now. */
static json_t *carry_out(void *waiting_)
{
    struct waiting *waiting = waiting_;
    const struct fl_agent_options *options = waiting->orders->options;
    struct fl_order_answer answer = { .outcome = { .hw_share = -1 } };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_config config;
    struct fl_operator op = {
        .config = &config,
        .root = options->root,
        .host = { .db = options->db },
    };

    answer.error = fl_config_load(&config, options->root, &err);
    if (answer.error) {
        answer.message = xstrdup(err.text);
    } else {
        fl_order_carry_out(&op, &waiting->order, &answer);
    }
    return fl_order_answer_to_json(&answer);
}

static void say_done(const struct fl_order *order, const json_t *result)
{
    const char *message = json_string_value(json_object_get(result, "message"));
    const char *vm = order->plan ? order->plan->set.vm_name : order->vm;
    _cleanup_free char *name = fl_text_escaped(vm ? vm : "all");
    _cleanup_free char *who = fl_text_escaped(order->who ? order->who : "");
    _cleanup_free char *why = fl_text_escaped(message ? message : "done");

    VLOG_INFO("%s %s for %s: %s", fl_order_step_name(order->step), name, who, why);
}

static void done(const json_t *result, const char *why, void *waiting_)
{
    struct waiting *waiting = waiting_;
    struct fl_orders *orders = waiting->orders;
    _cleanup_json json_t *lost = NULL;
    _cleanup_free char *text = NULL;

    if (!json_is_object(result)) {
        struct fl_order_answer answer = {
            .error = -ECONNABORTED,
            .message = CONST_CAST(char *, why ? why : "it ended without a result"),
            .outcome = { .hw_share = -1 },
        };

        lost = fl_order_answer_to_json(&answer);
        result = lost;
    }
    say_done(&waiting->order, result);
    text = json_dumps(result, JSON_COMPACT);
    unixctl_command_reply(waiting->conn, text);
    drop(orders, waiting);
}

static void begin(struct fl_orders *orders, struct waiting *waiting)
{
    const struct fl_job job = {
        .what = fl_order_step_name(waiting->order.step),
        .run = carry_out,
        .done = done,
        .aux = waiting,
        .most_ms = FL_ORDER_STEP_MS,
    };
    struct fl_error err = FL_ERROR_INIT;

    if (fl_worker_start(&orders->worker, &job, &err)) {
        refuse(orders, waiting, err.text);
    }
}

/* ---- Commands ---- */

static void tell(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[] OVS_UNUSED,
                 void *orders_)
{
    const struct fl_orders *orders = orders_;
    _cleanup_json json_t *json = fl_agent_orders_json(orders->options->db);
    _cleanup_free char *text = json_dumps(json, JSON_COMPACT);

    if (orders->is_closed) {
        unixctl_command_reply_error(conn, "the agent ends");
    } else {
        unixctl_command_reply(conn, text);
    }
}

static int read_order(const char *text, struct fl_order *order, struct fl_error *err)
{
    _cleanup_json json_t *json = NULL;
    size_t n = strlen(text);

    if (n > FL_ORDER_BYTES) {
        return fl_error_set(err, -EINVAL, "it is longer than %u bytes", FL_ORDER_BYTES);
    }
    json = fl_json_parse("the order", text, n, err);
    return json ? fl_order_from_json(json, order, err) : -EINVAL;
}

static void take(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[], void *orders_)
{
    struct fl_orders *orders = orders_;
    struct fl_error err = FL_ERROR_INIT;
    struct waiting *waiting;
    struct fl_order order;

    if (orders->is_closed) {
        fl_error_set(&err, -ESHUTDOWN, "the agent ends");
    } else if (orders->n >= MAX_WAITING) {
        fl_error_set(&err, -EBUSY, "%d orders wait already", MAX_WAITING);
    } else {
        read_order(argv[1], &order, &err);
    }
    if (err.code) {
        _cleanup_free char *why = fl_text_escaped(err.text);

        VLOG_WARN("an order is refused: %s", why);
        unixctl_command_reply_error(conn, err.text);
        return;
    }
    waiting = xzalloc(sizeof *waiting);
    waiting->orders = orders;
    waiting->order = order;
    waiting->conn = conn;
    waiting->until_ms = time_msec() + FL_ORDER_QUEUE_MS;
    ovs_list_push_back(&orders->queue, &waiting->node);
    orders->n++;
}

void fl_orders_register(struct fl_orders *orders)
{
    unixctl_command_register("orders", "", 0, 0, tell, orders);
    unixctl_command_register("order", "JSON", 1, 1, take, orders);
}

/* ---- The loop ---- */

void fl_orders_init(struct fl_orders *orders, const struct fl_agent_options *options)
{
    *orders = (struct fl_orders){ .options = options };
    fl_worker_init(&orders->worker);
    ovs_list_init(&orders->queue);
}

void fl_orders_destroy(struct fl_orders *orders)
{
    struct waiting *waiting;

    fl_worker_destroy(&orders->worker);
    while ((waiting = first(orders))) {
        drop(orders, waiting);
    }
}

/* Those that wait: all but the one in the worker. */
static void refuse_waiting(struct fl_orders *orders, long long now_ms, const char *why)
{
    const struct waiting *under_way = fl_orders_is_busy(orders) ? first(orders) : NULL;
    struct waiting *waiting;

    LIST_FOR_EACH_SAFE(waiting, node, &orders->queue) {
        if (waiting != under_way && now_ms >= waiting->until_ms) {
            refuse(orders, waiting, why);
        }
    }
}

void fl_orders_close(struct fl_orders *orders)
{
    if (!orders->is_closed) {
        orders->is_closed = true;
        refuse_waiting(orders, LLONG_MAX, "the agent ends");
    }
}

void fl_orders_run(struct fl_orders *orders)
{
    fl_worker_run(&orders->worker);
    refuse_waiting(orders, time_msec(), "the orders before it take too long");
    if (!fl_orders_is_busy(orders) && first(orders)) {
        begin(orders, first(orders));
    }
}

void fl_orders_wait(const struct fl_orders *orders)
{
    const struct waiting *waiting;

    fl_worker_wait(&orders->worker);
    LIST_FOR_EACH(waiting, node, &orders->queue) {
        if (!fl_orders_is_busy(orders)) {
            poll_immediate_wake();
        } else if (waiting != first(orders)) {
            poll_timer_wait_until(waiting->until_ms);
        }
    }
}
