/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/live_model.h"
#include "cli/live_reader.h"
#include "cli/live_screen.h"
#include "cli/terminal.h"
#include "lib/base/clock.h"

/* How often the screen is looked at without a cause: that a reading is late shows by itself. */
#define IDLE_MS 1000

static const int signals[] = { SIGWINCH, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };

struct loop {
    const struct fl_request *request;
    struct fl_live_model model;
    struct fl_live_reader reader;
    struct fl_terminal *terminal;
    bool utf8;
    int signal_fd;
    sigset_t mask_before;
    size_t n_documents;
    bool reads; /* there is more to come */
    bool is_over;
    int exit_code;
};

/* ---- Signals ---- */

static int open_signals(struct loop *loop, struct fl_error *err)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, &loop->mask_before);
    loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0)
        return fl_error_set(err, -errno, "cannot wait for signals: %s", ovs_strerror(errno));
    return 0;
}

/* Those that came while nobody looked have done their work. */
static void close_signals(struct loop *loop)
{
    struct signalfd_siginfo info;

    while (loop->signal_fd >= 0 && read(loop->signal_fd, &info, sizeof info) > 0)
        continue;
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    sigprocmask(SIG_SETMASK, &loop->mask_before, NULL);
}

/* Stopped as any other program: with the terminal as it was. */
static void stop(struct loop *loop)
{
    struct sigaction as_usual = { .sa_handler = SIG_DFL }, before;
    sigset_t set, mask;

    fl_terminal_suspend(loop->terminal);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaction(SIGTSTP, &as_usual, &before);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &set, &mask);
    /* Here we stand still until SIGCONT. */
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &before, NULL);
    fl_terminal_resume(loop->terminal);
}

static void take_signals(struct loop *loop)
{
    struct signalfd_siginfo info;
    bool was_stopped = false;

    while (read(loop->signal_fd, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGTSTP:
            stop(loop);
            was_stopped = true;
            break;
        /* After SIGSTOP somebody may have set the terminal otherwise, and written onto the screen. */
        case SIGCONT:
            if (!was_stopped) {
                fl_terminal_suspend(loop->terminal);
                fl_terminal_resume(loop->terminal);
            }
            break;
        case SIGWINCH: break;
        default: loop->is_over = true; break;
        }
    }
}

/* ---- Keys ---- */

static size_t page(const struct loop *loop)
{
    int width, height;

    fl_terminal_size(loop->terminal, &width, &height);
    return fl_live_page(&loop->model, height);
}

/* Return: whether @key moves something. */
static bool find_key(int key, enum fl_live_key *does)
{
    static const struct {
        int key;
        enum fl_live_key does;
    } keys[] = {
        { FL_KEY_UP, FL_LIVE_UP },
        { 'k', FL_LIVE_UP },
        { FL_KEY_DOWN, FL_LIVE_DOWN },
        { 'j', FL_LIVE_DOWN },
        { FL_KEY_PAGE_UP, FL_LIVE_PAGE_UP },
        { FL_KEY_PAGE_DOWN, FL_LIVE_PAGE_DOWN },
        { FL_KEY_HOME, FL_LIVE_HOME },
        { 'g', FL_LIVE_HOME },
        { FL_KEY_END, FL_LIVE_END },
        { 'G', FL_LIVE_END },
        { ' ', FL_LIVE_PAGE_DOWN },
        { 's', FL_LIVE_SORT },
        { 'p', FL_LIVE_PAUSE },
        { 'e', FL_LIVE_UNFOLD },
        { FL_KEY_ENTER, FL_LIVE_UNFOLD },
    };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == key) {
            *does = keys[i].does;
            return true;
        }
    }
    return false;
}

static void take_keys(struct loop *loop)
{
    enum fl_live_key does;
    int key;

    while (!loop->is_over && (key = fl_terminal_key(loop->terminal)) != FL_KEY_NONE) {
        if (key == 'q' || key == 'Q') {
            loop->is_over = true;
        } else if (key == FL_KEY_GONE) {
            loop->is_over = true;
            loop->exit_code = FL_EXIT_TROUBLE;
        } else if (key == '\f') {
            fl_terminal_repaint(loop->terminal);
        } else if (find_key(key, &does)) {
            fl_live_model_key(&loop->model, does, page(loop));
        }
    }
}

