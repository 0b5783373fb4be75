//! madoguchi-reception.
