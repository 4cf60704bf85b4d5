# SPDX-License-Identifier: Apache-2.0
"""A host with a history, as files: captures of it, and what flowlift keeps of a VM that it has repaired."""

import hashlib
import json
import os

import samples

HOST = "node7"
RULES = (
    ("from-vm", "tcp,reg15=0/0x80000000,in_port=12,vlan_tci=0x0000/0x1fff,dl_src=52:54:00:00:00:02,"
                "nw_src=10.1.0.2,nw_dst=10.1.0.0/24,nw_frag=no,tp_dst=2049"),
    ("to-vm", "tcp,reg15=0/0x80000000,in_port=1,dl_vlan=100,dl_dst=52:54:00:00:00:02,"
              "nw_src=10.1.0.0/24,nw_dst=10.1.0.2,nw_frag=no,tp_src=2049"),
)


def vm_id(number):
    return f"{number:08x}-1111-4222-8333-444444444444"


def cookie_of(identity):
    """As fl_cookie_of_vm() makes it: FNV-1a, folded to 48 bits."""
    value = 0xcbf29ce484222325
    for byte in identity.encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return f"{0xf10f << 48 | (value ^ value >> 48) % 2**48:#x}"


def time_of(seconds):
    return f"2026-03-01T12:{seconds // 60:02}:{seconds % 60:02}.000Z"


def capture(seconds, packets=6000, stranded=(), vms=3, names=None):
    """At @seconds past twelve: in the five seconds before, each flow of each VM counted @packets - 1000."""
    lines = [samples.flow_lines(count, vms=vms, stranded=stranded) for count in (1000, packets)]
    return json.dumps({
        "schema": "flowlift/capture/1", "host": HOST, "inventory": samples.inventory(vms, names),
        "samples": [{"time": time_of(at), "lines": text}
                    for at, text in zip((seconds - 5, seconds), lines)],
        "time": time_of(seconds), "window_ms": 5000, "incomplete": None,
    })


def series(names=None, vms=3, stranded_first=(2,)):
    """Captures by time: VM 2 is stranded, is repaired after three minutes, and then all goes well."""
    return [capture(60 * i + 5, 4000 + 900 * (i % 3), stranded_first if i < 3 else (), vms, names)
            for i in range(7)]


def counts(hw=0, dp_sw=0):
    return {"hw": hw, "hw_partial": 0, "tc_sw": 0, "dp_sw": dp_sw, "upcall": 0}


def entry(name, hw, dp_sw):
    """What an audit says of a VM."""
    bad = hw < dp_sw
    return {
        "name": name, "id": vm_id(2), "interfaces": ["vm2"],
        "verdict": "stranded" if bad else "offloaded", "scope": "vm" if bad else None,
        "reason": "", "hw_share": hw / (hw + dp_sw),
        "storage": {"packets": counts(hw, dp_sw), "bytes": counts(1000 * hw, 1000 * dp_sw),
                    "flows": counts(hw=2)},
        "causes": ["conntrack"] if bad else [],
    }


def remedy(name, state="verified", who="anna", ticket="T-1"):
    return {
        "schema": "flowlift/remedy/1", "state": state,
        "reason": "100.0 % of 1200 storage packets were forwarded by the NIC",
        "ticket": ticket, "who": who, "created": time_of(170), "changed": time_of(176),
        "confirm_by": None, "until": "2027-01-31",
        "flow_set": {
            "vm": {"id": vm_id(2), "name": name}, "cookie": cookie_of(vm_id(2)),
            "guard": {"reg": 15, "mask": "0x80000000"},
            "rules": [{"bridge": "br0", "direction": direction, "priority": 65000, "match": match,
                       "actions": "NORMAL", "decoy": False} for direction, match in RULES],
            "relaxations": [{"id": "ct-invalid", "example":
                             "in_port=12,tcp,nw_src=10.1.0.2,nw_dst=10.1.0.250,tp_dst=2049"}],
            "exceptions": [{"example": "in_port=12,tcp,nw_dst=10.1.0.66",
                            "why": "the pipeline drops it"}],
            "traces": 16, "regions": 5, "proof_ms": 71, "basis": None,
        },
        "before": entry(name, 0, 4008), "after": entry(name, 1200, 0),
    }


def journal(of):
    """The lines of a remedy that was planned, installed and verified."""
    steps = (("plan", "planned", 170, False), ("install", "installed", 172, False),
             ("verify", "verified", 176, True))
    return "".join(json.dumps({
        "time": time_of(at), "who": of["who"], "vm": of["flow_set"]["vm"]["name"], "vm_id": vm_id(2),
        "ticket": of["ticket"], "step": step, "state": state, "reason": of["reason"] if after else
        "2 rules", "before": of["before"], "after": of["after"] if after else None,
    }) + "\n" for step, state, at, after in steps)


def write_root(root, of):
    """What flowlift has below --root after that."""
    remedies, log = f"{root}/var/lib/flowlift/remedies", f"{root}/var/log/flowlift"
    for folder in (remedies, log):
        os.makedirs(folder, exist_ok=True)
    name = hashlib.sha1(vm_id(2).encode()).hexdigest()
    with open(f"{remedies}/{name}.json", "w", encoding="utf-8") as file:
        json.dump(of, file)
    with open(f"{log}/journal.jsonl", "w", encoding="utf-8") as file:
        file.write(journal(of))
