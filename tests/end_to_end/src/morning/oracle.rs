//! The oracle: compares what patients saw with what the centre, the receipt computer and the audit log have.

use super::outcome::{End, Outcome, Seen};
use madoguchi_simulator::{
    cards::Medium,
    centre::{ConfirmationResult, Effect},
    hospital::{Hospital, Receipt},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What the audit log has of one visit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logged {
    accepted: u32,
    ended: Vec<String>,
}

/// Everything there is to compare.
pub struct Evidence {
    /// What took effect at the centre.
    pub effects: Vec<Effect>,
    /// The receipt computer's folders.
    pub receipts: Vec<Receipt>,
    /// The audit log, by visit.
    pub logged: BTreeMap<String, Logged>,
    /// Visits that the gateway's own usage count has as counted.
    pub counted: u64,
    /// Confirmations that wait in the gateway's queue, and those set aside.
    pub queue: (u64, u64),
    /// Lanes that do not show their first screen.
    pub not_idle: Vec<u16>,
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Offence {
    /// The patient, unless it is nobody's in particular.
    pub patient: Option<u16>,
    /// What.
    pub what: String,
}

/// Reads the audit log: JSON lines with `visit` and `what`.
pub fn read_audit_log(folder: &Path) -> anyhow::Result<BTreeMap<String, Logged>> {
    let mut visits: BTreeMap<String, Logged> = BTreeMap::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(path)?.lines() {
            let line: serde_json::Value = serde_json::from_str(line)?;
            let Some(visit) = line["visit"].as_str() else { continue };
            let entry = &line["what"]["entry"];
            let logged = visits.entry(visit.to_owned()).or_default();
            logged.accepted += u32::from(entry == "confirmation_accepted");
            if !entry["visit_ended"].is_null() {
                logged.ended.push(entry["visit_ended"].to_string());
            }
        }
    }
    Ok(visits)
}

/// Judges the morning: an empty list is a clean one.
pub fn judge(
    outcomes: &[Outcome],
    expected: usize,
    evidence: &Evidence,
    hospital: &Hospital,
) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut say = |patient: Option<u16>, what: String| offences.push(Offence { patient, what });
    if outcomes.len() != expected {
        say(None, format!("{} of {expected} patients have an outcome", outcomes.len()));
    }
    let mut known = BTreeSet::new();
    for outcome in outcomes {
        let patient = Some(outcome.patient.number);
        match outcome.end() {
            None | Some(End::Interrupted) => say(patient, "has no outcome".into()),
            Some(End::Stuck(why)) => say(patient, format!("is stuck: {why}")),
            Some(_) => {}
        }
        for seen in &outcome.visits {
            for visit in &seen.visits {
                if !known.insert(visit.clone()) {
                    say(patient, format!("was shown visit {visit}, which somebody else had"));
                }
            }
            for what in judge_visit(seen, evidence) {
                say(patient, format!("{what}; screens {:?}", seen.screens));
            }
        }
    }
    for effect in &evidence.effects {
        if effect.commits != 1 {
            say(None, format!("request {} took effect {} times", effect.request_id, effect.commits));
        }
        if !known.contains(&effect.visit.to_string()) {
            say(None, format!("the centre has an effect of visit {}, which nobody made", effect.visit));
        }
    }
    for visit in evidence.logged.keys().filter(|visit| !known.contains(*visit)) {
        say(None, format!("the audit log has visit {visit}, which nobody made"));
    }
    let files = faces(evidence).count();
    if files != evidence.effects.len() {
        say(None, format!("{files} files in Face for {} effects", evidence.effects.len()));
    }
    let confirmed =
        evidence.effects.iter().filter(|effect| effect.result == ConfirmationResult::Confirmed).count();
    if usize::try_from(evidence.counted).ok() != Some(confirmed) {
        say(
            None,
            format!("the gateway counts {} visits, the centre confirmed {confirmed}", evidence.counted),
        );
    }
    if evidence.queue != (0, 0) {
        say(None, format!("the queue has (waiting, set aside) = {:?}", evidence.queue));
    }
    for lane in &evidence.not_idle {
        say(None, format!("lane {lane} does not show its first screen at the end"));
    }
    for name in hospital.wallet.names() {
        if let Ok(card) = hospital.wallet.card(&name)
            && card.medium() == Medium::Iphone
            && card.seen().pins > 0
        {
            say(None, format!("{name} was sent a PIN (R-18)"));
        }
    }
    for outcome in outcomes.iter().filter(|it| it.patient.mishap == Some(super::Mishap::HeldTooEarly)) {
        if let Some(card) = outcome.patient.other.as_ref().and_then(|name| hospital.wallet.card(name).ok())
            && card.seen().signatures + card.seen().pins > 0
        {
            say(Some(outcome.patient.number), "the next patient's phone was used".into());
        }
    }
    offences
}

fn faces(evidence: &Evidence) -> impl Iterator<Item = &Receipt> {
    evidence.receipts.iter().filter(|file| file.folder == "Face")
}

