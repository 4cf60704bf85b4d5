/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_OPTIONS_H
#define FLOWLIFT_CLI_OPTIONS_H

/*
 * From the words of the command line to a request, by the tables of cli/verbs.h. Options may stand
 * before or behind the verb; "--" ends them.
 */

#include "cli/verbs.h"
#include "flows/error.h"

/**
 * fl_request_parse() - read the words behind the program's name
 * @words: borrowed while @request lives
 * Return: 0; -EINVAL with @err for what is unknown (the nearest known word is named), missing, too
 * much or out of range. Either way release @request with fl_request_destroy().
 */
int fl_request_parse(struct fl_request *request, int n_words, const char *const *words,
                     struct fl_error *err);
void fl_request_destroy(struct fl_request *request);

/**
 * fl_request_again() - a command line for "next:" lines
 * @argument: or NULL
 *
 * Repeats what says where things are: --from, --db, --root.
 * Return: "flowlift explain vm2 --root /x", words quoted for a shell; owned by the caller, free().
 */
char *fl_request_again(const struct fl_request *request, const char *verb, const char *argument);
/** fl_shell_word() - @word as a shell reads it back; owned by the caller, free() */
char *fl_shell_word(const char *word);

#endif
