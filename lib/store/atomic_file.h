/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_STORE_ATOMIC_FILE_H
#define FLOWLIFT_STORE_ATOMIC_FILE_H

/*
 * A file that is there wholly or not at all, whatever is killed or full when.
 *
 * Written to a file without a name in the same folder (with a name, ".NAME.PID.tmp", where the file
 * system cannot do that), then fsync, rename over the old one, fsync of the folder. A reader sees the
 * old file or the new one. On any error the old file is untouched and the new one gone.
 *
 *     struct fl_atomic_file *file;
 *
 *     if (!fl_atomic_file_create(path, 0640, &file, err)) {
 *         fl_atomic_file_write(file, bytes, n_bytes);      (as often as needed)
 *         return fl_atomic_file_commit(file, err);
 *     }
 */

#include <stddef.h>
#include <sys/types.h>

#include "flows/error.h"

struct fl_atomic_file;

/**
 * fl_atomic_file_create() - start writing @path
 * @path: a regular file is replaced; anything else that is there (device, folder, symbolic link) is
 *        refused
 * @mode: of the new file, whatever the umask
 * Return: 0 and *@file owned by the caller; negative errno with a sentence.
 */
int fl_atomic_file_create(const char *path, mode_t mode, struct fl_atomic_file **file,
                          struct fl_error *err);
/** fl_atomic_file_stdout() - the same interface for standard output, where nothing can be atomic */
int fl_atomic_file_stdout(struct fl_atomic_file **file, struct fl_error *err);

/**
 * fl_atomic_file_write() - add bytes (buffered)
 * Return: 0, or the negative errno of the first write that failed; fl_atomic_file_commit() says it too,
 * so that many small writes need no check each.
 */
int fl_atomic_file_write(struct fl_atomic_file *file, const void *bytes, size_t n_bytes);
/**
 * fl_atomic_file_set_passing() - what is in it is worth nothing after a power cut
 * Nobody waits for the disk then, which may take many seconds; a killed writer does as little harm as ever.
 */
void fl_atomic_file_set_passing(struct fl_atomic_file *file);
/** fl_atomic_file_commit() - put it in its place; @file is consumed, also on error */
int fl_atomic_file_commit(struct fl_atomic_file *file, struct fl_error *err);
/** fl_atomic_file_abort() - as if nothing had been written; @file (or NULL) is consumed */
void fl_atomic_file_abort(struct fl_atomic_file *file);

/** fl_atomic_file_put() - all of the above for bytes in memory */
int fl_atomic_file_put(const char *path, mode_t mode, const void *bytes, size_t n_bytes,
                       struct fl_error *err);

/** fl_atomic_file_is_leftover() - whether a folder entry is the temporary file of a killed writer */
int fl_atomic_file_is_leftover(const char *name);

/**
 * fl_make_folder() - make @path and what is missing above it
 * @mode: of @path when it is new, whatever the umask; those above get 0755
 */
int fl_make_folder(const char *path, mode_t mode, struct fl_error *err);

#endif
