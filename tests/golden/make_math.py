"""Writes special.txt, families.txt and mixtures.txt, the truths of tests/math: mpmath with 60 digits, and for the CRPS
SciPy's distributions on a very fine grid, itself checked here against closed forms.

    pip install numpy==2.* scipy==1.* mpmath==1.*
    python3 tests/golden/make_math.py tests/golden
"""
import itertools
import os
import sys

import mpmath as mp
import numpy as np
from scipy import special, stats

mp.mp.dps = 60
M = mp.mpf


def text(x):
    """A double's shortest text; the value is the double nearest to the truth, not to a rounded text of it."""
    return repr(float(x))


# ---- special.txt: function, arguments, value ----

def gamma_pq(a, x):
    """P and Q: well above a Q by its continued fraction (DLMF 8.9.2), else P by its series (DLMF 8.7.1), with digits
    enough for the other one to be small."""
    a, x = M(a), M(x)
    with mp.workdps(220):
        factor = mp.exp(a * mp.log(x) - x - mp.loggamma(a))
        if x > 1.3 * a + 40:
            b = x + 1 - a
            c, d = mp.inf, 1 / b
            h, n = d, 0
            while n == 0 or abs(c * d - 1) > mp.mpf(10) ** -70:
                n += 1
                an, b = -n * (n - a), b + 2
                c, d = b + an / c, 1 / (b + an * d)
                h *= c * d
            q = h * factor
            return 1 - q, q
        term = total = 1 / a
        n = 0
        while term > total * mp.eps:
            n += 1
            term *= x / (a + n)
            total += term
        p = total * factor
        return p, 1 - p


def special_lines():
    for x in [1e-8, 1e-3, 0.1, 0.5, 1, 1.25, 1.75, 2, 3.3, 9.99, 10, 10.5, 33, 1e3, 1e6, 1e12]:
        yield "digamma", x, mp.digamma(M(x))
        yield "gamma_s", x, M(x) * mp.log(M(x)) - M(x) - mp.loggamma(M(x))
        yield "gamma_d", x, M(x) * (mp.log(M(x)) - mp.digamma(M(x)))
    for x in [1e-300, 1e-17, 1e-9, 1e-4, 0.01, 0.1, 0.19999, 0.20001, 0.7, 1, 2.5, 40]:
        with mp.workdps(400):
            truth = mp.loggamma(1 + M(x))
        yield "log_gamma_1p", x, truth
    for t in [-700, -30, -2, -0.51, -0.49, -0.1, -1e-4, -1e-9, 1e-12, 1e-5, 0.02, 0.3, 0.499, 0.501, 1, 5, 60]:
        yield "gamma_phi", t, mp.expm1(M(t)) - M(t)
    for u in [-0.999999, -0.9, -0.51, -0.5, -0.3, -1e-3, -1e-8, 1e-10, 1e-3, 0.2, 0.5, 0.6, 3, 1e5]:
        yield "gamma_phi_1p", u, M(u) - mp.log1p(M(u))
    for z in [-37.5, -20, -8, -5, -1, -0.1, 0, 0.3, 1, 4, 7, 9]:
        yield "normal_cdf", z, mp.ncdf(M(z))
    grid = [(a, x) for a in [1e-10, 1e-3, 0.1, 0.5, 0.99, 1, 1.5, 4, 20, 24.9, 25, 60]
            for x in [1e-20, 1e-4, 0.1, 0.5, 0.9, 1.4, 2.4, 5, 17, 25.5, 33, 60, 150]]
    for a in [25, 26, 40, 100, 1e3, 1e4, 1e6]:
        sd = a ** 0.5
        grid += [(a, a * r) for r in [0.5, 0.69, 0.71, 0.9, 1.1, 1.29, 1.31, 2] if abs(r - 1) * sd < 25]
        grid += [(a, a + z * sd) for z in [-10, -7, -3, -1, -1e-3, 0, 0.1, 2, 5, 9, 20] if a + z * sd > 0]
    for a, x in grid:
        p, q = gamma_pq(a, x)
        if p > 1e-300:
            yield "gamma_p", a, x, p
        if q > 1e-300:
            yield "gamma_q", a, x, q


# ---- families.txt: family, concentration, scale, y, log pdf, cdf, survival; or y = "moments", mean, variance ----

def weibull(k, l):
    k, l = M(k), M(l)
    return (lambda y: mp.log(k) - mp.log(l) + (k - 1) * mp.log(y / l) - (y / l) ** k,
            lambda y: -mp.expm1(-((y / l) ** k)),
            lambda y: mp.exp(-((y / l) ** k)),
            l * mp.gamma(1 + 1 / k), l ** 2 * (mp.gamma(1 + 2 / k) - mp.gamma(1 + 1 / k) ** 2))


def gamma(a, b):
    a, b = M(a), M(b)
    return (lambda y: a * mp.log(b) - mp.loggamma(a) + (a - 1) * mp.log(y) - b * y,
            lambda y: gamma_pq(a, b * y)[0], lambda y: gamma_pq(a, b * y)[1], a / b, a / b ** 2)


