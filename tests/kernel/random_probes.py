# SPDX-License-Identifier: Apache-2.0
"""Random flows of a representor, each with one to three fields or actions that the simulated NIC shall refuse,
and what flowlift then has to name."""

import random

# What a flow may have: fault of the NIC, or None -> what flowlift calls the part.
MATCH = "refuse-match"
ACTION = "refuse-action"
# Refused unless switched off: tests/bench/kernel/nic/faults.c.
AT_FIRST = ("ttl", "icmp-type", "icmp-code", "arp-op", "arp-sip", "arp-tip", "arp-sha", "arp-tha")
L4 = {"tcp": 6, "udp": 17, "sctp": 132}


class Part:
    """One thing that can be refused: @words are what it adds to the flow."""

    def __init__(self, kind, fault, name, needs=()):
        self.kind = kind
        self.fault = fault
        self.name = name
        self.needs = set(needs)

    def __repr__(self):
        return f"{self.kind} {self.fault}"


class Flow:
    """A flow and its parts. The text is what dpctl/dump-flows prints."""

    def __init__(self, rng, port, targets):
        self.rng = rng
        self.parts = []
        self.rewritten = []  # parts that a checksum is for
        self.is_tagged = rng.random() < 0.35
        self.ip = rng.choice(["ipv4", "ipv4", "ipv4", "ipv6", "arp"])
        self.port = port
        self.targets = targets
        self.text = self._match() + ", packets:0, bytes:0, used:never, dp:ovs, actions:" + ",".join(self._actions())

    def add(self, kind, fault, name, needs=()):
        self.parts.append(Part(kind, fault, name, needs))

    def some(self, chance=0.5):
        return self.rng.random() < chance

    # Match

    def _mac(self):
        return "02:" + ":".join(f"{self.rng.randrange(256):02x}" for _ in range(5))

    def _match(self):
        words = ["recirc_id(0)"] + self._conntrack() + [f"in_port({self.port})", self._ethernet()]
        inner = self._upper()
        if not self.is_tagged:
            return ",".join(words + inner)
        words.append(f"eth_type(0x8100),vlan(vid={self.rng.randrange(1, 4095)},pcp={self.rng.randrange(8)})")
        self.add(MATCH, "vlan", "vlan_id", ["tag"])
        self.add(MATCH, "vlan-pcp", "vlan_prio", ["tag"])
        return ",".join(words) + f",encap({','.join(inner)})"

    def _conntrack(self):
        if self.ip == "arp" or self.some(0.7):
            return []
        words = ["ct_state(+est+trk)"]
        self.add(MATCH, "ct-state", "ct_state")
        if self.some():
            words.append(f"ct_zone({self.rng.randrange(1, 65536)})")
            self.add(MATCH, "ct-zone", "ct_zone")
        if self.some():
            words.append(f"ct_mark({self.rng.randrange(1, 16)}/0xf)")
            self.add(MATCH, "ct-mark", "ct_mark")
        return words

    def _ethernet(self):
        words = []
        for side, key in (("src", "src_mac"), ("dst", "dst_mac")):
            if self.some(0.8):
                words.append(f"{side}={self._mac()}{self.rng.choice(['', '', '/ff:ff:ff:00:00:00'])}")
                self.add(MATCH, f"eth-{side}", key)
        return f"eth({','.join(words)})"

    def _upper(self):
        return {"ipv4": self._ipv4, "ipv6": self._ipv6, "arp": self._arp}[self.ip]()

    def _header(self, family, address, tos, ttl):
        words = []
        for side in ("src", "dst"):
            if self.some(0.7):
                words.append(f"{side}={address()}")
                self.add(MATCH, f"{family}-{side}", f"{side}_ip", ["type"])
        if self.some(0.3):
            words.append(f"{tos}={self.rng.choice(['0x10', '0/0x3'])}")
            self.add(MATCH, "tos", "ip_tos", ["type"])
        if self.some(0.3):
            words.append(f"{ttl}=64")
            self.add(MATCH, "ttl", "ip_ttl", ["type"])
        self.l4 = self.rng.choice(["tcp", "tcp", "udp", "sctp", "icmp"])
        proto = L4.get(self.l4, 1 if family == "ipv4" else 58)
        words.append(f"proto={proto}")
        self.add(MATCH, "ip-proto", "ip_proto", ["type"])
        words.append("frag=no")
        self.add(MATCH, "frag", "ip_flags", ["type"])
        return [f"{family}({','.join(words)})"] + self._transport(family)

    def _ipv4(self):
        return ["eth_type(0x0800)"] + self._header(
            "ipv4", lambda: f"10.{self.rng.randrange(256)}.{self.rng.randrange(256)}.0"
                            f"{self.rng.choice(['', '/255.255.255.0'])}", "tos", "ttl")

    def _ipv6(self):
        return ["eth_type(0x86dd)"] + self._header(
            "ipv6", lambda: f"fd00::{self.rng.randrange(1, 65536):x}{self.rng.choice(['', '/ffff::'])}",
            "tclass", "hlimit")

    def _transport(self, family):
        if self.l4 == "icmp":
            self.add(MATCH, "icmp-type", "icmp_type", ["type", "proto"])
            self.add(MATCH, "icmp-code", "icmp_code", ["type", "proto"])
            return ["icmp(type=8,code=9)" if family == "ipv4" else "icmpv6(type=128,code=9)"]
        words = []
        for side in ("src", "dst"):
            if self.some(0.6):
                words.append(f"{side}={self.rng.choice(['2049', '1024/0xfc00'])}")
                self.add(MATCH, f"{self.l4}-{side}", f"{side}_port", ["type", "proto"])
        found = [f"{self.l4}({','.join(words)})"] if words else []
        if self.l4 == "tcp" and self.some(0.3):
            found.append("tcp_flags(0x2/0x12)")
            self.add(MATCH, "tcp-flags", "tcp_flags", ["type", "proto"])
        return found

    def _arp(self):
        words = []
        for name, value in (("sip", "10.0.0.1"), ("tip", "10.0.0.2"), ("op", "1"),
                            ("sha", self._mac()), ("tha", self._mac())):
            if self.some(0.7):
                words.append(f"{name}={value}")
                self.add(MATCH, f"arp-{name}", f"arp_{name}", ["type"])
        return ["eth_type(0x0806)"] + ([f"arp({','.join(words)})"] if words else [])

    # Actions

    def _rewrite(self, fault, name, needs=()):
        self.add(ACTION, fault, name, needs)
        if needs:
            self.rewritten.append(self.parts[-1])

    def _set_ethernet(self):
        words = []
        for side in ("src", "dst"):
            if self.some():
                words.append(f"{side}={self._mac()}")
                self._rewrite(f"set-eth-{side}", f"set eth {side}")
        return [f"set(eth({','.join(words)}))"] if words else []

    def _set_ip(self):
        words = []
        if self.ip == "arp" or self.l4 not in ("tcp", "udp"):
            return []
        needs = ["type", "proto"]
        for side in ("src", "dst"):
            if self.some(0.3):
                words.append(f"{side}={'1.2.3.4' if self.ip == 'ipv4' else 'fd00::9'}")
                self._rewrite(f"set-{self.ip}-{side}", f"set {self.ip} {side}", needs)
        if self.some(0.3):
            words.append("ttl=63" if self.ip == "ipv4" else "hlimit=63")
            self._rewrite("set-ttl", "set ipv4 ttl" if self.ip == "ipv4" else "set ipv6 hlimit", needs)
        found = [f"set({self.ip}({','.join(words)}))"] if words else []
        if self.some(0.3):
            found.append(f"set({self.l4}(dst=80))")
            self._rewrite("set-l4-dst", f"set {self.l4} dst", needs)
        return found

    def _actions(self):
        words = []
        if self.is_tagged and self.some():
            words.append("pop_vlan")
            self.add(ACTION, "pop-vlan", "vlan pop", ["tag"])
        if self.some(0.4):
            words += self._set_ethernet()
        if self.some(0.4):
            words += self._set_ip()
        if self.rewritten:
            self.add(ACTION, "csum", "csum", ["type", "proto"])
        if self.some(0.3):
            words.append("push_vlan(vid=100,pcp=0)")
            self.add(ACTION, "push-vlan", "vlan push")
        first, second = self.rng.sample(self.targets, 2)
        if self.some(0.25):
            words.append(first)
            self.add(ACTION, "mirror", f"mirror to {first}")
        if not words and self.some(0.2):
            return ["drop"]
        words.append(second)
        self.add(ACTION, "port", f"redirect to {second}")
        return words

    # Refusals

    def choose(self, most):
        """Up to @most parts, of which none hides another."""
        chosen = []
        parts = list(self.parts)
        self.rng.shuffle(parts)
        for part in parts:
            if len(chosen) < most and self._fits(chosen, part):
                chosen.append(part)
        return chosen

    def _fits(self, chosen, part):
        parts = chosen + [part]
        if len({p.fault for p in parts}) < len(parts):
            return False
        # One fault is of all fields with that name, also where two parts have it.
        if sum(p.fault == part.fault for p in self.parts) > 1:
            return False
        if any(p.fault == "ip-proto" for p in parts) and any("proto" in p.needs for p in parts):
            return False
        # A checksum needs some rewrite that is not refused.
        csum = any(p.fault == "csum" for p in parts)
        return not (csum and all(r in parts for r in self.rewritten))


def flows(n, seed, port, targets):
    """[(text of a flow, [parts that shall be refused])]"""
    rng = random.Random(seed)
    found = []
    while len(found) < n:
        flow = Flow(rng, port, targets)
        chosen = flow.choose(rng.randrange(1, 4))
        if chosen:
            found.append((flow.text, chosen))
    return found
