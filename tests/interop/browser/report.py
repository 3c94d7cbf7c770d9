#!/usr/bin/env python3
"""report.py CHROMIUM AXE FOLDER PAGE MANY SWEPT EACH: a report in a real browser. PAGE compares with another archive; MANY has
200 services; SWEPT is of a run with a sweep, EACH of one for each service. Pictures of the pages at both widths in both themes go to FOLDER."""
import os
import sys

from browser import Browser, Failed

checks, failures = 0, []
SHOWN = "[...document.querySelectorAll('article')].filter(a => a.offsetParent).map(a => a.id)"
TOOLS = "[...document.querySelectorAll('.tools')].filter(e => e.offsetParent).length"
SAID = "document.querySelector('article.on .said').textContent"
ON = "document.querySelector('article.on svg.c g.on').dataset.c"


MARK = """(() => {
  for (const path of document.querySelectorAll('article.on svg.q path[data-c]:not(.on)')) {
    path.scrollIntoView({block: 'center'});
    const at = path.getPointAtLength(1).matrixTransform(path.getScreenCTM());
    if (document.elementFromPoint(at.x, at.y) === path) return [path.dataset.c, at.x, at.y];
  }
})()"""


def expect(truth, what):
    global checks
    checks += 1
    if not truth:
        failures.append(what)


def equal(value, wanted, what):
    expect(value == wanted, "%s: %r, not %r" % (what, value, wanted))


def keyboard(b):
    """Everything is reached and chosen without a mouse."""
    order = []
    for _ in range(8):
        b.key("Tab", number=9)
        order.append(b.run("(e => e.className || e.id || e.localName)(document.activeElement)"))
    equal(order[0], "skip", "the first stop of the tab key")
    expect("search" in order, "the search is reached by the tab key, not only %s" % order)
    equal(b.run(SHOWN), ["s0"], "one service at first")
    before = b.picture("article.on .pictures")
    b.run("document.getElementById('service').focus()")
    b.key("ArrowDown", number=40)
    equal(b.run(SHOWN), ["s1"], "the next service by key")
    expect(b.picture("article.on .pictures") != before, "another service shows the same picture")
    cell, before, said = b.run(ON), b.picture("article.on svg.c"), b.run(SAID)
    b.run("document.querySelector('article.on select').focus()")
    b.key("ArrowDown", number=40)
    expect(b.run(ON) != cell, "a cell chosen by key does not show")
    expect(b.picture("article.on svg.c") != before, "another cell shows the same distribution")
    expect(b.run(SAID) != said, "what is said of a cell stays")
    equal(b.run("document.querySelectorAll('article.on svg.c g.on').length"), 1, "distributions shown at a time")


def mouse(b):
    wanted, x, y = b.run(MARK)  # one that no other mark covers
    b.click_at(x, y)
    equal(b.run(ON), wanted, "the cell whose mark was clicked")
    b.click("article.on .after")
    expect(b.run(ON) != wanted, "the button for the next cell does nothing")
    b.run("location.hash = '#s2c1'; new Promise(done => setTimeout(done, 100))")
    equal(b.run(SHOWN), ["s2"], "the service that the address names")
    equal(b.run(ON), "1", "the cell that the address names")
    b.click("#later")
    equal(b.run(SHOWN), ["s3"], "the next service")


def table(b, n):
    """Search and order."""
    b.run("document.getElementById('search').focus()")
    first = b.run("document.querySelector('#services tbody tr:last-child th').textContent")
    for letter in first:
        b.key(letter, text=letter)
    rows = "[...document.querySelectorAll('#services tbody tr')].filter(r => r.offsetParent)"
    equal(b.run(rows + ".map(r => r.cells[0].textContent)"), [first], "found")
    equal(b.run("document.getElementById('found').textContent"), "1 of %d services" % n, "what the search says")
    b.run("(e => { e.value = ''; e.dispatchEvent(new Event('input')) })(document.getElementById('search'))")
    equal(b.run(rows + ".length"), n, "rows after the search")
    column = b.run("[...document.querySelectorAll('#services thead th')].findIndex(e => e.textContent.trim() === 'KS')")
    for order, sign in (("ascending", 1), ("descending", -1)):
        b.click("#services thead button", column)
        equal(b.run("document.querySelectorAll('#services thead th')[%d].ariaSort" % column), order, "the order told")
        values = b.run(rows + ".map(r => parseFloat(r.cells[%d].textContent)).filter(v => !isNaN(v))" % column)
        equal(values, sorted(values, key=lambda v: sign * v), "rows in %s order" % order)


def violations(b):
    return b.run("axe.run().then(r => r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3)"
                 ".map(n => n.target + ' ' + n.failureSummary).join(' | ')))")


