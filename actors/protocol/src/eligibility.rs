//! What the centre answers.

use crate::RequestId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// QualificationValidity of the receipt computer's files (DOMAIN section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// 1: valid.
    Valid,
    /// 2: not valid.
    NotValid,
    /// 3: not valid, and a new one exists.
    NotValidNewExists,
    /// 4: none.
    None,
    /// 5: several.
    Several,
    /// 6: 医療扶助 not registered.
    MedicalAidNotRegistered,
}

impl Validity {
    /// The digit in the file.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Valid => 1,
            Self::NotValid => 2,
            Self::NotValidNewExists => 3,
            Self::None => 4,
            Self::Several => 5,
            Self::MedicalAidNotRegistered => 6,
        }
    }
}

macro_rules! eligibility {
    ($($field:ident => $element:literal),* $(,)?) => {
        /// ResultOfQualificationConfirmation, each element as its text in the file (dates YYYYMMDD).
        /// Names a person: never printed, never logged.
        #[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Eligibility {
            $(#[doc = concat!("`", $element, "`")] pub $field: Option<String>,)*
        }

        impl Eligibility {
            /// Element names and texts, in the file's order; absent ones are left out.
            pub fn elements(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$(($element, self.$field.as_deref())),*].into_iter().filter_map(|(name, text)| Some((name, text?)))
            }
        }
    };
}

eligibility! {
    insured_card_classification => "InsuredCardClassification",
    insurer_number => "InsurerNumber",
    insured_card_symbol => "InsuredCardSymbol",
    insured_identification_number => "InsuredIdentificationNumber",
    insured_branch_number => "InsuredBranchNumber",
    personal_family_classification => "PersonalFamilyClassification",
    insured_name => "InsuredName",
    name => "Name",
    name_of_other => "NameOfOther",
    name_kana => "NameKana",
    sex1 => "Sex1",
    sex2 => "Sex2",
    birthdate => "Birthdate",
    address => "Address",
    post_number => "PostNumber",
    qualification_date => "QualificationDate",
    disqualification_date => "DisqualificationDate",
    insured_certificate_issuance_date => "InsuredCertificateIssuanceDate",
    insured_card_valid_date => "InsuredCardValidDate",
    insured_card_expiration_date => "InsuredCardExpirationDate",
    insured_partial_contribution_ratio => "InsuredPartialContributionRatio",
    preschool_classification => "PreschoolClassification",
    reason_of_loss => "ReasonOfLoss",
    insurer_name => "InsurerName",
    limit_application_certificate_related_cons_flg => "LimitApplicationCertificateRelatedConsFlg",
}

impl fmt::Debug for Eligibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Eligibility({} elements)", self.elements().count())
    }
}

/// The centre's verdict on a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Confirmed; see the validity.
    Confirmed,
    /// The medium is genuine and not registered for insurance use: an answer, not an error.
    NotRegistered,
    /// The certificate has expired beyond its grace.
    Expired,
    /// The certificate was revoked.
    Revoked,
    /// Anything else that the centre refuses for good.
    Refused,
}

impl Verdict {
    /// The label of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NotRegistered => "not_registered",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
        }
    }
}

/// The centre's definite answer to one confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationAnswer {
    /// The request it answers.
    pub request_id: RequestId,
    /// The verdict.
    pub verdict: Verdict,
    /// Present when confirmed.
    pub validity: Option<Validity>,
    /// Present when there is one.
    pub eligibility: Option<Eligibility>,
    /// When the centre confirmed.
    pub confirmed_at: Timestamp,
}

/// A receipt computer's query by insurance details (`OQSsiquc01req_*.xml`), each field as in the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EligibilityQuery {
    /// The idempotency key, derived from the file by the asker.
    pub request_id: RequestId,
    /// `QualificationConfirmationDate`, YYYYMMDD.
    pub qualification_date: String,
    /// `InsurerNumber`, without padding.
    pub insurer_number: String,
    /// `InsuredCardSymbol`
    pub insured_card_symbol: Option<String>,
    /// `InsuredIdentificationNumber`
    pub insured_identification_number: String,
    /// `InsuredBranchNumber`
    pub insured_branch_number: Option<String>,
    /// `Birthdate`, YYYYMMDD.
    pub birthdate: String,
    /// `LimitApplicationCertificateRelatedConsFlg`
    pub limit_consent: bool,
}

impl fmt::Debug for EligibilityQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EligibilityQuery({})", self.request_id)
    }
}
