//! madoguchi-nfc-reader.
