"""Training steps in PyTorch, eager: gather, forward, backward, AdamW, one thread.

peer_torch.py WIDTH COMPONENTS BATCH SECONDS [bn]: prints samples a second and PyTorch's version.
Two tanh layers and exponential heads; with bn the original's: BatchNormalization, LeakyReLU 0.3, softplus heads, Adam.
The likelihood is written out: torch.distributions is slower.
"""
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.set_flush_denormal(True)  # as TensorFlow and XLA do by themselves
H, K, B, SECONDS = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
NORM = "bn" in sys.argv[5:]
ROWS = 20000
g = np.random.default_rng(1)
x = torch.from_numpy(g.standard_normal((ROWS, 2)).astype("f4"))
log_y = torch.log(torch.from_numpy(g.weibull(1.5, ROWS).astype("f4"))).unsqueeze(1)


def hidden(fan_in):
    return [nn.Linear(fan_in, H), nn.BatchNorm1d(H), nn.LeakyReLU(0.3)] if NORM else [nn.Linear(fan_in, H), nn.Tanh()]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*hidden(2), *hidden(H))
        self.heads = nn.Linear(H, 3 * K)

    def loss(self, x, t):
        w, a, b = self.heads(self.body(x)).chunk(3, -1)
        if NORM:
            k, log_scale = nn.functional.softplus(a) + 1e-8, torch.log(nn.functional.softplus(b) + 1e-8)
            log_k = torch.log(k)
        else:
            k, log_k, log_scale = torch.exp(a), a, b
        z = k * (t - log_scale)
        return -torch.logsumexp(torch.log_softmax(w, -1) + log_k + z - t - torch.exp(z), -1).mean()


torch.manual_seed(0)
net = Net()
rate = 3e-5 if NORM else 1e-3
optimizer = (torch.optim.Adam if NORM else torch.optim.AdamW)(net.parameters(), lr=rate, eps=1e-7)
rows = torch.from_numpy(g.integers(0, ROWS, (400, B)))


def steps():
    for index in rows:
        optimizer.zero_grad(set_to_none=True)
        net.loss(x[index], log_y[index]).backward()
        optimizer.step()


steps()
done, began = 0, time.perf_counter()
while time.perf_counter() - began < SECONDS:
    steps()
    done += rows.numel()
print(done / (time.perf_counter() - began), "PyTorch", torch.__version__)
