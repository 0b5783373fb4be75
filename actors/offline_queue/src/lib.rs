//! madoguchi-offline-queue.

pub mod store;
