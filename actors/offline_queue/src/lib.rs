//! madoguchi-offline-queue.
