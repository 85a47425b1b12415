"""What happens where the disk refuses: real errors of the system, not made-up ones."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nanoarrow.c_buffer import CBufferBuilder

from harness.rundir import RunDir, create_run_dir
from harness.samples import writer as writer_module
from harness.samples.columns import DUTY
from harness.samples.reader import merge_streams
from harness.samples.sink import Sink, WriteFailure
from harness.samples.writer import Names, StreamWriter, names_path, stream_path

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a quota does: the last write takes a part only, the next one is refused (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def run_dir(tmp_path) -> RunDir:
    return create_run_dir("morning-rush", tmp_path / "run")


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    for file in made._files:
        file.close()


def duty(number: int, reason: int) -> tuple:
    return (number, 0, 1.0, 1.0, 2.0, reason, 1.0, 2.0, 3.0)


def write_within(streams: Path, size: int, batches: int, rows: int) -> tuple[Sink, list[WriteFailure]]:
    """So many batches of so many rows, into files of at most `size` bytes."""
    sink, told = Sink(), []
    sink.on_failure(told.append)
    names = Names(sink, names_path(streams, 0))
    stream = StreamWriter(sink, stream_path(streams, "duty", 0), DUTY)
    with files_of_at_most(size):
        for batch in range(batches):
            for row in range(rows):
                number = batch * rows + row
                stream.append(*duty(number, names.code(f"reason-{batch}")))
            stream.flush()
        stream.close()
        names.close()
    return sink, told


@given(size=st.integers(600, 6000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_the_disk_is_full_what_came_before_is_kept_and_what_came_after_is_counted(run_dir, size):
    for path in run_dir.streams.iterdir():
        path.unlink()
    sink, told = write_within(run_dir.streams, size, batches=6, rows=10)
    merged = merge_streams(run_dir)
    assert merged.rows["duty"] + sink.rows_unwritten == 60
    assert merged.rows["duty"] % 10 == 0
    if sink.failure is None:
        assert (told, merged.torn) == ([], ())
    else:
        assert told == [sink.failure]
        assert merged.torn == ("duty-w0.arrows",)
        assert sink.failure == WriteFailure("streams/duty-w0.arrows", "File too large", "raise `ulimit -f`")


@needs_full
def test_a_full_disk_is_told_once_with_the_file_the_reason_and_what_helps(sink, tmp_path):
    told: list[WriteFailure] = []
    sink.on_failure(told.append)
    full, fine = sink.open(FULL), sink.open(tmp_path / "names-w0.jsonl")
    assert full.write(b"some") == 4  # whoever writes is not bothered
    assert full.write(b"more") == 4
    assert fine.write(b"and another file") == 16
    assert [str(one) for one in told] == ["dev/full cannot be written (No space left on device)"]
    assert told[0].remedy == "free some space"
    fine.close()
    assert (tmp_path / "names-w0.jsonl").read_bytes() == b""


@needs_full
def test_whoever_asks_late_is_told_of_what_has_failed_already(sink):
    sink.open(FULL).write(b"x")
    told: list[WriteFailure] = []
    sink.on_failure(told.append)
    assert told == [sink.failure]


@needs_full
def test_no_stream_goes_on_where_another_file_failed(sink, run_dir):
    """A row whose name was lost could not be read."""
    stream = StreamWriter(sink, stream_path(run_dir.streams, "duty", 0), DUTY)
    names = Names(sink, FULL)
    stream.append(*duty(0, 0))
    stream.flush()
    before = (run_dir.streams / "duty-w0.arrows").stat().st_size
    stream.append(*duty(1, names.code("slot_end")))
    shown: list[int] = []
    stream.on_batch(lambda rows: shown.append(len(rows)))
    stream.close()
    assert (run_dir.streams / "duty-w0.arrows").stat().st_size == before
    assert (sink.rows_unwritten, shown) == (1, [])


def test_a_folder_that_is_taken_away_is_noticed_though_writing_goes_on(sink, tmp_path):
    file = sink.open(tmp_path / "samples-w0.arrows")
    sink.look()
    assert sink.failure is None
    (tmp_path / "samples-w0.arrows").rename(tmp_path / "elsewhere")
    assert file.write(b"to a file that nobody will find") == 31
    sink.look()
    assert sink.failure is not None
    assert "No such file or directory" in str(sink.failure)
    assert "leave the folder" in sink.failure.remedy


def test_a_file_that_was_replaced_is_another_one(sink, tmp_path):
    sink.open(tmp_path / "samples-w0.arrows")
    (tmp_path / "other").write_bytes(b"x")
    (tmp_path / "other").rename(tmp_path / "samples-w0.arrows")
    sink.look()
    assert sink.failure is not None
    assert sink.failure.reason == "it was replaced by another file"


def test_a_closed_file_is_not_looked_for(sink, tmp_path):
    file = sink.open(tmp_path / "names-w0.jsonl", append=True)
    file.close()
    (tmp_path / "names-w0.jsonl").unlink()
    sink.look()
    assert sink.failure is None


@pytest.mark.parametrize("allocate", [lambda: CBufferBuilder().reserve_bytes(1 << 62), lambda: bytearray(1 << 62)])
def test_memory_that_runs_out_in_a_flush_is_a_write_that_failed(sink, run_dir, monkeypatch, allocate):
    stream = StreamWriter(sink, stream_path(run_dir.streams, "duty", 0), DUTY)
    stream.append(*duty(0, 0))
    stream.append(*duty(1, 0))
    monkeypatch.setattr(writer_module, "_batch", lambda *_: allocate())  # the real refusal
    stream.flush()
    assert sink.failure == WriteFailure("streams/duty-w0.arrows", "out of memory", sink.failure.remedy)
    assert "--workers" in sink.failure.remedy
    assert sink.rows_unwritten == 2
    stream.append(*duty(2, 0))  # and the buffer is free again
    stream.close()
    assert sink.rows_unwritten == 3


def test_a_file_that_cannot_be_made_is_said_at_once(tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        Sink().open(tmp_path / "not there" / "samples-w0.arrows")
