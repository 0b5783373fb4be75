//! The elements of the receipt computer's files: their names, and what each may hold.
//!
//! A [`Record`] holds the leaf elements of one branch, each checked when it is set, so that a file is right by
//! construction and a query is checked where it is read. Source: DOMAIN section 4. Lengths are in characters.

use std::fmt;

use jiff::civil::{Date, DateTime};
use thiserror::Error;

use crate::xml::{Node, is_allowed};

/// What an element may hold. An empty element counts as an absent one everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// At most so many characters, without control characters.
    Text(usize),
    /// Exactly so many ASCII digits.
    Digits(usize),
    /// At most so many ASCII digits.
    DigitsUpTo(usize),
    /// Up to 8 ASCII digits, padded on the left with spaces to 8.
    InsurerNumber,
    /// `YYYYMMDD`.
    Date,
    /// `YYYYMMDDHHmmss`, JST.
    Time,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// The medical institution code of this very hospital. Checked by who knows it; here nothing fulfils it.
    ThisInstitution,
}

/// A leaf element: its name and its rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The element's name.
    pub name: &'static str,
    /// What it may hold.
    pub rule: Rule,
}

const fn field(name: &'static str, rule: Rule) -> Field {
    Field { name, rule }
}

use Rule::{Digits, DigitsUpTo, InsurerNumber, OneOf, Text, Time};

/// The consent flags: 0 no, 1 yes, 2 expired, 3 not obtainable.
const CONSENT: Rule = OneOf(&["0", "1", "2", "3"]);

/// `MessageHeader`.
pub const HEADER: &[Field] = &[
    field("ProcessExecutionTime", Time),
    field("QualificationConfirmationDate", Rule::Date),
    field("MedicalInstitutionCode", Digits(10)),
    field("ArbitraryFileIdentifier", Text(50)),
    field("ReferenceClassification", OneOf(&["1", "2"])),
    field("SegmentOfResult", OneOf(&["1", "2", "9"])),
    field("ErrorCode", Text(20)),
    field("ErrorMessage", Text(500)),
    field("CharacterCodeIdentifier", OneOf(&["0", "1"])),
];

/// The leaf elements of `MessageBody` in a result.
pub const BODY: &[Field] = &[
    field("ProcessingResultStatus", OneOf(&["1", "2"])),
    field("ProcessingResultCode", Text(20)),
    field("ProcessingResultMessage", Text(500)),
    field("QualificationValidity", OneOf(&["1", "2", "3", "4", "5", "6"])),
];

/// `ResultOfQualificationConfirmation`.
pub const QUALIFICATION: &[Field] = &[
    field("InsuredCardClassification", Text(2)),
    field("InsurerNumber", InsurerNumber),
    field("InsuredCardSymbol", Text(20)),
    field("InsuredIdentificationNumber", Text(20)),
    field("InsuredBranchNumber", DigitsUpTo(2)),
    field("PersonalFamilyClassification", Text(1)),
    field("InsuredName", Text(100)),
    field("Name", Text(100)),
    field("NameOfOther", Text(100)),
    field("NameKana", Text(200)),
    field("Sex1", Text(1)),
    field("Sex2", Text(1)),
    field("Birthdate", Rule::Date),
    field("Address", Text(400)),
    field("PostNumber", Text(8)),
    field("QualificationDate", Rule::Date),
    field("DisqualificationDate", Rule::Date),
    field("InsuredCertificateIssuanceDate", Rule::Date),
    field("InsuredCardValidDate", Rule::Date),
    field("InsuredCardExpirationDate", Rule::Date),
    field("InsuredPartialContributionRatio", DigitsUpTo(3)),
    field("PreschoolClassification", Text(1)),
    field("ReasonOfLoss", Text(2)),
    field("InsurerName", Text(100)),
    field("LimitApplicationCertificateRelatedConsFlg", CONSENT),
    field("LimitApplicationCertificateRelatedConsTime", Time),
    field("SpecificHealthCheckupsInfoConsFlg", CONSENT),
    field("SpecificHealthCheckupsInfoConsTime", Time),
    field("SpecificHealthCheckupsInfoAvailableTime", Time),
    field("PharmacistsInfoConsFlg", CONSENT),
    field("PharmacistsInfoConsTime", Time),
    field("PharmacistsInfoAvailableTime", Time),
    field("DiagnosisInfoConsFlg", CONSENT),
    field("DiagnosisInfoConsTime", Time),
    field("DiagnosisInfoAvailableTime", Time),
    field("OperationInfoConsFlg", CONSENT),
    field("OperationInfoConsTime", Time),
    field("OperationInfoAvailableTime", Time),
];

