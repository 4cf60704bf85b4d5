/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_chart.h"

#include <stdbool.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/html.h"
#include "cli/human.h"
#include "lib/text.h"

/* In units of the drawing, which are pixels on a phone. */
#define WIDTH       360.0
#define HEIGHT      166.0
#define LEFT        56.0
#define RIGHT       354.0
#define TOP         10.0
#define BOTTOM      126.0
#define COLUMN_MOST 36.0

#define GROUPS_MOST  3u
#define POINTS_LEAST 2u
#define POINTS_MOST  48u
/* Bytes of a nanosecond are no measurement. */
#define WINDOW_LEAST_MS 1

static const char *const path_words[FL_REPORT_PATHS] = {
    [FL_PATH_HW] = "in the NIC",
    [FL_PATH_HW_PARTIAL] = "marked by the NIC, forwarded by a CPU",
    [FL_PATH_TC_SW] = "TC, in software",
    [FL_PATH_DP_SW] = "OVS datapath, in software",
    [FL_PATH_UPCALL] = "by ovs-vswitchd",
};

struct chart {
    struct ds *out;
    const json_t *points;
    size_t first; /* of the points that are shown */
    size_t n;
    bool of_bytes; /* else shares of packets */
    double top;    /* what stands at the upper end: bytes a second, or 1 */
};

struct fl_report_counts fl_report_counts(const json_t *counts)
{
    struct fl_report_counts result = { .all = 0 };

    for (enum fl_path i = 0; i < FL_REPORT_PATHS; i++) {
        const json_t *count = json_object_get(counts, fl_path_key(i));

        result.by_path[i] = (double)MAX(0, json_integer_value(count));
        result.all += result.by_path[i];
    }
    return result;
}

/* "hw 97 %, dp-sw 3 %" */
static void put_shares(struct ds *out, const struct fl_report_counts *counts)
{
    const char *between = "";
    char text[FL_HUMAN_BYTES];

    for (enum fl_path i = 0; i < FL_REPORT_PATHS; i++) {
        if (counts->by_path[i] <= 0)
            continue;
        ds_put_format(out, "%s%s ", between, path_words[i]);
        fl_html_text(out, fl_human_share(counts->by_path[i] / counts->all, text));
        ds_put_cstr(out, "\u00a0%");
        between = ", ";
    }
}

void fl_report_bar(struct ds *out, const json_t *packets)
{
    struct fl_report_counts counts = fl_report_counts(packets);
    double x = 0;

    if (counts.all <= 0)
        return;
    ds_put_cstr(out, "<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" "
                     "role=\"img\"><title>");
    put_shares(out, &counts);
    ds_put_cstr(out, "</title>");
    for (enum fl_path i = 0; i < FL_REPORT_PATHS; i++) {
        double width = 100 * counts.by_path[i] / counts.all;

        if (width > 0)
            ds_put_format(out,
                          "<rect class=\"p-%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"4\"/>",
                          fl_path_key(i), x, width);
        x += width;
    }
    ds_put_cstr(out, "</svg>");
}

/* Bytes a second as people read them; hostile counts can be more than an integer holds. */
static const char *rate_text(double rate, char buf[FL_HUMAN_BYTES])
{
    return fl_human_bytes((uint64_t)MIN(rate, 1e19), buf);
}

static const json_t *point_at(const struct chart *chart, size_t i)
{
    return json_array_get(chart->points, chart->first + i);
}

/* How high the parts of a point's column are, together at most about chart->top. */
static struct fl_report_counts heights_of(const struct chart *chart, const json_t *point)
{
    struct fl_report_counts counts = fl_report_counts(
        json_object_get(point, chart->of_bytes ? "bytes" : "packets"));
    json_int_t window_ms = json_integer_value(json_object_get(point, "window_ms"));
    double unit = chart->of_bytes ? (double)window_ms / 1000 : counts.all;

