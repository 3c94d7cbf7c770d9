#!/usr/bin/env python3
"""report_check.py PAGE EVALUATED [SVG...]: holds a page's numbers against kt evaluate's JSON of the same data, and that
pages and pictures are well-formed."""
import html.parser
import json
import re
import sys
import xml.etree.ElementTree as tree

VOID = {"meta", "br", "img", "input", "link", "hr"}
CLOSED_BY_OTHERS = {"li", "td", "th", "tr", "thead", "tbody", "dt", "dd", "option", "p"}


class Page(html.parser.HTMLParser):
    """Tables by the id of their article, and what is not nested as it should be."""

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.ids, self.article = [], [], [], None
        self.tables, self.table, self.text = {}, None, []

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        if "id" in names:
            self.ids.append(names["id"])
        for name in names:
            if name.startswith("on") or names[name] and re.match(r"(?i)\s*(https?:|//|javascript:)", names[name]):
                if (tag, name) != ("meta", "content"):
                    self.problems.append("%s has %s=%s" % (tag, name, names[name]))
        if tag == "article":
            self.article = names["id"]
        if tag == "table":
            self.table = []
            self.tables.setdefault(self.article or names.get("id"), []).append(self.table)
        if tag == "tr" and self.table is not None:
            self.table.append([])
        if tag in ("td", "th") and self.table:
            self.table[-1].append("")
        if tag not in VOID and tag not in CLOSED_BY_OTHERS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID and tag not in CLOSED_BY_OTHERS:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in CLOSED_BY_OTHERS:
            return
        if not self.open or self.open[-1] != tag:
            self.problems.append("</%s> closes %s" % (tag, self.open[-1:]))
        else:
            self.open.pop()
        if tag == "table":
            self.table = None
        if tag == "article":
            self.article = None

    def handle_data(self, data):
        if self.table and self.table[-1] and self.open and self.open[-1] not in ("caption", "script", "style"):
            self.table[-1][-1] += data
        if self.open and self.open[-1] == "h3":
            self.text.append((self.article, data))


def text(format, value):
    return "-" if value is None else (format if abs(value) < 1e7 else "%.2e") % value


def check_cells(table, service, problems):
    names = [name.strip() for name in table[0]]
    rows = {row[0]: dict(zip(names, row)) for row in table[1:]}
    wanted = {c["cell"]: c for c in service["cells"]}
    if set(rows) != set(wanted):
        problems.append("%s: cells %s, not %s" % (service["service"], sorted(rows), sorted(wanted)))
        return 0
    n = 0
    for label, c in wanted.items():
        held_out = c["role"] == "held out"
        expected = {"rows": "%d" % c["rows"], "KS": text("%.3f", c["ks"]), "floor": text("%.3f", c["ks_floor"])}
        for q in ("p50", "p95", "p99"):
            expected[q + ", ms"] = text("%.3f", 1e3 * c["observed"][q])
            expected["model " + q] = text("%.3f", 1e3 * c["predicted"][q])
        if held_out:
            expected["NLL"] = text("%.3f", c["nll"])
            expected["CRPS, ms"] = text("%.3f", 1e3 * c["crps"])
            expected["kind"] = "held out, " + ("interior" if c["interior"] else "extrapolation")
        for name, value in expected.items():
            n += 1
            if rows[label][name].strip() != value:
                problems.append("%s, %s, %s: %s, not %s" % (service["service"], label, name, rows[label][name], value))
        for q in ("p50", "p95", "p99"):  # an interval holds what it is about, as far as digits tell
            at = names.index(q + ", ms") + 1
            row = next(r for r in table[1:] if r[0] == label)
            low, high = (float(v) for v in row[at].split("\u2013"))
            if not low <= float(row[at - 1]) <= high:
                problems.append("%s, %s: %s outside of %s" % (service["service"], label, row[at - 1], row[at]))
    return n


def check_verdict(row, names, service, problems):
    inner = [s for s in service["scores"] if s["role"] == "held out" and s["interior"]]
    values = dict(zip(names, row))
    expected = {"KS": "-", "floor": "-", "cells": "0"}
    if inner:
        expected = {"KS": "%.3f" % inner[0]["ks"], "floor": "%.3f" % inner[0]["ks_floor"],
                    "cells": "%d" % inner[0]["cells"],
                    "worst cell": inner[0]["worst_cell"], "KS there": "%.3f" % inner[0]["worst_ks"]}
    for name, value in expected.items():
        if values[name] != value:
            problems.append("%s: %s is %s, not %s" % (service["service"], name, values[name], value))
    return len(expected)


def main():
    page = Page()
    source = open(sys.argv[1], encoding="utf-8").read()
    page.feed(source)
    page.close()
    problems = page.problems + ["%s is never closed" % tag for tag in page.open]
    problems += ["id %s twice" % i for i in page.ids if page.ids.count(i) > 1]
    services = {s["service"]: s for s in json.load(open(sys.argv[2]))["services"]}
    n = 0
    for article, name in page.text:
        if article:
            cells = next(t for t in page.tables[article] if "KS" in t[0])
            n += check_cells(cells, services[name], problems)
    names = [name.strip() for name in page.tables["services"][0][0]]
    for row in page.tables["services"][0][1:]:
        n += check_verdict(row, names, services[row[0]], problems)
    for svg in re.findall(r'<svg class="p .*?</svg>', source, re.S):  # pictures are XML as they stand
        tree.fromstring(svg)
        n += 1
    for path in sys.argv[3:]:
        root = tree.parse(path).getroot()
        n += 1
        if root.tag != "{http://www.w3.org/2000/svg}svg":
            problems.append("%s begins with %s" % (path, root.tag))
    print("\n".join(problems[:20]))
    print("%d numbers and pictures, %d problems" % (n, len(problems)))
    return 1 if problems or n < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
