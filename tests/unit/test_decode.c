/* SPDX-License-Identifier: Apache-2.0 */

/* The dump decoder: what it makes of the text of flows, in all the shapes in which it is found. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/decoded.h"

/* Text, and the flows in it as tests/unit/decoded.h writes them. */
static const struct {
    const char *what;
    const char *text;
    const char *flows;
} examples[] = {
    { "with -m, TC",
      "ufid:11111111-2222-4333-8444-555555555555, skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(rep7),packet_type(ns=0/0,id=0/0),eth(src=02:aa:00:00:00:07,"
      "dst=02:bb:00:00:00:01),eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,"
      "dst=10.77.1.0/255.255.255.0,proto=6,tos=0/0,ttl=0/0,frag=no),tcp(src=0/0,dst=2049),"
      " packets:90210, bytes:8111222, used:0.410s, flags:SFP., offloaded:yes, dp:tc,"
      " actions:push_vlan(vid=77,pcp=0),uplink0\n",
      "1: hw 11111111 in_port rep7 recirc_id 0x0,"
      " 90210 packets 8111222 bytes used 410 ms | tcp,vlan_tci=0x0000,"
      "dl_src=02:aa:00:00:00:07,dl_dst=02:bb:00:00:00:01,nw_dst=10.77.1.0/24,nw_frag=no,"
      "tp_dst=2049 | push_vlan(vid=77,pcp=0),uplink0\n" },
    { "with -m, kernel datapath",
      "ufid:11111111-2222-4333-8444-555555555555, recirc_id(0x2),dp_hash(0/0),"
      "skb_priority(0/0),in_port(rep7),skb_mark(0/0),ct_state(0x22/0x3f),ct_zone(0/0),"
      "ct_mark(0/0x2),ct_label(0/0),eth(src=02:aa:00:00:00:07,"
      "dst=00:00:00:00:00:00/01:00:00:00:00:00),eth_type(0x8100),vlan(vid=77,pcp=0),"
      "encap(eth_type(0x0806),arp(sip=10.77.2.7,tip=10.77.2.1/255.255.255.255,op=1/0xff,"
      "sha=02:aa:00:00:00:07,tha=00:00:00:00:00:00/00:00:00:00:00:00)), packets:3, bytes:126,"
      " used:12.004s, dp:ovs, actions:pop_vlan,5\n",
      "1: dp-sw 11111111 in_port rep7 recirc_id 0x2,"
      " 3 packets 126 bytes used 12004 ms | ct_state=-new+est-rel-rpl-inv+trk,ct_mark=0/0x2,"
      "arp,dl_vlan=77,dl_vlan_pcp=0,dl_src=02:aa:00:00:00:07,"
      "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,arp_spa=10.77.2.7,arp_tpa=10.77.2.1,"
      "arp_op=1,arp_sha=02:aa:00:00:00:07 | pop_vlan,5\n" },
    { "with -m, PMD threads",
      "flow-dump from the main thread:\n"
      "ufid:11111111-2222-4333-8444-555555555555, skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(br0),packet_type(ns=0,id=0),eth(src=02:aa:00:00:00:07/00:00:00:00:00:00,"
      "dst=02:bb:00:00:00:01),eth_type(0x88cc), packets:1, bytes:60, used:never, dp:ovs,"
      " actions:drop, dp-extra-info:miniflow_bits(4,0)\n"
      "flow-dump from pmd on cpu core: 11\n"
      "ufid:21111111-2222-4333-8444-555555555555, skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(3),packet_type(ns=0,id=0),eth(src=02:aa:00:00:00:07/00:00:00:00:00:00,"
      "dst=02:bb:00:00:00:01),eth_type(0x88cc), packets:1, bytes:60, used:0.000s,"
      " offloaded:partial, dp:ovs, actions:1, dp-extra-info:miniflow_bits(4,0)\n"
      "ufid:31111111-2222-4333-8444-555555555555, skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(3),packet_type(ns=0,id=0),eth(src=02:aa:00:00:00:07/00:00:00:00:00:00,"
      "dst=02:bb:00:00:00:01),eth_type(0x88cc), packets:1, bytes:60, used:0.000s,"
      " offloaded:yes, dp:dpdk, actions:1, dp-extra-info:miniflow_bits(4,0)\n"
      "\n"
      "# ovs-appctl dpctl/dump-flows\n"
      "recirc_id(0),in_port(3),eth(),eth_type(0x88cc), packets:1, bytes:60, used:0.000s,"
      " actions:1\n",
      "2: dp-sw 11111111 pmd -2 in_port br0 recirc_id 0x0,"
      " 1 packets 60 bytes used never | vlan_tci=0x0000,dl_dst=02:bb:00:00:00:01,"
      "dl_type=0x88cc | drop\n"
      "4: hw-partial 21111111 pmd 11 in_port 3 recirc_id 0x0,"
      " 1 packets 60 bytes used 0 ms | vlan_tci=0x0000,dl_dst=02:bb:00:00:00:01,"
      "dl_type=0x88cc | 1\n"
      "5: hw 31111111 pmd 11 in_port 3 recirc_id 0x0,"
      " 1 packets 60 bytes used 0 ms | vlan_tci=0x0000,dl_dst=02:bb:00:00:00:01,"
      "dl_type=0x88cc | 1\n"
      "8: unknown in_port 3 recirc_id 0x0, 1 packets 60 bytes used 0 ms | vlan_tci=0x0000,"
      "dl_type=0x88cc | 1\n" },
    { "DOCA says why not",
      "ufid:11111111-2222-4333-8444-555555555555, skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(rep7),packet_type(ns=0,id=0),eth(src=02:aa:00:00:00:07,dst=02:bb:00:00:00:01),"
      "eth_type(0x0800),ipv4(frag=no), packets:3, bytes:126, used:12.004s, dp:ovs,"
      " dp-offload-info: 'match unsupported: ct_state=+new', actions:5\n"
      "ufid:21111111-2222-4333-8444-555555555555, skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(rep7),packet_type(ns=0,id=0),eth(src=02:aa:00:00:00:07,dst=02:bb:00:00:00:01),"
      "eth_type(0x0800),ipv4(frag=no), packets:3, bytes:126, used:12.004s, offloaded:yes,"
      " dp:doca, actions:5, dp-extra-info:miniflow_bits(4,1), dp-offload-info:none\n",
      "1: dp-sw 11111111 in_port rep7 recirc_id 0x0, 3 packets 126 bytes used 12004 ms | ip,"
      "vlan_tci=0x0000,dl_src=02:aa:00:00:00:07,dl_dst=02:bb:00:00:00:01,"
      "nw_frag=no | 5 | info: match unsupported: ct_state=+new\n"
      "2: hw 21111111 in_port rep7 recirc_id 0x0, 3 packets 126 bytes used 12004 ms | ip,"
      "vlan_tci=0x0000,dl_src=02:aa:00:00:00:07,dl_dst=02:bb:00:00:00:01,"
      "nw_frag=no | 5 | info: none\n" },
    { "counters of vendors, without blanks",
      "ufid:11111111-2222-4333-8444-555555555555,"
      "mega_ufid:21111111-2222-4333-8444-555555555555 skb_priority(0/0),skb_mark(0/0),"
      "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),"
      "in_port(rep7),eth_type(0x0800), packets:75, bytes:109, offload_packets:74,"
      " offload_bytes:108,dpe_packets:1,dpe_bytes:2,used:3.990s,offloaded:yes,dp:tc,"
      "actions:9_h\n",
      "1: hw 11111111 in_port rep7 recirc_id 0x0, 75 packets 109 bytes used 3990 ms | ip,"
      "vlan_tci=0x0000 | 9_h\n" },
    { "old kernels",
      "skb_priority(0),tunnel(tun_id=0x12,src=10.9.2.3,dst=10.9.3.3,tos=0x0,ttl=64,flags(df,"
      "key)),in_port(2),skb_mark(0),eth(src=02:aa:00:00:00:07/ff:ff:ff:ff:ff:ff,"
      "dst=02:bb:00:00:00:01/00:00:00:00:00:00),eth_type(0x0800),ipv4(src=10.0.0.1/0.0.0.0,"
      "dst=10.0.0.2/255.255.255.255,proto=6/0xff,tos=0/0x3,ttl=64/0,frag=no/0xff),"
      "tcp(src=59285/0,dst=22/0xffc0), packets:26, bytes:2548, used:0.404s,"
      " actions:set(tunnel(tun_id=0x21,src=10.9.3.3,dst=10.9.2.3,tos=0x0,ttl=64,flags(df,"
      "key))),2\n"
      "in_port(3/0xffff0000),eth(src=02:aa:00:00:00:07),eth_type(0x8100),encap(), packets:0,"
      " bytes:0, used:-0.703s, actions:2,0\n",
      "1: unknown in_port 2, 26 packets 2548 bytes used 404 ms | pkt_mark=0,skb_priority=0,"
      "tcp,tun_id=0x12,tun_src=10.9.2.3,tun_dst=10.9.3.3,tun_tos=0,tun_ttl=64,"
      "tun_flags=df|key,vlan_tci=0x0000,dl_src=02:aa:00:00:00:07,nw_dst=10.0.0.2,nw_ecn=0,"
      "nw_frag=no,tp_dst=0x0/0xffc0 | set(tunnel(tun_id=0x21,src=10.9.3.3,dst=10.9.2.3,tos=0,"
      "ttl=64,flags(df|key))),2\n"
      "2: unknown in_port 3, 0 packets 0 bytes used 0 ms | vlan_tci=0x1000/0x1000,"
      "dl_src=02:aa:00:00:00:07 | 2,0\n" },
    { "frames without a type",
      "recirc_id(0),in_port(2),eth(src=02:aa:00:00:00:07,dst=01:80:c2:00:00:00),"
      "eth_type(0/0xffff), packets:0, bytes:0, used:never, actions:drop\n",
      "1: unknown in_port 2 recirc_id 0x0, 0 packets 0 bytes used never | vlan_tci=0x0000,"
      "dl_src=02:aa:00:00:00:07,dl_dst=01:80:c2:00:00:00,dl_type=0x05ff | drop\n" },
    { "a tunnel as it is printed without -m",
      "tunnel(tun_id=0x4,src=10.6.1.3,dst=10.6.1.7,tp_dst=6081,geneve({class=0x102,type=0x80,"
      "len=4,0x20007/0x7fffffff}),flags(-df+csum+key)),recirc_id(0),in_port(2),eth(),"
      "eth_type(0x0800),ipv4(proto=6,frag=no),tcp_flags(psh|ack), packets:2, bytes:204,"
      " used:5.710s, actions:set(tunnel(tun_id=0x4,dst=10.6.1.8,ttl=64,tp_dst=6081,"
      "key6(bad key length 1, expected 0)(01)geneve({class=0x102,type=0x80,len=4,0x70006}),"
      "flags(key))),2\n",
      "1: unknown in_port 2 recirc_id 0x0, 2 packets 204 bytes used 5710 ms | tcp,tun_id=0x4,"
      "tun_src=10.6.1.3,tun_dst=10.6.1.7,tun_flags=-df+csum+key,vlan_tci=0x0000,nw_frag=no,"
      "tcp_flags=psh|ack | set(tunnel(tun_id=0x4,dst=10.6.1.8,ttl=64,tp_dst=6081,"
      "geneve({class=0x102,type=0x80,len=4,0x70006}),flags(key))),2\n" },
    { "double tags",
      "recirc_id(0),in_port(2),eth(),eth_type(0x88a8),vlan(vid=100,pcp=0/0x0),"
      "encap(eth_type(0x8100),vlan(vid=7,pcp=3),encap(eth_type(0x0800),ipv4(frag=no))),"
      " packets:2, bytes:204, used:5.710s, actions:pop_vlan,pop_vlan,3,push_vlan(vid=2,"
      "pcp=0),4\n",
      "1: unknown in_port 2 recirc_id 0x0, 2 packets 204 bytes used 5710 ms | ip,dl_vlan=100,"
      "dl_vlan1=7,dl_vlan_pcp1=3,nw_frag=no | pop_vlan,pop_vlan,3,push_vlan(vid=2,pcp=0),4\n" },
    { "wrapped at commas, and anywhere",
      "ufid:11111111-2222-4333-8444-555555555555, recirc_id(0),dp_hash(0/0),\n"
      "  skb_priority(0/0),in_port(p0),ct_stat\n"
      "e(0/0),eth(src=02:aa:00:00:00:\n"
      "07/ff:ff:ff:ff:ff:ff),eth_type(\n"
      "\n"
      "0x0800),ipv4(proto=6,frag=no), packets:5, byt\n"
      "es:10, used:0.1s, dp:o\n"
      "vs\n"
      ", acti\n"
      "ons:set(ipv4(ttl=3))\n"
      "   ,p1,\n"
      "p2, dp-extra-info:miniflow_bits(1,2)\n"
      "And prose, after it: nothing of the flow.\n",
      "1: dp-sw 11111111 in_port p0 recirc_id 0x0, 5 packets 10 bytes used 100 ms | tcp,"
      "vlan_tci=0x0000,dl_src=02:aa:00:00:00:07,nw_frag=no | set(ipv4(ttl=3)),p1,p2\n" },
    { "mail: quoted, and encoded",
      ">> recirc_id(0),in_port(1),eth(),eth_type(0x0800), packets:1, bytes:2, used:never,\n"
      ">> actions:2\n"
      ">>\n"
      "recirc_id(0),in_port(1),eth(src=3D02:aa:bb:00:00:=\n"
      "01,dst=3D02:aa:bb:00:00:02),eth_type(0x0800), packets:1, bytes:2, used:ne=\n"
      "ver, actions:2=20\n",
      "1: unknown in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | 2\n"
      "4: unknown in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | ip,vlan_tci=0x0000,"
      "dl_src=02:aa:bb:00:00:01,dl_dst=02:aa:bb:00:00:02 | 2\n" },
    { "comments, boxes, programs",
      "# recirc_id(0),in_port(1),eth(),eth_type(0x0800), packets:1, bytes:2,\n"
      "# used:never, actions:2\n"
      " * recirc_id(0),in_port(2),eth(),eth_type(0x0800), packets:1, bytes:2, \\\n"
      " *   used:never, actions:2\n"
      "\xe2"
      "\x94"
      "\x82"
      " recirc_id(0),in_port(3),eth(),eth_type(0x0800),"
      "ipv4(src=1 \xe2"
      "\x94"
      "\x82"
      "\n"
      "\xe2"
      "\x94"
      "\x82"
      " 0.0.0.1,frag=no), packets:1, bytes:2, used:never,"
      " actions:2 \xe2"
      "\x94"
      "\x82"
      "\n"
      "\xe2"
      "\x94"
      "\x94"
      "\xe2"
      "\x94"
      "\x80"
      "\xe2"
      "\x94"
      "\x80"
      "\xe2"
      "\x94"
      "\x98"
      "\n"
      "\tinput: \"recirc_id(0),in_port(4),eth(),eth_type(0x0800), packets:1, bytes:2,"
      " used:never, actions:2\",\n"
      "echo 'recirc_id(0),in_port(5),eth(),eth_type(0x0800), packets:1, bytes:2, used:never,"
      " actions:2' | wc\n"
      "+recirc_id(0),in_port(6),eth(),eth_type(0x0800), packets:1, bytes:2, used:never,"
      " actions:2\n"
      "[7]: ufid:11111111-2222-4333-8444-555555555555, recirc_id(0),in_port(7), packets:1,"
      " bytes:2, used:never, actions:2\n",
      "1: unknown in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | 2\n"
      "3: unknown in_port 2 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | 2\n"
      "5: unknown in_port 3 recirc_id 0x0, 1 packets 2 bytes used never | ip,vlan_tci=0x0000,"
      "nw_src=10.0.0.1,nw_frag=no | 2\n"
      "8: unknown in_port 4 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | 2\n"
      "9: unknown in_port 5 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | 2\n"
      "10: unknown in_port 6 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | 2\n"
      "11: unknown 11111111 in_port 7 recirc_id 0x0, 1 packets 2 bytes used never | | 2\n" },
    { "flows on one line",
      "recirc_id(0),in_port(1),eth(), packets:1, bytes:2, used:never, actions:2 recirc_id(0),"
      "in_port(2),eth(), packets:3, bytes:4, used:never, actions:1\n"
      "ufid:11111111-2222-4333-8444-555555555555, recirc_id(0),in_port(1), packets:5,"
      " bytes:6, used:never, dp:ovs, actions:repbits(5,"
      "1)ufid:21111111-2222-4333-8444-555555555555, recirc_id(0),in_port(2),"
      "eth(dst=01:80:c2:), packets:7, bytes:8, used:never, offloaded:yes, dp:tc,"
      " actions:dro\n",
      "1: unknown in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | | 2\n"
      "1: unknown in_port 2 recirc_id 0x0, 3 packets 4 bytes used never | | 1\n"
      "2: dp-sw 11111111 in_port 1 recirc_id 0x0,"
      " 5 packets 6 bytes used never | | - | an action was not understood: repbits(5,1)\n"
      "2: hw 21111111 in_port 2 recirc_id 0x0, 7 packets 8 bytes used never | partial | dro |"
      " a match attribute was not understood: eth(dst=01:80:c2:)\n" },
    { "no comma before actions, and no counters",
      "recirc_id(0),in_port(1),ct_state(-new+est+trk) actions: ct(zone=22,nat),recirc(0x12)\n"
      "recirc_id(0x12),in_port(1) actions:5\n",
      "1: unknown in_port 1 recirc_id 0x0, ? packets ? bytes used ? | ct_state=-new+est+trk |"
      " ct(zone=22,nat),recirc(0x12)\n"
      "2: unknown in_port 1 recirc_id 0x12, ? packets ? bytes used ? | | 5\n" },
    { "left out by whoever posted it",
      "...,in_port(6),eth(),eth_type(0x0800), packets:1, bytes:2, used:never, actions:1\n"
      "in_port(7),<...> actions:hash(hash_l4(0)),recirc(0x1)\n"
      "recirc_id(0),in_port(8),eth(macs),eth_type(0x0800),ipv4(...), packets:1, bytes:2,"
      " used:never, actions:...\n"
      "ufid:<>, ..., dp:tc, actions:9\n",
      "1: unknown in_port 6, 1 packets 2 bytes used never | partial ip,"
      "vlan_tci=0x0000 | 1 | the match is abbreviated\n"
      "2: unknown in_port 7, ? packets ? bytes used ? | partial | hash(l4(0)),"
      "recirc(0x1) | the match is abbreviated\n"
      "3: unknown in_port 8 recirc_id 0x0, 1 packets 2 bytes used never | partial ip,"
      "vlan_tci=0x0000 | - | the actions are abbreviated: ...\n"
      "4: tc-sw, ? packets ? bytes used ? | - | 9 | the ufid is not legible: <>\n" },
    { "cut off",
      "ufid:11111111-2222-4333-8444-555555555555, recirc_id(0),in_port(1),ct31),"
      "ipv4(src=10.1.0.8/255.2:0, bytes:0, used:2.890s, offloaded:yes, dp:tc, actions:p1\n"
      "ufid:21111111-2222-4333-8444-555555555555, recirc_id(0),in_port(1),eth(),"
      "eth_type(0x0800), packets:1, bytes:2, used:never, dp:ovs,"
      " actions:set(tunnel(tun_id=0x1\n",
      "1: hw 11111111 in_port 1 recirc_id 0x0, ? packets 0 bytes used 2890 ms | partial | p1 "
      "| text in the flow was not understood: ct31)\n"
      "2: dp-sw 21111111 in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | ip,"
      "vlan_tci=0x0000 | - | an action was not understood: set(tunnel(tun_id=0x1\n" },
    { "attributes and actions of other versions",
      "recirc_id(0),in_port(1),eth(),eth_type(0x86dd),key32(00 00/00 00),ipv6(frag=no),"
      " packets:1, bytes:2, used:never, actions:2,psample(group=1)\n"
      "recirc_id(0),in_port(1),eth(),eth_type(0x0800), packets:many, bytes:, used:long ago,"
      " offloaded:maybe, dp:fpga, actions:userspace(pid=1,slow_path(controller))\n",
      "1: unknown in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | ipv6,"
      "vlan_tci=0x0000,nw_frag=no | - | an action was not understood: psample(group=1)\n"
      "2: upcall in_port 1 recirc_id 0x0, ? packets ? bytes used ? | partial ip,"
      "vlan_tci=0x0000 | userspace(pid=1,slow_path(0)) | the packet count is not legible: man"
      "y\n" },
    { "summaries over several lines",
      "Flow 1:\n"
      "ct_tuple4(src=10.1.0.1,dst=10.1.0.2,proto=6,tp_src=1,tp_dst=2)\n"
      "offloaded:yes, dp:doca\n"
      "packets:90, bytes:612\n"
      "\n"
      "Flow 2:\n",
      "2: hw, 90 packets 612 bytes used ? | ct_nw_src=10.1.0.1,ct_nw_dst=10.1.0.2,"
      "ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2 | - | the actions are missing\n" },
    { "no flows",
      "flow with ``recirc_id(0xb)``.  Indeed, there is one::\n"
      "$ ovs-appctl dpctl/dump-flows | grep \"in_port(6)\"\n"
      "But offloaded flows print recirc_id(X) later: in_port(Y),...recirc_id(x)...\n"
      "2020-07-30T13:49:12Z|00001|dpif_netlink|INFO|The kernel module does not support meters"
      ".\n",
      "" },
};

