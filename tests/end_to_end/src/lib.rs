//! madoguchi-end-to-end.
