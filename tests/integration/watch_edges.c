/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls lib/tc/watch.h for tests/kernel/watch.py.
 *
 *   watch_edges [RECEIVE_BYTES]
 *
 * Each event as JSON, one a line, and {"event": "status", ...} where the status has changed. A line on
 * standard input is answered by {"event": "counts", ...}, once all that came before it is told; "sleep MS" has
 * it read nothing for a while first. It ends with its standard input.
 */
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/tc/watch.h"

static void print(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(json);
}

static void tell(const struct fl_tc_event *event, void *aux)
{
    (void)aux;
    print(json_pack("{ss si ss sb ss}", "event", fl_tc_event_name(event->kind), "ifindex",
                    event->ifindex, "name", event->name, "is_port", event->is_port, "why",
                    event->why));
}

static void print_counts(const struct fl_tc_watch *watch)
{
    struct fl_tc_watch_counts counts = fl_tc_watch_counts(watch);

    print(json_pack("{ss sI sI sI sI}", "event", "counts", "messages",
                    (json_int_t)counts.n_messages, "left_out", (json_int_t)counts.n_left_out,
                    "opened", (json_int_t)counts.n_opened, "lost", (json_int_t)counts.n_lost));
}

static void print_status(const struct fl_tc_watch *watch)
{
    static int last = 1;
    struct fl_error err = FL_ERROR_INIT;
    int code = fl_tc_watch_status(watch, &err);

    if (code != last)
        print(json_pack("{ss si ss}", "event", "status", "code", code, "why", err.text));
    last = code;
}

/* Return: whether there is more to come. */
static bool take_command(struct fl_tc_watch *watch, FILE *commands)
{
    struct pollfd input = { .fd = fileno(commands), .events = POLLIN };
    char line[64];

    if (poll(&input, 1, 0) != 1)
        return true;
    if (!fgets(line, sizeof line, commands))
        return false;
    if (!strncmp(line, "sleep ", 6))
        fl_sleep_until_ms(fl_monotonic_ms() + atoi(line + 6));
    /* Past a nap, and twice, so that what had waited is told. */
    for (int i = 0; i < 2; i++) {
        fl_sleep_until_ms(fl_monotonic_ms() + 20);
        fl_tc_watch_run(watch);
    }
    print_counts(watch);
    return true;
}

int main(int argc, char *argv[])
{
    size_t receive_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    struct fl_tc_watch *watch = fl_tc_watch_open(tell, NULL, receive_bytes);
    /* The poll loop takes descriptor 0 for none. */
    FILE *commands = fdopen(dup(STDIN_FILENO), "r");

    setvbuf(commands, NULL, _IONBF, 0);
    /* Now it has all descriptors that it needs: one more may be refused (a limit of 6). */
    poll_immediate_wake();
    poll_block();
    do {
        fl_tc_watch_run(watch);
        print_status(watch);
        fl_tc_watch_wait(watch);
        poll_fd_wait(fileno(commands), POLLIN);
        poll_block();
    } while (take_command(watch, commands));
    fl_tc_watch_close(watch);
    fclose(commands);
    return 0;
}
