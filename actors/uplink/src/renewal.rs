//! The page's steps towards a new certificate, carried out where the private key is.

use crate::{
    settings::Settings,
    staging::{Staging, StagingError},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::uplink::{Bearer, RenewalRefusal, RenewalStep, Renewed};

/// Takes a step; says what came of it.
pub(crate) async fn take(settings: &Settings, bearer: Bearer, step: RenewalStep) -> Renewed {
    let Some(folder) = &settings.state_folder else { return Renewed::Refused(RenewalRefusal::NotWritten) };
    let Some(staging) = Staging::of(settings, &settings.terminal, folder, bearer) else {
        return Renewed::Refused(RenewalRefusal::NotStaged);
    };
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

/// Finishes what was being put in place when the power went, before anything of it is read.
pub(crate) fn finish(settings: &Settings) {
    let Some(folder) = &settings.state_folder else { return };
    let tunnels = settings.vpn.tunnels().into_iter().map(|(way, _)| Bearer::Tunnel(way));
    for bearer in std::iter::once(Bearer::Terminal).chain(tunnels) {
        match Staging::of(settings, &settings.terminal, folder, bearer).map(|staging| staging.finish()) {
            None | Some(Ok(false)) => {}
            Some(Ok(true)) => {
                tracing::info!(?bearer, "a new certificate that was half in place is now whole")
            }
            Some(Err(error)) => {
                tracing::error!(%error, ?bearer, "a new certificate is half in place and can't be finished");
            }
        }
    }
}

const fn refusal(error: &StagingError) -> RenewalRefusal {
    match error {
        StagingError::Setup(_) => RenewalRefusal::Unsound,
        StagingError::Name { .. } => RenewalRefusal::OtherTerminal,
        StagingError::Term { .. } => RenewalRefusal::NotNow,
        StagingError::Unproven(_) => RenewalRefusal::Unproven,
        StagingError::Request(_) | StagingError::InPlace(_) | StagingError::Write { .. } => {
            RenewalRefusal::NotWritten
        }
    }
}
