/* SPDX-License-Identifier: Apache-2.0 */

/*
 * flowlift.conf(5), from the table of keys (lib/base/config_keys.h). The build writes it:
 * flowlift help flowlift.conf --man.
 */

#include <string.h>

#include "cli/help.h"
#include "cli/roff.h"
#include "lib/base/config_keys.h"

static void put_key(struct fl_output *out, const struct fl_config_key *key)
{
    fl_output_printf(out, ".TP\n");
    fl_roff_line(out, ".B", key->name);
    fl_roff_line(out, NULL, key->meaning);
    fl_output_printf(out, ".br\nAllowed: ");
    fl_roff_text(out, key->allowed);
    if (*key->default_text) {
        fl_output_printf(out, ".\n.br\nDefault: ");
        fl_roff_text(out, key->default_text);
    }
    fl_output_printf(out, ".\n");
}

int fl_help_manual_conf(struct fl_output *out)
{
    const char *section = "";
    const struct fl_config_key *keys;
    size_t n;

    fl_output_printf(
        out,
        ".TH FLOWLIFT.CONF 5 \"\" \"flowlift %s\" \"File Formats\"\n"
        ".SH NAME\nflowlift.conf \\- configuration of flowlift and flowlift\\-agent\n"
        ".SH SYNOPSIS\n.I /etc/flowlift/flowlift.conf\n.br\n.I /etc/flowlift/conf.d/*.conf\n"
        ".SH DESCRIPTION\n"
        "None is needed: without one, NFS on every VLAN is audited. Sections in brackets, a key and "
        "its value a line. A line that begins with '#' is a comment. Files of conf.d come after flowlift.conf, in the "
        "order of their names; the last that sets a key wins. An unknown key is an error, which "
        "names the nearest known one. The agent reads it again on SIGHUP.\n"
        ".SH KEYS\n",
        FLOWLIFT_VERSION);
    keys = fl_config_keys(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(section, keys[i].section)) {
            section = keys[i].section;
            fl_output_printf(out, ".SS [");
            fl_roff_text(out, section);
            fl_output_printf(out, "]\n");
        }
        put_key(out, &keys[i]);
    }
    fl_output_printf(out, ".SH EXAMPLES\n.nf\n"
                          "[storage]\nvlans = 100\nsubnets = 10.100.0.0/24\n\n"
                          "[agent]\nauto = repair\nmax\\-repairs\\-per\\-hour = 6\n.fi\n"
                          ".SH SEE ALSO\n.BR flowlift (1),\n.BR flowlift\\-agent (8)\n");
    return FL_EXIT_DONE;
}
