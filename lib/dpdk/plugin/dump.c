/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/plugin/dump.h"

#include <string.h>
#include <sys/mman.h>

/* Room at @dump->stored. Return: how much, 0 when there is no more to be had. */
static size_t make_room(struct fl_dump *dump)
{
    size_t at = dump->stored % FL_DUMP_CHUNK_BYTES;
    char **chunk = &dump->chunks[dump->stored / FL_DUMP_CHUNK_BYTES];

    if (dump->stored >= dump->limit) {
        return 0;
    }
    if (!*chunk) {
        void *made = mmap(NULL, FL_DUMP_CHUNK_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (made == MAP_FAILED) {
            dump->limit = dump->stored; /* the start stays whole: nothing behind a gap */
            return 0;
        }
        *chunk = made;
    }
    return FL_DUMP_CHUNK_BYTES - at;
}

static void store(struct fl_dump *dump, const char *text, size_t n)
{
    while (n) {
        size_t room = make_room(dump), part = n < room ? n : room;

        if (!part) {
            return;
        }
        memcpy(dump->chunks[dump->stored / FL_DUMP_CHUNK_BYTES] +
                   dump->stored % FL_DUMP_CHUNK_BYTES,
               text, part);
        dump->stored += part;
        text += part;
        n -= part;
    }
}

static ssize_t take(void *cookie, const char *text, size_t n)
{
    struct fl_dump *dump = cookie;

    for (size_t i = 0; i < n; i++) {
        dump->lines += !dump->in_line;
        dump->in_line = text[i] != '\n';
    }
    dump->bytes += n;
    store(dump, text, n);
    return (ssize_t)n;
}

FILE *fl_dump_open(struct fl_dump *dump)
{
    return fopencookie(dump, "w", (cookie_io_functions_t){ .write = take });
}

char fl_dump_byte(const struct fl_dump *dump, size_t offset)
{
    return dump->chunks[offset / FL_DUMP_CHUNK_BYTES][offset % FL_DUMP_CHUNK_BYTES];
}

void fl_dump_release(struct fl_dump *dump)
{
    for (size_t i = 0; i < FL_DUMP_CHUNKS && dump->chunks[i]; i++) {
        munmap(dump->chunks[i], FL_DUMP_CHUNK_BYTES);
    }
    *dump = (struct fl_dump){ 0 };
}
