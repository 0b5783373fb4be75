//! What several pages say in the same way: signs beside words (never colour alone), names of steps and devices, spans of
//! time.

use super::view::View;
use crate::people::Register;
use madoguchi_protocol::{
    ActorKind, LaneId, PersonId,
    fault::Severity,
    messages::{
        audit_log::{Author, Fallback, PersonAct, StaffAct, Step, VisitEnd},
        state::Standing,
    },
};

/// The class of a fault's mark in the style sheet.
pub(super) const fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice-mark",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// A fault's sign, for those who see no colour.
pub(super) const fn severity_sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "・",
        Severity::Warning => "▲",
        Severity::Critical => "✖",
    }
}

pub(super) const fn step_key(step: Step) -> &'static str {
    match step {
        Step::Idle => "step-idle",
        Step::ChooseMedium => "step-choose-medium",
        Step::ChoosePhone => "step-choose-phone",
        Step::EnterPin => "step-enter-pin",
        Step::PhoneAuthenticates => "step-phone-authenticates",
        Step::FaceOrPin => "step-face-or-pin",
        Step::HoldMedium => "step-hold-medium",
        Step::HoldHint => "step-hold-hint",
        Step::LastTry => "step-last-try",
        Step::ReadingSlot => "step-reading-slot",
        Step::Authenticating => "step-authenticating",
        Step::Consent => "step-consent",
        Step::Confirming => "step-confirming",
        Step::Done => "step-done",
        Step::Deferred => "step-deferred",
        Step::Fallback => "step-fallback",
    }
}

pub(super) const fn actor_key(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::FaceReader => "actor-face-reader",
        ActorKind::NfcReader => "actor-nfc-reader",
        ActorKind::PinSession => "actor-pin-session",
        ActorKind::Uplink => "actor-uplink",
        ActorKind::OfflineQueue => "actor-offline-queue",
        ActorKind::ReceiptComputer => "actor-receipt-computer",
        ActorKind::AuditLog => "actor-audit-log",
        ActorKind::Gateway => "actor-gateway",
    }
}

pub(super) const fn standing_key(standing: Standing) -> &'static str {
    match standing {
        Standing::Running => "page-actor-running",
        Standing::Restarting => "page-actor-restarting",
        Standing::GaveUp => "page-actor-gave-up",
    }
}

pub(super) const fn end_key(end: VisitEnd) -> &'static str {
    match end {
        VisitEnd::Confirmed => "end-confirmed",
        VisitEnd::Deferred => "end-deferred",
        VisitEnd::NotConfirmed(_) => "end-not-confirmed",
        VisitEnd::Fallback(way) => way_key(way),
        VisitEnd::Abandoned => "end-abandoned",
        VisitEnd::TakenOver => "end-taken-over",
        VisitEnd::Interrupted => "end-interrupted",
        VisitEnd::Practised => "end-practised",
    }
}

pub(super) const fn way_key(way: Fallback) -> &'static str {
    match way {
        Fallback::MyNumberCard => "way-my-number-card",
        Fallback::EligibilityCertificate => "way-eligibility-certificate",
        Fallback::PortalScreen => "way-portal-screen",
        Fallback::SelfDeclaration => "way-self-declaration",
    }
}

pub(super) const fn act_key(act: StaffAct) -> &'static str {
    match act {
        StaffAct::Cancel => "act-cancel",
        StaffAct::TakeOver => "act-take-over",
        StaffAct::ConfirmPhoto => "act-confirm-photo",
        StaffAct::BeginRehearsal => "act-begin-rehearsal",
        StaffAct::EndRehearsal => "act-end-rehearsal",
        StaffAct::SettleByFallback(Fallback::MyNumberCard) => "act-settle-my-number-card",
        StaffAct::SettleByFallback(Fallback::EligibilityCertificate) => "act-settle-eligibility-certificate",
        StaffAct::SettleByFallback(Fallback::PortalScreen) => "act-settle-portal-screen",
        StaffAct::SettleByFallback(Fallback::SelfDeclaration) => "act-settle-self-declaration",
    }
}

