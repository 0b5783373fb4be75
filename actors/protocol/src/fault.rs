//! The catalogue of faults: every condition once, for screen, page, metric, alert, runbook and test.
//!
//! The texts (what the patient reads, what staff read, what staff do) stand in `texts/<language>/faults.ftl` under
//! `fault-<code>-patient`, `-staff` and `-action`; a test asserts that each exists in both languages.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// An answer rather than a fault: one patient takes another way.
    Notice,
    /// Something works worse, or soon will.
    Warning,
    /// A lane or the box can't do its work.
    Critical,
}

/// Whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One visit; over when the visit ends.
    Visit,
    /// One lane.
    Lane,
    /// The whole box.
    Box,
}

macro_rules! faults {
    ($($(#[$doc:meta])+ $code:ident = $name:literal, $severity:ident, $scope:ident, $test:literal;)*) => {
        /// A condition that somebody must know of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FaultCode {
            $($(#[$doc])+ #[serde(rename = $name)] $code,)*
        }

        impl FaultCode {
            /// Every fault, in the catalogue's order.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The code in metrics, alerts, the runbook and text keys.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$code => Severity::$severity,)* }
            }

            /// Whom it concerns.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$code => Scope::$scope,)* }
            }

            /// The test that causes it.
            pub const fn test(self) -> &'static str {
                match self { $(Self::$code => $test,)* }
            }
        }
    };
}

