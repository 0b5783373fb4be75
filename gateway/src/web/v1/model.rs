//! What the API says, as JSON.

use crate::web::{
    lanes::{Doing, by_lane},
    repairs,
    view::View,
};
use jiff::civil::Date;
use madoguchi::figures::{LaneResult, Outcome as Told};
use madoguchi_audit_log::usage::notified_and_applied;
use madoguchi_protocol::{
    PersonId,
    evidence::Medium,
    fault::{FaultCode, Severity},
    messages::{
        audit_log::{Fallback, ReportRow, VisitEnd},
        state::Detail,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something was not answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Mistake {
    /// Stable, for programs.
    error: String,
    /// For people.
    reason: String,
}

/// A lane as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Lane {
    /// The number on the counter's sign.
    #[schema(minimum = 1, maximum = 999)]
    pub(super) lane: u16,
    /// `idle`, `serving`, `needs_staff`, `troubled` or `down`.
    doing: String,
    /// The visit in progress.
    visit: Option<Visit>,
    /// Whether smartphones are offered.
    phones_offered: bool,
    /// The codes of its faults, as in the catalogue.
    faults: Vec<String>,
}

/// A visit in progress. It tells nothing of the patient.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Visit {
    /// Its identifier.
    visit: String,
    /// Where it stands.
    step: String,
    /// Since when, RFC 3339.
    since: String,
    /// `my_number_card`, `android` or `iphone`, once chosen.
    medium: Option<String>,
    /// The code of what went wrong last in it.
    trouble: Option<String>,
}

/// A value's own name in JSON.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

pub(super) fn lanes(view: &View<'_>) -> Vec<Lane> {
    let mut all = Vec::new();
    for (lane, states) in by_lane(view) {
        let (mut visit, mut phones_offered) = (None, false);
        for state in &states {
            if let Detail::FaceReader { visit: present, phones_offered: offered, .. } = &state.detail {
                phones_offered = *offered;
                visit = present.as_ref().map(|it| Visit {
                    visit: it.visit.to_string(),
                    step: name(&it.step),
                    since: it.since.to_string(),
                    medium: it.medium.map(|medium| medium.name().into()),
                    trouble: it.trouble.map(|code| code.name().into()),
                });
            }
        }
        let faults = states.iter().flat_map(|state| &state.faults).map(|fault| fault.code.name().into());
        all.push(Lane {
            lane: lane.number(),
            doing: Doing::of(&states).name().into(),
            visit,
            phones_offered,
            faults: faults.collect(),
        });
    }
    all
}

/// What is missing for smartphones at a lane.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// The lane's number.
    lane: u16,
    /// Whether smartphones are offered.
    phones_offered: bool,
    /// Since when they are, or are not, RFC 3339.
    since: Option<String>,
    /// The terms that are not satisfied.
    unmet: Vec<Term>,
}

/// A term that is not satisfied.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Term {
    /// Its name.
    term: String,
    /// Since when, RFC 3339.
    since: String,
    /// What is needed.
    what: String,
    /// How to get there.
    action: String,
}

pub(super) fn readiness(view: &View<'_>) -> Vec<Readiness> {
    let mut all = Vec::new();
    for (address, state) in view.states {
        let (Some(lane), Detail::FaceReader { phones_offered, phones_since, phones_unmet, .. }) =
            (address.lane, &state.body.detail)
        else {
            continue;
        };
        let term = |it: &madoguchi_protocol::readiness::UnmetTerm| Term {
            term: name(&it.id),
            since: it.since.to_string(),
            what: view.say(&it.id.what_key(), &[]),
            action: view.say(&it.id.action_key(), &[]),
        };
        all.push(Readiness {
            lane: lane.number(),
            phones_offered: *phones_offered,
            since: phones_since.map(|since| since.to_string()),
            unmet: phones_unmet.iter().map(term).collect(),
        });
    }
    all
}

/// Something that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fault {
    /// The code in the catalogue, where it has one.
    code: Option<String>,
    /// `critical`, `warning` or `notice`.
    severity: String,
    /// The lane, or nothing for the box.
    lane: Option<u16>,
    /// Since when, RFC 3339.
    since: Option<String>,
    /// What is wrong, for staff.
    what: String,
    /// What to do.
    action: String,
}

