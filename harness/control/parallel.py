"""A few things at a time: results as they come, nothing more begun once one has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["in_parallel"]

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], at_once: int, give_up: Callable[[], None] = lambda: None
) -> Iterator[R]:
    """Yield `work(item)` in the order of completion, at most `at_once` under way; `items` may be a long generator.

    When one raises, or the consumer stops (Ctrl-C), `give_up` is called so that what is under way ends soon, the rest
    is never begun, and the error is raised.
    """
    source = iter(items)
    with ThreadPoolExecutor(at_once, thread_name_prefix="control") as pool:
        under_way: set[Future[R]] = set()
        try:
            while True:
                # one ahead for each thread, so that none waits for the consumer
                while len(under_way) < 2 * at_once:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    under_way.add(pool.submit(work, item))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            give_up()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
