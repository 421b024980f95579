"""
scikit-learn's side of bench/kmeans.ts, which starts it and sends it one word a line:

    all     cluster every row over joblib's processes, as any4's reference does
    single  cluster every row on one thread

It answers each with a line of JSON: seconds taken and the inertia of every row.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "golden"))
sys.dont_write_bytecode = True

import numpy as np
import sklearn
from joblib import Parallel, cpu_count, delayed
from lcg import Lcg
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

row_count, cols, k = (int(word) for word in sys.argv[1:4])


def cluster(values, weights):
    fit = KMeans(n_clusters=k, init="k-means++", random_state=0, n_init="auto").fit(values, sample_weight=weights)
    return fit.cluster_centers_


def inertia(values, weights, centres):
    distances = np.abs(values.astype(np.float64) - centres.astype(np.float64).reshape(1, -1)).min(axis=1)
    return float(np.sum(weights.astype(np.float64) * distances**2))


weights = Lcg(0).weights(cols)
rows = [(Lcg(1 + row).heavy_tailed(cols).reshape(-1, 1), weights) for row in range(row_count)]
# Processes are started, and every module is loaded in them, before anything is timed.
Parallel(n_jobs=-1)(delayed(cluster)(*row) for row in rows[:8])
print(json.dumps({"version": sklearn.__version__, "cores": cpu_count()}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    if line.strip() == "all":
        centres = Parallel(n_jobs=-1, pre_dispatch="n_jobs//2")(delayed(cluster)(*row) for row in rows)
    else:
        with threadpool_limits(1):
            centres = [cluster(*row) for row in rows]
    seconds = time.perf_counter() - start
    inertias = [inertia(*row, found) for row, found in zip(rows, centres)]
    print(json.dumps({"seconds": seconds, "inertias": inertias}), flush=True)
