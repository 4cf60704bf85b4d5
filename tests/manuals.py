# SPDX-License-Identifier: Apache-2.0
"""Every manual page is what mandoc takes without an error, and names what there is."""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("FLOWLIFT_BUILD", f"{HERE}/../build")
sys.path.insert(0, f"{HERE}/integration")

import tap  # noqa: E402

PAGES = ["cli/flowlift.1", "cli/flowlift.conf.5", "cli/flowlift-causes.7", "docs/flowlift-json.7",
         "agent/flowlift-agent.8"]
FLOWLIFT = f"{BUILD}/cli/flowlift"


class Pages:
    def __enter__(self):
        self.texts = {}
        for page in PAGES:
            with open(f"{BUILD}/{page}", encoding="utf-8") as file:
                self.texts[page] = file.read()
        return self

    def __exit__(self, *_):
        """Nothing is left behind."""


def lint(text):
    return subprocess.run(["mandoc", "-T", "lint", "-W", "error"], input=text, capture_output=True, text=True,
                          check=False)


def shown(text):
    """As a reader sees it, without overstriking."""
    done = subprocess.run(["mandoc", "-T", "utf8"], input=text, capture_output=True, text=True, check=True)
    return re.sub(r".\x08", "", done.stdout)


def pages_have_no_error(pages):
    "mandoc -T lint -W error: nothing to say of any page"
    for page, text in pages.texts.items():
        done = lint(text)
        tap.equal((done.returncode, done.stdout + done.stderr), (0, ""), page)
    tap.check(lint(".TH X 1\n.SH NAME\n.so /nowhere\n").returncode, "mandoc finds what is wrong")


def verbs_are_there(pages):
    "flowlift(1) has every verb that the overview lists"
    done = subprocess.run([FLOWLIFT, "--help"], capture_output=True, text=True, check=True)
    verbs = re.findall(r"^  (\w+)", done.stdout, re.M)
    text = shown(pages.texts["cli/flowlift.1"])
    tap.check(len(verbs) > 15, "verbs are listed", verbs)
    tap.equal([verb for verb in verbs if not re.search(rf"^\s+{verb}\b", text, re.M)], [], "verbs that it leaves out")


def keys_are_there(pages):
    "flowlift.conf(5) has the sections and keys of DESIGN"
    text = shown(pages.texts["cli/flowlift.conf.5"])
    for word in ("[storage]", "vlans", "subnets", "services", "[vm]", "id-keys", "names", "[audit]", "window", "grace",
                 "stranded-below", "[policy]", "allow-relaxations", "[agent]", "auto", "interval",
                 "max-repairs-per-hour", "[fleet]", "remote"):
        tap.check(word in text, word)


def options_are_there(pages):
    "flowlift-agent(8) has every option that flowlift-agent --help lists"
    done = subprocess.run([f"{BUILD}/agent/flowlift-agent", "--help"], capture_output=True, text=True, check=True)
    options = set(re.findall(r"^  (?:-\w, )?--([\w-]+)", done.stdout, re.M))
    text = shown(pages.texts["agent/flowlift-agent.8"])
    tap.check(len(options) > 8, "options are listed", options)
    tap.equal(sorted(option for option in options if f"--{option}" not in text and f"-{option[0]}" not in text), [],
              "options that it leaves out")


if __name__ == "__main__":
    tap.run([pages_have_no_error, verbs_are_there, keys_are_there, options_are_there], Pages)
