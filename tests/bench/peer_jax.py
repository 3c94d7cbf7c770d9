"""Training steps in JAX: gather, forward, backward, AdamW, the whole loop compiled as one scan, one thread.

peer_jax.py WIDTH COMPONENTS BATCH SECONDS: prints samples a second (compilation left out) and JAX's version.
Two tanh layers, Weibull mixture on log y, exponential heads. No BatchNormalization.
"""
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
import jax
import jax.numpy as jnp
import numpy as np

H, K, B, SECONDS = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
ROWS, RATE = 20000, 1e-3
g = np.random.default_rng(1)
x = jnp.array(g.standard_normal((ROWS, 2)), jnp.float32)
y = jnp.array(g.weibull(1.5, ROWS) * (1 + 0.2 * np.asarray(x[:, 0])).clip(0.1), jnp.float32)
log_y = jnp.log(jnp.maximum(y, 1e-6))


def start(key):
    def layer(key, fan_in, out):
        return jax.random.normal(key, (fan_in, out)) / np.sqrt(fan_in), jnp.zeros(out)

    return [layer(k, a, b) for k, a, b in zip(jax.random.split(key, 3), (2, H, H), (H, H, 3 * K))]


def loss(params, x, t):
    h = x
    for kernel, bias in params[:2]:
        h = jnp.tanh(h @ kernel + bias)
    w, a, b = jnp.split(h @ params[2][0] + params[2][1], 3, axis=-1)
    z = jnp.exp(a) * (t[:, None] - b)
    return -jax.nn.logsumexp(jax.nn.log_softmax(w) + a + z - t[:, None] - jnp.exp(z), -1).mean()


def step(state, rows):
    p, m, v, n = state
    d = jax.grad(loss)(p, x[rows], log_y[rows])
    n = n + 1
    m = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, m, d)
    v = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, v, d)

    def move(p, m, v):
        decay = 0.1 * p if p.ndim == 2 else 0.0
        return p - RATE * ((m / (1 - 0.9**n)) / (jnp.sqrt(v / (1 - 0.999**n)) + 1e-7) + decay)

    return (jax.tree.map(move, p, m, v), m, v, n), None


@jax.jit
def run(state, rows):
    return jax.lax.scan(step, state, rows)[0]


params = start(jax.random.key(0))
zero = jax.tree.map(jnp.zeros_like, params)
state = (params, zero, zero, jnp.float32(0))
steps = max(200, 400000 // B)
rows = jnp.array(g.integers(0, ROWS, (steps, B)))
state = jax.block_until_ready(run(state, rows))
done, began = 0, time.perf_counter()
while time.perf_counter() - began < SECONDS:
    state = jax.block_until_ready(run(state, rows))
    done += steps * B
print(done / (time.perf_counter() - began), "JAX", jax.__version__)
