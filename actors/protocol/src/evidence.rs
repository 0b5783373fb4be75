//! What a patient's medium proves, and what the patient agreed to.

use crate::{LaneId, RequestId, VisitId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was held or inserted, told by the token's label and never by the ATR (DOMAIN section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// マイナンバーカード, label `JPKIAPICCTOKEN2`.
    MyNumberCard,
    /// An Android phone, label `JPKIAPGPSETOKEN`.
    Android,
    /// An iPhone, label `JPKIAPIOSTOKEN`.
    Iphone,
}

impl Medium {
    /// The label of metrics and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MyNumberCard => "my_number_card",
            Self::Android => "android",
            Self::Iphone => "iphone",
        }
    }

    /// Whether it is a smartphone (スマホ保険証).
    pub const fn is_phone(self) -> bool {
        !matches!(self, Self::MyNumberCard)
    }
}

/// How the holder was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// A 4-digit PIN, verified by the medium.
    Pin,
    /// The face-auth reader's camera.
    Face,
    /// The phone itself: Face ID or Touch ID.
    Device,
    /// A member of staff compared the photograph (目視).
    Staff,
}

/// What is signed: binds a signature to one request of one visit at one lane of one box.
///
/// The medium signs SHA-256 of its UTF-8 JSON. This is our adapter's convention; the national
/// system's challenge is closed (DOMAIN section 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The convention's version, 1.
    pub v: u8,
    /// Medical institution code, 10 digits.
    pub institution: String,
    /// The terminal named by the client certificate.
    pub terminal: String,
    /// The lane.
    pub lane: LaneId,
    /// The visit.
    pub visit: VisitId,
    /// The idempotency key.
    pub request_id: RequestId,
    /// When it was made, by the box's clock, UTC.
    pub at: Timestamp,
    /// 16 random bytes in base64, so that no two statements are alike.
    pub nonce: String,
}

/// A medium's proof, ready for the centre.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was read.
    pub medium: Medium,
    /// How its holder was verified.
    pub verified_by: VerifiedBy,
    /// The exact bytes that were signed: a [`Statement`] as UTF-8 JSON.
    #[serde(with = "serde_bytes")]
    pub statement: Vec<u8>,
    /// The user-authentication certificate, DER. Its serial number is a protected identifier.
    #[serde(with = "serde_bytes")]
    pub certificate: Vec<u8>,
    /// PKCS#1 v1.5 signature with SHA-256, 256 bytes.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl fmt::Debug for Evidence {
    // The certificate identifies a person: sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("medium", &self.medium)
            .field("verified_by", &self.verified_by)
            .field("certificate_bytes", &self.certificate.len())
            .field("signature_bytes", &self.signature.len())
            .finish()
    }
}

/// What the patient lets the hospital look up. Refusing is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// 特定健診情報
    pub specific_health_checkups: bool,
    /// 薬剤情報
    pub pharmacists: bool,
    /// 診療情報
    pub diagnosis: bool,
    /// 手術情報
    pub operation: bool,
    /// 限度額情報
    pub limit_application: bool,
}

/// A confirmation as the queue keeps it and the centre gets it. `request_id` is the idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationRequest {
    /// The idempotency key, also in the signed statement.
    pub request_id: RequestId,
    /// The visit.
    pub visit: VisitId,
    /// The lane.
    pub lane: LaneId,
    /// When the patient consented.
    pub at: Timestamp,
    /// The proof.
    pub evidence: Evidence,
    /// What the patient allowed.
    pub consent: Consent,
}
