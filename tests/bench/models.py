"""Models of an archive in NumPy, from the archive's own description: a second opinion on what kt answers.

Only NumPy's and SciPy's functions, in double; nothing of kt is called. See include/kt/archive.h and include/kt/net.h
for the layouts.
"""
import h5py
import numpy as np
from scipy import special

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "leaky_relu": lambda v: np.where(v > 0, v, 0.3 * v),
    "elu": lambda v: np.where(v > 0, v, np.expm1(v)),
    "sigmoid": special.expit,
    "softplus": lambda v: np.logaddexp(v, 0),
    "linear": lambda v: v,
}
NORM_EPSILON = 1e-3


def log_pdf(family, y, c, s):
    if family == "weibull":
        u = np.log(y) - np.log(s)
        return np.log(c) - np.log(s) + (c - 1) * u - np.exp(c * u)
    if family == "gamma":
        return c * np.log(s) - special.gammaln(c) + (c - 1) * np.log(y) - s * y
    z = ((np.log(y) if family == "lognormal" else y) - c) / s
    return -0.5 * z * z - np.log(s) - 0.5 * np.log(2 * np.pi) - (np.log(y) if family == "lognormal" else 0)


def cdf(family, y, c, s):
    if family == "weibull":
        return -np.expm1(-np.exp(np.clip(c * (np.log(y) - np.log(s)), -700, 700)))
    if family == "gamma":
        return special.gammainc(c, s * y)
    return special.ndtr(((np.log(y) if family == "lognormal" else y) - c) / s)


class Model:
    def __init__(self, group):
        a = group.attrs
        self.family, self.head, activation = (a[k].decode() for k in ("family", "head", "activation"))
        self.activation = ACTIVATIONS[activation]
        self.scale, self.floor, self.flags = float(a["scale"]), float(a["floor"]), int(a["flags"])
        self.components, self.batch_norm = int(a["components"]), bool(a["batch_norm"])
        self.mean, self.sd = group["scaler"][:]
        self.hull, self.held_out = group["hull"][:], group["cells"][:] if "cells" in group else None
        self._take(int(a["inputs"]), group["hidden"][:], group["parameters"][:], group.get("state"))

    def _take(self, inputs, hidden, parameters, state):
        left = parameters.astype(float)
        moving = state[:].astype(float) if self.batch_norm else None

        def cut(*shape):
            nonlocal left
            part, left = np.split(left, [int(np.prod(shape))])
            return part.reshape(shape)

        self.layers, width = [], inputs
        for out in map(int, hidden):
            kernel, bias = cut(width, out), cut(out)
            if self.batch_norm:
                gamma, beta = cut(out), cut(out)
                mean, variance, moving = np.split(moving, [out, 2 * out])
                bias = (bias - mean) * gamma / np.sqrt(variance + NORM_EPSILON) + beta
                kernel = kernel * gamma / np.sqrt(variance + NORM_EPSILON)
            self.layers.append((kernel, bias))
            width = out
        self.heads = [(cut(width, self.components), cut(self.components)) for _ in range(3)]
        assert left.size == 0

    def mixture(self, x):
        """x [n, d] as users give it -> (weights, concentrations, scales), each [n, K], in seconds."""
        h = (np.asarray(x, float) - self.mean) / self.sd
        for kernel, bias in self.layers:
            h = self.activation(h @ kernel + bias)
        w, a, b = (h @ kernel + bias for kernel, bias in self.heads)
        w = special.softmax(w, axis=-1)
        positive = np.exp if self.head == "exp" else lambda v: np.logaddexp(v, 0) + 1e-8
        first, s = positive(a), self.scale
        if self.family == "weibull":
            return w, first, positive(b) * s
        if self.family == "gamma":
            return w, first, (first / np.exp(b) if self.head == "exp" else positive(b)) / s
        if self.family == "lognormal":
            return w, b + np.log(s), first
        return w, b * s, first * s

    def nll(self, x, y):
        """Nats of each row, y in seconds."""
        w, c, s = self.mixture(x)
        if self.family != "normal":
            y = np.maximum(y, self.floor)
        with np.errstate(over="ignore"):
            return -special.logsumexp(np.log(w) + log_pdf(self.family, y[:, None], c, s), axis=-1)

    def cdf(self, x, y):
        """F(y) at one point x."""
        w, c, s = self.mixture([x])
        return cdf(self.family, np.asarray(y)[:, None], c, s) @ w[0]

    def quantile(self, x, p):
        """By bisection of log y between 1 ns and 1e9 s."""
        low, high = np.log(1e-9), np.log(1e9)
        for _ in range(80):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.cdf(x, [np.exp(middle)])[0] < p else (low, middle)
        return float(np.exp(0.5 * (low + high)))


class Ensemble(Model):
    """Several members, the best first: the mixture of their mixtures. The rest is as the best has it."""

    def __init__(self, members):
        self.__dict__.update(vars(members[0]))
        self.members = members
        self.components = sum(m.components for m in members)
        self.floor = max(m.floor for m in members)

    def mixture(self, x):
        w, c, s = (np.concatenate(part, axis=-1) for part in zip(*(m.mixture(x) for m in self.members)))
        return w / len(self.members), c, s


def read(path):
    """{service: Model} of an archive."""
    with h5py.File(path) as f:
        members = {g.attrs["name"].decode(): [Model(g[str(m)]) for m in range(len(g))] for g in f["models"].values()}
    return {name: Ensemble(found) if len(found) > 1 else found[0] for name, found in members.items()}
