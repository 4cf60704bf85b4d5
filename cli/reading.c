/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reading.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/progress.h"
#include "flows/cleanup.h"
#include "flows/nearest.h"
#include "lib/collect.h"

/* Of files there is only what was dumped; with --screen the host's ports are asked first. */
static int read_and_judge(const struct fl_request *request,
                          const struct fl_collect_options *options, struct fl_reading *reading,
                          struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    const struct fl_config *config = options->config;
    int error;

    if (request->screen && (request->n_from || options->window_ms <= 0))
        return fl_error_set(err, -EINVAL,
                            "--screen counts packets of the host's ports in a window: it goes with "
                            "neither --from nor a window of 0");
    if (!request->n_from)
        return fl_host_audit(&host, options, request->screen, &reading->host, err);
    error = fl_collect_files(request->from, request->n_from, options, &reading->host.snapshot, err);
    if (!error)
        reading->host.audit = fl_audit_run(reading->host.snapshot, &config->storage,
                                           &config->audit);
    return error;
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
    int error;

    *reading = (struct fl_reading){ .snapshot = NULL };
    error = fl_config_load(&reading->config, request->root, err);
    if (error)
        return error;

    if (request->window_ms >= 0)
        window_ms = request->window_ms;
    options.window_ms = window_ms >= 0 ? window_ms : reading->config.window_ms;
    error = read_and_judge(request, &options, reading, err);
    fl_progress_end();
    reading->snapshot = reading->host.snapshot;
    reading->audit = reading->host.audit;
    return error;
}

void fl_reading_close(struct fl_reading *reading)
{
    fl_host_audit_release(&reading->host);
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
    return fl_verdict_is_bad(vm->verdict) ? FL_EXIT_NOT_DONE : FL_EXIT_DONE;
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
