/* SPDX-License-Identifier: Apache-2.0 */

/* See arena.h. */

#include "flows/arena.h"

#include <openvswitch/util.h>
#include <ovs/hash.h>
#include <ovs/util.h>
#include <stddef.h>
#include <string.h>

/* A chunk is as large as all before it, within these bounds. */
#define MIN_CHUNK_BYTES (4u * 1024)
#define MAX_CHUNK_BYTES (64u * 1024)
#define MAX_INTERNED    4096u

struct fl_arena_chunk {
    struct fl_arena_chunk *older;
    max_align_t bytes[];
};

struct fl_arena_interned {
    struct hmap_node node;
    size_t n_bytes;
    char bytes[];
};

void fl_arena_init(struct fl_arena *arena)
{
    memset(arena, 0, sizeof *arena);
    hmap_init(&arena->interned);
}

void fl_arena_destroy(struct fl_arena *arena)
{
    struct fl_arena_chunk *chunk = arena->chunks;

    while (chunk) {
        struct fl_arena_chunk *older = chunk->older;

        free(chunk);
        chunk = older;
    }
    hmap_destroy(&arena->interned);
    memset(arena, 0, sizeof *arena);
}

static void *alloc_chunk(struct fl_arena *arena, size_t n_bytes)
{
    struct fl_arena_chunk *chunk = xmalloc(sizeof *chunk + n_bytes);

    arena->total_bytes += sizeof *chunk + n_bytes;
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    return chunk->bytes;
}

/* A piece that would fill much of a chunk gets one of its own, so that the present one is used up. */
void *fl_arena_alloc(struct fl_arena *arena, size_t n_bytes)
{
    size_t size = ROUND_UP(n_bytes ? n_bytes : 1, sizeof(uint64_t));
    size_t chunk = MIN(MAX(arena->total_bytes, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES);
    void *piece;

    if (size > arena->left_bytes && size > chunk / 4) {
        return alloc_chunk(arena, size);
    }
    if (size > arena->left_bytes) {
        arena->next = alloc_chunk(arena, chunk);
        arena->left_bytes = chunk;
    }
    piece = arena->next;
    arena->next += size;
    arena->left_bytes -= size;
    return piece;
}

void *fl_arena_copy(struct fl_arena *arena, const void *bytes, size_t n_bytes)
{
    void *piece = fl_arena_alloc(arena, n_bytes);

    if (n_bytes) {
        memcpy(piece, bytes, n_bytes);
    }
    return piece;
}

const char *fl_arena_copy_string(struct fl_arena *arena, const char *text)
{
    return text ? fl_arena_copy(arena, text, strlen(text) + 1) : NULL;
}

static bool is_equal(const struct fl_arena_interned *interned, const void *bytes, size_t n_bytes)
{
    return interned && interned->n_bytes == n_bytes && !memcmp(interned->bytes, bytes, n_bytes);
}

/* Flows of one port follow each other: what one has, the next has too, and needs no hash. */
static struct fl_arena_interned **recent_of(struct fl_arena *arena, size_t n_bytes)
{
    return &arena->recent[n_bytes / sizeof(uint64_t) % ARRAY_SIZE(arena->recent)];
}

void *fl_arena_intern(struct fl_arena *arena, const void *bytes, size_t n_bytes)
{
    struct fl_arena_interned **recent = recent_of(arena, n_bytes);
    struct fl_arena_interned *interned;
    uint32_t hash;

    if (is_equal(*recent, bytes, n_bytes)) {
        return (*recent)->bytes;
    }
    hash = hash_bytes(bytes, n_bytes, 0);
    HMAP_FOR_EACH_WITH_HASH(interned, node, hash, &arena->interned) {
        if (is_equal(interned, bytes, n_bytes)) {
            *recent = interned;
            return interned->bytes;
        }
    }
    if (hmap_count(&arena->interned) >= MAX_INTERNED) {
        return fl_arena_copy(arena, bytes, n_bytes);
    }
    interned = fl_arena_alloc(arena, sizeof *interned + n_bytes);
    interned->n_bytes = n_bytes;
    memcpy(interned->bytes, bytes, n_bytes);
    hmap_insert(&arena->interned, &interned->node, hash);
    return interned->bytes;
}
