/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_EXPORTER_H
#define FLOWLIFT_AGENT_EXPORTER_H

/*
 * Metrics for who wants them: served (agent/metrics_server.h), and written to a file for node_exporter, as the
 * configuration says. The text is made anew when somebody asks and it is older than a second; the file is
 * written when something happened, at most once a second, and once a minute at all, since remedies change by
 * other hands. It goes when the agent ends: nobody who reads it later is to take it for news.
 *
 * Where it cannot listen, or not write, the log says so once, it is tried again after a second, two, up to a
 * minute, and all else goes on.
 */

#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/dynamic-string.h>

#include "agent/metrics_server.h"
#include "lib/base/config.h"

/* Something that is tried again. */
struct fl_exporter_try {
    long long due_ms;      /* on the clock of time_msec() */
    unsigned int n_failed; /* in a row */
};

struct fl_exporter {
    const char *root; /* borrowed */
    void (*make)(struct ds *text, void *aux);
    void *aux;
    struct ds text;
    long long made_ms; /* when @text was */
    char *listen;      /* as in the configuration */
    char *file;        /* likewise; NULL: none */
    struct fl_metrics_server *server;
    struct fl_exporter_try server_try, file_try;
    long long file_least_ms; /* not earlier, whatever happens */
    bool file_is_ours;       /* It was written. */
    uint64_t n_errors;
};

/**
 * fl_exporter_init() - nothing is served or written yet
 * @root: borrowed until fl_exporter_close()
 * @make: puts the text; called from fl_exporter_run()
 */
void fl_exporter_init(struct fl_exporter *exporter, const char *root,
                      void (*make)(struct ds *text, void *aux), void *aux);
/** fl_exporter_configure() - serve and write as @config says; what stays as it was goes on */
void fl_exporter_configure(struct fl_exporter *exporter, const struct fl_config *config);
/** fl_exporter_close() - as after fl_exporter_init() */
void fl_exporter_close(struct fl_exporter *exporter);
/** fl_exporter_news() - something happened that the file should have */
void fl_exporter_news(struct fl_exporter *exporter);
void fl_exporter_run(struct fl_exporter *exporter);
void fl_exporter_wait(const struct fl_exporter *exporter);

#endif
