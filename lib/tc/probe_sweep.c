/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/probe_sweep.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "lib/tc/encode.h"
#include "lib/tc/probe.h"
#include "lib/tc/probe_message.h"
#include "lib/tc/rtnl.h"

/* The chain before, that of the filters, the one behind, and one that keeps two sessions apart. */
#define CHAINS_OF_ONE 4u
#define N_SLOTS       (FL_TC_PROBE_CHAINS / CHAINS_OF_ONE)
/* What is removed at a time, before the rest is looked for again. */
#define BATCH 32

struct chains {
    const struct fl_tc_filter *place;
    bool used[FL_TC_PROBE_CHAINS];
    uint32_t found[BATCH][2]; /* Chain and handle of ours. */
    size_t n_found;
    bool more;
    int malformed;
};

static void request(struct fl_rtnl *rtnl, const struct chains *chains, int type, uint32_t chain)
{
    struct fl_tc_filter nowhere = { .hook = chains->place->hook,
                                    .ifindex = chains->place->ifindex,
                                    .block = chains->place->block };
    struct nlmsghdr *header;
    struct tcmsg tc;

    fl_tc_encode_place(&nowhere, &tc);
    header = fl_rtnl_request(rtnl, type, &tc, sizeof tc);
    if (chain)
        mnl_attr_put_u32(header, TCA_CHAIN, chain);
}

static int see_chain(const struct nlmsghdr *message, void *chains_)
{
    struct chains *chains = chains_;
    struct fl_tc_seen seen;

    if (fl_tc_seen_decode(message, message->nlmsg_len, &seen))
        chains->malformed = -EBADMSG;
    else if (fl_tc_is_probe_chain(seen.chain))
        chains->used[seen.chain - FL_TC_PROBE_CHAIN] = true;
    return 0;
}

static int see_filter(const struct nlmsghdr *message, void *chains_)
{
    struct chains *chains = chains_;
    struct fl_tc_seen seen;

    if (fl_tc_seen_decode(message, message->nlmsg_len, &seen)) {
        chains->malformed = -EBADMSG;
        return 0;
    }
    if (!fl_tc_is_probe(&seen))
        return 0;
    if (chains->n_found == BATCH) {
        chains->more = true;
        return 0;
    }
    chains->found[chains->n_found][0] = seen.chain;
    chains->found[chains->n_found++][1] = seen.handle;
    return 0;
}

static int read_chains(struct fl_rtnl *rtnl, struct chains *chains)
{
    bool interrupted = true;
    int ret = 0;

    memset(chains->used, 0, sizeof chains->used);
    chains->malformed = 0;
    for (int i = 0; !ret && interrupted && i < 3; i++) {
        request(rtnl, chains, RTM_GETCHAIN, 0);
        ret = fl_rtnl_dump(rtnl, see_chain, chains, &interrupted);
    }
    return ret ? ret : chains->malformed;
}

/* Those that are in use at all are few: only these are read, not all filters of the device. */
static int read_filters(struct fl_rtnl *rtnl, struct chains *chains)
{
    bool interrupted;
    int ret = 0;

    chains->n_found = 0;
    chains->more = false;
    for (uint32_t i = 0; !ret && i < FL_TC_PROBE_CHAINS; i++) {
        if (!chains->used[i])
            continue;
        request(rtnl, chains, RTM_GETTFILTER, FL_TC_PROBE_CHAIN + i);
        ret = fl_rtnl_dump(rtnl, see_filter, chains, &interrupted);
    }
    return ret ? ret : chains->malformed;
}

static int remove_one(struct mnl_socket *socket, const struct fl_tc_filter *place,
                      const uint32_t found[2], uint32_t sequence)
{
    _Alignas(struct nlmsghdr) uint8_t message[FL_TC_REMOVAL_BYTES], reply[1024];
    size_t n_bytes = fl_tc_removal(place, found[0], found[1], sequence, message);
    struct fl_tc_ack ack;
    ssize_t n;

    if (mnl_socket_sendto(socket, message, n_bytes) < 0)
        return -errno;
    do
        n = mnl_socket_recvfrom(socket, reply, sizeof reply);
    while (n < 0 && errno == EINTR);
    if (n < 0 || fl_tc_ack_decode(reply, (size_t)n, &ack))
        return n < 0 ? -errno : -EBADMSG;
    return ack.error == -ENOENT ? 0 : ack.error;
}

static int remove_found(const struct chains *chains)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int ret = socket && !mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ? 0 : -errno;

    for (size_t i = 0; !ret && i < chains->n_found; i++)
        ret = remove_one(socket, chains->place, chains->found[i], (uint32_t)i + 1);
    if (socket)
        mnl_socket_close(socket);
    return ret;
}

/* @chains: those that are left in use */
static int sweep(struct fl_rtnl *rtnl, struct chains *chains, unsigned int *n_removed)
{
    int ret;

    do {
        ret = read_chains(rtnl, chains);
        if (!ret)
            ret = read_filters(rtnl, chains);
        if (!ret && chains->n_found)
            ret = remove_found(chains);
        if (!ret)
            *n_removed += (unsigned int)chains->n_found;
    } while (!ret && chains->more);
    if (!ret && chains->n_found)
        ret = read_chains(rtnl, chains);
    return ret;
}

static int sweep_place(struct chains *chains, unsigned int *n_removed, struct fl_error *err)
{
    struct fl_rtnl *rtnl;
    int ret = fl_rtnl_open(&rtnl, err);

    if (ret)
        return ret;
    ret = sweep(rtnl, chains, n_removed);
    fl_rtnl_close(rtnl);
    return ret ? fl_error_set(err, ret, "cannot see to TC's chains: %s%s", strerror(-ret),
                              ret == -EPERM || ret == -EACCES ? "; run as root" : "")
               : 0;
}

int fl_tc_probe_find_chain(const struct fl_tc_filter *place, unsigned int seed, uint32_t *chain,
                           struct fl_error *err)
{
    struct chains chains = { .place = place };
    unsigned int ignored = 0;
    int ret = sweep_place(&chains, &ignored, err);

    if (ret)
        return ret;
    for (unsigned int i = 0; i < N_SLOTS; i++) {
        unsigned int first = (seed + i) % N_SLOTS * CHAINS_OF_ONE;

        if (chains.used[first] || chains.used[first + 1] || chains.used[first + 2])
            continue;
        *chain = FL_TC_PROBE_CHAIN + first + 1;
        return 0;
    }
    return fl_error_set(err, -EBUSY, "other probes use all %u chains", N_SLOTS);
}

int fl_tc_probe_sweep(const struct fl_tc_filter *place, unsigned int *n_removed,
                      struct fl_error *err)
{
    struct chains chains = { .place = place };
    unsigned int ignored = 0;

    return sweep_place(&chains, n_removed ? n_removed : &ignored, err);
}
