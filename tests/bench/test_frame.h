/* SPDX-License-Identifier: Apache-2.0 */
/* The frame that the tests of the simulated NIC work with. */
#ifndef FLOWNIC_TEST_FRAME_H
#define FLOWNIC_TEST_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nic/actions.h"

/* TCP 10.100.0.11:50000 -> 10.100.0.1:2049, no payload, checksums right. */
static const uint8_t tcp_frame[] = {
    0x52, 0x54, 0x00, 0x64, 0x01, 0x01, 0x52, 0x54, 0x00, 0x64, 0x00, 0x01, 0x08, 0x00, /* eth */
    0x45, 0x00, 0x00, 0x28, 0x00, 0x01, 0x40, 0x00, 0x40, 0x06, 0x26, 0x00,             /* ip */
    10,   100,  0,    11,   10,   100,  0,    1,                                        /* */
    0xc3, 0x50, 0x08, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,             /* tcp */
    0x50, 0x02, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00,
};
#define IP  14u
#define TCP 34u

struct buffer {
    uint8_t bytes[FLOWNIC_HEADROOM_BYTES + 128];
    struct flownic_frame frame;
};

static inline uint16_t checksum(const uint8_t *bytes, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | (i + 1 < n ? bytes[i + 1] : 0));
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static inline uint16_t ip_checksum(const uint8_t *frame)
{
    return checksum(frame + IP, 20, 0);
}

static inline uint16_t tcp_checksum(const uint8_t *frame)
{
    uint32_t pseudo = (uint16_t)~checksum(frame + IP + 12, 8, 0);

    return checksum(frame + TCP, sizeof tcp_frame - TCP, pseudo + 6 + sizeof tcp_frame - TCP);
}

static inline void put_checksums(uint8_t *frame)
{
    uint16_t sum;

    memset(frame + IP + 10, 0, 2);
    sum = ip_checksum(frame);
    frame[IP + 10] = (uint8_t)(sum >> 8);
    frame[IP + 11] = (uint8_t)sum;
    memset(frame + TCP + 16, 0, 2);
    sum = tcp_checksum(frame);
    frame[TCP + 16] = (uint8_t)(sum >> 8);
    frame[TCP + 17] = (uint8_t)sum;
}

static inline struct flownic_frame *fill(struct buffer *buffer)
{
    buffer->frame.data = buffer->bytes + FLOWNIC_HEADROOM_BYTES;
    buffer->frame.bytes = sizeof tcp_frame;
    memcpy(buffer->frame.data, tcp_frame, sizeof tcp_frame);
    put_checksums(buffer->frame.data);
    return &buffer->frame;
}

#endif
