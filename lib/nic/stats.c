/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic/stats.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/nic/stats_decode.h"

/* The kernel fills at most this much of a buffer (net/netlink/af_netlink.c netlink_recvmsg()). */
#define BUFFER_BYTES  32768
#define TRIES         4
#define TIMEOUT_S     5
#define REQUEST_BYTES 128

struct fl_stats {
    struct mnl_socket *socket;
    uint32_t sequence;
    _Alignas(8) char buffer[BUFFER_BYTES];
};

/* All that libmnl reports is errno. */
static int mnl_error(struct fl_error *err)
{
    int error = errno == EAGAIN ? ETIMEDOUT : errno;

    return fl_error_set(err, -error, "cannot read the counters of network devices: %s",
                        ovs_strerror(error));
}

int fl_stats_open(struct fl_stats **stats, struct fl_error *err)
{
    const struct timeval timeout = { .tv_sec = TIMEOUT_S };
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int ret;

    if (!socket)
        return mnl_error(err);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout)) {
        ret = mnl_error(err);
        mnl_socket_close(socket);
        return ret;
    }
    *stats = xmalloc(sizeof **stats);
    (*stats)->socket = socket;
    (*stats)->sequence = 0;
    return 0;
}

void fl_stats_close(struct fl_stats *stats)
{
    if (stats)
        mnl_socket_close(stats->socket);
    free(stats);
}

/*
 * A kernel since 5.18 narrows the group of offload statistics to CPU_HIT; older ones skip what follows
 * the header (without NETLINK_GET_STRICT_CHK, which this socket does not set).
 * @ifindex: 0 for all devices
 */
static int ask(struct fl_stats *stats, int ifindex, bool offload, struct fl_error *err)
{
    char buffer[REQUEST_BYTES] = "";
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct if_stats_msg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);

    message->nlmsg_type = RTM_GETSTATS;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (ifindex ? 0 : NLM_F_DUMP));
    message->nlmsg_seq = ++stats->sequence;
    header->ifindex = (uint32_t)ifindex;
    header->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
    if (offload) {
        struct nlattr *filters = mnl_attr_nest_start(message, IFLA_STATS_GET_FILTERS);

        mnl_attr_put_u32(message, IFLA_STATS_LINK_OFFLOAD_XSTATS,
                         IFLA_STATS_FILTER_BIT(IFLA_OFFLOAD_XSTATS_CPU_HIT));
        mnl_attr_nest_end(message, filters);
        header->filter_mask |= IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_OFFLOAD_XSTATS);
    }
    return mnl_socket_sendto(stats->socket, message, message->nlmsg_len) < 0 ? mnl_error(err) : 0;
}

static int receive(struct fl_stats *stats, struct fl_stats_answer *answer, struct fl_error *err)
{
    while (!answer->done) {
        ssize_t n = mnl_socket_recvfrom(stats->socket, stats->buffer, sizeof stats->buffer);
        int ret;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mnl_error(err);
        ret = fl_stats_decode(answer, stats->buffer, (size_t)n);
        if (ret)
            return fl_error_set(err, ret,
                                ret == -E2BIG
                                    ? "there are too many network devices"
                                    : "the kernel's counters of network devices are not legible");
    }
    if (answer->error)
        return fl_error_set(err, answer->error,
                            "the kernel does not tell the counters of network devices: %s",
                            ovs_strerror(-answer->error));
    return 0;
}

/* One dump into @sample; NULL: have drivers look at their hardware, and forget what they say. */
static int dump(struct fl_stats *stats, struct fl_port_sample *sample, struct fl_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        struct fl_stats_answer answer = { .sample = sample };
        int ret;

        if (sample)
            sample->n_ports = 0;
        ret = ask(stats, 0, sample != NULL, err);
        answer.sequence = stats->sequence;
        ret = ret ? ret : receive(stats, &answer, err);
        if (ret || !answer.interrupted || !sample)
            return ret;
    }
    return fl_error_set(err, -EAGAIN,
                        "network devices came and went each time their counters were read");
}

/* A port that the dump told half of. When it is gone by now, it is left as it is. */
static int ask_again(struct fl_stats *stats, struct fl_port_stats *port, struct fl_error *err)
{
    struct fl_port_sample alone = { .ports = NULL };
    struct fl_stats_answer answer = { .sample = &alone };
    int ret = ask(stats, port->ifindex, true, err);

    answer.sequence = stats->sequence;
    ret = ret ? ret : receive(stats, &answer, err);
    if (!ret && alone.n_ports && alone.ports[0].ifindex == port->ifindex)
        *port = alone.ports[0];
    fl_stats_release(&alone);
    if (ret == -ENODEV)
        fl_error_clear(err);
    return ret == -ENODEV ? 0 : ret;
}

static int complete(struct fl_stats *stats, struct fl_port_sample *sample, struct fl_error *err)
{
    int ret = 0;

    for (size_t i = 0; !ret && i < sample->n_ports; i++) {
        if (!sample->ports[i].has_link)
            ret = ask_again(stats, &sample->ports[i], err);
    }
    return ret;
}

int fl_stats_read(struct fl_stats *stats, bool lag, struct fl_port_sample *sample,
                  struct fl_error *err)
{
    int ret = lag ? dump(stats, NULL, err) : 0;

    if (!ret && lag)
        fl_sleep_until_ms(fl_monotonic_ms() + FL_STATS_PRIME_MS);
    ret = ret ? ret : dump(stats, sample, err);
    ret = ret ? ret : complete(stats, sample, err);
    if (ret)
        sample->n_ports = 0;
    else
        fl_stats_sort(sample);
    return ret;
}

void fl_stats_release(struct fl_port_sample *sample)
{
    free(sample->ports);
    *sample = (struct fl_port_sample){ .ports = NULL };
}
