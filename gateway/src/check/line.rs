//! `madoguchi check line`: the way to the centre, step by step.

use super::report::{Finding, Level};
use crate::config::Config;
use anyhow::Result;
use madoguchi_protocol::{
    messages::line::Way,
    texts::{Language, text},
};
use madoguchi_uplink::walk::{Health, Taken, Walk, walk};

/// Every step of every line; at the end, for each line that is broken, the first broken step and who can mend it.
pub fn steps(config: &Config) -> Result<Vec<Finding>> {
    let walk = take(config)?;
    let mut findings: Vec<_> = walk.0.iter().map(step).collect();
    findings.extend(config.uplink.vpn.ways().into_iter().filter_map(|way| summary(&walk, way)));
    Ok(findings)
}

/// One finding for each line, for the check of everything.
pub fn summaries(config: &Config) -> Result<Vec<Finding>> {
    let walk = take(config)?;
    let found = |way| {
        summary(&walk, way).unwrap_or_else(|| {
            let centre = walk.0.iter().rev().find(|it| it.way == way);
            Finding::ok("line", format!("{}: {}", way.name(), centre.map_or("", |it| it.found.as_str())))
        })
    };
    Ok(config.uplink.vpn.ways().into_iter().map(found).collect())
}

fn take(config: &Config) -> Result<Walk> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(walk(&config.uplink, jiff::Timestamp::now())))
}

fn step(taken: &Taken) -> Finding {
    let found = format!("{}: {}", taken.way.name(), taken.found);
    let todo = || text(Language::En, &format!("line-step-{}-action", taken.step.name()), &[]);
    let what = taken.step.name();
    match taken.health {
        Health::Well => Finding::ok(what, found),
        Health::Unknown => {
            Finding { what, level: Level::Ok, found: format!("{found} (not judged)"), todo: None }
        }
        Health::Doubtful => Finding::warning(what, found, todo()),
        Health::Broken => Finding::error(what, found, todo()),
    }
}

fn summary(walk: &Walk, way: Way) -> Option<Finding> {
    let broken = walk.broken(way)?;
    let say = |key: String| text(Language::En, &key, &[]);
    let (step, whom) = (broken.step, broken.step.whom());
    let what = say(format!("line-step-{}-what", step.name()));
    let found = format!("{}: the first broken step: {what} ({})", way.name(), broken.found);
    let todo = format!(
        "{} {}",
        say(format!("line-step-{}-action", step.name())),
        say(format!("line-whom-{}", whom.name()))
    );
    Some(Finding::error("line", found, todo))
}
