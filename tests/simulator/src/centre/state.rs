//! What the centre knows and remembers. It outlives the server: stop the server, start it again on the same state,
//! and no answer is lost and no effect counted twice.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use uuid::Uuid;

use super::errors::ApiError;
use super::evidence::{Evidence, Nonce};
use super::faults::Faults;
use super::jpki::{self, CardGrace, Standing, TrustedAuthority};
use super::ledger::{Effect, Ledger};
use super::patients::{Patient, Patients, Serial};
use super::wire::{
    AuthenticateAnswer, AuthenticateRequest, AuthenticateResult, ConfirmationAnswer, ConfirmationRequest,
    ConfirmationResult, Medium, QueryAnswer, QueryRequest, QueryResult, Validity,
};

/// By what the centre judges.
#[derive(Clone, Default)]
pub struct CentreRules {
    /// The CAs whose cards and phones are accepted.
    pub authorities: Vec<TrustedAuthority>,
    /// Medical institution codes that are known, 10 digits each.
    pub institutions: BTreeSet<String>,
    /// Whether any certificate of a trusted CA gets a generic invented patient; otherwise it is not registered.
    pub accept_unknown: bool,
    /// The grace of an expired card.
    pub card_grace: CardGrace,
}

/// The centre's memory. See [`super::Centre::start`].
pub struct CentreState {
    authorities: RwLock<Vec<TrustedAuthority>>,
    institutions: BTreeSet<String>,
    accept_unknown: AtomicBool,
    card_grace: CardGrace,
    patients: Patients,
    faults: Faults,
    revoked: Mutex<HashSet<Serial>>,
    ledger: Mutex<Ledger>,
}

/// An answer, and whether it had been given before.
pub(super) struct Given<T> {
    pub answer: T,
    pub replayed: bool,
}

