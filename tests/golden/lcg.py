"""Numbers by a formula, the same as tests/golden/lcg.ts gives, so that golden files need not hold them."""

import numpy as np


class Lcg:
    """The linear congruential generator of Numerical Recipes, modulo 2^32."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        """A number in [0, 1)."""
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return self.state / 2**32

    def heavy_tailed(self, count):
        """float32 values around 0, some of them 25 times as large as most. Exact operations only: no libm."""
        return np.array([(self.next() - 0.5) / (0.02 + self.next()) for _ in range(count)], dtype=np.float32)

    def bell(self, count):
        """float32 values between -2 and 2, nearly normal."""
        return np.array([self.next() + self.next() + self.next() + self.next() - 2 for _ in range(count)], np.float32)

    def weights(self, count):
        """float32 weights from 0.001 to 1.001, most of them small."""
        return np.array([0.001 + self.next() * self.next() for _ in range(count)], dtype=np.float32)
