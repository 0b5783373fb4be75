//! `madoguchi certificate`: a new certificate for the line, from the request to its place.

use crate::{
    cli::{Certificate, CertificateAct, Line},
    config::Config,
    run,
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use madoguchi_protocol::messages::{line::Way, uplink::Bearer};
use madoguchi_uplink::{CertificateReport, staging::Staging};
use std::process::ExitCode;

/// Does it, and says what came of it.
pub fn run(arguments: &Certificate) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    run::install_cryptography();
    let folder = config.site.state_directory.join("line");
    let bearer = match arguments.tunnel {
        None => Bearer::Terminal,
        Some(Line::Primary) => Bearer::Tunnel(Way::Primary),
        Some(Line::Second) => Bearer::Tunnel(Way::Second),
    };
    let staging = Staging::of(&config.uplink, &config.site.terminal, &folder, bearer)
        .context("strongSwan holds no tunnel over this line; see [uplink.vpn]")?;
    let now = Timestamp::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments.act {
        CertificateAct::Csr { output } => {
            let request = staging.request()?;
            match output {
                Some(file) => {
                    std::fs::write(file, request).with_context(|| file.display().to_string())?;
                    println!("{}: take it to who issues the certificate", file.display());
                }
                None => print!("{request}"),
            }
        }
        CertificateAct::Stage { file } => say("staged", &staging.stage(file, now)?),
        CertificateAct::Prove => {
            let report = runtime.block_on(staging.prove(now))?;
            let what = match bearer {
                Bearer::Terminal => "answered by the centre",
                Bearer::Tunnel(_) => "fits; it is tried when it is in place",
            };
            say(what, &report);
        }
        CertificateAct::Swap => {
            say("in place; a running gateway takes it up", &runtime.block_on(staging.swap(now))?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say(what: &str, report: &CertificateReport) {
    println!("{}: {what}; until {} ({} days)", report.common_name, report.not_after, report.days_left);
}
