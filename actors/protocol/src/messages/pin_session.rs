//! `pin_session`: PIN jobs. All on the lane's topics.

use super::commands;
use crate::pin::{PinJob, PublicKey, SealedPin};
use serde::{Deserialize, Serialize};

/// From `face_reader`: the patient is about to type a PIN. Replaces any open job of the lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenPinJob {}

/// The job is open for [`crate::pin::LIFETIME_SECONDS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinJobOpened {
    /// Shown on the reader and on the staff page.
    pub job: PinJob,
    /// The device seals the digits to this key; it serves this job only.
    pub public_key: PublicKey,
}

/// From `face_reader`: the digits as the device sealed them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldPin {
    /// The job.
    pub job: PinJob,
    /// The digits.
    pub sealed: SealedPin,
}

/// Whether the PIN is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinHeld {
    /// Held, in locked memory, until released, dropped or too old.
    Held,
    /// The seal opens to something other than 4 digits, or does not open.
    NotAPin,
    /// No such job of this visit and lane: too old, or the keeper was restarted.
    NoSuchJob,
}

/// From `nfc_reader`, and once only: let me have the PIN for the medium that I hold now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleasePin {
    /// The job.
    pub job: PinJob,
    /// The reader's key, made for this one read.
    pub reader_key: PublicKey,
}

/// The PIN, or why not. Whatever the answer, the PIN is wiped at the keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinReleased {
    /// Sealed to the reader's key.
    Released(SealedPin),
    /// Not there: never held, released before, dropped, too old, or of another visit or lane.
    NotHeld,
}

/// From `face_reader`: the visit ended without using the PIN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DropPin {
    /// The job.
    pub job: PinJob,
}

/// The PIN, if there was one, is wiped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinDropped {}

commands! {
    /// What `pin_session` hears.
    enum PinSessionCommand for PinSession {
        OpenPinJob => PinJobOpened, "open_pin_job", idempotent, 3 s;
        HoldPin => PinHeld, "hold_pin", once, 3 s;
        ReleasePin => PinReleased, "release_pin", once, 3 s;
        DropPin => PinDropped, "drop_pin", idempotent, 3 s;
    }
}
