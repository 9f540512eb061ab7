"""An engine without TensorFlow: speaks the protocol of `core.ml.engine` as well or as badly as its argument says."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

part = sys.argv[1]
WORKER = Path(__file__).with_name("fake_worker.py")


def say(**reply: object) -> None:
    print(json.dumps(reply), flush=True)


def start(*command: str, log: str = os.devnull) -> None:
    with Path(log).open("ab") as output:
        output.write(b"By the engine.\n")
        output.flush()
        child = subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    say(pid=child.pid, created=psutil.Process(child.pid).create_time())


if part == "break":
    sys.exit(1)
if part == "never ready":
    sys.stdin.read()
if part == "late":  # ready, and its answer comes when nobody waits for it
    start("-c", "import time; time.sleep(600)")
say(ready=True)
for line in sys.stdin:
    if part == "die":
        os._exit(9)
    if part == "silent":
        time.sleep(600)
    if part == "babble":
        print("Traceback", flush=True)
        continue
    request = json.loads(line)
    start(str(WORKER), request["folder"], log=request["log"])
if part == "deaf":
    time.sleep(600)
