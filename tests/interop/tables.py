"""Tables of mixtures as ERV draws them, against kt sample.

tables.py KT RUN TWIN RPS REP...

For each service and number of replicas REP: N times drawn by ERV's rules, with independent streams, from TWIN/mixtures.json
and from TWIN/mixtures.csv, and N of kt sample; the largest distance between their distributions is below MOST. Equal laws
reach 0.0073 in one of a hundred comparisons.
"""
import csv
import json
import random
import subprocess
import sys

from chain import erv

N, MOST = 100000, 0.01


def distance(a, b):
    """sup |F_a - F_b| of sorted samples"""
    i = j = 0
    most = 0.0
    while i < len(a) and j < len(b):
        at = min(a[i], b[j])
        while i < len(a) and a[i] <= at:
            i += 1
        while j < len(b) and b[j] <= at:
            j += 1
        most = max(most, abs(i / len(a) - j / len(b)))
    return most


def of_json(path):
    with open(path, encoding="utf-8") as file:
        services = json.load(file)["services"]
    return {(s["service"], p["rps"], p["rep"]): p["mixture"] for s in services for p in s["points"]}


def of_csv(path):
    tables = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tables.setdefault((row["service"], float(row["rps"]), float(row["rep"])), []).append(
                {"distribution": row["distribution"], "weight": float(row["weight"]),
                 "args": {"shape": float(row["shape"]), "scale": float(row["scale"])}})
    return tables


def main():
    kt, run, twin, rps, *reps = sys.argv[1:]
    tables = {"json": of_json(f"{twin}/mixtures.json"), "csv": of_csv(f"{twin}/mixtures.csv")}
    rng, bad = random.Random(1), 0
    for service in sorted({key[0] for key in tables["json"]}):
        for rep in reps:
            told = subprocess.run([kt, "sample", f"{run}/models.h5", "-s", service, "--rps", rps, "--rep", rep, "-n", str(N)],
                                  check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            sampled = sorted(map(float, told.split()))
            for form, table in tables.items():
                mixture = table[service, float(rps), float(rep)]
                draw = erv(mixture, rng)
                far = distance(sorted(draw() for _ in range(N)), sampled)
                print(f"{service} at rps {rps}, rep {rep}, {form}: {len(mixture)} of {mixture[0]['distribution']}, "
                      f"distance {far:.4f}{'' if far < MOST else ': TOO FAR'}")
                bad += far >= MOST or sum(c["weight"] for c in mixture) != 1
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
