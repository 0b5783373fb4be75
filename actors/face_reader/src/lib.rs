//! madoguchi-face-reader.
