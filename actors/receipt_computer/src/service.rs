//! What the actor does, without the bus: results out, queries in, answers out.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use madoguchi_protocol::eligibility::EligibilityQuery;
use madoguchi_protocol::messages::receipt_computer::{ResultWritten, WriteResult};
use madoguchi_protocol::messages::uplink::Queried;
use madoguchi_protocol::{LaneId, VisitId};
use serde::Deserialize;
use thiserror::Error;

use crate::assemble::{eligibility_query, face_message, failure, query_message};
use crate::book::{Book, BookError};
use crate::encoding::{Encoding, Loss};
use crate::fields::{FieldError, HEADER, Record};
use crate::folder::{Folder, FolderError, Stamp};
use crate::inbox::{Inbox, QueryFile, Secret};
use crate::message::{MessageError, QueryMessage, ResultMessage};
use crate::names::{BadId, FileId, answer, face_result};
use crate::outbox::{HandOverError, Outbox};
use crate::xml::XmlError;

/// The receipt computer's folders and how they are used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where queries come (`Req`).
    pub request_folder: PathBuf,
    /// Where their answers go (`Res`).
    pub result_folder: PathBuf,
    /// Where the readers' results go (`Face`).
    pub face_folder: PathBuf,
    /// The gateway's own folder for what must last; outside the shared ones, without personal data. The gateway
    /// sets it: it lies in the box's state directory.
    #[serde(skip)]
    pub state_folder: PathBuf,
    /// The medical institution code, 10 digits. The gateway sets it: it is the site's.
    #[serde(skip)]
    pub institution: String,
    /// The encoding of results; answers to queries follow the query.
    #[serde(default)]
    pub encoding: Encoding,
    /// How often the query folder is looked through, in milliseconds.
    #[serde(default = "default_scan_ms")]
    pub scan_ms: u64,
    /// How long a query must not have changed before it is read, in milliseconds.
    #[serde(default = "default_stable_ms")]
    pub stable_ms: u64,
    /// How long a query waits for the line before it is answered with an error, in seconds.
    #[serde(default = "default_query_wait_s")]
    pub query_wait_s: u64,
    /// How many days it is remembered which files were handed over.
    #[serde(default = "default_days_remembered")]
    pub days_remembered: u16,
}

fn default_scan_ms() -> u64 {
    1_000
}
fn default_stable_ms() -> u64 {
    1_000
}
fn default_query_wait_s() -> u64 {
    60
}
fn default_days_remembered() -> u16 {
    60
}

/// How long a query that ends too early may stay unchanged before it is answered with an error: whoever writes it slowly
/// over a bad line gets that much time.
const PATIENCE_WITH_CUT_FILES: Duration = Duration::from_secs(10);

/// The most queries in hand at once, each with a file of up to 4 MiB in memory.
pub const MAX_IN_HAND: usize = 8;

/// Why the folders can't be served.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The configuration's institution code is not one.
    #[error("the medical institution code in the configuration is wrong: {0}")]
    Institution(FieldError),
    /// A shared folder fails.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Handing a file over failed; a repeat is safe.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// The record of what was handed over fails.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The key of this box can't be read or made.
    #[error("the key {path} can't be read or made ({source})")]
    Secret {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The centre's answer does not fit the file.
    #[error("the answer does not fit the receipt computer's file: {0}")]
    Unwritable(#[from] FieldError),
    /// An id that can't be part of a file's name.
    #[error(transparent)]
    BadId(#[from] BadId),
}

impl ServiceError {
    /// Whether trying again later may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Folder(_) | Self::HandOver(_) | Self::Book(_) | Self::Secret { .. })
    }
}

/// A visit's file.
#[derive(Debug)]
pub struct Written {
    /// Its name; it names no person.
    pub name: String,
    /// The characters that its encoding lacks. For memory only: they are parts of names.
    pub losses: Vec<Loss>,
    /// Whether it was written by this very call.
    pub now: bool,
}

/// A query that wants the centre's answer.
#[derive(Debug)]
pub struct Pending {
    /// What to ask.
    pub query: EligibilityQuery,
    /// The file's name; it names no person.
    pub name: String,
    file: FileId,
    stamp: Stamp,
    header: Record,
    encoding: Encoding,
    quiet: Duration,
}

/// What came of a query.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, with these characters lost.
    Answered(Vec<Loss>),
    /// It stays where it is and is asked again, under the same request id.
    Waiting,
}

