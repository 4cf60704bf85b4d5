/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openvswitch/poll-loop.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "lib/base/clock.h"

#define RECEIVE_BYTES (1024 * 1024)
/* Of one datagram: the kernel fills those of a list up to 32 KiB (lib/tc/rtnl.c). */
#define DATAGRAM_BYTES (64 * 1024)
/* Datagrams of one run: the caller's loop is to come round. */
#define DATAGRAMS 256
/* All was read: what follows within this time is read in one go. */
#define NAP_MS 10
/* Until the socket is opened again: at once if it lasted, then twice as long each time. */
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS  60000
#define LASTED_MS      10000

struct fl_tc_watch {
    fl_tc_event_cb *tell;
    void *aux;
    size_t receive_bytes;
    struct mnl_socket *socket; /* NULL: to be opened */
    struct fl_tc_watched watched;
    uint32_t sequence;
    long long open_ms;   /* when to open it, on the clock of time_msec() */
    long long opened_ms; /* when it was */
    long long read_ms;   /* not to be read before */
    unsigned int n_failed;
    uint64_t n_opened, n_lost;
    struct fl_error why; /* what went wrong last; code 0 once all is seen again */
    _Alignas(struct nlmsghdr) char received[DATAGRAM_BYTES];
};

/* ---- The socket ---- */

/* The filter reads numbers in network byte order, which those of netlink are not. */
#define TYPE(TYPE_) htons(TYPE_)
#define AT(FIELD)   (NLMSG_HDRLEN + offsetof(struct tcmsg, FIELD))

/* What need not be queued is not: what is left is for lib/tc/watch_message.c to judge. */
static int attach_filter(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE(RTM_NEWLINK), 9, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE(RTM_DELLINK), 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE(NLMSG_DONE), 7, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE(NLMSG_ERROR), 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE(RTM_DELTFILTER), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE(RTM_DELQDISC), 2, 5),
        /* A filter that goes alone has a handle. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT(tcm_handle)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 3),
        /* The hook for filters has a parent of its own; what replaces it comes second in the message. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT(tcm_parent)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(TC_H_INGRESS), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

static int subscribe(struct mnl_socket *socket)
{
    const int groups[] = { RTNLGRP_LINK, RTNLGRP_TC };

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        int group = groups[i];

        if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
            return -errno;
    }
    return 0;
}

/* The list of devices, without their statistics; in the same queue, so that all is told in its order. */
static int ask_for_list(struct fl_tc_watch *watch)
{
    char buffer[NLMSG_SPACE(sizeof(struct ifinfomsg)) + NLA_HDRLEN + sizeof(uint32_t)] = "";
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = ++watch->sequence;
    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    fl_tc_watched_list(&watch->watched, watch->sequence, mnl_socket_get_portid(watch->socket));
    return mnl_socket_sendto(watch->socket, request, request->nlmsg_len) < 0 ? -errno : 0;
}

static int open_socket(struct fl_tc_watch *watch)
{
    const int size = (int)watch->receive_bytes;
    int fd, ret;

    watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!watch->socket)
        return -errno;
    fd = mnl_socket_get_fd(watch->socket);
    /* Neither is a must: what runs over is noticed. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    ret = attach_filter(fd);
    if (!ret && mnl_socket_bind(watch->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        ret = -errno;
    ret = ret ? ret : subscribe(watch->socket);
    return ret ? ret : ask_for_list(watch);
}

/* ---- What was lost ---- */

static bool is_live(const struct fl_tc_watch *watch)
{
    return watch->socket && !watch->watched.is_listing;
}

static void tell_everything(const struct fl_tc_watch *watch, const char *why)
{
    const struct fl_tc_event event = {
        .kind = FL_TC_EVERYTHING, .name = "", .is_port = true, .why = why
    };

    watch->tell(&event, watch->aux);
}

static const char *trouble_of(int error)
{
    switch (error) {
    case -ENOBUFS: return "events of devices came faster than they were read";
    case -EBADMSG: return "an event of a device could not be decoded";
    default: return "devices cannot be watched";
    }
}

