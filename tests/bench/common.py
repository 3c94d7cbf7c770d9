"""What the benchmarks share: where things lie, Python environments, programs and what they cost."""
import ctypes
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "bench"
CACHE = BUILD / "cache"

# Versions of Python that an environment's packages exist for; the others take any from 3.11.
PYTHONS = {"tensorflow": ((3, 9), (3, 11))}


class NotHere(Exception):
    """Something that cannot be had on this machine; the text says what and why."""


# ---- Python environments: build/bench/venv-NAME from requirements-NAME.txt ----


def version_of(python):
    out = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
    return tuple(map(int, out.stdout.split())) if out.returncode == 0 else None


def find_python(name):
    low, high = PYTHONS.get(name, ((3, 11), (3, 99)))
    names = ["python3"] + ["python3.%d" % minor for minor in range(11, 8, -1)]
    for python in [sys.executable] + [p for p in map(shutil.which, names) if p]:
        version = version_of(python)
        if version and low <= version <= high:
            return python
    raise NotHere("Python %d.%d to %d.%d is not installed" % (*low, *high))


def environment(name):
    """The Python of an environment, made on first use and again when its requirements change."""
    wanted = HERE / ("requirements-%s.txt" % name)
    folder = BUILD / ("venv-%s" % name)
    python, mark = folder / "bin" / "python", folder / wanted.name
    if mark.exists() and mark.read_text() == wanted.read_text():
        return str(python)
    base = find_python(name)
    print("making the Python environment %s" % folder.relative_to(ROOT), file=sys.stderr)
    for command in (
        [base, "-m", "venv", "--clear", folder],
        [python, "-m", "pip", "install", "--quiet", "--requirement", wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise NotHere("%s cannot be installed: %s" % (wanted.name, done.stderr.strip().splitlines()[-1]))
    mark.write_text(wanted.read_text())
    return str(python)


def enter(name):
    """Goes on in that environment, with the same command line."""
    if pathlib.Path(sys.prefix).resolve() == (BUILD / ("venv-%s" % name)).resolve():
        return
    python = environment(name)
    os.execv(python, [python, *sys.argv])


# ---- programs ----


def programs():
    """The folder of kt-train, kt and kt-bench-kernel."""
    out = subprocess.run(["bash", HERE / "build.sh"], stdout=subprocess.PIPE, text=True)
    if out.returncode != 0:
        sys.exit("the programs cannot be built")
    return pathlib.Path(out.stdout.strip()).resolve()


def one_thread():
    """An environment for children in which numerical libraries use one thread."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return os.environ | dict.fromkeys(names, "1") | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def mpi(ranks):
    """How a program is started with so many ranks on this machine, as by kt_mpirun of jobs/setup.sh."""
    os.environ.setdefault("OMPI_MCA_pml", "ob1")
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return ["mpirun", *(["--oversubscribe"] if ranks > os.cpu_count() else []), "-np", str(ranks)]


def adopt_orphans():
    """From now on a child's own children come to this process when it ends, so that their time is counted too."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run(command, accept=(0,)):
    """(standard output, wall seconds, CPU seconds: user and system of the whole tree of processes)."""
    command = [str(c) for c in command]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wall = time.perf_counter() - began
    while True:  # orphans of its tree
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in accept:
        sys.exit("%s\nended with %d:\n%s" % (" ".join(command), done.returncode, done.stderr))
    return done.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_of_machine():
    """CPU seconds that all programs have used since the start, on all cores."""
    user, nice, system, _, _, irq, soft_irq, *_ = map(int, open("/proc/stat").readline().split()[1:])
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(most_busy, patience):
    """Waits until other programs take at most that share of all cores for a second, or `patience` seconds are over."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before, began = cpu_of_machine(), time.monotonic()
        time.sleep(1)
        if (cpu_of_machine() - before) / (time.monotonic() - began) / os.cpu_count() <= most_busy:
            return


def info(folder):
    return json.loads((pathlib.Path(folder) / "run.json").read_text())


# ---- output ----


def machine():
    model = "?"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return "%s, %d cores, load %.1f" % (model, os.cpu_count(), os.getloadavg()[0])


def print_table(head, rows):
    """Columns as wide as they need be; text to the left, anything else to the right."""
    cells = [list(map(str, row)) for row in [head, *rows]]
    width = [max(len(row[i]) for row in cells) for i in range(len(head))]
    left = [bool(rows) and isinstance(rows[0][i], str) and not rows[0][i][:1].isdigit() for i in range(len(head))]
    for row in cells:
        line = (c.ljust(w) if l else c.rjust(w) for c, w, l in zip(row, width, left))
        print("  ".join(line).rstrip())
    print(flush=True)
