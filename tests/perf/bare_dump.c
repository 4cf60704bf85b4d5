/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel alone takes to tell its TC filters: full dumps of the ingress of devices, one after the
 * other over one socket, whose messages are received and dropped. Nothing of a message is looked at but
 * its header, which says where the dump ends. With "terse" the dumps are those of counters alone.
 *
 * Usage: bare_dump TIMES full|terse DEV...      prints messages and bytes
 */

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As lib/tc/rtnl.c has it: the kernel fills messages up to 32 KiB for who receives so much. */
#define RECEIVE_BYTES (64 * 1024)

static struct {
    unsigned long long messages, bytes;
} seen;

static void fail(const char *what)
{
    fprintf(stderr, "bare_dump: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void request(int fd, const char *device, unsigned int sequence, int terse)
{
    struct {
        struct nlmsghdr header;
        struct tcmsg tc;
        struct nlattr attr;
        struct nla_bitfield32 flags;
    } message = {
        .header = {
            .nlmsg_len = terse ? sizeof message : offsetof(__typeof__(message), attr),
            .nlmsg_type = RTM_GETTFILTER,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
            .nlmsg_seq = sequence,
        },
        .tc = {
            .tcm_family = AF_UNSPEC,
            .tcm_ifindex = (int)if_nametoindex(device),
            .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
        },
        .attr = { sizeof message.attr + sizeof message.flags, TCA_DUMP_FLAGS },
        .flags = { TCA_DUMP_FLAGS_TERSE, TCA_DUMP_FLAGS_TERSE },
    };

    if (!message.tc.tcm_ifindex)
        fail(device);
    if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
        fail("send");
}

/* Return: whether the dump is not over yet. */
static int drop(const struct nlmsghdr *message, ssize_t n)
{
    int left = (int)n;

    for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
        if (message->nlmsg_type == NLMSG_DONE)
            return 0;
        if (message->nlmsg_type == NLMSG_ERROR) {
            errno = -((const struct nlmsgerr *)NLMSG_DATA(message))->error;
            fail("dump");
        }
        seen.messages++;
        seen.bytes += message->nlmsg_len;
    }
    return 1;
}

static void dump(int fd, const char *device, unsigned int sequence, int terse)
{
    static _Alignas(struct nlmsghdr) char buffer[RECEIVE_BYTES];
    ssize_t n;

    request(fd, device, sequence, terse);
    do {
        n = recv(fd, buffer, sizeof buffer, 0);
        if (n < 0)
            fail("receive");
    } while (drop((const void *)buffer, n));
}

int main(int argc, char *argv[])
{
    unsigned int sequence = 0;
    int fd, terse, times;

    if (argc < 4 || (times = atoi(argv[1])) < 1) {
        fprintf(stderr, "usage: bare_dump TIMES full|terse DEV...\n");
        return 2;
    }
    terse = !strcmp(argv[2], "terse");
    fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (fd < 0)
        fail("socket");
    while (times--) {
        for (int i = 3; i < argc; i++)
            dump(fd, argv[i], ++sequence, terse);
    }
    printf("%llu messages, %llu bytes\n", seen.messages, seen.bytes);
    close(fd);
    return 0;
}
