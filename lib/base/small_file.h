/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SMALL_FILE_H
#define FLOWLIFT_SMALL_FILE_H

/*
 * Reads files that fit into memory (configuration, remedies, plans), and says in one sentence what is
 * wrong with a file that cannot be read or written.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "flows/error.h"

/**
 * fl_file_error() - the sentence for a failed system call on a file
 * @code: negative errno
 * @what: what could not be done: "read", "write", "make the folder", ...
 * @path: the file; a full file system is named by its mount point
 * Return: @code.
 */
int fl_file_error(struct fl_error *err, int code, const char *what, const char *path);

/**
 * fl_small_file_read() - the whole of a regular file
 * @dir_fd: folder that @name is relative to, or AT_FDCWD
 * @path: the same file, for the sentence in @err
 * @open_flags: added to O_RDONLY: O_NOFOLLOW where an outsider may write the folder
 * @text: @n_bytes bytes and a NUL behind them; owned by the caller
 * Return: 0; -ENOENT without a sentence in @err (whether that is a mistake is the caller's to say);
 * -EFBIG above FL_LIMIT_FILE_BYTES; -EINVAL for what is no regular file; other negative errno.
 */
int fl_small_file_read(int dir_fd, const char *name, const char *path, int open_flags, char **text,
                       size_t *n_bytes, struct fl_error *err);

/**
 * fl_json_parse() - JSON text from outside
 * @path: named in @err
 * Nesting above FL_LIMIT_JSON_DEPTH, duplicate keys and bytes behind the value are refused.
 * Return: new reference, or NULL with @err.
 */
json_t *fl_json_parse(const char *path, const char *text, size_t n_bytes, struct fl_error *err);

/* Follows the nesting of JSON text that is read in pieces. Zero it first. */
struct fl_json_depth {
    unsigned int depth;
    bool in_string;
    bool escaped;
};
/** fl_json_depth_ok() - the next bytes. Return: false once nesting is above FL_LIMIT_JSON_DEPTH. */
bool fl_json_depth_ok(struct fl_json_depth *state, const char *bytes, size_t n_bytes);
/** fl_json_refuse() - the sentence for text that Jansson refused. Return: -EINVAL. */
int fl_json_refuse(struct fl_error *err, const char *path, const json_error_t *why);

#endif
