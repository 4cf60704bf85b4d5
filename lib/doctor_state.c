/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks of flowlift's own state: its folders, and its remedies against the switch.
 */

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/doctor_visit.h"
#include "lib/remedy.h"

/* Room that a remedy, its journal lines and their folders need with ease. */
#define BYTES_NEEDED (1024u * 1024)

/* The nearest folder above @path that is there; free(). */
static char *nearest_folder(const char *path)
{
    char *folder = xstrdup(path);
    struct stat s;

    while (stat(folder, &s) && errno == ENOENT && strcmp(folder, "/") && strcmp(folder, ".")) {
        char *parent = xstrdup(dirname(folder));

        free(folder);
        folder = parent;
    }
    return folder;
}

/* What is wrong with a folder of ours, or NULL; free(). */
static char *trouble_with(const char *path, const char **advice)
{
    _cleanup_free char *there = nearest_folder(path);
    struct statvfs fs;
    struct stat s;

    if (access(there, W_OK | X_OK)) {
        *advice = errno == EROFS ? "mount it for writing" : "run flowlift as root";
        return xasprintf("%s cannot be written: %s", there, ovs_strerror(errno));
    }
    if (!statvfs(there, &fs) && (uint64_t)fs.f_bavail * fs.f_frsize < BYTES_NEEDED) {
        *advice = "make room: a remedy that cannot be written is not applied";
        return xasprintf("the file system of %s is full", there);
    }
    if (!stat(path, &s) && s.st_mode & (S_IRWXO | S_IWGRP)) {
        *advice = "chmod 0750 it: remedies say what is to be done to the switch";
        return xasprintf("%s is open to others (mode %04o)", path, s.st_mode & 07777u);
    }
    return NULL;
}

void fl_check_folders(struct fl_visit *visit, struct fl_check *check)
{
    _cleanup_free char *remedies = fl_path_remedies(visit->root);
    _cleanup_free char *journal = fl_path_journal(visit->root);
    _cleanup_free char *rundir = fl_path_rundir(visit->root);
    const char *const folders[] = { remedies, dirname(journal), rundir };

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        const char *advice = NULL;
        _cleanup_free char *trouble = trouble_with(folders[i], &advice);

        /* Who is not root can still look. */
        if (trouble) {
            fl_finds(check, geteuid() ? FL_CHECK_WARN : FL_CHECK_FAIL, advice, "%s", trouble);
            return;
        }
    }
    fl_finds(check, FL_CHECK_OK, NULL, "remedies and journal can be written");
}

static void judge_remedies(const struct fl_status_entry *entries, size_t n, struct fl_check *check)
{
    const struct fl_status_entry *odd = NULL;
    size_t n_odd = 0;

    for (size_t i = 0; i < n; i++) {
        if (entries[i].note) {
            odd = odd ? odd : &entries[i];
            n_odd++;
        }
    }
    if (odd)
        fl_finds(check, FL_CHECK_FAIL, "see flowlift status",
                 "%zu of %zu remed%s not as recorded; %s: %s", n_odd, n,
                 n == 1 ? "y is" : "ies are", odd->vm_name, odd->note);
    else if (!n)
        fl_finds(check, FL_CHECK_OK, NULL, "there are none");
    else
        fl_finds(check, FL_CHECK_OK, NULL,
                 n == 1 ? "%zu remedy, as recorded" : "%zu remedies, as recorded", n);
}

void fl_check_remedies(struct fl_visit *visit, struct fl_check *check)
{
    const struct fl_operator op = {
        .config = &visit->config,
        .root = visit->root,
        .host = *visit->host,
        .who = "doctor",
    };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_status_entry *entries = NULL;
    size_t n = 0;

    if (!fl_visit_has_database(visit, check))
        return;
    if (fl_remedy_status(&op, &entries, &n, &err))
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s", err.text);
    else
        judge_remedies(entries, n, check);
    fl_status_free(entries, n);
}
