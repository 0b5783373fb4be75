//! The centre's book: which requests took effect, what they were answered, which random values are spent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::errors::ApiError;
use super::evidence::{DEFERRED_FOR, Nonce};
use super::state::Given;
use super::wire::{
    ConfirmationAnswer, ConfirmationRequest, ConfirmationResult, QueryAnswer, QueryRequest, Statement,
};

/// More entries than any test makes; past it the centre says so instead of eating the machine's memory.
const MOST_ENTRIES: usize = 500_000;
/// A nonce older than this belongs to a statement that is refused for its age anyway.
const NONCE_KEPT_FOR: SignedDuration = SignedDuration::from_hours(DEFERRED_FOR.as_hours() + 1);
/// How many nonces gather before the old ones are looked for.
const NONCES_BEFORE_PRUNING: usize = 100_000;

/// That a confirmation took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The request, which is the idempotency key.
    pub request_id: Uuid,
    /// How often it took effect. More than 1 is the fault that idempotency is there to prevent.
    pub commits: u32,
    /// How often its answer was given again.
    pub replays: u32,
    /// When it took effect first.
    pub at: Timestamp,
    /// The terminal, lane and visit of the signed statement.
    pub terminal: String,
    /// The reception counter.
    pub lane: u16,
    /// The visit.
    pub visit: Uuid,
    /// The verdict.
    pub result: ConfirmationResult,
    /// Whether the visit had been deferred.
    pub deferred: bool,
}

#[derive(Default)]
pub(super) struct Ledger {
    confirmations: HashMap<Uuid, Confirmation>,
    queries: HashMap<Uuid, (QueryRequest, QueryAnswer)>,
    nonces: HashMap<Nonce, (Uuid, Timestamp)>,
}

struct Confirmation {
    request: ConfirmationRequest,
    answer: ConfirmationAnswer,
    effect: Effect,
}

impl Ledger {
    /// The answer that this very request got before. The same id with another body is an error.
    pub(super) fn replay_confirmation(
        &mut self,
        request: &ConfirmationRequest,
    ) -> Result<Option<ConfirmationAnswer>, ApiError> {
        match self.confirmations.get_mut(&request.request_id) {
            None => Ok(None),
            Some(kept) if kept.request == *request => {
                kept.effect.replays += 1;
                Ok(Some(kept.answer.clone()))
            }
            Some(_) => Err(ApiError::key_reused()),
        }
    }

    /// Makes the answer count, unless the same request was faster on another connection.
    pub(super) fn commit_confirmation(
        &mut self,
        request: ConfirmationRequest,
        statement: &Statement,
        answer: ConfirmationAnswer,
    ) -> Result<Given<ConfirmationAnswer>, ApiError> {
        if let Some(answer) = self.replay_confirmation(&request)? {
            return Ok(Given { answer, replayed: true });
        }
        if self.confirmations.len() >= MOST_ENTRIES {
            return Err(ApiError::full());
        }
        let effect = Effect {
            request_id: request.request_id,
            commits: 0,
            replays: 0,
            at: answer.confirmed_at,
            terminal: statement.terminal.clone(),
            lane: statement.lane,
            visit: statement.visit,
            result: answer.result,
            deferred: request.deferred,
        };
        let kept = self.confirmations.entry(request.request_id).or_insert(Confirmation {
            request,
            answer: answer.clone(),
            effect,
        });
        kept.effect.commits += 1;
        Ok(Given { answer, replayed: false })
    }

    /// The answer given to `terminal`; nobody sees another's.
    pub(super) fn confirmation(&self, terminal: &str, request_id: Uuid) -> Option<ConfirmationAnswer> {
        let kept = self.confirmations.get(&request_id)?;
        (kept.effect.terminal == terminal).then(|| kept.answer.clone())
    }

    pub(super) fn commit_query(
        &mut self,
        request: QueryRequest,
        answer: QueryAnswer,
    ) -> Result<Given<QueryAnswer>, ApiError> {
        let full = self.queries.len() >= MOST_ENTRIES;
        match self.queries.entry(request.request_id) {
            Entry::Occupied(kept) if kept.get().0 == request => {
                Ok(Given { answer: kept.get().1.clone(), replayed: true })
            }
            Entry::Occupied(_) => Err(ApiError::key_reused()),
            Entry::Vacant(_) if full => Err(ApiError::full()),
            Entry::Vacant(place) => {
                place.insert((request, answer.clone()));
                Ok(Given { answer, replayed: false })
            }
        }
    }

    /// Whether `request_id` may use this nonce: nobody else has.
    pub(super) fn claim_nonce(
        &mut self,
        nonce: Nonce,
        request_id: Uuid,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        if self.nonces.len() >= NONCES_BEFORE_PRUNING {
            self.nonces.retain(|_, (_, seen)| now.duration_since(*seen) < NONCE_KEPT_FOR);
        }
        let full = self.nonces.len() >= MOST_ENTRIES;
        match self.nonces.entry(nonce) {
            Entry::Occupied(owner) => Ok(owner.get().0 == request_id),
            Entry::Vacant(_) if full => Err(ApiError::full()),
            Entry::Vacant(place) => {
                place.insert((request_id, now));
                Ok(true)
            }
        }
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        let mut effects: Vec<_> = self.confirmations.values().map(|kept| kept.effect.clone()).collect();
        effects.sort_by_key(|effect| (effect.at, effect.request_id));
        effects
    }

    pub(super) fn effect(&self, request_id: Uuid) -> Option<Effect> {
        Some(self.confirmations.get(&request_id)?.effect.clone())
    }

    pub(super) fn queries_answered(&self) -> usize {
        self.queries.len()
    }
}
