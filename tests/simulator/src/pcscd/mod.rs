//! A private pcscd with virtual readers.
