//! `madoguchi check`: configuration, broker, readers, line, certificates, disk and clock.

mod box_itself;
mod line;
mod report;

use crate::{
    cli,
    config::{Broker, Config, Lane},
    pcsc, run,
};
use anyhow::Result;
use madoguchi_reception::{holidays::Coverage, in_japan};
use madoguchi_uplink::{CertificateReport, EligibilityCentre, HttpsCentre, vpn::Vpn};
use report::{Finding, Level};
use std::{
    collections::BTreeSet,
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Days before a certificate's end at which somebody has to act, and at which it is urgent.
const CERTIFICATE_WARNING_DAYS: i64 = 60;
const CERTIFICATE_ERROR_DAYS: i64 = 7;

/// Prints the findings; fails when one of them is an error.
pub fn run(arguments: &cli::Check) -> Result<ExitCode> {
    let findings = match Config::load(&arguments.config) {
        Ok(config) if arguments.part == Some(cli::CheckPart::Line) => {
            run::install_cryptography();
            line::steps(&config)?
        }
        Ok(config) => {
            run::install_cryptography();
            let lanes = format!("{} lane(s), {}", config.lanes().len(), arguments.config.display());
            let mut findings = vec![Finding::ok("configuration", lanes), broker(&config)];
            let mend = "put the right file there, or correct the setting";
            let unusable = config.unusable_files().into_iter();
            findings.extend(unusable.map(|reason| Finding::error("configuration", reason.to_string(), mend)));
            findings.extend(readers(&config));
            findings.extend(line_in_short(&config)?);
            findings.extend(certificates(&config));
            findings.push(box_itself::disk(&config.site.state_directory));
            findings.push(box_itself::clock());
            findings.push(holidays(&config));
            findings.extend(makers(&config));
            findings.push(compatibility(&config));
            findings.extend(setup(&config));
            findings
        }
        Err(error) => vec![
            Finding::error("configuration", error.to_string(), "mend the configuration file and check again"),
            box_itself::clock(),
        ],
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            println!("{}", finding.lines());
        }
    }
    let failed = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What can be looked at without asking readers or line: for a support bundle, which has these from the actors. Who set a
/// lane up is left out.
pub fn at_rest(config: Option<&Config>, state_directory: &Path) -> Vec<Finding> {
    let mut findings = vec![box_itself::disk(state_directory), box_itself::clock()];
    if let Some(config) = config {
        findings.push(broker(config));
        findings.extend(certificates(config));
        findings.push(holidays(config));
        findings.extend(makers(config));
        findings.push(compatibility(config));
    }
    findings
}

fn broker(config: &Config) -> Finding {
    let (socket, managed) = match &config.broker {
        Broker::External { socket, .. } => (socket.clone(), false),
        Broker::Appliance {} => (madoguchi::render::BUS_SOCKET.into(), false),
        Broker::Managed {} => (config.site.state_directory.join("broker/broker.sock"), true),
    };
    let place = socket.display();
    if managed && !Path::new("/usr/sbin/mosquitto").exists() {
        return Finding::error("broker", "Mosquitto is not installed", "install the package mosquitto");
    }
    match UnixStream::connect(&socket) {
        Ok(_) => Finding::ok("broker", format!("answers on {place}")),
        Err(_) if managed => Finding::warning(
            "broker",
            format!("does not run ({place}); the gateway starts it"),
            "start the gateway (madoguchi run) if it should be running",
        ),
        Err(error) => {
            Finding::error("broker", format!("{place}: {error}"), "start the broker or correct [broker]")
        }
    }
}

/// Whether each lane's generic reader is attached.
fn readers(config: &Config) -> Vec<Finding> {
    let finding = |lane: &Lane| {
        let number = lane.number;
        let Some(settings) = &lane.nfc_reader else {
            return Finding::ok("readers", format!("lane {number}: no generic reader configured"));
        };
        let attached = match pcsc::readers(config, number, PATIENCE) {
            Ok(attached) => attached,
            Err(error) => {
                let todo = "start the PC/SC service (package pcscd) and check again";
                return Finding::error("readers", format!("lane {number}: {error}"), todo);
            }
        };
        match attached.iter().find(|name| settings.reader.may_be(name)) {
            Some(name) => Finding::ok("readers", format!("lane {number}: {name}")),
            None => Finding::error(
                "readers",
                format!(
                    "lane {number}: its generic reader is not attached; attached: {}",
                    attached.join(", ")
                ),
                "plug the reader in, try another USB socket or cable, or correct lane.nfc_reader.reader",
            ),
        }
    };
    config.lane.iter().map(finding).collect()
}

/// Whether the centre answers: over the line as it is found, or over each line where there is more to walk.
fn line_in_short(config: &Config) -> Result<Vec<Finding>> {
    match config.uplink.vpn {
        Vpn::Nobody {} => Ok(vec![centre(config)?]),
        _ => line::summaries(config),
    }
}

fn centre(config: &Config) -> Result<Finding> {
    let todo = "check the line's cable and router, then the address and the certificates under [uplink]";
    let centre = match HttpsCentre::new(&config.uplink) {
        Ok(centre) => centre,
        Err(error) => return Ok(Finding::error("line", error.to_string(), todo)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = Instant::now();
    Ok(match runtime.block_on(centre.alive(PATIENCE)) {
        Ok(()) => Finding::ok(
            "line",
            format!("the eligibility centre answers in {} ms", asked.elapsed().as_millis()),
        ),
        Err(error) => {
            Finding::error("line", format!("the eligibility centre does not answer: {error}"), todo)
        }
    })
}

/// Whether the list of holidays, on which the call centre is closed, reaches far enough.
fn holidays(config: &Config) -> Finding {
    let todo = "put the Cabinet Office's new list (syukujitsu.csv) on the box and name it in site.holidays";
    match config.site.holidays() {
        Err(error) => Finding::error("holidays", error.to_string(), todo),
        Ok(holidays) => match holidays.coverage(in_japan(jiff::Timestamp::now()).date()) {
            Coverage::Enough => Finding::ok("holidays", "the list reaches far enough"),
            Coverage::EndsSoon(until) => {
                Finding::warning("holidays", format!("the list ends on {until}"), todo)
            }
            Coverage::Ended(until) => {
                Finding::warning("holidays", format!("the list ended on {until}"), todo)
            }
        },
    }
}

/// The profiles of the makers whose readers are configured, by name, and whether the hospital has confirmed them.
fn makers(config: &Config) -> Vec<Finding> {
    let makers = match config.site.makers() {
        Ok(makers) => makers,
        Err(error) => {
            let todo = "correct the file, or leave site.makers out for the profiles that are shipped";
            return vec![Finding::error("makers", error.to_string(), todo)];
        }
    };
    let named: BTreeSet<_> =
        config.lane.iter().filter_map(|lane| lane.face_reader.maker.as_deref()).collect();
    let finding = |name: &str| match makers.find(name) {
        None => Finding::warning(
            "makers",
            format!("{name}: no profile; the catalogue's wording is used"),
            "add a [[maker]] to a copy of makers.toml and name the copy in site.makers",
        ),
        Some(maker) if maker.confirmed => {
            Finding::ok("makers", format!("{}: procedure {}", maker.label, maker.procedure))
        }
        Some(maker) => Finding::warning(
            "makers",
            format!("{}: procedure {}, not confirmed by the hospital", maker.label, maker.procedure),
            "compare the profile with the maker's papers, set confirmed = true in a copy, and name it in site.makers",
        ),
    };
    named.into_iter().map(finding).collect()
}

/// The list of compatible readers.
fn compatibility(config: &Config) -> Finding {
    let todo =
        "import the list: madoguchi compatibility import FILE; without its pair a lane offers no phones";
    let makers = config.site.makers().unwrap_or_default();
    let pairs = config.compatibility.pairs.len();
    match config.site.compatibility_list(&makers) {
        Err(error) => Finding::error("compatibility", error.to_string(), todo),
        Ok(Some(list)) => Finding::ok(
            "compatibility",
            format!(
                "version {}, as of {}, {} pair(s) and {pairs} of the configuration's own",
                list.version,
                list.as_of,
                list.pairs.len()
            ),
        ),
        Ok(None) if pairs > 0 => {
            Finding::ok("compatibility", format!("{pairs} pair(s) of the configuration's own"))
        }
        Ok(None) if config.lane.iter().all(|lane| lane.nfc_reader.is_none()) => {
            Finding::ok("compatibility", "no lane has a generic reader")
        }
        Ok(None) => Finding::warning("compatibility", "no pair of readers is known", todo),
    }
}

/// By which procedure each lane was set up for phones, when and by whom.
fn setup(config: &Config) -> Vec<Finding> {
    let finding = |lane: &Lane| {
        let number = lane.number;
        let setup = lane.face_reader.phone_setup.as_ref()?;
        Some(match setup.record() {
            Some(record) => Finding::ok("setup", format!("lane {number}: {record}")),
            // Where the reader takes phones itself there is no procedure to follow.
            None if lane.nfc_reader.is_none() => return None,
            None => Finding::warning(
                "setup",
                format!("lane {number}: the maker's procedure is not recorded in full"),
                "put procedure, version, on and by into lane.face_reader.phone_setup",
            ),
        })
    };
    config.lane.iter().filter_map(finding).collect()
}

/// Certificates of the line and of the device links, each once.
fn certificates(config: &Config) -> Vec<Finding> {
    let now = jiff::Timestamp::now();
    let mut reports = madoguchi_uplink::certificates(&config.uplink, now);
    let links: BTreeSet<_> = config.lane.iter().map(|lane| lane.face_reader.certificate.clone()).collect();
    reports.extend(links.iter().flat_map(|file| madoguchi_uplink::certificates_in(file, now)));
    let todo = "ask for a new certificate in good time and put it in place of this file";
    let finding = |report: Result<CertificateReport, _>| match report {
        Err(error) => Finding::error("certificates", format!("{error}"), "put a valid PEM certificate there"),
        Ok(report) => {
            let days = report.days_left;
            let (file, name) = (report.file.display(), &report.common_name);
            let found = format!("{file}: {name} until {} ({days} days)", report.not_after);
            if days < CERTIFICATE_ERROR_DAYS {
                Finding::error("certificates", found, todo)
            } else if days < CERTIFICATE_WARNING_DAYS {
                Finding::warning("certificates", found, todo)
            } else {
                Finding::ok("certificates", found)
            }
        }
    };
    reports.into_iter().map(finding).collect::<Vec<_>>()
}
