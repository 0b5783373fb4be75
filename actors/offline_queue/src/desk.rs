//! What the lanes are answered.

use madoguchi_protocol::{
    Envelope,
    messages::offline_queue::{
        AcceptConfirmation, Accepted, AskConfirmation, ConfirmationStanding, Settlement,
    },
};

use crate::{
    kept::{self, REFUSED},
    store::{Acceptance, Header, Millis, RecordId, Stage, Store, StoreError},
};

/// What became of an accept: the answer, and whether it was the first of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The reply.
    pub reply: Accepted,
    /// Whether there is new work.
    pub new: bool,
}

/// Takes a confirmation. [`Accepted::Accepted`] is said when it is on the medium, never before.
///
/// # Errors
/// The store's own; the lane is to be told [`Accepted::Failed`].
pub async fn accept(
    store: &Store,
    command: &Envelope<AcceptConfirmation>,
    now: Millis,
) -> Result<Heard, StoreError> {
    let request = &command.body.request;
    let known = |reply| Heard { reply, new: false };
    if command.lane != Some(request.lane) || command.visit != Some(request.visit) {
        tracing::error!(lane = ?command.lane, "a confirmation of another lane or visit was refused");
        return Ok(known(Accepted::Failed));
    }
    let bytes = match madoguchi_protocol::cbor::encode(request) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "a confirmation that can't be kept was refused");
            return Ok(known(Accepted::Failed));
        }
    };
    let id = RecordId(*request.request_id.as_bytes());
    let lane = request.lane.number();
    if command.body.practice {
        return match store.practise(id, lane, bytes, now).await {
            // However far it has come: practice is settled without anybody being told.
            Ok(Acceptance::New) => Ok(Heard { reply: Accepted::Accepted, new: true }),
            Ok(Acceptance::Already(_)) => Ok(known(Accepted::Accepted)),
            Ok(Acceptance::Full) | Err(StoreError::DiskFull) => Ok(known(Accepted::Full)),
            Err(error) => refused(error),
        };
    }
    match store.accept(id, lane, bytes, now).await {
        Ok(Acceptance::New) => Ok(Heard { reply: Accepted::Accepted, new: true }),
        Ok(Acceptance::Full) => Ok(known(Accepted::Full)),
        Ok(Acceptance::Already(Stage::Accepted | Stage::SetAside | Stage::Practice)) => {
            Ok(known(Accepted::Accepted))
        }
        Ok(Acceptance::Already(Stage::Answered | Stage::Delivered | Stage::Settled)) => {
            let header = store.look_up(id).await?;
            Ok(known(header.map_or(Accepted::Accepted, |header| Accepted::AlreadySettled(settled(&header)))))
        }
        Err(StoreError::DiskFull) => Ok(known(Accepted::Full)),
        Err(error) => refused(error),
    }
}

/// What is too large is this caller's own trouble; the rest is the store's.
fn refused(error: StoreError) -> Result<Heard, StoreError> {
    if matches!(error, StoreError::TooLarge { .. }) {
        tracing::error!(%error, "a confirmation was refused");
        return Ok(Heard { reply: Accepted::Failed, new: false });
    }
    Err(error)
}

/// Where a confirmation stands.
///
/// # Errors
/// The store's own; then there is nothing true to answer.
pub async fn standing(store: &Store, command: &AskConfirmation) -> Result<ConfirmationStanding, StoreError> {
    let Some(header) = store.look_up(RecordId(*command.request_id.as_bytes())).await? else {
        return Ok(ConfirmationStanding::Unknown);
    };
    Ok(match header.stage {
        Stage::Accepted | Stage::Practice => ConfirmationStanding::Waiting,
        Stage::Answered | Stage::Delivered | Stage::Settled => {
            ConfirmationStanding::Settled(settled(&header))
        }
        // Answered, but its result could not be handed on: the answer still holds.
        Stage::SetAside => match header.outcome {
            Some(_) => ConfirmationStanding::Settled(settled(&header)),
            None => ConfirmationStanding::SetAside,
        },
    })
}

fn settled(header: &Header) -> Settlement {
    header.outcome.and_then(kept::settlement).unwrap_or(REFUSED)
}