/// What one look at the query folder brought.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Queries to ask the centre.
    pub pending: Vec<Pending>,
    /// Malformed queries that were answered with an error.
    pub malformed: usize,
    /// Names in the folder that can't be answered.
    pub refused: usize,
}

/// The receipt computer's folders in service.
#[derive(Debug)]
pub struct Service {
    institution: String,
    encoding: Encoding,
    query_wait: Duration,
    book: Book,
    inbox: Inbox,
    answers: Outbox,
    faces: Outbox,
    recovered: bool,
}

impl Service {
    /// Opens what is the gateway's own. The shared folders may be away: they are looked at when they are needed.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn open(config: &Settings, now: Timestamp) -> Result<Self, ServiceError> {
        Record::new(HEADER)
            .set("MedicalInstitutionCode", &config.institution)
            .and_then(|record| record.need("MedicalInstitutionCode").map(drop))
            .map_err(ServiceError::Institution)?;
        let book = Book::open(&config.state_folder, config.days_remembered, now)?;
        let path = config.state_folder.join("request.key");
        let secret = Secret::load(&path).map_err(|source| ServiceError::Secret { path, source })?;
        let stable = Duration::from_millis(config.stable_ms);
        Ok(Self {
            institution: config.institution.clone(),
            encoding: config.encoding,
            query_wait: Duration::from_secs(config.query_wait_s),
            book,
            inbox: Inbox::new(Folder::new(&config.request_folder), secret, stable),
            answers: Outbox::new(Folder::new(&config.result_folder), "query"),
            faces: Outbox::new(Folder::new(&config.face_folder), "visit"),
            recovered: false,
        })
    }

    /// Completes what a crash interrupted and removes left-over temporary files, once; a folder that is away is tried
    /// again at the next call.
    ///
    /// # Errors
    /// [`ServiceError::HandOver`].
    pub fn recover(&mut self, now: Timestamp) -> Result<(), ServiceError> {
        if !self.recovered {
            self.faces.recover(&mut self.book, now)?;
            self.answers.recover(&mut self.book, now)?;
            self.recovered = true;
        }
        Ok(())
    }

    /// Whether all three folders can be reached.
    ///
    /// # Errors
    /// [`ServiceError::Folder`] for the first that can't.
    pub fn check_folders(&self) -> Result<(), ServiceError> {
        for folder in [self.inbox.folder(), self.answers.folder(), self.faces.folder()] {
            folder.check()?;
        }
        Ok(())
    }

    /// Writes a visit's result: exactly one file for a lane and visit, however often it is asked for.
    ///
    /// # Errors
    /// [`ServiceError`]; [`ServiceError::is_passing`] tells whether to ask again.
    pub fn write_result(
        &mut self,
        lane: LaneId,
        visit: VisitId,
        result: &WriteResult,
        now: Timestamp,
    ) -> Result<Written, ServiceError> {
        let message = face_message(&self.institution, result)?;
        let (bytes, losses) = message.to_file(self.encoding)?;
        let name = face_result(lane.number(), &FileId::new(&visit.to_string())?, now);
        let key = format!("{lane}/{visit}");
        let handed = self.faces.hand_over(&mut self.book, &key, &name, &bytes, now)?;
        Ok(Written { name: handed.name, losses, now: handed.now })
    }

    /// Looks through the query folder. Malformed queries are answered here and now, with what to mend.
    ///
    /// # Errors
    /// [`ServiceError`]; queries not returned are found again at the next look.
    pub fn look(&mut self, clock: Instant, now: Timestamp, free: usize) -> Result<Arrivals, ServiceError> {
        let look = self.inbox.look(clock, free.min(MAX_IN_HAND))?;
        let mut arrivals = Arrivals { refused: look.refused, ..Arrivals::default() };
        let mut failure = None;
        for file in look.ready {
            let name = file.name.clone();
            match self.take(file, now, &mut arrivals) {
                Ok(Some(pending)) => arrivals.pending.push(pending),
                Ok(None) => {}
                Err(error) => {
                    self.inbox.release(&name);
                    failure = Some(error);
                }
            }
        }
        match failure {
            // The queries that are fine must not wait for the one that failed.
            Some(error) if arrivals.pending.is_empty() => Err(error),
            _ => Ok(arrivals),
        }
    }

    fn take(
        &mut self,
        file: QueryFile,
        now: Timestamp,
        arrivals: &mut Arrivals,
    ) -> Result<Option<Pending>, ServiceError> {
        let key = file.request_id.to_string();
        if self.answers.find(&mut self.book, &key, now)?.is_some() {
            // Answered before a crash, or the removal failed: never answered twice.
            self.inbox.remove(&file.name, file.stamp)?;
            return Ok(None);
        }
        let read = match &file.content {
            Some(bytes) => QueryMessage::from_file(bytes),
            None => Err(MessageError::Xml(XmlError::TooLarge)),
        };
        let error = match read.and_then(|message| {
            Ok((eligibility_query(file.request_id, &message, &self.institution)?, message))
        }) {
            Ok((query, message)) => {
                let QueryFile { name, id, stamp, quiet, .. } = file;
                let QueryMessage { header, encoding, .. } = message;
                return Ok(Some(Pending { query, name, file: id, stamp, header, encoding, quiet }));
            }
            Err(MessageError::Xml(XmlError::CutShort)) if file.quiet < PATIENCE_WITH_CUT_FILES => {
                self.inbox.release(&file.name);
                return Ok(None);
            }
            Err(error) => error,
        };
        let message = ResultMessage::error(error.code(), &error.for_staff(), now)?;
        let (bytes, _) = message.to_file(self.encoding)?;
        self.answers.hand_over(&mut self.book, &key, &answer(&file.id), &bytes, now)?;
        self.inbox.remove(&file.name, file.stamp)?;
        arrivals.malformed += 1;
        Ok(None)
    }

    /// Answers a query with what the centre said, then removes its file; the answer comes first, so that a crash in
    /// between costs nothing. Without a definite answer the query waits and is asked again under the same request id,
    /// until its time is up.
    ///
    /// # Errors
    /// [`ServiceError`]; the query is taken up again at the next look.
    pub fn answer_query(
        &mut self,
        pending: &Pending,
        said: &Queried,
        now: Timestamp,
    ) -> Result<Outcome, ServiceError> {
        let answered = self.try_to_answer(pending, said, now);
        self.inbox.release(&pending.name);
        answered
    }

    fn try_to_answer(
        &mut self,
        pending: &Pending,
        said: &Queried,
        now: Timestamp,
    ) -> Result<Outcome, ServiceError> {
        if matches!(said, Queried::LineDown | Queried::Uncertain) && pending.quiet < self.query_wait {
            return Ok(Outcome::Waiting);
        }
        let message = match query_message(&pending.header, said, now) {
            Ok(message) => message,
            Err(_) => failure(
                &pending.header,
                "MG-Q07",
                "資格確認の回答をファイルにできません。保守担当者に連絡してください。",
                now,
            )?,
        };
        let (bytes, losses) = message.to_file(pending.encoding)?;
        let key = pending.query.request_id.to_string();
        self.answers.hand_over(&mut self.book, &key, &answer(&pending.file), &bytes, now)?;
        self.inbox.remove(&pending.name, pending.stamp)?;
        Ok(Outcome::Answered(losses))
    }
}

/// The reply to `write_result`.
pub fn reply(written: &Result<Written, ServiceError>) -> ResultWritten {
    match written {
        Ok(Written { losses, .. }) => {
            ResultWritten::Written { lost_characters: u32::try_from(losses.len()).unwrap_or(u32::MAX) }
        }
        Err(error) if error.is_passing() => ResultWritten::FolderUnavailable,
        Err(_) => ResultWritten::Unwritable,
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
