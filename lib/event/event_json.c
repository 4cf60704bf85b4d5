/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "lib/base/clock.h"
#include "lib/event/event.h"

#define SCHEMA "flowlift/event/1"

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *interfaces_to_json(const struct fl_event *event)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < event->n_interfaces; i++) {
        const struct fl_event_interface *iface = &event->interfaces[i];
        json_t *one = json_pack("{s:o, s:o, s:o}", "mac", text_or_null(iface->mac), "target",
                                text_or_null(iface->target), "interface_id",
                                text_or_null(iface->interface_id));

        if (json_array_append_new(array, one)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *fl_event_to_json(const struct fl_event *event)
{
    char time[FL_TIME_TEXT_BYTES];

    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "schema", SCHEMA, "time",
                     fl_time_format(event->time_ms, time), "source", event->source, "what",
                     fl_event_what_name(event->what), "vm", text_or_null(event->vm), "uuid",
                     text_or_null(event->uuid), "reason", text_or_null(event->reason), "complete",
                     event->complete, "interfaces", interfaces_to_json(event));
}

/* One text of @object into a field of its size. */
static int take_text(const json_t *object, const char *where, const char *key, char *field,
                     size_t room, struct fl_error *err)
{
    const char *text;
    int ret = fl_json_string_or_null(object, where, key, room - 1, &text, err);

    if (!ret)
        strcpy(field, text ? text : "");
    return ret;
}

static int take_interfaces(const json_t *json, struct fl_event *event, struct fl_error *err)
{
    const json_t *array, *one;
    size_t i;
    int ret = fl_json_array(json, "", "interfaces", FL_LIMIT_EVENT_INTERFACES, &array, err);

    json_array_foreach(array, i, one) {
        struct fl_event_interface *iface = &event->interfaces[i];
        char where[48];

        snprintf(where, sizeof where, "interfaces[%zu]", i);
        ret = fl_json_object(one, where, err);
        if (!ret)
            ret = take_text(one, where, "mac", iface->mac, sizeof iface->mac, err);
        if (!ret)
            ret = take_text(one, where, "target", iface->target, sizeof iface->target, err);
        if (!ret)
            ret = take_text(one, where, "interface_id", iface->interface_id,
                            sizeof iface->interface_id, err);
        if (ret)
            return ret;
        event->n_interfaces++;
    }
    return ret;
}

static int take_what(const json_t *json, struct fl_event *event, struct fl_error *err)
{
    const char *name;
    int ret = fl_json_string(json, "", "what", 32, &name, err);

    if (ret)
        return ret;
    for (event->what = 0; event->what < FL_N_EVENT_WHATS; event->what++) {
        if (!strcmp(name, fl_event_what_name(event->what)))
            return 0;
    }
    return fl_error_set(err, -EINVAL, "what is '%s', which no event of flowlift's is", name);
}

static int take_head(const json_t *json, struct fl_event *event, struct fl_error *err)
{
    const char *schema, *time;
    int ret = fl_json_object(json, "", err);

    if (!ret)
        ret = fl_json_string(json, "", "schema", 64, &schema, err);
    if (!ret && strcmp(schema, SCHEMA))
        ret = fl_error_set(err, -EINVAL, "schema is '%s', not " SCHEMA, schema);
    if (!ret)
        ret = fl_json_string(json, "", "time", 64, &time, err);
    if (!ret && !fl_time_parse(time, &event->time_ms))
        ret = fl_error_set(err, -EINVAL, "time is '%s', which is none", time);
    return ret;
}

int fl_event_from_json(const json_t *json, struct fl_event *result, struct fl_error *err)
{
    struct fl_event event = { 0 };
    int ret = take_head(json, &event, err);

    if (!ret)
        ret = take_what(json, &event, err);
    if (!ret)
        ret = take_text(json, "", "source", event.source, sizeof event.source, err);
    if (!ret)
        ret = take_text(json, "", "vm", event.vm, sizeof event.vm, err);
    if (!ret)
        ret = take_text(json, "", "uuid", event.uuid, sizeof event.uuid, err);
    if (!ret)
        ret = take_text(json, "", "reason", event.reason, sizeof event.reason, err);
    if (!ret)
        ret = fl_json_boolean(json, "", "complete", &event.complete, err);
    if (!ret)
        ret = take_interfaces(json, &event, err);
    if (!ret)
        *result = event;
    return ret;
}
