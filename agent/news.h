/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_NEWS_H
#define FLOWLIFT_AGENT_NEWS_H

/*
 * What is new in an audit against those before: one line when a VM becomes stranded or leaking, when it is so
 * in another way (verdict, scope, first cause), when it is well again, when it is gone while it was so. Nothing
 * while nothing changes. That it is idle, or that nothing can be told of it, is no news: it neither became well
 * nor bad. A finding of the whole host is one line, and not one of each of its VMs.
 */

#include <jansson.h>
#include <stdbool.h>

#include <openvswitch/shash.h>

struct fl_news {
    struct shash vms; /* identity -> struct fl_old_news of those that are not well */
    char *host;       /* the first cause of the whole host's finding; NULL: there is none */
    bool
        is_host_configured; /* ... and that is what its configuration says, not what its VMs show */
};

void fl_news_init(struct fl_news *news);
void fl_news_destroy(struct fl_news *news);
/**
 * fl_news_take() - an audit is over
 * @document: "flowlift/audit/1"
 * @say: called for each line, which is fit for a log; @is_bad: it is about something that is not well
 */
void fl_news_take(struct fl_news *news, const json_t *document,
                  void (*say)(bool is_bad, const char *line, void *aux), void *aux);

#endif
