/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/agent_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "lib/base/small_file.h"
#include "lib/ovs/ctl.h"
#include "lib/ovs/socket.h"

#define NAME          "flowlift-agent"
#define UNIX          "unix:"
#define ORDERS_SCHEMA "flowlift/orders/1"

void fl_agent_client_destroy(struct fl_agent_client *client)
{
    free(client->path);
    client->path = NULL;
}

/* ---- Which switch ---- */

static char *real(const char *path)
{
    char *found = realpath(path, NULL);

    return found ? found : xstrdup(path);
}

/* The name of the switch that OVS_RUNDIR and @db (or NULL) lead to. */
static char *switch_of(const char *db)
{
    _cleanup_free char *rundir = real(fl_socket_rundir());
    _cleanup_free char *default_db = xasprintf(UNIX "%s/db.sock", rundir);
    _cleanup_free char *path = NULL;

    db = db ? db : default_db;
    if (strncmp(db, UNIX, strlen(UNIX))) {
        return xasprintf("%s %s", rundir, db);
    }
    path = real(db + strlen(UNIX));
    return xasprintf("%s " UNIX "%s", rundir, path);
}

json_t *fl_agent_orders_json(const char *db)
{
    _cleanup_free char *name = switch_of(db);

    return json_pack("{s:s, s:o}", "schema", ORDERS_SCHEMA, "switch", fl_json_of_string(name));
}

static int check_orders(const char *text, const char *db, bool any_switch, struct fl_error *err)
{
    _cleanup_json json_t *json = fl_json_parse(NAME, text, strlen(text), err);
    _cleanup_free char *ours = switch_of(db);
    _cleanup_json json_t *ours_json = fl_json_of_string(ours);
    const char *schema = json_string_value(json_object_get(json, "schema"));

    if (!json) {
        return -EPROTO;
    }
    if (!schema || strcmp(schema, ORDERS_SCHEMA)) {
        return fl_error_set(err, -EPROTO, NAME " is of another version");
    }
    if (!any_switch && !json_equal(json_object_get(json, "switch"), ours_json)) {
        return fl_error_set(err, -EXDEV, NAME " is for another Open vSwitch (OVS_RUNDIR, --db)");
    }
    return 0;
}

/* ---- Is there one? ---- */

long fl_agent_process(const char *root)
{
    _cleanup_free char *path = fl_path_agent_lock(root);
    char text[32];
    long pid = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    /* For a moment; an agent that begins just now tries for longer. */
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        n = pread(fd, text, sizeof text - 1, 0);
        text[MAX(n, 0)] = '\0';
        pid = strtol(text, NULL, 10);
        pid = pid > 0 ? pid : -ESRCH;
    }
    close(fd);
    return pid;
}

/* A command of a connection of its own. */
static int run(const struct fl_agent_client *client, int timeout_ms, const char *command,
               const char *argument, char **reply, struct fl_error *err)
{
    const char *argv[] = { argument, NULL };
    struct fl_ctl *ctl;
    int error = fl_ctl_open_other(NAME, client->path, timeout_ms, &ctl, err);

    if (error) {
        return error;
    }
    error = fl_ctl_run(ctl, command, argv, reply, err);
    fl_ctl_close(ctl);
    return error;
}

int fl_agent_client_find(const char *root, const char *db, bool any_switch,
                         struct fl_agent_client *client, struct fl_error *err)
{
    _cleanup_free char *rundir = fl_path_rundir(root);
    _cleanup_free char *reply = NULL;
    struct fl_agent_client found;
    long pid = fl_agent_process(root);
    int error;

    if (!pid) {
        return -ENOENT;
    }
    if (pid < 0) {
        return fl_error_set(err, pid == -ENOENT ? -EIO : (int)pid,
                            "cannot tell whether " NAME " runs: %s", ovs_strerror((int)-pid));
    }
    found = (struct fl_agent_client){
        .pid = pid,
        .path = xasprintf("%s/" NAME ".%ld.ctl", rundir, pid),
    };
    error = run(&found, FL_AGENT_ANSWER_MS, "orders", NULL, &reply, err);
    if (!error) {
        error = check_orders(reply, db, any_switch, err);
    }
    if (error) {
        fl_agent_client_destroy(&found);
        return error == -ENOENT ? -ECONNREFUSED : error;
    }
    *client = found;
    return 0;
}

/* ---- An order ---- */

static int send_order(const struct fl_agent_client *client, const char *text, char **reply,
                      struct fl_error *err)
{
    const char *argv[] = { text, NULL };
    struct fl_ctl *ctl;
    int error = fl_ctl_open_other(NAME, client->path, FL_ORDER_MOST_MS, &ctl, err);

    if (error) {
        return error == -ECONNABORTED ? -ECONNREFUSED : error;
    }
    error = fl_ctl_run(ctl, "order", argv, reply, err);
    fl_ctl_close(ctl);
    /* It says so when it does not begin; all else leaves that open. */
    return !error || error == -EREMOTEIO ? error : -ECONNABORTED;
}

int fl_agent_client_order(const struct fl_agent_client *client, const struct fl_order *order,
                          struct fl_order_answer *answer, struct fl_error *err)
{
    _cleanup_json json_t *json = fl_order_to_json(order), *reply_json = NULL;
    _cleanup_free char *text = json_dumps(json, JSON_COMPACT), *reply = NULL;
    int error;

    if (!text || strlen(text) > FL_ORDER_BYTES) {
        return fl_error_set(err, -E2BIG, "the order for " NAME " would be too large");
    }
    error = send_order(client, text, &reply, err);
    if (error) {
        return error;
    }
    reply_json = fl_json_parse(NAME, reply, strlen(reply), err);
    if (!reply_json || fl_order_answer_from_json(reply_json, answer, err)) {
        return -ECONNABORTED;
    }
    if (answer->error == -ECONNABORTED) {
        fl_error_set(err, answer->error, "%s", answer->message ? answer->message : "it was lost");
        fl_order_answer_destroy(answer);
        return -ECONNABORTED;
    }
    return 0;
}