static void flows_are_decoded_as_they_are_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        char *flows = flows_of(examples[i].text);

        print_message("# %s\n", examples[i].what);
        assert_string_equal(flows, examples[i].flows);
        free(flows);
    }
}

static void it_does_not_matter_how_bytes_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        for (size_t cut = 1; cut < 80; cut += 13) {
            struct decoded decoded;

            decoded_init(&decoded);
            decode_bytes(&decoded, examples[i].text, strlen(examples[i].text), cut);
            assert_string_equal(ds_cstr(&decoded.text), examples[i].flows);
            decoded_destroy(&decoded);
        }
    }
}

static void a_carriage_return_is_not_part_of_a_flow(void **state)
{
    char *flows = flows_of(
        "recirc_id(0),in_port(1), packets:1, bytes:2, used:never, actions:2\r\n"
        "recirc_id(0),in_port(2), packets:1, bytes:2, used:never, actions:3\r\n");

    (void)state;
    assert_string_equal(flows,
                        "1: unknown in_port 1 recirc_id 0x0, 1 packets 2 bytes used never | | 2\n"
                        "2: unknown in_port 2 recirc_id 0x0, 1 packets 2 bytes used never | | 3\n");
    free(flows);
}

/* Lines */

static void every_line_is_counted_once(void **state)
{
    static const char text[] = "$ ovs-appctl dpctl/dump-flows -m\n"
                               "flow-dump from pmd on cpu core: 3\n"
                               "ufid:11111111-2222-4333-8444-555555555555, recirc_id(0),\n"
                               "  in_port(1), packets:1,\n"
                               "\n"
                               "  bytes:2, used:never, dp:ovs, actions:2\n"
                               "\n"
                               "recirc_id(0),in_port(1) actions:3\n"
                               "Some words.\n"
                               "recirc_id(0),in_port(1),eth(";
    struct decoded decoded;

    (void)state;
    decoded_init(&decoded);
    decode_bytes(&decoded, text, strlen(text), SIZE_MAX);
    assert_int_equal(decoded.stats.lines, 10);
    assert_int_equal(decoded.stats.flow_lines, 3);
    assert_int_equal(decoded.stats.continued_lines, 3);
    assert_int_equal(decoded.stats.heading_lines, 1);
    assert_int_equal(decoded.stats.other_lines, 3);
    assert_int_equal(decoded.stats.flows, 3);
    assert_int_equal(decoded.stats.parse_errors, 1);
    assert_true(decoded.stats.truncated);
    decoded_destroy(&decoded);
}

