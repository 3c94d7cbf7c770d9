"""Training steps in TensorFlow and TensorFlow Probability, as the original trains: Keras' fit, one thread.

peer_tf.py WIDTH COMPONENTS BATCH SECONDS [bn]: prints samples a second (the first epoch left out) and the version.
Two tanh layers and exponential heads, AdamW; with bn the original's: BatchNormalization, LeakyReLU, softplus heads, Adam.
"""
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
H, K, B, SECONDS = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
NORM = "bn" in sys.argv[5:]
ROWS = 20000
layers, distributions = tf.keras.layers, tfp.distributions


class Loss(layers.Layer):
    def call(self, inputs):
        y, w, k, scale = inputs
        law = distributions.MixtureSameFamily(
            distributions.Categorical(probs=w), distributions.Weibull(concentration=k, scale=scale)
        )
        self.add_loss(-tf.reduce_mean(law.log_prob(y[:, 0])))
        return y


def positive(v):
    return tf.nn.softplus(v) + 1e-8 if NORM else tf.exp(v)


x, y = tf.keras.Input((2,)), tf.keras.Input((1,))
h = x
for _ in range(2):
    h = layers.Dense(H, None if NORM else "tanh")(h)
    if NORM:
        h = layers.LeakyReLU()(layers.BatchNormalization()(h))
heads = layers.Dense(K, "softmax")(h), layers.Dense(K, positive)(h), layers.Dense(K, positive)(h)
model = tf.keras.Model([x, y], Loss()([y, *heads]))
optimizers = tf.keras.optimizers
model.compile(optimizer=optimizers.Adam(3e-5) if NORM else optimizers.AdamW(1e-3, weight_decay=0.1))

g = np.random.default_rng(1)
data = [g.standard_normal((ROWS, 2)).astype("f4"), g.weibull(1.5, (ROWS, 1)).astype("f4")]
model.fit(data, batch_size=B, epochs=1, verbose=0)
done, began = 0, time.perf_counter()
while time.perf_counter() - began < SECONDS:
    model.fit(data, batch_size=B, epochs=2, verbose=0)
    done += 2 * ROWS
print(done / (time.perf_counter() - began), "TensorFlow", tf.__version__)
