/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Remedies that retire with the permanent fix: who looks at them (the guard, the status) sees that the time has
 * come, or that the Open vSwitch runs that has it.
 */

#include <errno.h>

#include <ovs/util.h>

#include "lib/remedy.h"

bool fl_remedy_is_retired(const struct fl_remedy *remedy, int64_t now_ms, const char *ovs_version)
{
    return remedy->state != FL_REMEDY_REVERTED &&
           fl_until_has_come(&remedy->until, now_ms, ovs_version);
}

char *fl_remedy_retired_why(const struct fl_remedy *remedy, const char *ovs_version)
{
    const struct fl_until *until = &remedy->until;
    char text[FL_UNTIL_TEXT_BYTES];

    fl_until_format(until, text);
    if (until->time_ms) {
        return xasprintf("retired: it was to stand until %s", text);
    }
    return xasprintf("retired: it was to stand until Open vSwitch %s, and %s runs", text,
                     ovs_version ? ovs_version : "that");
}

int fl_remedy_check_until(const struct fl_until *until, int64_t now_ms, const char *ovs_version,
                          struct fl_error *err)
{
    char text[FL_UNTIL_TEXT_BYTES];

    if (until->version[0] && !ovs_version) {
        return fl_error_set(
            err, -EINVAL,
            "no remedy until Open vSwitch %s, since nobody can tell which one runs: "
            "OVSDB has no ovs_version",
            until->version);
    }
    if (!fl_until_has_come(until, now_ms, ovs_version)) {
        return 0;
    }
    fl_until_format(until, text);
    if (until->time_ms) {
        return fl_error_set(err, -EINVAL,
                            "no remedy until %s, since that is over: it would retire at once",
                            text);
    }
    return fl_error_set(err, -EINVAL,
                        "no remedy until Open vSwitch %s, since %s runs here already: it would "
                        "retire at once",
                        text, ovs_version);
}
