"""with_keras.py tf215|keras3 KT: in the current folder are archives; what kt exports of them must answer in this Keras as in
kt, and what this Keras saves must answer in kt as here. Models are loaded in safe mode and without custom objects."""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

OLD = sys.argv[1] == "tf215"
KT = sys.argv[2]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "jax"
if OLD:
    from tensorflow import keras
    import tensorflow as tf
    import tensorflow_probability as tfp

    tf.get_logger().setLevel("ERROR")
else:
    import keras

checks = failures = 0


def check(good, text):
    global checks, failures
    checks += 1
    if not good:
        failures += 1
        print("FAIL: " + text)


def kt(*arguments, code=0):
    out = subprocess.run([KT, *map(str, arguments)], capture_output=True, text=True)
    check(out.returncode == code, "kt %s: %d: %s" % (" ".join(map(str, arguments)), out.returncode, out.stderr))
    return out


# In the hull of the archives (1 to 40 and 1 to 4), at the rates that KubeTwin may ask for, and far outside.
INSIDE = np.array([[20, 2], [13.37, 3], [1, 1], [40, 4], [33.3, 1.5]])
OUTSIDE = np.array([[0, 1], [34, 7], [400, 1], [-60, 12]])
POINTS = np.concatenate([INSIDE, OUTSIDE])


def of_kt(archive, service):
    """weights, concentration, scale, each [points, K], and p99 [points]."""
    path = pathlib.Path("points.csv")
    path.write_text("rps,rep\n" + "".join("%r,%r\n" % (float(a), float(b)) for a, b in POINTS))
    out = kt("predict", archive, "--service", service, "--points", path, "--quantile", 0.99).stdout
    rows = np.array([[float(v) for v in row] for row in list(csv.reader(io.StringIO(out)))[1:]])
    k = (rows.shape[1] - 4) // 3
    return [rows[:, 4 + h * k : 4 + (h + 1) * k] for h in range(3)], rows[:, 3]


def of_keras(model, points=POINTS):
    ones = np.ones((len(points), 1), "f4")
    return [np.asarray(v) for v in model([points.astype("f4"), ones], training=False)]


def compare(what, family, got, wanted):
    """The tolerances of an export, point by point."""
    n = len(INSIDE)
    check(np.abs(got[0] - wanted[0]).max() <= 1e-6, "%s: weights differ by %g" % (what, np.abs(got[0] - wanted[0]).max()))
    for h, name in ((1, "concentration"), (2, "scale")):
        size = np.abs(wanted[h])
        if h == 1 and family in ("lognormal", "normal"):  # mu may be 0: its size is then that of the spread
            size = np.maximum(size, wanted[2] if family == "normal" else 1)
        error = np.abs(got[h] - wanted[h]) / size
        good = np.isfinite(got[h]) & np.isfinite(wanted[h])  # beyond the range of floats both are 0 or infinite
        same = (got[h] == wanted[h].astype("f4")) | ((got[h] < 1e-30) & (wanted[h] < 1e-30))
        error = np.where(good & ~same, error, np.where(same, 0, np.inf))
        check(error[:n].max() <= 5e-6, "%s: %s differs by %g in the hull" % (what, name, error[:n].max()))
        check(error[n:].max() <= 1e-4, "%s: %s differs by %g outside" % (what, name, error[n:].max()))


def distribution(family, c, s):
    d = tfp.distributions
    return {
        "weibull": lambda: d.Weibull(c, s),
        "gamma": lambda: d.Gamma(c, s),
        "lognormal": lambda: d.LogNormal(c, s),
        "normal": lambda: d.Normal(c, s),
    }[family]()