static void a_whole_dump_is_not_truncated(void **state)
{
    static const char text[] = "recirc_id(0),in_port(1), packets:1, bytes:2, used:never, actions:3";
    struct decoded decoded;

    (void)state;
    decoded_init(&decoded);
    decode_bytes(&decoded, text, strlen(text), SIZE_MAX);
    assert_int_equal(decoded.stats.flows, 1);
    assert_false(decoded.stats.truncated);
    decoded_destroy(&decoded);

    decoded_init(&decoded);
    decode_bytes(&decoded, "", 0, SIZE_MAX);
    assert_int_equal(decoded.stats.lines, 0);
    assert_false(decoded.stats.truncated);
    decoded_destroy(&decoded);
}

static void the_callback_stops_the_decoder(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct decoded decoded;

    (void)state;
    for (int i = 0; i < 100; i++)
        ds_put_format(&text, "recirc_id(0),in_port(%d), packets:1, bytes:2, actions:3\n", i);
    decoded_init(&decoded);
    decoded.stop_after = 3;
    decode_bytes(&decoded, text.string, text.length, SIZE_MAX);
    assert_int_equal(decoded.returned, -ECANCELED);
    assert_int_equal(decoded.stats.flows, 3);
    decoded_destroy(&decoded);
    ds_destroy(&text);
}

