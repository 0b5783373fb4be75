//! `receipt_computer`: results for the hospital's billing system. On the lane's topics.

use super::commands;
use crate::{eligibility::ConfirmationAnswer, evidence::Consent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// From `offline_queue`: write this visit's result, exactly one file however often it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteResult {
    /// The centre's answer.
    pub answer: ConfirmationAnswer,
    /// What the patient allowed.
    pub consent: Consent,
    /// When the patient consented.
    pub consented_at: Timestamp,
    /// Whether the answer came after the visit.
    pub deferred: bool,
}

/// Whether the file stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultWritten {
    /// It stands in the folder (or stood there: the receipt computer may have taken it).
    Written {
        /// Characters that Shift_JIS lacks and the file shows as ●.
        lost_characters: u32,
    },
    /// The folder can't be written: ask again later.
    FolderUnavailable,
    /// The answer can't be put into the file's form: asking again can't help.
    Unwritable,
}

commands! {
    /// What `receipt_computer` hears.
    enum ReceiptComputerCommand for ReceiptComputer {
        WriteResult => ResultWritten, "write_result", idempotent, 10 s;
    }
}
