/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/probe.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/pace.h"
#include "lib/tc/encode.h"
#include "lib/tc/probe_message.h"
#include "lib/tc/probe_sibling.h"
#include "lib/tc/probe_sweep.h"

#define PROTOCOL_ALL 3 /* ETH_P_ALL */
/* A driver that talks to its firmware under a lock takes its time. */
#define TIMEOUT_S 15
#define ATTEMPTS  3

struct fl_tc_probe {
    struct mnl_socket *socket;
    struct fl_tc_sibling sibling;
    struct fl_tc_filter place; /* Where: hook, ifindex, block. */
    uint32_t chain, handle;
    uint32_t sequence;
    struct fl_pace pace;
    int broken; /* Negative errno: a filter could not be removed. */
    struct fl_tc_filter filter;
    _Alignas(struct nlmsghdr) uint8_t request[FL_TC_MESSAGE_BYTES];
    _Alignas(struct nlmsghdr) uint8_t reply[FL_TC_MESSAGE_BYTES + 1024];
};

/* Requests */

static int open_socket(struct fl_tc_probe *probe)
{
    const struct timeval timeout = { .tv_sec = TIMEOUT_S };
    const int on = 1;
    int fd;

    probe->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!probe->socket)
        return -errno;
    fd = mnl_socket_get_fd(probe->socket);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
        mnl_socket_bind(probe->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    /* Neither is a must: older kernels have no words, and send the request back. */
    (void)mnl_socket_setsockopt(probe->socket, NETLINK_EXT_ACK, (void *)(uintptr_t)&on, sizeof on);
    (void)mnl_socket_setsockopt(probe->socket, NETLINK_CAP_ACK, (void *)(uintptr_t)&on, sizeof on);
    return 0;
}

/* The answer to the request of this number; older ones are of requests that were given up. */
static int receive(struct fl_tc_probe *probe, uint32_t sequence, struct fl_tc_ack *ack)
{
    const struct nlmsghdr *reply = (const void *)probe->reply;

    for (;;) {
        ssize_t n = mnl_socket_recvfrom(probe->socket, probe->reply, sizeof probe->reply);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if ((size_t)n < sizeof *reply)
            return -EBADMSG;
        if (reply->nlmsg_seq == sequence)
            return fl_tc_ack_decode(probe->reply, (size_t)n, ack);
    }
}

/* Return: 0 and *@ack, whatever it says; negative errno when no answer came. */
static int transact(struct fl_tc_probe *probe, const void *request, struct fl_tc_ack *ack)
{
    const struct nlmsghdr *header = request;

    if (mnl_socket_sendto(probe->socket, request, header->nlmsg_len) < 0)
        return -errno;
    return receive(probe, header->nlmsg_seq, ack);
}

/* Removing */

static bool is_gone(int error)
{
    /* -EINVAL: its qdisc is not there any more, and with it no filter. */
    return !error || error == -ENOENT || error == -ENODEV || error == -EINVAL;
}

static void remove_filter(struct fl_tc_probe *probe)
{
    _Alignas(struct nlmsghdr) uint8_t removal[FL_TC_REMOVAL_BYTES];
    struct fl_tc_ack ack;
    int ret = -EAGAIN;

    for (int i = 0; i < ATTEMPTS; i++) {
        fl_tc_removal(&probe->place, probe->chain, probe->handle, ++probe->sequence, removal);
        ret = transact(probe, removal, &ack);
        if (!ret && is_gone(ack.error))
            return;
        ret = ret ? ret : ack.error;
    }
    probe->broken = ret;
}

/* Offering */

static void cannot_tell(struct fl_tc_answer *answer, int error, const char *text)
{
    *answer = (struct fl_tc_answer){ .verdict = FL_TC_CANNOT_TELL, .error = error };
    snprintf(answer->text, sizeof answer->text, "%s", text);
}

/* A filter that goes on in a later chain does so here, and one that goes back goes back. */
static uint32_t rename_chain(const struct fl_tc_probe *probe, uint32_t own, uint32_t control)
{
    uint32_t target = control & FL_TC_EXT_VALUE;

    if ((control & FL_TC_EXT_MASK) != FL_TC_GOTO)
        return control;
    return FL_TC_GOTO | (target > own ? probe->chain + 1 : probe->chain - 1);
}

static void prepare(struct fl_tc_probe *probe, const struct fl_tc_filter *filter)
{
    struct fl_tc_filter *ours = &probe->filter;

    *ours = *filter;
    ours->hook = probe->place.hook;
    ours->ifindex = probe->place.ifindex;
    ours->block = probe->place.block;
    ours->chain = probe->chain;
    ours->handle = probe->handle;
    ours->priority = FL_TC_PROBE_PRIORITY;
    ours->protocol = filter->protocol ? filter->protocol : PROTOCOL_ALL;
    ours->has_flags = true;
    for (size_t i = 0; i < ours->n_actions; i++) {
        struct fl_tc_action *action = &ours->actions[i];

        action->n_cookie = 0;
        action->control = rename_chain(probe, filter->chain, action->control);
        if (action->kind == FL_TC_POLICE)
            action->police.result = rename_chain(probe, filter->chain, action->police.result);
        else
            action->index = 0; /* Not another filter's action. */
    }
}

