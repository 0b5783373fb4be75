//! A patient at a counter: looks at the screen, thinks, does what it asks for; until the visit is over.

use super::{
    counter::Counter,
    outcome::{End, Outcome, Seen},
    plan::{Mishap, Patient},
};
use crate::visits::{PIN, Way};
use madoguchi_simulator::face_reader::{Shown, View};
use rand::{RngExt, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::{collections::BTreeSet, time::Duration};

/// No screen may stay longer than this without something that the patient can do.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// How long a patient waits for 「スマートフォンを利用する」 to appear.
const BUTTON_WITHIN: Duration = Duration::from_secs(25);
/// Whoever is interrupted begins again so many times.
const MOST_VISITS: usize = 4;
/// In the field: looking at a screen before touching it.
const THINKING_MS: std::ops::Range<u64> = 1_000..5_000;
const WRONG_PIN: &str = "9999";

/// Serves one patient at a counter that shows its first screen.
pub async fn serve(counter: &Counter<'_>, patient: Patient) -> anyhow::Result<Outcome> {
    let mut visits = Vec::new();
    let mut again = true;
    let mut mishap = patient.mishap;
    while again && visits.len() < MOST_VISITS {
        let mut visitor = Visitor::new(counter, &patient, mishap, visits.len());
        let seen = visitor.visit().await?;
        again = seen.end == End::Interrupted;
        // It happens once.
        mishap = mishap.filter(|mishap| *mishap != Mishap::ReaderRestarts);
        visits.push(seen);
    }
    Ok(Outcome { patient, lane: counter.number, visits })
}

struct Visitor<'a> {
    counter: &'a Counter<'a>,
    patient: &'a Patient,
    chance: XorShiftRng,
    /// Still to happen.
    mishap: Option<Mishap>,
    way: Way,
    card: String,
    typed_wrong: bool,
    slot_pin_typed: bool,
    cable_is_out: bool,
    /// Screens with something to touch so far.
    asked: u8,
    seen: Seen,
    /// Left on purpose, and how.
    left: Option<End>,
}

/// What to do after a screen was answered.
enum Next {
    Look,
    Over(End),
}

impl<'a> Visitor<'a> {
    fn new(counter: &'a Counter<'a>, patient: &'a Patient, mishap: Option<Mishap>, before: usize) -> Self {
        Self {
            counter,
            patient,
            chance: XorShiftRng::seed_from_u64(patient.seed.wrapping_add(before as u64)),
            mishap,
            way: patient.way,
            card: patient.card.clone(),
            typed_wrong: false,
            slot_pin_typed: false,
            cable_is_out: false,
            asked: 0,
            seen: Seen {
                visits: BTreeSet::new(),
                screens: Vec::new(),
                pads_for_iphone: 0,
                consented: false,
                end: End::Stuck("before the first screen".into()),
            },
            left: None,
        }
    }

    async fn visit(&mut self) -> anyhow::Result<Seen> {
        let end = self.until_it_is_over().await?;
        if self.cable_is_out {
            self.counter.plug_in().await?;
        }
        self.counter.clear().await?;
        self.seen.end = end;
        if !self.counter.becomes_idle(STUCK_AFTER).await {
            self.seen.end = End::Stuck(format!("{} does not lead to idle", self.seen.end.name()));
        }
        Ok(self.seen.clone())
    }

    async fn until_it_is_over(&mut self) -> anyhow::Result<End> {
        if !self.counter.becomes_idle(STUCK_AFTER).await {
            return Ok(End::Stuck("no idle screen to begin with".into()));
        }
        let mut looked_at = 0;
        loop {
            let slot_pin_typed = self.slot_pin_typed;
            let news = |view: &View| {
                let new = view.screen.as_ref().is_some_and(|screen| screen.sequence > looked_at);
                let lost = !view.connected;
                new || lost || (view.slot_pin_wanted && !slot_pin_typed)
            };
            let Some(view) = self.counter.lane.reader.wait_for(STUCK_AFTER, news).await else {
                return Ok(End::Stuck(format!("nothing after {:?}", self.seen.screens)));
            };
            if !view.connected {
                if self.begun() {
                    return Ok(End::Interrupted);
                }
                self.counter.becomes_idle(STUCK_AFTER).await;
                continue;
            }
            if view.slot_pin_wanted && !slot_pin_typed {
                self.slot_pin_typed = true;
                self.think().await;
                let pin = self.pin();
                self.counter.lane.reader.type_pin(pin).ok();
                continue;
            }
            let Some(screen) = view.screen.filter(|screen| screen.sequence > looked_at) else { continue };
            looked_at = screen.sequence;
            self.note(&screen);
            match self.look_at(&screen).await? {
                Next::Look => {}
                Next::Over(end) => return Ok(end),
            }
        }
    }