def lognormal(mu, sigma):
    mu, sigma = M(mu), M(sigma)
    return (lambda y: mp.log(mp.npdf(mp.log(y), mu, sigma) / y),
            lambda y: mp.ncdf((mp.log(y) - mu) / sigma), lambda y: mp.ncdf((mu - mp.log(y)) / sigma),
            mp.exp(mu + sigma ** 2 / 2), mp.expm1(sigma ** 2) * mp.exp(2 * mu + sigma ** 2))


def normal(mu, sigma):
    mu, sigma = M(mu), M(sigma)
    return (lambda y: mp.log(mp.npdf(y, mu, sigma)),
            lambda y: mp.ncdf((y - mu) / sigma), lambda y: mp.ncdf((mu - y) / sigma), mu, sigma ** 2)


FAMILY = {"weibull": weibull, "gamma": gamma, "lognormal": lognormal, "normal": normal}
CASES = {
    "weibull": [(0.3, 2e-3), (1, 1), (1.7, 0.04), (12, 3), (1000, 0.25)],
    "gamma": [(1e-2, 5), (0.4, 100), (1, 3), (3.5, 0.01), (80, 900), (1e6, 2e7)],
    "lognormal": [(-3, 2), (0, 0.5), (4, 1e-3)],
    "normal": [(0, 1), (-2, 1e-3), (5, 30)],
}


def component_points(family, c, s):
    if family == "weibull":
        return [float(s * t ** (1 / c)) for t in [1e-12, 1e-4, 0.1, 1, 4, 30, 300]]
    if family == "gamma":
        sd = c ** 0.5
        return [y / s for y in [c * 1e-6, c * 0.3, c - 6 * sd, c - sd, c, c + sd, c + 12 * sd, 3 * c + 20] if 0 < y]
    points = [c + z * s for z in [-30, -6, -1, 0, 0.5, 3, 8, 35]]
    return [float(np.exp(x)) for x in points] if family == "lognormal" else points


def family_lines():
    for family, cases in CASES.items():
        for c, s in cases:
            log_pdf, cdf, survival, mean, variance = FAMILY[family](c, s)
            yield family, c, s, "moments", mean, variance
            for y in component_points(family, c, s):
                f = log_pdf(M(y)), cdf(M(y)), survival(M(y))
                if f[1] > 1e-300 and f[2] > 1e-300:
                    yield (family, c, s, y) + f


# ---- mixtures.txt: "mixture" family n, then n lines of weight, concentration, scale; then lines
#      "at" y log_pdf cdf survival crps | "quantile" p y | "moments" mean variance ----

MIXTURES = [
    ("weibull", [(1, 1.5, 0.02)]),
    ("weibull", [(1, 1000, 0.25)]),
    ("weibull", [(1, 0.05, 1)]),
    ("weibull", [(1, 0.3, 1e-4)]),
    ("weibull", [(0.3, 1000, 0.001), (0.5, 900, 0.01), (0.2, 800, 2)]),
    ("weibull", [(0.125, 2.5, 0.01 * 1.3 ** j) for j in range(8)]),
    ("weibull", [(0.6, 0.7, 0.002), (0.397, 5, 0.1), (0.003, 1000, 30)]),
    ("gamma", [(1, 0.01, 0.5)]),
    ("gamma", [(1, 1, 40)]),
    ("gamma", [(0.5, 1e6, 1e8), (0.25, 1e5, 1e6), (0.25, 3, 100)]),
    ("gamma", [(0.125, 6, 600 / 1.25 ** j) for j in range(8)]),
    ("lognormal", [(1, -4, 2)]),
    ("lognormal", [(1, 0, 1e-3)]),
    ("lognormal", [(1, -2, 6)]),
    ("lognormal", [(0.4, -6, 0.1), (0.4, -3, 1.2), (0.2, 1, 0.5)]),
    ("lognormal", [(0.9, -5, 3), (0.1, -4.5, 1e-3)]),
    ("normal", [(1, 0.2, 0.05)]),
    ("normal", [(0.5, 0.01, 1e-4), (0.3, 0.5, 0.2), (0.2, -3, 1e-3)]),
]


def scipy_component(family, c, s):
    if family == "weibull":
        return stats.weibull_min(c, scale=s)
    if family == "gamma":
        return stats.gamma(c, scale=1 / s)
    if family == "lognormal":
        return stats.lognorm(s, scale=np.exp(c))
    return stats.norm(c, s)


