# SPDX-License-Identifier: Apache-2.0
"""flowlift report: the document, and the page as a browser shows it, on a phone, on a desk and on paper."""

import contextlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile

import gathered
import report_host
import samples
import tap
from answer import FLOWLIFT, RUN_SECONDS, SANITIZED, Answer
from browser import Browser

PHONE, DESK = 360, 1280
# Characters that are seen as they are, and those that are shown as what they are.
HOSTILE = "<script>document.title='run'</script>\"'&\u202egnp.exe\u200f</title><img src=x onerror=alert(1)>"
# What Open vSwitch takes, and what flowlift takes for a name (FL_LIMIT_NAME_BYTES).
LONG, LONGEST = "x" * 4096, "x" * 255
PATHS = ["hw", "hw_partial", "tc_sw", "dp_sw", "upcall"]


class Desk:
    """A folder with captures of a host before and after a repair, and what flowlift keeps of it."""

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.folder = tempfile.mkdtemp(prefix="flowlift-report-")
        self.stack.callback(shutil.rmtree, self.folder)
        self.empty_root = self.path("empty")
        os.makedirs(self.empty_root)
        self.root = self.path("root")
        report_host.write_root(self.root, report_host.remedy("web-2"))
        self.captures = self.write_all("at", report_host.series())
        self.browser_ = None
        return self

    def __exit__(self, *_):
        self.stack.close()

    def browser(self):
        if not shutil.which("chromedriver"):
            tap.skip("there is no chromedriver: tools/setup test")
        if not self.browser_:
            self.browser_ = self.stack.enter_context(Browser())
        return self.browser_

    def path(self, name):
        return f"{self.folder}/{name}"

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def write_all(self, name, texts):
        return [self.write(f"{name}-{i}.json", text) for i, text in enumerate(texts)]

    def report(self, *words, files=(), root=None):
        words = ["report", *words, "--root", root or self.empty_root]
        for file in files:
            words += ["--from", file]
        env = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "OVS_RUNDIR": self.folder,
               "OVS_DBDIR": self.folder}
        done = subprocess.run([FLOWLIFT, *words], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
        return Answer(tuple(words), done.returncode, done.stdout, done.stderr)

    def page(self, name, *words, **options):
        """(the address of a page, the document that it was made from in the same run)"""
        file = self.path(f"{name}.html")
        answer = self.report(*words, "-o", file, "--json", **options)
        tap.check(answer.code in (0, 1), "there is a report", str(answer))
        return f"file://{file}", answer.json

    def pages(self):
        """A page of each kind: (name, address, document)."""
        for name, words, files, root in (
                ("repaired", ("web-2",), self.captures, self.root),
                ("stranded", ("web-2",), self.captures[:1], self.empty_root),
                ("host", (), self.write_all("host", report_host.series(vms=9, stranded_first=(2, 5))[:3]),
                 self.root)):
            yield (name, *self.page(name, *words, files=files, root=root))
        yield ("fleet", *self.fleet_page(gathered.fleet(60, 50)))

    def fleet_page(self, files):
        folder = tempfile.mkdtemp(dir=self.folder)
        paths = []
        for name, text in {**files, "cut.jsonl": "{"}.items():
            paths.append(f"{folder}/{name}")
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([FLOWLIFT, "fleet", "report", "-o", f"{folder}/fleet.html", "--json", *paths],
                              capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
        tap.equal((done.returncode, done.stderr), (2, ""), "one file was not read")
        return f"file://{folder}/fleet.html", json.loads(done.stdout)


# ---- The document ----


def a_stranded_vm(desk):
    "report VM --from: the page in its place, 0640; verdict, cause, evidence; exit 1"
    file = desk.path("stranded.html")
    answer = desk.report("web-2", "-o", file, files=desk.captures[:1]).expect(1)
    tap.check(answer.out.startswith("The storage traffic of web-2 is stuck in software: 0 %"),
              "it says how things stand", str(answer))
    tap.equal(stat.S_IMODE(os.stat(file).st_mode), 0o640, "mode of the page")
    document = desk.report("web-2", "--json", files=desk.captures[:1]).expect(1).json
    vm = document["vms"][0]
    tap.equal((document["host"], document["of"], vm["now"]["verdict"], vm["now"]["hw_share"]),
              ("node7", "vm", "stranded", 0.0), "what it is of, and says")
    tap.equal([(cause["id"], cause["certainty"]) for cause in vm["causes"]],
              [("conntrack", "seen"), ("pipeline-looks-closer", "may-be")], "causes")
    tap.equal(vm["causes"][0]["evidence"], ["ct(zone=2),recirc(0x4)", "ct(zone=2),recirc(0x5)"],
              "evidence")
    tap.equal((vm["before"], vm["remedy"], vm["next"]), (None, None, "flowlift plan web-2"),
              "nothing was done")
    tap.equal(vm["n_chains"], len(vm["chains"]), "all chains are there")


def a_page_on_standard_output(desk):
    "report -o -: the page and nothing else, whole"
    out = desk.report("web-2", "-o", "-", files=desk.captures[:1]).expect(1).out
    tap.check(out.startswith("<!DOCTYPE html>\n") and out.endswith("</html>\n"), "one page", out[:200])


def captures_are_points_in_time(desk):
    "several --from: each capture is a point, the first is before, the last is now"
    document = desk.report("web-2", "--json", files=desk.captures).expect(0).json
    vm = document["vms"][0]
    tap.equal([(point["time"], point["by"], point["hw_share"]) for point in vm["points"]],
              [(report_host.time_of(60 * i + 5), "capture", float(i > 2)) for i in range(7)], "points")
    tap.equal((vm["before"]["hw_share"], vm["before_time"], vm["now"]["hw_share"]),
              (0.0, report_host.time_of(5), 1.0), "before and now")
    tap.equal((vm["causes_of"], vm["causes"][0]["id"]), ("before", "conntrack"), "the cause, of before")
    tap.equal(document["words"], "The NIC forwards the storage traffic of web-2: 100 % of its packets, "
              "0 % before.", "the sentence")


def a_remedy_is_told(desk):
    "a remedy on disk: before and after, who, why, the rules, the proof and the journal"
    document = desk.report("web-2", "--json", files=desk.captures[4:5], root=desk.root).expect(0).json
    vm, of = document["vms"][0], report_host.remedy("web-2")
    remedy = vm["remedy"]
    tap.equal({key: remedy[key] for key in ("state", "reason", "who", "ticket", "created", "changed")},
              {key: of[key] for key in ("state", "reason", "who", "ticket", "created", "changed")}, "remedy")
    tap.equal((remedy["regions"], remedy["traces"], remedy["proof_ms"]), (5, 16, 71), "proof")
    tap.equal([item["id"] for item in remedy["relaxations"]], ["ct-invalid"], "relaxations")
    tap.equal([rule["direction"] for rule in remedy["rules"]], ["from-vm", "to-vm"], "rules")
    tap.check(all("actions=NORMAL" in rule["text"] for rule in remedy["rules"]), "rules as text", remedy)
    tap.equal((vm["before"], vm["after"]), (of["before"], of["after"]), "before and after")
    tap.equal([line["step"] for line in vm["journal"]], ["plan", "install", "verify"], "journal")
    tap.equal([(point["by"], point["step"]) for point in vm["points"]],
              [("journal", "before"), ("journal", "after"), ("capture", None)], "points")
    tap.equal(vm["done"], "2 OpenFlow rules were installed, and verified in counters, by anna for ticket "
              "T-1: 100.0 % of 1200 storage packets were forwarded by the NIC.", "done")
    tap.equal(document["ticket"], "T-1", "ticket")


def a_damaged_remedy_is_said(desk):
    "a remedy file that cannot be read: said on the page, and never that there is none"
    root = desk.path("damaged")
    report_host.write_root(root, {**report_host.remedy("web-2"), "state": "bad"})
    vm = desk.report("web-2", "--json", files=desk.captures[:1], root=root).json["vms"][0]
    tap.check("state must be" in vm["unread"], "it says what is wrong", vm["unread"])
    tap.check(vm["done"].startswith("Not known"), "it does not say that nothing was done", vm["done"])


def the_host_as_a_whole(desk):
    "report without a VM: all VMs, the worst first; what is stranded is told with its causes; exit 1"
    files = desk.write_all("whole", report_host.series(vms=9, stranded_first=(2, 5))[:3])
    document = desk.report("--json", files=files, root=desk.root).expect(1).json
    tap.equal([(vm["name"], vm["told"]) for vm in document["vms"]],
              [("web-2", True), ("web-5", True)] + [(f"web-{i}", False) for i in (1, 3, 4, 6, 7, 8, 9)],
              "VMs, and whether they are told")
    tap.equal([vm["causes"][0]["id"] for vm in document["vms"][:2]], ["conntrack"] * 2, "causes")
    tap.equal(document["summary"]["stranded"], 2, "summary")
    tap.equal([round(point["hw_share"], 3) for point in document["points"]], [0.778] * 3, "points")
    tap.equal(document["words"],
              "2 of 9 VMs on node7 have storage traffic in software: web-2, web-5.", "the sentence")


def dumps_make_a_report(desk):
    "raw dumps, as the other verbs take them: two make a window"
    files = [desk.write(f"dump-{n}.txt", samples.dump(n)) for n in (1000, 3000)]
    document = desk.report("--json", files=files).expect(1).json
    tap.equal([(vm["name"], vm["now"]["verdict"]) for vm in document["vms"]],
              [("vm2", "stranded"), ("vm1", "offloaded"), ("vm3", "offloaded")], "verdicts")
    tap.equal(document["window_ms"], 5000, "window")


def a_plan_is_shown(desk):
    "--plan: its rules and its proof, as what would be done"
    plan = {"schema": "flowlift/plan/1", "host": socket.gethostname(),
            "flowset": report_host.remedy("web-2")["flow_set"]}
    file = desk.write("plan.json", json.dumps(plan))
    vm = desk.report("web-2", "--plan", file, "--json", files=desk.captures[:1]).expect(1).json["vms"][0]
    tap.equal((vm["remedy"]["state"], vm["remedy"]["traces"], len(vm["remedy"]["rules"])),
              ("planned", 16, 2), "the plan")
    tap.equal(vm["next"], "flowlift apply web-2", "next")


def what_is_refused(desk):
    "what cannot be: one sentence, exit 2, and no file"
    backwards = desk.captures[1::-1]
    other = desk.write("other.json", report_host.capture(300).replace('"node7"', '"node8"'))
    page = desk.path("never.html")
    for parts, words, files in (
            (("needs -o FILE",), ("web-2",), desk.captures[:1]),
            (("--plan is of one VM",), ("--plan", page, "-o", page), desk.captures[:1]),
            (("web-22", "web-2"), ("web-22", "-o", page), desk.captures[:1]),
            (("not later", "earlier capture first"), ("-o", page), backwards),
            (("host node8", "of one host"), ("-o", page), [desk.captures[0], other]),
            (("/absent",), ("web-2", "-o", desk.path("absent/x.html")), desk.captures[:1])):
        desk.report(*words, files=files).expect(2).expect_sentence(*parts)
        tap.check(not os.path.exists(page), "there is no page", words)


# ---- The page ----


def nothing_flows_over(desk):
    "at 360 and 1280 px, light and dark: no wider than the window, no message, no request"
    browser = desk.browser()
    for name, address, _ in desk.pages():
        for width, dark in ((PHONE, False), (PHONE, True), (DESK, False), (DESK, True)):
            browser.size(width, dark=dark)
            browser.open(address)
            tap.equal(browser.run("return innerWidth"), width, f"{name}: width of the window")
            tap.check(browser.run("return document.documentElement.scrollWidth") <= width,
                      f"{name} is no wider than {width} px", browser.run(TOO_WIDE))
            tap.equal(browser.run(TOO_WIDE), [], f"{name}, {width} px: elements that are cut")
            tap.equal(browser.messages(), [], f"{name}: messages")
            tap.equal(browser.requests(), [address], f"{name}: requests")


# Elements that reach beyond the window.
TOO_WIDE = """
    return [...document.querySelectorAll("main *")].filter(e => !e.closest("thead") &&
        (e.getBoundingClientRect().right > innerWidth + .5 || e.getBoundingClientRect().left < -.5))
        .map(e => e.outerHTML.slice(0, 80))"""

# All <data> of what a selector finds.
NUMBERS = """return [...document.querySelectorAll(arguments[0])].map(
    e => [...e.querySelectorAll("data")].map(d => [Number(d.value), d.textContent]))"""


def human(count):
    """As cli/human.h writes a count."""
    if count < 10000:
        return str(count)
    unit = 0
    while count >= 999.5:
        count, unit = count / 1000, unit + 1
    return f"{count:.{2 if count < 9.995 else 1 if count < 99.95 else 0}f}{' kMGTPE'[unit].strip()}"


def numbers_of(packets, share, of_bytes):
    """What a row says of it: share, packets in hardware and in software, bytes; as values."""
    if share is None:
        return [packets["hw"], sum(packets[path] for path in PATHS[1:]), sum(of_bytes.values())]
    return [share, packets["hw"], sum(packets[path] for path in PATHS[1:]), sum(of_bytes.values())]


def of_entry(entry):
    return numbers_of(entry["storage"]["packets"], entry["hw_share"], entry["storage"]["bytes"])


def of_second(one, counts):
    return float(f"{one[counts]['sw'] * 1000 / one['window_ms']:.9g}")


def the_fleet_is_the_documents(browser, document):
    """Its tables: patterns, VMs, hosts; and who is not heard."""
    for selector, rows in (
            (".patterns", [[one["stranded"], one["hosts"], one["vms_alike"]] for one in document["patterns"]]),
            (".fleet", [[one["hw_share"], of_second(one, "packets"), of_second(one, "bytes")]
                                           for one in document["vms"]]),
            (".hosts", [[sum(one["vms"].values()), *(one["vms"][v] for v in ("stranded", "leaking", "unknown"))]
                        for one in document["hosts"]])):
        shown = browser.run(NUMBERS, f"{selector} tbody tr")
        tap.equal([[value for value, _ in row] for row in shown], rows, f"fleet: {selector}")
    names = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
    tap.equal(browser.run(names, ".silent dt"), [one["name"] for one in document["not_heard"]], "not heard")
    tap.equal(browser.run(names, ".words"), [document["words"]], "fleet: the sentence")
    tap.equal(browser.run(names, ".unread dd"), [one["reason"] for one in document["unread"]], "not read")
    tap.check("and 2900 more VMs (-n 0 for all)" in browser.run(names, ".more"), "how many more there are")


def the_numbers_are_the_documents(desk):
    "every number of the tiles and tables is that of the document"
    browser = desk.browser()
    for name, address, document in desk.pages():
        browser.open(address)
        if document["of"] == "audits":
            the_fleet_is_the_documents(browser, document)
            continue
        vm = document["vms"][0]
        if document["of"] == "vm":
            rows = [vm["now"], *vm["peers"]]
            tiles = [entry for entry in (vm["before"], vm["now"]) if entry]
            points = vm["points"]
            shown = browser.run(NUMBERS, ".tile:has(.bar)")
            tap.equal([[value for value, _ in tile] for tile in shown],
                      [[entry["hw_share"], sum(entry["storage"]["packets"].values())] for entry in tiles],
                      f"{name}: tiles")
        else:
            rows = [vm["now"] for vm in document["vms"]]
            points = document["points"]
            shown = browser.run(NUMBERS, ".counts li")
            tap.equal([tile[0][0] for tile in shown],
                      [document["summary"][v] for v in
                       ("stranded", "leaking", "unknown", "idle", "offloaded")], f"{name}: counts")
        shown = browser.run(NUMBERS, ".vms tbody tr")[:len(rows)]
        tap.equal([[value for value, _ in row] for row in shown], [of_entry(row) for row in rows],
                  f"{name}: VMs")
        tap.equal([row[1][1] for row in shown], [human(row[1][0]) for row in shown], f"{name}: as text")
        if len(points) > 1:
            shown = browser.run(NUMBERS, ".points tbody tr")[:len(points)]
            tap.equal([[value for value, _ in row] for row in shown],
                      [numbers_of(point["packets"], point["hw_share"], point["bytes"])
                       for point in points], f"{name}: points")
        tap.equal(browser.run("return document.querySelector('.words').textContent"), document["words"],
                  f"{name}: the sentence")


def charts_show_the_points(desk):
    "the chart: a column for each point, as high as its share"
    browser = desk.browser()
    address, document = desk.page("charted", "web-2", files=desk.captures, root=desk.root)
    browser.open(address)
    columns = browser.run("""return [...document.querySelector(".chart").querySelectorAll("g")].map(
        g => [...g.querySelectorAll("rect")].map(r => [r.className.baseVal, r.height.baseVal.value]))""")
    points = document["vms"][0]["points"]
    tap.equal(len(columns), len(points), "columns")
    for column, point in zip(columns, points):
        tap.equal(column, [["p-hw" if point["hw_share"] else "p-dp_sw", 116]], "a column")


def a_hostile_vm(desk):
    "names, reasons and tickets full of markup: shown as they are, nothing runs, nothing flows over"
    browser = desk.browser()
    of = {**report_host.remedy(HOSTILE, who=HOSTILE, ticket=HOSTILE), "reason": "</style>" + "y" * 4000}
    root = desk.path("hostile")
    report_host.write_root(root, of)
    files = desk.write_all("hostile", report_host.series(names={2: HOSTILE}))
    seen = HOSTILE[:80].replace("\u202e", "[U+202E]").replace("\u200f", "[U+200F]") + "\u2026"
    for words, number in ((("00000002-1111",), 7), ((), 2)):
        address, document = desk.page("hostile", *words, files=files[:number], root=root)
        tap.equal(document["vms"][0]["name"], HOSTILE, "the document has its name as it is")
        for width in (PHONE, DESK):
            browser.size(width)
            browser.open(address)
            tap.equal(browser.run("return document.querySelectorAll('script,img,iframe,object').length"),
                      0, "elements that are none of the page's")
            tap.check(browser.run("return document.title") != "run", "nothing ran")
            tap.check(browser.run("return document.documentElement.scrollWidth") <= width,
                      f"no wider than {width} px", browser.run(TOO_WIDE))
            name = browser.run("return [...document.querySelectorAll('bdi')].map(b => b.textContent)")
            tap.check(seen in name, "its name is to be read", name)
            tap.equal(browser.messages(), [], "messages")
            tap.equal(browser.requests(), [address], "requests")


def a_hostile_fleet(desk):
    "names in a fleet full of markup, and without end: shown as they are, nothing runs, nothing flows over"
    browser = desk.browser()
    address, document = desk.fleet_page(gathered.fleet(6, 5, names={(0, 3): HOSTILE, (5, 3): LONG[:250]}, n_silent=0))
    tap.equal(document["vms"][1]["name"], HOSTILE, "the document has its name as it is")
    for width in (PHONE, DESK):
        browser.size(width)
        browser.open(address)
        tap.equal(browser.run("return document.querySelectorAll('script,img,iframe,object').length"), 0,
                  "elements that are none of the page's")
        tap.check(browser.run("return document.documentElement.scrollWidth") <= width,
                  f"no wider than {width} px", browser.run(TOO_WIDE))
        tap.equal((browser.messages(), browser.requests()), ([], [address]), "messages, requests")


def a_name_without_end(desk):
    "a VM name of 255 bytes is clipped; of one of 4 KB its identity is shown; both on the first screen"
    browser = desk.browser()
    for name, shown in ((LONGEST, "x" * 80 + "\u2026"), (LONG, report_host.vm_id(2))):
        file = desk.write("long.json", report_host.capture(5, stranded=(2,), names={2: name}))
        address, _ = desk.page("long", report_host.vm_id(2), files=[file])
        for width in (PHONE, DESK):
            browser.size(width)
            browser.open(address)
            tap.equal(browser.run("return document.querySelector('h1 bdi').textContent"), shown, "heading")
            tap.check(browser.run("return document.documentElement.scrollWidth") <= width,
                      f"no wider than {width} px", browser.run(TOO_WIDE))
            tap.check(browser.run("return document.querySelector('.tile').getBoundingClientRect().bottom")
                      < 700, "what it says is on the first screen")


def nothing_can_run(desk):
    "the policy of the page lets no script run, not even one that got into it"
    browser = desk.browser()
    address, _ = desk.page("policy", "web-2", files=desk.captures[:1])
    browser.open(address)
    browser.run("""const s = document.createElement("script"); s.textContent = "window.ran = true";
                   document.body.append(s);
                   const i = new Image(); i.src = "http://127.0.0.1:9/x.png"; document.body.append(i)""")
    tap.equal(browser.run("return window.ran"), None, "whether it ran")
    tap.check(any("Content Security Policy" in message for message in browser.messages()),
              "the browser refused it")


# WCAG 2: the contrast of each text with what lies below it, where it is less than 4.5.
FAINT = """
    const channel = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
    const colour = text => text.match(/[\\d.]+/g).map(Number);
    const ground = e => { for (; e; e = e.parentElement) {
        const c = colour(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
    return [...document.querySelectorAll("body *")].filter(e =>
        [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) && !e.closest("title,desc"))
        .map(e => { const style = getComputedStyle(e);
            const [a, b] = [light(colour(e.closest("svg") ? style.fill : style.color)), light(ground(e))];
            return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 80)]; })
        .filter(([contrast]) => contrast < 4.5)"""

MEANING = """
    const all = s => [...document.querySelectorAll(s)];
    return {
        lang: document.documentElement.lang,
        headings: all("h1,h2,h3,h4").map(h => Number(h.tagName[1])),
        headers: all("th:not([scope])").length,
        captions: all("table").length - all("table>caption").length,
        drawings: all("svg").filter(s => s.getAttribute("role") != "img" ||
                                         !s.querySelector(":scope>title")).length,
        ids: all("[id]").length - new Set(all("[id]").map(e => e.id)).size,
        labels: all("[aria-labelledby]").filter(e => e.getAttribute("aria-labelledby").split(" ")
                                                     .some(id => !document.getElementById(id))).length,
    }"""


def it_is_for_everybody(desk):
    "contrast of 4.5 or more, light and dark; headings in order; tables and drawings say what they are"
    browser = desk.browser()
    for name, address, _ in desk.pages():
        for dark in (False, True):
            browser.size(DESK, dark=dark)
            browser.open(address)
            tap.equal(browser.run(FAINT), [], f"{name}, {'dark' if dark else 'light'}: faint text")
        meaning = browser.run(MEANING)
        headings = meaning.pop("headings")
        tap.equal(headings[0], 1, f"{name}: the first heading")
        tap.equal(headings.count(1), 1, f"{name}: headings of the first level")
        tap.check(all(b <= a + 1 for a, b in zip(headings, headings[1:])), "no level is left out", headings)
        tap.equal(meaning, {"lang": "en", "headers": 0, "captions": 0, "drawings": 0, "ids": 0,
                            "labels": 0}, f"{name}: meaning")


def it_is_printed(desk):
    "on paper: A4, a few pages, light whatever the screen is"
    browser = desk.browser()
    for (name, address, _), most in zip(desk.pages(), (4, 3, 9, 12)):
        browser.size(DESK, dark=True)
        browser.open(address)
        browser.devtools("Emulation.setEmulatedMedia", media="print")
        tap.equal(browser.run("return getComputedStyle(document.body).backgroundColor"),
                  "rgb(255, 255, 255)", f"{name}: the ground")
        tap.equal(browser.run(FAINT), [], f"{name}, printed: faint text")
        browser.devtools("Emulation.setEmulatedMedia", media="")
        pdf = browser.pdf()
        pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
        tap.check(1 <= pages <= most, f"{name}: at most {most} pages", pages)
        sizes = {tuple(float(n) for n in box.split())
                 for box in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", pdf)}
        tap.check(all(abs(w - 595) < 2 and abs(h - 842) < 2 for _, _, w, h in sizes), "A4", sizes)
        tap.note(f"{name}: {pages} pages, {len(pdf)} bytes")


DOCUMENT = [
    a_stranded_vm,
    a_page_on_standard_output,
    captures_are_points_in_time,
    a_remedy_is_told,
    a_damaged_remedy_is_said,
    the_host_as_a_whole,
    dumps_make_a_report,
    a_plan_is_shown,
    what_is_refused,
]
PAGE = [
    nothing_flows_over,
    the_numbers_are_the_documents,
    charts_show_the_points,
    a_hostile_vm,
    a_hostile_fleet,
    a_name_without_end,
    nothing_can_run,
    it_is_for_everybody,
    it_is_printed,
]

if __name__ == "__main__":
    # A browser sees the same page, whatever flowlift was built with.
    tap.run(DOCUMENT + ([] if SANITIZED else PAGE), bench=Desk)
