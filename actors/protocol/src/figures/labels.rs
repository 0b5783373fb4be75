//! Labels and all their values. What is not listed here can't be a label, so none can be personal.

use crate::{
    fault::FaultCode,
    messages::{all_commands, supervision::RESTART},
};

/// A label of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    name: &'static str,
    values: Values,
}

/// The values that a label can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// These.
    Listed(&'static [&'static str]),
    /// The names of the bus's commands.
    Commands,
    /// The codes of the catalogue of faults.
    Faults,
}

impl Values {
    /// Each of them.
    pub fn all(self) -> Box<dyn Iterator<Item = &'static str>> {
        match self {
            Self::Listed(values) => Box::new(values.iter().copied()),
            // The restart is a command of every kind of actor.
            Self::Commands => {
                let names = all_commands().map(|facts| facts.name);
                Box::new(names.filter(|name| *name != RESTART).chain([RESTART]))
            }
            Self::Faults => Box::new(FaultCode::ALL.iter().map(|fault| fault.name())),
        }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.all().count()
    }

    /// The table's own text that equals `text`.
    pub fn find(self, text: &str) -> Option<&'static str> {
        self.all().find(|value| *value == text)
    }
}

impl Label {
    const fn listed(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Values::Listed(values) }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Its values.
    pub const fn values(self) -> Values {
        self.values
    }
}

/// How the patient came: by the medium that was chosen, or by none yet.
pub(super) const WAY: Label = Label::listed("way", &["my_number_card", "android", "iphone", "none"]);
/// What was read.
pub(super) const MEDIUM: Label = Label::listed("medium", &["my_number_card", "android", "iphone"]);
/// How a visit ended.
pub(super) const VISIT_OUTCOME: Label = Label::listed(
    "outcome",
    &["confirmed", "deferred", "not_confirmed", "fallback", "abandoned", "taken_over", "interrupted"],
);
/// The steps of a visit in which somebody or something takes time.
pub(super) const STAGE: Label = Label::listed(
    "stage",
    &[
        "choose_medium",
        "choose_phone",
        "enter_pin",
        "phone_authenticates",
        "face_or_pin",
        "hold_medium",
        "hold_hint",
        "last_try",
        "reading_slot",
        "authenticating",
        "consent",
        "confirming",
    ],
);
/// Why a patient who held a medium got no answer on the spot.
pub(super) const UNANSWERED: Label = Label::listed("reason", &["line_down", "late", "box"]);
/// How a read ended.
pub(super) const READ_OUTCOME: Label = Label::listed(
    "outcome",
    &[
        "signed",
        "wrong_medium",
        "old_resident_card",
        "not_jpki",
        "wrong_pin",
        "last_try",
        "locked",
        "holder_not_authorised",
        "pin_not_held",
        "torn",
        "stuck",
        "no_medium",
        "reader_lost",
        "unreadable",
        "cancelled",
    ],
);
/// What became of a PIN.
pub(super) const PIN_OUTCOME: Label =
    Label::listed("outcome", &["verified", "wrong", "last_try", "locked", "not_held"]);
/// What is asked of the centre.
pub(super) const REQUEST: Label = Label::listed("request", &["authenticate", "confirm", "query_eligibility"]);
/// What came of it.
pub(super) const CENTRE_OUTCOME: Label =
    Label::listed("outcome", &["answered", "line_down", "uncertain", "malformed"]);
/// Where the line went.
pub(super) const LINE_TO: Label = Label::listed("to", &["up", "down"]);
/// Which of the hospital's lines.
pub(super) const LINE: Label = Label::listed("line", &["primary", "second"]);
/// How far a line has got.
pub(super) const LINE_STAGE: Label =
    Label::listed("stage", &["down", "connecting", "tunnel-up", "degraded", "centre-reachable"]);
/// What came back of a probe.
pub(super) const PROBE: Label = Label::listed("outcome", &["answered", "late", "refused", "unanswered"]);
/// What the queue answered.
pub(super) const ACCEPTED: Label =
    Label::listed("outcome", &["accepted", "already_settled", "full", "failed"]);
/// What the centre said of a confirmation.
pub(super) const VERDICT: Label =
    Label::listed("verdict", &["confirmed", "not_registered", "expired", "revoked", "refused"]);
/// Whether the answer came while the patient was there.
pub(super) const DEFERRAL: Label = Label::listed("deferral", &["live", "deferred"]);
/// Why something was given up.
pub(super) const GIVEN_UP: Label = Label::listed("reason", &["too_old", "for_room", "discarded"]);
/// Why a visit counts or not.
pub(super) const COUNTING: Label = Label::listed("counting", &["counted", "portal", "not_confirmed"]);
/// Sent or received.
pub(super) const WAY_OF_MESSAGE: Label = Label::listed("direction", &["sent", "received"]);
/// What kind of message.
pub(super) const MESSAGE: Label = Label::listed("message", &["command", "reply", "event", "state"]);
/// Why a message was refused.
pub(super) const REFUSED: Label = Label::listed("reason", &["topic", "message", "reply", "figures"]);
/// Where a message was dropped.
pub(super) const DROPPED: Label = Label::listed("place", &["mailbox", "outbox"]);
/// A command of the bus.
pub(super) const COMMAND: Label = Label { name: "command", values: Values::Commands };
/// A fault of the catalogue.
pub(super) const FAULT: Label = Label { name: "fault", values: Values::Faults };
/// The program's version: the workspace's.
pub(super) const VERSION: Label = Label::listed("version", &[env!("CARGO_PKG_VERSION")]);
/// How a login ended.
pub(super) const LOGIN: Label = Label::listed("outcome", &["accepted", "refused"]);
/// What a certificate is for.
pub(super) const CERTIFICATE: Label = Label::listed(
    "certificate",
    &["terminal", "centre-ca", "tunnel", "tunnel-ca", "device-link", "metrics", "page"],
);

impl Values {
    /// The values, for a document.
    pub fn in_words(self) -> String {
        match self {
            Self::Listed(values) => values.join(", "),
            Self::Commands => "a command of the bus".into(),
            Self::Faults => "a code of the catalogue of faults".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::Medium,
        messages::{
            audit_log::Step,
            line::{CertificateRole, Stage, Way},
            nfc_reader::ReadOutcome,
        },
    };

    #[test]
    fn lines_stages_and_certificates_are_those_of_the_protocol() {
        let all = |label: Label| label.values().all().collect::<Vec<_>>();
        assert_eq!(all(LINE), [Way::Primary, Way::Second].map(Way::name));
        assert_eq!(all(LINE_STAGE), Stage::ALL.map(Stage::name));
        assert!(all(CERTIFICATE).starts_with(&CertificateRole::ALL.map(CertificateRole::name)));
    }

    #[test]
    fn media_outcomes_and_steps_are_those_of_the_protocol() {
        for medium in [Medium::MyNumberCard, Medium::Android, Medium::Iphone] {
            assert!(WAY.values().find(medium.name()).is_some());
            assert!(MEDIUM.values().find(medium.name()).is_some());
        }
        assert!(READ_OUTCOME.values().find(ReadOutcome::Stuck.name()).is_some());
        assert!(STAGE.values().find(Step::ReadingSlot.name()).is_some());
    }
}
