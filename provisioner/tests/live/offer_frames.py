"""DHCP offers as bare Ethernet frames: `offer_frames.py INTERFACE CARD SERVER[@VLAN]...` sends one offer to the machine
CARD for each server, in that order, tagged (802.1Q) where a VLAN is named."""

import socket
import struct
import sys

interface, card, servers = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), sys.argv[3:]
cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
cable.bind((interface, 0))
for word in servers:
    server, _, vlan = word.partition("@")
    server = socket.inet_aton(server)
    given = server[:3] + b"\x32"
    bootp = struct.pack("!BBBB4s8x4s8x", 2, 1, 6, 0, b"\x00\x00\x00\x09", given)
    bootp = (bootp + card).ljust(236, b"\x00") + b"\x63\x82\x53\x63"
    bootp += b"\x35\x01\x02\x36\x04" + server + b"\xff"
    udp = struct.pack("!HHHH", 67, 68, 8 + len(bootp), 0) + bootp
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, server, b"\xff" * 4)
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + ip[12:]
    tag = struct.pack("!HH", 0x8100, int(vlan)) if vlan else b""
    cable.send(b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x99" + tag + b"\x08\x00" + ip + udp)
