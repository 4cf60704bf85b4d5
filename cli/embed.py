#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A text as a C file, so that no file is read at run time. Usage: embed.py OUTPUT NAME TEXT"""

import json
import os
import sys


def main(output, name, text):
    with open(text, encoding="ascii") as source:
        lines = "".join(f"    {json.dumps(line)}\n" for line in source)
    with open(output, "w", encoding="ascii") as stream:
        stream.write(f"/* Made by cli/embed.py of {os.path.basename(text)}. */\n\n"
                     f"extern const char {name}[];\n\nconst char {name}[] =\n{lines.rstrip()};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
