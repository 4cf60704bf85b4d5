#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""NIC profiles as a C file, so that no file is read at run time. Usage: embed.py OUTPUT PROFILE.json..."""

import json
import sys

LINE = 90


def literal(text):
    """A C string over several lines."""
    pieces = [text[i:i + LINE] for i in range(0, len(text), LINE)]
    return "\n".join("    " + json.dumps(piece) for piece in pieces)


def main(output, *profiles):
    with open(output, "w", encoding="ascii") as stream:
        stream.write("/* Made by flows/nics/embed.py. */\n\n#include <stddef.h>\n\n"
                     "extern const char *const fl_profile_texts[];\n\n"
                     "const char *const fl_profile_texts[] = {\n")
        for profile in sorted(profiles):
            with open(profile, encoding="utf-8") as source:
                text = json.dumps(json.load(source), separators=(",", ":"))
            stream.write(f"{literal(text)},\n")
        stream.write("    NULL,\n};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