fn judge_visit(seen: &Seen, evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let end = seen.end.name();
    if seen.pads_for_iphone > 0 {
        wrong.push("a PIN pad was shown to an iPhone (R-18)".into());
    }
    let visit = match seen.visits.iter().collect::<Vec<_>>().as_slice() {
        [] if matches!(seen.end, End::NoPhones | End::Stuck(_)) => return wrong,
        [one] => *one,
        many => {
            wrong.push(format!("one stay at the counter was {} visits: {many:?}", many.len()));
            return wrong;
        }
    };
    let effects: Vec<_> =
        evidence.effects.iter().filter(|effect| effect.visit.to_string() == *visit).collect();
    let files = faces(evidence).filter(|file| file.name.contains(visit.as_str())).count();
    let logged = evidence.logged.get(visit).cloned().unwrap_or_default();
    let mut must = |is: bool, what: String| {
        if !is {
            wrong.push(format!("visit {visit} ({end}): {what}"));
        }
    };
    must(effects.len() <= 1, format!("{} effects at the centre", effects.len()));
    must(effects.len() == files, format!("{} effects, {files} files", effects.len()));
    must(
        effects.len() == logged.accepted as usize,
        format!("{} effects, accepted {} times", effects.len(), logged.accepted),
    );
    must(logged.ended.len() == 1, format!("ended in the audit log with {:?}", logged.ended));
    must(effects.is_empty() || seen.consented, "an effect without the patient's consent".into());
    if seen.end.is_accepted() {
        must(effects.len() == 1, "shown as accepted, without effect at the centre".into());
    }
    let logged_as = |end: &str| logged.ended.iter().all(|ended| ended.contains(end));
    match seen.end {
        End::Done | End::DoneNotValid => must(logged_as("confirmed"), "logged otherwise".into()),
        End::Deferred => must(logged_as("deferred"), "logged otherwise".into()),
        _ => {}
    }
    let confirmed = effects.iter().any(|effect| effect.result == ConfirmationResult::Confirmed);
    match seen.end {
        End::Done | End::DoneNotValid => must(confirmed, "shown as confirmed, which it is not".into()),
        End::Fallback | End::Cancelled | End::WalkedAway | End::NoPhones => {
            must(!confirmed, "confirmed at the centre, though the patient saw otherwise".into());
        }
        End::Deferred | End::TimedOut | End::Interrupted | End::Stuck(_) => {}
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const VISIT: Uuid = Uuid::from_u128(7);

    fn effect(result: ConfirmationResult) -> Effect {
        Effect {
            request_id: Uuid::from_u128(1),
            commits: 1,
            replays: 0,
            at: jiff::Timestamp::UNIX_EPOCH,
            terminal: String::new(),
            lane: 1,
            visit: VISIT,
            result,
            deferred: false,
        }
    }

    fn file() -> Receipt {
        Receipt {
            folder: "Face".into(),
            name: format!("OQSsiquc01res_face_1_{VISIT}_20251122093000.xml"),
            encoding: "UTF-8".into(),
            text: String::new(),
        }
    }

    /// A visit that ended well, and what there is of it.
    fn well() -> (Seen, Evidence) {
        let seen = Seen {
            visits: [VISIT.to_string()].into(),
            screens: Vec::new(),
            pads_for_iphone: 0,
            consented: true,
            end: End::Done,
        };
        let logged = Logged { accepted: 1, ended: vec!["\"confirmed\"".into()] };
        let evidence = Evidence {
            effects: vec![effect(ConfirmationResult::Confirmed)],
            receipts: vec![file()],
            logged: [(VISIT.to_string(), logged)].into(),
            counted: 1,
            queue: (0, 0),
            not_idle: Vec::new(),
        };
        (seen, evidence)
    }

    #[test]
    fn a_visit_that_went_well_is_not_objected_to() {
        let (seen, evidence) = well();
        assert_eq!(judge_visit(&seen, &evidence), Vec::<String>::new());
    }

    #[test]
    fn whatever_is_lost_doubled_or_unwanted_is_objected_to() {
        type Spoil = fn(&mut Seen, &mut Evidence);
        let spoils: [(&str, Spoil); 11] = [
            ("the effect is lost", |_, all| all.effects.clear()),
            ("the effect is doubled", |_, all| all.effects.push(effect(ConfirmationResult::Confirmed))),
            ("the file is lost", |_, all| all.receipts.clear()),
            ("the file is doubled", |_, all| all.receipts.push(file())),
            ("nothing was accepted", |_, all| all.logged.values_mut().for_each(|it| it.accepted = 0)),
            ("no consent", |seen, _| seen.consented = false),
            ("refused, and shown as done", |_, all| {
                all.effects = vec![effect(ConfirmationResult::Revoked)];
            }),
            ("confirmed, and shown as cancelled", |seen, _| seen.end = End::Cancelled),
            ("a PIN pad for an iPhone", |seen, _| seen.pads_for_iphone = 1),
            ("ended twice", |_, all| {
                all.logged.values_mut().for_each(|it| it.ended.push("\"abandoned\"".into()));
            }),
            ("two visits at once", |seen, _| {
                seen.visits.insert(Uuid::from_u128(8).to_string());
            }),
        ];
        for (what, spoil) in spoils {
            let (mut seen, mut evidence) = well();
            spoil(&mut seen, &mut evidence);
            assert_ne!(judge_visit(&seen, &evidence), Vec::<String>::new(), "{what}");
        }
    }
}
