/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <ovs/util.h>

#include "cli/reading.h"
#include "lib/base/clock.h"
#include "lib/guard.h"
#include "lib/text.h"

struct listener {
    const struct fl_request *request;
    struct fl_output *out;
};

static enum fl_style style_of(enum fl_guard_did did)
{
    switch (did) {
    case FL_GUARD_SUSPENDED:
    case FL_GUARD_REFUSED:
    case FL_GUARD_TROUBLE: return FL_STYLE_ODD;
    case FL_GUARD_RESTORED:
    case FL_GUARD_SERVES: return FL_STYLE_GOOD;
    case FL_GUARD_WATCHES:
    case FL_GUARD_RELEASED:
    case FL_GUARD_REVERTED:
    case FL_GUARD_N_DID:
    default: return FL_STYLE_PLAIN;
    }
}

static void tell_json(const struct fl_guard_event *event, struct fl_output *out)
{
    json_t *document = fl_document_here("guard");

    json_object_set_new(document, "event", json_string(fl_guard_did_name(event->did)));
    json_object_set_new(document, "vm", fl_text_json(event->vm_name));
    json_object_set_new(document, "vm_id", fl_text_json(event->vm_id));
    json_object_set_new(document, "state",
                        event->vm_id ? json_string(fl_remedy_state_name(event->state))
                                     : json_null());
    json_object_set_new(document, "reason", fl_text_json(event->reason));
    fl_output_json_line(out, document);
}

static void tell_text(const struct fl_guard_event *event, struct fl_output *out)
{
    char *name = fl_text_clean(event->vm_name ? event->vm_name : "-");
    char *reason = fl_text_clean(event->reason);
    char now[FL_TIME_TEXT_BYTES];

    fl_output_printf(out, "%s %s ", fl_time_format(fl_time_now_ms(), now), name);
    fl_output_styled(out, style_of(event->did), "%s", fl_guard_did_name(event->did));
    fl_output_printf(out, "%s%s\n", *reason ? ": " : "", reason);
    free(name);
    free(reason);
}

/* Whoever reads it wants it now. That nobody does any more is no reason to stop guarding. */
static void tell(const struct fl_guard_event *event, void *listener_)
{
    const struct listener *listener = listener_;

    if (listener->request->format == FL_FORMAT_TABLE)
        tell_text(event, listener->out);
    else
        tell_json(event, listener->out);
    fflush(listener->out->stream);
}

/* Return: a descriptor that becomes readable with SIGTERM or SIGINT, or negative errno. */
static int open_stop(void)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static bool is_readable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) == 1;
}

static int run(const struct fl_operator *op, struct listener *listener, struct fl_error *err)
{
    struct fl_guard *guard;
    int error, stop = open_stop();

    if (stop < 0)
        return fl_error_set(err, stop, "cannot wait for signals: %s", ovs_strerror(-stop));
    error = fl_guard_open(op, tell, listener, &guard, err);
    while (!error && !is_readable(stop)) {
        fl_guard_run(guard);
        fl_guard_wait(guard);
        poll_fd_wait(stop, POLLIN);
        poll_block();
    }
    if (!error)
        fl_guard_close(guard);
    close(stop);
    return error;
}

int fl_verb_guard(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct listener listener = { .request = request, .out = out };
    struct fl_config config;
    struct fl_operator op;
    int error;

    if (!request->foreground) {
        fl_error_set(
            err, -EINVAL,
            "guarding in the background is the agent's work: systemctl start flowlift-agent, "
            "or flowlift-agent --detach; flowlift guard --foreground guards here and "
            "shows what it does");
        return FL_EXIT_TROUBLE;
    }
    error = fl_operator_open(request, &config, &op, err);
    if (!error)
        error = run(&op, &listener, err);
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return error ? FL_EXIT_TROUBLE : FL_EXIT_DONE;
}
