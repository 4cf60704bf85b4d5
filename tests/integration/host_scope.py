# SPDX-License-Identifier: Apache-2.0
"""Offload is off on the host: no VM is to blame, and nothing is offered for a VM."""

import tap
from bench import VMS, Bench, files_under


class OffloadOffBench(Bench):
    def __init__(self):
        super().__init__(hw_offload=False, stranded=[], public=False)

    def prepare(self):
        self.load_all()
        self.await_verdicts(dict.fromkeys(VMS, "stranded"))
        self.dump_before = self.openflow()


def audit_blames_the_host(bench):
    "audit: every VM stranded, scope host, cause hw-offload-off; exit 1"
    vms, answer = bench.audit()
    answer.expect(1)
    for name in VMS:
        vm = vms[name]
        tap.equal((vm["verdict"], vm["scope"]), ("stranded", "host"), name)
        tap.equal(vm["causes"][0], "hw-offload-off", f"first cause of {name}")
    tap.equal([cause["id"] for cause in answer.json["host_causes"]], ["hw-offload-off"],
              "host_causes")


def text_says_so(bench):
    "audit in text says what is off and how to see more"
    answer = bench.flowlift("audit").expect(1)
    tap.check("hw-offload" in answer.out, "the setting is named", answer.out)
    tap.check("next: flowlift doctor" in answer.out, "the next step is the host's", answer.out)


def explain_says_so(bench):
    "explain vm2 says that it is the host"
    answer = bench.flowlift("explain", "vm2").expect(1)
    tap.check("hw-offload" in answer.out, "the setting is named", answer.out)
    tap.check("host" in answer.out, "the scope is named", answer.out)


def there_is_nothing_to_listen_to(bench):
    "explain --listen, with no bridge in the kernel: says so instead of waiting, and explains as ever"
    document = bench.flowlift("explain", "vm2", "--listen", "3600", "--json").expect(1).json
    heard = document["heard"]
    tap.check("no bridge of this host is in the kernel" in heard["missing"], "why", heard)
    tap.equal((heard["listened_ms"], heard["messages"]), (0, []), "heard")
    tap.equal([cause["id"] for cause in document["host_causes"]], ["hw-offload-off"], "host_causes")


def no_plan_is_offered(bench):
    "plan vm2 refuses with a sentence, exit 1"
    answer = bench.flowlift("plan", "vm2").expect(1)
    said = answer.out + answer.err
    for words in ("whole host", "offload is switched off"):
        tap.check(words in said, f"it says '{words}'", str(answer))


def apply_refuses(bench):
    "apply vm2 refuses, exit 1, and leaves nothing behind"
    bench.flowlift("apply", "vm2").expect(1)
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")
    tap.equal(bench.status(), None, "status of vm2")
    tap.equal(files_under(f"{bench.lab.root}/var"), [], "files written")


if __name__ == "__main__":
    tap.run([
        audit_blames_the_host,
        text_says_so,
        explain_says_so,
        there_is_nothing_to_listen_to,
        no_plan_is_offered,
        apply_refuses,
    ], OffloadOffBench)
