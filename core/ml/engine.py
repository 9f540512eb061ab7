"""`python -m core.ml.engine`: a resident process that starts workers at once, where TensorFlow is imported already.

It speaks in lines of JSON. Once it can work it says `{"ready": true}`; to `{"folder": …, "log": …}` it starts a worker
and answers `{"pid": …, "created": …}`. It ends when its standard input does, and leaves the workers at their work.
"""

import gc
import json
import multiprocessing
import os
import sys
import tempfile
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO

import psutil

# The second is what pandas reads and writes tables with, and imports late.
PRELOAD = ("core.ml.worker", "pyarrow.dataset")
PROOF_LIMIT_SECONDS = 120


def main() -> None:
    """Serves until standard input ends; the fork server ends with it, and the workers do not."""
    code = 1
    try:
        # Both for ourselves alone: what is printed by anything else goes to standard error.
        requests, replies = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
        point_to(0, os.open(os.devnull, os.O_RDONLY))
        os.dup2(2, 1)
        with tempfile.TemporaryDirectory(prefix="hs-") as folder:
            tempfile.tempdir = folder  # the fork server's socket lies there, and a socket's path must be short
            code = serve(requests, replies)
    except BrokenPipeError:
        code = 0  # the server is gone
    except Exception:
        traceback.print_exc()
    finally:
        for child in psutil.Process().children():
            # The fork server would stay for as long as there is a worker; see its comment on the "alive" pipe.
            child.kill()
        # Not by `sys.exit`: multiprocessing would wait for the workers.
        os._exit(code)


def serve(requests: IO[str], replies: IO[str]) -> int:
    """Warms up, says so, and starts a worker for each request; returns the exit status."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    proof = context.Process(target=prove)
    proof.start()
    proof.join(PROOF_LIMIT_SECONDS)
    if proof.exitcode != 0:
        print(f"A forked process cannot work here: {proof.exitcode}.", file=sys.stderr, flush=True)
        return 1
    say(replies, ready=True)
    for line in requests:
        multiprocessing.active_children()  # forgets those that are over
        start_worker(context, json.loads(line), replies)
    return 0


def prove() -> None:
    """Runs in the first process: whether all is imported, and whether TensorFlow works after a fork."""
    missing = set(PRELOAD) - sys.modules.keys()
    if missing:
        raise ImportError(f"not preloaded: {', '.join(sorted(missing))}")
    import tensorflow as tf

    tf.constant(1) + tf.constant(1)


def start_worker(context: ForkServerContext, request: dict[str, str], replies: IO[str]) -> None:
    """Starts a worker and says which process it is; only then the worker may begin.

    An engine that is given up on before it has answered is ended by the server, which then starts the worker by
    itself; the one that was on its way must not work on the same run.
    """
    told, go = context.Pipe(duplex=False)
    with told, go:
        process = context.Process(target=work, args=(request["folder"], request["log"], told))
        process.start()
        say(replies, pid=process.pid, created=psutil.Process(process.pid).create_time())
        with suppress(BrokenPipeError):  # killed as soon as it was born
            go.send_bytes(b"go")


def say(replies: IO[str], **reply: object) -> None:
    """Writes one line to the server."""
    replies.write(json.dumps(reply) + "\n")
    replies.flush()


def work(folder: str, log: str, told: Connection) -> None:
    """Runs in the worker's process: cuts it loose from the server, and works on the run once it is told to."""
    os.setsid()  # Ctrl+C in the server's terminal does not end the training
    point_to(0, os.open(os.devnull, os.O_RDONLY))
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(written, 1)  # the descriptors themselves: TensorFlow's C++ writes there too
    point_to(2, written)
    try:
        told.recv_bytes()
    except EOFError:
        return
    told.close()
    gc.freeze()  # what was imported stays: looking through it again and again costs time, and a copy of its memory
    from core.ml import worker

    worker.main_and_leave(Path(folder))


def point_to(descriptor: int, file: int) -> None:
    """Makes a standard descriptor mean an open file, which has no other descriptor after that."""
    os.dup2(file, descriptor)
    os.close(file)


if __name__ == "__main__":
    main()