def grid_crps(family, components, y):
    """Gauss-Legendre with 20 nodes on panels of 1/8 of a component's width and 1/8 in log y, over all doubles."""
    positive = family != "normal"
    edges = [np.linspace(-700, 350, 8401)] if positive else []
    for w, c, s in components:
        center, width = {"weibull": lambda: (np.log(s), 1 / c), "gamma": lambda: (np.log(c / s), min(1, c ** -0.5)),
                         "lognormal": lambda: (c, s), "normal": lambda: (c, s)}[family]()
        edges.append(center + width * np.linspace(-60, 60, 961))
    x = np.log(y) if positive else y
    edges = np.unique(np.concatenate(edges + [[x]]))
    if positive:
        edges = edges[(edges > -740) & (edges < 700)]
    node, weight = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    at = edges[:-1, None] + half * (1 + node)
    value = np.exp(at) if positive else at
    parts = [(w, scipy_component(family, c, s)) for w, c, s in components]
    with np.errstate(all="ignore"):
        below = (at < x)
        f = np.where(below, sum(w * d.cdf(value) for w, d in parts), sum(w * d.sf(value) for w, d in parts))
        terms = f ** 2 * (value if positive else 1) * half * weight
    return float(np.sum(np.sort(terms[np.isfinite(terms)].ravel())))


def closed_crps(family, c, s, y):
    """Gneiting and Raftery 2007 (normal); Jordan, Krueger and Lerch 2019 (gamma, lognormal); weibull from
    E|X - y| - E|X - X'| / 2 with the smaller of two being weibull of scale l 2^(-1/k)."""
    c, s, y = M(c), M(s), M(y)
    if family == "normal":
        z = (y - c) / s
        return s * (z * (2 * mp.ncdf(z) - 1) + 2 * mp.npdf(z) - 1 / mp.sqrt(mp.pi))
    if family == "lognormal":
        z = (mp.log(y) - c) / s
        return y * (2 * mp.ncdf(z) - 1) - 2 * mp.exp(c + s ** 2 / 2) * (mp.ncdf(z - s) + mp.ncdf(s / mp.sqrt(2)) - 1)
    if family == "gamma":
        return (y * (2 * gamma_pq(c, s * y)[0] - 1) - c / s * (2 * gamma_pq(c + 1, s * y)[0] - 1)
                - 1 / (s * mp.beta(M(1) / 2, c)))
    mean = s * mp.gamma(1 + 1 / c)
    p, upper = -mp.expm1(-((y / s) ** c)), s * mp.gammainc(1 + 1 / c, (y / s) ** c)
    return y * (2 * p - 1) + 2 * upper - mean - mean * (1 - mp.power(2, -1 / c))


def quantile(family, components, f, p):
    """A root of SciPy's cdf, then Newton's method on the exact one."""
    positive = family != "normal"
    parts = [(w, scipy_component(family, c, s)) for w, c, s in components]
    upper = p > 0.5
    low, high = (-745, 709) if positive else (-1e6, 1e6)
    for _ in range(200):
        middle = (low + high) / 2
        y = np.exp(middle) if positive else middle
        if sum(w * d.sf(y) for w, d in parts) > 1 - p if upper else sum(w * d.cdf(y) for w, d in parts) < p:
            low = middle
        else:
            high = middle
    if positive and low < -690:
        return M(0)  # too small for a double that is to be compared
    x = M(low)
    for _ in range(6):
        y = mp.exp(x) if positive else x
        excess = 1 - M(p) - sum(w * g[2](y) for w, *g in f) if upper else sum(w * g[1](y) for w, *g in f) - M(p)
        x -= excess / sum(w * mp.exp(g[0](y)) for w, *g in f) / (y if positive else 1)
    assert abs(excess) < 1e-30 * min(p, 1 - p), (family, components, p, excess)
    return y


def mixture_lines():
    for family, components in MIXTURES:
        yield "mixture", family, len(components)
        for component in components:
            yield component
        f = [(M(w),) + FAMILY[family](c, s) for w, c, s in components]
        cdf = lambda y: sum(w * g[1](y) for w, *g in f)
        survival = lambda y: sum(w * g[2](y) for w, *g in f)
        mean = sum(w * g[3] for w, *g in f)
        yield "moments", mean, sum(w * (g[4] + (g[3] - mean) ** 2) for w, *g in f)
        ys = []
        for p in [1e-9, 0.01, 0.21, 0.5, 0.77, 0.95, 0.999, 1 - 1e-9]:
            ys.append(float(quantile(family, components, f, p)))
            if ys[-1] != 0:
                yield "quantile", p, ys[-1]
        ys = [y for y in ys if y > 1e-30 or family == "normal"]
        ys += [float(mean), 0.9 * min(ys), 10 * max(ys)]
        for y in sorted(ys):
            crps = grid_crps(family, components, y)
            if len(components) == 1:
                truth = closed_crps(family, *components[0][1:], y)
                assert abs(crps - truth) < 1e-10 * truth, (family, components, y, crps, truth)
            yield "at", y, mp.log(sum(w * mp.exp(g[0](M(y))) for w, *g in f)), cdf(M(y)), survival(M(y)), crps


def write(path, lines):
    with open(path, "w") as file:
        for line in lines:
            file.write(" ".join(v if isinstance(v, str) else str(v) if isinstance(v, int) else text(v)
                                for v in line) + "\n")


if __name__ == "__main__":
    folder = sys.argv[1]
    write(os.path.join(folder, "special.txt"), special_lines())
    write(os.path.join(folder, "families.txt"), family_lines())
    write(os.path.join(folder, "mixtures.txt"), mixture_lines())
