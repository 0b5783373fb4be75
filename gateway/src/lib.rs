//! madoguchi.
