//! Who is registered with the centre: invented people, found by a certificate's serial number or by insurance details.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::eligibility::Eligibility;
use super::people;
use super::wire::{QueryRequest, Validity};

/// A certificate's serial number. It is a protected identifier even where it is invented, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From the big-endian bytes of the certificate's INTEGER; leading zeros don't matter.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(bytes[zeros..].to_vec())
    }

    /// From a certificate in DER; `None` when it can't be read.
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        Some(Self::from_bytes(certificate.raw_serial()))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serial(hidden)")
    }
}

/// One invented patient.
#[derive(Clone, PartialEq, Eq)]
pub struct Patient {
    /// Registered for insurance use.
    pub registered: bool,
    /// What the insurance is worth.
    pub validity: Validity,
    /// The entry handed out.
    pub eligibility: Eligibility,
}

impl Patient {
    /// The `number`-th invented patient: registered, valid, unlike every other number in the insurance details.
    /// The first [`people::COUNT`] have names of their own, some with characters that Shift_JIS lacks.
    pub fn sample(number: usize) -> Self {
        Self { registered: true, validity: Validity::Valid, eligibility: people::eligibility(number) }
    }

    /// The same patient, not registered for insurance use.
    pub fn not_registered(mut self) -> Self {
        self.registered = false;
        self
    }

    /// The same patient with another validity.
    pub fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// What is shown on `date` (`YYYYMMDD`): the validity set, or not valid outside the days of qualification.
    pub(super) fn validity_on(&self, date: &str) -> Validity {
        let text = |field: &Option<String>| field.clone().filter(|day| !day.is_empty());
        let entry = &self.eligibility;
        let before = text(&entry.qualification_date).is_some_and(|start| date < start.as_str());
        // 資格喪失年月日 is the first day without the insurance.
        let after = text(&entry.disqualification_date).is_some_and(|end| date >= end.as_str());
        if self.validity == Validity::Valid && (before || after) { Validity::NotValid } else { self.validity }
    }

    /// The entry, unless there is none, or several to choose from.
    pub(super) fn shown(&self, validity: Validity, limit_consent: bool) -> Option<Eligibility> {
        match validity {
            Validity::None | Validity::Several => None,
            _ => Some(self.eligibility.clone().with_limit_consent(limit_consent)),
        }
    }

    fn fits(&self, query: &QueryRequest) -> bool {
        let entry = &self.eligibility;
        let same =
            |field: &Option<String>, asked: &str| field.as_deref().unwrap_or("").trim() == asked.trim();
        // Symbol and branch are not on every document: what is not given is not compared.
        let fits = |field: &Option<String>, asked: &Option<String>| match asked.as_deref().map(str::trim) {
            None | Some("") => true,
            Some(asked) => same(field, asked),
        };
        same(&entry.insurer_number, &query.insurer_number)
            && same(&entry.insured_identification_number, &query.insured_identification_number)
            && same(&entry.birthdate, &query.birthdate)
            && fits(&entry.insured_card_symbol, &query.insured_card_symbol)
            && fits(&entry.insured_branch_number, &query.insured_branch_number)
    }
}

/// The registry. Shared and changed while the centre runs.
#[derive(Default)]
pub struct Patients {
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    by_serial: HashMap<Serial, Patient>,
    /// How many generic patients were made so far.
    made: usize,
}

impl Patients {
    /// Enters a patient under a certificate's serial number, or replaces the one that is there.
    pub fn insert(&self, serial: Serial, patient: Patient) {
        self.lock().by_serial.insert(serial, patient);
    }

    /// Switches the registration for insurance use; false when nobody has this serial number.
    pub fn set_registered(&self, serial: &Serial, registered: bool) -> bool {
        let mut book = self.lock();
        let patient = book.by_serial.get_mut(serial);
        patient.map(|patient| patient.registered = registered).is_some()
    }

    /// The patient with this serial number.
    pub fn get(&self, serial: &Serial) -> Option<Patient> {
        self.lock().by_serial.get(serial).cloned()
    }

    /// The same, making a generic invented patient where there is none.
    pub(super) fn get_or_make(&self, serial: &Serial) -> Patient {
        let mut book = self.lock();
        if let Some(patient) = book.by_serial.get(serial) {
            return patient.clone();
        }
        book.made += 1;
        let patient = Patient::sample(people::COUNT + book.made);
        book.by_serial.insert(serial.clone(), patient.clone());
        patient
    }

    /// The one whose insurance details fit.
    pub(super) fn find(&self, query: &QueryRequest) -> Option<Patient> {
        self.lock().by_serial.values().find(|patient| patient.fits(query)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_of_a_serial_number_do_not_matter() {
        assert_eq!(Serial::from_bytes(&[0, 0x8f, 1]), Serial::from_bytes(&[0x8f, 1]));
        assert_ne!(Serial::from_bytes(&[0x8f, 1]), Serial::from_bytes(&[0x8f, 1, 0]));
    }

    #[test]
    fn a_serial_number_is_never_printed() {
        assert_eq!(format!("{:?}", Serial::from_bytes(&[1, 2, 3])), "Serial(hidden)");
    }

    #[test]
    fn an_insurance_is_valid_from_its_first_day_until_the_day_before_its_loss() {
        let mut patient = Patient::sample(0);
        patient.eligibility.qualification_date = Some("20240401".into());
        patient.eligibility.disqualification_date = Some("20250401".into());
        assert_eq!(patient.validity_on("20240331"), Validity::NotValid);
        assert_eq!(patient.validity_on("20240401"), Validity::Valid);
        assert_eq!(patient.validity_on("20250331"), Validity::Valid);
        assert_eq!(patient.validity_on("20250401"), Validity::NotValid);
        assert_eq!(patient.with_validity(Validity::Several).validity_on("20250401"), Validity::Several);
    }
}
