//! Simulated face-auth readers: device link client and browser page.
