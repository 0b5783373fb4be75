//! The table: which alerts each fault makes fire.

use madoguchi_protocol::fault::{
    FaultCode::{self, *},
    Scope,
};

/// A fault that is caused and mended.
pub struct Case {
    /// Which.
    pub fault: FaultCode,
    /// The lanes that have it.
    pub lanes: &'static [u16],
    /// Faults that come with it by its nature, each with an alert of its own.
    pub with: &'static [FaultCode],
    /// Whether the way into it leads through something else that has alerts: a restart, another fault. Then what fires is
    /// judged from the moment on at which nothing but the expected fires.
    pub on_the_way: bool,
    /// Whether patients are seen to be affected: then the service level burns, too.
    pub affects: bool,
    /// Whether `make test` takes it.
    pub quick: bool,
}

const fn of_lanes(fault: FaultCode, lanes: &'static [u16]) -> Case {
    Case { fault, lanes, with: &[], on_the_way: false, affects: false, quick: false }
}

const fn of_box(fault: FaultCode) -> Case {
    of_lanes(fault, &[])
}

const fn quick(case: Case) -> Case {
    Case { quick: true, ..case }
}

const fn on_the_way(case: Case) -> Case {
    Case { on_the_way: true, ..case }
}

/// Every fault that lasts. What each is caused by stands in `scene.rs`.
pub const CASES: &[Case] = &[
    quick(of_lanes(NfcReaderLost, &[1])),
    quick(of_lanes(FaceReaderLost, &[2])),
    quick(of_lanes(PcscDown, &[1, 2])),
    of_lanes(PcscHung, &[1, 2]),
    quick(of_lanes(Rehearsal, &[1])),
    quick(Case { with: &[LineOutage], ..of_box(LineDown) }),
    on_the_way(of_box(LineOutage)),
    quick(of_box(ReceiptFolderUnavailable)),
    quick(of_box(BoxCertificateEnding)),
    of_box(BoxCertificateUrgent),
    of_box(BoxCertificateEnded),
    of_box(BoxCertificateNotTaken),
    of_box(ClockUnsure),
    of_box(ClockWrong),
    of_box(AuditLogFailed),
    Case { affects: true, ..of_box(QueueFull) },
    of_box(ConfirmationSetAside),
    of_box(CharactersLost),
    of_box(BrokerLost),
    on_the_way(of_box(LineOnSecond)),
    on_the_way(of_box(QueueFailed)),
    on_the_way(of_box(UpdateFellBack)),
    on_the_way(of_box(ActorGaveUp)),
];

/// The faults that have an alert: what concerns one visit is told at its lane.
pub fn lasting() -> impl Iterator<Item = FaultCode> {
    FaultCode::ALL.iter().copied().filter(|fault| fault.scope() != Scope::Visit)
}
