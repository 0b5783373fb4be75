//! What a visit wants done.

use crate::screen::ScreenSpec;
use jiff::Timestamp;
use madoguchi_protocol::{
    VisitId,
    device::SlotMethod,
    messages::{
        audit_log::{Entry, VisitEnd},
        face_reader::StaffActed,
        nfc_reader::ReadMedium,
        offline_queue::{AcceptConfirmation, AskConfirmation},
        pin_session::HoldPin,
        uplink::Authenticate,
    },
    pin::PinJob,
};

/// Ties an answer to its question. Never given twice by one [`crate::Visit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ask(pub u32);

/// One act, to be carried out in the order given.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The visit that it belongs to, for the message's envelope; also right for the acts that end a visit.
    pub visit: Option<VisitId>,
    /// What to do.
    pub act: Act,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Show this screen: [`ScreenSpec::render`] makes the frame.
    Show(ScreenSpec),
    /// Ask `pin_session` for a job; answer with [`crate::Input::PinJob`].
    OpenPinJob {
        /// Names the answer.
        ask: Ask,
    },
    /// Hand the sealed digits to `pin_session`; answer with [`crate::Input::PinHeld`].
    HoldPin {
        /// Names the answer.
        ask: Ask,
        /// What to say.
        command: HoldPin,
    },
    /// Tell `pin_session` to wipe this job. No answer is wanted.
    DropPin {
        /// The job.
        job: PinJob,
    },
    /// Ask `nfc_reader`; answer with [`crate::Input::Read`].
    Read {
        /// Names the answer.
        ask: Ask,
        /// What to say.
        command: ReadMedium,
    },
    /// Tell `nfc_reader` to stop. No answer is wanted; the read's own answer will be stale.
    CancelRead,
    /// Have the face-auth reader read its own slot; answer with [`crate::Input::Slot`].
    ReadSlot {
        /// The visit.
        visit: VisitId,
        /// How the holder is verified.
        method: SlotMethod,
        /// What to sign.
        statement: Vec<u8>,
        /// The patient's explicit yes to spending the last try.
        last_try_allowed: bool,
    },
    /// Have the face-auth reader give up its slot.
    CancelSlot {
        /// The visit.
        visit: VisitId,
    },
    /// Ask `uplink`; answer with [`crate::Input::Authenticated`].
    Authenticate {
        /// Names the answer.
        ask: Ask,
        /// What to say.
        command: Authenticate,
    },
    /// Ask `offline_queue`; answer with [`crate::Input::Accepted`].
    Accept {
        /// Names the answer.
        ask: Ask,
        /// What to say.
        command: AcceptConfirmation,
    },
    /// Ask `offline_queue` what became of it; answer with [`crate::Input::Standing`].
    AskConfirmation {
        /// Names the answer.
        ask: Ask,
        /// What to say.
        command: AskConfirmation,
    },
    /// Tell `audit_log`, with the step's `now` as its time.
    Record(Entry),
    /// Reply this to the staff act of the same step.
    StaffAnswered(StaffActed),
    /// The visit's outcome stands: once for each visit. Its last screen may still be shown.
    Ended(VisitEnd),
    /// Run a timer until then and bring [`crate::Input::DeadlinePassed`]; replaces the one before.
    SetDeadline(Timestamp),
}
