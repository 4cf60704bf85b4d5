/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/overview_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/fleet/lines.h"
#include "lib/fleet/overview_audit.h"

#define PIECE_BYTES (64u * 1024)

struct reading {
    struct fl_fleet_files *files;
    const char *name;  /* For people. */
    const char *label; /* Of the file's name: whose it is, where nothing else says. */
};

void fl_fleet_files_init(struct fl_fleet_files *files, struct fl_fleet *fleet)
{
    *files = (struct fl_fleet_files){ .fleet = fleet };
}

void fl_fleet_files_destroy(struct fl_fleet_files *files)
{
    for (size_t i = 0; i < files->n_named; i++) {
        free(files->unread[i].file);
        free(files->unread[i].reason);
    }
}

static void refuse(uint64_t line, const char *reason, void *aux)
{
    const struct reading *reading = aux;
    struct fl_fleet_files *files = reading->files;

    files->n_unread++;
    if (files->n_named < FL_LIMIT_FLEET_NAMED)
        files->unread[files->n_named++] = (struct fl_fleet_unread){
            .file = xstrdup(reading->name),
            .line = line,
            .reason = xstrdup(reason),
        };
}

static void take(const char *text, size_t n_bytes, const char *label, uint64_t line, void *aux)
{
    const struct reading *reading = aux;
    struct fl_error err = FL_ERROR_INIT;
    json_error_t why;
    _cleanup_json json_t *json = json_loadb(text, n_bytes, 0, &why);

    if (!json)
        refuse(line, "is no JSON", aux);
    else if (fl_fleet_add_audit(reading->files->fleet, json, *label ? label : reading->label,
                                &err)) {
        fl_error_prefix(&err, "is no audit");
        refuse(line, err.text, aux);
    } else {
        reading->files->n_audits++;
    }
}

/* Return: whether there was anything; what is wrong is kept. */
static bool read_all(struct reading *reading, int fd)
{
    const struct fl_fleet_lines_to to = { .take = take, .refuse = refuse, .aux = reading };
    _cleanup_free char *piece = xmalloc(PIECE_BYTES);
    struct fl_fleet_lines lines;
    uint64_t n_bytes = 0;
    ssize_t n;

    fl_fleet_lines_init(&lines, &to);
    while ((n = read(fd, piece, PIECE_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            refuse(0, ovs_strerror(errno), reading);
            break;
        }
        n_bytes += (uint64_t)n;
        if (n_bytes > FL_LIMIT_STREAM_BYTES) {
            refuse(0, "is larger than 4 GiB, more than flowlift reads", reading);
            break;
        }
        fl_fleet_lines_push(&lines, piece, (size_t)n);
    }
    fl_fleet_lines_end(&lines);
    return n_bytes > 0 || n < 0;
}

/* "/var/spool/fleet/node7.jsonl" is of node7, "node7.example.com.json" of node7.example.com. */
static char *label_of(const char *path)
{
    static const char *const endings[] = { ".jsonl", ".json", ".txt", ".log", ".out" };
    const char *slash = strrchr(path, '/');
    char *label = xstrdup(slash ? slash + 1 : path);
    size_t n = strlen(label);

    if (!strcmp(path, "-"))
        *label = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t ending = strlen(endings[i]);

        if (n > ending && !strcmp(label + n - ending, endings[i])) {
            label[n - ending] = '\0';
            break;
        }
    }
    return label;
}

void fl_fleet_files_read(struct fl_fleet_files *files, const char *path)
{
    bool is_stdin = !strcmp(path, "-");
    _cleanup_free char *label = label_of(path);
    struct reading reading = {
        .files = files,
        .name = is_stdin ? "standard input" : path,
        .label = label,
    };
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        refuse(0, ovs_strerror(errno), &reading);
        return;
    }
    if (!read_all(&reading, fd))
        refuse(0, "is empty: the audit failed, or nothing was gathered", &reading);
    if (!is_stdin)
        close(fd);
}
