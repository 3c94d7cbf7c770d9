#!/usr/bin/env python3
"""Samples a second of whole training steps, kt-train's kernel beside JAX, PyTorch and TensorFlow.

The same work for all: gather a random minibatch, forward, backward, AdamW (the original's net: Adam), one thread each,
in turns within one run; medians over rounds, and ours over the peer's. Times are the machine's; ratios are the result.
The kernel is measured by kt-bench-kernel; peers train a Weibull mixture.
"""
import argparse
import statistics

import common

# name, width, components, batch, the original's net?
SHAPES = [
    ("2x16 K=8, batch 128", 16, 8, 128, False),
    ("2x16 K=8, batch 256", 16, 8, 256, False),
    ("2x32 K=8, batch 128", 32, 8, 128, False),
    ("2x10 K=4, batch 64, normalised", 10, 4, 64, True),
]
PEERS = {
    "JAX, one scan": ("jax", "peer_jax.py"),
    "PyTorch, eager": ("torch", "peer_torch.py"),
    "TensorFlow + TFP, fit": ("tensorflow", "peer_tf.py"),
}
FAMILIES = ("weibull", "gamma", "lognormal")

# To be reached: shapes -> {peer: {instruction set: at least so many times the peer's rate, in every family}}
DEFAULT_TARGETS = {"JAX, one scan": {"v3": 2.0, "v4": 3.9}, "PyTorch, eager": {"v3": 80.0, "v4": 80.0}}
TARGETS = {
    SHAPES[0][0]: DEFAULT_TARGETS,
    SHAPES[1][0]: DEFAULT_TARGETS,
    SHAPES[3][0]: {"TensorFlow + TFP, fit": {"v3": 150.0, "v4": 150.0}},
}


def ours(bin, isa, family, width, components, batch, norm):
    command = [bin / "kt-bench-kernel", "--isa", isa, "--family", family, "--hidden", "%d,%d" % (width, width)]
    command += ["--components", components, "--batch", batch]
    if norm:
        command += ["--batch-norm", "--activation", "leaky_relu", "--head", "softplus"]
    return lambda: float(common.run(command)[0].split()[-2])


def theirs(python, script, width, components, batch, norm, seconds):
    command = [python, common.HERE / script, width, components, batch, seconds] + (["bn"] if norm else [])
    return lambda: float(common.run(command)[0].split()[0])


def find_peers():
    """{name: (python, script)}, and a line for each that cannot run here."""
    found, missing = {}, []
    for name, (environment, script) in PEERS.items():
        try:
            python = common.environment(environment)
            version = common.run([python, common.HERE / script, 4, 2, 64, 0.01])[0].split(maxsplit=1)[1].strip()
            found[name] = (python, script)
            print("%s: %s" % (name, version))
        except common.NotHere as why:
            missing.append("%s: not run: %s" % (name, why))
    return found, missing


def find_isas():
    flags = open("/proc/cpuinfo").read().split()
    isas = [("v3", "avx2", "AVX2"), ("v4", "avx512dq", "AVX-512")]
    found = [isa for isa, flag, _ in isas if flag in flags]
    return found, ["kt %s: not run: this CPU has no %s" % (isa, name) for isa, _, name in isas if isa not in found]


def measure(mine, other, rounds):
    """{who: rates}, everyone once a round."""
    rates = {who: [] for who in mine | other}
    for _ in range(rounds):
        for who, rate in (mine | other).items():
            rates[who].append(rate())
    return rates


def print_rates(rates, mine, other):
    median = {who: statistics.median(r) for who, r in rates.items()}
    rows = []
    for who in rates:
        ratio = ["%.1f" % (median[who] / median[peer]) if who in mine else "" for peer in other]
        spread = "%.3f-%.3f" % (min(rates[who]) / 1e6, max(rates[who]) / 1e6)
        rows.append([who, "%.3f" % (median[who] / 1e6), spread, *ratio])
    common.print_table(["", "median", "range", *("over %s" % peer.split(",")[0].split()[0] for peer in other)], rows)


def verdicts(shape, rates, isas):
    """A row for each target of the shape: the family that is worst in the median over rounds of ratios in a round."""
    rows = []
    for peer, targets in TARGETS.get(shape, {}).items():
        for isa, target in targets.items():
            if isa not in isas or peer not in rates:
                rows.append([shape, isa, peer, "-", "%g" % target, "not run"])
                continue
            ratios = {
                who: statistics.median(a / b for a, b in zip(r, rates[peer]))
                for who, r in rates.items()
                if who.startswith("kt %s " % isa)
            }
            worst = min(ratios.values())
            rows.append([shape, isa, peer, "%.1f" % worst, "%g" % target, "met" if worst >= target else "MISSED"])
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2.0, help="of one measurement of a peer")
    p.add_argument("--check", action="store_true", help="end with 1 where a target is missed")
    a = p.parse_args()
    common.os.environ.update(common.one_thread())
    bin = common.programs()
    print("kt-train's kernel beside its peers; %s" % common.machine())
    isas, missing = find_isas()
    peers, absent = find_peers()
    print(*missing, *absent, sep="\n", end="\n\n")
    told = []
    for name, width, components, batch, norm in SHAPES:
        mine = {
            "kt %s %s" % (isa, family): ours(bin, isa, family, width, components, batch, norm)
            for isa in isas
            for family in (FAMILIES[:1] if norm else FAMILIES)
        }
        other = {
            peer: theirs(python, script, width, components, batch, norm, a.seconds)
            for peer, (python, script) in peers.items()
            if not (norm and script == "peer_jax.py")
        }
        rates = measure(mine, other, a.rounds)
        print("%s: million samples a second%s" % (name, "; JAX: not written for it" if norm else ""))
        print_rates(rates, mine, other)
        told += verdicts(name, rates, isas)
    common.print_table(["shape", "", "over", "worst family", "target", ""], told)
    raise SystemExit(1 if a.check and any(row[-1] == "MISSED" for row in told) else 0)


if __name__ == "__main__":
    main()
