//! The files themselves: a result (`…res…`) and a query (`…req…`), both an `XmlMsg` (DOMAIN section 4).

use jiff::{Timestamp, ToSpan, civil::DateTime, tz::Offset};
use thiserror::Error;

use crate::encoding::{DecodeError, Encoding, Loss, decode, encode};
use crate::fields::{BODY, FieldError, HEADER, QUALIFICATION, Record, SEARCH};
use crate::xml::{Node, XmlError, parse};

/// Japan's time in the files and their names, without daylight saving since 1952.
pub const JST: Offset = Offset::constant(9);

/// The most insurances one answer may hold; a person has a few.
const MAX_RESULTS: usize = 100;

/// A time as the files write it: `YYYYMMDDHHmmss`, JST.
pub fn file_time(at: Timestamp) -> String {
    digits(JST.to_datetime(at))
}

/// A day as the files write it: `YYYYMMDD`, JST.
pub fn file_date(at: Timestamp) -> String {
    JST.to_datetime(at).date().strftime("%Y%m%d").to_string()
}

fn digits(at: DateTime) -> String {
    at.strftime("%Y%m%d%H%M%S").to_string()
}

/// What a patient can consent to on the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentItem {
    /// 過去の健診情報.
    HealthCheckups,
    /// 薬剤情報.
    Pharmacists,
    /// 診療情報.
    Diagnosis,
    /// 手術情報.
    Operation,
    /// 限度額適用認定証.
    LimitCertificate,
}

impl ConsentItem {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::HealthCheckups, Self::Pharmacists, Self::Diagnosis, Self::Operation, Self::LimitCertificate];

    fn prefix(self) -> &'static str {
        match self {
            Self::HealthCheckups => "SpecificHealthCheckupsInfo",
            Self::Pharmacists => "PharmacistsInfo",
            Self::Diagnosis => "DiagnosisInfo",
            Self::Operation => "OperationInfo",
            Self::LimitCertificate => "LimitApplicationCertificateRelated",
        }
    }
}

/// Writes one answer of the patient into a qualification: the flag and, for a yes, when it was given and until when it
/// holds, 24 hours later. The limit certificate has no end of its own.
///
/// # Errors
/// [`FieldError`] when the time is outside years 0 to 9999.
pub fn set_consent(
    qualification: &mut Record,
    item: ConsentItem,
    yes: bool,
    given: Timestamp,
) -> Result<(), FieldError> {
    let prefix = item.prefix();
    qualification.set(&format!("{prefix}ConsFlg"), if yes { "1" } else { "0" })?;
    if yes {
        qualification.set(&format!("{prefix}ConsTime"), file_time(given))?;
        if item != ConsentItem::LimitCertificate {
            let until = JST.to_datetime(given).saturating_add(24.hours());
            qualification.set(&format!("{prefix}AvailableTime"), digits(until))?;
        }
    }
    Ok(())
}

/// A result file: what a face-auth reader or a query led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultMessage {
    /// `MessageHeader`, without `CharacterCodeIdentifier`, which [`ResultMessage::to_file`] sets.
    pub header: Record,
    /// The leaf elements of `MessageBody`.
    pub body: Record,
    /// Each `ResultOfQualificationConfirmation`.
    pub qualifications: Vec<Record>,
}

impl ResultMessage {
    /// A result with nothing in it yet.
    pub fn new() -> Self {
        Self { header: Record::new(HEADER), body: Record::new(BODY), qualifications: Vec::new() }
    }

    /// An answer that says what was wrong (`SegmentOfResult` 9).
    ///
    /// # Errors
    /// [`FieldError`] when the code or the message is too long.
    pub fn error(code: &str, message: &str, at: Timestamp) -> Result<Self, FieldError> {
        let mut result = Self::new();
        result.header.set("ProcessExecutionTime", file_time(at))?.set("SegmentOfResult", "9")?;
        result.header.set("ErrorCode", code)?.set("ErrorMessage", message)?;
        Ok(result)
    }

    /// The file's bytes, and each character that the encoding lacks.
    ///
    /// # Errors
    /// [`FieldError`] never for a well-built result; the header's encoding is set here.
    pub fn to_file(&self, encoding: Encoding) -> Result<(Vec<u8>, Vec<Loss>), FieldError> {
        let mut header = self.header.clone();
        header.set("CharacterCodeIdentifier", encoding.code())?;
        let mut body = self.body.nodes();
        if !self.qualifications.is_empty() {
            let one = |record: &Record| Node::branch("ResultOfQualificationConfirmation", record.nodes());
            body.push(Node::branch("ResultList", self.qualifications.iter().map(one).collect()));
        }
        let parts = vec![Node::branch("MessageHeader", header.nodes()), Node::branch("MessageBody", body)];
        Ok(encode(Node::branch("XmlMsg", parts), encoding))
    }

    /// Reads a result file back.
    ///
    /// # Errors
    /// [`MessageError`] when it is not such a file.
    pub fn from_file(file: &[u8]) -> Result<(Self, Encoding), MessageError> {
        let (root, encoding) = read_root(file)?;
        let header = Record::read(HEADER, part(&root, "MessageHeader")?)?;
        let body_node = part(&root, "MessageBody")?;
        let body = Record::read(BODY, body_node)?;
        let list = body_node.child("ResultList").map(|list| list.children.as_slice()).unwrap_or_default();
        if list.len() > MAX_RESULTS {
            return Err(MessageError::TooManyResults);
        }
        let qualifications = list
            .iter()
            .filter(|node| node.name == "ResultOfQualificationConfirmation")
            .map(|node| Record::read(QUALIFICATION, node))
            .collect::<Result<_, _>>()?;
        Ok((Self { header, body, qualifications }, encoding))
    }
}