/// `QualificationConfirmSearchInfo` of a query.
pub const SEARCH: &[Field] = &[
    field("InsurerNumber", InsurerNumber),
    field("InsuredCardSymbol", Text(20)),
    field("InsuredIdentificationNumber", Text(20)),
    field("InsuredBranchNumber", DigitsUpTo(2)),
    field("Birthdate", Rule::Date),
    field("LimitApplicationCertificateRelatedConsFlg", OneOf(&["0", "1"])),
    field("ArbitraryIdentifier", Text(50)),
];

/// An element whose content breaks its rule. The content itself is not told: it may be a patient's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The content breaks the rule.
    #[error("{0} must be {1}")]
    Invalid(&'static str, Rule),
    /// The element occurs twice.
    #[error("{0} occurs more than once")]
    Repeated(&'static str),
    /// The element has child elements.
    #[error("{0} must hold text, not elements")]
    NotALeaf(&'static str),
    /// The element has to be there and is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// No such element in this branch: a mistake of the program, not of a file.
    #[error("this part of the file has no element of that name")]
    Unknown,
}

impl FieldError {
    /// What to mend, in Japanese, for the `ErrorMessage` that the receipt computer shows.
    pub fn for_staff(&self) -> String {
        match self {
            Self::Invalid(name, rule) => format!("{name}は{}にしてください。", rule.for_staff()),
            Self::Repeated(name) => format!("{name}が複数あります。1つにしてください。"),
            Self::NotALeaf(name) => format!("{name}の中に要素があります。値だけにしてください。"),
            Self::Missing(name) => format!("{name}がありません。追加してください。"),
            Self::Unknown => "定義されていない要素です。".to_owned(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(most) => write!(f, "at most {most} characters, no control characters"),
            Self::Digits(n) => write!(f, "exactly {n} digits"),
            Self::DigitsUpTo(most) => write!(f, "at most {most} digits"),
            Self::InsurerNumber => f.write_str("at most 8 digits, padded on the left with spaces"),
            Self::Date => f.write_str("a date, YYYYMMDD"),
            Self::Time => f.write_str("a time, YYYYMMDDHHmmss"),
            Self::OneOf(values) => write!(f, "one of {}", values.join(", ")),
            Self::ThisInstitution => {
                f.write_str("the medical institution code in the gateway's configuration")
            }
        }
    }
}

impl Rule {
    fn for_staff(self) -> String {
        match self {
            Self::Text(most) => format!("{most}文字以内（制御文字なし）"),
            Self::Digits(n) => format!("半角数字{n}桁"),
            Self::DigitsUpTo(most) => format!("半角数字{most}桁以内"),
            Self::InsurerNumber => "半角数字8桁以内（左を空白で埋める）".to_owned(),
            Self::Date => "実在する日付（YYYYMMDD）".to_owned(),
            Self::Time => "実在する日時（YYYYMMDDHHmmss）".to_owned(),
            Self::OneOf(values) => format!("{}のいずれか", values.join("・")),
            Self::ThisInstitution => "この施設の医療機関コード（ゲートウェイの設定と同じもの）".to_owned(),
        }
    }

    /// The content as it is kept, or `None` when it breaks the rule.
    fn check(self, value: &str) -> Option<String> {
        let digits = |value: &str| value.bytes().all(|b| b.is_ascii_digit());
        let fine = match self {
            Self::Text(most) => {
                value.chars().count() <= most && value.chars().all(|c| is_allowed(c) && !c.is_control())
            }
            Self::Digits(n) => value.len() == n && digits(value),
            Self::DigitsUpTo(most) => value.len() <= most && digits(value),
            Self::InsurerNumber => {
                let number = value.trim_start_matches(' ');
                let fine = value.len() <= 8 && !number.is_empty() && digits(number);
                return fine.then(|| format!("{number:>8}"));
            }
            Self::Date => value.len() == 8 && digits(value) && Date::strptime("%Y%m%d", value).is_ok(),
            Self::Time => {
                value.len() == 14 && digits(value) && DateTime::strptime("%Y%m%d%H%M%S", value).is_ok()
            }
            Self::OneOf(values) => values.contains(&value),
            Self::ThisInstitution => false,
        };
        fine.then(|| value.to_owned())
    }
}

/// The leaf elements of one branch of a file, each checked against its rule.
///
/// `Debug` prints which elements are present, never what they hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    fields: &'static [Field],
    values: Vec<Option<String>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.present().map(|(field, _)| field.name)).finish()
    }
}

impl Record {
    /// A record of this branch with nothing in it.
    pub fn new(fields: &'static [Field]) -> Self {
        Self { fields, values: vec![None; fields.len()] }
    }

    /// Sets an element; an empty value removes it.
    ///
    /// # Errors
    /// [`FieldError::Invalid`] when the value breaks the element's rule.
    pub fn set(&mut self, name: &str, value: impl AsRef<str>) -> Result<&mut Self, FieldError> {
        let at = self.fields.iter().position(|field| field.name == name).ok_or(FieldError::Unknown)?;
        let Field { name, rule } = &self.fields[at];
        let value = value.as_ref();
        self.values[at] = match value {
            "" => None,
            value => Some(rule.check(value).ok_or(FieldError::Invalid(name, *rule))?),
        };
        Ok(self)
    }

