/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exporter.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/store/atomic_file.h"

VLOG_DEFINE_THIS_MODULE(agent_metrics);

#define FRESH_MS       1000
#define FILE_EVERY_MS  60000
#define FILE_MODE      0644
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  60000

/* ---- What is tried again ---- */

static void failed(struct fl_exporter *exporter, struct fl_exporter_try *try,
                   const struct fl_error *err)
{
    if (!try->n_failed) {
        VLOG_WARN("%s", err->text);
    }
    exporter->n_errors++;
    try->n_failed++;
    try->due_ms = time_msec() + fl_backoff_ms(RETRY_FIRST_MS, RETRY_MOST_MS, try->n_failed);
}

static void succeeded(struct fl_exporter_try *try, const char *what, const char *where)
{
    if (try->n_failed) {
        VLOG_INFO("metrics are %s %s again", what, where);
    }
    try->n_failed = 0;
}

/* ---- The text ---- */

static const char *text_of_now(void *exporter_)
{
    struct fl_exporter *exporter = exporter_;

    if (time_msec() >= exporter->made_ms + FRESH_MS || !exporter->text.length) {
        ds_clear(&exporter->text);
        exporter->make(&exporter->text, exporter->aux);
        exporter->made_ms = time_msec();
    }
    return ds_cstr(&exporter->text);
}

/* ---- The server ---- */

static void open_server(struct fl_exporter *exporter)
{
    _cleanup_free char *rundir = fl_path_rundir(exporter->root), *path = NULL;
    struct fl_error err = FL_ERROR_INIT;
    const char *name = exporter->listen;
    struct fl_listen where;
    int error = fl_listen_parse(exporter->listen, &where, &err);

    exporter->server_try.due_ms = LLONG_MAX;
    if (!error && where.path) {
        path = where.path[0] == '/' ? xstrdup(where.path) : xasprintf("%s/%s", rundir, where.path);
        where.path = name = path;
    }
    if (!error && (where.path || where.address_bytes)) {
        error = fl_metrics_server_open(&where, name, text_of_now, exporter, &exporter->server,
                                       &err);
    }
    if (error) {
        failed(exporter, &exporter->server_try, &err);
    } else {
        succeeded(&exporter->server_try, "served at", name);
    }
}

static void close_server(struct fl_exporter *exporter)
{
    fl_metrics_server_close(exporter->server);
    exporter->server = NULL;
}

/* ---- The file ---- */

/* The loop does not wait for the disk: the guard is in it, and after a power cut there is another text. */
static int put_file(const char *path, const char *text, struct fl_error *err)
{
    struct fl_atomic_file *file;
    int error = fl_atomic_file_create(path, FILE_MODE, &file, err);

    if (error) {
        return error;
    }
    fl_atomic_file_set_passing(file);
    fl_atomic_file_write(file, text, strlen(text));
    return fl_atomic_file_commit(file, err);
}

static void write_file(struct fl_exporter *exporter)
{
    struct fl_error err = FL_ERROR_INIT;

    exporter->file_least_ms = time_msec() + FRESH_MS;
    if (put_file(exporter->file, text_of_now(exporter), &err)) {
        failed(exporter, &exporter->file_try, &err);
        return;
    }
    succeeded(&exporter->file_try, "written to", exporter->file);
    exporter->file_is_ours = true;
    exporter->file_try.due_ms = time_msec() + FILE_EVERY_MS;
}

static void remove_file(struct fl_exporter *exporter)
{
    if (exporter->file && exporter->file_is_ours) {
        unlink(exporter->file);
    }
    exporter->file_is_ours = false;
}

static long long file_due_ms(const struct fl_exporter *exporter)
{
    return MAX(exporter->file_try.due_ms, exporter->file_least_ms);
}

/* ---- Both ---- */

void fl_exporter_init(struct fl_exporter *exporter, const char *root,
                      void (*make)(struct ds *text, void *aux), void *aux)
{
    *exporter = (struct fl_exporter){ .root = root, .make = make, .aux = aux };
    ds_init(&exporter->text);
}

void fl_exporter_configure(struct fl_exporter *exporter, const struct fl_config *config)
{
    if (!nullable_string_is_equal(exporter->listen, config->metrics_listen)) {
        close_server(exporter);
        free(exporter->listen);
        exporter->listen = xstrdup(config->metrics_listen);
        exporter->server_try.n_failed = 0;
    }
    if (!exporter->server) {
        exporter->server_try.due_ms = LLONG_MIN;
    }
    if (!nullable_string_is_equal(exporter->file, config->metrics_textfile)) {
        remove_file(exporter);
        free(exporter->file);
        exporter->file = nullable_xstrdup(config->metrics_textfile);
        exporter->file_try.n_failed = 0;
    }
    exporter->file_try.due_ms = LLONG_MIN;
}

void fl_exporter_close(struct fl_exporter *exporter)
{
    close_server(exporter);
    remove_file(exporter);
    free(exporter->listen);
    free(exporter->file);
    ds_destroy(&exporter->text);
    fl_exporter_init(exporter, exporter->root, exporter->make, exporter->aux);
}

void fl_exporter_news(struct fl_exporter *exporter)
{
    if (!exporter->file_try.n_failed) {
        exporter->file_try.due_ms = LLONG_MIN;
    }
}

void fl_exporter_run(struct fl_exporter *exporter)
{
    if (exporter->listen && !exporter->server && time_msec() >= exporter->server_try.due_ms) {
        open_server(exporter);
    }
    if (exporter->server) {
        fl_metrics_server_run(exporter->server);
    }
    if (exporter->file && time_msec() >= file_due_ms(exporter)) {
        write_file(exporter);
    }
}

void fl_exporter_wait(const struct fl_exporter *exporter)
{
    if (exporter->server) {
        fl_metrics_server_wait(exporter->server);
    } else if (exporter->listen) {
        poll_timer_wait_until(exporter->server_try.due_ms);
    }
    if (exporter->file) {
        poll_timer_wait_until(file_due_ms(exporter));
    }
}