/// The counter's name.
pub(super) fn lane_name(view: &View<'_>, lane: LaneId) -> String {
    view.say("page-lane", &[("lane", &lane.to_string())])
}

/// A span of time in seconds, to a tenth.
pub(super) fn seconds(view: &View<'_>, ms: u64) -> String {
    let tenths = ms.saturating_add(50) / 100;
    view.say("pages-seconds", &[("seconds", &format!("{}.{}", tenths / 10, tenths % 10))])
}

/// Who did something, by name where the name is still known.
pub(super) fn author(view: &View<'_>, register: &Register, by: Author) -> String {
    match by {
        Author::Person(id) => person_name(register, id),
        Author::Program(id) => view.say("author-program", &[("name", &person_name(register, id))]),
        Author::Console => view.say("author-console", &[]),
    }
}

/// A person's or a token's name; of one that is gone, the id.
fn person_name(register: &Register, id: PersonId) -> String {
    let person = register.person(id).map(|it| it.name.clone());
    let token = || register.tokens.iter().find(|it| it.id == id).map(|it| it.name.clone());
    person.or_else(token).unwrap_or_else(|| id.to_string())
}

/// What a person did, in words.
pub(super) fn person_act(view: &View<'_>, register: &Register, act: PersonAct) -> String {
    let to = |key: &str, id: PersonId| view.say(key, &[("name", &person_name(register, id))]);
    let version = |key: &str, number: u32| view.say(key, &[("number", &number.to_string())]);
    match act {
        PersonAct::LoggedIn => view.say("did-log-in", &[]),
        PersonAct::LogInRefused => view.say("did-log-in-refused", &[]),
        PersonAct::LoggedOut => view.say("did-log-out", &[]),
        PersonAct::PasswordChanged => view.say("did-change-password", &[]),
        PersonAct::KeyAdded => view.say("did-add-key", &[]),
        PersonAct::KeyRemoved => view.say("did-remove-key", &[]),
        PersonAct::Added(id) => to("did-add", id),
        PersonAct::SetUp(id) => to("did-set-up", id),
        PersonAct::RoleChanged(id) => to("did-change-role", id),
        PersonAct::Recovered(id) => to("did-recover", id),
        PersonAct::Disabled(id) => to("did-disable", id),
        PersonAct::Enabled(id) => to("did-enable", id),
        PersonAct::TokenMade(id) => to("did-make-token", id),
        PersonAct::TokenRevoked(id) => to("did-revoke-token", id),
        PersonAct::ActedAsStaff(act) => view.say(act_key(act), &[]),
        PersonAct::ConfigurationApplied(number) => version("did-apply-configuration", number),
        PersonAct::ConfigurationConfirmed(number) => version("did-confirm-configuration", number),
        PersonAct::ConfigurationTakenBack(number) => version("did-take-back-configuration", number),
        PersonAct::CertificateRequested => view.say("did-request-certificate", &[]),
        PersonAct::CertificateStaged => view.say("did-stage-certificate", &[]),
        PersonAct::CertificateProven => view.say("did-prove-certificate", &[]),
        PersonAct::CertificateSwapped => view.say("did-swap-certificate", &[]),
        PersonAct::Tried(kind) => view.say("did-try", &[("device", &view.say(actor_key(kind), &[]))]),
        PersonAct::TookBundle => view.say("did-take-bundle", &[]),
        PersonAct::Restarted(kind) => view.say("did-restart", &[("part", &view.say(actor_key(kind), &[]))]),
        PersonAct::QueueRetried(id) => view.say("did-retry-record", &[("id", &id.to_string())]),
        PersonAct::QueueDiscarded(id, why) => {
            let why = view.say(&format!("queue-discard-{}", why.name()), &[]);
            view.say("did-discard-record", &[("id", &id.to_string()), ("why", &why)])
        }
        PersonAct::QueueExported(id) => view.say("did-export-record", &[("id", &id.to_string())]),
        PersonAct::QueueKeyRotated => view.say("did-rotate-queue-key", &[]),
        PersonAct::QueueKeysDropped => view.say("did-drop-queue-keys", &[]),
    }
}