    /// What an element holds.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.present().find(|(field, _)| field.name == name).map(|(_, value)| value)
    }

    /// What an element holds that has to be there.
    ///
    /// # Errors
    /// [`FieldError::Missing`].
    pub fn need(&self, name: &'static str) -> Result<&str, FieldError> {
        self.get(name).ok_or(FieldError::Missing(name))
    }

    fn present(&self) -> impl Iterator<Item = (&'static Field, &str)> {
        self.fields.iter().zip(&self.values).filter_map(|(field, value)| Some((field, value.as_deref()?)))
    }

    /// Reads the known children of an element; others are left alone, since the files grow with the years.
    ///
    /// # Errors
    /// [`FieldError`] for the first element that is repeated, not a leaf, or breaks its rule.
    pub fn read(fields: &'static [Field], node: &Node) -> Result<Self, FieldError> {
        let mut record = Self::new(fields);
        for Field { name, .. } in fields {
            let mut found = node.children_named(name);
            let Some(child) = found.next() else { continue };
            if found.next().is_some() {
                return Err(FieldError::Repeated(name));
            }
            if !child.children.is_empty() {
                return Err(FieldError::NotALeaf(name));
            }
            record.set(name, &child.text)?;
        }
        Ok(record)
    }

    /// The elements that are present, in the order of the table.
    pub fn nodes(&self) -> Vec<Node> {
        self.present().map(|(field, value)| Node::leaf(field.name, value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insurer_number_is_padded_on_the_left_to_eight() {
        let mut record = Record::new(SEARCH);
        for given in ["138057", "  138057", " 138057"] {
            record.set("InsurerNumber", given).unwrap();
            assert_eq!(record.get("InsurerNumber"), Some("  138057"));
        }
        for bad in ["123456789", "12 34", "138057  ", "１３８０５７", "        "] {
            assert!(record.set("InsurerNumber", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_rule_refuses_what_it_does_not_name() {
        let refused = [
            (HEADER, "MedicalInstitutionCode", "131234567"),
            (HEADER, "ArbitraryFileIdentifier", &*"x".repeat(51)),
            (HEADER, "SegmentOfResult", "3"),
            (HEADER, "ProcessExecutionTime", "20251122250000"),
            (SEARCH, "InsuredCardSymbol", &*"記".repeat(21)),
            (SEARCH, "InsuredIdentificationNumber", "1\n2"),
            (SEARCH, "InsuredBranchNumber", "123"),
            (SEARCH, "Birthdate", "20250229"),
            (SEARCH, "Birthdate", "2025-2-9"),
            (SEARCH, "Birthdate", "+2025209"),
        ];
        for (fields, name, value) in refused {
            assert!(Record::new(fields).set(name, value).is_err(), "{name}");
        }
        let accepted = [
            (HEADER, "ProcessExecutionTime", "20251122235959"),
            (SEARCH, "InsuredCardSymbol", &*"記".repeat(20)),
            (SEARCH, "Birthdate", "20240229"),
            (QUALIFICATION, "PharmacistsInfoConsFlg", "3"),
        ];
        for (fields, name, value) in accepted {
            assert_eq!(Record::new(fields).set(name, value).unwrap().get(name), Some(value));
        }
    }

    #[test]
    fn an_error_and_debug_name_the_element_and_never_its_content() {
        let mut record = Record::new(QUALIFICATION);
        record.set("Name", "窓口太郎").unwrap();
        let error = record.set("Birthdate", "窓口太郎").unwrap_err();
        let shown = format!("{record:?} {error} {error:?} {}", error.for_staff());
        assert!(shown.contains("Name") && shown.contains("Birthdate") && !shown.contains("窓口"), "{shown}");
    }

    #[test]
    fn a_repeated_or_branching_element_is_refused_and_an_unknown_one_left_alone() {
        let leaf = || Node::leaf("Birthdate", "19700101");
        let read = |children| Record::read(SEARCH, &Node::branch("s", children));
        assert_eq!(read(vec![leaf(), leaf()]).unwrap_err(), FieldError::Repeated("Birthdate"));
        let branch = Node::branch("Birthdate", vec![leaf()]);
        assert_eq!(read(vec![branch]).unwrap_err(), FieldError::NotALeaf("Birthdate"));
        let record = read(vec![Node::leaf("Later", "x"), leaf(), Node::leaf("InsurerNumber", "")]).unwrap();
        assert_eq!((record.get("Birthdate"), record.get("InsurerNumber")), (Some("19700101"), None));
    }
}
