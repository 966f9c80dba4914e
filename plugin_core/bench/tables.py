"""The comparison as text: one table a protocol, then who was missing and who failed."""

from collections.abc import Iterator, Sequence
from typing import Any

Rows = Sequence[dict[str, Any]]


def lines(result: dict[str, Any]) -> Iterator[str]:
    """Markdown, line by line, of what ``compare`` returned."""
    yield from _machine(result)
    yield from _speed(result["speed"])
    yield from _interpolation(result["interpolation"], result["truth"])
    yield from _smoothness(result["smoothness"])
    yield from _latency(result["latency"])
    yield from _notes(result)


def leaders(result: dict[str, Any]) -> Iterator[str]:
    """One line for each column in which a peer is ahead of the better of Auricle's rows."""
    remarks = {row["engine"]: _remark(row) for row in result["engines"]}
    for title, rows, value in columns(result):
        own = [row for row in rows if row["engine"].startswith("Auricle")]
        if not own:
            continue
        ours = min(own, key=lambda row: row[value])
        ahead = sorted((row for row in rows if row[value] < ours[value]), key=lambda r: r[value])
        if ahead:
            names = [f"{r['engine']} {r[value]:.3g}{remarks[r['engine']]}" for r in ahead]
            yield f"{title}: {ours['engine']} {ours[value]:.3g}; ahead: {', '.join(names)}"


def _remark(engine: dict[str, Any]) -> str:
    if engine["own_set"]:
        return " (its own set)"
    return "" if engine["interpolates"] else " (does not interpolate)"


def columns(result: dict[str, Any]) -> Iterator[tuple[str, Rows, str]]:
    """Title, rows and key of each column that is better when smaller."""
    speed = result["speed"]
    for block, count in sorted({(row["block_size"], row["n_sources"]) for row in speed}):
        rows = [r for r in speed if (r["block_size"], r["n_sources"]) == (block, count)]
        yield f"speed, block {block}, {count} sources, ms", rows, "median_ms"
    accuracy = result["interpolation"]
    for step in _values(accuracy, "step_deg"):
        rows = [row for row in accuracy if row["step_deg"] == step]
        for key, unit in (("lsd_db", "LSD dB"), ("ild_error_db", "ILD dB"), ("itd_error_us", "us")):
            yield f"accuracy, {step:g} degrees, {unit}", rows, key
    smooth = [row for row in result["smoothness"] if not row["engine"].startswith("ideal")]
    for each in _values(smooth, "deg_per_second"):
        rows = [row for row in smooth if row["deg_per_second"] == each]
        for key, title in (("outside_tone_db", "outside tone"), ("above_3_khz_db", "above 3 kHz")):
            yield f"smoothness, {each:g} degrees/s, {title}, dB", rows, key


def _values(rows: Rows, key: str) -> list[float]:
    return list(dict.fromkeys(row[key] for row in rows))


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(row["engine"] for row in rows))


def _machine(result: dict[str, Any]) -> Iterator[str]:
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"{machine['processor']}, {machine['cores']} cores, one used; Python {machine['python']}"
    yield f"{versions}"
    loads = [machine["load_before"], machine["load_after"]]
    if None not in loads:
        busy = "" if max(loads) < 1.5 else ": other work disturbs the absolute times"
        yield f"load of the machine before {loads[0]:.1f}, after {loads[1]:.1f}{busy}"


def _header(*titles: str) -> list[str]:
    return ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]


def _speed(rows: Rows) -> Iterator[str]:
    for block in _values(rows, "block_size"):
        within = [row for row in rows if row["block_size"] == block]
        counts = _values(within, "n_sources")
        yield f"\n### Speed, block {block:g}: ms a block, median and lowest tenth, x Auricle\n"
        yield from _header("engine", *(f"{n:g} sources" for n in counts), "sources in real time")
        for name in _names(within):
            mine = {row["n_sources"]: row for row in within if row["engine"] == name}
            cells = [_speed_cell(mine.get(n)) for n in counts]
            largest = mine[max(mine)]
            yield f"| {name} | {' | '.join(cells)} | {largest['n_sources'] / largest['load']:.0f} |"


def _speed_cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    ratio = "" if row["ratio"] is None else f", x {row['ratio']:.2f}"
    return f"{row['median_ms']:.3f}, {row['p10_ms']:.3f}{ratio}"


def _interpolation(rows: Rows, truth: str) -> Iterator[str]:
    steps = _values(rows, "step_deg")
    yield f"\n### Accuracy between the directions of a grid ({truth})\n"
    yield "LSD dB, ILD error dB, ITD error us\n"
    yield from _header("engine", *(f"{step:g} degrees" for step in steps))
    for name in _names(rows):
        mine = {row["step_deg"]: row for row in rows if row["engine"] == name}
        cells = [
            f"{r['lsd_db']:.2f}, {r['ild_error_db']:.2f}, {r['itd_error_us']:.1f}"
            if (r := mine.get(step))
            else "-"
            for step in steps
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def _smoothness(rows: Rows) -> Iterator[str]:
    speeds = _values(rows, "deg_per_second")
    yield "\n### Smoothness: a circling 1 kHz tone, dB of the tone\n"
    yield from _header(
        "engine", *(f"{each:g} deg/s: outside the tone, above 3 kHz" for each in speeds)
    )
    for name in _names(rows):
        mine = {row["deg_per_second"]: row for row in rows if row["engine"] == name}
        cells = [
            f"{r['outside_tone_db']:.1f}, {r['above_3_khz_db']:.1f}" if (r := mine.get(s)) else "-"
            for s in speeds
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def _latency(rows: Rows) -> Iterator[str]:
    yield "\n### Latency beyond the block of 256, samples\n"
    yield from _header("engine", "samples")
    for row in rows:
        value = f"{round(row['latency_samples'])}" if row["known"] else (
            f"response begins at {row['latency_samples']:.0f}"
        )  # fmt: skip
        yield f"| {row['engine']} | {value} |"


def _notes(result: dict[str, Any]) -> Iterator[str]:
    yield "\n### Notes\n"
    for row in result["engines"]:
        yield f"- {row['engine']}: {row['note']}."
    for row in result["missing"]:
        yield f"- {row['engine']}: not compared, {row['why']}; {row['remedy']}"
    for row in result["failed"]:
        yield f"- {row['engine']}: failed, {row['why']}"
    behind = list(leaders(result))
    yield "\n### Where neither of Auricle's rows is first\n"
    yield from (f"- {line}" for line in behind)
    if not behind:
        yield "nowhere in this run"
