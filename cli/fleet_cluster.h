/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_FLEET_CLUSTER_H
#define FLOWLIFT_CLI_FLEET_CLUSTER_H

/* Words of `flowlift fleet` that speak to the fleet's database; each as struct fl_verb.run. */

#include "cli/verbs.h"

int fl_fleet_word_audit(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_fleet_word_status(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_fleet_word_apply(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_fleet_word_revert(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_fleet_word_history(const struct fl_request *, struct fl_output *, struct fl_error *);

#endif
