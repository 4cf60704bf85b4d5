/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MASK (FLOWNIC_QUEUE_FRAMES - 1)

int flownic_frame_queue_init(struct flownic_frame_queue *queue)
{
    memset(queue, 0, sizeof *queue);
    queue->frames = calloc(FLOWNIC_QUEUE_FRAMES, sizeof *queue->frames);
    return queue->frames ? 0 : -ENOMEM;
}

void flownic_frame_queue_destroy(struct flownic_frame_queue *queue)
{
    free(queue->frames);
    memset(queue, 0, sizeof *queue);
}

bool flownic_frame_queue_put(struct flownic_frame_queue *queue, const uint8_t *data, size_t bytes,
                             const uint32_t *mark)
{
    uint32_t tail = queue->tail;
    struct flownic_queued_frame *frame = &queue->frames[tail & INDEX_MASK];

    if (bytes > sizeof frame->data ||
        tail - __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE) >= FLOWNIC_QUEUE_FRAMES) {
        return false;
    }
    frame->bytes = (uint32_t)bytes;
    frame->is_marked = mark != NULL;
    frame->mark = mark ? *mark : 0;
    memcpy(frame->data, data, bytes);
    __atomic_store_n(&queue->tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

const struct flownic_queued_frame *flownic_frame_queue_first(struct flownic_frame_queue *queue)
{
    uint32_t head = queue->head;

    if (head == __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    return &queue->frames[head & INDEX_MASK];
}

void flownic_frame_queue_drop_first(struct flownic_frame_queue *queue)
{
    __atomic_store_n(&queue->head, queue->head + 1, __ATOMIC_RELEASE);
}
