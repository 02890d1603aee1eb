"""How each program is told to do the same thing. Encryption on, zstd 3, each one's own defaults otherwise."""

import os
import subprocess
from pathlib import Path

PASSWORD = "correct horse battery staple"


class Tool:
    """`state` holds all a tool keeps: its `repo` (or a link to it) and its `cache`."""

    name = ""
    has_check = True

    def __init__(self, program, state, repo):
        self.program, self.state, self.repo = str(program), state, repo
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(state / "home"), "XDG_CACHE_HOME": str(state / "cache"),
                            "TZ": "UTC", "LANG": "C.UTF-8", **self.env()}

    def env(self):
        return {}

    def prepare(self):
        """Before `init`, not timed."""
        (self.state / "home").mkdir(parents=True, exist_ok=True)
        (self.state / "cache").mkdir(parents=True, exist_ok=True)

    def version(self):
        out = subprocess.run([self.program, "--version"], capture_output=True, text=True, env=self.environment)
        return (out.stdout or out.stderr).split("\n")[0].strip()

    def tell(self, *args):
        return [self.program, *map(str, args)]

    # Each of these returns the commands to run, one after the other; (command, folder) runs it in that folder.


class Reprise(Tool):
    name = "reprise"

    def env(self):
        return {"REPRISE_PASSWORD_FILE": str(self.state / "password")}

    def prepare(self):
        super().prepare()
        (self.state / "password").write_text(PASSWORD + "\n")
        os.chmod(self.state / "password", 0o600)

    def vault(self, verb, *args):
        return [self.tell("vault", verb, self.repo, *args)]

    def init(self):
        return self.vault("init")

    def backup(self, data):
        return self.vault("backup", data)

    def unlock(self):
        return self.vault("snapshots")

    def restore(self, data, into):
        return self.vault("restore", "latest", "--to", into)

    def one(self, data, path):
        return self.vault("cat", "latest", path)

    def check(self):
        return self.vault("check", "--read-all")

    def prune(self):
        return self.vault("forget", "--keep-last", "1", "--prune", "--yes")


class Restic(Tool):
    name = "restic"

    def env(self):
        return {"RESTIC_REPOSITORY": str(self.repo), "RESTIC_PASSWORD": PASSWORD, "RESTIC_CACHE_DIR": str(self.state / "cache")}

    def version(self):
        return subprocess.run([self.program, "version"], capture_output=True, text=True).stdout.split(" compiled")[0]

    def init(self):
        return [self.tell("init", "-q")]

    def backup(self, data):
        return [self.tell("backup", "-q", data)]

    def unlock(self):
        return [self.tell("cat", "config", "-q")]

    def restore(self, data, into):
        return [self.tell("restore", "latest", "-q", "--target", into)]

    def one(self, data, path):
        return [self.tell("dump", "-q", "latest", path)]

    def check(self):
        return [self.tell("check", "-q", "--read-data")]

    def prune(self):
        return [self.tell("forget", "-q", "--keep-last", "1", "--prune")]


class Rustic(Tool):
    name = "rustic"

    def env(self):
        return {"RUSTIC_REPOSITORY": str(self.repo), "RUSTIC_PASSWORD": PASSWORD, "RUSTIC_CACHE_DIR": str(self.state / "cache"),
                "RUSTIC_NO_PROGRESS": "true", "RUSTIC_LOG_LEVEL": "warn"}

    def init(self):
        return [self.tell("init")]

    def backup(self, data):
        return [self.tell("backup", data)]

    def unlock(self):
        return [self.tell("cat", "config")]

    def restore(self, data, into):
        return [self.tell("restore", f"latest:{data}", into)]

    def one(self, data, path):
        return [self.tell("dump", f"latest:{path}")]

    def check(self):
        return [self.tell("check", "--read-data")]

    def prune(self):
        return [self.tell("forget", "--keep-last", "1", "--prune", "--instant-delete")]


class Borg(Tool):
    name = "borg"

    def env(self):
        return {"BORG_REPO": str(self.repo), "BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(self.state),
                "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes", "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}

    def _name(self, step=0):
        """Its archives want names."""
        counter = self.state / "archives"
        number = (int(counter.read_text()) if counter.exists() else 0) + step
        counter.write_text(str(number))
        return f"::a{number}"

    def init(self):
        return [self.tell("init", "-e", "repokey-blake2")]

    def backup(self, data):
        return [self.tell("create", "-C", "zstd,3", self._name(1), data)]

    def unlock(self):
        return [self.tell("list", "--short", "--last", "1")]

    def restore(self, data, into):
        return [(self.tell("extract", self._name()), into)]

    def one(self, data, path):
        return [self.tell("extract", "--stdout", self._name(), str(path).lstrip("/"))]

    def check(self):
        return [self.tell("check", "--verify-data")]

    def prune(self):
        return [self.tell("prune", "--keep-last", "1"), self.tell("compact")]


class Bupstash(Tool):
    name = "bupstash"
    has_check = False

    def env(self):
        return {"BUPSTASH_REPOSITORY": str(self.repo), "BUPSTASH_KEY": str(self.state / "key"),
                "BUPSTASH_SEND_LOG": str(self.state / "cache/send-log"), "BUPSTASH_QUERY_CACHE": str(self.state / "cache/query")}

    def init(self):
        return [self.tell("new-key", "-o", self.state / "key"), self.tell("init")]

    def backup(self, data):
        return [self.tell("put", "-q", "--compression", "zstd:3", "name=set", data)]

    def unlock(self):
        return [self.tell("list", "-q", "name=set")]

    def _newest(self):
        out = subprocess.run(self.tell("list", "-q", "--format", "jsonl1", "name=set"), capture_output=True, text=True, env=self.environment)
        import json
        items = [json.loads(line) for line in out.stdout.splitlines() if line]
        return [item["id"] for item in items]

    def restore(self, data, into):
        return [self.tell("restore", "-q", "--into", into, f"id={self._newest()[-1]}")]

    def one(self, data, path):
        return [self.tell("get", "-q", "--pick", Path(path).relative_to(data), f"id={self._newest()[-1]}")]

    def prune(self):
        old = self._newest()[:-1]
        return [self.tell("rm", "-q", f"id={item}") for item in old] + [self.tell("gc", "-q")]


ALL = {tool.name: tool for tool in (Reprise, Restic, Rustic, Borg, Bupstash)}
