#!/usr/bin/env python3
"""How long kt clean takes for a million spans, and how much memory.

clean.py [TRACES [SPANS]]: repeats recorded traces with a manifest (KT_FIXTURES/bench-traces/v1 and the manifest beside
it, or data/sample) with ids of their own and times shifted until there are SPANS (1,000,000) spans in a spans file,
then prints seconds, peak memory and spans per second of `kt clean` on one core, with the manifest and without it,
beside the same program stopped when it has found the visits (by an entry that is not there).
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHIFT = 1_000_000_000  # us between repeats


def find_traces():
    fixtures = pathlib.Path(os.environ.get("KT_FIXTURES", "")) / "bench-traces"
    if len(sys.argv) > 1:
        return pathlib.Path(sys.argv[1])
    return fixtures if (fixtures / "manifest.json").exists() else ROOT / "data" / "sample"


def repeat_manifest(manifest, times, path):
    cells = [dict(c, cell=k * len(manifest["cells"]) + c["cell"], start_us=c["start_us"] + k * SHIFT,
                  end_us=c["end_us"] + k * SHIFT) for k in range(times) for c in manifest["cells"]]
    path.write_text(json.dumps(dict(manifest, cells=cells)))


def measure(what, command, spans):
    begin = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    print(f"{what}: {seconds:.2f} s, {usage.ru_utime + usage.ru_stime:.2f} s of CPU, {usage.ru_maxrss / 1024:.0f} MB, "
          f"{spans / seconds / 1e6:.2f} million spans a second, exit {os.waitstatus_to_exitcode(status)}")


def main():
    binaries = subprocess.run(["bash", ROOT / "tests/bench/build.sh"], check=True, capture_output=True,
                              text=True).stdout.strip().splitlines()[-1]
    traces, wanted = find_traces(), sys.argv[2] if len(sys.argv) > 2 else "1000000"
    replies = traces / "v1" if (traces / "v1").exists() else traces
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        file, manifest = scratch / "spans.h5", scratch / "manifest.json"
        times, spans = map(int, subprocess.run([f"{binaries}/kt-bench-repeat-spans", wanted, str(SHIFT), file, replies],
                                               check=True, capture_output=True, text=True).stdout.split())
        repeat_manifest(json.loads((traces / "manifest.json").read_text()), times, manifest)
        print(f"{spans} spans, {traces} {times} times, {file.stat().st_size / 2**20:.0f} MB")
        clean = [f"{binaries}/kt", "clean", file, "--out", scratch / "d.h5"]
        measure("with a manifest", [*clean, "--manifest", manifest], spans)
        measure("without one", clean, spans)
        measure("read, visits found, and no further", [*clean, "--entry", "nobody"], spans)


main()
