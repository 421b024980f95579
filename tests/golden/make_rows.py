"""A Parquet file as the Hub writes them (pyarrow, snappy): python tests/golden/make_rows.py"""
import pyarrow as pa
import pyarrow.parquet as pq

pq.write_table(pa.table({
    "text": ["first", ""],
    "label": pa.array([1, 0], pa.int64()),
    "choices": [{"text": ["a", "b"], "label": ["A", "B"]}, {"text": [], "label": []}],
}), "tests/golden/rows.parquet", compression="snappy")
