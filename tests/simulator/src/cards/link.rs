//! The wire between a card and its reader: vpcd's protocol over TCP (DOMAIN section 6).
//!
//! Frames of a 2-byte big-endian length and a payload. From the reader, a payload of one byte is a
//! control (`00` off, `01` on, `02` reset, `04` get ATR, the last answered by the ATR), a longer one an
//! APDU, answered by the response. Closing the socket is taking the card away.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use std::{io, mem};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::card::{Card, Reaction};

/// How long a card waits for its reader to listen (pcscd may be starting).
const READER_STARTS_WITHIN: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(5);

const CONTROL_OFF: u8 = 0;
const CONTROL_ON: u8 = 1;
const CONTROL_RESET: u8 = 2;
const CONTROL_GET_ATR: u8 = 4;

/// Why a card could not be put into a reader.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nothing listens on the reader's port.
    #[error("no virtual reader listens on {address} ({source}); is its pcscd running?")]
    NoReader {
        /// Where the reader should be.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// How a card's time in the reader ended, other than by dropping its [`Insertion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was torn away ([`super::Fault::TearAfter`]).
    Torn,
    /// The reader or its pcscd has gone.
    ReaderGone,
    /// The reader sent something that is not of this protocol.
    ReaderBroken,
}

/// A card in a reader. Dropping it takes the card away.
#[must_use = "dropping it takes the card away at once"]
pub struct Insertion {
    task: JoinHandle<Ended>,
}

impl Insertion {
    /// Takes the card away and waits until the socket is closed.
    pub async fn remove(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Waits until the card leaves by itself: torn away, or the reader went.
    pub async fn ended(&mut self) -> Ended {
        (&mut self.task).await.unwrap_or(Ended::ReaderGone)
    }

    /// Whether the card still sits in its reader.
    pub fn is_in(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Insertion {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Puts `card` into the virtual reader that listens on `address`, waiting up to 5 s for the reader.
///
/// A reader holds one card; a second one waits, unnoticed, until the first has gone.
///
/// # Errors
/// [`ServeError::NoReader`] when nothing listens there.
pub async fn serve(card: Card, address: SocketAddr) -> Result<Insertion, ServeError> {
    let begun = Instant::now();
    let stream = loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) if begun.elapsed() < READER_STARTS_WITHIN => tokio::time::sleep(RETRY).await,
            Err(source) => return Err(ServeError::NoReader { address, source }),
        }
    };
    stream.set_nodelay(true).map_err(|source| ServeError::NoReader { address, source })?;
    Ok(Insertion { task: tokio::spawn(talk(card, stream)) })
}

async fn talk(card: Card, mut stream: TcpStream) -> Ended {
    loop {
        let payload = match receive(&mut stream).await {
            Ok(payload) => payload,
            Err(_) => return Ended::ReaderGone,
        };
        let answer = match *payload {
            [] => return Ended::ReaderBroken,
            [CONTROL_OFF] => continue,
            [CONTROL_ON | CONTROL_RESET] => {
                card.reset();
                continue;
            }
            [CONTROL_GET_ATR] => card.atr().to_vec(),
            [_] => return Ended::ReaderBroken,
            _ => match card.transmit(&payload) {
                Reaction::Answer(answer) => {
                    let delay = card.delay();
                    if !delay.is_zero() {
                        tokio::time::sleep(delay).await;
                    }
                    answer
                }
                Reaction::Tear(answer) => {
                    let frame = frame(&answer);
                    let _ = stream.write_all(&frame[..frame.len() / 2]).await;
                    return Ended::Torn;
                }
                Reaction::Hang => return hang(stream).await,
            },
        };
        if stream.write_all(&frame(&answer)).await.is_err() {
            return Ended::ReaderGone;
        }
    }
}

/// Swallows whatever comes until the reader gives up.
async fn hang(mut stream: TcpStream) -> Ended {
    let mut sink = [0; 256];
    while matches!(stream.read(&mut sink).await, Ok(n) if n > 0) {}
    Ended::ReaderGone
}

async fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    // Stock vpcd writes length and payload apart and without TCP_NODELAY: unless each read is
    // acknowledged at once, Nagle's algorithm makes every APDU take 40 ms. The kernel forgets the
    // option after a while, hence each time.
    let _ = rustix::net::sockopt::set_tcp_quickack(&*stream, true);
    let mut length = [0; mem::size_of::<u16>()];
    stream.read_exact(&mut length).await?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
    let _ = rustix::net::sockopt::set_tcp_quickack(&*stream, true);
    stream.read_exact(&mut payload).await?;
    Ok(payload)
}

/// An answer is at most 65536 bytes of data and a status word; what exceeds a frame is cut to a
/// plain failure, since the length field could not say it.
fn frame(answer: &[u8]) -> Vec<u8> {
    let (length, answer) = match u16::try_from(answer.len()) {
        Ok(length) => (length, answer),
        Err(_) => (2, &[0x6F, 0x00][..]),
    };
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(answer);
    frame
}
