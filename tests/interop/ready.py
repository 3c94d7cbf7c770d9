"""Waits until a URL answers 200: ready.py URL PID SECONDS. Fails when the process ends or the time is over."""
import sys
import time
import urllib.error
import urllib.request


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def main():
    url, pid, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answers(url):
            return
        if not alive(pid):
            sys.exit(f"the server of {url} has ended")
        time.sleep(0.1)
    sys.exit(f"{url} does not answer after {seconds:g} s")


main()
