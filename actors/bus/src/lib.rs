//! madoguchi-bus.