    if (unit <= 0 || (chart->of_bytes && window_ms < WINDOW_LEAST_MS))
        return (struct fl_report_counts){ .all = 0 };
    for (enum fl_path i = 0; i < FL_REPORT_PATHS; i++)
        counts.by_path[i] /= unit;
    counts.all /= unit;
    return counts;
}

/* The next of 1, 2, 5, 10, 20, ... */
static double round_up(double value)
{
    static const double steps[] = { 2, 2.5, 2 };
    double rounded = 1;

    for (size_t i = 0; rounded < value; i++)
        rounded *= steps[i % ARRAY_SIZE(steps)];
    return rounded;
}

/* From one column to the next. */
static double pitch_of(const struct chart *chart)
{
    return (RIGHT - LEFT) / (double)chart->n;
}

/* A gap tells readings of another kind apart. */
static bool begins_group(const struct chart *chart, size_t i)
{
    return i > 0 &&
           strcmp(fl_text_at(point_at(chart, i - 1), "by"), fl_text_at(point_at(chart, i), "by"));
}

/* Where the place of a column begins. */
static double place_of(const struct chart *chart, size_t i)
{
    return LEFT + (double)i * pitch_of(chart);
}

static void put_label(struct ds *out, double x, double y, const char *anchor, const char *text)
{
    ds_put_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    fl_html_text(out, text);
    ds_put_cstr(out, "</text>");
}