pub(super) fn faults(view: &View<'_>) -> Vec<Fault> {
    let told = |repair: repairs::Repair| Fault {
        code: repair.fault.map(FaultCode::name).map(Into::into),
        severity: match repair.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
        .into(),
        lane: repair.lane.map(|lane| lane.number()),
        since: repair.since.map(|since| since.to_string()),
        what: repair.what,
        action: repair.steps,
    };
    repairs::all(view).into_iter().map(told).collect()
}

/// A month's counts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counts {
    /// Always `estimate`.
    kind: String,
    /// `2025-09`.
    month: String,
    /// The month in which its usage is notified.
    notified: String,
    /// The month from which on it is applied.
    applied: String,
    /// Visits, by what they have in common.
    rows: Vec<CountsRow>,
}

/// Visits that have all of this in common.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountsRow {
    /// The lane.
    lane: Option<u16>,
    /// The hour in Japan in which they began.
    #[schema(maximum = 23)]
    hour: u8,
    /// What was read, or `none`.
    medium: String,
    /// How eligibility was established, or `open`.
    established: String,
    /// What the patient is asked to pay, or `none`.
    payment: String,
    /// `yes`, `no` or `open`.
    counts: String,
    /// Why.
    reason: String,
    /// How many.
    visits: u64,
}

impl Counts {
    pub(super) fn of(month: Date, rows: Vec<ReportRow>) -> Self {
        let of = |month: Date| month.strftime("%Y-%m").to_string();
        let (notified, applied) = notified_and_applied(month);
        let row = |row: ReportRow| CountsRow {
            lane: row.lane.map(|lane| lane.number()),
            hour: row.hour,
            medium: row.medium,
            established: row.established,
            payment: row.payment,
            counts: row.counts,
            reason: row.reason,
            visits: row.visits,
        };
        Self {
            kind: "estimate".into(),
            month: of(month),
            notified: of(notified),
            applied: of(applied),
            rows: rows.into_iter().map(row).collect(),
        }
    }
}

/// Somebody of the staff acts on the lane's visit.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// What is done.
    pub(super) act: Deed,
    /// Who acts, as the program says. The portal's screen is refused where nobody is named.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(super) by: Option<PersonId>,
}

/// What staff do.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// Cancel the visit.
    Cancel,
    /// Take it over.
    TakeOver,
    /// Compare the photograph (目視).
    ConfirmPhoto,
    /// It was settled by another way.
    SettleByFallback(Way),
    /// Declare the lane offline for practice. Only while nobody is being served.
    BeginRehearsal,
    /// End the practice.
    EndRehearsal,
}

/// The other ways.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// マイナンバーカード
    MyNumberCard,
    /// 資格確認書
    EligibilityCertificate,
    /// マイナポータルの資格情報の画面, seen by a member of staff.
    PortalScreen,
    /// 被保険者資格申立書
    SelfDeclaration,
}

/// It was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Acted {
    /// True.
    done: bool,
    /// What the patient is asked to pay, where the visit was settled.
    pays: Option<String>,
    /// Whether it counts, by the reason's code.
    counting: Option<String>,
}

/// What a visit came to, on the stream: once when it ends, once more when the centre answers later.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outcome {
    /// The visit.
    pub(super) visit: String,
    /// Its lane.
    lane: u16,
    /// When, RFC 3339.
    at: String,
    /// What was read, where known.
    medium: Option<String>,
    /// `confirmed`, `deferred`, `not_confirmed`, the fallback's name, `abandoned`, `taken_over`,
    /// `interrupted` or `practised`; for an
    /// answer that came later the centre's verdict.
    outcome: String,
    /// Whether the answer came after the visit.
    later: bool,
}

impl Outcome {
    pub(super) fn of(result: &LaneResult) -> Self {
        let (outcome, later) = match result.outcome {
            Told::Ended(end) => (end_name(end), false),
            Told::Settled(settlement) => (settlement.verdict.name(), true),
        };
        Self {
            visit: result.visit.to_string(),
            lane: result.lane.number(),
            at: result.at.to_string(),
            medium: result.medium.map(Medium::name).map(Into::into),
            outcome: outcome.into(),
            later,
        }
    }
}

const fn end_name(end: VisitEnd) -> &'static str {
    match end {
        VisitEnd::Fallback(Fallback::MyNumberCard) => "my_number_card",
        VisitEnd::Fallback(Fallback::EligibilityCertificate) => "eligibility_certificate",
        VisitEnd::Fallback(Fallback::PortalScreen) => "portal_screen",
        VisitEnd::Fallback(Fallback::SelfDeclaration) => "self_declaration",
        other => other.name(),
    }
}
