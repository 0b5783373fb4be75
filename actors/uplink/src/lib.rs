//! madoguchi-uplink.
