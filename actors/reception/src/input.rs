//! What reaches a visit.

use crate::output::Ask;
use jiff::Timestamp;
use madoguchi_protocol::{
    PersonId, VisitId,
    device::SlotResult,
    messages::{
        audit_log::StaffAct,
        nfc_reader::{ReadOutcome, ReadProgress},
        offline_queue::{Accepted, ConfirmationSettled, ConfirmationStanding},
        pin_session::{PinHeld, PinJobOpened},
        uplink::Authenticated,
    },
    pin::{PinJob, SealedPin},
};

/// The bus brought no reply within the command's deadline, or refused the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer came")]
pub struct Unanswered;

/// One thing that happened. What comes from outside names what it answers (a screen's number, an [`Ask`],
/// a visit, a request); when that is over, the input changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The patient touched a choice.
    Touch {
        /// Number of the screen that was touched.
        screen: u32,
        /// The choice's id as the reader sent it; see [`crate::Choice`].
        choice: String,
    },
    /// The reader's device sealed the digits.
    PinSealed {
        /// Number of the screen with the pad.
        screen: u32,
        /// The pad's job.
        job: PinJob,
        /// The digits, which only `pin_session` can open.
        sealed: SealedPin,
    },
    /// A card was put into, or taken out of, the face-auth reader's own slot.
    SlotCard {
        /// Whether there is one now.
        present: bool,
    },
    /// What came of [`crate::Act::ReadSlot`].
    Slot {
        /// The visit that the reader names.
        visit: VisitId,
        /// What came of it.
        result: SlotResult,
    },
    /// The device link of the face-auth reader came up (it has no screen yet) or went down.
    Link {
        /// Whether it is up.
        up: bool,
    },
    /// Whether 「スマートフォンを利用する」 may be offered, see [`crate::readiness`].
    PhonesReady(bool),
    /// Whether the face-auth reader takes phones itself: then they are held over it, not over a generic reader.
    ReadsPhones(bool),
    /// Whether the lane's generic reader can read now.
    NfcReader {
        /// Whether it can.
        usable: bool,
    },
    /// Whether the centre answers, as `uplink` last said.
    Line {
        /// Whether it does.
        up: bool,
    },
    /// Answer to [`crate::Act::OpenPinJob`].
    PinJob {
        /// Which ask.
        ask: Ask,
        /// The answer.
        answer: Result<PinJobOpened, Unanswered>,
    },
    /// Answer to [`crate::Act::HoldPin`].
    PinHeld {
        /// Which ask.
        ask: Ask,
        /// The answer.
        answer: Result<PinHeld, Unanswered>,
    },
    /// How far a read has come.
    Progress {
        /// The visit of the event.
        visit: VisitId,
        /// What `nfc_reader` said.
        progress: ReadProgress,
    },
    /// Answer to [`crate::Act::Read`].
    Read {
        /// Which ask.
        ask: Ask,
        /// The answer.
        answer: Result<ReadOutcome, Unanswered>,
    },
    /// Answer to [`crate::Act::Authenticate`].
    Authenticated {
        /// Which ask.
        ask: Ask,
        /// The answer.
        answer: Result<Authenticated, Unanswered>,
    },
    /// Answer to [`crate::Act::Accept`].
    Accepted {
        /// Which ask.
        ask: Ask,
        /// The answer.
        answer: Result<Accepted, Unanswered>,
    },
    /// Answer to [`crate::Act::AskConfirmation`].
    Standing {
        /// Which ask.
        ask: Ask,
        /// The answer.
        answer: Result<ConfirmationStanding, Unanswered>,
    },
    /// The centre answered a confirmation of this lane.
    Settled(ConfirmationSettled),
    /// A member of staff acted; answered by [`crate::Act::StaffAnswered`] in the same step.
    Staff(StaffAct, Option<PersonId>),
    /// The rehearsal has lasted long enough: nobody ended it.
    RehearsalOver,
    /// The timer that [`crate::Act::SetDeadline`] set for this instant has run. Only the newest deadline
    /// counts; the instant is compared, not the clock, so that a clock set back can't leave a screen for ever.
    DeadlinePassed(Timestamp),
    /// The gateway stops: the patient is told. Nothing counts after it.
    Stopping,
}