def compare_shape(what, family, got, wanted, p99):
    """Mean and p99 in the hull, by TensorFlow Probability in double: the quantile's error is that of the distribution
    function over its slope."""
    n = len(INSIDE)
    weight, c, s = (np.asarray(v[:n], "f8") for v in got)
    weight /= weight.sum(1, keepdims=True)
    parts = distribution(family, c, s)
    mean = (weight * parts.mean().numpy()).sum(1)
    other = distribution(family, *(np.asarray(v[:n], "f8") for v in wanted[1:]))
    mean_of_kt = (wanted[0][:n] * other.mean().numpy()).sum(1) / wanted[0][:n].sum(1)
    size = np.abs(mean_of_kt) if family != "normal" else (wanted[0][:n] * (np.abs(c) + s)).sum(1)
    check((np.abs(mean - mean_of_kt) <= 1e-5 * size).all(), "%s: means %s and %s" % (what, mean, mean_of_kt))
    q = p99[:n, None]
    miss = (weight * parts.cdf(q).numpy()).sum(1) - 0.99
    slope = (weight * parts.prob(q).numpy()).sum(1)
    error = np.abs(miss / slope / p99[:n])
    check(error.max() <= 1e-5, "%s: p99 differs by %g" % (what, error.max()))


def ask_as_kubetwin(what, model, wanted):
    """KubeTwin's call, word for word: an array of rank 1, and three arrays back of which it takes row 0."""
    k = wanted[0].shape[1]
    for i, array in ((0, np.array([20, 2])), (0, np.array([20.0, 2.0])), (1, np.array([13.37, 3]))):
        out = model.predict([array, np.array([1, 1])], verbose=0)
        check([v.shape for v in out] == [(1, k)] * 3, "%s: shapes %s" % (what, [v.shape for v in out]))
        for h in range(3):
            check(np.allclose(out[h][0], wanted[h][i], rtol=5e-6, atol=1e-6), "%s: KubeTwin's call" % what)


def file_of(folder, service):
    name = service.replace("%", "%25").replace("/", "%2F")
    return pathlib.Path(folder, "saved_models", "%2E" + name[1:] if name[0] == "." else name, "model", "model.keras")


