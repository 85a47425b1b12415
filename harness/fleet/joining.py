"""How a worker comes to a run: it is given a seat, fetches the plan, compiles it, and has its clock compared.

Then it is ready: it stands in a folder of its own with everything that a load process reads.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import InputError, Problem, RunError, shortened
from harness.fleet.channel import Channel, NoAnswer, TurnedAway
from harness.fleet.clock_offset import best_of
from harness.fleet.handover import Told, own_versions
from harness.fleet.limits import require_file_handles
from harness.machine import environment_facts
from harness.rundir import RunDir, create_run_dir
from harness.units import duration_text

__all__ = ["Joined", "join", "refusal_as_error"]

PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0


@dataclass(frozen=True)
class Joined:
    """A worker with a seat. `name` is what the run calls it."""

    name: str
    run_dir: RunDir
    run: str
    """The name of the run's folder where its leader is."""


def join(channel: Channel, name: str, out: Path | None, wait_s: float, say: Callable[[str], None]) -> Joined:
    """Come to the run at the channel's other end, which may begin to listen only later, or have a seat only later.

    Raises InputError where it does not take us, or for `wait_s` nobody answers or no seat is free; RunError where what
    it handed over is not what it told.
    """
    where = f"{channel.host}:{channel.port}"
    until_s, pause_s, said = time.monotonic() + wait_s, PAUSE_S, set[str]()
    while True:
        try:
            return _join_once(channel, name, out)
        except TurnedAway as away:
            if away.kind != "surplus" or time.monotonic() > until_s:  # before the load a seat may become free
                raise refusal_as_error(channel, away) from away
            kind, why = "seat", f"the run at {where} has no seat for us yet ({away})"
        except NoAnswer as nothing:
            if time.monotonic() > until_s:
                begin = f"start it there with `emrload run … --expect-workers N --bind {where}`"
                raise InputError(Problem(f"nobody answers at {where}: {nothing}", "--master", begin)) from nothing
            kind, why = "answer", f"nobody answers at {where} yet ({nothing})"
        if kind not in said:
            say(f"waiting  {why}; trying for {duration_text(wait_s)}")
            said.add(kind)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _join_once(channel: Channel, name: str, out: Path | None) -> Joined:
    """Raises NoAnswer where the leader does not answer or falls silent on the way; what was written is gone then, and
    where we cannot go on the seat is free again."""
    own = {"name": name, "versions": own_versions(), "machine": environment_facts()["host"]}
    told = channel.tell("join", own)
    run = Path(told["folder"]).name
    run_dir: RunDir | None = None
    try:
        run_dir = create_run_dir("worker", out or Path("reports") / f"{run}-worker-{Path(told['name']).name}")
        require_file_handles(int(told["connections"]))
        for each in told["files"]:
            _fetch(channel, Told.from_json(each), run_dir)
        digest = _roster_digest(run_dir)
        clock = best_of(told["name"], channel.exchange_clocks)
        channel.tell("ready", {"roster_digest": digest, "clock": clock.to_json()})
    except BaseException as error:  # whatever it was, we do not come, and leave nothing behind
        if run_dir is not None:
            run_dir.discard()
        if not isinstance(error, (NoAnswer, TurnedAway)):
            _try_to_leave(channel, _why_not(error))
        raise
    return Joined(told["name"], run_dir, run)


def refusal_as_error(channel: Channel, away: TurnedAway) -> InputError:
    """What a refusal means to whoever started the worker."""
    where = f"{channel.host}:{channel.port}"
    same = "give both sides the same file with --secret-file, or the same EMRLOAD_FLEET_SECRET"
    told = {
        "secret": (f"our secret is not that of the run at {where}", "--secret-file", same),
        "unsigned": (f"the run at {where} saw no signature", "--master", "let nothing on the way change requests"),
        "stale": (
            f"the clock of this machine is more than 5 min from that of {where}",
            "--master",
            "synchronise both, such as with chrony",
        ),
        "version": (f"the run at {where} refused us: {away}", "--master", "install the same version on all hosts"),
        "digest": (f"the run at {where} refused us: {away}", "--master", "install the same packages on all hosts"),
        "late": (f"the run at {where} refused us: {away}", "--master", "start workers before, or the run again"),
        "surplus": (f"the run at {where} refused us: {away}", "--master", "start it with a larger --expect-workers"),
    }
    what, option, how = told.get(away.kind, (f"the run at {where} refused us: {away}", "--master", ""))
    return InputError(Problem(what, option, how))


def _fetch(channel: Channel, told: Told, run_dir: RunDir) -> None:
    content = channel.fetch(told.path)
    if len(content) != told.size or hashlib.sha256(content).hexdigest() != told.sha256:
        raise RunError(f"{told.path} did not come as it was told", "start the worker again")
    (run_dir.path / told.path).write_bytes(content)


def _roster_digest(run_dir: RunDir) -> str:
    """Who works where and when, as this machine comes to it from the scenario that was handed over."""
    from harness.plan import compile_plan
    from harness.scenario import read_spec, use_workflows

    spec = read_spec(run_dir.scenario)
    use_workflows(spec.scenario)
    return compile_plan(spec).roster_digest


def _why_not(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "somebody interrupted it (Ctrl-C)"
    return f"it could not use what it was given ({shortened(str(error).partition(chr(10))[0])})"


def _try_to_leave(channel: Channel, why: str) -> None:
    try:
        channel.tell("leave", {"why": why})
    except (NoAnswer, TurnedAway):
        return
