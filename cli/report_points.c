/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_points.h"

#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/document.h"

/* The newest of a journal; a page has no room for more. */
#define JOURNAL_POINTS 12u

void fl_report_points_init(struct fl_report_points *points)
{
    *points = (struct fl_report_points){
        .by_vm = json_object(),
        .all = json_array(),
        .first = json_object(),
    };
}

void fl_report_points_destroy(struct fl_report_points *points)
{
    json_decref(points->by_vm);
    json_decref(points->all);
    json_decref(points->first);
    free(points->first_time);
}

const char *fl_report_points_key(const struct fl_vm_audit *vm)
{
    return vm->vm ? vm->vm->id : vm->name;
}

static json_t *or_null(json_t *json)
{
    return json ? json_incref(json) : json_null();
}

/* @entry: of an audit; @time is consumed. */
static json_t *point_of_entry(const json_t *entry, json_t *time, json_t *window_ms, const char *by,
                              json_t *step)
{
    const json_t *storage = json_object_get(entry, "storage");

    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "time", time, "window_ms",
                     window_ms, "by", by, "step", step, "verdict",
                     or_null(json_object_get(entry, "verdict")), "hw_share",
                     or_null(json_object_get(entry, "hw_share")), "packets",
                     or_null(json_object_get(storage, "packets")), "bytes",
                     or_null(json_object_get(storage, "bytes")));
}

static void add_up(json_t *sum, const json_t *counts)
{
    const char *key;
    json_t *count;

    json_object_foreach(CONST_CAST(json_t *, counts), key, count) {
        json_int_t so_far = json_integer_value(json_object_get(sum, key));
        json_int_t more = json_integer_value(count);

        json_object_set_new(sum, key,
                            json_integer(so_far > INT64_MAX - more ? INT64_MAX : so_far + more));
    }
}

/* The share that "hw" has of @packets, as an audit counts it. */
static json_t *share_of(const json_t *packets)
{
    double all = 0;
    const char *key;
    json_t *count;

    json_object_foreach(CONST_CAST(json_t *, packets), key, count)
        all += (double)json_integer_value(count);
    return fl_share_json(all > 0 ? (double)json_integer_value(json_object_get(packets, "hw")) / all
                                 : -1);
}

void fl_report_points_add(struct fl_report_points *points, const struct fl_audit *audit,
                          const char *by)
{
    const int64_t window_ms = fl_snapshot_window_ms(audit->snapshot);
    json_t *packets = json_object(), *bytes = json_object();
    _cleanup_json json_t *time = fl_time_json(fl_snapshot_time_ms(audit->snapshot));
    bool is_first = !points->first_time;

    if (is_first)
        points->first_time = xstrdup(json_is_string(time) ? json_string_value(time) : "");
    for (size_t i = 0; i < audit->n_vms; i++) {
        const char *key = fl_report_points_key(&audit->vms[i]);
        _cleanup_json json_t *entry = fl_vm_audit_to_json(&audit->vms[i]);
        const json_t *storage = json_object_get(entry, "storage");

        if (!json_object_get(points->by_vm, key))
            json_object_set_new(points->by_vm, key, json_array());
        json_array_append_new(json_object_get(points->by_vm, key),
                              point_of_entry(entry, json_incref(time), json_integer(window_ms), by,
                                             json_null()));
        if (is_first)
            json_object_set(points->first, key, entry);
        add_up(packets, json_object_get(storage, "packets"));
        add_up(bytes, json_object_get(storage, "bytes"));
    }
    json_array_append_new(points->all, json_pack("{s:O, s:I, s:s, s:n, s:n, s:o, s:o, s:o}", "time",
                                                 time, "window_ms", (json_int_t)window_ms, "by", by,
                                                 "step", "verdict", "hw_share", share_of(packets),
                                                 "packets", packets, "bytes", bytes));
}

/* One of a line's two entries, when it is there and is another than @last. */
static const json_t *add_of_line(json_t *points, const json_t *line, const char *key,
                                 const json_t *last)
{
    const json_t *entry = json_object_get(line, key);

    if (!json_is_object(entry) || (last && json_equal(entry, last)))
        return last;
    json_array_append_new(points, point_of_entry(entry, or_null(json_object_get(line, "time")),
                                                 json_null(), "journal", json_string(key)));
    return entry;
}

/* "" where it is not known: that is first. */
static const char *time_of(const json_t *point)
{
    const char *time = json_string_value(json_object_get(point, "time"));

    return time ? time : "";
}

/* Each of the two is in order. */
json_t *fl_report_points_merge(const json_t *journal, const json_t *readings)
{
    json_t *merged = json_array();
    size_t i = 0, j = 0;

    while (i < json_array_size(journal) || j < json_array_size(readings)) {
        json_t *a = json_array_get(journal, i), *b = json_array_get(readings, j);
        bool takes_a = a && (!b || strcmp(time_of(a), time_of(b)) <= 0);

        json_array_append(merged, takes_a ? a : b);
        i += takes_a;
        j += !takes_a;
    }
    return merged;
}

json_t *fl_report_points_of_journal(const json_t *lines)
{
    const json_t *before = NULL, *after = NULL;
    json_t *points = json_array();
    const json_t *line;
    size_t i;

    json_array_foreach(lines, i, line) {
        before = add_of_line(points, line, "before", before);
        after = add_of_line(points, line, "after", after);
    }
    while (json_array_size(points) > JOURNAL_POINTS)
        json_array_remove(points, 0);
    return points;
}
