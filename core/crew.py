"""A crew: a process for each core, to which work is handed out some at a time and which is answered in order."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

CHUNK_FILES = 32
CHUNK_BYTES = 8_000_000
WAITING_PER_CORE = 2  # chunks
THREADS_OF_NUMPY = "OPENBLAS_NUM_THREADS"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def processes() -> ProcessPoolExecutor:
    """Returns a process for each core, which leave the memory of this one alone."""
    os.environ[THREADS_OF_NUMPY] = "1"  # each core has a process already
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload(["core.examining"])
    return ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context)


def in_chunks(items: Iterable[Item], size_bytes: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yields items a few at a time: not more than are quickly done, nor more than fit into the memory.

    Args:
        items: Files or pictures.
        size_bytes: How much memory one takes.
    """
    chunk: list[Item] = []
    num_bytes = 0
    for item in items:
        chunk.append(item)
        num_bytes += size_bytes(item)
        if len(chunk) == CHUNK_FILES or num_bytes > CHUNK_BYTES:
            yield chunk
            chunk, num_bytes = [], 0
    if chunk:
        yield chunk


def handed_out(
    chunks: Iterable[list[Item]], submit: Callable[[list[Item]], Future[Answer]]
) -> Iterator[tuple[list[Item], Future[Answer]]]:
    """Yields each chunk with its answer to come, in order, while the next ones are under way.

    Args:
        chunks: From `in_chunks`.
        submit: Hands one out.
    """
    waiting: deque[tuple[list[Item], Future[Answer]]] = deque()
    for chunk in chunks:
        waiting.append((chunk, submit(chunk)))
        if len(waiting) > WAITING_PER_CORE * (os.cpu_count() or 1):
            yield waiting.popleft()
    yield from waiting
