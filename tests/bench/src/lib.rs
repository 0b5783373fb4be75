//! madoguchi-bench.