/* Texts of a record */

static int check_texts(const struct fl_flow *flow, void *keep_text)
{
    if (!keep_text) {
        assert_null(flow->match_text);
        assert_null(flow->actions_text);
        assert_null(flow->raw);
        return 0;
    }
    assert_string_equal(flow->match_text, "recirc_id(0),in_port(1)");
    assert_string_equal(flow->actions_text, "ct(zone=1),2");
    assert_string_equal(flow->raw, "recirc_id(0),in_port(1), packets:1, actions:ct(zone=1),2");
    return 0;
}

static void texts_are_kept_when_asked_for(void **state)
{
    static const char text[] =
        "> recirc_id(0),in_port(1), packets:1,\n> actions:ct(zone=1),2' words\n";
    struct fl_ports *ports = fl_ports_create();
    bool yes = true;

    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct fl_decoder *decoder;

        decoder = fl_decoder_create(ports, keep ? FL_DECODE_KEEP_TEXT : 0, check_texts,
                                    keep ? &yes : NULL);
        fl_decoder_push(decoder, text, strlen(text));
        fl_decoder_finish(decoder);
        assert_int_equal(fl_decoder_stats(decoder)->flows, 1);
        fl_decoder_destroy(decoder);
    }
    fl_ports_destroy(ports);
}