    fn begun(&self) -> bool {
        !self.seen.visits.is_empty()
    }

    fn note(&mut self, screen: &Shown) {
        if let Some(visit) = &screen.visit {
            self.seen.visits.insert(visit.clone());
        }
        if screen.pin_job.is_some() && self.way == Way::Iphone {
            self.seen.pads_for_iphone += 1;
        }
        self.seen.screens.push(screen.kind.clone());
    }

    async fn think(&mut self) {
        let ms = self.chance.random_range(THINKING_MS);
        tokio::time::sleep(self.counter.options.at_speed(Duration::from_millis(ms))).await;
    }

    /// Deals with a screen that was not seen before.
    async fn look_at(&mut self, screen: &Shown) -> anyhow::Result<Next> {
        match screen.kind.as_str() {
            // The box is at work.
            "reading" | "authenticating" | "confirming" | "out_of_service" => return Ok(Next::Look),
            "reading_slot" => {
                self.slot_pin_typed = false;
                return Ok(Next::Look);
            }
            // Of the visit before, unless it was this one; then it begins anew.
            "interrupted" => {
                self.think().await;
                self.counter.touch("finish");
                return Ok(if self.begun() { Next::Over(End::Interrupted) } else { Next::Look });
            }
            "idle" if self.begun() => return Ok(Next::Over(self.left.clone().unwrap_or(End::TimedOut))),
            // Gone: only the idle screen is of interest now.
            _ if self.left.is_some() => return Ok(Next::Look),
            _ => {}
        }
        self.think().await;
        if self.counter.sequence() != Some(screen.sequence) {
            // It changed meanwhile: what is to be done is on the new one.
            return Ok(Next::Look);
        }
        if let Some(end) = last_screen(&screen.kind) {
            self.counter.clear().await?;
            self.counter.touch("finish");
            return Ok(Next::Over(end));
        }
        if screen.kind != "idle" {
            self.asked += 1;
            if self.asked >= self.patient.at_screen && self.leaves(screen).await? {
                return Ok(Next::Look);
            }
        }
        self.answer(screen).await
    }

