"""Runs commands and says what they took: by the clock, of the processors, of memory at the peak."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Figure:
    wall: float
    cpu: float
    peak: int  # bytes; the greatest of the commands' processes
    runs: int = 1

    def best(self, other):
        return Figure(min(self.wall, other.wall), min(self.cpu, other.cpu), max(self.peak, other.peak), self.runs + other.runs)


class Failed(Exception):
    pass


def run(took, commands, environment, log, timeout=3600, output=None, sync=None):
    """One figure for all the commands together; `took` is the program that starts and counts them."""
    wall, cpu, peak, said = 0.0, 0.0, 0, Path(f"{log}.took")
    for command in commands:
        command, folder = command if isinstance(command, tuple) else (command, "/")
        said.unlink(missing_ok=True)
        with open(log, "ab") as errors, open(output or os.devnull, "wb") as out:
            errors.write(f"\n$ {' '.join(command)}\n".encode())
            errors.flush()
            subprocess.run([took, said, sync or "-", *command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out if output else errors,
                           stderr=errors, timeout=timeout)
        seconds, used, memory, code = said.read_text().split()
        wall, cpu, peak = wall + float(seconds), cpu + float(used), max(peak, int(memory))
        if code != "0":
            tail = Path(log).read_text(errors="replace")[-600:]
            raise Failed(f"{' '.join(command)} ended with {code}:\n{tail}")
    return Figure(wall, cpu, peak)


def size(folder):
    """The bytes of all files of a folder."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            total += os.lstat(os.path.join(where, name)).st_size
    return total


def settle(cold):
    os.sync()
    if cold:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
