/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_EXCHANGE_H
#define FLOWLIFT_NIC_EXCHANGE_H

/*
 * One request and its answer, whole, through libnl. Here, and nowhere else in lib/nic/, errors of libnl
 * become ours.
 */

#include <stddef.h>

struct nl_msg;
struct fl_nic_socket;

/**
 * A message of an answer, with its header.
 * Return: 0, or a negative errno, which fl_nic_exchange() returns.
 */
typedef int fl_nic_take(void *bytes, size_t n_bytes, int answer, void *aux);

/** fl_nic_socket_open() - @protocol: NETLINK_ROUTE or NETLINK_GENERIC. Return: 0 or -errno. */
int fl_nic_socket_open(int protocol, struct fl_nic_socket **socket);
void fl_nic_socket_close(struct fl_nic_socket *socket);
/** fl_nic_family() - number of a generic netlink family; -ENOENT: the kernel has none; -errno */
int fl_nic_family(struct fl_nic_socket *socket, const char *name);
/**
 * fl_nic_exchange() - send @request, hand each message of its answer to @take
 * A dump that the kernel calls interrupted is asked for again: @take sees the same things again, and
 * what it takes last counts.
 * @answer, @aux: for @take
 * Return: 0; what @take or the kernel said; -EAGAIN when it was interrupted each time; -ETIMEDOUT.
 */
int fl_nic_exchange(struct fl_nic_socket *socket, struct nl_msg *request, int answer,
                    fl_nic_take *take, void *aux);

#endif