impl Default for ResultMessage {
    fn default() -> Self {
        Self::new()
    }
}

/// A query of the receipt computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryMessage {
    /// `MessageHeader`: the day asked about, the institution, the file's identifier.
    pub header: Record,
    /// `QualificationConfirmSearchInfo`.
    pub search: Record,
    /// The encoding that the answer should have: the header's wish, else the query's own.
    pub encoding: Encoding,
}

impl QueryMessage {
    /// Reads a query file. What has to be there: the day, the institution, the insurer's number, the insured's number
    /// and the birthdate.
    ///
    /// # Errors
    /// [`MessageError`], whose [`MessageError::for_staff`] tells what to mend.
    pub fn from_file(file: &[u8]) -> Result<Self, MessageError> {
        let (root, encoding) = read_root(file)?;
        let header = Record::read(HEADER, part(&root, "MessageHeader")?)?;
        let body = part(&root, "MessageBody")?;
        let search = Record::read(SEARCH, part(body, "QualificationConfirmSearchInfo")?)?;
        for name in ["QualificationConfirmationDate", "MedicalInstitutionCode"] {
            header.need(name)?;
        }
        for name in ["InsurerNumber", "InsuredIdentificationNumber", "Birthdate"] {
            search.need(name)?;
        }
        let encoding =
            header.get("CharacterCodeIdentifier").and_then(Encoding::from_code).unwrap_or(encoding);
        Ok(Self { header, search, encoding })
    }

    /// The query's bytes, as a receipt computer would write them.
    pub fn to_file(&self) -> Vec<u8> {
        let search = Node::branch("QualificationConfirmSearchInfo", self.search.nodes());
        let header = Node::branch("MessageHeader", self.header.nodes());
        encode(Node::branch("XmlMsg", vec![header, Node::branch("MessageBody", vec![search])]), self.encoding)
            .0
    }
}

fn read_root(file: &[u8]) -> Result<(Node, Encoding), MessageError> {
    let (document, encoding) = decode(file)?;
    let root = parse(&document)?;
    if root.name != "XmlMsg" {
        return Err(MessageError::NoPart("XmlMsg"));
    }
    Ok((root, encoding))
}

fn part<'a>(node: &'a Node, name: &'static str) -> Result<&'a Node, MessageError> {
    let mut found = node.children_named(name);
    let first = found.next().ok_or(MessageError::NoPart(name))?;
    if found.next().is_some() {
        return Err(FieldError::Repeated(name).into());
    }
    Ok(first)
}

/// Why a file is not what it should be. Nothing in it quotes the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// It can't be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is not XML, or not within the bounds.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A branch is missing.
    #[error("the file has no {0}")]
    NoPart(&'static str),
    /// An element is missing or wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// More results than anybody has insurances.
    #[error("the file has more than {MAX_RESULTS} results")]
    TooManyResults,
}

impl MessageError {
    /// The gateway's own `ErrorCode` (the national system's codes are not public).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Decode(DecodeError::TooLarge) | Self::Xml(XmlError::TooLarge) => "MG-Q01",
            Self::Decode(_) => "MG-Q02",
            Self::Xml(_) => "MG-Q03",
            Self::NoPart(_) | Self::Field(_) | Self::TooManyResults => "MG-Q04",
        }
    }

    /// What to mend, in Japanese, for the `ErrorMessage` that the receipt computer shows.
    pub fn for_staff(&self) -> String {
        match self {
            Self::Decode(DecodeError::TooLarge) | Self::Xml(XmlError::TooLarge) => {
                "照会ファイルが4MiBを超えています。1件ずつの照会にしてください。".to_owned()
            }
            Self::Decode(DecodeError::UnknownEncoding) => {
                "文字コードはShift_JISまたはUTF-8にし、XML宣言のencodingに書いてください。".to_owned()
            }
            Self::Decode(DecodeError::Contradiction) => {
                "XML宣言はShift_JISですが、ファイルはUTF-8のBOMで始まっています。どちらかに揃えてください。"
                    .to_owned()
            }
            Self::Decode(DecodeError::Invalid(encoding)) => {
                format!(
                    "ファイルの内容が{}ではありません。XML宣言のencodingと合わせてください。",
                    encoding.label()
                )
            }
            Self::Xml(XmlError::CutShort) => {
                "ファイルが途中で終わっています。書き終えてから照会フォルダーに置いてください。".to_owned()
            }
            Self::Xml(XmlError::NotWellFormed(at)) => {
                format!("{at}バイト目（UTF-8換算）の付近がXMLとして正しくありません。")
            }
            Self::Xml(XmlError::DocumentType) => "DOCTYPEは使えません。取り除いてください。".to_owned(),
            Self::Xml(XmlError::Entity(at)) => {
                format!("{at}バイト目（UTF-8換算）の付近の文字参照は使えません。文字で書いてください。")
            }
            Self::Xml(XmlError::StrayText(at)) => {
                format!("{at}バイト目（UTF-8換算）の付近に、要素の外の文字があります。")
            }
            Self::Xml(XmlError::TooDeep | XmlError::TooManyElements) => {
                "要素が深すぎるか多すぎます。1件ずつの照会にしてください。".to_owned()
            }
            Self::NoPart(name) => format!("{name}がありません。追加してください。"),
            Self::Field(error) => error.for_staff(),
            Self::TooManyResults => "結果が多すぎます。".to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