static int keep_id(const struct fl_flow *flow, void *id)
{
    *(ovs_u128 *)id = flow->id;
    return 0;
}

static ovs_u128 id_of(const char *text)
{
    struct fl_ports *ports = fl_ports_create();
    ovs_u128 id = OVS_U128_ZERO;
    struct fl_decoder *decoder = fl_decoder_create(ports, 0, keep_id, &id);

    fl_decoder_push(decoder, text, strlen(text));
    fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    fl_ports_destroy(ports);
    return id;
}

static void without_a_ufid_the_match_identifies_a_flow(void **state)
{
    ovs_u128 id = id_of("recirc_id(0),in_port(1),eth(), packets:1, used:never, actions:2\n");

    (void)state;
    assert_true(ovs_u128_equals(
        id, id_of("x\nrecirc_id(0),in_port(1),eth(), packets:7, used:0.1s, actions:drop\n")));
    assert_false(ovs_u128_equals(
        id, id_of("recirc_id(0),in_port(2),eth(), packets:1, used:never, actions:2\n")));
}

static void what_is_not_printable_is_made_so(void **state)
{
    static const char text[] =
        "recirc_id(0),in_port(\x1b[2Jp\xff\xe2\x82\xac), packets:1, actions:\0012";
    struct decoded decoded;

    (void)state;
    decoded_init(&decoded);
    decode_bytes(&decoded, text, sizeof text - 1, SIZE_MAX);
    assert_string_equal(ds_cstr(&decoded.text),
                        "1: unknown in_port ?[2Jp?\xe2\x82\xac recirc_id 0x0, 1 packets ? bytes "
                        "used ? | | - | an action was not understood: ?2\n");
    decoded_destroy(&decoded);
}

