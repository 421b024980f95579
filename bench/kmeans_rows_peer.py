"""
scikit-learn's side of bench/scale.ts, which starts it with a file of rows: 8 bytes of row count and columns (two uint32), then of
each row its values and its weights, float32. Every line that it is sent lets it cluster all rows as any4's reference does
(kmeans.py there: k-means++, Lloyd, joblib over all cores); it answers with the seconds taken and the inertia, as JSON.
"""

import json
import sys
import time

import numpy as np
import sklearn
from joblib import Parallel, cpu_count, delayed
from sklearn.cluster import KMeans

K = 16

with open(sys.argv[1], "rb") as file:
    count, cols = np.frombuffer(file.read(8), np.uint32)
    data = np.frombuffer(file.read(), np.float32).reshape(count, 2, cols)


def cluster(values, weights):
    fit = KMeans(n_clusters=K, init="k-means++", random_state=0, n_init="auto").fit(values, sample_weight=weights)
    return fit.cluster_centers_


rows = [(row[0].reshape(-1, 1), row[1]) for row in data]
Parallel(n_jobs=-1)(delayed(cluster)(*row) for row in rows[:8])
print(json.dumps({"version": sklearn.__version__, "cores": cpu_count()}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    centres = Parallel(n_jobs=-1, pre_dispatch="n_jobs//2")(delayed(cluster)(*row) for row in rows)
    seconds = time.perf_counter() - start
    inertia = sum(
        float(np.sum(w.astype(np.float64) * np.abs(v.astype(np.float64) - c.reshape(1, -1)).min(axis=1) ** 2))
        for (v, w), c in zip(rows, centres)
    )
    print(json.dumps({"seconds": seconds, "inertia": inertia}), flush=True)
