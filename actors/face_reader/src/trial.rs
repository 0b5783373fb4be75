//! A reader that is not a lane's yet is tried: does it call in, and is it the one that is expected?

use crate::{
    connection::Timings,
    link::{FaceReaderLink, LinkEnd, LinkEvent},
    tls::{LinkSettings, LinkSetupError, TlsLink},
};
use madoguchi_protocol::{LaneId, device::Hello};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The longest trial. Readers that found nobody call again within 5 s (`DEVICE_LINK.md`).
pub const LONGEST_TRIAL: Duration = Duration::from_secs(20);

/// Who called.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// The lane's reader, as it introduces itself.
    Reader(Hello),
    /// Only such as were turned away; why the last one was.
    Refused(LinkEnd),
    /// Nobody.
    Nobody,
}

/// Listens as the lane would, for `wait` at most, and hangs up on the reader that introduces itself: it calls again until
/// the lane is there. [`LONGEST_TRIAL`] at most.
///
/// # Errors
/// [`LinkSetupError`] where certificates and key are none or don't fit together.
pub async fn try_out(
    lane: LaneId,
    settings: &LinkSettings,
    wait: Duration,
) -> Result<Caller, LinkSetupError> {
    let mut link = TlsLink::start(lane, settings, Timings::default())?;
    let end = Instant::now() + wait.min(LONGEST_TRIAL);
    let mut caller = Caller::Nobody;
    while let Ok(event) = timeout_at(end, link.receive()).await {
        match event {
            LinkEvent::Up(hello) => return Ok(Caller::Reader(hello)),
            LinkEvent::Refused(why) => caller = Caller::Refused(why),
            LinkEvent::Frame(_) | LinkEvent::Down(_) => {}
        }
    }
    Ok(caller)
}
