//! What chrony's client says of the clock.

use crate::Verdict;
use madoguchi_uplink::clock::{self, Clock};
use std::time::Instant;

/// A line is refused, or is judged without a panic, however far off it says the clock is.
pub fn tracking(bytes: &[u8]) -> Verdict {
    let tracking = clock::read(bytes, jiff::Timestamp::UNIX_EPOCH);
    let now = Instant::now().into();
    Clock::new(now).judge(tracking.clone().ok(), now);
    Verdict::of(tracking)
}

/// A clock that follows a server, and one that follows none.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "C0000201,192.0.2.1,3,1796050800.1,-0.000012,0.1,0.1,-7.1,0.1,0.1,0.1,0.1,64.2,Normal\n",
        "00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n",
    ]
    .map(|line| line.as_bytes().to_vec())
    .into()
}
