//! The signals that end the program.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT; says which.
pub async fn stop() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
