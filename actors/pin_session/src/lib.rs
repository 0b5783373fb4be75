//! madoguchi-pin-session.