def looks(b, axe, folder, name_of="report", pictures="article.on svg.p"):
    """Both widths, both themes: nothing sticks out, text can be read, axe-core finds nothing."""
    b.run(axe)
    b.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    for width in (375, 1440):
        for theme in ("light", "dark"):
            name = "%d px, %s" % (width, theme)
            b.look(width, theme)
            equal(b.run("document.documentElement.scrollWidth"), width, name + ": width of the page")
            small = b.run("Math.min(...[...document.querySelectorAll('%s')].map(e => "
                          "47 * e.getBoundingClientRect().width / e.viewBox.baseVal.width))" % pictures)
            expect(small >= 10, "%s: text of %.1f px in pictures" % (name, small))
            dark = b.run("getComputedStyle(document.body).backgroundColor")
            expect((dark == "rgb(255, 255, 255)") == (theme == "light"), "%s: paper is %s" % (name, dark))
            equal(violations(b), [], name + ": axe-core")
            b.run("document.querySelectorAll('details').forEach(d => d.open = false)")
            with open(os.path.join(folder, "%s-%d-%s.png" % (name_of, width, theme)), "wb") as f:
                f.write(b.picture())
            b.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    b.run("document.querySelectorAll('details').forEach(d => d.open = false)")


def swept(b):
    """A trial is chosen by key, by its line and by its row; all three show it, and its values are told."""
    chosen = "[...document.querySelectorAll('.sweep [data-t].on')].map(e => e.localName + e.dataset.t).sort().join()"
    said = "document.querySelector('.sweep .said').textContent"
    first = b.run(chosen)
    expect(first.startswith("path"), "at first no trial is shown: %s" % first)
    before, told = b.picture(".sweep svg.w"), b.run(said)
    b.run("document.querySelector('.sweep select').focus()")
    b.key("ArrowDown", number=40)
    second = b.run(chosen)
    expect(second != first and second.count(",") == 1, "the next trial by key: %s after %s" % (second, first))
    expect(b.picture(".sweep svg.w") != before, "another trial shows the same lines")
    expect(b.run(said) != told, "what is said of a trial stays")
    b.click(".sweep .before")
    equal(b.run(chosen), first, "the trial before")
    wanted, x, y = b.run("""(() => {
      for (const path of document.querySelectorAll('.sweep path[data-t]:not(.on)')) {
        path.scrollIntoView({block: 'center'});
        for (let part = 0; part < 1; part += 0.02) {
          const at = path.getPointAtLength(part * path.getTotalLength()).matrixTransform(path.getScreenCTM());
          if (document.elementFromPoint(at.x, at.y) === path) return [path.dataset.t, at.x, at.y];
        }
      }
    })()""")
    b.click_at(x, y)
    equal(b.run(chosen), "path%s,tr%s" % (wanted, wanted), "the trial whose line was clicked")
    listed = b.run("document.querySelectorAll('.sweep tr[data-t]').length")
    equal(listed, b.run("document.querySelectorAll('.sweep select option').length"), "trials to choose from")
    values = b.run("[...document.querySelectorAll('.sweep tr[data-t]')].filter(r => r.cells[1].textContent.startsWith("
                   "'done')).map(r => parseFloat(r.cells[3].textContent))")
    expect(len(values) > 5 and values == sorted(values), "trials are not listed the best first: %s" % values)
    bars = b.run("document.querySelectorAll('.sweep svg path.k').length")
    expect(bars > 3, "%d options have a mark of chance" % bars)


def printed(b, folder):
    b.look(1440)
    pdf = b.pdf()
    expect(pdf.startswith(b"%PDF") and pdf.rstrip().endswith(b"%%EOF"), "no PDF")
    expect(b"/Type /Page\n" in pdf or b"/Type /Page" in pdf, "a PDF without pages")
    with open(os.path.join(folder, "report.pdf"), "wb") as f:
        f.write(pdf)
    b.look(1000, "dark", media="print")
    equal(b.run("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)", "paper in print")
    equal(b.run(TOOLS), 0, "controls in print")
    b.look(1440)


def without_script(b, page):
    b.call("Emulation.setScriptExecutionDisabled", value=True)
    b.open(page)
    b.call("Emulation.setScriptExecutionDisabled", value=False)
    expect(len(b.run(SHOWN)) > 1, "without scripts services are hidden")
    equal(b.run(TOOLS), 0, "controls without scripts")


def main():
    program, axe, folder, page, many, sweep, each = sys.argv[1:]
    axe = open(axe, encoding="utf-8").read()
    b = Browser(program)
    try:
        b.look(1440)
        b.open(page)
        keyboard(b)
        mouse(b)
        table(b, 4)
        b.run("location.hash = '#s0'; new Promise(done => setTimeout(done, 100))")
        looks(b, axe, folder)
        printed(b, folder)
        equal(b.complaints(), [], "console")
        without_script(b, page)
        b.look(1440)
        b.open(sweep)
        swept(b)
        looks(b, axe, folder, "sweep", ".sweep svg.p[role=img]")
        equal(b.complaints(), [], "console, a sweep")
        b.open(each)
        b.run(axe)
        b.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        equal(violations(b), [], "sweeps of services: axe-core")
        expect(b.run("document.querySelectorAll('.sweep').length") > 2, "not each service has its sweep")
        b.open(many)
        table(b, 200)
        equal(b.complaints(), [], "console, 200 services")
        expect(os.path.getsize(many) < 10e6, "200 services take %d bytes" % os.path.getsize(many))
    except Failed as e:
        failures.append(str(e))
    finally:
        b.close()
    for f in failures:
        print("FAIL: " + f)
    print("%d checks, %d failed" % (checks, len(failures)))
    return 1 if failures or checks < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
