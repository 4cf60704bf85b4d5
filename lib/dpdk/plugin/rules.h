/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_RULES_H
#define FLOWLIFT_DPDK_PLUGIN_RULES_H

/*
 * The rules of a port, as its driver writes them, and how many lines these are.
 *
 * A reply holds 8 KiB, and counters make the text change from one dump to the next: so the driver is asked
 * once, its text is kept, and the client fetches pages of it. There is one such text at a time, of at most
 * FL_DUMP_BYTES; whoever comes meanwhile is told when to come again. It is released with its last page, when
 * its client has not come back for FL_RULES_IDLE_MS and another one comes, or with any request after
 * FL_RULES_KEEP_MS.
 *
 * A dump that took a time is followed by FL_RULES_REST times that time without one, so that insertions and
 * revalidators get their turn whatever clients do.
 */

#include <stdint.h>

#include "lib/dpdk/plugin/dpdk.h"

#define FL_RULES_IDLE_MS 2000
#define FL_RULES_KEEP_MS 30000
#define FL_RULES_REST    9

/* Says that the client knows what it may do: see fl_driver_dump(). */
#define FL_RULES_AT_OWN_RISK "at-own-risk"

/** fl_rules_answer() - /flowlift/rules,PORT[,at-own-risk] or ,PORT,OFFSET,SNAPSHOT */
int fl_rules_answer(const char *command, const char *params, struct rte_tel_data *reply);
/** fl_rules_answer_count() - /flowlift/count,PORT[,at-own-risk] */
int fl_rules_answer_count(const char *command, const char *params, struct rte_tel_data *reply);
/** fl_rules_forget() - release the text if nobody has asked for it for FL_RULES_KEEP_MS */
void fl_rules_forget(void);

#endif
