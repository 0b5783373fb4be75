//! Who is logged in: kept in memory, known by the digest of a random id, ended by time, by logging out, and whenever
//! what is known of the person changes. A restart of the gateway ends them all.

use crate::people::{Digest, Role, Secret};
use madoguchi_protocol::PersonId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// More are not kept; the one that was idle longest goes.
const MOST: usize = 1000;
/// Of one person.
const MOST_OF_ONE: usize = 8;

/// One log-in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) person: PersonId,
    /// The person's generation when they logged in.
    pub(super) generation: u64,
    /// What every form of this session carries.
    pub(super) csrf: Secret,
    role: Role,
    began: Instant,
    seen: Instant,
}

/// All of them.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Digest, Session>>);

/// For how long a session lasts without anything being done, and at most. A viewer only looks, on a screen on the
/// wall: there looking is what is done.
pub(super) const fn limits(role: Role) -> (Duration, Duration) {
    const HOUR: u64 = 3600;
    match role {
        Role::Administrator | Role::Auditor => (Duration::from_secs(HOUR / 4), Duration::from_secs(8 * HOUR)),
        Role::Operator => (Duration::from_secs(HOUR), Duration::from_secs(12 * HOUR)),
        Role::Viewer => (Duration::from_secs(HOUR), Duration::from_secs(7 * 24 * HOUR)),
    }
}

impl Session {
    fn lasts(&self, now: Instant) -> bool {
        let (idle, at_most) = limits(self.role);
        now.duration_since(self.seen) < idle && now.duration_since(self.began) < at_most
    }
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session, with an id that nobody had before.
    pub(super) fn begin(
        &self,
        person: PersonId,
        role: Role,
        generation: u64,
        now: Instant,
    ) -> Result<Secret, getrandom::Error> {
        let (id, csrf) = (Secret::random()?, Secret::random()?);
        let mut all = self.all();
        all.retain(|_, session| session.lasts(now));
        let of_one = all.values().filter(|session| session.person == person).count();
        let longest_idle = |mine: bool| {
            let candidates = all.iter().filter(|(_, session)| !mine || session.person == person);
            candidates.min_by_key(|(_, session)| session.seen).map(|(digest, _)| *digest)
        };
        let goes = if of_one >= MOST_OF_ONE {
            longest_idle(true)
        } else if all.len() >= MOST {
            longest_idle(false)
        } else {
            None
        };
        if let Some(goes) = goes {
            all.remove(&goes);
        }
        all.insert(id.digest(), Session { person, generation, csrf, role, began: now, seen: now });
        Ok(id)
    }

    /// The session with this id, if it lasts. `acts` says whether its person does something, or the page only looks
    /// by itself.
    pub(super) fn find(&self, id: &str, acts: bool, now: Instant) -> Option<(Digest, Session)> {
        let digest = Digest::of(id);
        let mut all = self.all();
        let session = all.get_mut(&digest)?;
        if !session.lasts(now) {
            all.remove(&digest);
            return None;
        }
        if acts || session.role == Role::Viewer {
            session.seen = now;
        }
        Some((digest, session.clone()))
    }

    /// Ends one.
    pub(super) fn end(&self, session: Digest) {
        self.all().remove(&session);
    }

    /// Ends all of a person, but for one.
    pub(super) fn end_others(&self, person: PersonId, but: Digest) {
        self.all().retain(|digest, session| session.person != person || *digest == but);
    }

    /// How many a person has.
    pub(super) fn count(&self, person: PersonId, now: Instant) -> usize {
        self.all().values().filter(|session| session.person == person && session.lasts(now)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(sessions: &Sessions, person: PersonId, role: Role, now: Instant) -> Secret {
        sessions.begin(person, role, 0, now).unwrap()
    }

    #[test]
    fn a_session_ends_when_idle_and_at_its_end_however_busy() {
        for role in Role::ALL {
            let (sessions, person, began) = (Sessions::default(), PersonId::random(), Instant::now());
            let (idle, at_most) = limits(role);
            let id = begin(&sessions, person, role, began);
            let almost = began + idle - Duration::from_secs(1);
            assert!(sessions.find(id.reveal(), true, almost).is_some(), "{role:?}");
            assert!(sessions.find(id.reveal(), true, almost + idle).is_none(), "{role:?} idle");

            let id = begin(&sessions, person, role, began);
            let mut now = began;
            while now + idle / 2 < began + at_most {
                now += idle / 2;
                assert!(sessions.find(id.reveal(), true, now).is_some(), "{role:?} busy");
            }
            assert!(sessions.find(id.reveal(), true, began + at_most).is_none(), "{role:?} too long");
        }
    }

    #[test]
    fn a_page_that_looks_by_itself_keeps_only_a_viewer_logged_in() {
        for role in Role::ALL {
            let (sessions, began) = (Sessions::default(), Instant::now());
            let (idle, _) = limits(role);
            let id = begin(&sessions, PersonId::random(), role, began);
            let half = began + idle / 2;
            assert!(sessions.find(id.reveal(), false, half).is_some());
            let lasts = sessions.find(id.reveal(), false, began + idle + Duration::from_secs(1)).is_some();
            assert_eq!(lasts, role == Role::Viewer, "{role:?}");
        }
    }

    #[test]
    fn sessions_are_bounded_for_each_person_and_in_all() {
        let (sessions, now, one) = (Sessions::default(), Instant::now(), PersonId::random());
        let first = begin(&sessions, one, Role::Operator, now);
        for n in 1..=MOST_OF_ONE {
            begin(&sessions, one, Role::Operator, now + Duration::from_millis(n as u64));
        }
        assert_eq!(sessions.count(one, now), MOST_OF_ONE);
        assert!(sessions.find(first.reveal(), true, now).is_none(), "the one idle longest went");
        for _ in 0..MOST + 10 {
            begin(&sessions, PersonId::random(), Role::Operator, now + Duration::from_secs(1));
        }
        assert_eq!(sessions.all().len(), MOST);
    }

    #[test]
    fn logging_out_elsewhere_leaves_this_session() {
        let (sessions, now, one) = (Sessions::default(), Instant::now(), PersonId::random());
        let here = begin(&sessions, one, Role::Auditor, now);
        let there = begin(&sessions, one, Role::Auditor, now);
        let other = begin(&sessions, PersonId::random(), Role::Auditor, now);
        sessions.end_others(one, here.digest());
        assert!(sessions.find(here.reveal(), true, now).is_some());
        assert!(sessions.find(there.reveal(), true, now).is_none());
        assert!(sessions.find(other.reveal(), true, now).is_some());
        sessions.end(here.digest());
        assert!(sessions.find(here.reveal(), true, now).is_none());
    }
}