faults! {
    /// The medium is not the one the patient chose.
    WrongMedium = "wrong-medium", Notice, Visit, "wrong_medium_is_named_and_costs_nothing";
    /// An old resident card (住基カード).
    OldResidentCard = "old-resident-card", Notice, Visit, "old_resident_card_is_refused_with_a_clear_text";
    /// Not a JPKI medium.
    NotJpki = "not-jpki", Notice, Visit, "medium_without_jpki_is_refused_with_a_clear_text";
    /// The PIN was wrong.
    WrongPin = "wrong-pin", Notice, Visit, "wrong_pin_then_right_pin_succeeds";
    /// One try is left.
    LastPinTry = "last-pin-try", Notice, Visit, "last_try_is_never_spent_without_the_patients_yes";
    /// The PIN is locked.
    PinLocked = "pin-locked", Notice, Visit, "locked_pin_leads_to_a_fallback";
    /// The PIN was not used in time.
    PinNotHeld = "pin-not-held", Notice, Visit, "pin_lives_sixty_seconds_at_most";
    /// The iPhone's holder has not authorised.
    HolderNotAuthorised = "holder-not-authorised", Notice, Visit, "iphone_not_authorised_is_told_to_authenticate";
    /// The camera did not recognise the holder.
    FaceMismatch = "face-mismatch", Notice, Visit, "face_mismatch_offers_the_pin";
    /// The medium was taken away while it was read.
    ReadTorn = "read-torn", Notice, Visit, "torn_read_leads_to_a_hint_and_another_try";
    /// The medium does not answer.
    MediumStuck = "medium-stuck", Notice, Visit, "stuck_medium_ends_at_its_deadline";
    /// Nobody held a medium in time.
    NoMedium = "no-medium", Notice, Visit, "nobody_holding_a_medium_ends_the_visit";
    /// The medium answers what no specification foresees.
    Unreadable = "unreadable", Notice, Visit, "unforeseen_status_word_leads_to_a_fallback";
    /// Not registered for insurance use.
    NotRegistered = "not-registered", Notice, Visit, "r02_not_registered_is_an_answer";
    /// The medium's certificate has expired.
    CertificateExpired = "certificate-expired", Notice, Visit, "r31_expired_phone_is_not_offered_the_portal";
    /// The medium's certificate was revoked.
    CertificateRevoked = "certificate-revoked", Notice, Visit, "revoked_certificate_leads_to_a_fallback";
    /// The centre refuses for another reason.
    CentreRefused = "centre-refused", Notice, Visit, "refusal_by_the_centre_leads_to_a_fallback";
    /// The coverage is not valid.
    NotEligible = "not-eligible", Notice, Visit, "coverage_that_is_not_valid_is_told_to_staff";
    /// The visit was interrupted: the gateway or a part of it stopped.
    Interrupted = "interrupted", Notice, Visit, "visit_in_progress_is_told_when_the_gateway_stops";
    /// The generic reader of the lane is not attached.
    NfcReaderLost = "nfc-reader-lost", Critical, Lane, "pulled_reader_hides_the_button_and_comes_back";
    /// The PC/SC service does not answer.
    PcscDown = "pcsc-down", Critical, Lane, "killed_pcscd_comes_back_by_itself";
    /// The PC/SC service hangs.
    PcscHung = "pcsc-hung", Critical, Lane, "hung_pcscd_is_noticed_and_survived";
    /// The face-auth reader's link is down.
    FaceReaderLost = "face-reader-lost", Critical, Lane, "face_reader_that_vanishes_comes_back";
    /// An actor failed too often.
    ActorGaveUp = "actor-gave-up", Critical, Box, "actor_that_keeps_failing_is_seen_to_have_given_up";
    /// The centre can't be reached.
    LineDown = "line-down", Critical, Box, "dead_centre_defers_the_visit";
    /// A fifth of what was tried in five minutes failed: an outage by the field's definition.
    LineOutage = "line-outage", Critical, Box, "a_cut_line_is_an_outage_with_its_beginning_and_its_end";
    /// The primary line is not used: requests go by the second.
    LineOnSecond = "line-on-second", Warning, Box, "requests_change_over_to_the_second_line_and_return";
    /// A certificate of the box ends within 90 days.
    BoxCertificateEnding = "box-certificate-ending", Warning, Box, "certificates_that_end_are_faults_by_their_stage";
    /// A certificate of the box ends within 15 days.
    BoxCertificateUrgent = "box-certificate-urgent", Critical, Box, "certificates_that_end_are_faults_by_their_stage";
    /// A certificate of the box has ended, or has not begun.
    BoxCertificateEnded = "box-certificate-ended", Critical, Box, "certificates_that_end_are_faults_by_their_stage";
    /// Changed certificate files are not taken up: no connection with them succeeded.
    BoxCertificateNotTaken = "box-certificate-not-taken", Warning, Box, "a_certificate_that_is_refused_is_not_taken_and_the_old_one_stays";
    /// The clock follows no time server, or is off by a second.
    ClockUnsure = "clock-unsure", Warning, Box, "a_clock_that_is_off_is_a_fault_by_its_stage";
    /// The clock can't be relied on.
    ClockWrong = "clock-wrong", Critical, Box, "a_clock_that_is_off_is_a_fault_by_its_stage";
    /// The queue is full.
    QueueFull = "queue-full", Critical, Box, "full_queue_leads_to_the_fallbacks";
    /// The queue's store can't write.
    QueueFailed = "queue-failed", Critical, Box, "store_that_cannot_write_accepts_nothing";
    /// A confirmation was set aside.
    ConfirmationSetAside = "confirmation-set-aside", Warning, Box, "malformed_confirmation_is_set_aside";
    /// The receipt computer's folder can't be written.
    ReceiptFolderUnavailable = "receipt-folder-unavailable", Critical, Box, "result_waits_for_the_receipt_folder";
    /// Staff practise at the lane: it serves nobody for real.
    Rehearsal = "rehearsal", Notice, Lane, "rehearsed_outage_is_seen_by_everybody_and_counted_by_nobody";
    /// A result holds characters that Shift_JIS lacks.
    CharactersLost = "characters-lost", Warning, Box, "character_that_shift_jis_lacks_is_reported";
    /// The audit log can't be written, or its chain is broken.
    AuditLogFailed = "audit-log-failed", Critical, Box, "audit_log_that_cannot_write_is_seen";
    /// The broker is not there.
    BrokerLost = "broker-lost", Critical, Box, "killed_broker_comes_back_by_itself";
    /// A new version of the box did not run well, and it went back to the old one by itself.
    UpdateFellBack = "update-fell-back", Warning, Box, "update_that_fell_back_is_told_until_another_one_succeeds";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_faults_share_a_code() {
        let names: HashSet<_> = FaultCode::ALL.iter().map(|f| f.name()).collect();
        assert_eq!(names.len(), FaultCode::ALL.len());
    }
}
