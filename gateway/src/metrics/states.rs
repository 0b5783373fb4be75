//! The series that are made from the actors' states.

use super::sheet::Sheet;
use crate::board::States;
use jiff::{SignedDuration, Timestamp};
use madoguchi_protocol::{
    ActorKind, Address,
    fault::{FaultCode, Scope},
    figures::Family,
    messages::{
        line::{CertificateRole, LineReport, Stage},
        state::{Condition, Detail},
    },
};
use std::collections::BTreeSet;

/// The box itself.
pub(super) const BOX: Address = Address::of_box(ActorKind::Gateway);

pub(super) fn add(sheet: &mut Sheet, states: &States) {
    for (address, state) in states {
        let running = state.body.condition == Condition::Running;
        sheet.set(Family::ActorUp, *address, &[], truth(running));
        detail(sheet, *address, &state.body.detail);
    }
    faults(sheet, states);
}

/// Every fault that can last, so that an alert on one ends when it ends and not when its series goes away.
fn faults(sheet: &mut Sheet, states: &States) {
    let lanes: BTreeSet<_> = states.keys().filter_map(|address| address.lane).collect();
    for fault in FaultCode::ALL {
        match fault.scope() {
            Scope::Visit => {}
            Scope::Box => sheet.fault(*fault, None, false),
            Scope::Lane => lanes.iter().for_each(|lane| sheet.fault(*fault, Some(*lane), false)),
        }
    }
    for (address, state) in states {
        for fault in &state.body.faults {
            let lane = address.lane.filter(|_| fault.code.scope() == Scope::Lane);
            sheet.fault(fault.code, lane, true);
        }
    }
}

fn detail(sheet: &mut Sheet, of: Address, detail: &Detail) {
    let mut set = |family, labels: &[&str], value| sheet.set(family, of, labels, value);
    match detail {
        Detail::FaceReader { connected, phones_offered, visit, .. } => {
            set(Family::FaceReaderConnected, &[], truth(*connected));
            set(Family::PhonesOffered, &[], truth(*phones_offered));
            set(Family::VisitInProgress, &[], truth(visit.is_some()));
        }
        Detail::NfcReader { ready, .. } => set(Family::NfcReaderReady, &[], truth(*ready)),
        Detail::PinSession { open_jobs } => set(Family::PinJobsOpen, &[], f64::from(*open_jobs)),
        Detail::Uplink { reachable, since, wrong_answers, report } => {
            set(Family::LineUp, &[], truth(*reachable));
            set(Family::LineSince, &[], seconds(*since));
            set(Family::WrongAnswers, &[], number(*wrong_answers));
            line(report, &mut set);
        }
        Detail::OfflineQueue {
            waiting,
            oldest,
            set_aside,
            settled,
            hours_left,
            given_up_too_old,
            given_up_for_room,
            discarded,
            ..
        } => {
            set(Family::QueueWaiting, &[], number(*waiting));
            set(Family::QueueSetAside, &[], number(*set_aside));
            set(Family::QueueSettled, &[], number(*settled));
            set(Family::QueueGivenUp, &["too_old"], number(*given_up_too_old));
            set(Family::QueueGivenUp, &["for_room"], number(*given_up_for_room));
            set(Family::QueueGivenUp, &["discarded"], number(*discarded));
            if let Some(oldest) = oldest {
                set(Family::QueueOldest, &[], seconds(*oldest));
            }
            if let Some(hours) = hours_left {
                set(Family::QueueLeft, &[], number(*hours) * 3600.0);
            }
        }
        Detail::ReceiptComputer { written, lost_characters, queries_answered, .. } => {
            set(Family::ReceiptsWritten, &[], number(*written));
            set(Family::CharactersLost, &[], number(*lost_characters));
            set(Family::QueriesAnswered, &[], number(*queries_answered));
        }
        Detail::AuditLog { entries, .. } => set(Family::AuditEntries, &[], number(*entries)),
        _ => {}
    }
}

/// Each of the hospital's lines, the clock, and the certificates that the line's actor watches.
fn line(report: &LineReport, set: &mut impl FnMut(Family, &[&str], f64)) {
    for line in &report.ways {
        for stage in Stage::ALL {
            set(Family::LineStage, &[line.way.name(), stage.name()], truth(line.stage == stage));
        }
        set(Family::LineUsed, &[line.way.name()], truth(report.used == Some(line.way)));
    }
    set(Family::LineChangeovers, &[], number(report.changes));
    if let Some(clock) = report.clock {
        set(Family::ClockSynchronised, &[], truth(clock.synchronised));
        if let Some(offset) = clock.offset_us {
            let micros = SignedDuration::from_micros(offset);
            set(Family::ClockOffset, &[], micros.as_secs_f64());
        }
    }
    for role in CertificateRole::ALL {
        let ends = report.certificates.iter().filter(|term| term.role == role).map(|term| term.ends);
        if let Some(first) = ends.min() {
            set(Family::CertificateEnds, &[role.name()], seconds(first));
        }
    }
}

pub(super) fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a sample is a float; counts over 2^53 are not reached")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}
