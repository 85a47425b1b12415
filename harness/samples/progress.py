"""What a run looks like from one second to the next: a JSON line a second and worker, for the console that watches.

Latencies travel as counts in log-spaced buckets, so that the watcher can add up workers and still name a p95.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Progress", "count_by_bucket", "progress_path", "quantile_of", "read_progress"]

_BUCKET_RATIO: Final = 1.05
"""Neighbouring buckets differ by 5%: finer than a console needs."""


@dataclass
class Progress:
    """One second of one worker. `latencies` counts answers by bucket; `own_limits` what could not be sent since the
    run's start, by the limit of this machine that it met."""

    time_s: float
    worker: int
    on_duty: int
    in_flight: int
    requests: int
    errors: int
    latencies: dict[int, int] = field(default_factory=dict)
    visitors: int = 0
    own_limits: dict[str, int] = field(default_factory=dict)

    def line(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"


def progress_path(streams: Path, worker: int) -> Path:
    return streams / f"progress-w{worker}.jsonl"


def read_progress(path: Path, offset: int) -> tuple[list[Progress], int]:
    """Whole lines from byte `offset` on, and where to go on reading."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    seconds = [Progress(**json.loads(line)) for line in whole.splitlines()]
    for second in seconds:
        second.latencies = {int(bucket): count for bucket, count in second.latencies.items()}
    return seconds, offset + len(whole)


def count_by_bucket(latencies_ms: NDArray[Any]) -> dict[int, int]:
    """How many latencies fall into each bucket; a whole batch at once, since a logarithm a request would cost more."""
    import numpy as np  # here and not above: whoever only watches does without its memory

    buckets = np.rint(np.log(np.maximum(latencies_ms, 0.01)) / np.log(_BUCKET_RATIO)).astype(np.int64)
    found, counts = np.unique(buckets, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def quantile_of(seconds: Iterable[Progress], p: float) -> float | None:
    """The p-quantile of the latencies in milliseconds, within 5%; None where there are none."""
    counts: Counter[int] = Counter()
    for second in seconds:
        counts.update(second.latencies)
    total = sum(counts.values())
    below = 0
    for bucket in sorted(counts):
        below += counts[bucket]
        if below >= p * total:
            return _BUCKET_RATIO**bucket
    return None
