//! A process of single actors follows what the gateway's process has put into effect.

use super::applied_path;
use crate::{config::Config, house::House};
use std::{path::Path, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);

/// The configuration in effect: what the gateway's process said, or, before it ever ran, the file.
pub fn in_effect(file: &Path) -> anyhow::Result<(Config, String)> {
    let applied = applied_path(file);
    let path = if applied.exists() { applied } else { file.to_path_buf() };
    let text = Config::read(&path)?;
    Ok((Config::parse(&path, &text)?, text))
}

/// Has the house follow for as long as this is polled. Ends when the configuration has none of its actors any more.
pub async fn follow(file: &Path, house: &mut House, mut text: String) {
    let applied = applied_path(file);
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(said) = Config::read(&applied) else { continue };
        if said == text {
            continue;
        }
        text = said;
        match Config::parse(&applied, &text) {
            Ok(config) => {
                if let Err(error) = house.settle(Some(&config)).await {
                    tracing::error!(%error, "the new configuration does not take effect here");
                }
                tracing::info!("the configuration has changed");
                if house.actors().next().is_none() {
                    return;
                }
            }
            Err(error) => tracing::error!(%error, "what is in effect can't be read"),
        }
    }
}
