"""Listening on behalf of a user: the monitor on a terminal or in a pipe, and recording."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.osc.network.monitor import Monitor, Row, as_text, tags_of
from auricle.osc.network.server import OscServer
from auricle.osc.protocol.messages import Message
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.trackers.identification import GESTURES, Fit, PresetMatcher
from auricle.plugin_core.commands.stopping import until_told

if TYPE_CHECKING:
    from rich.table import Table

# The monitor knows no scene; messages to sources up to there count as good.
N_SOURCES = 256
REFRESH_SECONDS = 0.2
MAX_LINES_WAITING = 20_000
_SHOWN_ROWS = 40
_WORTH_A_WORD_SECONDS = 0.1


@dataclass(frozen=True)
class Seen:
    """What a monitor saw.

    Attributes:
        rows: by address; statistics: the server's counters; fits: presets, best first, or None
            where that was not asked for; n_poses: messages that some preset knows; leads:
            seconds by which the tags of each sender's bundles are ahead of their arrival at least.
    """

    rows: list[Row]
    statistics: dict[str, Any]
    fits: list[Fit] | None
    n_poses: int = 0
    leads: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        facts: dict[str, Any] = {
            "addresses": [row.as_dict() for row in self.rows],
            "statistics": self.statistics,
            "seconds_ahead": {sender: round(lead, 3) for sender, lead in self.leads.items()},
        }
        if self.fits is not None:
            facts["fits"] = [fit.as_dict() for fit in self.fits]
        return facts

    def lines(self) -> list[str]:
        """The end of a monitor's text: what was counted, and which presets fit."""
        counted = {name: n for name, n in self.statistics.items() if n and isinstance(n, int)}
        lines = [", ".join(f"{n} {name}" for name, n in counted.items()) or "nothing arrived"]
        lines += [
            f"the time tags of {sender} are {abs(lead):.1f} s "
            f"{'ahead of' if lead > 0.0 else 'behind'} this machine's clock"
            for sender, lead in self.leads.items()
            if abs(lead) > _WORTH_A_WORD_SECONDS
        ]
        return lines if self.fits is None else lines + _fit_lines(self.fits)


def listen(
    *, host: str, port: int, tcp_port: int | None, allow: Sequence[str], seconds: float | None,
    learn: bool, silent: bool,
) -> Seen:  # fmt: skip
    """Show what arrives until the time is over or Ctrl-C; nothing is answered.

    Args:
        host, port, tcp_port, allow: as of the server.
        seconds: None: until Ctrl-C.
        learn: find the preset that fits, and stop when all gestures were seen.
        silent: show nothing.
    """
    monitor, matcher = Monitor(), PresetMatcher()
    lines: deque[str] = deque(maxlen=MAX_LINES_WAITING)
    on_terminal = sys.stdout.isatty()
    in_pipe = not (silent or learn or on_terminal)
    start = time.monotonic()

    def observe(message: Message, now: float) -> None:
        monitor.observe(message, now)
        if learn:
            matcher.observe(message)
        if in_pipe:
            values = as_text(message.arguments, 1000)
            lines.append(
                f"{now - start:.4f} {message.address} {tags_of(message.arguments)} {values}"
            )

    server = OscServer(
        MemoryTarget(N_SOURCES), host=host, port=port, tcp_port=tcp_port, allow=allow,
        obey_time_tags=False, observe=observe, answers=False,
    )  # fmt: skip
    if learn:
        server.session.observe_bad = matcher.observe_bytes
        if not silent:
            _ask_for_gestures(server.port)
    with server:
        if silent or learn:
            _wait(seconds, lambda: learn and matcher.gestures_seen() >= len(GESTURES))
        elif on_terminal:
            with _live_table() as show:
                _wait(seconds, lambda: show(monitor.rows(time.monotonic())))
        else:
            _wait(seconds, lambda: _print(lines))
        statistics = server.statistics()["osc"]
    rows = monitor.rows(time.monotonic())
    leads = {str(sender): lead for sender, lead in server.session.clocks.leads().items()}
    return Seen(rows, statistics, matcher.fits() if learn else None, matcher.n_messages, leads)


def record(
    path: Path, *, host: str, port: int, tcp_port: int | None, allow: Sequence[str],
    tracker: str | None, tracker_port: int | None, seconds: float | None,
) -> dict[str, Any]:  # fmt: skip
    """Write down what arrives until the time is over or Ctrl-C; the server's counters.

    Raises:
        AuricleError: it could not go on, as on a full disk; what had come is kept.
    """
    with OscServer(
        MemoryTarget(N_SOURCES), host=host, port=port, tcp_port=tcp_port, allow=allow,
        tracker=tracker, tracker_port=tracker_port, record=path, answers=False,
    ) as server:  # fmt: skip
        _wait(seconds, lambda: server.recording_error is not None)
        counters: dict[str, Any] = server.statistics()["osc"]
    if server.recording_error is not None:
        raise server.recording_error
    return counters


def _wait(seconds: float | None, meanwhile: Callable[[], Any]) -> None:
    """Call ``meanwhile`` again and again until the time is over, it says True, or Ctrl-C."""
    end = None if seconds is None else time.monotonic() + seconds
    with until_told():
        while end is None or time.monotonic() < end:
            left = REFRESH_SECONDS if end is None else min(REFRESH_SECONDS, end - time.monotonic())
            time.sleep(max(left, 0.0))
            if meanwhile() is True:
                return


def _print(lines: deque[str]) -> None:
    while lines:
        print(lines.popleft())
    sys.stdout.flush()


def _ask_for_gestures(port: int) -> None:
    asked = "; ".join(f"({i + 1}) {gesture}" for i, gesture in enumerate(GESTURES))
    print(
        f"listening on port {port}. Look ahead, then, each time back to the front: {asked}. "
        "Ctrl-C ends.",
        file=sys.stderr,
    )


def _fit_lines(fits: Sequence[Fit]) -> list[str]:
    if not fits:
        return ["no head tracker's messages came; is it sending to this port?"]
    lines = []
    for i, fit in enumerate(fits[:5]):
        motion = "no gestures seen" if fit.motion is None else f"motion {100.0 * fit.motion:.0f} %"
        head = "fits best:" if i == 0 else "     next:"
        lines.append(
            f"{head} --tracker {fit.preset.name}  ({fit.poses} poses, form {100.0 * fit.form:.0f} %"
            f", {motion})"
        )
        lines += [f"           {fit.preset.note}"] if i == 0 else []
        lines += [f"           the same: {', '.join(fit.same)}"] if fit.same else []
        lines += [f"           doubt: {doubt}" for doubt in fit.doubts]
    return lines


@contextmanager
def _live_table() -> Iterator[Callable[[list[Row]], None]]:
    """A table on the terminal that is drawn anew."""
    from rich.live import Live

    with Live(_table([]), refresh_per_second=1.0 / REFRESH_SECONDS) as live:
        yield lambda rows: live.update(_table(rows))


def _table(rows: list[Row]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("address", "types", "values", "per second", "age s", "messages", "known as")
    for row in rows[:_SHOWN_ROWS]:
        table.add_row(
            escape(row.address), row.tags, escape(as_text(row.values)), f"{row.rate:.1f}",
            f"{row.age_seconds:.1f}", str(row.n_messages), row.meaning or "[red]nobody[/red]",
        )  # fmt: skip
    if len(rows) > _SHOWN_ROWS:
        table.add_row(f"... and {len(rows) - _SHOWN_ROWS} more", *[""] * 6)
    return table