    /// Whether the patient is gone now, or the reader.
    async fn leaves(&mut self, screen: &Shown) -> anyhow::Result<bool> {
        match self.mishap {
            Some(Mishap::WalksAway) => {
                self.left = Some(End::WalkedAway);
                self.counter.clear().await?;
            }
            Some(Mishap::Cancels) if screen.choices.iter().any(|choice| choice.id == "cancel") => {
                // The screen may have changed while the patient thought.
                if !self.counter.touch("cancel") {
                    return Ok(false);
                }
                self.left = Some(End::Cancelled);
            }
            Some(Mishap::ReaderRestarts) => {
                self.mishap = None;
                self.counter.lane.reader.restart();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn answer(&mut self, screen: &Shown) -> anyhow::Result<Next> {
        let counter = self.counter;
        match screen.kind.as_str() {
            "idle" => return self.begin(screen).await,
            "choose_medium" => {
                let phone = matches!(self.way, Way::Android | Way::Iphone);
                counter.touch(if phone { "use_phone" } else { "use_card" });
            }
            "choose_phone" => {
                counter.touch(if self.way == Way::Iphone { "iphone" } else { "android" });
            }
            "phone_authenticates" => {
                counter.touch("continue");
            }
            "face_or_pin" => self.face_or_pin(),
            "insert_card" => counter.insert(&self.card)?,
            "enter_pin" => {
                let pin = self.pin();
                counter.lane.reader.type_pin(pin).ok();
            }
            "hold_medium" => self.hold().await?,
            "hold_hint" => {
                counter.take_away().await;
                counter.touch("retry");
            }
            "wrong_medium" => self.wrong_medium(screen).await,
            "last_try" => {
                counter.touch(if self.mishap == Some(Mishap::LastTryNo) { "no" } else { "yes" });
            }
            "consent" => self.consent().await?,
            "consent_item" => {
                let choice = if self.chance.random_bool(0.5) { "yes" } else { "no" };
                // The last of the five answers is the consent.
                self.seen.consented |= counter.touch(choice);
            }
            other => anyhow::bail!("lane {}: nobody told patients what {other:?} wants", counter.number),
        }
        Ok(Next::Look)
    }

    async fn begin(&mut self, screen: &Shown) -> anyhow::Result<Next> {
        match self.way {
            Way::CardByFace | Way::CardByPin => {
                let mismatch = self.mishap == Some(Mishap::FaceMismatch);
                self.counter.lane.reader.set_face(!mismatch);
                self.counter.insert(&self.card)?;
            }
            Way::CardHeld => {
                self.counter.touch("use_card");
            }
            Way::Android | Way::Iphone => {
                if self.counter.offers("use_phone") {
                    self.counter.touch("use_phone");
                } else if !self.counter.changes(screen.sequence, BUTTON_WITHIN).await {
                    // Whoever has nothing but a phone goes to staff.
                    return Ok(Next::Over(End::NoPhones));
                }
                // The screen with the button is a new one, and looked at anew.
            }
        }
        Ok(Next::Look)
    }

    fn face_or_pin(&mut self) {
        let counter = self.counter;
        match self.way {
            Way::CardByFace if self.mishap == Some(Mishap::FaceMismatch) && self.asked > 1 => {
                if self.chance.random_bool(0.5) {
                    counter.lane.reader.set_face(true);
                    counter.touch("face");
                } else {
                    self.way = Way::CardByPin;
                    counter.touch("pin");
                }
            }
            Way::CardByFace => {
                counter.touch("face");
            }
            _ => {
                counter.touch("pin");
            }
        }
    }

    /// The digits to type now.
    fn pin(&mut self) -> &'static str {
        if self.mishap == Some(Mishap::WrongPin) && !self.typed_wrong {
            self.typed_wrong = true;
            return WRONG_PIN;
        }
        PIN
    }

    async fn hold(&mut self) -> anyhow::Result<()> {
        let counter = self.counter;
        match self.mishap {
            Some(Mishap::CablePulled) => {
                self.mishap = None;
                self.cable_is_out = true;
                counter.pull_cable().await;
            }
            Some(Mishap::WrongMedium) => {
                let wrong = self.patient.other.clone().unwrap_or_default();
                counter.hold(&wrong).await?;
            }
            _ => {
                let card = self.card.clone();
                counter.hold(&card).await?;
            }
        }
        Ok(())
    }

    async fn wrong_medium(&mut self, screen: &Shown) {
        self.mishap = None;
        let offers_switch = screen.choices.iter().any(|choice| choice.id == "switch");
        let other = self.patient.other.clone().unwrap_or_default();
        self.counter.take_away().await;
        if offers_switch && !other.is_empty() && self.chance.random_bool(0.5) {
            self.way = match other.split('#').next() {
                Some("iphone") => Way::Iphone,
                Some("android") => Way::Android,
                _ => Way::CardHeld,
            };
            self.card = other;
            self.counter.touch("switch");
        } else {
            self.counter.touch("retry");
        }
    }

    async fn consent(&mut self) -> anyhow::Result<()> {
        if self.mishap == Some(Mishap::HeldTooEarly)
            && let Some(other) = self.patient.other.clone()
        {
            self.counter.hold(&other).await?;
        }
        match self.chance.random_range(0..10) {
            0 => {
                self.counter.touch("agree_each");
            }
            1 => self.seen.consented |= self.counter.touch("agree_none"),
            _ => self.seen.consented |= self.counter.touch("agree_all"),
        }
        Ok(())
    }
}

fn last_screen(kind: &str) -> Option<End> {
    Some(match kind {
        "done" => End::Done,
        "done_not_valid" => End::DoneNotValid,
        "deferred" => End::Deferred,
        "fallback" | "taken_over" => End::Fallback,
        _ => return None,
    })
}
