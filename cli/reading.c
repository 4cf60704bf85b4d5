/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reading.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/progress.h"
#include "cli/text.h"
#include "flows/cleanup.h"
#include "flows/nearest.h"
#include "lib/collect.h"
#include "lib/collect_screen.h"

static int collect(const struct fl_request *request, const struct fl_collect_options *options,
                   struct fl_snapshot **snapshot, struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);

    if (request->n_from)
        return fl_collect_files(request->from, request->n_from, options, snapshot, err);
    return fl_collect_host(&host, options, snapshot, err);
}

static json_t *doubts_of(const struct fl_screen *screen)
{
    json_t *doubts = json_array();

    for (size_t i = 0; i < screen->n_vms; i++) {
        const struct fl_screened *vm = &screen->vms[i];

        if (vm->suspicion != FL_SUSPICION_SUSPECT && vm->suspicion != FL_SUSPICION_UNKNOWN)
            continue;
        json_array_append_new(doubts,
                              json_pack("{s:o, s:s, s:o}", "name", fl_text_json(vm->vm->name),
                                        "suspicion", fl_suspicion_name(vm->suspicion), "reason",
                                        fl_text_json(vm->reason)));
    }
    return doubts;
}

/* What stage one found, with the inventory that it is of. */
struct stage_one {
    struct fl_snapshot *snapshot;
    struct fl_screen screen;
};

static void stage_one_release(struct stage_one *one)
{
    fl_screen_destroy(&one->screen);
    fl_snapshot_destroy(one->snapshot);
}
#define _cleanup_stage_one _cleanup_(stage_one_release)

/* reading->audit is set only when stage one is enough. */
static int screen(const struct fl_request *request, const struct fl_collect_options *options,
                  struct stage_one *one, struct fl_reading *reading, struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    int error;

    if (request->n_from || options->window_ms <= 0)
        return fl_error_set(err, -EINVAL,
                            "--screen counts packets of the host's ports in a window: it goes with "
                            "neither --from nor a window of 0");
    error = fl_collect_screen(&host, options, &one->snapshot, &one->screen, err);
    if (error)
        return error;
    reading->doubts = doubts_of(&one->screen);
    if (json_array_size(reading->doubts))
        return 0;
    reading->audit = fl_audit_of_screen(one->snapshot, &one->screen);
    reading->snapshot = one->snapshot;
    one->snapshot = NULL;
    return 0;
}

int fl_reading_open(const struct fl_request *request, int64_t window_ms, enum fl_snapshot_keep keep,
                    unsigned int flags, struct fl_reading *reading, struct fl_error *err)
{
    struct fl_collect_options options = {
        .config = &reading->config,
        .keep = keep,
        .decode_flags = flags,
        .progress = fl_progress_line,
    };
    _cleanup_stage_one struct stage_one one = { .snapshot = NULL };
    int error;

    *reading = (struct fl_reading){ .snapshot = NULL };
    error = fl_config_load(&reading->config, request->root, err);
    if (error)
        return error;

    if (request->window_ms >= 0)
        window_ms = request->window_ms;
    options.window_ms = window_ms >= 0 ? window_ms : reading->config.window_ms;
    if (request->screen)
        error = screen(request, &options, &one, reading, err);
    if (!error && !reading->audit)
        error = collect(request, &options, &reading->snapshot, err);
    fl_progress_end();
    if (!error && !reading->audit) {
        reading->audit = fl_audit_run(reading->snapshot, &reading->config.storage,
                                      &reading->config.audit);
        fl_audit_heed_screen(reading->audit, &one.screen);
    }
    return error;
}

void fl_reading_close(struct fl_reading *reading)
{
    if (reading->audit)
        fl_audit_destroy(reading->audit);
    fl_snapshot_destroy(reading->snapshot);
    json_decref(reading->doubts);
    fl_config_destroy(&reading->config);
}

/* Without an inventory there are only ports. */
static const struct fl_vm_audit *find_port(const struct fl_audit *audit, const char *what,
                                           struct fl_error *err)
{
    const struct fl_vm_audit *vm = fl_audit_vm(audit, what);
    const char **known, *nearest = NULL;

    if (vm)
        return vm;
    known = xcalloc(audit->n_vms + 1, sizeof *known);
    for (size_t i = 0; i < audit->n_vms; i++)
        known[i] = audit->vms[i].name;
    if (fl_nearest(what, known, audit->n_vms, &nearest, 1))
        fl_error_set(err, -ENOENT, "no port '%s' in what was read; did you mean '%s'?", what,
                     nearest);
    else
        fl_error_set(err, -ENOENT,
                     "no port '%s' in what was read (a raw dump names ports, not VMs)", what);
    free(known);
    return NULL;
}

const struct fl_vm_audit *fl_reading_vm(const struct fl_reading *reading, const char *what,
                                        struct fl_error *err)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(reading->snapshot);
    const struct fl_audit *audit = reading->audit;
    const struct fl_vm *vm;

    if (!inv)
        return find_port(audit, what, err);
    vm = fl_inventory_find_vm(inv, what, err);
    for (size_t i = 0; vm && i < audit->n_vms; i++) {
        if (audit->vms[i].vm == vm)
            return &audit->vms[i];
    }
    fl_error_set(err, -ENOENT, "no VM '%s' on this host", what);
    return NULL;
}

int fl_reading_exit_code(const struct fl_reading *reading, const struct fl_vm_audit *vm)
{
    if (!vm)
        return fl_audit_exit_code(reading->audit);
    if (reading->audit->incomplete || vm->verdict == FL_VERDICT_UNKNOWN)
        return FL_EXIT_TROUBLE;
    return vm->verdict == FL_VERDICT_STRANDED || vm->verdict == FL_VERDICT_LEAKING
               ? FL_EXIT_NOT_DONE
               : FL_EXIT_DONE;
}

/* The person, also behind sudo. */
static char *who_acts(void)
{
    const char *sudo_user = getenv("SUDO_USER");
    const struct passwd *user = getpwuid(getuid());

    if (sudo_user && *sudo_user && !getuid())
        return xasprintf("%s (sudo)", sudo_user);
    return user ? xstrdup(user->pw_name) : xasprintf("uid %u", getuid());
}

int fl_operator_open(const struct fl_request *request, struct fl_config *config,
                     struct fl_operator *op, struct fl_error *err)
{
    int error;

    *op = (struct fl_operator){
        .config = config,
        .root = request->root,
        .host = fl_request_host(request),
        .ticket = request->ticket,
        .progress = fl_progress_line,
    };
    error = fl_config_load(config, request->root, err);
    if (error)
        return error;
    if (request->window_ms >= 0)
        config->window_ms = request->window_ms;
    op->who = who_acts();
    return 0;
}

void fl_operator_close(struct fl_operator *op)
{
    free(CONST_CAST(char *, op->who));
    op->who = NULL;
}
