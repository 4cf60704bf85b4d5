# SPDX-License-Identifier: Apache-2.0
"""Datapath flows of all kinds, as words for dpctl/add-flow. The kernel refuses some combinations."""

import glob
import random

CONTROL_SOCKETS = "/run/openvswitch/ovs-vswitchd.*.ctl"


def _mac(rng):
    return "02:" + ":".join(f"{rng.randrange(256):02x}" for _ in range(5))


def _ip(rng):
    return ".".join(str(rng.randrange(1, 255)) for _ in range(4))


def _prefix(rng, address):
    return rng.choice([address, f"{address}/255.255.255.0", f"{address}/255.0.0.0"])


def _ip6(rng):
    return f"fd00::{rng.randrange(1, 65536):x}"


def _l4_port(rng):
    return rng.choice([rng.randrange(1, 65536), f"{rng.randrange(256)}/0xff00", 2049])


def _ipv4(rng, proto):
    tos = rng.choice(["0/0", "0/0x3", "0x10"])
    frag = rng.choice(["no", "no", "no", "first"])
    return (f"eth_type(0x0800),ipv4(src={_prefix(rng, _ip(rng))},dst={_prefix(rng, _ip(rng))},"
            f"proto={proto},tos={tos},ttl={rng.choice(['64', '0/0'])},frag={frag})")


def _ipv6(rng, proto):
    return (f"eth_type(0x86dd),ipv6(src={_ip6(rng)},dst={_ip6(rng)}/ffff::,label=0/0,"
            f"proto={proto},tclass=0/0,hlimit=0/0,frag=no)")


def _upper(rng):
    """(words behind eth(), protocol family) of a packet."""
    kind = rng.randrange(13)
    if kind <= 2:
        flags = rng.choice([",tcp_flags(0/0)", ",tcp_flags(0x2/0x12)"])
        return f"{_ipv4(rng, 6)},tcp(src={_l4_port(rng)},dst={_l4_port(rng)}){flags}", "ipv4"
    if kind <= 4:
        return f"{_ipv4(rng, 17)},udp(src={_l4_port(rng)},dst={_l4_port(rng)})", "ipv4"
    if kind == 5:
        return f"{_ipv4(rng, 1)},icmp(type=8,code=0)", "ipv4"
    if kind == 6:
        return f"{_ipv4(rng, 132)},sctp(src={_l4_port(rng)},dst=9)", "ipv4"
    if kind <= 8:
        return (f"{_ipv6(rng, 6)},tcp(src={_l4_port(rng)},dst={_l4_port(rng)}),"
                "tcp_flags(0/0)"), "ipv6"
    if kind == 9:
        return (f"{_ipv6(rng, 58)},icmpv6(type=135,code=0),nd(target={_ip6(rng)},"
                f"sll={_mac(rng)},tll=00:00:00:00:00:00)"), "ipv6"
    if kind == 10:
        return (f"eth_type(0x0806),arp(sip={_ip(rng)},tip={_ip(rng)},op={rng.choice([1, 2])},"
                f"sha={_mac(rng)},tha=00:00:00:00:00:00)"), "arp"
    if kind == 11:
        return f"eth_type(0x8847),mpls(label={rng.randrange(1 << 20)},tc=0,ttl=64,bos=1)", "mpls"
    return rng.choice(["eth_type(0x88cc)", "eth_type(0x8906)"]), "other"


def _metadata(rng, ports, tunnel):
    words = [f"recirc_id({rng.choice([0, 0, rng.randrange(1, 1000)]):#x})"]
    if rng.random() < 0.2:
        words.append(f"skb_mark({rng.randrange(1, 99):#x}/0xff)")
    if rng.random() < 0.3:
        words += [f"ct_state({rng.choice(['+trk+est-inv', '-trk', '+new+trk', '+rpl+est+trk'])})",
                  f"ct_zone({rng.randrange(65536)})", f"ct_mark({rng.randrange(9)}/0xf)"]
    if tunnel and rng.random() < 0.2:
        words += [f"tunnel(tun_id={rng.randrange(1 << 24):#x},src={_ip(rng)},dst={_ip(rng)},"
                  f"tos={rng.choice(['0', '0x10'])},ttl={rng.choice(['64', '0/0'])},"
                  "flags(-df-csum+key))", f"in_port({tunnel})"]
    else:
        words.append(f"in_port({rng.choice(ports)})")
    return words


