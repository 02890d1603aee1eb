"""An 802.1Q device in user space, for kernels that have none: `vlans.py TRUNK NAME=ID...` makes a tap for each VLAN and
carries its frames over TRUNK with their tag. Says "ready" when all are there, and ends with its standard input."""

import fcntl
import os
import select
import socket
import struct
import sys
import threading

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
ETH_P_ALL, PACKET_OUTGOING = 0x0003, 4
SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 1 << 4


def tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


def tag(control):
    """The VLAN of a frame: the kernel takes the tag out of the frame and says it beside."""
    for level, kind, data in control:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, vlan, _ = struct.unpack("IIIHHHH", data[:20])
            if status & VLAN_VALID:
                return vlan & 0xFFF
    return None


def main():
    trunk = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    trunk.bind((sys.argv[1], ETH_P_ALL))
    trunk.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    taps = {int(number): tap(name) for name, number in (word.split("=") for word in sys.argv[2:])}
    ids = {device: number for number, device in taps.items()}
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print("ready", flush=True)
    while True:
        for ready in select.select([trunk, *ids], [], [])[0]:
            try:
                if ready is trunk:
                    frame, control, _, sender = trunk.recvmsg(65536, 1024)
                    device = taps.get(tag(control))
                    if device is not None and sender[2] != PACKET_OUTGOING:
                        os.write(device, frame)
                else:
                    frame = os.read(ready, 65536)
                    trunk.send(frame[:12] + struct.pack("!HH", 0x8100, ids[ready]) + frame[12:])
            except OSError:
                # An interface that is not up yet loses its frames, as a cable would.
                pass


main()