static void put_axis(const struct chart *chart)
{
    char text[FL_HUMAN_BYTES];

    for (unsigned int i = 0; i <= 2; i++) {
        double y = BOTTOM - (BOTTOM - TOP) * i / 2;

        ds_put_format(chart->out,
                      "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                      LEFT, RIGHT, y, y);
        if (chart->of_bytes)
            rate_text(chart->top * i / 2, text);
        else
            snprintf(text, sizeof text, "%u\u00a0%%", 50 * i);
        put_label(chart->out, LEFT - 5, y + 4, "end", text);
    }
}

static void put_column(const struct chart *chart, size_t i)
{
    const json_t *point = point_at(chart, i);
    struct fl_report_counts heights = heights_of(chart, point);
    double width = MIN(MAX(pitch_of(chart) - 2, 1), COLUMN_MOST), y = BOTTOM;
    double x = place_of(chart, i) + (pitch_of(chart) - width) / 2;
    char text[FL_HUMAN_BYTES];

    ds_put_cstr(chart->out, "<g><title>");
    fl_html_put(chart->out, point, "time");
    ds_put_cstr(chart->out, ": ");
    if (heights.all <= 0)
        ds_put_cstr(chart->out, "no storage packets");
    else if (chart->of_bytes)
        ds_put_format(chart->out, "%s/s", rate_text(heights.all, text));
    else
        put_shares(chart->out, &heights);
    ds_put_cstr(chart->out, "</title>");
    for (enum fl_path j = 0; j < FL_REPORT_PATHS; j++) {
        double height = (BOTTOM - TOP) * heights.by_path[j] / chart->top;

        y -= height;
        if (height > 0)
            ds_put_format(chart->out,
                          "<rect class=\"p-%s\" x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" "
                          "height=\"%.2f\"/>",
                          fl_path_key(j), x, y, width, height);
    }
    ds_put_cstr(chart->out, "</g>");
}

static const char *group_words(const json_t *point)
{
    const char *by = fl_text_at(point, "by");

    return !strcmp(by, "journal") ? "journal" : !strcmp(by, "capture") ? "captures" : "samples";
}

static size_t n_groups(const struct chart *chart)
{
    size_t n = 1;

    for (size_t i = 1; i < chart->n; i++)
        n += begins_group(chart, i);
    return n;
}

/* What the columns between two gaps are. Where one kind is strewn among the other, the table has to say it. */
static void put_groups(const struct chart *chart)
{
    size_t begin = 0;

    if (n_groups(chart) > GROUPS_MOST)
        return;

    for (size_t i = 1; i <= chart->n; i++) {
        if (i < chart->n && !begins_group(chart, i))
            continue;
        put_label(chart->out, (place_of(chart, begin) + place_of(chart, i)) / 2, BOTTOM + 15,
                  "middle", group_words(point_at(chart, begin)));
        if (i < chart->n)
            ds_put_format(chart->out,
                          "<line class=\"cut\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                          place_of(chart, i), place_of(chart, i), TOP - 4, BOTTOM + 18);
        begin = i;
    }
}

/* "2026-03-01 12:00:05", or as much as there is */
static void put_time(struct ds *out, double x, const char *anchor, const char *time)
{
    char text[20];
    char *t;

    ovs_strlcpy(text, time, sizeof text);
    t = strchr(text, 'T');
    if (t)
        *t = ' ';
    put_label(out, x, BOTTOM + 33, anchor, text);
}

static void put_svg(const struct chart *chart, unsigned int id)
{
    const char *kind = chart->of_bytes ? "b" : "s";

    ds_put_format(chart->out,
                  "<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
                  "aria-labelledby=\"c%u%s-t c%u%s-d\"><title id=\"c%u%s-t\">",
                  WIDTH, HEIGHT, id, kind, id, kind, id, kind);
    ds_put_cstr(chart->out, chart->of_bytes ? "Storage bytes a second, by path, over time"
                                            : "Share of storage packets by path, over time");
    ds_put_format(
        chart->out,
        "</title><desc id=\"c%u%s-d\">%zu readings, the oldest at the left; the table below "
        "has the same numbers.</desc>",
        id, kind, chart->n);
    put_axis(chart);
    for (size_t i = 0; i < chart->n; i++)
        put_column(chart, i);
    put_groups(chart);
    put_time(chart->out, LEFT, "start", fl_text_at(point_at(chart, 0), "time"));
    put_time(chart->out, RIGHT, "end", fl_text_at(point_at(chart, chart->n - 1), "time"));
    ds_put_cstr(chart->out, "</svg>");
}

static double most_bytes(const struct chart *chart)
{
    double most = 0;

    for (size_t i = 0; i < chart->n; i++)
        most = MAX(most, heights_of(chart, point_at(chart, i)).all);
    return most;
}

static void put_legend(const struct chart *chart)
{
    bool occurs[FL_REPORT_PATHS] = { false };

    for (size_t i = 0; i < chart->n; i++) {
        struct fl_report_counts counts = fl_report_counts(
            json_object_get(point_at(chart, i), "packets"));

        for (enum fl_path j = 0; j < FL_REPORT_PATHS; j++)
            occurs[j] |= counts.by_path[j] > 0;
    }
    ds_put_cstr(chart->out, "<ul class=\"legend\">");
    for (enum fl_path j = 0; j < FL_REPORT_PATHS; j++) {
        if (occurs[j])
            ds_put_format(chart->out, "<li><span class=\"key p-%s\"></span>%s</li>", fl_path_key(j),
                          path_words[j]);
    }
    ds_put_cstr(chart->out, "</ul>");
}

void fl_report_charts(struct ds *out, const json_t *points, unsigned int id)
{
    const size_t n = json_array_size(points);
    struct chart chart = {
        .out = out,
        .points = points,
        .n = MIN(n, POINTS_MOST),
        .first = n - MIN(n, POINTS_MOST),
        .top = 1,
    };
    double most;

    if (n < POINTS_LEAST)
        return;
    ds_put_cstr(out, "<div class=\"charts\"><figure><figcaption>Share of packets</figcaption>");
    put_svg(&chart, id);
    ds_put_cstr(out, "</figure>");
    chart.of_bytes = true;
    most = most_bytes(&chart);
    if (most > 0) {
        chart.top = round_up(most);
        ds_put_cstr(out, "<figure><figcaption>Bytes a second</figcaption>");
        put_svg(&chart, id);
        ds_put_cstr(out, "</figure>");
    }
    ds_put_cstr(out, "</div>");
    put_legend(&chart);
}
