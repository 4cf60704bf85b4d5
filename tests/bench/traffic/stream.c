/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: a numbered UDP packet stream that says exactly what was lost, and which way.
 *
 *     stream echo PORT...
 *     stream send ADDRESS PORT [--rate PACKETS_A_SECOND] [--seconds S] [--bytes N]
 *
 * The echo side sends every packet back and notes in it how many it has seen of that stream,
 * so the sender can tell loss on the way there from loss on the way back. The sender ends
 * after --seconds or on SIGTERM, waits for what is under way, asks the echo side for its
 * final count, and prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC               0x666c6f776c696674ull /* "flowlift" */
#define MAX_PACKETS         (16u << 20)
#define MAX_STREAMS         256
#define MAX_PORTS           8
#define MAX_BYTES           1472
#define SOCKET_BUFFER_BYTES (16 << 20)
#define DRAIN_NS            2000000000ll
#define QUESTIONS           40

enum kind { KIND_DATA, KIND_QUESTION };

/* In host byte order: both ends are on one machine. */
struct packet {
    uint64_t magic;
    uint64_t stream;
    uint64_t sequence;
    int64_t sent_ns;
    uint64_t seen_by_echo; /* filled in by the echo side */
    uint32_t kind;
    uint32_t padding;
};

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int bytes = SOCKET_BUFFER_BYTES, on = 1;

    if (fd < 0) {
        die("socket");
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) < 0) {
        die("setsockopt");
    }
    return fd;
}

/* Receives one packet. @overflowed receives how many the socket had to drop so far. */
static ssize_t receive(int fd, void *buffer, size_t size, struct sockaddr_in *from,
                       uint32_t *overflowed)
{
    union {
        char bytes[64];
        struct cmsghdr align;
    } control;
    struct iovec part = { .iov_base = buffer, .iov_len = size };
    struct msghdr message = { .msg_name = from,
                              .msg_namelen = from ? sizeof *from : 0,
                              .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control };
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

    if (n < 0) {
        return n;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(overflowed, CMSG_DATA(c), sizeof *overflowed);
        }
    }
    return n;
}

/* ---- Echo ---- */

struct seen_stream {
    uint64_t stream;
    uint64_t seen;
};

static uint64_t *seen_of(struct seen_stream *streams, uint64_t stream)
{
    static size_t next;

    for (size_t i = 0; i < MAX_STREAMS; i++) {
        if (streams[i].stream == stream) {
            return &streams[i].seen;
        }
    }
    next = (next + 1) % MAX_STREAMS;
    streams[next] = (struct seen_stream){ .stream = stream };
    return &streams[next].seen;
}

static void echo_waiting(int fd, struct seen_stream *streams)
{
    union {
        struct packet packet;
        char bytes[MAX_BYTES];
    } buffer;
    struct sockaddr_in from;
    uint32_t overflowed = 0;
    ssize_t n;

    while ((n = receive(fd, &buffer, sizeof buffer, &from, &overflowed)) >= 0) {
        uint64_t *seen;

        if ((size_t)n < sizeof buffer.packet || buffer.packet.magic != MAGIC) {
            continue;
        }
        seen = seen_of(streams, buffer.packet.stream);
        *seen += buffer.packet.kind == KIND_DATA;
        buffer.packet.seen_by_echo = *seen;
        if (sendto(fd, &buffer, (size_t)n, 0, (struct sockaddr *)&from, sizeof from) < 0) {
            fprintf(stderr, "stream: echo: %s\n", strerror(errno));
        }
    }
}

static int echo(int n_ports, char **ports)
{
    static struct seen_stream streams[MAX_STREAMS];
    struct pollfd fds[MAX_PORTS];

    if (n_ports < 1 || n_ports > MAX_PORTS) {
        fprintf(stderr, "stream: echo takes 1 to %d ports\n", MAX_PORTS);
        return 2;
    }
    for (int i = 0; i < n_ports; i++) {
        struct sockaddr_in here = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)atoi(ports[i])) };

        fds[i] = (struct pollfd){ .fd = open_socket(), .events = POLLIN };
        if (bind(fds[i].fd, (struct sockaddr *)&here, sizeof here) < 0) {
            die("bind");
        }
    }
    while (!stop_asked) {
        if (poll(fds, (nfds_t)n_ports, -1) < 0 && errno != EINTR) {
            die("poll");
        }
        for (int i = 0; i < n_ports; i++) {
            echo_waiting(fds[i].fd, streams);
        }
    }
    return 0;
}