/* The socket could not be opened, or is of no more use. */
static void lose(struct fl_tc_watch *watch, int error)
{
    bool was_live = is_live(watch);

    if (was_live && time_msec() - watch->opened_ms >= LASTED_MS) {
        watch->n_failed = 0;
        watch->open_ms = time_msec();
    } else {
        watch->open_ms = time_msec() +
                         fl_backoff_ms(RETRY_FIRST_MS, RETRY_MOST_MS, ++watch->n_failed);
    }
    if (watch->socket)
        mnl_socket_close(watch->socket);
    watch->socket = NULL;
    fl_error_clear(&watch->why);
    fl_error_set(&watch->why, error, "%s: %s", trouble_of(error), ovs_strerror(-error));
    if (was_live) {
        watch->n_lost++;
        tell_everything(watch, watch->why.text);
    }
}

static void go_live(struct fl_tc_watch *watch)
{
    watch->n_opened++;
    fl_error_clear(&watch->why);
    tell_everything(watch, "devices are watched from now on");
}

/* ---- Reading ---- */

/* Return: its bytes; 0 there is none, or none of the kernel; negative errno. */
static ssize_t receive(struct fl_tc_watch *watch, bool *is_empty)
{
    struct sockaddr_nl from = { .nl_pid = 0 };
    socklen_t n_from = sizeof from;
    ssize_t n = recvfrom(mnl_socket_get_fd(watch->socket), watch->received, sizeof watch->received,
                         MSG_TRUNC, (struct sockaddr *)&from, &n_from);

    *is_empty = n < 0 && errno == EAGAIN;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if ((size_t)n > sizeof watch->received)
        return -EMSGSIZE;
    return from.nl_pid ? 0 : n;
}

static int read_some(struct fl_tc_watch *watch)
{
    bool is_empty = false;
    int ret = 0;

    for (int i = 0; i < DATAGRAMS && ret >= 0; i++) {
        ssize_t n = receive(watch, &is_empty);

        if (is_empty) {
            watch->read_ms = i ? time_msec() + NAP_MS : 0;
            return 0;
        }
        ret = n <= 0 ? (int)n
                     : fl_tc_watched_take(&watch->watched, watch->received, (size_t)n, watch->tell,
                                          watch->aux);
        if (ret == 1)
            go_live(watch);
        else if (ret == -EAGAIN)
            ret = ask_for_list(watch);
    }
    return ret < 0 ? ret : 0;
}

void fl_tc_watch_run(struct fl_tc_watch *watch)
{
    int ret = 0;

    if (!watch->socket && time_msec() >= watch->open_ms) {
        watch->opened_ms = time_msec();
        watch->read_ms = 0;
        ret = open_socket(watch);
    }
    if (!ret && watch->socket && time_msec() >= watch->read_ms)
        ret = read_some(watch);
    if (ret)
        lose(watch, ret);
}

void fl_tc_watch_wait(const struct fl_tc_watch *watch)
{
    if (!watch->socket)
        poll_timer_wait_until(watch->open_ms);
    else if (time_msec() < watch->read_ms)
        poll_timer_wait_until(watch->read_ms);
    else
        poll_fd_wait(mnl_socket_get_fd(watch->socket), POLLIN);
}

struct fl_tc_watch *fl_tc_watch_open(fl_tc_event_cb *tell, void *aux, size_t receive_bytes)
{
    struct fl_tc_watch *watch = xzalloc(sizeof *watch);

    watch->tell = tell;
    watch->aux = aux;
    watch->receive_bytes = receive_bytes ? MIN(receive_bytes, (size_t)INT_MAX) : RECEIVE_BYTES;
    fl_tc_watched_init(&watch->watched);
    return watch;
}

void fl_tc_watch_close(struct fl_tc_watch *watch)
{
    if (!watch)
        return;
    if (watch->socket)
        mnl_socket_close(watch->socket);
    fl_tc_watched_destroy(&watch->watched);
    free(watch);
}

int fl_tc_watch_status(const struct fl_tc_watch *watch, struct fl_error *err)
{
    if (is_live(watch))
        return 0;
    if (watch->why.code)
        return fl_error_set(err, watch->why.code, "%s", watch->why.text);
    return fl_error_set(err, -EAGAIN, "devices are not watched yet");
}

struct fl_tc_watch_counts fl_tc_watch_counts(const struct fl_tc_watch *watch)
{
    return (struct fl_tc_watch_counts){
        .n_messages = watch->watched.n_messages,
        .n_left_out = watch->watched.n_left_out,
        .n_opened = watch->n_opened,
        .n_lost = watch->n_lost,
    };
}
