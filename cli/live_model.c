/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_model.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/util.h>
#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/live_read.h"

const char *fl_live_order_name(enum fl_live_order order)
{
    static const char *const names[] = { "worst", "software", "packets", "bytes", "name" };

    return names[order];
}

void fl_live_model_init(struct fl_live_model *model)
{
    *model = (struct fl_live_model){ .host = xstrdup(""), .message = xstrdup(""), .has_vms = true };
}

void fl_live_model_destroy(struct fl_live_model *model)
{
    fl_live_vms_free(model->vms, model->n_vms);
    free(model->host);
    free(model->message);
    json_decref(model->waiting);
    *model = (struct fl_live_model){ .vms = NULL };
}

/* ---- Order ---- */

static uint64_t in_software(const struct fl_live_vm *vm)
{
    return fl_tally_all(vm->packets) - vm->packets[FL_PATH_HW];
}

/* More comes first. */
static int compare_counts(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare(const struct fl_live_vm *a, const struct fl_live_vm *b, enum fl_live_order order)
{
    int result = 0;

    switch (order) {
    case FL_LIVE_SOFTWARE: result = compare_counts(in_software(a), in_software(b)); break;
    case FL_LIVE_PACKETS:
        result = compare_counts(fl_tally_all(a->packets), fl_tally_all(b->packets));
        break;
    case FL_LIVE_BYTES: result = compare_counts(a->bytes, b->bytes); break;
    case FL_LIVE_NAME: result = strcmp(a->name, b->name); break;
    case FL_LIVE_WORST:
    case FL_LIVE_N_ORDERS:
    default: break;
    }
    return result ? result : a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int compare_cb(const void *a, const void *b, void *order)
{
    return compare(a, b, *(const enum fl_live_order *)order);
}

/* Where the cursor stands: a name is what lasts. */
struct place {
    char *name; /* or NULL: on no VM */
    size_t below;
};

static struct place find_place(const struct fl_live_model *model)
{
    struct fl_live_line line;
    size_t below = 0;

    if (!fl_live_line(model, model->cursor, &line))
        return (struct place){ .name = NULL };
    while (line.is_flow && below < model->cursor) {
        below++;
        fl_live_line(model, model->cursor - below, &line);
    }
    return (struct place){ .name = xstrdup(model->vms[line.vm].name), .below = below };
}

static size_t lines_of(const struct fl_live_vm *vm)
{
    return 1 + (vm->unfolded ? vm->n_flows + (*vm->reason != '\0') + (vm->n_more_flows > 0) : 0);
}

/* The cursor follows its VM; one that is gone leaves it where it is on the screen. */
static void go_to_place(struct fl_live_model *model, struct place *place)
{
    size_t line = 0, n = fl_live_n_lines(model);

    for (size_t i = 0; place->name && i < model->n_vms; i++) {
        if (!strcmp(model->vms[i].name, place->name)) {
            model->cursor = line + MIN(place->below, lines_of(&model->vms[i]) - 1);
            break;
        }
        line += lines_of(&model->vms[i]);
    }
    model->cursor = MIN(model->cursor, n ? n - 1 : 0);
    free(place->name);
}

/* With the cursor at the top, one looks at the worst, whichever it is. */
static void sort(struct fl_live_model *model, struct place *place)
{
    if (model->n_vms)
        qsort_r(model->vms, model->n_vms, sizeof *model->vms, compare_cb, &model->order);
    if (model->cursor == 0 && place->below == 0) {
        free(place->name);
        place->name = NULL;
    }
    go_to_place(model, place);
}

/* ---- Documents ---- */

static void add_point(struct fl_live_vm *vm, const struct fl_live_point *point)
{
    size_t gone = 0;

    while (gone < vm->n_points && (vm->points[gone].time_ms <= point->time_ms - FL_LIVE_TREND_MS ||
                                   vm->points[gone].time_ms >= point->time_ms ||
                                   vm->n_points - gone == FL_LIVE_TREND_POINTS))
        gone++;
    memmove(vm->points, vm->points + gone, (vm->n_points - gone) * sizeof *vm->points);
    vm->n_points -= gone;
    vm->points[vm->n_points++] = *point;
}

static int compare_names(const void *a, const void *b)
{
    const struct fl_live_vm *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* What was there before keeps its past, and stays unfolded. */
static void inherit(struct fl_live_vm *vm, const struct fl_live_vm *const *old, size_t n_old)
{
    const struct fl_live_vm *const *found = bsearch(&vm, old, n_old, sizeof *old, compare_names);

    if (found) {
        memcpy(vm->points, (*found)->points, (*found)->n_points * sizeof *vm->points);
        vm->n_points = (*found)->n_points;
        vm->unfolded = (*found)->unfolded;
    }
}

static void inherit_all(struct fl_live_model *next, const struct fl_live_model *model)
{
    const struct fl_live_vm **old = xcalloc(model->n_vms + 1, sizeof *old);

    for (size_t i = 0; i < model->n_vms; i++)
        old[i] = &model->vms[i];
    qsort(old, model->n_vms, sizeof *old, compare_names);
    for (size_t i = 0; i < next->n_vms; i++) {
        struct fl_live_vm *vm = &next->vms[i];
        const struct fl_live_point point = {
            .time_ms = next->time_ms,
            .window_ms = next->window_ms,
            .packets = fl_tally_all(vm->packets),
            .hw_packets = vm->packets[FL_PATH_HW],
        };

        inherit(vm, old, model->n_vms);
        if (next->window_ms > 0 && !vm->by_ports)
            add_point(vm, &point);
        next->n_of[vm->verdict]++;
    }
    free(old);
}

/* Nothing could be read: what was read before stays, and is said to be old. */
static void take_failure(struct fl_live_model *model, struct fl_live_model *next)
{
    free(model->message);
    model->message = next->message;
    next->message = NULL;
    model->failed = true;
    model->exit_code = next->exit_code;
    fl_live_model_destroy(next);
}

static void take(struct fl_live_model *model, const json_t *document, int64_t now_ms)
{
    struct place place;
    struct fl_live_model next;

    if (json_is_true(json_object_get(document, "ended"))) {
        model->ended = true;
        return;
    }
    model->taken_ms = now_ms;
    fl_live_read(document, &next);
    if (next.failed) {
        take_failure(model, &next);
        return;
    }
    place = find_place(model);
    inherit_all(&next, model);
    next.order = model->order;
    next.paused = model->paused;
    next.cursor = model->cursor;
    next.top = model->top;
    next.tick_ms = model->tick_ms;
    next.taken_ms = now_ms;
    fl_live_model_destroy(model);
    *model = next;
    sort(model, &place);
}

/* That the files are at their end does not take the place of what they said last. */
void fl_live_model_take(struct fl_live_model *model, json_t *document, int64_t now_ms)
{
    if (!model->paused || json_is_true(json_object_get(document, "ended"))) {
        take(model, document, now_ms);
        return;
    }
    model->waiting_ms = now_ms;
    json_decref(model->waiting);
    model->waiting = json_incref(document);
}

/* ---- Lines ---- */

size_t fl_live_n_lines(const struct fl_live_model *model)
{
    size_t n = 0;

    for (size_t i = 0; i < model->n_vms; i++)
        n += lines_of(&model->vms[i]);
    return n;
}

bool fl_live_line(const struct fl_live_model *model, size_t i, struct fl_live_line *line)
{
    for (size_t vm = 0; vm < model->n_vms; vm++) {
        size_t n = lines_of(&model->vms[vm]);

        if (i < n) {
            bool has_reason = *model->vms[vm].reason != '\0';

            *line = (struct fl_live_line){
                .vm = vm,
                .is_flow = i > 0,
                .is_last = i == n - 1,
                .is_reason = has_reason && i == 1,
                .flow = i > 1 || (i == 1 && !has_reason) ? i - 1 - has_reason : 0,
            };
            return true;
        }
        i -= n;
    }
    return false;
}

/* ---- Keys ---- */

static void unfold(struct fl_live_model *model)
{
    struct fl_live_line line;
    struct place place;

    if (!fl_live_line(model, model->cursor, &line))
        return;
    place = find_place(model);
    place.below = 0;
    model->vms[line.vm].unfolded = !model->vms[line.vm].unfolded;
    go_to_place(model, &place);
}

static void pause_or_go_on(struct fl_live_model *model)
{
    json_t *waiting = model->waiting;

    model->paused = !model->paused;
    if (!model->paused && waiting) {
        model->waiting = NULL;
        take(model, waiting, model->waiting_ms);
        json_decref(waiting);
    }
}

static void sort_otherwise(struct fl_live_model *model)
{
    struct place place = find_place(model);

    model->order = (model->order + 1) % FL_LIVE_N_ORDERS;
    sort(model, &place);
}

void fl_live_model_key(struct fl_live_model *model, enum fl_live_key key, size_t page)
{
    size_t n = fl_live_n_lines(model), last = n ? n - 1 : 0;
    size_t step = page > 1 ? page - 1 : 1;

    switch (key) {
    case FL_LIVE_UP: model->cursor -= model->cursor > 0; break;
    case FL_LIVE_DOWN: model->cursor = MIN(model->cursor + 1, last); break;
    case FL_LIVE_PAGE_UP: model->cursor -= MIN(model->cursor, step); break;
    case FL_LIVE_PAGE_DOWN: model->cursor = MIN(model->cursor + step, last); break;
    case FL_LIVE_HOME: model->cursor = 0; break;
    case FL_LIVE_END: model->cursor = last; break;
    case FL_LIVE_SORT: sort_otherwise(model); break;
    case FL_LIVE_PAUSE: pause_or_go_on(model); break;
    case FL_LIVE_UNFOLD: unfold(model); break;
    default: break;
    }
}

void fl_live_model_scroll(struct fl_live_model *model, size_t page)
{
    size_t n = fl_live_n_lines(model);

    page = MAX(page, 1);
    if (model->cursor < model->top)
        model->top = model->cursor;
    if (model->cursor >= model->top + page)
        model->top = model->cursor - page + 1;
    model->top = MIN(model->top, n > page ? n - page : 0);
}