/* ---- Send ---- */

struct sender {
    int fd;
    uint64_t stream;
    double rate;
    double seconds;
    size_t bytes;

    uint64_t sent;
    uint64_t send_retries;
    uint64_t received;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t seen_by_echo;
    bool echo_answered;
    uint32_t overflowed;
    int64_t max_gap_ns;
    int64_t last_ns;
    uint64_t highest;
    uint8_t *arrived;  /* one bit a sequence number */
    uint32_t *rtt_us;  /* one entry a packet received */
    bool sending_done; /* atomic */
};

static void note_reply(struct sender *sender, const struct packet *packet)
{
    int64_t now = now_ns();
    uint64_t sequence = packet->sequence;
    uint8_t bit;

    if (packet->magic != MAGIC || packet->stream != sender->stream || sequence >= MAX_PACKETS) {
        return;
    }
    if (packet->kind == KIND_QUESTION) {
        sender->echo_answered = true;
        sender->seen_by_echo = packet->seen_by_echo;
        return;
    }
    bit = (uint8_t)(1 << (sequence & 7));
    if (sender->arrived[sequence >> 3] & bit) {
        sender->duplicated++;
        return;
    }
    sender->arrived[sequence >> 3] |= bit;
    sender->rtt_us[sender->received++] = (uint32_t)((now - packet->sent_ns) / 1000);
    if (sequence < sender->highest) {
        sender->reordered++;
    } else {
        sender->highest = sequence;
    }
    if (sender->last_ns && now - sender->last_ns > sender->max_gap_ns) {
        sender->max_gap_ns = now - sender->last_ns;
    }
    sender->last_ns = now;
}

static void receive_for(struct sender *sender, int timeout_ms)
{
    struct pollfd fd = { .fd = sender->fd, .events = POLLIN };
    union {
        struct packet packet;
        char bytes[MAX_BYTES];
    } buffer;
    ssize_t n;

    if (poll(&fd, 1, timeout_ms) <= 0) {
        return;
    }
    while ((n = receive(sender->fd, &buffer, sizeof buffer, NULL, &sender->overflowed)) >= 0) {
        if ((size_t)n >= sizeof buffer.packet) {
            note_reply(sender, &buffer.packet);
        }
    }
}

static void *receive_main(void *argument)
{
    struct sender *sender = argument;
    int64_t deadline = 0;

    for (;;) {
        receive_for(sender, 20);
        if (!__atomic_load_n(&sender->sending_done, __ATOMIC_ACQUIRE)) {
            continue;
        }
        if (!deadline) {
            deadline = now_ns() + DRAIN_NS;
        }
        if (sender->received >= sender->sent || now_ns() > deadline) {
            return NULL;
        }
    }
}

/* A full queue on the way out is no loss of the network's: try again. */
static void send_packet(struct sender *sender, uint64_t sequence, enum kind kind)
{
    union {
        struct packet packet;
        char bytes[MAX_BYTES];
    } buffer = {
        .packet = { .magic = MAGIC, .stream = sender->stream, .sequence = sequence, .kind = kind }
    };

    buffer.packet.sent_ns = now_ns();
    while (send(sender->fd, &buffer, sender->bytes, 0) < 0 && !stop_asked) {
        if (errno == ECONNREFUSED) {
            continue; /* reported for an earlier packet */
        }
        sender->send_retries++;
        usleep(200);
    }
}

