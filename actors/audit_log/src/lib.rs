//! madoguchi-audit-log.
