"""Writes net.txt and start.txt, the truths of tests/net: the network by NumPy, its densities by scipy.stats.

    pip install numpy==2.* scipy==1.*
    python3 tests/golden/make_net.py tests/golden
"""
import os
import sys

import numpy as np
from scipy import special, stats

FAMILIES = ["weibull", "gamma", "lognormal", "normal"]
HEADS = ["exp", "softplus"]
ACTIVATION = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.3 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "sigmoid": special.expit,
    "softplus": lambda z: np.logaddexp(0, z),
    "linear": lambda z: z,
}
LOW, HIGH = np.log(1e-3), {"weibull": np.log(1e3), "gamma": np.log(1e6), "lognormal": np.log(1e3), "normal": np.log(1e3)}


def softplus_head(z):
    return np.logaddexp(0, z) + 1e-8


def weibull_log_pdf(y, k, l):
    """SciPy's, except where log((y / l)^k) is past 60: there that is what it is cut to."""
    with np.errstate(over="ignore"):
        plain = stats.weibull_min.logpdf(y, k, scale=l)
    return np.where(k * np.log(y / l) < 60, plain, np.log(k) - np.log(y) + 60 - np.exp(60.0))


class Net:
    """One dictionary a layer, in the canonical order: hidden layers, then heads w, a, b."""

    def __init__(self, rng, family, head, activation, batch_norm, inputs, widths, components):
        self.family, self.head, self.activation, self.batch_norm = family, head, activation, batch_norm
        self.inputs, self.widths, self.components = inputs, widths, components
        draw = lambda *shape: np.round(0.5 * rng.standard_normal(shape), 3)
        self.hidden, self.heads = [], []
        for fan_in, out in zip([inputs] + widths, widths):
            layer = {"kernel": draw(fan_in, out), "bias": draw(out)}
            if batch_norm:
                layer.update(gamma=1 + draw(out), beta=draw(out))
                layer["moving"] = [draw(out), np.round(rng.uniform(0.5, 2, out), 3)]
            self.hidden.append(layer)
        for _ in range(3):
            self.heads.append({"kernel": draw(widths[-1], components), "bias": draw(components)})

    def params(self):
        names = ["kernel", "bias", "gamma", "beta"]
        return np.concatenate([layer[n].ravel() for layer in self.hidden + self.heads for n in names if n in layer])

    def state(self):
        return np.concatenate([m for layer in self.hidden for m in layer["moving"]]) if self.batch_norm else np.array([])

    def forward(self, x, training):
        """z_w, z_a, z_b [n, K] each, and the moving statistics after this batch."""
        moved = []
        for layer in self.hidden:
            x = x @ layer["kernel"] + layer["bias"]
            if self.batch_norm:
                mean, variance = (x.mean(0), x.var(0)) if training else layer["moving"]
                moved += [0.99 * old + 0.01 * new for old, new in zip(layer["moving"], (mean, variance))]
                x = layer["gamma"] * (x - mean) / np.sqrt(variance + 1e-3) + layer["beta"]
            x = ACTIVATION[self.activation](x)
        return [x @ h["kernel"] + h["bias"] for h in self.heads], moved

    def parameters(self, z_a, z_b, bounded):
        """Concentration and scale as KubeTwin knows them, and how far log of the first parameter is out of bounds."""
        exp = self.head == "exp"
        first = np.exp(z_a) if exp else softplus_head(z_a)
        inside = np.clip(np.log(first), LOW, HIGH[self.family])
        excess = np.log(first) - inside
        if bounded:
            first = np.exp(inside)
        if self.family == "weibull":
            return first, np.exp(z_b) if exp else softplus_head(z_b), excess
        if self.family == "gamma":
            return first, first / np.exp(z_b) if exp else softplus_head(z_b), excess
        return z_b, first, excess

    def loss(self, x, t, penalty):
        (z_w, z_a, z_b), moved = self.forward(x, True)
        c, s, excess = self.parameters(z_a, z_b, True)
        y = (t if self.family == "normal" else np.exp(t))[:, None]
        log_f = {"weibull": lambda: weibull_log_pdf(y, c, s),
                 "gamma": lambda: stats.gamma.logpdf(y, c, scale=1 / s),
                 "lognormal": lambda: stats.lognorm.logpdf(y, s, scale=np.exp(c)),
                 "normal": lambda: stats.norm.logpdf(y, c, s)}[self.family]()
        log_weight = special.log_softmax(z_w, axis=1)
        nll = -special.logsumexp(log_weight + log_f, axis=1)
        return np.mean(nll + 0.5 * penalty * np.sum(excess ** 2, axis=1)), moved

    def mixture(self, x, s):
        """In seconds: y is s times what the network saw."""
        (z_w, z_a, z_b), _ = self.forward(x, False)
        c, scale, _ = self.parameters(z_a, z_b, False)
        c, scale = {"weibull": (c, scale * s), "gamma": (c, scale / s), "lognormal": (c + np.log(s), scale),
                    "normal": (c * s, scale * s)}[self.family]
        return special.softmax(z_w, axis=1), c, scale


