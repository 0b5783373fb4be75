//! When patients come: the same for the gateway and for the floor.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::{
    sync::Barrier,
    time::{Instant, sleep, sleep_until},
};

/// How long a patient looks at the consent screen. Not counted, but what is left to do in the background gets done.
const THINKS: Duration = Duration::from_millis(30);
/// Long enough that every lane is ready for its first visit.
const LEAD: Duration = Duration::from_millis(200);

/// How the visits of all lanes lie in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// Each lane has a visit in each period, at a moment of its own.
    Spread {
        /// In milliseconds.
        period_ms: u32,
    },
    /// All lanes hold their phones in the same moment, and agree in the same moment.
    AtOnce,
}

/// Holds the lanes to a [`Pattern`].
pub struct Gate {
    pattern: Pattern,
    begins: Instant,
    all: Barrier,
}

impl Gate {
    /// For `lanes` lanes, from now on.
    pub fn new(pattern: Pattern, lanes: u16) -> Self {
        Self { pattern, begins: Instant::now() + LEAD, all: Barrier::new(lanes.into()) }
    }

    /// Waits until the phone of `lane`'s visit `number` (from 0) is to be held.
    pub async fn hold(&self, lane: u16, number: u32) {
        match self.pattern {
            Pattern::Spread { period_ms } => {
                let at = f64::from(number) + fraction(lane, number);
                sleep_until(self.begins + Duration::from_millis(period_ms.into()).mul_f64(at)).await;
            }
            Pattern::AtOnce => {
                self.all.wait().await;
            }
        }
    }

    /// Waits until the patient agrees.
    pub async fn agree(&self) {
        sleep(THINKS).await;
        if self.pattern == Pattern::AtOnce {
            self.all.wait().await;
        }
    }
}

/// A number from 0 to 1 that looks random and is the same in every run (SplitMix64's mixing).
fn fraction(lane: u16, number: u32) -> f64 {
    let mut x = (u64::from(lane) << 32 | u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x >> 40) as f64 / f64::from(1u32 << 24)
}