def exported():
    def services(archive):
        return [s["service"] for s in json.loads(kt("info", archive, "--json").stdout)["services"]]

    for archive in ("networks.h5", "names.h5", "default/models.h5", "seed/models.h5"):
        folder = pathlib.Path("out", archive.replace("/", "-"))
        kt("export", archive, "--format", "keras", "--out", folder, "-q")
        if not OLD:
            kt("export", archive, "--keras", "3-rank1", "--out", folder / "rank1", "-q")
        names = services(archive)
        check(len(names) > 0 and len(list(folder.glob("saved_models/*/model/model.keras"))) == len(names), archive)
        if archive == "networks.h5":  # for each family and activation: exp, exp-norm, softplus, softplus-norm; two do
            names = [n for i, n in enumerate(names) if i % 4 in ((0, 3), (1, 2))[i // 4 % 2]]
        for i, name in enumerate(names):
            what = "%s of %s" % (name, archive)
            wanted, p99 = of_kt(archive, name)
            model = keras.models.load_model(file_of(folder, name))
            family = json.loads(
                kt("predict", archive, "--service", name, "--rps", 20, "--rep", 2, "--json").stdout)["family"]
            got = of_keras(model)
            compare(what, family, got, wanted)
            few = i % 8 == 0 or archive != "networks.h5"  # each new shape is compiled: a few do
            if OLD:
                compare_shape(what, family, got, wanted, p99)
            elif few or i % 5 == 0:
                model = keras.models.load_model(file_of(folder / "rank1", name))
                compare(what + ", rank 1", family, of_keras(model), wanted)
            if few:
                ask_as_kubetwin(what, model, wanted)


# ---- models that this Keras saves ----


def original(units, k, activation, batch_norm, outputs, split=False, norm=True, dropout=False):
    """The original scripts' form: two inputs, Normalization, hidden layers, three outputs."""
    layers = keras.layers
    x, y = keras.Input((2,)), keras.Input((1,))
    h = x
    if norm:
        normalization = layers.Normalization()
        normalization.adapt(np.stack([np.linspace(1, 40, 50), np.tile([1, 2, 3, 4, 5], 10)], 1).astype("f4"))
        h = normalization(h)
    for _ in range(2):
        if activation == "leaky":
            h = layers.Dense(units, kernel_initializer="he_normal")(h)
            if batch_norm:
                h = layers.BatchNormalization()(h)
            h = layers.LeakyReLU(0.3)(h)
        elif batch_norm:
            h = layers.Activation(activation)(layers.BatchNormalization(epsilon=0.01)(layers.Dense(units)(h)))
        else:
            h = layers.Dense(units, activation=activation)(h)
        if dropout:
            h = layers.Dropout(0.2)(h)
    heads = [layers.Dense(k, activation="softmax", name="weights")(h)]
    for name, function in zip(("conc", "scale"), outputs):
        if callable(function):
            heads.append(function(layers.Dense(k, name=name)(h)))
        elif split:
            heads.append(layers.Activation(function, name=name)(layers.Dense(k, name=name + "_raw")(h)))
        else:
            heads.append(layers.Dense(k, activation=function, name=name)(h))
    if not OLD:  # an input that nothing is made of is refused by some
        heads[0] = layers.Activation("linear")(heads[0])
    return keras.Model([x, y] if OLD else [x], heads)


def shake(model, seed):
    """Weights as training leaves them, moving statistics too."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            continue
        values = [v + 0.3 * rng.standard_normal(v.shape) for v in layer.get_weights()]
        if isinstance(layer, keras.layers.BatchNormalization):
            values[3] = np.abs(values[3]) + 0.2
        layer.set_weights(values)


def answers(model):
    x = POINTS.astype("f4")
    inputs = [x, np.ones((len(x), 1), "f4")] if OLD else x
    return [np.asarray(v) for v in model(inputs, training=False)]


def imported():
    softplus = ("softplus", "softplus")
    exponential = ("exponential", "exponential")
    forms = {  # name: family, form
        "original": ("weibull", dict(units=10, k=4, activation="leaky", batch_norm=True, outputs=softplus)),
        "plain": ("weibull", dict(units=10, k=4, activation="leaky", batch_norm=False, outputs=softplus)),
        "exponential": ("weibull", dict(units=16, k=8, activation="tanh", batch_norm=False, outputs=exponential)),
        "split": ("gamma", dict(units=12, k=3, activation="relu", batch_norm=False, outputs=exponential, split=True)),
        "rate": ("gamma", dict(units=9, k=5, activation="sigmoid", batch_norm=True, outputs=softplus)),
        "epsilon": ("weibull", dict(units=7, k=2, activation="elu", batch_norm=True, outputs=exponential)),
        "mu": ("lognormal", dict(units=8, k=4, activation="tanh", batch_norm=False, outputs=("linear", "softplus"))),
        "seconds": ("normal", dict(units=8, k=4, activation="softplus", batch_norm=False,
                                   outputs=("linear", "exponential"), split=True)),
        "bare": ("weibull", dict(units=8, k=4, activation="tanh", batch_norm=False, outputs=softplus, norm=False)),
        "dropout": ("weibull", dict(units=8, k=4, activation="tanh", batch_norm=False, outputs=softplus, dropout=True)),
        "rescaled": ("weibull", dict(units=8, k=4, activation="tanh", batch_norm=False, outputs=(
            lambda z: keras.layers.Rescaling(1.0, offset=1e-8)(keras.layers.Activation("softplus")(z)),
            lambda z: keras.layers.Rescaling(0.02, offset=1e-8)(keras.layers.Activation("softplus")(z))))),
    }
    for seed, (name, (family, form)) in enumerate(forms.items()):
        model = original(**form)
        shake(model, seed)
        if name == "plain":  # trained for a step: the file has an optimizer's state too
            model.compile(optimizer="adam", loss=["mse"] * 3)
            x = POINTS[:4].astype("f4")
            model.fit([x, x[:, :1]] if OLD else x, [np.ones((4, 4))] * 3, epochs=1, verbose=0)
        folder = pathlib.Path("theirs", "saved_models", name, "model")
        folder.mkdir(parents=True)
        model.save(folder / "model.keras")
        said = kt("import", folder / "model.keras", "--family", family, "--out", name + ".h5",
                  "--hull", "rps=1:40", "--hull", "rep=1:4")
        check(said.stdout.startswith(name + ": " + family), said.stdout)
        wanted, _ = of_kt(name + ".h5", name)
        got = answers(model)
        floor = 2.2e-8 if "softplus" in form["outputs"] or name == "rescaled" else 0
        for h in range(3):
            size = np.maximum(np.abs(got[h]), 1 if h == 0 or (h == 1 and form["outputs"][0] == "linear") else 0)
            error = np.abs(got[h] - wanted[h]) - floor
            limit = np.where(np.arange(len(POINTS)) < len(INSIDE), 5e-6, 1e-4)[:, None] * size
            check((error <= limit).all(), "%s: output %d differs by %g" % (name, h, (error / size).max()))
        if name == "plain":
            check("1e-08" in said.stderr, said.stderr)
    # Several at once, a service each; without a hull all is outside, and that is said.
    files = [pathlib.Path("theirs/saved_models", n, "model/model.keras") for n in ("original", "plain", "exponential")]
    said = kt("import", *files, "--out", "three.h5")
    check(said.stderr.count("does not say where") == 3, said.stderr)
    check("OUTSIDE" in kt("predict", "three.h5", "--service", "plain", "--rps", 20, "--rep", 2).stdout, "hull")
    check(kt("verify", "three.h5").stdout.count("3 services") == 1, "verify")
    kt("import", "default/models.h5", files[0], "--out", "no.h5", code=2)
    kt("import", *files, "--service", "one", "--out", "no.h5", code=2)
    # What was exported and imported again is exported to files that say the same.
    said = kt("import", file_of("out/seed-models.h5", "s0"), "--out", "again.h5")
    check("--hull" not in said.stderr, said.stderr)
    wanted, _ = of_kt("seed/models.h5", "s0")
    got, _ = of_kt("again.h5", "s0")
    compare("imported again", "weibull", got, wanted)


def refused():
    layers = keras.layers
    plain = dict(units=8, k=4, activation="tanh", batch_norm=False, outputs=("softplus", "softplus"))

    def is_refused(name, words, model=None, path=None):
        if model is not None:
            path = name + ".keras"
            model.save(path)
        said = kt("import", path, "--out", "no.h5", code=1)
        check(said.stderr.count("\n") == 1 and all(word in said.stderr for word in words), "%s: %s" % (name, said.stderr))
        check(not pathlib.Path("no.h5").exists(), "%s: no.h5 is there" % name)

    floored = lambda z: layers.Lambda(lambda v: v * v + 1e-8)(z)
    is_refused("lambda", ["Lambda", "Rescaling"], original(**{**plain, "outputs": (floored, "softplus")}))
    code = lambda z: layers.Activation(lambda v: v * v + 1e-8)(z)
    is_refused("code", ["Python code", "Rescaling"], original(**{**plain, "outputs": (code, "softplus")}))
    is_refused("gelu", ["gelu"], original(**{**plain, "activation": "gelu"}))
    is_refused("mixed", ["softplus", "exponential"], original(**{**plain, "outputs": ("softplus", "exponential")}))
    is_refused("mu", ["--family"], original(**{**plain, "outputs": ("linear", "softplus")}))
    x = keras.Input((2,))
    h = layers.Dense(8, activation="tanh")(x)
    is_refused("one", ["three outputs"], keras.Model(x, layers.Dense(4)(h)))
    skip = layers.Concatenate()([h, x])
    is_refused("skip", ["exactly one layer"],
               keras.Model(x, [layers.Dense(4, activation=a)(skip) for a in ("softmax", "softplus", "softplus")]))
    is_refused("sequential", ["Sequential"], keras.Sequential([x, layers.Dense(4)]))
    wide = keras.Model(x, [layers.Dense(k, activation=a)(h) for k, a in
                           ((4, "softmax"), (4, "softplus"), (5, "softplus"))])
    is_refused("widths", ["4 and 5"], wide)
    if OLD:
        model = original(**plain)
        model.save("folder")
        is_refused("folder", ["SavedModel", "load_model", ".keras"], path="folder")
        model.save("old.h5")
        is_refused("old", ["HDF5", "load_model", ".keras"], path="old.h5")


exported()
imported()
refused()
print("%d checks of %s in Keras, %d failed" % (checks, "TensorFlow " + tf.__version__ if OLD else keras.__version__, failures))
sys.exit(failures > 0 or checks == 0)
