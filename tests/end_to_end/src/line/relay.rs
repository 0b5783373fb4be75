//! The centre's address behind the tunnels: what connects to it there is passed on to the simulated centre, which listens
//! on loopback like in all other tests.

use super::namespaces::enter;
use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

/// Passes connections on, as slowly as it is told.
pub struct Relay {
    delay_ms: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens at `address` inside the namespace `name` and passes on to `to`, in this one.
    pub fn start(name: &'static str, address: SocketAddr, to: SocketAddr) -> Self {
        // A socket belongs to the namespace in which it was made, whoever uses it later: a thread goes there for that.
        let listener = std::thread::spawn(move || {
            enter(name);
            TcpListener::bind(address).expect("the centre's address")
        });
        let listener = listener.join().expect("a listener");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener for tokio");
        let delay_ms = Arc::new(AtomicU64::new(0));
        let delay = delay_ms.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let delay = delay.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(to).await else { return };
                    let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::join!(pass(near_in, far_out, &delay), pass(far_in, near_out, &delay));
                });
            }
        });
        Self { delay_ms, task }
    }

    /// From now on all that passes is held back for so long, each way.
    pub fn delay(&self, by: Duration) {
        self.delay_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, delay: &AtomicU64) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
