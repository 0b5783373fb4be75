//! The box's own last 30 days in figures, for the page's charts when no Prometheus is there: written below the state
//! directory, of a fixed size, with nothing personal in it.
//!
//! Once a second it is looked at what the states say; once a minute the five minutes so far are written. So a gateway
//! that is killed loses a minute at most, and goes on with the same five minutes when it is back.

mod point;
mod recorder;
mod ring;

pub use point::{ANSWER_MS, MOST_LANES, POINT_S, Point, Troubles};
pub use recorder::{Recorder, Sight};
pub use ring::{DAYS, History, POINTS, Ring, read};

use std::path::{Path, PathBuf};

/// Where it is.
pub fn file(state_directory: &Path) -> PathBuf {
    state_directory.join("gateway").join("history")
}
