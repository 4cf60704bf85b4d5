/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_queue: frames on their way from the simulated hardware to the driver's receive
 * function. One thread puts, one thread takes; neither waits for the other.
 */
#ifndef FLOWNIC_FRAME_QUEUE_H
#define FLOWNIC_FRAME_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOWNIC_QUEUE_FRAMES 8192u /* a power of two: a second of 1,000 packets, eight times */
#define FLOWNIC_FRAME_BYTES  2048u

struct flownic_queued_frame {
    uint32_t bytes;
    uint32_t mark;
    bool is_marked;
    uint8_t data[FLOWNIC_FRAME_BYTES];
};

struct flownic_frame_queue {
    uint32_t head; /* next to take */
    uint32_t tail; /* next to put */
    struct flownic_queued_frame *frames;
};

/**
 * flownic_frame_queue_init() - an empty queue
 * @queue: to be released with flownic_frame_queue_destroy()
 *
 * Return: 0 or -ENOMEM.
 */
int flownic_frame_queue_init(struct flownic_frame_queue *queue);

/**
 * flownic_frame_queue_destroy() - release what a queue holds
 * @queue: may be one that was never filled
 */
void flownic_frame_queue_destroy(struct flownic_frame_queue *queue);

/**
 * flownic_frame_queue_put() - append a frame
 * @queue: the queue
 * @data: the frame; copied
 * @bytes: its length
 * @mark: the hardware's mark, or NULL
 *
 * Return: false if the queue is full or the frame too long for it.
 */
bool flownic_frame_queue_put(struct flownic_frame_queue *queue, const uint8_t *data, size_t bytes,
                             const uint32_t *mark);

/**
 * flownic_frame_queue_first() - the oldest frame
 * @queue: the queue
 *
 * Return: the frame, borrowed until flownic_frame_queue_drop_first(); NULL if there is none.
 */
const struct flownic_queued_frame *flownic_frame_queue_first(struct flownic_frame_queue *queue);

/**
 * flownic_frame_queue_drop_first() - take the oldest frame out
 * @queue: not empty
 */
void flownic_frame_queue_drop_first(struct flownic_frame_queue *queue);

#endif
