/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/hook_input.h"
#include "cli/hook_promise.h"
#include "cli/verbs.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/event/libvirt.h"
#include "lib/store/spool.h"

/* Of FL_HOOK_MS: for XML to come; for XML that is not looked at to go. */
#define READ_MS  40
#define DRAIN_MS 55

/* When the hook was called. */
struct call {
    int64_t since_boot_ns;
    int64_t monotonic_ms;
    int64_t time_ms;
};

/* What goes wrong is told nobody: who starts VMs must not care, and the agent sees ports come and go. */
static void spool(const struct fl_request *request, const struct call *call,
                  const struct fl_event *event)
{
    fl_spool_put(request->root, call->since_boot_ns, event, NULL);
}

/* One byte more than is read of it, to see whether it is more. */
static void hear_libvirt(const struct fl_request *request, const struct call *call)
{
    const size_t room = FL_LIMIT_DOMAIN_XML_BYTES + 1;
    _cleanup_free char *xml = malloc(room);
    struct fl_event event = { .time_ms = call->time_ms };
    bool is_whole = false;
    size_t n = 0;

    if (xml)
        n = fl_hook_read(STDIN_FILENO, xml, room, call->monotonic_ms + READ_MS, &is_whole);
    if (fl_event_of_libvirt(request->rest, request->n_rest, xml, n, is_whole, &event))
        spool(request, call, &event);
    fl_hook_is_done();
    if (xml && !is_whole)
        fl_hook_drain(STDIN_FILENO, xml, room, call->monotonic_ms + DRAIN_MS);
}

static void hear_command(const struct fl_request *request, const struct call *call,
                         enum fl_event_what what)
{
    struct fl_event event = { .time_ms = call->time_ms, .source = "command", .what = what };

    fl_event_text(event.vm, sizeof event.vm, request->rest[0]);
    spool(request, call, &event);
}

int fl_verb_hook(const struct fl_request *request, struct fl_output *out OVS_UNUSED,
                 struct fl_error *err)
{
    static const struct {
        const char *source;
        enum fl_event_what what;
    } commands[] = { { "vm-start", FL_EVENT_START },
                     { "vm-stop", FL_EVENT_STOP },
                     { "vm-migrated", FL_EVENT_MIGRATED } };
    const struct call call = { fl_spool_clock_ns(), fl_monotonic_ms(), fl_time_now_ms() };
    const char *source = request->argument;
    size_t i;

    fl_hook_promise();
    for (i = 0; i < ARRAY_SIZE(commands) && strcmp(source, commands[i].source); i++)
        continue;
    if (!strcmp(source, "libvirt"))
        hear_libvirt(request, &call);
    else if (i == ARRAY_SIZE(commands))
        fl_error_set(err, -EINVAL,
                     "flowlift hook hears libvirt, vm-start, vm-stop and vm-migrated, not '%s'",
                     source);
    else if (request->n_rest != 1 || !*request->rest[0])
        fl_error_set(err, -EINVAL, "flowlift hook %s takes the name of one VM", source);
    else
        hear_command(request, &call, commands[i].what);
    fl_hook_is_done();
    return err->code ? FL_EXIT_TROUBLE : FL_EXIT_DONE;
}
