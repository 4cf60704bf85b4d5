/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fleet_cluster.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/fleet_view.h"
#include "cli/history_view.h"
#include "cli/reading.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/document.h"
#include "lib/fleet/enter.h"
#include "lib/fleet/query.h"
#include "lib/fleet/tls.h"
#include "lib/text.h"

#define TIMEOUT_MS 15000

/* Which database, and how. Released by fl_config_destroy(&session->config), also on error. */
struct session {
    struct fl_config config;
    const char *remote;
    int timeout_ms;
};

static int open_session(const struct fl_request *request, struct session *session,
                        struct fl_error *err)
{
    int error = fl_config_load(&session->config, request->root, err);

    if (error)
        return error;
    if (request->remote) {
        free(session->config.fleet_remote);
        session->config.fleet_remote = xstrdup(request->remote);
    }
    session->remote = session->config.fleet_remote;
    session->timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS;
    if (!session->remote)
        return fl_error_set(err, -EINVAL,
                            "this host is in no fleet: set [fleet] remote, give --remote, or merge "
                            "gathered audits with flowlift fleet report FILE...");
    return fl_fleet_tls(&session->config, err);
}

/* ---- What there is ---- */

/* VMs that are well are many, and only counted where none of them is to be named, nor can be unknown. */
static bool needs_all_vms(const struct fl_fleet_filter *filter, bool with_vms)
{
    return filter->cause ||
           (with_vms && (!filter->has_verdict || (filter->verdict != FL_VERDICT_STRANDED &&
                                                  filter->verdict != FL_VERDICT_LEAKING)));
}

/* Return: exit code, or FL_EXIT_TROUBLE with @err. */
static int print_look(const struct fl_request *request, const char *schema, bool with_vms,
                      const struct fl_fleet_look *look, struct fl_output *out, struct fl_error *err)
{
    if (request->output) {
        if (fl_fleet_write_page(request, look, fl_document_here(schema), out, err))
            return FL_EXIT_TROUBLE;
    } else if (request->format == FL_FORMAT_JSON) {
        fl_fleet_view_json(look, fl_document_here(schema), with_vms,
                           request->has_lines ? request->lines : 0, out);
    } else if (with_vms) {
        fl_fleet_view_audit(look, request->lines, out);
    } else {
        fl_fleet_view_status(look, request->lines, out);
    }
    return fl_fleet_exit_code(look);
}

static int look(const struct fl_request *request, const char *schema, bool with_vms,
                struct fl_output *out, struct fl_error *err)
{
    const struct fl_fleet_query query = {
        .all_vms = needs_all_vms(&request->fleet, with_vms),
        .cause = request->fleet.cause,
    };
    struct session session;
    struct fl_fleet *fleet = NULL;
    struct fl_fleet_look found;
    int error = open_session(request, &session, err);
    int exit_code = FL_EXIT_TROUBLE;

    if (!error) {
        fleet = fl_fleet_create(fl_time_now_ms(), request->older_ms);
        error = fl_fleet_read(session.remote, &query, session.timeout_ms, fleet, err);
    }
    if (!error) {
        fl_fleet_look(fleet, &request->fleet, &found);
        exit_code = print_look(request, schema, with_vms, &found, out, err);
        fl_fleet_look_destroy(&found);
    }
    fl_fleet_destroy(fleet);
    fl_config_destroy(&session.config);
    return exit_code;
}

static int take_no_more(const struct fl_request *request, struct fl_error *err)
{
    return request->n_more ? fl_error_set(err, -EINVAL, "flowlift fleet %s takes no '%s'",
                                          request->argument, request->more[0])
                           : 0;
}

int fl_fleet_word_audit(const struct fl_request *request, struct fl_output *out,
                        struct fl_error *err)
{
    return take_no_more(request, err) ? FL_EXIT_TROUBLE
                                      : look(request, "fleet-audit", true, out, err);
}

int fl_fleet_word_status(const struct fl_request *request, struct fl_output *out,
                         struct fl_error *err)
{
    return take_no_more(request, err) ? FL_EXIT_TROUBLE
                                      : look(request, "fleet-status", false, out, err);
}

/* ---- Orders ---- */

