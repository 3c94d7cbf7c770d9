"""Prints free ports of this machine below 32768, where outgoing connections take theirs.

ports.py N: N of them.  ports.py --block N: the first of N in a row.
"""
import random
import socket
import sys

LOWEST, HIGHEST = 10000, 32767


def hold(port):
    """Keeps the port until this program ends; None where somebody else has it."""
    held = socket.socket()
    try:
        held.bind(("0.0.0.0", port))
        return held
    except OSError:
        held.close()
        return None


def main():
    block = sys.argv[1] == "--block"
    n = int(sys.argv[-1])
    held = []
    for _ in range(1000):
        first = random.randint(LOWEST, HIGHEST - n)
        run = [hold(first + i) for i in range(n if block else 1)]
        if all(run):
            held.append((first, run))
        if len(held) == (1 if block else n):
            print(*[port for port, _ in held])
            return
    sys.exit("no free ports")


main()
