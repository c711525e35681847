"""Parts of a count, over threads or over a dask cluster, in the order in which they end."""

from __future__ import annotations

import ctypes
import pickle
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from distributed import Client

RETRIES = 2  # of a part that raised; dask itself gives a part of a killed worker to another one
Part = TypeVar("Part")
Found = TypeVar("Found")
PartAsked = TypeVar("PartAsked", contravariant=True)
Answered = TypeVar("Answered", covariant=True)


class Question(Protocol[PartAsked, Answered]):
    """What is asked of a net, in parts. It can be pickled; `count` answers None where `stop` is not 0."""

    def count(self, part: PartAsked, stop: ctypes.c_int32 | None = None) -> Answered | None: ...


def by_threads(
    asked: Iterable[tuple[Question[Part, Found], Part]], workers: int
) -> Generator[tuple[int, Found], None, None]:
    """The number of each part in `asked` and what was found. What is under way is stopped when nobody asks for more."""
    stop = ctypes.c_int32(0)
    left = enumerate(asked)
    with ThreadPoolExecutor(workers) as pool:
        running: dict[Future[Found | None], int] = {}
        try:
            while True:
                for number, (question, part) in islice(left, workers + 1 - len(running)):
                    running[pool.submit(question.count, part, stop)] = number
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number, found = running.pop(future), future.result()
                    assert found is not None, "only `stop` ends a count early"
                    yield number, found
        finally:
            stop.value = 1


Spread: TypeAlias = Callable[[Iterable[tuple[Question, Any]]], Generator[tuple[int, Any], None, None]]
"""`by_threads` or `by_cluster`, who counts being given."""

TWO_THREADS: Spread = partial(by_threads, workers=2)


def by_cluster(
    asked: Iterable[tuple[Question[Part, Found], Part]], client: Client
) -> Generator[tuple[int, Found], None, None]:
    """The same over a cluster, whose machines compile for themselves."""
    from distributed import as_completed

    at_once = 2 * max(1, sum(client.nthreads().values()))
    left = enumerate(asked)
    last: Question[Part, Found] | None = None
    running: dict[Any, int] = {}
    ending = as_completed()
    try:
        while True:
            for number, (question, part) in islice(left, at_once - len(running)):
                if question is not last:
                    last, sent = question, client.scatter(pickle.dumps(question), hash=False)
                future = client.submit(_counted, sent, part, retries=RETRIES, pure=False)
                running[future] = number
                ending.add(future)
            if not running:
                return
            future = next(ending)
            yield running.pop(future), future.result()
            future.release()
    finally:
        client.cancel(list(running))


def _counted(question: bytes, part: object) -> Any:
    """A part, on a worker."""
    return _opened(question).count(part)


@lru_cache(maxsize=4)
def _opened(question: bytes) -> Question:
    return pickle.loads(question)
