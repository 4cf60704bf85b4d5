/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_DUMP_H
#define FLOWLIFT_DPDK_PLUGIN_DUMP_H

/*
 * Takes what a driver writes about its rules. It cannot be stopped while it writes, it writes as much as it
 * has, and it holds locks meanwhile: so all is taken without an error, counted, and stored up to a limit.
 *
 * What is stored lies in mappings of its own, so that it is given back to the system when it is released.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FL_DUMP_CHUNK_BYTES (256u * 1024)
#define FL_DUMP_CHUNKS      32u
/* Most that is ever stored of one dump: some 30,000 rules. */
#define FL_DUMP_BYTES ((size_t)FL_DUMP_CHUNK_BYTES * FL_DUMP_CHUNKS)

struct fl_dump {
    uint64_t bytes; /* All that was written. */
    uint64_t lines; /* Likewise; one that is not ended counts. */
    size_t stored;  /* From the start; less than @bytes if there was no room. */
    size_t limit;   /* Of @stored: FL_DUMP_BYTES, or 0 to count only. */
    bool in_line;   /* The last byte was no newline. */
    char *chunks[FL_DUMP_CHUNKS];
};

/**
 * fl_dump_open() - a stream that writes into @dump
 * @dump: all zero but for the limit; must outlive the stream. It is complete when the stream is closed.
 * Return: for fclose(), or NULL when out of memory.
 */
FILE *fl_dump_open(struct fl_dump *dump);

/** fl_dump_byte() - the byte at @offset, below @dump->stored */
char fl_dump_byte(const struct fl_dump *dump, size_t offset);

/** fl_dump_release() - give back what is stored; @dump is all zero afterwards */
void fl_dump_release(struct fl_dump *dump);

#endif