/* The filter is not there any more when this returns. */
static int offer_once(struct fl_tc_probe *probe, struct fl_tc_ack *ack, struct fl_error *err)
{
    int ret = fl_tc_encode(&probe->filter, ++probe->sequence, probe->request, sizeof probe->request,
                           err);
    if (ret)
        return ret;
    ret = transact(probe, probe->request, ack);
    if (ret)
        fl_error_set(err, ret, "no answer of the kernel: %s", strerror(-ret));
    /* Without an answer it may be there or not. */
    if (ret || !ack->error || ack->error == -EEXIST)
        remove_filter(probe);
    return ret;
}

/* The filter, for software or hardware alone. */
static int offer_to(struct fl_tc_probe *probe, uint32_t flags, struct fl_tc_ack *ack,
                    struct fl_error *err)
{
    int ret;

    probe->filter.flags = flags;
    ret = offer_once(probe, ack, err);
    /* Another session had our number, unless the driver says it again. */
    if (!ret && ack->error == -EEXIST)
        ret = offer_once(probe, ack, err);
    return ret;
}

static void set_answer(const struct fl_tc_probe *probe, const struct fl_tc_ack *ack,
                       enum fl_tc_verdict verdict, struct fl_tc_answer *answer)
{
    const struct nlmsghdr *request = (const void *)probe->request;

    *answer = (struct fl_tc_answer){ .verdict = verdict, .error = ack->error };
    memcpy(answer->text, ack->text, sizeof answer->text);
    if (ack->has_offset)
        answer->attribute = fl_tc_attribute_at(request, ack->offset);
    if (!answer->text[0] && verdict == FL_TC_CANNOT_TELL)
        snprintf(answer->text, sizeof answer->text, "%s", strerror(-ack->error));
}

static void ask(struct fl_tc_probe *probe, struct fl_tc_answer *answer)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_tc_ack hardware, software;
    int ret = offer_to(probe, FL_TC_SKIP_SW, &hardware, &err);

    if (ret) {
        cannot_tell(answer, ret, err.text);
        return;
    }
    set_answer(probe, &hardware, hardware.error ? FL_TC_REFUSED : FL_TC_ACCEPTED, answer);
    if (!hardware.error)
        return;
    ret = offer_to(probe, FL_TC_SKIP_HW, &software, &err);
    if (ret)
        cannot_tell(answer, ret, err.text);
    else if (software.error)
        set_answer(probe, &software, FL_TC_CANNOT_TELL, answer);
}

/* Whether another one may be offered; waits for its turn. */
static bool may_offer(struct fl_tc_probe *probe, struct fl_tc_answer *answer)
{
    if (probe->broken) {
        cannot_tell(answer, probe->broken, "the filter offered before could not be removed");
        return false;
    }
    if (!fl_tc_sibling_lives(&probe->sibling)) {
        cannot_tell(answer, -ECHILD,
                    "the process that removes the filter if this one is killed is gone");
        return false;
    }
    if (!fl_pace_wait(&probe->pace)) {
        cannot_tell(answer, -EDQUOT, "as many filters were offered as one session may");
        return false;
    }
    return true;
}

void fl_tc_probe_offer(struct fl_tc_probe *probe, const struct fl_tc_filter *filter,
                       struct fl_tc_answer *answer)
{
    if (!may_offer(probe, answer))
        return;
    prepare(probe, filter);
    ask(probe, answer);
}

void fl_tc_probe_callback(const struct fl_tc_filter *filter, void *probe,
                          struct fl_tc_answer *answer)
{
    fl_tc_probe_offer(probe, filter, answer);
}

/* A session */

static int start_sibling(struct fl_tc_probe *probe, struct fl_error *err)
{
    _Alignas(struct nlmsghdr) uint8_t removal[FL_TC_REMOVAL_BYTES];
    size_t n = fl_tc_removal(&probe->place, probe->chain, probe->handle, 1, removal);

    return fl_tc_sibling_start(&probe->sibling, removal, n, err);
}

static int open_session(struct fl_tc_probe *probe, struct fl_error *err)
{
    int ret = open_socket(probe);
    uint16_t number = 0;

    if (ret)
        return fl_error_set(err, ret, "cannot open a netlink socket: %s", strerror(-ret));
    /* Two sessions of one port seldom meet; that they do not mind each other does not depend on it. */
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK);
    probe->handle = FL_TC_PROBE_HANDLE | number;
    ret = fl_tc_probe_find_chain(&probe->place, (unsigned int)getpid(), &probe->chain, err);
    return ret ? ret : start_sibling(probe, err);
}

int fl_tc_probe_open(const struct fl_tc_filter *place, struct fl_tc_probe **result,
                     struct fl_error *err)
{
    struct fl_tc_probe *probe = calloc(1, sizeof *probe);
    int ret;

    if (!probe)
        return fl_error_set(err, -ENOMEM, "cannot ask the NIC: not enough memory");
    probe->place.hook = place->hook;
    probe->place.ifindex = place->ifindex;
    probe->place.block = place->block;
    ret = open_session(probe, err);
    if (ret) {
        fl_error_prefix(err, "cannot ask the NIC");
        fl_tc_probe_close(probe);
        return ret;
    }
    *result = probe;
    return 0;
}

void fl_tc_probe_close(struct fl_tc_probe *probe)
{
    if (!probe)
        return;
    if (probe->broken)
        remove_filter(probe);
    /* It removes once more what should be gone. */
    fl_tc_sibling_stop(&probe->sibling);
    if (probe->socket)
        mnl_socket_close(probe->socket);
    free(probe);
}