/*
 * Field mistakes (FIELD.md A.1, item 8)
 */

static void a_dump_without_m_never_says_hw_or_dp_sw(void **state)
{
    static const char flow[] = "recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no), "
                               "packets:941539, bytes:62142230, used:0.260s, flags:P., actions:";
    static const char *const commands[] = { "# ovs-appctl dpctl/dump-flows",
                                            "# ovs-appctl dpctl/dump-flows type=offloaded",
                                            "# ovs-appctl dpctl/dump-flows --names type=tc",
                                            "# ovs-dpctl dump-flows system@ovs-system" };
    static const char *const actions[] = { "2", "drop", "ct(zone=1),recirc(0x2)", "eth0" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(actions); j++) {
            char *text = xasprintf("%s\n%s%s\n", commands[i], flow, actions[j]);
            char *flows = flows_of(text);

            assert_memory_equal(flows, "2: unknown ", 11);
            free(flows);
            free(text);
        }
    }
}

static void not_in_hardware_is_not_mistaken_for_in_hardware(void **state)
{
    static const struct {
        const char *attributes;
        const char *path;
    } cases[] = {
        { "offloaded:yes, dp:tc, ", "hw" },
        { "dp:tc,offloaded:yes, ", "hw" },
        { "dp:tc, ", "tc-sw" },
        { "offloaded:no, dp:tc, ", "tc-sw" },
        { "not_offloaded:yes, dp:tc, ", "tc-sw" },
        { "offloaded:yes-partly, dp:tc, ", "unknown" },
        { "in_hw, dp:tc, ", "tc-sw" },
        { "not_in_hw, dp:tc, ", "tc-sw" },
        { "dp:ovs, ", "dp-sw" },
        { "offloaded:partial, dp:ovs, ", "hw-partial" },
        { "xdp:ovs, ", "unknown" },
        { "dp:dpdk, ", "unknown" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf("recirc_id(0),in_port(1), packets:1, bytes:2, used:never, %s"
                               "actions:offloaded_yes\n",
                               cases[i].attributes);
        char *path = xasprintf("1: %s in_port 1", cases[i].path);
        char *flows = flows_of(text);

        assert_memory_equal(flows, path, strlen(path));
        free(flows);
        free(path);
        free(text);
    }
}

static int keep_ports(const struct fl_flow *flow, void *ports_)
{
    odp_port_t *ports = ports_;

    ports[0] = flow->in_port;
    ports[1] = nl_attr_get_odp_port(flow->actions);
    return 0;
}

/* In "dpdkp0 3/4" of dpif/show, 3 is the OpenFlow port. Flows have the 4, or the name. */
static void ports_are_datapath_ports_or_names_never_openflow_ports(void **state)
{
    static const char text[] = "in_port(4), packets:1, bytes:2, used:never, actions:dpdkp0\n";
    struct fl_ports *ports = fl_ports_create();
    odp_port_t seen[2];
    struct fl_decoder *decoder = fl_decoder_create(ports, 0, keep_ports, seen);

    (void)state;
    fl_decoder_push(decoder, text, strlen(text));
    fl_decoder_finish(decoder);
    assert_int_equal(odp_to_u32(seen[0]), 4);
    assert_int_equal(odp_to_u32(seen[1]), odp_to_u32(fl_ports_find(ports, "dpdkp0")));
    assert_true(odp_to_u32(seen[1]) >= FL_PORT_NAMED);
    fl_decoder_destroy(decoder);
    fl_ports_destroy(ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_are_decoded_as_they_are_meant),
        cmocka_unit_test(it_does_not_matter_how_bytes_are_cut),
        cmocka_unit_test(a_carriage_return_is_not_part_of_a_flow),
        cmocka_unit_test(every_line_is_counted_once),
        cmocka_unit_test(a_whole_dump_is_not_truncated),
        cmocka_unit_test(the_callback_stops_the_decoder),
        cmocka_unit_test(texts_are_kept_when_asked_for),
        cmocka_unit_test(without_a_ufid_the_match_identifies_a_flow),
        cmocka_unit_test(what_is_not_printable_is_made_so),
        cmocka_unit_test(a_dump_without_m_never_says_hw_or_dp_sw),
        cmocka_unit_test(not_in_hardware_is_not_mistaken_for_in_hardware),
        cmocka_unit_test(ports_are_datapath_ports_or_names_never_openflow_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
