"""What the benches of the boot server share: namespaces that end with their run, waiting for a condition, and the
questions that a PC's firmware asks. A module for the scripts beside, not a program."""

import os
import struct
import subprocess
import sys
import time


def until(what, ready, seconds=60, pause=0.02):
    """Waits until `ready()` is true; an error of the system while it is not yet counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := ready():
                return found
        except OSError:
            pass
        if time.monotonic() > deadline:
            sys.exit(f"waited in vain: {what}")
        time.sleep(pause)


class Namespace:
    """A network of its own, as long as its holder lives; however the run ends, it does."""

    def __init__(self):
        self.holder = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "86400"])
        ours = os.readlink("/proc/self/ns/net")
        until("unshare makes a network namespace", lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != ours)
        self.enter = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        self.run("ip link set lo up")

    def run(self, line):
        subprocess.run([*self.enter, *line.split()], check=True)

    def start(self, words, **how):
        """A program in it that ends with this one."""
        return subprocess.Popen([*self.enter, "setpriv", "--pdeathsig", "KILL", *map(str, words)], **how)

    def end(self):
        self.holder.kill()
        self.holder.wait()


def option(code, value):
    return bytes([code, len(value)]) + value


def packet(kind, card, number, options, ciaddr="0.0.0.0"):
    """A DHCP question of a PC: BOOTREQUEST, answers by broadcast while it has no address (RFC 2131 §2)."""
    flags = 0x8000 if ciaddr == "0.0.0.0" else 0
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, number, 0, flags) + bytes(map(int, ciaddr.split("."))) + bytes(12)
    head += card + bytes(10 + 64 + 128) + bytes([99, 130, 83, 99])
    return head + option(53, bytes([kind])) + options + b"\xff"


def firmware(uuid):
    """What UEFI on x64 says of itself when it asks for its loader (RFC 4578)."""
    says = option(93, b"\0\x07") + option(94, b"\x01\x03\0") + option(97, b"\0" + uuid)
    return says + option(60, b"PXEClient:Arch:00007:UNDI:003000") + option(57, b"\x05\xc0")


def ipxe(uuid):
    """What iPXE adds when it asks in its turn: its user class, and that it can HTTP (option 175)."""
    return firmware(uuid) + option(77, b"iPXE") + option(175, bytes([19, 1, 1, 17, 1, 1, 23, 1, 1]))


def options(answer):
    """The options of an answer by their codes."""
    found, at = {}, 240
    while at < len(answer) and answer[at] != 255:
        if answer[at] == 0:
            at += 1
            continue
        code, length = answer[at], answer[at + 1]
        found[code] = answer[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def boot_file(answer):
    """The name in `file`, or in option 67."""
    return answer[108:236].split(b"\0")[0].decode() or options(answer).get(67, b"").rstrip(b"\0").decode()
