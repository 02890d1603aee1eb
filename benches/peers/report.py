"""Tables of what was measured, and whether the targets are met. Pure: takes the result, returns text."""

STEPS = ["first", "unchanged", "next day", "restore", "one file", "check", "prune"]
PEERS = ["restic", "rustic", "borg"]  # bupstash is shown beside
WALL = {"first": 0.6, "unchanged": 0.5, "next day": 0.7, "restore": 0.6, "one file": 0.5, "check": 0.7, "prune": 0.5}
SMALL = ("source", "tiny")
LEAST = 0.001  # seconds: what is quicker cannot be told apart


def index(result):
    return {(row["set"], row["step"], row["tool"]): row for row in result["rows"]}


def seconds(rows, name, step, tool):
    """A step's time; reading one file without what opening the vault takes."""
    row = rows.get((name, step, tool))
    if row is None:
        return None
    if step != "one file":
        return row["wall"]
    unlock = rows.get((name, "unlock", tool))
    left = row["wall"] - (unlock["wall"] if unlock else 0)
    if left < LEAST:
        # A peer's opening that took longer than opening and reading says nothing; ours counts as the least there is.
        return LEAST if tool == "reprise" else None
    return left


def lines(result):
    """(set, what, ours, best peer, its value, ratio, target) for all that has a target."""
    rows, found = index(result), []

    def compare(name, what, ours, peers, target, unit):
        peers = {tool: value for tool, value in peers.items() if value is not None}
        if ours is None or not peers:
            return
        tool = min(peers, key=peers.get)
        found.append((name, what, ours, tool, peers[tool], ours / max(peers[tool], 1e-9), target, unit))

    def value(name, step, tool, field):
        row = rows.get((name, step, tool))
        return row[field] if row else None

    for name in result.get("sets", {}):
        for step in STEPS:
            compare(name, f"{step}: time", seconds(rows, name, step, "reprise"), {p: seconds(rows, name, step, p) for p in PEERS}, WALL[step], "s")
            if step == "first":
                compare(name, "first: CPU", value(name, step, "reprise", "cpu"), {p: value(name, step, p, "cpu") for p in PEERS}, 0.8, "s")
        walk = value(name, "walk", "nftw", "wall")
        unchanged, unlock = value(name, "unchanged", "reprise", "wall"), value(name, "unlock", "reprise", "wall")
        if name == "tiny" and walk and unchanged and unlock:
            found.append((name, "unchanged: walks", max(LEAST, unchanged - unlock), "nftw", walk, max(LEAST, unchanged - unlock) / walk, 2.0, "s"))
        peers = ["restic"] if name in SMALL else PEERS
        compare(name, "stored", value(name, "stored", "reprise", "bytes"), {p: value(name, "stored", p, "bytes") for p in peers}, 0.8 if name in SMALL else 1.0, "B")
        added = {"sql": 0.5, "image": 0.5, "source": 1.5, "tiny": 1.5}.get(name, 1.0)
        compare(name, "added next day", value(name, "added", "reprise", "bytes"), {p: value(name, "added", p, "bytes") for p in PEERS}, added, "B")
        for step in STEPS:
            peak, limit = value(name, step, "reprise", "peak"), (200 if step == "restore" else 150) * 1_000_000
            if peak:
                found.append((name, f"{step}: peak memory", peak, "limit", limit, peak / limit, 1.0, "B"))
    return found


def shown(value, unit):
    return f"{value / 1e6:.1f} MB" if unit == "B" else f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def table(head, rows):
    rows = [head, *rows]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    align = lambda row: "| " + " | ".join(cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (width + 2) if n == 0 else "-" * (width + 1) + ":" for n, width in enumerate(widths)) + "|"
    return "\n".join([align(rows[0]), rule, *map(align, rows[1:])]) + "\n"


def text(result):
    rows = index(result)
    names = list(result["versions"])
    out = [f"Machine: {result['machine']}; {result['wire']}; restore {result['restore']}; cache {result['cache']}; best of {result['repeat']}; scale {result['scale']}; seed {result['seed']}\n"]
    out.append("Versions: " + "; ".join(f"{tool}: {version}" for tool, version in result["versions"].items()) + "\n")
    for name, about in result.get("sets", {}).items():
        out.append(f"\n## {name}: {about['files']} files, {about['bytes'] / 1e6:.0f} MB\n")
        out.append("wall s / CPU s / peak MiB\n")
        body = []
        for step in [*STEPS, "unlock", "walk"]:
            cells = []
            for tool in names:
                row = rows.get((name, step, tool if step != "walk" else "nftw"))
                if step == "walk" and tool != "reprise":
                    row = None
                cells.append(f"{row['wall']:.2f} / {row['cpu']:.2f} / {row['peak'] / 1048576:.0f}" if row else "-")
            if any(cell != "-" for cell in cells):
                label = {"unlock": "(opening alone)", "walk": "(walk by nftw)", "one file": "one file, opening included"}.get(step, step)
                body.append([label, *cells])
        for step, label in (("stored", "stored, MB"), ("added", "added next day, MB"), ("left", "left after prune, MB")):
            cells = [f"{row['bytes'] / 1e6:.1f}" if (row := rows.get((name, step, tool))) else "-" for tool in names]
            if any(cell != "-" for cell in cells):
                body.append([label, *cells])
        out.append(table([name, *names], body))
    targets = lines(result)
    if targets:
        out.append("\n## Against the best peer of this run\n")
        body = [[name, what, shown(ours, unit), f"{tool} {shown(best, unit)}", f"{ratio:.2f}", f"≤ {target}", "ok" if ratio <= target else "MISSED"]
                for name, what, ours, tool, best, ratio, target, unit in targets]
        out.append(table(["set", "what", "Reprise", "best", "ratio", "target", ""], body))
        missed = sum(row[-1] == "MISSED" for row in body)
        out.append(f"\n{len(body) - missed} of {len(body)} met, {missed} missed.\n")
    return "".join(out)


def tsv(result):
    fields = ["set", "step", "tool", "wall", "cpu", "peak", "runs", "bytes"]
    return "\n".join(["\t".join(fields), *("\t".join(str(row.get(field, "")) for field in fields) for row in result["rows"])]) + "\n"
