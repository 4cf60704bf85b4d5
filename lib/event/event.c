/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/event/event.h"

#include <ctype.h>
#include <string.h>

static const char *const what_names[FL_N_EVENT_WHATS] = {
    [FL_EVENT_START] = "start",         [FL_EVENT_STOP] = "stop",
    [FL_EVENT_MIGRATED] = "migrated",   [FL_EVENT_INCOMING] = "incoming",
    [FL_EVENT_RECONNECT] = "reconnect", [FL_EVENT_ATTACH] = "attach",
};

const char *fl_event_what_name(enum fl_event_what what)
{
    return what_names[what];
}

/* Jansson takes nothing but UTF-8 into a string. */
static bool is_utf8(const char *text)
{
    json_t *json = json_string(text);

    json_decref(json);
    return json;
}

bool fl_event_text(char *field, size_t room, const char *text)
{
    size_t n = text ? strnlen(text, room) : 0;

    field[0] = '\0';
    if (!n || n == room || !is_utf8(text))
        return false;
    memcpy(field, text, n + 1);
    return true;
}

bool fl_event_uuid(char uuid[37], const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    char lower[sizeof form] = "";

    uuid[0] = '\0';
    if (!text || strnlen(text, sizeof form) != sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool fits = form[i] == '-' ? text[i] == '-' : isxdigit((unsigned char)text[i]) != 0;

        if (!fits)
            return false;
        lower[i] = (char)tolower((unsigned char)text[i]);
    }
    memcpy(uuid, lower, sizeof lower);
    return true;
}
