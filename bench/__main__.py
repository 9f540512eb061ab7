"""All benchmarks, one after the other: `python -m bench`, which is `make bench`; figures are JSON, a line each."""

import subprocess
import sys

for module in ("accuracy", "server"):
    print(f"python -m bench.{module}", flush=True)
    subprocess.run([sys.executable, "-m", f"bench.{module}"], check=True)
