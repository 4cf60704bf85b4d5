/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine over bytes: 'state' is where in the JSON text we are. Strings go where 'target' says;
 * those of "result" through a buffer to the sink.
 *
 * Source: RFC 8259 (strings, section 7); OVS 3.1 lib/unixctl.c and lib/json.c for what is sent.
 */
#include "lib/ovs/reply.h"

#include <errno.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flows/limits.h"
#include "lib/ovs/unescape.h"

/* Bytes gathered before the sink is called. */
#define OUT_BYTES 32768
#define KEY_BYTES 16
#define ID_BYTES  32
/* An error's text goes into one sentence; what is longer is cut. */
#define ERROR_BYTES 4096

enum state {
    AT_START,     /* before '{' */
    AT_FIRST_KEY, /* after '{' */
    AT_KEY,       /* after ',' */
    AT_COLON,
    AT_VALUE,
    IN_STRING,
    IN_SCALAR, /* number, true, false, null */
    IN_NESTED, /* array or object below an unknown key */
    AFTER_VALUE,
    AT_END,
};

enum target { TO_NOWHERE, TO_KEY, TO_ID, TO_RESULT, TO_ERROR };

struct text {
    char *bytes;
    size_t length, room; /* room without the NUL */
};

struct fl_reply {
    fl_ctl_sink *sink;
    void *aux;
    enum state state;
    enum target target; /* of the value that is read, or of the string */
    enum state after_string;
    unsigned int n_nested;
    uint32_t nested_objects; /* bit i: the bracket at depth i is '{' */
    struct fl_unescape string;
    bool has_id, has_result, has_error, result_is_text;
    char key_bytes[KEY_BYTES + 1], id_bytes[ID_BYTES + 1], scalar_bytes[ID_BYTES + 1];
    char error_bytes[ERROR_BYTES + 1];
    struct text key, id, scalar, error;
    size_t n_out;
    char out[OUT_BYTES];
};

struct fl_reply *fl_reply_create(fl_ctl_sink *sink, void *aux)
{
    struct fl_reply *reply = xzalloc(sizeof *reply);

    reply->sink = sink;
    reply->aux = aux;
    reply->key = (struct text){ reply->key_bytes, 0, KEY_BYTES };
    reply->id = (struct text){ reply->id_bytes, 0, ID_BYTES };
    reply->scalar = (struct text){ reply->scalar_bytes, 0, ID_BYTES };
    reply->error = (struct text){ reply->error_bytes, 0, ERROR_BYTES };
    return reply;
}

void fl_reply_destroy(struct fl_reply *reply)
{
    free(reply);
}

bool fl_reply_is_complete(const struct fl_reply *reply)
{
    return reply->state == AT_END;
}

const char *fl_reply_error(const struct fl_reply *reply)
{
    return reply->has_error ? reply->error.bytes : NULL;
}

const char *fl_reply_id(const struct fl_reply *reply)
{
    return reply->id.bytes;
}

/* What is longer than its room keeps its start; a cut key is none that we know. */
static void text_put(struct text *text, const char *bytes, size_t n)
{
    size_t fits = MIN(n, text->room - text->length);

    memcpy(text->bytes + text->length, bytes, fits);
    text->length += fits;
    text->bytes[text->length] = '\0';
}

static int flush(struct fl_reply *reply)
{
    size_t n = reply->n_out;

    reply->n_out = 0;
    return n ? reply->sink(reply->out, n, reply->aux) : 0;
}

static int put_result(struct fl_reply *reply, const char *bytes, size_t n)
{
    while (n) {
        size_t fits = MIN(n, OUT_BYTES - reply->n_out);

        memcpy(reply->out + reply->n_out, bytes, fits);
        reply->n_out += fits;
        bytes += fits;
        n -= fits;
        if (reply->n_out == OUT_BYTES) {
            int error = flush(reply);

            if (error) {
                return error;
            }
        }
    }
    return 0;
}

static int put(void *reply_, const char *bytes, size_t n)
{
    struct fl_reply *reply = reply_;

    switch (reply->target) {
    case TO_RESULT: return put_result(reply, bytes, n);
    case TO_KEY: text_put(&reply->key, bytes, n); break;
    case TO_ID: text_put(&reply->id, bytes, n); break;
    case TO_ERROR: text_put(&reply->error, bytes, n); break;
    case TO_NOWHERE: break;
    }
    return 0;
}

/* Takes as many plain characters as there are; one escape or quote else. */
static int push_string(struct fl_reply *reply, const char *bytes, size_t n, size_t *n_used,
                       struct fl_error *err)
{
    int error = fl_unescape_push(&reply->string, bytes, n, n_used, put, reply, err);

    if (error || !reply->string.ended) {
        return error;
    }
    reply->state = reply->after_string;
    return reply->target == TO_RESULT ? flush(reply) : 0;
}

static void begin_string(struct fl_reply *reply, enum target target, enum state after)
{
    reply->target = target;
    reply->after_string = after;
    reply->string = (struct fl_unescape){ .ended = false };
    reply->state = IN_STRING;
}

static void begin_key(struct fl_reply *reply)
{
    reply->key.length = 0;
    reply->key.bytes[0] = '\0';
    begin_string(reply, TO_KEY, AT_COLON);
}

/* Which value follows; each of ours at most once. */
static int choose_target(struct fl_reply *reply, struct fl_error *err)
{
    bool *seen = NULL;

    reply->target = TO_NOWHERE;
    if (!strcmp(reply->key.bytes, "result")) {
        seen = &reply->has_result;
        reply->target = TO_RESULT;
    } else if (!strcmp(reply->key.bytes, "error")) {
        seen = &reply->has_error;
        reply->target = TO_ERROR;
    } else if (!strcmp(reply->key.bytes, "id")) {
        seen = &reply->has_id;
        reply->target = TO_ID;
    }
    if (seen && *seen) {
        return fl_reply_malformed(err, "a key twice");
    }
    if (seen) {
        *seen = true;
    }
    return 0;
}

