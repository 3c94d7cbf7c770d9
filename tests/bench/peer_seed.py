"""The original's training of one service in TensorFlow and TFP, after its description, with what it costs.

peer_seed.py DATASET SERVICE EPOCHS: trains on the training and validation rows of RUN/dataset.h5, prints JSON:
  start   CPU seconds, user and system, from the process's start to the end of the first epoch
  epochs  CPU seconds of the EPOCHS after it, the pass over the validation rows included, as the original has it
"""
import json
import os
import resource
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.keras.utils.set_random_seed(1)
layers, distributions = tf.keras.layers, tfp.distributions
K = 4


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Loss(layers.Layer):
    def call(self, inputs):
        y, w, k, scale = inputs
        law = distributions.MixtureSameFamily(
            distributions.Categorical(probs=w), distributions.Weibull(concentration=k, scale=scale)
        )
        self.add_loss(-tf.reduce_mean(law.log_prob(y[:, 0])))
        return y


def positive(v):
    return tf.nn.softplus(v) + 1e-8


with h5py.File(sys.argv[1]) as f:
    service = next(s for s in f["services"] if s["name"].decode() == sys.argv[2])
    rows = slice(int(service["offset"]), int(service["offset"] + service["n_train"] + service["n_validation"]))
    features, times = f["x"][rows].astype("f4"), f["y"][rows].clip(1e-8, 100).astype("f4")[:, None]
order = np.random.default_rng(1).permutation(len(times))
first = int(0.22 * len(times))
validation, training = order[:first], order[first:]

x, y = tf.keras.Input((2,)), tf.keras.Input((1,))
scaler = layers.Normalization()
scaler.adapt(features[training])
h = scaler(x)
for _ in range(2):
    h = layers.LeakyReLU()(layers.BatchNormalization()(layers.Dense(10, kernel_initializer="he_normal")(h)))
heads = layers.Dense(K, "softmax")(h), layers.Dense(K, positive)(h), layers.Dense(K, positive)(h)
model = tf.keras.Model([x, y], Loss()([y, *heads]))
rate = tf.keras.optimizers.schedules.PolynomialDecay(3e-5, 3_000_000, 3e-7)
model.compile(optimizer=tf.keras.optimizers.Adam(rate))
ends = []
model.fit(
    [features[training], times[training]],
    validation_data=([features[validation], times[validation]], None),
    batch_size=64,
    epochs=1 + int(sys.argv[3]),
    verbose=0,
    callbacks=[tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(cpu()))],
)
print(json.dumps({"start": ends[0], "epochs": ends[-1] - ends[0], "version": tf.__version__, "rows": len(training)}))
