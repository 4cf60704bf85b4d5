# SPDX-License-Identifier: Apache-2.0
"""Random flower filters of all match and action kinds, as words for tc(8)."""

import random

PROTOCOLS = ("ip", "ipv6", "arp", "802.1q", "802.1ad", "all", "mpls_uc", "0x1234")


class Rules:
    """A seeded source of filters; `targets` are the devices that packets can be sent to."""

    def __init__(self, seed, targets, geneve=None):
        self.random = random.Random(seed)
        self.targets = targets
        self.geneve = geneve

    def filter(self):
        """(protocol, words of the match, words of the actions); the kernel refuses some."""
        pick = self.random
        kind = pick.choices(PROTOCOLS, (8, 4, 2, 5, 2, 1, 1, 1))[0]
        keys = self._ethernet()
        if kind == "ip":
            keys += self._ipv4() + self._conntrack()
        elif kind == "ipv6":
            keys += self._ipv6() + self._conntrack()
        elif kind == "arp":
            keys += self._arp()
        elif kind.startswith("802.1"):
            keys += self._vlan(kind)
        elif kind == "mpls_uc":
            keys += self._mpls()
        if pick.random() < 0.15:
            keys += self._tunnel()
        return kind, keys, self._actions(kind)

    # Matches

    def _some(self, *choices):
        """Each choice (a list of words) with a chance of one half."""
        return [word for words in choices if self.random.random() < 0.5 for word in words]

    def _mac(self):
        mac = ":".join(f"{self.random.randrange(256):02x}" for _ in range(6))
        return mac + self.random.choice(["", "", "/24", "/ff:ff:ff:00:00:0f"])

    def _ip(self):
        address = ".".join(str(self.random.randrange(1, 224)) for _ in range(4))
        return address + self.random.choice(["", "", "/24", "/9", "/32"])

    def _ip6(self):
        address = f"2001:db8::{self.random.randrange(1, 65536):x}"
        return address + self.random.choice(["", "/64", "/128", "/3"])

    def _ethernet(self):
        return self._some(["dst_mac", self._mac()], ["src_mac", self._mac()])

    def _port(self):
        port = self.random.randrange(1, 65536)
        return self.random.choice([f"{port}", f"{port}", f"{port}/0xff00", f"{port}/0xfff0"])

    def _ports(self):
        if self.random.random() < 0.2:
            start = self.random.randrange(1, 60000)
            return [self.random.choice(["dst_port", "src_port"]), f"{start}-{start + 100}"]
        return self._some(["dst_port", self._port()], ["src_port", self._port()])

    def _transport(self, icmp):
        pick = self.random
        proto = pick.choice(["tcp", "udp", "sctp", icmp, "0x2f", None])
        if proto is None:
            return []
        words = ["ip_proto", proto]
        if proto in ("tcp", "udp", "sctp"):
            words += self._ports()
        if proto == "tcp":
            words += self._some(["tcp_flags", pick.choice(["0x2/0x17", "0x10", "0x1/1"])])
        if proto == icmp:
            words += self._some(["type", pick.choice(["8", "3/0xf0"]), "code", "0"])
        return words

    def _ip_header(self):
        pick = self.random
        return self._some(["ip_tos", pick.choice(["0x10", "0xb8/0xfc"])],
                          ["ip_ttl", pick.choice(["64", "1/0x1f"])],
                          ["ip_flags", pick.choice(["frag", "nofrag", "frag/firstfrag",
                                                    "frag/nofirstfrag", "nofrag/firstfrag"])])

    def _ipv4(self):
        return (self._transport("icmp") + self._ip_header() +
                self._some(["dst_ip", self._ip()], ["src_ip", self._ip()]))

    def _ipv6(self):
        return (self._transport("icmpv6") + self._ip_header() +
                self._some(["dst_ip", self._ip6()], ["src_ip", self._ip6()]))

    def _arp(self):
        pick = self.random
        return self._some(["arp_sip", self._ip()], ["arp_tip", self._ip()],
                          ["arp_op", pick.choice(["request", "reply", "3", "1/7"])],
                          ["arp_sha", self._mac()], ["arp_tha", self._mac()])

    def _vlan(self, kind):
        pick = self.random
        words = self._some(["vlan_id", str(pick.randrange(4096))],
                           ["vlan_prio", str(pick.randrange(8))])
        inner = pick.choice(["ip", "ipv6", "802.1q", "arp", None])
        if inner is None:
            return words + self._some(["num_of_vlans", "1"])
        words += ["vlan_ethtype", inner]
        if inner == "802.1q":
            words += self._some(["cvlan_id", str(pick.randrange(4096))],
                                ["cvlan_prio", str(pick.randrange(8))])
            if kind == "802.1ad" and pick.random() < 0.5:
                return words + ["cvlan_ethtype", "ip"] + self._ipv4()
            return words
        return words + {"ip": self._ipv4, "ipv6": self._ipv6, "arp": self._arp}[inner]()

    def _mpls(self):
        pick = self.random
        if pick.random() < 0.3:
            return ["mpls", "lse", "depth", "1", "label", str(pick.randrange(1 << 20)), "tc", "3",
                    "bos", "0", "lse", "depth", "2", "label", "7", "ttl", "9"]
        return self._some(["mpls_label", str(pick.randrange(1 << 20))], ["mpls_tc", "5"],
                          ["mpls_bos", "1"], ["mpls_ttl", "64"])

    def _conntrack(self):
        pick = self.random
        if pick.random() < 0.7:
            return []
        return self._some(["ct_state", pick.choice(["+trk+est", "+trk+new", "-trk", "+trk-new+rpl",
                                                    "+trk+inv", "+trk+rel-est"])],
                          ["ct_zone", pick.choice(["1", "65535", "4/0xff"])],
                          ["ct_mark", pick.choice(["7", "0x10/0xf0"])],
                          ["ct_label", "0123456789abcdef0123456789abcdef" +
                           pick.choice(["", "/ffffffff000000000000000000000000"])])

    def _tunnel(self):
        pick = self.random
        address = self._ip if pick.random() < 0.7 else self._ip6
        return (["enc_dst_ip", address()] +
                self._some(["enc_src_ip", address()], ["enc_key_id", str(pick.randrange(1 << 24))],
                           ["enc_dst_port", self._port()], ["enc_tos", "0x10/0xfc"],
                           ["enc_ttl", "64"]) +
                pick.choice([[], [], ["geneve_opts", "0102:80:11223344/ffff:ff:ff00ff00"],
                             ["geneve_opts", "0102:80:1122334455667788,0103:81:11223344"],
                             ["vxlan_opts", "114/65535"], ["erspan_opts", "1:2:0:0/255:255:0:0"],
                             ["erspan_opts", "2:0:1:63/255:0:255:255"]]))

    # Actions

    def _actions(self, kind):
        pick = self.random
        words = []
        for _ in range(pick.choice([0, 0, 1, 1, 2, 3])):
            words += ["action", *self._passing(kind)]
        return words + (["action", *self._last()] if pick.random() < 0.95 or not words else [])

    def _stats(self):
        return self.random.choice([[], [], [], ["hw_stats", "disabled"], ["hw_stats", "immediate"]])

    def _cookie(self):
        if self.random.random() < 0.5:
            return []
        return ["cookie", "".join(self.random.choice("0123456789abcdef") for _ in range(32))]

    def _last(self):
        pick = self.random
        target = pick.choice(self.targets)
        words = pick.choice([
            ["mirred", "egress", "redirect", "dev", target],
            ["mirred", "egress", "redirect", "dev", target],
            ["mirred", "ingress", "redirect", "dev", target],
            ["drop"], ["pass"], ["goto", "chain", str(pick.randrange(1, 1000))], ["continue"],
            ["trap"], ["gact", "drop", "random", "determ", "pass", "7"],
            ["police", "rate", "1mbit", "burst", "10k", "conform-exceed", "drop/pipe"],
            ["police", "pkts_rate", "1000", "pkts_burst", "200", "drop"],
        ])
        return words + self._cookie() + self._stats()

    def _passing(self, kind):
        pick = self.random
        target = pick.choice(self.targets)
        choices = [
            ["mirred", "egress", "mirror", "dev", target],
            ["mirred", "ingress", "mirror", "dev", target],
            ["vlan", "push", "id", str(pick.randrange(1, 4095)), "protocol",
             pick.choice(["802.1q", "802.1ad"]), "priority", str(pick.randrange(8))],
            ["vlan", "pop"],
            ["vlan", "modify", "id", "9"],
            ["vlan", "push_eth", "dst_mac", "02:00:00:00:00:01", "src_mac", "02:00:00:00:00:02"],
            ["vlan", "pop_eth"],
            ["skbedit", "ptype", "host"],
            ["skbedit", "priority", "1:7", "mark", "5/0xf", "queue_mapping", "3"],
            ["tunnel_key", "unset"],
            self._tunnel_set(), self._tunnel_set(),
            ["sample", "rate", "100", "group", "5"],
            ["sample", "rate", "9", "group", "6", "trunc", "64"],
            self._pedit(), self._pedit(),
            ["csum", pick.choice(["iph", "iph and tcp and udp", "icmp and sctp", "udplite"])],
            self._ct(), self._ct(),
            ["mpls", "push", "protocol", "mpls_uc", "label", "77", "tc", "2", "ttl", "9"],
            ["mpls", "pop", "protocol", "ip"], ["mpls", "dec_ttl"],
            ["mpls", "modify", "label", "33"],
            ["mpls", "mac_push", "protocol", "mpls_uc", "label", "1"],
        ]
        words = [part for word in pick.choice(choices) for part in word.split()]
        return words + (["pipe"] if words[0] not in ("mirred",) else ["pipe"]) + self._cookie()

    def _tunnel_set(self):
        pick = self.random
        ends = (["src_ip", "10.1.1.1", "dst_ip", "10.1.1.2"] if pick.random() < 0.6 else
                ["src_ip", "2001:db8::1", "dst_ip", "2001:db8::2"])
        return ["tunnel_key", "set", *ends, *self._some(
            ["id", str(pick.randrange(1 << 24))], ["dst_port", "4789"], ["tos", "0x10"],
            ["ttl", "63"], [pick.choice(["nocsum", "csum"])],
            pick.choice([["geneve_opts", "0102:80:00880022"], ["vxlan_opts", "99"],
                         ["erspan_opts", "1:5:0:0"]]))]

    def _pedit(self):
        pick = self.random
        munge = self._some(
            ["munge", "eth", "dst", "set", "02:11:22:33:44:55"],
            ["munge", "eth", "src", "set", "02:11:22:33:44:56"],
            ["munge", "ip", "ttl", pick.choice(["set", "add"]), "63"],
            ["munge", "ip", "src", "set", "10.9.8.7"], ["munge", "ip6", "dst", "set", "2001:db8::9"],
            ["munge", "tcp", "dport", "set", "443"], ["munge", "udp", "sport", "set", "53"])
        return ["pedit", "ex", *(munge or ["munge", "offset", "0", "u8", "set", "0x15"])]

    def _ct(self):
        pick = self.random
        if pick.random() < 0.15:
            return ["ct", "clear"]
        words = ["ct", *self._some(["zone", str(pick.randrange(1, 65536))])]
        if pick.random() < 0.5:
            words = ["ct", "commit", *pick.choice([[], ["force"]]), *words[1:]]
            words += self._some(["mark", pick.choice(["8", "0x10/0xff"])],
                                ["label", "00112233445566778899aabbccddeeff"])
            words += pick.choice([
                [], [], ["nat", "src", "addr", "10.0.0.1", "10.0.0.9", "port", "1000", "2000"],
                ["nat", "dst", "addr", "10.0.0.1"], ["nat", "src", "addr", "2001:db8::5"],
                ["nat", "dst", "addr", "10.0.0.7", "port", "80"]])
            return words
        return words + pick.choice([[], [], ["nat"]])
