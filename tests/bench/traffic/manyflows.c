/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manyflows: one TCP segment to port 2049 from each of COUNT made-up clients.
 *
 *     manyflows DEVICE SOURCE_MAC DESTINATION_MAC DESTINATION_ADDRESS FIRST COUNT RATE
 *
 * Clients are numbered from 0 on. Under a pipeline that looks at addresses and ports each becomes a megaflow of its own.
 * Clients are 10.101.0.0 to 10.101.255.255, then the same addresses from another port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_CLIENT 0x0a650000u
#define FIRST_PORT   20000u
#define NFS_PORT     2049
#define BATCH_NS     2000000

struct __attribute__((packed)) frame {
    uint8_t eth_dst[6];
    uint8_t eth_src[6];
    uint16_t eth_type;
    uint8_t version, tos;
    uint16_t length, id, fragment;
    uint8_t ttl, protocol;
    uint16_t checksum;
    uint32_t src, dst;
    uint16_t src_port, dst_port;
    uint32_t sequence, acknowledgement;
    uint8_t offset, flags;
    uint16_t window, tcp_checksum, urgent;
    uint8_t payload[64];
};

static void die(const char *what)
{
    fprintf(stderr, "manyflows: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint16_t ip_checksum(const struct frame *frame)
{
    uint16_t words[10];
    uint32_t sum = 0;

    memcpy(words, &frame->version, sizeof words);
    for (size_t i = 0; i < 10; i++) {
        sum += words[i];
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* The TCP checksum is left out: nobody is to accept these segments. */
static void set_client(struct frame *frame, uint32_t client)
{
    frame->src = htonl(FIRST_CLIENT + (client & 0xffff));
    frame->src_port = htons((uint16_t)(FIRST_PORT + (client >> 16)));
    frame->checksum = 0;
    frame->checksum = ip_checksum(frame);
}

static void parse_mac(const char *text, uint8_t *mac)
{
    struct ether_addr parsed;

    if (!ether_aton_r(text, &parsed)) {
        errno = EINVAL;
        die(text);
    }
    memcpy(mac, &parsed, 6);
}

static int open_device(const char *name)
{
    struct sockaddr_ll device = { .sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(name) };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0 || !device.sll_ifindex || bind(fd, (struct sockaddr *)&device, sizeof device) < 0) {
        die(name);
    }
    return fd;
}

/* Sends in small batches, so that RATE is kept without a timer for each frame. */
static void send_all(int fd, struct frame *frame, uint32_t first, uint32_t count, double rate)
{
    struct timespec pause = { .tv_nsec = BATCH_NS };
    double credit = 0;

    for (uint32_t i = 0; i < count; i++) {
        while (credit < 1) {
            nanosleep(&pause, NULL);
            credit += rate * BATCH_NS / 1e9;
        }
        credit -= 1;
        set_client(frame, first + i);
        while (send(fd, frame, sizeof *frame, 0) < 0) {
            if (errno != ENOBUFS) {
                die("send");
            }
            nanosleep(&pause, NULL);
        }
    }
}

int main(int argc, char **argv)
{
    struct frame frame = { .eth_type = htons(0x0800),
                           .version = 0x45,
                           .length = htons(sizeof frame - 14),
                           .ttl = 64,
                           .protocol = IPPROTO_TCP,
                           .dst_port = htons(NFS_PORT),
                           .offset = 0x50,
                           .flags = 0x10,
                           .window = htons(1024) };

    if (argc != 8) {
        fprintf(stderr, "usage: manyflows DEVICE SOURCE_MAC DESTINATION_MAC DESTINATION_ADDRESS "
                        "FIRST COUNT RATE\n");
        return 2;
    }
    parse_mac(argv[2], frame.eth_src);
    parse_mac(argv[3], frame.eth_dst);
    if (inet_pton(AF_INET, argv[4], &frame.dst) != 1) {
        errno = EINVAL;
        die(argv[4]);
    }
    send_all(open_device(argv[1]), &frame, (uint32_t)strtoul(argv[5], NULL, 10),
             (uint32_t)strtoul(argv[6], NULL, 10), atof(argv[7]));
    return 0;
}
