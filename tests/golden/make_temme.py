"""Writes src/math/temme.h: Taylor coefficients in eta of c_k(eta), the coefficients of Temme's uniform expansion of
the incomplete gamma functions (DLMF 8.12(i), https://dlmf.nist.gov/8.12). Exact rational arithmetic.

    python3 tests/golden/make_temme.py > src/math/temme.h && clang-format -i src/math/temme.h
"""
from fractions import Fraction as F

ORDERS, TERMS = 10, 20      # k < ORDERS, powers of eta below TERMS
N = TERMS + 2 * ORDERS + 4  # each order loses two powers


def inverse(a):
    """1 / a for a power series with a[0] != 0."""
    b = [1 / a[0]]
    for n in range(1, len(a)):
        b.append(-sum(a[i] * b[n - i] for i in range(1, n + 1)) / a[0])
    return b


def lambda_minus_one():
    """mu(eta) with eta^2 / 2 = mu - log(1 + mu), so mu mu' = eta (1 + mu); mu = eta + eta^2 / 3 + ..."""
    mu = [F(0), F(1)]
    for n in range(2, N + 2):
        # the coefficient of eta^n: sum over i of mu_i (n + 1 - i) mu_(n+1-i) = mu_(n-1); mu_n appears in it twice
        known = sum(mu[i] * (n + 1 - i) * mu[n + 1 - i] for i in range(2, n))
        mu.append((mu[n - 1] - known) / (n + 1))
    return mu


def stirling_gamma(count):
    """Gamma*(a) = sum of g_k / a^k (DLMF 5.11.3), from its logarithm's series with Bernoulli numbers."""
    bernoulli = [F(1)]
    for m in range(1, 2 * count + 2):
        total, binomial = F(0), 1
        for j in range(m):
            total += binomial * bernoulli[j]
            binomial = binomial * (m + 1 - j) // (j + 1)
        bernoulli.append(-total / (m + 1))
    log = [F(0)] * (count + 1)
    for k in range(1, count // 2 + 2):
        if 2 * k - 1 <= count:
            log[2 * k - 1] = bernoulli[2 * k] / (2 * k * (2 * k - 1))
    g = [F(1)]
    for n in range(1, count + 1):
        g.append(sum(i * log[i] * g[n - i] for i in range(1, n + 1)) / n)
    return g


def coefficients():
    reciprocal = inverse(lambda_minus_one()[1:])      # eta / mu
    over_mu = reciprocal                              # 1 / mu = over_mu[n] eta^(n-1)
    g = stirling_gamma(ORDERS)
    rows = [[over_mu[n + 1] for n in range(N)]]       # c_0 = 1 / mu - 1 / eta
    for k in range(1, ORDERS):
        # c_k = c_(k-1)' / eta + (-1)^k g_k / mu (DLMF 8.12.11); the pole at 0 cancels
        last = rows[-1]
        sign = (-1) ** k * g[k]
        assert last[1] + sign * over_mu[0] == 0
        rows.append([(n + 2) * last[n + 2] + sign * over_mu[n + 1] for n in range(len(last) - 2)])
    return [row[:TERMS] for row in rows]


print("""/* Made by tests/golden/make_temme.py: c_k(eta) = sum over n of temme[k][n] eta^n (DLMF 8.12.10). */
#ifndef KT_MATH_TEMME_H
#define KT_MATH_TEMME_H

enum { TEMME_ORDERS = %d, TEMME_TERMS = %d };
static const double temme[TEMME_ORDERS][TEMME_TERMS] = {""" % (ORDERS, TERMS))
for row in coefficients():
    print("    {" + ", ".join(repr(float(c)) for c in row) + "},")
print("""};

#endif""")
