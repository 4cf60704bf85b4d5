/* SPDX-License-Identifier: Apache-2.0 */
#include "hardware.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BURST      64 /* frames from one link before the next gets its turn */
#define MAX_EVENTS 64

struct flownic_hardware {
    struct flownic_eswitch *eswitch;
    pthread_t engine;
    int epoll_fd;
    int stop_fd;
    pthread_mutex_t lock; /* guards ports[]; held by the engine while it works */
    struct flownic_port *ports[FLOWNIC_MAX_PORTS];
};

/* An epoll event names a link by port and index, so that a stale one is harmless. */
static uint64_t event_of(uint32_t port, size_t link)
{
    return (uint64_t)port << 8 | link;
}

static const uint64_t stop_event = UINT64_MAX;

static void count(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void send_to_port(void *context, uint32_t id, const struct flownic_frame *frame)
{
    struct flownic_hardware *hardware = context;
    struct flownic_port *port = hardware->ports[id];

    if (port && flownic_wire_send(&port->wire, frame->data, frame->bytes) < 0) {
        count(&port->send_failed);
    }
}

static void process_frame(struct flownic_hardware *hardware, struct flownic_port *port,
                          struct flownic_frame *frame)
{
    const struct flownic_output_sink sink = { send_to_port, hardware };
    uint32_t mark = 0;
    enum flownic_verdict verdict = flownic_eswitch_process(hardware->eswitch, port->id, frame,
                                                           &sink, &mark);

    if (verdict == FLOWNIC_FORWARDED || verdict == FLOWNIC_DROPPED) {
        return;
    }
    if (!flownic_frame_queue_put(&port->to_software, frame->data, frame->bytes,
                                 verdict == FLOWNIC_TO_SOFTWARE_MARKED ? &mark : NULL)) {
        count(&port->software_missed);
    }
}

static void serve_link(struct flownic_hardware *hardware, uint64_t event)
{
    uint8_t buffer[FLOWNIC_HEADROOM_BYTES + FLOWNIC_FRAME_BYTES];
    struct flownic_port *port = hardware->ports[event >> 8];
    struct flownic_frame frame;

    if (!port || (event & 0xff) >= port->wire.n_links) {
        return;
    }
    for (int i = 0; i < BURST; i++) {
        if (flownic_wire_read(&port->wire.links[event & 0xff], buffer, sizeof buffer, &frame)) {
            return;
        }
        process_frame(hardware, port, &frame);
    }
}

static void *engine_main(void *argument)
{
    struct flownic_hardware *hardware = argument;
    struct epoll_event events[MAX_EVENTS];
    bool stop = false;

    while (!stop) {
        int n = epoll_wait(hardware->epoll_fd, events, MAX_EVENTS, -1);

        pthread_mutex_lock(&hardware->lock);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == stop_event) {
                stop = true;
            } else {
                serve_link(hardware, events[i].data.u64);
            }
        }
        pthread_mutex_unlock(&hardware->lock);
    }
    return NULL;
}

/* The switch pins its threads; the NIC's engine runs wherever there is room. */
static void allow_all_cpus(pthread_t thread)
{
    cpu_set_t cpus;

    memset(&cpus, 0xff, sizeof cpus);
    pthread_setaffinity_np(thread, sizeof cpus, &cpus);
}

static int watch(struct flownic_hardware *hardware, int fd, uint64_t event)
{
    struct epoll_event want = { .events = EPOLLIN, .data.u64 = event };

    return epoll_ctl(hardware->epoll_fd, EPOLL_CTL_ADD, fd, &want) < 0 ? -errno : 0;
}

struct flownic_hardware *flownic_hardware_create(void)
{
    struct flownic_hardware *hardware = calloc(1, sizeof *hardware);

    if (!hardware) {
        return NULL;
    }
    pthread_mutex_init(&hardware->lock, NULL);
    hardware->eswitch = flownic_eswitch_create();
    hardware->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    hardware->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!hardware->eswitch || hardware->epoll_fd < 0 || hardware->stop_fd < 0 ||
        watch(hardware, hardware->stop_fd, stop_event) < 0 ||
        (errno = pthread_create(&hardware->engine, NULL, engine_main, hardware))) {
        flownic_eswitch_destroy(hardware->eswitch);
        free(hardware);
        return NULL;
    }
    pthread_setname_np(hardware->engine, "flownic-engine");
    allow_all_cpus(hardware->engine);
    return hardware;
}

void flownic_hardware_destroy(struct flownic_hardware *hardware)
{
    eventfd_write(hardware->stop_fd, 1);
    pthread_join(hardware->engine, NULL);
    close(hardware->stop_fd);
    close(hardware->epoll_fd);
    flownic_eswitch_destroy(hardware->eswitch);
    pthread_mutex_destroy(&hardware->lock);
    free(hardware);
}

struct flownic_eswitch *flownic_hardware_eswitch(struct flownic_hardware *hardware)
{
    return hardware->eswitch;
}

int flownic_hardware_attach(struct flownic_hardware *hardware, struct flownic_port *port)
{
    int error = 0;

    if (port->id >= FLOWNIC_MAX_PORTS) {
        return -ERANGE;
    }
    pthread_mutex_lock(&hardware->lock);
    if (hardware->ports[port->id]) {
        error = -EEXIST;
    } else {
        hardware->ports[port->id] = port;
    }
    pthread_mutex_unlock(&hardware->lock);
    for (size_t i = 0; !error && i < port->wire.n_links; i++) {
        error = watch(hardware, port->wire.links[i].fd, event_of(port->id, i));
    }
    if (error && error != -EEXIST) {
        flownic_hardware_detach(hardware, port);
    }
    return error;
}

void flownic_hardware_detach(struct flownic_hardware *hardware, struct flownic_port *port)
{
    for (size_t i = 0; i < port->wire.n_links; i++) {
        epoll_ctl(hardware->epoll_fd, EPOLL_CTL_DEL, port->wire.links[i].fd, NULL);
    }
    pthread_mutex_lock(&hardware->lock);
    hardware->ports[port->id] = NULL;
    pthread_mutex_unlock(&hardware->lock);
}