def _match(rng, ports, tunnel):
    upper, family = _upper(rng)
    words = _metadata(rng, ports, tunnel)
    source = rng.choice([_mac(rng), f"{_mac(rng)}/ff:ff:ff:00:00:00"])
    words.append(f"eth(src={source},dst={_mac(rng)})")
    vlan = rng.random() < 0.25
    if vlan:
        words.append(f"eth_type(0x8100),vlan(vid={rng.randrange(1, 4095)},pcp={rng.randrange(8)}),"
                     f"encap({upper})")
    else:
        words.append(upper)
    return ",".join(words), family, vlan


def _outputs(rng, ports, tunnel):
    port = rng.choice(ports)
    more = [
        port,
        f"{port},{rng.choice(ports)}",
        f"clone(push_vlan(vid={rng.randrange(1, 4095)},pcp=1),{port}),{rng.choice(ports)}",
        f"push_vlan(vid={rng.randrange(1, 4095)},pcp=0),{port}",
        f"trunc({rng.randrange(64, 1500)}),{port}",
        f"sample(sample={rng.choice(['12.5', '50.0'])}%,actions(userspace(pid=7,sFlow(vid=0,pcp=0,"
        f"output=2)))),{port}",
        "userspace(pid=99,slow_path(action))",
        "userspace(pid=3,controller(reason=1,dont_send=0,continuation=0,recirc_id=5,"
        "rule_cookie=0x1,controller_id=0,max_len=65535))",
        f"check_pkt_len(size={rng.randrange(64, 9000)},gt({port}),le({rng.choice(ports)}))",
        f"userspace(pid=5,flow_sample(probability=9,collector_set_id=1,obs_domain_id=2,"
        f"obs_point_id=3,output_port={port},ingress)),{port}",
        "drop",
    ]
    if tunnel and rng.random() < 0.3:
        return (f"set(tunnel(tun_id={rng.randrange(1 << 24):#x},dst={_ip(rng)},ttl=64,"
                f"tp_dst=4789,flags(df|key))),{tunnel}")
    return rng.choice(more)


def _tracking(rng, family):
    recirc = f"recirc({rng.randrange(1, 999):#x})"
    address = _ip(rng) if family == "ipv4" else f"[{_ip6(rng)}]"
    return rng.choice([
        f"ct(zone={rng.randrange(1, 65536)}),{recirc}",
        f"ct(commit,zone=5,mark={rng.randrange(9):#x}/0xf,nat(src={address})),{recirc}",
        f"ct(commit,zone=7,nat(dst={address}:8080)),{recirc}",
        f"ct(zone=9,nat),{recirc}",
        f"ct_clear,{recirc}",
    ])


def _rewrites(rng, family):
    words = []
    if rng.random() < 0.3:
        words.append(f"set(eth(src={_mac(rng)},dst={_mac(rng)}))")
    if family == "ipv4" and rng.random() < 0.3:
        words.append(rng.choice([f"set(ipv4(src={_ip(rng)}))", "set(ipv4(ttl=63))",
                                 "set(ipv4(tos=0x4/0xfc))"]))
    if family == "ipv6" and rng.random() < 0.3:
        words.append(f"set(ipv6(dst={_ip6(rng)}))")
    if rng.random() < 0.1:
        words.append("set(skb_mark(0x1/0xf))")
    return words


def flow(rng, ports, tunnel=None):
    """(match, actions) for dpctl/add-flow."""
    match, family, vlan = _match(rng, ports, tunnel)
    words = _rewrites(rng, family)
    if family in ("ipv4", "ipv6") and rng.random() < 0.3:
        words.append(_tracking(rng, family))
    else:
        if vlan and rng.random() < 0.5:
            words.append("pop_vlan")
        elif family == "mpls":
            words.append("pop_mpls(eth_type=0x0800)")
        output = _outputs(rng, ports, tunnel)
        words = ["drop"] if output == "drop" else [*words, output]
    return match, ",".join(words)


def flows(n, seed, ports, tunnel=None):
    rng = random.Random(seed)
    return [flow(rng, ports, tunnel) for _ in range(n)]


def add(flows):
    """Return: how many of them the datapath took."""
    import ovs.unixctl.client  # Debian's python3-openvswitch

    _, client = ovs.unixctl.client.UnixctlClient.create(glob.glob(CONTROL_SOCKETS)[0])
    n = 0
    for match, actions in flows:
        n += client.transact("dpctl/add-flow", [match, actions])[1] is None
    client.close()
    return n
