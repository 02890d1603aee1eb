"""Puts the peers, pinned, into a private folder; nothing else of the machine changes but Debian's packages to build them."""

import os
import shutil
import subprocess
from pathlib import Path

RESTIC = ["0.19.1-1"]           # newer than bookworm's 0.14, so unpacked from a later Debian
RUSTIC = "0.11.4"
BORG = "1.4.5"
BUPSTASH = "0.12.0"
HOST = "x86_64-unknown-linux-gnu"
NEEDED = {
    "gcc": "gcc", "pkg-config": "pkg-config", "python3-venv": None, "python3-dev": None, "libsodium-dev": None, "libacl1-dev": None,
    "liblz4-dev": None, "libzstd-dev": None, "libxxhash-dev": None, "libssl-dev": None, "fuse3": "fusermount3", "libfuse3-dev": None,
}


def sh(*command, **options):
    print("+", " ".join(map(str, command)), flush=True)
    subprocess.run(list(map(str, command)), check=True, **options)


def packages():
    have = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Status}\n"], capture_output=True, text=True, check=True).stdout
    have = {line.split()[0] for line in have.splitlines() if line.endswith("installed")}
    lacking = [name for name, tool in NEEDED.items() if name not in have and not (tool and shutil.which(tool))]
    if lacking:
        sh("apt-get", "update", "-q")
        sh("apt-get", "install", "-q", "-y", "--no-install-recommends", *lacking)


def restic(folder):
    """Debian's own package of a later release, unpacked, not installed: it needs nothing but the C library."""
    apt = folder / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "sources.list").write_text(
        "".join(f"deb [signed-by={key}] http://deb.debian.org/debian {suite} main\n" for suite in ("trixie", "forky", "sid")))
    options = ["-o", f"Dir::Etc::sourcelist={apt}/sources.list", "-o", "Dir::Etc::sourceparts=-",
               "-o", f"Dir::State::lists={apt}/lists", "-o", f"Dir::Cache={apt}/cache", "-o", "APT::Sandbox::User=root"]
    sh("apt-get", *options, "update", "-q")
    for version in RESTIC:
        if subprocess.run(["apt-get", *options, "download", f"restic={version}"], cwd=apt).returncode == 0:
            break
    else:
        sh("apt-get", *options, "download", "restic", cwd=apt)
    sh("dpkg", "-x", max(apt.glob("restic_*.deb")), folder)
    shutil.rmtree(apt)


def cargo(folder, name, version, *more):
    environment = {key: value for key, value in os.environ.items() if key not in ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET")}
    sh("cargo", "install", name, "--version", version, "--locked", "--root", folder, "--target", HOST, *more, cwd="/", env=environment)


def borg(folder):
    sh("python3", "-m", "venv", folder)
    sh(folder / "bin/pip", "install", "-q", f"borgbackup=={BORG}")


def peers(folder, wanted):
    """Returns the path of each peer's program; installs what lacks."""
    programs = {
        "restic": folder / "restic/usr/bin/restic",
        "rustic": folder / "rustic/bin/rustic",
        "borg": folder / "borg/bin/borg",
        "bupstash": folder / "bupstash/bin/bupstash",
    }
    makers = {
        "restic": restic,
        "rustic": lambda at: cargo(at, "rustic-rs", RUSTIC, "--no-default-features"),
        "borg": borg,
        "bupstash": lambda at: cargo(at, "bupstash", BUPSTASH),
    }
    lacking = [name for name in wanted if name in programs and not programs[name].exists()]
    if lacking:
        packages()
    for name in lacking:
        (folder / name).mkdir(parents=True, exist_ok=True)
        try:
            makers[name](folder / name)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"{name} could not be installed and is left out: {error}", flush=True)
    return {name: path for name, path in programs.items() if name in wanted and path.exists()}


def helpers(source, folder):
    """The programs of this folder: what makes the data, the walk, the slow wire."""
    folder.mkdir(parents=True, exist_ok=True)
    built = {}
    for name in ("data.rs", "took.c", "walk.c", "delay.c"):
        program = folder / name.split(".")[0]
        built[program.name] = program
        if program.exists() and program.stat().st_mtime > (source / name).stat().st_mtime:
            continue
        packages()
        if name.endswith(".rs"):
            sh("rustc", "-O", "--edition", "2024", "--target", HOST, "-o", program, source / name)
        else:
            flags = []
            if name == "delay.c":
                flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=True).stdout.split()
            sh("gcc", "-O2", "-o", program, source / name, *flags)
    return built