/* ---- Documents ---- */

static int take_documents(struct loop *loop, struct fl_error *err)
{
    json_t *document;
    int error;

    while (!(error = fl_live_reader_take(&loop->reader, &document, err)) && document) {
        bool ended = json_is_true(json_object_get(document, "ended"));

        fl_live_model_take(&loop->model, document, fl_monotonic_ms());
        json_decref(document);
        loop->reads = !ended;
        loop->n_documents += !ended;
        if (ended || (loop->request->ticks && loop->n_documents >= loop->request->ticks))
            break;
    }
    return error;
}

/* ---- Screens ---- */

static int show(struct loop *loop)
{
    const struct fl_live_look look = {
        .colour = fl_terminal_has_colours(loop->terminal),
        .now_ms = fl_monotonic_ms(),
    };
    struct fl_grid grid;
    int width, height, error;

    error = fl_terminal_flush(loop->terminal);
    if (error || fl_terminal_is_busy(loop->terminal))
        return error;
    fl_terminal_size(loop->terminal, &width, &height);
    fl_live_model_scroll(&loop->model, fl_live_page(&loop->model, height));
    fl_grid_init(&grid, width, height, loop->utf8);
    fl_live_draw(&loop->model, &look, &grid);
    error = fl_terminal_show(loop->terminal, &grid);
    fl_grid_destroy(&grid);
    return error;
}

/* Wait for the first of all that may happen. Return: false when the terminal is gone. */
static bool wait_for_news(struct loop *loop)
{
    short room = fl_terminal_is_busy(loop->terminal) ? POLLOUT : 0;
    struct pollfd fds[] = {
        { .fd = fl_terminal_fd(loop->terminal), .events = POLLIN | room },
        { .fd = loop->signal_fd, .events = POLLIN },
        { .fd = loop->reads ? loop->reader.fd : -1, .events = POLLIN },
    };

    poll(fds, ARRAY_SIZE(fds), IDLE_MS);
    return !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static bool has_enough(const struct loop *loop)
{
    size_t ticks = loop->request->ticks;

    return ticks && (loop->n_documents >= ticks || !loop->reads);
}

static int run(struct loop *loop, struct fl_error *err)
{
    int error = 0;

    while (!error && !loop->is_over) {
        /* A terminal that is gone is told nothing. */
        if (show(loop) < 0 || !wait_for_news(loop)) {
            loop->exit_code = FL_EXIT_TROUBLE;
            break;
        }
        take_signals(loop);
        take_keys(loop);
        if (loop->reads && !loop->is_over)
            error = take_documents(loop, err);
        if (!error && has_enough(loop)) {
            loop->exit_code = loop->model.exit_code;
            show(loop);
            break;
        }
    }
    return error;
}

int fl_live_loop(struct fl_live_source *source, const struct fl_output *out, struct fl_error *err)
{
    struct loop loop = {
        .request = source->request,
        .utf8 = out->utf8,
        .signal_fd = -1,
        .reads = true,
        .exit_code = FL_EXIT_DONE,
    };
    int error;

    fl_live_model_init(&loop.model);
    loop.model.tick_ms = fl_live_source_tick_ms(source);
    /* First, so that it has none of the terminal's descriptors. */
    error = fl_live_reader_start(&loop.reader, source, err);
    if (!error)
        error = open_signals(&loop, err);
    if (!error)
        error = fl_terminal_open(out->fd, out->colour, &loop.terminal, err);
    if (!error)
        error = run(&loop, err);
    if (loop.terminal)
        fl_terminal_close(loop.terminal);
    fl_live_reader_stop(&loop.reader);
    close_signals(&loop);
    fl_live_model_destroy(&loop.model);
    return error ? FL_EXIT_TROUBLE : loop.exit_code;
}
