/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/extack.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/refusal.h"

/* Columns of a thread's name. */
#define NAME_COLUMNS 16u
#define EVENT        ": netlink_extack: msg="

/* "1234    [001] ...": the number that @text begins with, and a blank behind it. */
static bool take_tid(const char *text, uint32_t *tid)
{
    uint64_t value = 0;
    size_t n;

    for (n = 0; n < 10 && isdigit((unsigned char)text[n]); n++)
        value = value * 10 + (uint64_t)(text[n] - '0');
    if (!n || text[n] != ' ' || value > INT32_MAX)
        return false;
    *tid = (uint32_t)value;
    return true;
}

static void copy_printable(const char *from, char text[FL_TC_ANSWER_TEXT])
{
    size_t n = strnlen(from, FL_TC_ANSWER_TEXT - 1);

    for (size_t i = 0; i < n; i++)
        text[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    text[n] = '\0';
}

enum fl_extack_line fl_extack_parse(const char *line, uint32_t *tid, char text[FL_TC_ANSWER_TEXT])
{
    bool has_name = strnlen(line, NAME_COLUMNS + 1) > NAME_COLUMNS && line[NAME_COLUMNS] == '-';
    const char *event;
    uint32_t found;

    if (!*line || *line == '#')
        return FL_EXTACK_NOTHING;
    if (!has_name || !take_tid(line + NAME_COLUMNS + 1, &found))
        return FL_EXTACK_LOST;
    event = strstr(line + NAME_COLUMNS + 1, EVENT);
    if (!event)
        return FL_EXTACK_LOST;
    copy_printable(event + strlen(EVENT), text);
    *tid = found;
    return FL_EXTACK_TOLD;
}

void fl_extacks_add(struct fl_extacks *extacks, const char *text)
{
    struct fl_extack *next = &extacks->texts[extacks->n_texts];

    for (size_t i = 0; i < extacks->n_texts; i++) {
        if (!strcmp(extacks->texts[i].text, text)) {
            extacks->texts[i].n++;
            return;
        }
    }
    if (extacks->n_texts == FL_EXTACKS_MAX) {
        extacks->n_others++;
        return;
    }
    ovs_strlcpy(next->text, text, sizeof next->text);
    next->n = 1;
    extacks->n_texts++;
}

/* "mlx5_core: ..." */
static bool names_module(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n && text[n] == ':' && text[n + 1] == ' ';
}

enum fl_cause_id fl_extack_cause(const char *text)
{
    static const char *const of_drivers[] = {
        "TC offload is disabled on net device",
        "Driver supports only ",
    };
    bool is_of_driver = names_module(text);

    for (size_t i = 0; i < ARRAY_SIZE(of_drivers); i++)
        is_of_driver |= !strncmp(text, of_drivers[i], strlen(of_drivers[i]));
    return is_of_driver ? fl_refusal_cause(0, text) : FL_CAUSE_REFUSED;
}

static struct fl_cause cause_of(const struct fl_extacks *extacks, const struct fl_extack *extack)
{
    struct fl_cause cause = { .id = fl_extack_cause(extack->text), .may_be = true };
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_format(&text,
                  "while listening for %" PRId64 " s ovs-vswitchd was told %" PRIu64
                  " time%s by the kernel: \"%s\"",
                  extacks->listened_ms / 1000, extack->n, extack->n == 1 ? "" : "s", extack->text);
    ovs_strlcpy(cause.detail, ds_cstr(&text), sizeof cause.detail);
    ds_destroy(&text);
    return cause;
}

size_t fl_extacks_causes(const struct fl_extacks *extacks, struct fl_cause causes[FL_EXTACKS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < extacks->n_texts; i++) {
        if (fl_extack_cause(extacks->texts[i].text) != FL_CAUSE_REFUSED)
            causes[n++] = cause_of(extacks, &extacks->texts[i]);
    }
    return n;
}
