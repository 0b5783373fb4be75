//! The documented HTTP interface through which a script plays patient and staff.
