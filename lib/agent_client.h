/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_CLIENT_H
#define FLOWLIFT_AGENT_CLIENT_H

/*
 * The agent of a root, for who has an order for it (lib/order.h): is there one, does it answer, is it for the
 * same switch, and what came of the order. Its control commands are "orders", which says at once that it takes
 * orders, and "order JSON", which is answered when the step is done.
 */

#include "lib/order.h"

/* So long it may take to say that it takes orders. */
#define FL_AGENT_ANSWER_MS 2000
/* How long an order may wait for others, how long its step may take, and when nobody waits any more. */
#define FL_ORDER_QUEUE_MS 60000
#define FL_ORDER_STEP_MS  210000
#define FL_ORDER_MOST_MS  300000

struct fl_agent_client {
    long pid;
    char *path; /* of its control socket */
};
void fl_agent_client_destroy(struct fl_agent_client *client);

/**
 * fl_agent_process() - is there an agent?
 * Return: the process that has the agent's lock; 0 none has it; -ESRCH one has, and does not say which it is;
 * other negative errno: cannot be told.
 */
long fl_agent_process(const char *root);
/**
 * fl_agent_client_find() - the agent that is to do what changes remedies
 * @root: as for fl_config_load()
 * @db: of whoever asks; with OVS_RUNDIR it has to be the agent's, unless @any_switch
 * Return: 0; -ENOENT there is none, without a sentence; other negative errno: there is one, and a sentence why it
 * cannot be asked.
 */
int fl_agent_client_find(const char *root, const char *db, bool any_switch,
                         struct fl_agent_client *client, struct fl_error *err);
/**
 * fl_agent_client_order() - have it do a step, and wait for that
 * Return: 0 and @answer, to be destroyed; -ECONNABORTED it was begun, or may have been, and what came of it is
 * not known; other negative errno: it was not begun.
 */
int fl_agent_client_order(const struct fl_agent_client *client, const struct fl_order *order,
                          struct fl_order_answer *answer, struct fl_error *err);

/** fl_agent_orders_json() - the answer to "orders". Return: new reference. */
json_t *fl_agent_orders_json(const char *db);

#endif
