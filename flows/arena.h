/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ARENA_H
#define FLOWLIFT_ARENA_H

/*
 * An arena: many small pieces of memory that are released together, without a header for each.
 *
 * A piece never moves. Pieces that are often the same (the masks and actions of flows) can be interned:
 * equal bytes are then kept once.
 */

#include <stddef.h>

#include <openvswitch/hmap.h>

struct fl_arena_chunk;
struct fl_arena_interned;

struct fl_arena {
    struct fl_arena_chunk *chunks; /* Newest first. */
    char *next;                    /* Free part of the newest chunk. */
    size_t left_bytes;
    size_t total_bytes; /* Taken from the heap. */
    struct hmap interned;
    struct fl_arena_interned *recent[8]; /* The last ones, by size. */
};

void fl_arena_init(struct fl_arena *arena);
void fl_arena_destroy(struct fl_arena *arena);
/** fl_arena_alloc() - @n_bytes of memory, not cleared, aligned for any object; never NULL */
void *fl_arena_alloc(struct fl_arena *arena, size_t n_bytes);
/** fl_arena_copy() - a copy of @n_bytes at @bytes */
void *fl_arena_copy(struct fl_arena *arena, const void *bytes, size_t n_bytes);
/** fl_arena_copy_string() - a copy of @text; NULL for NULL */
const char *fl_arena_copy_string(struct fl_arena *arena, const char *text);
/**
 * fl_arena_intern() - a copy of @n_bytes at @bytes that is shared with equal ones; do not write to it
 *
 * Only the first few thousand different pieces are remembered, so that bytes from outside that are all
 * different cost no more than copies.
 */
void *fl_arena_intern(struct fl_arena *arena, const void *bytes, size_t n_bytes);

#endif
