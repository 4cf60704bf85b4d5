/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PASSAGE_REWRITE_H
#define FLOWLIFT_PASSAGE_REWRITE_H

/* What one action does to what is known of a packet. Part of passage.c and fate.c; nobody else includes this. */

#include "flows/passage.h"

/** fl_passage_rewrite() - the action itself, without those inside it and without recirc() */
void fl_passage_rewrite(struct fl_passage *passage, const struct nlattr *action);
/** fl_passage_clear_connection() - of bits, those of recirculation and of what conntrack says */
void fl_passage_clear_connection(struct flow *flow);
/** fl_passage_forget_hash() - dp_hash is another from here on */
void fl_passage_forget_hash(struct fl_passage *passage);

#endif