static void print_entered(const struct fl_request *request, bool stands,
                          const struct fl_entered *entered, struct fl_output *out)
{
    _cleanup_free char *name = fl_text_clean(entered->name);
    _cleanup_free char *hosts = svec_join(&entered->hosts, ", ", "");
    char time[FL_TIME_TEXT_BYTES];

    fl_time_format(entered->decided_ms, time);
    if (request->format == FL_FORMAT_JSON) {
        json_t *document = fl_document_here(stands ? "fleet-apply" : "fleet-revert");
        json_t *array = json_array();

        for (size_t i = 0; i < entered->hosts.n; i++)
            json_array_append_new(array, fl_text_json(entered->hosts.names[i]));
        json_object_set_new(document, "vm", fl_text_json(entered->name));
        json_object_set_new(document, "vm_id", fl_text_json(entered->vm_id));
        json_object_set_new(document, "stands", json_boolean(stands));
        json_object_set_new(document, "number", json_integer(entered->number));
        json_object_set_new(document, "decided", json_string(time));
        json_object_set_new(document, "hosts", array);
        fl_output_json(out, document);
        return;
    }
    fl_output_printf(out, "%s: order %" PRId64 " is in: %s\n", name, entered->number,
                     stands ? "its repair is to stand, wherever it is"
                            : "its repair is not to stand, wherever it is");
    fl_output_printf(out, "  it is on %s\n",
                     entered->hosts.n ? hosts : "no host that is known; the order waits for it");
    fl_output_printf(out, "next: flowlift fleet history %s\n", name);
}

static int enter(const struct fl_request *request, bool stands, struct fl_output *out,
                 struct fl_error *err)
{
    struct session session;
    struct fl_operator op = { .who = NULL };
    struct fl_config config;
    struct fl_entered entered;
    char until[FL_UNTIL_TEXT_BYTES];
    int error;

    if (request->n_more != 1) {
        fl_error_set(err, -EINVAL, "flowlift fleet %s takes the name or identity of one VM",
                     request->argument);
        return FL_EXIT_TROUBLE;
    }
    error = open_session(request, &session, err);
    if (!error) {
        error = fl_operator_open(request, &config, &op, err);
        if (!error)
            error = fl_fleet_enter(session.remote,
                                   &(struct fl_entry){
                                       .vm = request->more[0],
                                       .stands = stands,
                                       .who = op.who,
                                       .ticket = request->ticket,
                                       .until = fl_until_format(&request->until, until),
                                   },
                                   session.timeout_ms, &entered, err);
        fl_operator_close(&op);
        fl_config_destroy(&config);
    }
    fl_config_destroy(&session.config);
    if (error)
        return FL_EXIT_TROUBLE;
    print_entered(request, stands, &entered, out);
    fl_entered_destroy(&entered);
    return FL_EXIT_DONE;
}

int fl_fleet_word_apply(const struct fl_request *request, struct fl_output *out,
                        struct fl_error *err)
{
    return enter(request, true, out, err);
}

int fl_fleet_word_revert(const struct fl_request *request, struct fl_output *out,
                         struct fl_error *err)
{
    return enter(request, false, out, err);
}

/* ---- History ---- */

static void print_steps(const json_t *steps, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "TIME", false }, { "HOST", false },   { "VM", false },     { "STATE", false },
        { "WHO", false },  { "TICKET", false }, { "REASON", false },
    };
    static const char *const keys[] = { "host", "vm", "state", "who", "ticket", "reason" };

    fl_history_view(steps, columns, keys, ARRAY_SIZE(keys), out);
}

/* The newest so many. */
static json_t *tail_of(json_t *steps, size_t n)
{
    while (n && json_array_size(steps) > n)
        json_array_remove(steps, 0);
    return steps;
}

int fl_fleet_word_history(const struct fl_request *request, struct fl_output *out,
                          struct fl_error *err)
{
    struct session session;
    json_t *steps = NULL;
    int error;

    if (request->n_more > 1) {
        fl_error_set(err, -EINVAL, "flowlift fleet history takes one VM at most");
        return FL_EXIT_TROUBLE;
    }
    error = open_session(request, &session, err);
    if (!error)
        error = fl_fleet_read_steps(session.remote, request->n_more ? request->more[0] : NULL,
                                    session.timeout_ms, &steps, err);
    fl_config_destroy(&session.config);
    if (error)
        return FL_EXIT_TROUBLE;
    tail_of(steps, request->lines);
    if (request->format == FL_FORMAT_JSON) {
        json_t *document = fl_document_here("fleet-history");

        json_object_set_new(document, "entries", steps);
        fl_output_json(out, document);
    } else {
        print_steps(steps, out);
        json_decref(steps);
    }
    return FL_EXIT_DONE;
}
