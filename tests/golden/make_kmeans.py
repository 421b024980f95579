"""
Writes tests/golden/kmeans.json: the centroids and inertia that scikit-learn's weighted k-means reaches on rows made by a formula,
called as any4's reference calls it.

    python tests/golden/make_kmeans.py

Needs scikit-learn. The inertia is computed in double precision from scikit-learn's centres.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from lcg import Lcg
from sklearn.cluster import KMeans

ROWS, COLS = 24, 512


def inertia(values, weights, centres):
    distances = np.abs(values.astype(np.float64)[:, None] - centres.astype(np.float64).ravel()[None, :])
    return float(np.sum(weights.astype(np.float64) * distances.min(axis=1) ** 2))


cases = []
for row in range(ROWS):
    lcg = Lcg(1000 + row)
    values, weights = lcg.heavy_tailed(COLS), lcg.weights(COLS)
    for k in (16, 8, 4):
        fit = KMeans(n_clusters=k, init="k-means++", random_state=0, n_init="auto").fit(
            values.reshape(-1, 1), sample_weight=weights
        )
        cases.append(
            {
                "seed": 1000 + row,
                "k": k,
                "inertia": inertia(values, weights, fit.cluster_centers_),
                "centroids": sorted(fit.cluster_centers_.ravel().tolist()),
            }
        )

golden = {"made_by": f"make_kmeans.py, scikit-learn {sklearn.__version__}", "cols": COLS, "cases": cases}
Path(__file__).with_name("kmeans.json").write_text(json.dumps(golden, indent=2) + "\n")
