//! The page's steps towards a new certificate, carried out where the private key is.

use crate::{
    settings::Settings,
    staging::{Staging, StagingError},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::uplink::{RenewalRefusal, RenewalStep, Renewed};

/// Takes a step; says what came of it.
pub(crate) async fn take(settings: &Settings, step: RenewalStep) -> Renewed {
    let Some(folder) = &settings.state_folder else { return Renewed::Refused(RenewalRefusal::NotWritten) };
    let staging = Staging::new(settings, &settings.terminal, folder);
    let now = Timestamp::now();
    let outcome = match step {
        RenewalStep::Request => staging.request().map(|pem| Renewed::Request { pem }),
        RenewalStep::Stage { certificate } => staging.stage_text(&certificate, now).map(|_| Renewed::Done),
        RenewalStep::Prove | RenewalStep::Swap if !staging.is_staged() => {
            return Renewed::Refused(RenewalRefusal::NotStaged);
        }
        RenewalStep::Prove => staging.prove(now).await.map(|_| Renewed::Done),
        RenewalStep::Swap => staging.swap(now).await.map(|_| Renewed::Done),
    };
    outcome.unwrap_or_else(|error| {
        tracing::warn!(%error, "a step towards a new certificate was not done");
        Renewed::Refused(refusal(&error))
    })
}

const fn refusal(error: &StagingError) -> RenewalRefusal {
    match error {
        StagingError::Setup(_) => RenewalRefusal::Unsound,
        StagingError::Name { .. } => RenewalRefusal::OtherTerminal,
        StagingError::Term { .. } => RenewalRefusal::NotNow,
        StagingError::Unproven(_) => RenewalRefusal::Unproven,
        StagingError::Request(_) | StagingError::Write { .. } => RenewalRefusal::NotWritten,
    }
}
