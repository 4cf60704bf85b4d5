/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_RULE_WORDS_H
#define FLOWLIFT_CLI_RULE_WORDS_H

#include "flows/flowset.h"
#include "flows/inventory.h"

/**
 * fl_rule_words() - a rule in plain words
 * @inv: tells ports' names; NULL: numbers
 *
 * Whatever of the match has no words here is added as ovs-ofctl writes it, so that the words never
 * say more than the rule does.
 *
 * Return: "TCP from 10.1.0.2 (52:54:00:00:00:02) to 10.1.0.0/24 port 2049, in through vm2: ...";
 * owned by the caller, free().
 */
char *fl_rule_words(const struct fl_rule *rule, const struct fl_inventory *inv);

/** fl_relaxation_words() - what a relaxation means, or NULL for an id that is not known */
const char *fl_relaxation_words(const char *id);

#endif
