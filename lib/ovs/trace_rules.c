/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/trace_rules.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"

#define BRIDGE   "bridge(\""
#define PRIORITY "priority "
#define COOKIE   ", cookie "

/* 'bridge("br0")', flush left or within the box of a patch port */
static bool take_bridge(const char *line, size_t n, char **bridge)
{
    const char *start = memmem(line, n, BRIDGE, strlen(BRIDGE)), *end;

    if (!start || strspn(line, " ") != (size_t)(start - line))
        return false;
    start += strlen(BRIDGE);
    end = memchr(start, '"', n - (size_t)(start - line));
    if (!end)
        return false;
    free(*bridge);
    *bridge = xmemdup0(start, end - start);
    return true;
}

/* The last "priority N" of the line: a match may have the word only before it. */
static const char *find_priority(const char *text)
{
    const char *last = NULL;

    for (const char *at = strstr(text, PRIORITY); at; at = strstr(at + 1, PRIORITY)) {
        if (at == text || !strncmp(at - 2, ", ", 2))
            last = at;
    }
    return last;
}

/* "    49. tcp,in_port=1, priority 9, cookie 0x5" */
static bool take_rule(const char *line, struct fl_traced_rule *rule)
{
    const char *text = line + strspn(line, " "), *priority, *cookie;
    unsigned int table;
    int n = 0;

    if (sscanf(text, "%3u. %n", &table, &n) != 1 || !n || table > UINT8_MAX)
        return false;
    text += n;
    priority = find_priority(text);
    if (!priority || sscanf(priority, PRIORITY "%d", &rule->priority) != 1)
        return false;
    cookie = strstr(priority, COOKIE);
    rule->cookie = cookie ? strtoull(cookie + strlen(COOKIE), NULL, 16) : 0;
    rule->table = table;
    rule->match = xmemdup0(text, priority == text ? 0 : (size_t)(priority - text) - 2);
    return true;
}

size_t fl_trace_rules(const char *text, struct fl_traced_rule **rules)
{
    _cleanup_free char *bridge = xstrdup("");
    size_t n_rules = 0, n;

    *rules = NULL;
    for (; *text && n_rules < FL_LIMIT_TRACED_RULES; text += n + (text[n] == '\n')) {
        _cleanup_free char *line = NULL;
        struct fl_traced_rule rule;

        n = strcspn(text, "\n");
        line = xmemdup0(text, n);
        if (take_bridge(line, n, &bridge) || !take_rule(line, &rule))
            continue;
        rule.bridge = xstrdup(bridge);
        *rules = xrealloc(*rules, (n_rules + 1) * sizeof **rules);
        (*rules)[n_rules++] = rule;
    }
    return n_rules;
}

void fl_traced_rules_free(struct fl_traced_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rules[i].bridge);
        free(rules[i].match);
    }
    free(rules);
}