/// What the evidence amounts to.
enum Judgement {
    /// Genuine, current, registered; the word says whether grace was needed.
    Accepted(Box<Patient>, &'static str),
    NotRegistered,
    Expired,
    Revoked,
    Refused(&'static str),
}

impl CentreState {
    /// A centre that remembers nothing yet and has nobody registered.
    pub fn new(rules: CentreRules) -> Arc<Self> {
        Arc::new(Self {
            authorities: RwLock::new(rules.authorities),
            institutions: rules.institutions,
            accept_unknown: AtomicBool::new(rules.accept_unknown),
            card_grace: rules.card_grace,
            patients: Patients::default(),
            faults: Faults::default(),
            revoked: Mutex::default(),
            ledger: Mutex::default(),
        })
    }

    /// The registry of patients.
    pub fn patients(&self) -> &Patients {
        &self.patients
    }

    /// The switchboard of faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Accepts another CA's cards from now on.
    pub fn trust(&self, authority: TrustedAuthority) {
        self.authorities.write().unwrap_or_else(PoisonError::into_inner).push(authority);
    }

    /// Whether certificates without a patient get a generic invented one.
    pub fn set_accept_unknown(&self, accept: bool) {
        self.accept_unknown.store(accept, Ordering::Relaxed);
    }

    /// Puts a certificate on the revocation list, or takes it off.
    pub fn set_revoked(&self, serial: Serial, revoked: bool) {
        let mut list = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked {
            list.insert(serial);
        } else {
            list.remove(&serial);
        }
    }

    /// Every confirmation that took effect, oldest first: what an oracle counts.
    pub fn effects(&self) -> Vec<Effect> {
        self.ledger().effects()
    }

    /// The effect of one request, if it had any.
    pub fn effect(&self, request_id: Uuid) -> Option<Effect> {
        self.ledger().effect(request_id)
    }

    /// How many different queries were answered.
    pub fn queries_answered(&self) -> usize {
        self.ledger().queries_answered()
    }

    pub(super) fn authenticate(
        &self,
        terminal: &str,
        request: &AuthenticateRequest,
        now: Timestamp,
    ) -> Result<AuthenticateAnswer, ApiError> {
        let evidence = Evidence::of_authentication(request)?;
        self.admit(terminal, &evidence)?;
        let (result, reason) = match self.judge(&evidence, now)? {
            Judgement::Accepted(_, word) => (AuthenticateResult::Authenticated, word),
            Judgement::NotRegistered => (AuthenticateResult::NotRegistered, "not_registered"),
            Judgement::Expired => (AuthenticateResult::Expired, "certificate_expired"),
            Judgement::Revoked => (AuthenticateResult::Revoked, "certificate_revoked"),
            Judgement::Refused(word) => (AuthenticateResult::Refused, word),
        };
        Ok(AuthenticateAnswer { request_id: request.request_id, result, reason: reason.to_owned() })
    }

    pub(super) fn confirm(
        &self,
        terminal: &str,
        request: ConfirmationRequest,
        now: Timestamp,
    ) -> Result<Given<ConfirmationAnswer>, ApiError> {
        let evidence = Evidence::of_confirmation(&request)?;
        self.admit(terminal, &evidence)?;
        if let Some(answer) = self.ledger().replay_confirmation(&request)? {
            return Ok(Given { answer, replayed: true });
        }
        let judgement = self.judge(&evidence, now)?;
        let answer = answer_to(&request, judgement, now);
        self.ledger().commit_confirmation(request, &evidence.statement, answer)
    }

    /// The answer that `terminal` was given, if any.
    pub(super) fn confirmation(
        &self,
        terminal: &str,
        request_id: Uuid,
    ) -> Result<ConfirmationAnswer, ApiError> {
        let answer = self.ledger().confirmation(terminal, request_id);
        answer.ok_or_else(|| ApiError::not_found("no confirmation with this request id was ever received"))
    }

    pub(super) fn query(&self, request: QueryRequest) -> Result<Given<QueryAnswer>, ApiError> {
        check_query(&request)?;
        let patient = self.patients.find(&request);
        let validity =
            patient.as_ref().map_or(Validity::None, |who| who.validity_on(&request.qualification_date));
        let answer = QueryAnswer {
            request_id: request.request_id,
            result: if patient.is_some() { QueryResult::Found } else { QueryResult::None },
            validity,
            eligibility: patient.and_then(|patient| patient.shown(validity, request.limit_consent)),
        };
        self.ledger().commit_query(request, answer)
    }

    /// Whether this terminal may speak at all. A wrong configuration is an error, not a verdict on the patient.
    fn admit(&self, terminal: &str, evidence: &Evidence) -> Result<(), ApiError> {
        if evidence.statement.terminal != terminal {
            Err(ApiError::wrong_terminal())
        } else if !self.institutions.contains(&evidence.statement.institution) {
            Err(ApiError::unknown_institution())
        } else {
            Ok(())
        }
    }

    fn judge(&self, evidence: &Evidence, now: Timestamp) -> Result<Judgement, ApiError> {
        let grace = match evidence.medium {
            Medium::MyNumberCard => self.card_grace,
            Medium::Android | Medium::Iphone => CardGrace::Nothing,
        };
        let authorities = self.authorities.read().unwrap_or_else(PoisonError::into_inner);
        let Evidence { certificate, signed, signature, statement, .. } = evidence;
        let holder = match jpki::verify(&authorities, certificate, signed, signature, statement.at, grace) {
            Ok(holder) => holder,
            Err(flaw) => return Ok(Judgement::Refused(flaw.word())),
        };
        drop(authorities);
        if let Some(word) = evidence.stale(now) {
            return Ok(Judgement::Refused(word));
        }
        if !self.claim_nonce(evidence.nonce, statement.request_id, now)? {
            return Ok(Judgement::Refused("nonce_reused"));
        }
        Ok(self.judge_holder(&holder.serial, holder.standing))
    }

    fn judge_holder(&self, serial: &Serial, standing: Standing) -> Judgement {
        if self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(serial) {
            return Judgement::Revoked;
        }
        let word = match standing {
            Standing::Current => "ok",
            Standing::InGrace => "ok_within_grace",
            Standing::Expired => return Judgement::Expired,
        };
        let patient = match self.patients.get(serial) {
            None if self.accept_unknown.load(Ordering::Relaxed) => Some(self.patients.get_or_make(serial)),
            known => known,
        };
        match patient {
            Some(patient) if patient.registered => Judgement::Accepted(Box::new(patient), word),
            _ => Judgement::NotRegistered,
        }
    }

    fn claim_nonce(&self, nonce: Nonce, request_id: Uuid, now: Timestamp) -> Result<bool, ApiError> {
        self.ledger().claim_nonce(nonce, request_id, now)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer_to(request: &ConfirmationRequest, judgement: Judgement, now: Timestamp) -> ConfirmationAnswer {
    let (result, reason, patient) = match judgement {
        Judgement::Accepted(patient, word) => (ConfirmationResult::Confirmed, word, Some(patient)),
        Judgement::NotRegistered => (ConfirmationResult::NotRegistered, "not_registered", None),
        Judgement::Expired => (ConfirmationResult::Expired, "certificate_expired", None),
        Judgement::Revoked => (ConfirmationResult::Revoked, "certificate_revoked", None),
        Judgement::Refused(word) => (ConfirmationResult::Refused, word, None),
    };
    let today = now.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(9))).strftime("%Y%m%d").to_string();
    let validity = patient.as_ref().map(|patient| patient.validity_on(&today));
    let eligibility = patient
        .zip(validity)
        .and_then(|(patient, validity)| patient.shown(validity, request.consent.limit_application));
    ConfirmationAnswer {
        request_id: request.request_id,
        result,
        reason: reason.to_owned(),
        validity,
        eligibility,
        confirmed_at: now,
    }
}

fn check_query(query: &QueryRequest) -> Result<(), ApiError> {
    let is_date = |text: &str| {
        text.len() == 8 && text.is_ascii() && jiff::civil::Date::strptime("%Y%m%d", text).is_ok()
    };
    let within = |text: &str, limit: usize| text.chars().count() <= limit;
    let optional =
        |text: &Option<String>, limit: usize| text.as_deref().is_none_or(|text| within(text, limit));
    if !is_date(&query.qualification_date) || !is_date(&query.birthdate) {
        Err(ApiError::bad_request("qualification_date and birthdate must be days, YYYYMMDD"))
    } else if within(&query.insurer_number, 8)
        && within(&query.insured_identification_number, 20)
        && optional(&query.insured_card_symbol, 20)
        && optional(&query.insured_branch_number, 2)
    {
        Ok(())
    } else {
        Err(ApiError::bad_request(
            "a field is too long: insurer 8, symbol 20, number 20, branch 2 characters",
        ))
    }
}
