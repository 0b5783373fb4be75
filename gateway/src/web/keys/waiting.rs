//! What browsers were asked for a key and have not answered yet: bound to the session, or to a cookie of its own before
//! there is one, good for one answer and two minutes, and bounded in number.

use super::super::throttle::Try;
use crate::people::Digest;
use madoguchi::security_key::{ANSWERED_WITHIN, Adding, Asking};
use madoguchi_protocol::PersonId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Of each kind; beyond that the oldest is let go.
const MOST: usize = 50;

/// A key that somebody adds.
pub(super) struct NewKey {
    pub(super) adding: Adding,
    /// What they call it.
    pub(super) name: String,
    /// What the browser is told.
    pub(super) told: String,
}

/// Somebody whose password was right.
pub(super) struct Entry {
    pub(super) asking: Asking,
    pub(super) person: PersonId,
    /// The person's generation then.
    pub(super) generation: u64,
    /// The name that was typed.
    pub(super) name: String,
    /// Counts as a failure until the key's answer is right.
    pub(super) tried: Try,
    /// Where they want to go.
    pub(super) next: String,
    /// What the browser is told.
    pub(super) told: String,
}

/// Everything that is waited for.
#[derive(Default)]
pub(in super::super) struct Waiting {
    /// By the session.
    pub(super) new_keys: Open<NewKey>,
    /// By the cookie.
    pub(super) entries: Open<Entry>,
}

/// What is waited for, by what it is bound to.
pub(super) struct Open<T>(Mutex<HashMap<Digest, (Instant, T)>>);

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<T> Open<T> {
    fn all(&self) -> MutexGuard<'_, HashMap<Digest, (Instant, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits from now on; what was waited for before under the same is let go.
    pub(super) fn begin(&self, bound_to: Digest, what: T, now: Instant) {
        let mut all = self.all();
        all.retain(|_, (began, _)| now.duration_since(*began) < ANSWERED_WITHIN);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, (began, _))| *began).map(|(digest, _)| *digest)
        {
            all.remove(&oldest);
        }
        all.insert(bound_to, (now, what));
    }

    /// Looks at what is waited for.
    pub(super) fn look<R>(&self, bound_to: Digest, now: Instant, look: impl FnOnce(&T) -> R) -> Option<R> {
        let all = self.all();
        let (began, what) = all.get(&bound_to)?;
        (now.duration_since(*began) < ANSWERED_WITHIN).then(|| look(what))
    }

    /// What was waited for, at its first answer.
    pub(super) fn take(&self, bound_to: Digest, now: Instant) -> Option<T> {
        let (began, what) = self.all().remove(&bound_to)?;
        (now.duration_since(began) < ANSWERED_WITHIN).then_some(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_waited_for_is_good_once_and_for_two_minutes_and_bounded() {
        let (open, now, mine) = (Open::default(), Instant::now(), Digest::of("mine"));
        open.begin(mine, 1, now);
        assert_eq!(open.look(mine, now, |it| *it), Some(1), "looking uses nothing up");
        assert_eq!(open.take(Digest::of("another's"), now), None);
        assert_eq!(open.take(mine, now), Some(1));
        assert_eq!(open.take(mine, now), None, "used up");

        open.begin(mine, 2, now);
        let late = now + ANSWERED_WITHIN;
        assert_eq!(open.look(mine, late, |it| *it), None);
        assert_eq!(open.take(mine, late), None);

        open.begin(mine, 3, now);
        for n in 0..MOST {
            open.begin(Digest::of(&n.to_string()), 4, now + Duration::from_millis(1));
        }
        assert_eq!(open.all().len(), MOST);
        assert_eq!(open.take(mine, now), None, "the oldest went");
    }
}