static int begin_nested(struct fl_reply *reply, char c, struct fl_error *err)
{
    if (reply->target != TO_NOWHERE) {
        return fl_reply_malformed(err, "an array or object where text belongs");
    }
    if (reply->n_nested >= FL_LIMIT_JSON_DEPTH) {
        return fl_reply_malformed(err, "nested too deep");
    }
    reply->nested_objects &= ~(1u << reply->n_nested);
    reply->nested_objects |= (c == '{' ? 1u : 0u) << reply->n_nested;
    reply->n_nested++;
    reply->state = IN_NESTED;
    return 0;
}

static int push_nested(struct fl_reply *reply, char c, struct fl_error *err)
{
    bool is_object = reply->nested_objects >> (reply->n_nested - 1) & 1;

    if (c == '[' || c == '{') {
        return begin_nested(reply, c, err);
    }
    if (c == '"') {
        begin_string(reply, TO_NOWHERE, IN_NESTED);
        return 0;
    }
    if (c != ']' && c != '}') {
        return 0;
    }
    if (is_object != (c == '}')) {
        return fl_reply_malformed(err, "brackets that do not match");
    }
    if (!--reply->n_nested) {
        reply->state = AFTER_VALUE;
    }
    return 0;
}

static int begin_value(struct fl_reply *reply, char c, struct fl_error *err)
{
    if (c == '[' || c == '{') {
        return begin_nested(reply, c, err);
    }
    if (c == '"') {
        reply->result_is_text |= reply->target == TO_RESULT;
        begin_string(reply, reply->target, AFTER_VALUE);
        return 0;
    }
    if (!strchr("-0123456789tfn", c) || !c) {
        return fl_reply_malformed(err, "no value after a key");
    }
    reply->scalar.length = 0;
    text_put(&reply->scalar, &c, 1);
    reply->state = IN_SCALAR;
    return 0;
}

static int end_scalar(struct fl_reply *reply, struct fl_error *err)
{
    const char *text = reply->scalar.bytes;
    bool is_null = !strcmp(text, "null");

    reply->state = AFTER_VALUE;
    if (!is_null && strcmp(text, "true") && strcmp(text, "false") &&
        text[strspn(text, "0123456789+-.eE")]) {
        return fl_reply_malformed(err, "a word that is no value");
    }
    if (reply->target == TO_ID) {
        text_put(&reply->id, text, reply->scalar.length);
    } else if (reply->target != TO_NOWHERE && !is_null) {
        return fl_reply_malformed(err, "a number where text belongs");
    } else if (reply->target == TO_ERROR) {
        reply->has_error = false; /* null: no error */
    }
    return 0;
}

static int end_object(struct fl_reply *reply, struct fl_error *err)
{
    if (reply->has_error && reply->result_is_text) {
        return fl_reply_malformed(err, "a result and an error");
    }
    if (!reply->has_error && !reply->result_is_text) {
        return fl_reply_malformed(err, "neither a result nor an error");
    }
    reply->state = AT_END;
    return 0;
}

static int push_structure(struct fl_reply *reply, char c, struct fl_error *err)
{
    switch (reply->state) {
    case AT_START:
        reply->state = AT_FIRST_KEY;
        return c == '{' ? 0 : fl_reply_malformed(err, "it does not start with '{'");
    case AT_FIRST_KEY:
    case AT_KEY:
        if (c == '"') {
            begin_key(reply);
            return 0;
        }
        if (c == '}' && reply->state == AT_FIRST_KEY) {
            return end_object(reply, err);
        }
        return fl_reply_malformed(err, "no key where one belongs");
    case AT_COLON:
        reply->state = AT_VALUE;
        return c == ':' ? choose_target(reply, err) : fl_reply_malformed(err, "no ':' after a key");
    case AT_VALUE: return begin_value(reply, c, err);
    case AFTER_VALUE:
        if (c == '}') {
            return end_object(reply, err);
        }
        reply->state = AT_KEY;
        return c == ',' ? 0 : fl_reply_malformed(err, "no ',' after a value");
    case IN_STRING:
    case IN_SCALAR:
    case IN_NESTED:
    case AT_END: break;
    }
    OVS_NOT_REACHED();
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int push_one(struct fl_reply *reply, char c, struct fl_error *err)
{
    if (reply->state == IN_SCALAR) {
        if (!is_space(c) && c != ',' && c != '}') {
            text_put(&reply->scalar, &c, 1);
            return 0;
        }
        int error = end_scalar(reply, err);

        if (error) {
            return error;
        }
    }
    if (is_space(c)) {
        return 0;
    }
    if (reply->state == IN_NESTED) {
        return push_nested(reply, c, err);
    }
    return push_structure(reply, c, err);
}

int fl_reply_push(struct fl_reply *reply, const void *bytes_, size_t n_bytes, size_t *n_used,
                  struct fl_error *err)
{
    const char *bytes = bytes_;
    size_t done = 0;
    int error = 0;

    while (!error && done < n_bytes && reply->state != AT_END) {
        size_t taken = 1;

        if (reply->state == IN_STRING) {
            error = push_string(reply, bytes + done, n_bytes - done, &taken, err);
        } else {
            error = push_one(reply, bytes[done], err);
        }
        done += taken;
    }
    *n_used = done;
    return error;
}