static void send_all(struct sender *sender)
{
    int64_t interval = (int64_t)(1e9 / sender->rate);
    int64_t start = now_ns();
    int64_t end = sender->seconds > 0 ? start + (int64_t)(sender->seconds * 1e9) : INT64_MAX;

    while (!stop_asked && sender->sent < MAX_PACKETS) {
        int64_t due = start + (int64_t)sender->sent * interval;
        struct timespec at = { .tv_sec = due / 1000000000, .tv_nsec = due % 1000000000 };

        if (due >= end) {
            break;
        }
        if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR && stop_asked) {
            break;
        }
        send_packet(sender, sender->sent, KIND_DATA);
        __atomic_store_n(&sender->sent, sender->sent + 1, __ATOMIC_RELEASE);
    }
}

static void ask_echo(struct sender *sender)
{
    for (int i = 0; i < QUESTIONS && !sender->echo_answered; i++) {
        stop_asked = 0;
        send_packet(sender, 0, KIND_QUESTION);
        receive_for(sender, 50);
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t percentile(const struct sender *sender, double share)
{
    size_t n = sender->received;

    return n ? sender->rtt_us[(size_t)(share * (double)(n - 1))] : 0;
}

static void print_result(struct sender *sender)
{
    uint64_t lost = sender->sent - sender->received;
    uint64_t lost_there = sender->sent - sender->seen_by_echo;

    qsort(sender->rtt_us, sender->received, sizeof *sender->rtt_us, compare_u32);
    printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"lost\": %" PRIu64, sender->sent,
           sender->received, lost);
    if (sender->echo_answered) {
        printf(", \"lost_there\": %" PRIu64 ", \"lost_back\": %" PRIu64, lost_there,
               lost - lost_there);
    } else {
        printf(", \"lost_there\": null, \"lost_back\": null");
    }
    printf(", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"send_retries\": %" PRIu64
           ", \"socket_overflow\": %u, \"max_gap_us\": %" PRId64,
           sender->duplicated, sender->reordered, sender->send_retries, sender->overflowed,
           sender->max_gap_ns / 1000);
    printf(", \"rtt_us\": {\"min\": %u, \"p50\": %u, \"p90\": %u, \"p99\": %u, \"max\": %u}}\n",
           percentile(sender, 0), percentile(sender, 0.5), percentile(sender, 0.9),
           percentile(sender, 0.99), percentile(sender, 1));
}

static int run_sender(struct sender *sender, const char *address, const char *port)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    pthread_t receiver;

    if (inet_pton(AF_INET, address, &there.sin_addr) != 1) {
        fprintf(stderr, "stream: %s is not an IPv4 address\n", address);
        return 2;
    }
    sender->fd = open_socket();
    if (connect(sender->fd, (struct sockaddr *)&there, sizeof there) < 0) {
        die("connect");
    }
    sender->stream = (uint64_t)now_ns() ^ (uint64_t)getpid() << 48;
    sender->arrived = calloc(MAX_PACKETS / 8, 1);
    sender->rtt_us = calloc(MAX_PACKETS, sizeof *sender->rtt_us);
    if (!sender->arrived || !sender->rtt_us ||
        pthread_create(&receiver, NULL, receive_main, sender)) {
        die("start");
    }
    send_all(sender);
    __atomic_store_n(&sender->sending_done, true, __ATOMIC_RELEASE);
    pthread_join(receiver, NULL);
    ask_echo(sender);
    print_result(sender);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: stream echo PORT...\n"
                    "       stream send ADDRESS PORT [--rate N] [--seconds S] [--bytes N]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct sender sender = { .rate = 1000, .bytes = 256 };
    struct sigaction action = { .sa_handler = ask_to_stop };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (argc >= 3 && !strcmp(argv[1], "echo")) {
        return echo(argc - 2, argv + 2);
    }
    if (argc < 4 || strcmp(argv[1], "send")) {
        return usage();
    }
    for (int i = 4; i + 1 < argc; i += 2) {
        double value = atof(argv[i + 1]);

        if (!strcmp(argv[i], "--rate") && value > 0) {
            sender.rate = value;
        } else if (!strcmp(argv[i], "--seconds")) {
            sender.seconds = value;
        } else if (!strcmp(argv[i], "--bytes") && value >= sizeof(struct packet) &&
                   value <= MAX_BYTES) {
            sender.bytes = (size_t)value;
        } else {
            return usage();
        }
    }
    return run_sender(&sender, argv[2], argv[3]);
}
