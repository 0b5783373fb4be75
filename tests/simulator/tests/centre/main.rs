//! The eligibility centre, spoken to over real mutual TLS with cards that really sign.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

mod cards;
mod faults;
mod idempotency;
mod media;
mod queries;
mod support;
mod transport;
mod verdicts;
