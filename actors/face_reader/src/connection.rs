//! One connection of the device link, from the first TLS byte to the goodbye.

use crate::link::{LinkEnd, LinkEvent};
use madoguchi_protocol::{
    LaneId,
    device::{self, FrameBuffer, FromReader, Hello, MAX_TEXT, ToReader, VERSION},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

/// How long a peer may take. The defaults hold in the field; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// For the TLS handshake, and again for the hello.
    pub hello: Duration,
    /// Between two pings.
    pub ping: Duration,
    /// So many unanswered pings are a dead reader.
    pub missed_pings: u32,
    /// For the reader to take one frame.
    pub write: Duration,
    /// For the reader to close its side after a goodbye.
    pub linger: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            ping: Duration::from_secs(5),
            missed_pings: 2,
            write: Duration::from_secs(5),
            linger: Duration::from_secs(1),
        }
    }
}

/// What is read at once; with one frame it bounds the memory that a connection's input can take.
const PIECE: usize = 4096;
/// What a peer that was told goodbye may still send before its connection is cut.
const LINGER_BYTES: usize = 256 * 1024;

/// A stream that carries frames both ways.
pub(crate) struct Framed<S> {
    stream: S,
    input: FrameBuffer,
    piece: Box<[u8; PIECE]>,
    /// A frame was begun and its writing given up: nothing sensible can follow.
    write_cut: bool,
    timings: Timings,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Framed<S> {
    pub(crate) fn new(stream: S, timings: Timings) -> Self {
        Self { stream, input: FrameBuffer::default(), piece: Box::new([0; PIECE]), write_cut: false, timings }
    }

    /// The next frame. Cancel-safe: what has arrived stays in the buffer.
    async fn read(&mut self) -> Result<FromReader, LinkEnd> {
        loop {
            if let Some(body) = self.input.next_body()? {
                let frame = device::decode_frame(&body)?;
                check_texts(&frame)?;
                return Ok(frame);
            }
            match self.stream.read(&mut self.piece[..]).await {
                Ok(0) => return Err(LinkEnd::Closed),
                Ok(length) => self.input.push(&self.piece[..length]),
                // A peer that vanishes without TLS's own farewell looks like this.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(LinkEnd::Closed);
                }
                Err(error) => return Err(LinkEnd::Broken(error.kind())),
            }
        }
    }

    async fn write(&mut self, frame: &ToReader) -> Result<(), LinkEnd> {
        let bytes = device::encode_frame(frame)?;
        // Set before the first await: whoever drops this future half-way leaves a cut frame behind.
        self.write_cut = true;
        let all = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.timings.write, all).await {
            Ok(Ok(())) => {
                self.write_cut = false;
                Ok(())
            }
            Ok(Err(error)) => Err(LinkEnd::Broken(error.kind())),
            Err(_) => Err(LinkEnd::Slow),
        }
    }

    /// Reads the hello, judges it and welcomes the reader.
    pub(crate) async fn greet(&mut self, lane: LaneId, maker: Option<&str>) -> Result<Hello, LinkEnd> {
        let first = timeout(self.timings.hello, self.read()).await.map_err(|_| LinkEnd::NoHello)??;
        let FromReader::Hello(hello) = first else { return Err(LinkEnd::HelloOutOfTurn) };
        if hello.version != VERSION {
            return Err(LinkEnd::Version(hello.version));
        }
        if let Some(expected) = maker.filter(|expected| *expected != hello.maker) {
            return Err(LinkEnd::WrongMaker { found: hello.maker, expected: expected.into() });
        }
        self.write(&ToReader::Welcome { version: VERSION, lane }).await?;
        Ok(hello)
    }

    /// Carries frames both ways until the connection ends. What is heard goes to `events` with the number of
    /// this `connection`.
    pub(crate) async fn serve(
        &mut self,
        outbox: &mut mpsc::Receiver<ToReader>,
        events: &mpsc::Sender<(u64, LinkEvent)>,
        connection: u64,
    ) -> LinkEnd {
        let mut pings = interval_at(Instant::now() + self.timings.ping, self.timings.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut number, mut unanswered) = (0u32, 0u32);
        loop {
            let written = tokio::select! {
                frame = self.read() => match frame {
                    Err(end) => return end,
                    Ok(FromReader::Hello(_)) => return LinkEnd::HelloOutOfTurn,
                    Ok(FromReader::Pong { number: answered }) => {
                        if answered == number {
                            unanswered = 0;
                        }
                        continue;
                    }
                    Ok(frame) => {
                        events.send((connection, LinkEvent::Frame(frame))).await.ok();
                        continue;
                    }
                },
                // A dropped outbox says nothing by itself: the reason comes by the other way.
                Some(frame) = outbox.recv() => {
                    let last = matches!(frame, ToReader::Goodbye { .. });
                    let written = self.write(&frame).await;
                    if last && written.is_ok() {
                        return LinkEnd::Ended;
                    }
                    written
                },
                _ = pings.tick() => {
                    if unanswered >= self.timings.missed_pings {
                        return LinkEnd::Unanswered;
                    }
                    unanswered += 1;
                    number = number.wrapping_add(1);
                    self.write(&ToReader::Ping { number }).await
                }
            };
            if let Err(end) = written {
                return end;
            }
        }
    }

    /// Says why, closes, and lets the peer read it: closing with unread input would reset the connection and
    /// take the goodbye with it.
    pub(crate) async fn part(mut self, end: &LinkEnd) {
        let linger = self.timings.linger;
        let said_already = matches!(end, LinkEnd::Ended);
        let pointless = matches!(end, LinkEnd::Closed | LinkEnd::Broken(_) | LinkEnd::Slow);
        let farewell = async {
            if !self.write_cut && !said_already && !pointless {
                self.write(&ToReader::Goodbye { reason: end.to_string() }).await.ok();
            }
            if pointless || self.stream.shutdown().await.is_err() {
                return;
            }
            let mut left = LINGER_BYTES;
            while let Ok(length @ 1..) = self.stream.read(&mut self.piece[..]).await {
                left = left.saturating_sub(length);
                if left == 0 {
                    return;
                }
            }
        };
        timeout(linger, farewell).await.ok();
    }
}

fn check_texts(frame: &FromReader) -> Result<(), LinkEnd> {
    let short = |text: &String| text.chars().count() <= MAX_TEXT;
    let fine = match frame {
        FromReader::Hello(hello) => {
            [&hello.maker, &hello.model, &hello.software, &hello.boot].into_iter().all(short)
        }
        FromReader::Touch { choice, .. } => short(choice),
        FromReader::SealedPin { .. }
        | FromReader::SlotCard { .. }
        | FromReader::SlotResult { .. }
        | FromReader::Pong { .. } => true,
    };
    if fine { Ok(()) } else { Err(LinkEnd::TextTooLong) }
}