def numbers(file, name, values):
    file.write(name + "".join(" " + repr(float(v)) for v in np.ravel(values)) + "\n")


def write_net(file, rng, net, penalty=0.0, shift=0.0):
    """shift: moves heads a, so that some components pass their bounds."""
    net.heads[1]["bias"] = net.heads[1]["bias"] + shift
    n, s = 5, 0.037
    x = np.round(rng.standard_normal((n, net.inputs)), 3)
    t = np.round(0.6 * rng.standard_normal(n), 3)
    loss, moved = net.loss(x, t, penalty)
    file.write(f"net {net.family} {net.head} {net.activation} {int(net.batch_norm)} {net.inputs} {net.components} "
               f"{len(net.widths)} {' '.join(map(str, net.widths))}\n")
    numbers(file, "params", net.params())
    numbers(file, "state", net.state())
    numbers(file, "x", x)
    numbers(file, "t", t)
    numbers(file, "penalty", penalty)
    numbers(file, "loss", loss)
    numbers(file, "moved", np.concatenate(moved) if moved else [])
    numbers(file, "heads", np.hstack(net.forward(x, False)[0]))
    numbers(file, "seconds", s)
    numbers(file, "mixture", np.stack(net.mixture(x[:1], s), axis=1))


def write_nets(path):
    rng = np.random.default_rng(1)
    shapes = [(2, [4], 3), (1, [3, 5], 2), (3, [4, 3, 2], 1), (2, [2, 3, 2, 3], 4)]
    with open(path, "w") as file:
        for f, family in enumerate(FAMILIES):
            for h, head in enumerate(HEADS):
                for a, activation in enumerate(ACTIVATION):
                    inputs, widths, components = shapes[(f + h + a) % 4]
                    write_net(file, rng, Net(rng, family, head, activation, (f + a) % 2 == 1, inputs, widths, components))
                # first parameters around each bound: some outside, some inside
                shifts = [LOW, HIGH[family]] if head == "exp" else [np.log(np.expm1(1e-3)), np.exp(HIGH[family])]
                for shift in shifts:
                    # the density of a shape of 1e6 needs digits that SciPy does not have: gamma's upper bound is left out
                    if not (family == "gamma" and shift > 0):
                        write_net(file, rng, Net(rng, family, head, "tanh", False, 2, [3], 4), 2.5, shift)


def component_start(family, head, middle, spread):
    """The default start: the head outputs at which component j begins on its share of the data."""
    if family == "weibull":
        k = 1.2825 / spread
        first, second = k, np.exp(middle - np.log(np.log(2)) / k)  # the scale at which exp(middle) is the median
    elif family == "gamma":
        first, second = spread ** -2, np.exp(middle)               # shape, mean
    else:
        first, second = spread, middle
    if head == "exp":
        return np.log(first), np.log(second) if family in ("weibull", "gamma") else second
    inverse = lambda v: np.log(np.expm1(v - 1e-8)) if v < 30 else v - 1e-8
    if family == "gamma":
        second = first / second                                    # rate
    return inverse(first), inverse(second) if family in ("weibull", "gamma") else second


def write_starts(path):
    rng = np.random.default_rng(2)
    with open(path, "w") as file:
        for n, components in [(1, 1), (2, 3), (57, 4), (200, 8)]:
            t = np.float32(np.round(np.where(rng.uniform(size=n) < 0.3, -1, 0.4) + 0.4 * rng.standard_normal(n), 2))
            t[: n // 4] = t[0]  # ties: the smallest spread
            numbers(file, "t", [n] + list(t))
            share = lambda p: np.quantile(t.astype(float), (np.arange(components) + p) / components)
            spread = np.maximum(0.02, 0.54 * (share(0.9) - share(0.1)))
            for family in FAMILIES:
                for head in HEADS:
                    z = [component_start(family, head, m, d) for m, d in zip(share(0.5), spread)]
                    file.write(f"start {family} {head} {components}" + "".join(f" {float(a)!r} {float(b)!r}" for a, b in z)
                               + "\n")


if __name__ == "__main__":
    write_nets(os.path.join(sys.argv[1], "net.txt"))
    write_starts(os.path.join(sys.argv[1], "start.txt"))
