//! What goes wrong around the patients: the line, the centre, the readers' service.

use super::plan::Options;
use anyhow::Result;
use madoguchi_simulator::{
    centre::{Fault, Injection},
    hospital::Hospital,
};
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_xorshift::XorShiftRng;
use std::time::Duration;

/// How long a fault of the centre lasts in the field, at most: some are over after a few requests.
const LASTS: Duration = Duration::from_secs(90);
/// How long the line is down.
const DOWN_FOR: Duration = Duration::from_secs(300);
/// How long the readers' service stays dead: as long as a service manager takes to notice.
const DEAD_FOR: Duration = Duration::from_millis(800);

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The line is down for a while.
    LineDown,
    /// A fault of the centre, for a while or for some requests.
    Centre(Injection),
    /// The readers' service dies and is started anew.
    ServiceDies,
}

impl Event {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::LineDown => "the line goes down".into(),
            Self::Centre(injection) => match injection.fault {
                Fault::Slow { ms } => format!("the centre takes {ms} ms longer"),
                Fault::Hang => "the centre hangs".into(),
                Fault::Reset => "the centre resets connections".into(),
                Fault::DropAfterCommit => "the centre cuts the line after it did the work".into(),
                Fault::WrongAnswer => "the centre gives somebody else's answer".into(),
                Fault::Malformed => "the centre's answers break off".into(),
                Fault::Status { code } => format!("the centre answers {code}"),
                Fault::Refuse => "the centre refuses connections".into(),
            },
            Self::ServiceDies => "the readers' service is killed".into(),
        }
    }
}

/// The day's events with their times in the field, in order: each kind once in any morning, again and again in a
/// long one.
pub fn forecast(options: &Options) -> Vec<(Duration, Event)> {
    if !options.faults {
        return Vec::new();
    }
    let mut chance = XorShiftRng::seed_from_u64(options.seed ^ 0x77EA_7412);
    let hours = options.opening_hours();
    // Not more often than every seven minutes: people rest between misfortunes.
    let rounds = (hours.as_secs() / 420 / 8).max(1);
    let mut events = Vec::new();
    for _ in 0..rounds {
        events.extend(centre_events(&mut chance));
    }
    events.push(Event::ServiceDies);
    events.shuffle(&mut chance);
    let pause = hours / u32::try_from(events.len() + 1).unwrap_or(u32::MAX);
    (1..).map(|number: u32| pause * number).zip(events).collect()
}

fn centre_events(chance: &mut impl Rng) -> Vec<Event> {
    const CONFIRMATIONS: &str = "/v1/confirmations";
    let few = |chance: &mut _| RngExt::random_range(chance, 2..8_u32);
    let on_confirmations =
        |fault: Fault, times| Event::Centre(Injection::from(fault).on(CONFIRMATIONS).times(times));
    vec![
        Event::LineDown,
        Event::Centre(Fault::Slow { ms: chance.random_range(500..6_000) }.into()),
        Event::Centre(Injection::from(Fault::Status { code: 503 }).times(few(chance))),
        on_confirmations(Fault::DropAfterCommit, few(chance)),
        on_confirmations(Fault::WrongAnswer, few(chance)),
        on_confirmations(Fault::Malformed, few(chance)),
        on_confirmations(Fault::Reset, few(chance)),
        Event::Centre(Fault::Hang.into()),
    ]
}

/// Makes an event happen; returns when it is over.
pub async fn happen(hospital: &Hospital, options: &Options, event: &Event) -> Result<()> {
    let faults = hospital.centre().faults();
    match event {
        Event::LineDown => faults.line_down(),
        Event::Centre(injection) => faults.inject(injection.clone())?,
        Event::ServiceDies => {
            hospital.pcsc.lock().await.kill()?;
            tokio::time::sleep(DEAD_FOR).await;
            let mut service = hospital.pcsc.lock().await;
            tokio::task::block_in_place(|| service.restart())?;
            return Ok(());
        }
    }
    let lasts = if *event == Event::LineDown { DOWN_FOR } else { LASTS };
    tokio::time::sleep(options.at_speed(lasts)).await;
    faults.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_comes_once_at_least_and_within_opening_hours() {
        for patients in [40, 1000] {
            let options = Options { lanes: 16, patients, seed: 3, mishaps: 5, speed: 60.0, faults: true };
            let events = forecast(&options);
            assert_eq!(events.iter().filter(|(_, event)| *event == Event::ServiceDies).count(), 1);
            assert!(events.len() >= 9 && events.iter().all(|(at, _)| *at < options.opening_hours()));
            assert_eq!(events, forecast(&options));
        }
    }
}
