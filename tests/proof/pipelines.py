# SPDX-License-Identifier: Apache-2.0
"""Pipelines of OpenFlow flows, made at random from a seed, and the plan that flowlift would have for them.

A VM's port and an uplink are joined by a chain of tables in each direction. A table does one thing: an ACL,
conntrack, a conjunction, a rewrite, ... and most let the storage traffic go on to the next. The last one
sends it out: by output, NORMAL or a group, with or without a VLAN, perhaps by way of a second bridge.
"""

import random

VM_MAC, SERVER_MAC, OTHER_MAC, ROUTER_MAC = (f"50:54:00:00:00:{n:02x}" for n in (1, 2, 3, 9))
# Of a packet of which nothing is known (flows/draw.c): the first that is asked about.
PLAIN_MAC = "02:00:00:00:f1:01"
VM_IP, SUBNET, VLAN = "10.1.0.5", "10.2.0.", 100
P0, VM1, VM2, P1, PATCH = 1, 2, 3, 4, 5  # of br0
U1, PEER = 1, 2  # of br1
FROM, TO = "from-vm", "to-vm"
# The last table, and the first, of each direction.
LAST = {FROM: 100, TO: 200}

GROUPS = [
    "group_id=1,type=all,bucket=output:{port}",
    "group_id=1,type=indirect,bucket=output:{port}",
    "group_id=1,type=fast_failover,bucket=watch_port:{port},output:{port},bucket=watch_port:4,output:4",
    "group_id=1,type=select,bucket=output:{port}",
    "group_id=1,type=select,bucket=output:{port},bucket=output:4",
    "group_id=1,type=all,bucket=output:{port},bucket=output:4",
]


