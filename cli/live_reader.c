/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/descriptors.h"

#define MAX_BYTES (FL_LIMIT_LIVE_DOCUMENT_MIB * 1024u * 1024u)

/* ---- In the child ---- */

/* It writes nothing onto the screen, and signals end it as they find it. */
static void become_child(pid_t parent)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || null < 0)
        _exit(EXIT_FAILURE);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int send_document(int fd, json_t *document)
{
    _cleanup_free char *text = json_dumps(document, JSON_COMPACT);
    int error = text ? fl_write_all(fd, text, strlen(text)) : -ENOMEM;

    json_decref(document);
    return error ? error : fl_write_all(fd, "\n", 1);
}

/* Until nobody reads it any more. */
static void run_child(struct fl_live_source *source, int fd, pid_t parent)
{
    int error = 0;

    become_child(parent);
    while (!error) {
        struct fl_error err = FL_ERROR_INIT;
        json_t *document = NULL;

        error = fl_live_source_next(source, true, &document, &err);
        if (error == -ENODATA && !err.code)
            document = json_pack("{s:b}", "ended", true);
        else if (error)
            document = json_pack("{s:s, s:i}", "fatal", err.text, "code", err.code);
        if (send_document(fd, document))
            error = -EPIPE;
    }
    _exit(EXIT_SUCCESS);
}

/* ---- In the parent ---- */

int fl_live_reader_start(struct fl_live_reader *reader, struct fl_live_source *source,
                         struct fl_error *err)
{
    pid_t parent = getpid();
    int fds[2];

    *reader = (struct fl_live_reader){ .fd = -1 };
    ds_init(&reader->text);
    if (pipe2(fds, O_CLOEXEC) < 0)
        return fl_error_set(err, -errno, "no pipe to read through: %s", ovs_strerror(errno));
    reader->pid = fork();
    if (!reader->pid)
        run_child(source, fds[1], parent);
    close(fds[1]);
    if (reader->pid < 0) {
        reader->pid = 0;
        close(fds[0]);
        return fl_error_set(err, -errno, "no process to read in: %s", ovs_strerror(errno));
    }
    reader->fd = fds[0];
    fcntl(reader->fd, F_SETFL, O_NONBLOCK);
    return 0;
}

/* Why there is nothing more to come. */
static int say_end(struct fl_live_reader *reader, struct fl_error *err)
{
    int status = 0;

    waitpid(reader->pid, &status, 0);
    reader->pid = 0;
    if (WIFSIGNALED(status))
        return fl_error_set(err, -ESRCH, "the process that reads was killed by signal %d",
                            WTERMSIG(status));
    return fl_error_set(err, -ESRCH, "the process that reads has ended");
}

/* Return: whether a line is whole. */
static bool find_line(struct fl_live_reader *reader, size_t *n)
{
    const char *text = ds_cstr(&reader->text);
    const char *end = memchr(text + reader->n_seen, '\n', reader->text.length - reader->n_seen);

    reader->n_seen = reader->text.length;
    *n = end ? (size_t)(end - text) : 0;
    return end != NULL;
}

static json_t *cut_line(struct fl_live_reader *reader, size_t n)
{
    json_t *document = json_loadb(reader->text.string, n, 0, NULL);
    size_t rest = reader->text.length - n - 1;

    memmove(reader->text.string, reader->text.string + n + 1, rest);
    ds_truncate(&reader->text, rest);
    reader->n_seen = 0;
    return document;
}

static int check(json_t **document, struct fl_error *err)
{
    const char *fatal = json_string_value(json_object_get(*document, "fatal"));
    int code = (int)json_integer_value(json_object_get(*document, "code"));

    if (!*document)
        return fl_error_set(err, -EPROTO, "the process that reads wrote what is no document");
    if (!fatal)
        return 0;
    code = fl_error_set(err, code < 0 ? code : -EIO, "%s", fatal);
    json_decref(*document);
    *document = NULL;
    return code;
}

int fl_live_reader_take(struct fl_live_reader *reader, json_t **document, struct fl_error *err)
{
    char buf[64 * 1024];
    size_t length;
    ssize_t n;

    *document = NULL;
    while (!find_line(reader, &length)) {
        n = read(reader->fd, buf, sizeof buf);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : say_end(reader, err);
        if (!n)
            return say_end(reader, err);
        if (reader->text.length + (size_t)n > MAX_BYTES)
            return fl_error_set(err, -EFBIG,
                                "what was read of this host is more than %d MiB; watch one VM of "
                                "it: flowlift watch VM",
                                FL_LIMIT_LIVE_DOCUMENT_MIB);
        ds_put_buffer(&reader->text, buf, (size_t)n);
    }
    *document = cut_line(reader, length);
    return check(document, err);
}

void fl_live_reader_stop(struct fl_live_reader *reader)
{
    if (reader->pid > 0) {
        kill(reader->pid, SIGKILL);
        waitpid(reader->pid, NULL, 0);
    }
    if (reader->fd >= 0)
        close(reader->fd);
    ds_destroy(&reader->text);
    *reader = (struct fl_live_reader){ .fd = -1 };
}
