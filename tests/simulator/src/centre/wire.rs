//! What travels between a gateway and the centre: the contract that `/v1/openapi.json` publishes.
//!
//! The national service's interface is closed; this is an invention of the project, shaped after what is public.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::eligibility::Eligibility;

/// What carried the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// マイナンバーカード
    MyNumberCard,
    /// An Android phone's user-authentication certificate.
    Android,
    /// An iPhone's user-authentication certificate.
    Iphone,
}

/// How the holder was verified before the medium signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// The four digits, checked by the medium itself.
    Pin,
    /// The face-auth reader compared the face with the card's photograph.
    Face,
    /// The phone itself (Face ID, Touch ID): R-18.
    Device,
    /// A member of staff looked at face and card.
    Staff,
}

/// The bytes that the medium signs, UTF-8 JSON; a request carries them verbatim as base64 in `statement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Version of this format: 1.
    pub v: u8,
    /// Medical institution code, 10 digits.
    pub institution: String,
    /// The terminal's name: the common name of its client certificate.
    pub terminal: String,
    /// The reception counter.
    pub lane: u16,
    /// The visit.
    pub visit: Uuid,
    /// The request that this statement belongs to; also the idempotency key.
    pub request_id: Uuid,
    /// When it was signed, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 16 random bytes, base64.
    pub nonce: String,
}

/// Asks who the medium belongs to, with no lasting effect.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthenticateRequest {
    /// Equal to the statement's.
    pub request_id: Uuid,
    /// The signed bytes ([`Statement`]), base64.
    pub statement: String,
    /// The user-authentication certificate, DER, base64.
    pub certificate: String,
    /// PKCS#1 v1.5 with SHA-256 over the statement's bytes, base64.
    pub signature: String,
    /// What carried the certificate.
    pub medium: Medium,
    /// How the holder was verified.
    pub verified_by: VerifiedBy,
}

/// What became of an [`AuthenticateRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthenticateAnswer {
    /// The request's.
    pub request_id: Uuid,
    /// The verdict.
    pub result: AuthenticateResult,
    /// A stable word for what decided it; `ok` when nothing stood in the way.
    pub reason: String,
}

/// Verdict on an [`AuthenticateRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticateResult {
    /// Genuine, current, and registered for insurance use.
    Authenticated,
    /// Genuine, but not registered for insurance use.
    NotRegistered,
    /// The certificate has expired.
    Expired,
    /// The certificate is on the revocation list.
    Revoked,
    /// The evidence does not hold; `reason` says why.
    Refused,
}

/// What the patient agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// 特定健診情報
    pub specific_health_checkups: bool,
    /// 薬剤情報
    pub pharmacists: bool,
    /// 診療情報
    pub diagnosis: bool,
    /// 手術情報
    pub operation: bool,
    /// 限度額適用認定証
    pub limit_application: bool,
}

/// Confirms a visit's eligibility, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// Equal to the statement's and to the header `Idempotency-Key`.
    pub request_id: Uuid,
    /// The signed bytes ([`Statement`]), base64.
    pub statement: String,
    /// The user-authentication certificate, DER, base64.
    pub certificate: String,
    /// PKCS#1 v1.5 with SHA-256 over the statement's bytes, base64.
    pub signature: String,
    /// What carried the certificate.
    pub medium: Medium,
    /// How the holder was verified.
    pub verified_by: VerifiedBy,
    /// What the patient agreed to.
    pub consent: Consent,
    /// The line was down when the medium signed: the statement may be up to 72 hours old instead of 10 minutes.
    pub deferred: bool,
}

/// What became of a [`ConfirmationRequest`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfirmationAnswer {
    /// The request's.
    pub request_id: Uuid,
    /// The verdict.
    pub result: ConfirmationResult,
    /// A stable word for what decided it; `ok` when nothing stood in the way.
    pub reason: String,
    /// Null unless confirmed.
    pub validity: Option<Validity>,
    /// Null unless confirmed and there is one insurance to show.
    pub eligibility: Option<Eligibility>,
    /// When the centre decided, RFC 3339, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub confirmed_at: Timestamp,
}

/// Verdict on a [`ConfirmationRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationResult {
    /// The patient is known; `validity` says what the insurance is worth.
    Confirmed,
    /// Genuine, but not registered for insurance use.
    NotRegistered,
    /// The certificate has expired.
    Expired,
    /// The certificate is on the revocation list.
    Revoked,
    /// The evidence does not hold; `reason` says why.
    Refused,
}

/// QualificationValidity: DOMAIN section 4 numbers them 1 to 6 in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// 有効
    #[default]
    Valid,
    /// 無効
    NotValid,
    /// 無効（新しい資格あり）
    NotValidNewExists,
    /// 該当資格なし
    None,
    /// 複数該当
    Several,
    /// 医療扶助 not registered.
    MedicalAidNotRegistered,
}

/// Looks a patient up by what stands on an insurance document.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// Also the idempotency key.
    pub request_id: Uuid,
    /// The day asked about, `YYYYMMDD`.
    pub qualification_date: String,
    /// Up to 8 characters; padding spaces are ignored.
    pub insurer_number: String,
    /// Up to 20 characters.
    pub insured_card_symbol: Option<String>,
    /// Up to 20 characters.
    pub insured_identification_number: String,
    /// Up to 2 characters.
    pub insured_branch_number: Option<String>,
    /// `YYYYMMDD`.
    pub birthdate: String,
    /// 限度額適用認定証: the patient agreed.
    pub limit_consent: bool,
}

/// What became of a [`QueryRequest`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryAnswer {
    /// The request's.
    pub request_id: Uuid,
    /// Whether anybody fits.
    pub result: QueryResult,
    /// What the insurance is worth on the day asked about.
    pub validity: Validity,
    /// Null when nobody fits.
    pub eligibility: Option<Eligibility>,
}

/// Whether a [`QueryRequest`] found anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueryResult {
    /// One insured person fits.
    Found,
    /// Nobody fits.
    None,
}

/// Every answer with a status of 400 and more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    /// A stable word for programs.
    pub error: String,
    /// A sentence for people: what is wrong and what to do.
    pub reason: String,
}
