//! `face_reader`: what staff can do to the lane's visit.

use super::{audit_log::StaffAct, commands};
use serde::{Deserialize, Serialize};

/// From the page: a member of staff acts on the visit in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActAsStaff {
    /// What.
    pub act: StaffAct,
}

/// Whether it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffActed {
    /// Done.
    Done,
    /// No visit, or one in a state in which this can't be done.
    NotNow,
}

commands! {
    /// What `face_reader` hears.
    enum FaceReaderCommand for FaceReader {
        ActAsStaff => StaffActed, "act_as_staff", once, 5 s;
    }
}