class Pipeline:
    """@clean: nothing but what lets all of the storage traffic through, one way."""

    def __init__(self, seed, clean=False):
        self.seed, self.clean = seed, clean
        self.rng = random.Random(f"pipeline {seed}")
        self.flows = {"br0": [], "br1": []}
        self.groups, self.hints, self.features, self.rules = [], [], set(), []
        self.tables = {FROM: [0], TO: [0]}
        self.rewrites = {FROM: [], TO: []}
        self.learned = self.rng.random() < 0.7  # static MACs
        self.up = PATCH if self.chance(0.3) else P0
        self.vlan = self.rng.choice(["none", "flows", "flows", "access", "far", "trunk"])
        if self.vlan == "far" and self.up != PATCH:
            self.vlan = "flows"
        self.tag = VLAN if self.vlan == "access" else None
        self.relaxations = self.rng.choices(
            ["ct-invalid", "ct-invalid,mac-learning", "ct-invalid,mac-learning,ct-new-in,ct-new-out", "-"],
            [5, 4, 2, 1])[0]
        self.features |= {f"vlan-{self.vlan}", "patch" if self.up == PATCH else "one-bridge"}
        for direction in FROM, TO:
            self.make_direction(direction)
        self.make_second_bridge()
        self.flow("br0", 0, 1, "", self.rng.choice(["drop", "NORMAL"]))

    # ---- Words ----

    def chance(self, share):
        return self.rng.random() < share

    def flow(self, bridge, table, priority, match, actions):
        comma = "," if match else ""
        self.flows[bridge].append(f"table={table},priority={priority}{comma}{match},actions={actions}")

    def is_tagged(self, direction):
        """Do the packets come to br0 with a VLAN header?"""
        return self.vlan == "trunk" or direction == TO and self.vlan in ("flows", "access")

    def server(self, direction):
        return "nw_dst" if direction == FROM else "nw_src"

    def service(self, direction):
        return "tp_dst" if direction == FROM else "tp_src"

    def client_port(self, direction):
        return "tp_src" if direction == FROM else "tp_dst"

    # ---- Regions that something is done with ----

    def storage_part(self, direction):
        """A match that is of some storage packets, or of none."""
        rng, server, client = self.rng, self.server(direction), self.client_port(direction)
        address = f"{SUBNET}{rng.randrange(256)}"
        prefix = rng.choice([25, 26, 28, 30, 32])
        bit = rng.randrange(16)
        return rng.choice([
            f"ip,{server}={address}", f"ip,{server}={address}/{prefix}", f"tcp,{client}={rng.randrange(65536)}",
            f"tcp,{client}={1 << bit:#x}/{0xffff << bit & 0xffff:#x}",
            f"tcp,{server}={address},{client}={rng.randrange(1024, 65536)}",
            f"tcp,{server}={address}/{prefix},{self.service(direction)}=2049",
            f"ip,nw_tos={4 * rng.randrange(64)}", "tcp,tcp_flags=+syn-ack", "ip,nw_frag=yes", "ip,nw_frag=later",
            f"dl_dst={rng.choice([OTHER_MAC, SERVER_MAC])}", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
            "ip,nw_ttl=1", "ip,nw_ecn=3", f"tcp,{client}=0/0x8000,{server}={address}/26",
        ])

    def noise(self, direction):
        """A match of packets that are not storage's."""
        rng, server = self.rng, self.server(direction)
        return rng.choice([
            f"ip,{server}=10.3.{rng.randrange(256)}.0/24", f"udp,{server}={SUBNET}{rng.randrange(256)}",
            "icmp", "arp",
            f"tcp,{self.service(direction)}={rng.choice([22, 80, 2048, 2050])}",
            f"tcp,{server}={SUBNET}{rng.randrange(256)},{self.service(direction)}={rng.choice([111, 443, 20048])}",
            f"ip,{server}=10.2.1.0/24", "ipv6", f"tcp,{self.service(direction)}=0x1000/0xf000",
        ])

    def part(self, direction, share):
        if not self.clean and self.chance(share):
            match = self.storage_part(direction)
            self.hints.append(match)
            return match
        return self.noise(direction)

    # ---- Tables ----

    def make_direction(self, direction):
        rng = self.rng
        first, last = LAST[direction] - 90, LAST[direction]
        self.enter(direction, first)
        kinds = ["acl", "allow", "conjunction", "ct", "rewrite", "register", "two_ways"]
        weights = [5, 3, 2, 4, 2, 2, 2]
        if not self.clean:
            kinds += ["learn", "meter", "controller", "nat", "clone", "normal"]
            weights += [0.4, 0.3, 0.3, 0.6, 0.3, 0.3]
        table = first
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
            kind = rng.choices(kinds, weights)[0]
            following = table + 10 if table + 10 < last else last
            self.features.add(kind)
            self.tables[direction].append(table)
            getattr(self, f"table_{kind}")(direction, table, following)
            table = following
        if table != last:
            self.flow("br0", table, 0, "", f"resubmit(,{last})")
        self.leave(direction, last)
        self.plan(direction)

    def enter(self, direction, first):
        """Table 0: whose packets these are."""
        if direction == FROM:
            match = f"in_port={VM1}" + (f",dl_src={VM_MAC}" if self.chance(0.5) else "")
            if self.chance(0.3):
                match = f"ip,{match},nw_src={VM_IP}"
            self.flow("br0", 0, 100, match, f"resubmit(,{first})")
            return
        match = f"in_port={self.up}"
        strip = ""
        if self.vlan == "flows":
            match += f",dl_vlan={VLAN}"
            strip = self.rng.choice(["", "strip_vlan,"])
            self.stripped = bool(strip)
        if self.chance(0.5):
            match += f",dl_dst={VM_MAC}"
        self.flow("br0", 0, 100, match, f"{strip}resubmit(,{first})")

    def leave(self, direction, table):
        """The last table, and what the rule has to do for all of them."""
        rng, rewrites = self.rng, self.rewrites[direction]
        port = self.up if direction == FROM else VM1
        kind = "output"
        if self.vlan == "access":
            kind = "NORMAL"
        elif self.vlan != "flows" and self.chance(0.25):
            kind = "NORMAL"
        elif direction == FROM and self.chance(0.15):
            kind = "group"
        actions = []
        if self.vlan == "trunk" and kind != "NORMAL":
            # OVS's own megaflow is wrong where a header is renewed as it was.
            actions = [*rng.choice([[], [], ["strip_vlan", "push_vlan:0x8100", f"set_field:{4096 + VLAN}->vlan_vid"],
                                    [f"set_field:{4096 + VLAN}->vlan_vid"], ["set_field:0->vlan_pcp"]])]
            rewrites += rng.choice([[], [], ["strip_vlan", f"mod_vlan_vid:{VLAN}"], ["mod_vlan_pcp:0"]])
        if self.vlan == "flows" and direction == FROM:
            actions = [rng.choice([f"mod_vlan_vid:{VLAN}", f"push_vlan:0x8100,set_field:{4096 + VLAN}->vlan_vid"])]
        elif self.vlan == "flows" and not self.stripped:
            actions = ["strip_vlan"]
        if self.vlan == "flows" and direction == TO:
            rewrites.append("strip_vlan")
        elif actions:
            rewrites.append(f"mod_vlan_vid:{VLAN}")
        self.features.add(kind)
        self.kind = kind
        if kind == "group":
            group = rng.choice(GROUPS[:4] if self.clean else GROUPS).format(port=port)
            self.groups.append(group)
            actions.append("group:1")
        else:
            late = kind != "NORMAL" and self.chance(0.1)
            output = f"write_actions(output:{port})" if late else f"output:{port}"
            actions.append("NORMAL" if kind == "NORMAL" else output)
        # OpenFlow 1.4 takes no header off that a packet may not have.
        tagged = "vlan_tci=0x1000/0x1000" if self.vlan in ("flows", "trunk") and self.is_tagged(direction) and \
            not (self.vlan == "flows" and self.stripped) else ""
        self.flow("br0", table, 10, tagged, ",".join(actions))
        if not self.clean and self.chance(0.3):
            self.flow("br0", table, 20, self.part(direction, 0.5), self.otherwise(direction))

    def plan(self, direction):
        port = self.up if direction == FROM else VM1
        match = f"tcp,in_port={self.up if direction == TO else VM1}"
        match += f",dl_vlan={VLAN}" if self.is_tagged(direction) else ",vlan_tci=0x0000/0x1fff"
        if direction == FROM:
            match += f",dl_src={VM_MAC},nw_src={VM_IP},nw_dst={SUBNET}0/24,tp_dst=2049"
        else:
            match += f",dl_dst={VM_MAC},nw_dst={VM_IP},nw_src={SUBNET}0/24,tp_src=2049"
        normal = self.kind == "NORMAL"
        if normal and self.learned and self.chance(0.4) and self.vlan != "access":
            # As observed: to one server.
            match += f",dl_dst={SERVER_MAC}" if direction == FROM else f",dl_src={SERVER_MAC}"
            normal = False
        actions = [*self.rewrites[direction], "NORMAL" if normal else f"output:{port}"]
        self.rules.append(f"br0;{direction};65000;{match};{','.join(actions)}")

    def otherwise(self, direction):
        """What is done with packets that do not go on."""
        return self.rng.choice(["drop", "drop", "drop", f"output:{VM2}", f"output:{P1}", "NORMAL",
                                f"output:{VM2},output:{P1}", f"push_vlan:0x8100,set_field:4296->vlan_vid,output:{P0}",
                                f"mod_dl_dst:{OTHER_MAC},output:{VM2}", f"resubmit(,{LAST[direction]})"])

    def table_acl(self, direction, table, following):
        for _ in range(self.rng.randrange(1, 5)):
            self.flow("br0", table, self.rng.randrange(10, 50), self.part(direction, 0.25),
                      self.rng.choice([self.otherwise(direction), f"resubmit(,{following})"]))
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_allow(self, direction, table, following):
        server = self.server(direction)
        wanted = [f"ip,{server}={SUBNET}0/24", "ip,nw_dst=10.0.0.0/8", f"tcp,{self.service(direction)}=2049",
                  f"tcp,{server}=10.2.0.0/16,{self.service(direction)}=2048/0xff00", "tcp"]
        if not self.clean and self.chance(0.2):
            wanted = [f"ip,{server}={SUBNET}0/25", f"tcp,{self.client_port(direction)}=0/0x8000"]
            self.hints += wanted
        self.flow("br0", table, 30, self.rng.choice(wanted), f"resubmit(,{following})")
        for _ in range(self.rng.randrange(3)):
            self.flow("br0", table, self.rng.randrange(10, 50), self.part(direction, 0.2),
                      self.rng.choice([f"resubmit(,{following})", self.otherwise(direction)]))

    def table_conjunction(self, direction, table, following):
        server, port = self.server(direction), self.service(direction)
        wanted = self.chance(0.5)  # conjunction allows storage, or forbids a part of it
        number = self.rng.randrange(1, 1000)
        addresses = [f"10.3.{n}.0/24" for n in range(2)]
        if wanted:
            addresses.append(f"{SUBNET}0/24")
        elif not self.clean and self.chance(0.4):
            addresses.append(f"{SUBNET}{self.rng.randrange(256)}")
            self.hints.append(f"ip,{server}={addresses[-1]}")
        for address in addresses:
            self.flow("br0", table, 30, f"ip,{server}={address}", f"conjunction({number},1/2)")
        for value in (2049, 111):
            self.flow("br0", table, 30, f"tcp,{port}={value}", f"conjunction({number},2/2)")
        go_on = f"resubmit(,{following})"
        self.flow("br0", table, 30, f"conj_id={number},ip", go_on if wanted else self.otherwise(direction))
        if not wanted or self.chance(0.5):
            self.flow("br0", table, 1, "", go_on)

    def table_ct(self, direction, table, following):
        rng, zone, answers = self.rng, self.rng.randrange(1, 9), table + 5
        go_on = f"resubmit(,{following})"
        nat = rng.choice([",nat(src)", "", "", ""])
        self.flow("br0", table, 10, "ip", f"ct(table={answers},zone={zone})")
        self.flow("br0", table, 1, "", go_on)
        invalid = rng.choice(["drop", "drop", go_on])
        self.flow("br0", answers, 50, "ct_state=+inv+trk,ip", invalid)
        if self.chance(0.5):
            self.flow("br0", answers, 40, "ct_state=+est+trk,ip", go_on)
        else:
            self.flow("br0", answers, 40, "ct_state=+est+trk-rpl,ip", go_on)
            self.flow("br0", answers, 40, "ct_state=+est+trk+rpl,ip", go_on)
        if self.chance(0.2):
            self.flow("br0", answers, 60, f"ct_state=+est+trk,ct_mark=1,ip", "drop")
        new = f"ct(commit,zone={zone}{nat}),{go_on}"
        if direction == TO and self.chance(0.7):
            new = "drop"
        self.flow("br0", answers, 30, "ct_state=+new+trk,ip", new)
        for _ in range(rng.randrange(2)):
            state = rng.choice(["ct_state=+new+trk", "ct_state=+est+trk", "ct_state=+trk"])
            self.flow("br0", answers, rng.randrange(20, 60), f"{state},{self.ip_part(direction, 0.3)}",
                      rng.choice(["drop", go_on]))

    def ip_part(self, direction, share):
        while True:
            match = self.part(direction, share)
            if match.split(",")[0] in ("ip", "tcp", "udp", "icmp"):
                return match

    def table_rewrite(self, direction, table, following):
        rewrite = self.rng.choice([f"mod_dl_src:{ROUTER_MAC}", f"mod_dl_dst:{ROUTER_MAC}", f"mod_dl_dst:{PLAIN_MAC}",
                                   f"mod_dl_src:{PLAIN_MAC}"])
        if not self.clean and self.chance(0.3):
            self.flow("br0", table, 20, self.ip_part(direction, 0.5),
                      f"{self.rng.choice([rewrite, 'mod_nw_tos:184', 'dec_ttl'])},resubmit(,{following})")
        elif self.vlan != "access" and self.chance(0.5):
            self.flow("br0", table, 20, "ip", f"{rewrite},resubmit(,{following})")
            # Without it, the first packet that is asked about may still be the same.
            if self.clean or PLAIN_MAC not in rewrite or self.chance(0.6):
                self.rewrites[direction].append(rewrite)
        elif self.chance(0.3):
            self.flow("br0", table, 20, "ip", f"dec_ttl,resubmit(,{following})")
            self.rewrites[direction].append("dec_ttl")
        else:
            self.flow("br0", table, 20, self.noise(direction), f"{rewrite},resubmit(,{following})")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_register(self, direction, table, following):
        """A register is set here and tested behind."""
        value = self.rng.randrange(1, 4)
        self.flow("br0", table, 20, self.part(direction, 0.4),
                  f"load:{value}->NXM_NX_REG5[0..3],resubmit(,{table + 5})")
        self.flow("br0", table, 1, "", f"load:0->NXM_NX_REG5[0..3],resubmit(,{table + 5})")
        self.flow("br0", table + 5, 20, f"reg5={value}/0xf", self.otherwise(direction))
        self.flow("br0", table + 5, 1, "", f"resubmit(,{following})")

    def table_two_ways(self, direction, table, following):
        """A side table looks at the packet first, then the main way goes on."""
        self.flow("br0", table, 1, "", f"resubmit(,{table + 5}),resubmit(,{following})")
        self.flow("br0", table + 5, 20, self.part(direction, 0.3),
                  self.rng.choice([f"output:{VM2}", "load:1->NXM_NX_REG6[]", f"mod_dl_src:{ROUTER_MAC}", "drop"]))

    def table_learn(self, direction, table, following):
        self.flow("br0", table, 20, self.part(direction, 0.6),
                  "learn(table=250,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),"
                  f"resubmit(,{following})")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_meter(self, direction, table, following):
        self.flow("br0", table, 20, self.part(direction, 0.6), f"meter:1,resubmit(,{following})")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_controller(self, direction, table, following):
        self.flow("br0", table, 20, self.part(direction, 0.6), f"controller(max_len=128),resubmit(,{following})")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_nat(self, direction, table, following):
        self.flow("br0", table, 20, self.ip_part(direction, 0.6),
                  f"ct(commit,zone=9,nat(src=192.0.2.1),table={following})")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_clone(self, direction, table, following):
        self.flow("br0", table, 20, self.part(direction, 0.6), f"clone(output:{P1}),resubmit(,{following})")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    def table_normal(self, direction, table, following):
        self.flow("br0", table, 20, self.part(direction, 0.6), "NORMAL")
        self.flow("br0", table, 1, "", f"resubmit(,{following})")

    # ---- The second bridge ----

    def make_second_bridge(self):
        if self.up != PATCH:
            return
        vlan = f"push_vlan:0x8100,set_field:{4096 + VLAN}->vlan_vid," if self.vlan == "far" else ""
        if self.vlan != "far" and self.chance(0.5):
            self.features.add("far-NORMAL")
            self.flow("br1", 0, 1, "", "NORMAL")
        else:
            self.flow("br1", 0, 10, f"in_port={PEER}", f"{vlan}output:{U1}")
            match = f"in_port={U1}" + (f",dl_vlan={VLAN}" if self.vlan == "far" else "")
            self.flow("br1", 0, 10, match, f"{'strip_vlan,' if self.vlan == 'far' else ''}output:{PEER}")
        if not self.clean and self.chance(0.3):
            self.flow("br1", 0, 20, f"in_port={PEER},{self.part(FROM, 0.4)}", "drop")

    # ---- Into OVS ----

    def addresses(self):
        """What is known of MAC addresses: bridge, port, VLAN, address."""
        if not self.learned:
            return []
        vlan = VLAN if self.vlan == "access" else 0
        up = "p0" if self.up == P0 else "to-br1"
        far_vlan = VLAN if self.vlan in ("flows", "access") else 0
        known = [("br0", "vm1", vlan, VM_MAC), ("br0", up, vlan, SERVER_MAC)]
        return known + [("br1", "u1", far_vlan, SERVER_MAC), ("br1", "to-br0", far_vlan, VM_MAC)]

    def text(self):
        lines = [f"seed {self.seed}: {' '.join(sorted(self.features))}; allowed: {self.relaxations}"]
        for bridge, flows in self.flows.items():
            lines += [f"{bridge} {flow}" for flow in flows]
        return "\n".join(lines + self.groups + self.rules)
