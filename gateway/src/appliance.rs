//! `madoguchi update` and `madoguchi healthy`: the appliance's new versions, and whether one stays.

use crate::cli::{Pack, UpdateAct};
use anyhow::{Context, Result, bail};
use aws_lc_rs::signature::Ed25519KeyPair;
use madoguchi::{
    config::{Broker, Config},
    render,
    update::{
        bundle::{self, Header, MACHINE, MakersKey, PRODUCT},
        install::{self, Places},
        outcome::{self, Stage},
        quiet,
    },
};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

/// How long a new version may take until everything that it could have broken works.
const WELL_WITHIN: Duration = Duration::from_secs(300);
/// How long an update waits for a quiet moment at most.
const QUIET_WITHIN: Duration = Duration::from_secs(12 * 3600);

/// `madoguchi update`
pub fn update(config: &Path, act: &UpdateAct) -> Result<ExitCode> {
    match act {
        UpdateAct::Check { file } => {
            let places = Places::appliance(&Config::load(config)?.site.state_directory);
            let header = bundle::check(&mut open(file)?, &places.makers_key()?)?;
            header.fits(places.running()?)?;
            println!("version {}: sound, by the maker of this box, newer than what runs", header.version);
        }
        UpdateAct::Install { file, now, no_reboot } => {
            let config = Config::load(config)?;
            let places = Places::appliance(&config.site.state_directory);
            let header = install::install(&mut open(file)?, &places, &boot()?)?;
            println!("version {} is in its slot; the next boot tries it", header.version);
            if *no_reboot {
                return Ok(ExitCode::SUCCESS);
            }
            if !now {
                println!("waiting until no patient is at a reader …");
                quiet::wait(&config.site.state_directory, QUIET_WITHIN)?;
            }
            let status = Command::new("systemctl").arg("reboot").status().context("systemctl")?;
            if !status.success() {
                bail!("the box can't be booted anew: systemctl ended with {status}");
            }
        }
        UpdateAct::Status => {
            let places = Places::appliance(&Config::load(config)?.site.state_directory);
            println!("version {} runs", places.running()?);
            match outcome::read(&outcome::file(&places.gateway)) {
                None => println!("there was no update yet"),
                Some(attempt) => println!(
                    "the newest update, from {} to {}: {}",
                    attempt.from,
                    attempt.to,
                    said(attempt.stage)
                ),
            }
        }
        UpdateAct::Pack(pack) => write_bundle(pack)?,
        UpdateAct::MakeKey { output } => make_key(output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn said(stage: Stage) -> &'static str {
    match stage {
        Stage::Installed => "in its slot; the next boot tries it",
        Stage::Good => "it runs well",
        Stage::FellBack => "it did not run well, and the box went back by itself",
    }
}

fn open(file: &Path) -> Result<File> {
    File::open(file).with_context(|| format!("{}", file.display()))
}

fn boot() -> Result<String> {
    let id =
        fs::read_to_string("/proc/sys/kernel/random/boot_id").context("the kernel does not tell its boot")?;
    Ok(id.trim().to_owned())
}

/// `madoguchi healthy`: whether all that an update could have broken works: the actors, the broker, the page, the queue.
/// Never the line, the readers or the receipt computer: those are outside, and no older version would mend them.
pub fn healthy(config: &Path) -> Result<ExitCode> {
    if !config.exists() {
        println!("no configuration yet: the house is closed, and that is well");
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(config)?;
    let asked = Instant::now();
    while let Err(ill) = well(&config) {
        if asked.elapsed() > WELL_WITHIN {
            return Err(ill);
        }
        thread::sleep(Duration::from_secs(2));
    }
    let places = Places::appliance(&config.site.state_directory);
    let file = outcome::file(&places.gateway);
    if let Some(attempt) = outcome::read(&file) {
        let stage = outcome::settle(&attempt, places.running()?, &boot()?);
        if stage != attempt.stage {
            println!("the update from {} to {}: {}", attempt.from, attempt.to, said(stage));
            outcome::write(&file, &outcome::Attempt { stage, ..attempt })?;
        }
    }
    println!("well after {} s", asked.elapsed().as_secs());
    Ok(ExitCode::SUCCESS)
}

fn well(config: &Config) -> Result<()> {
    if matches!(config.broker, Broker::Appliance {}) {
        UnixStream::connect(render::BUS_SOCKET).context("the broker")?;
    }
    let states = quiet::states(&config.site.state_directory).context("the page")?;
    for address in render::actors(config) {
        let state = &states["states"][address.to_string()];
        if state["condition"] != "running" {
            bail!("{address} does not run: {}", state["condition"]);
        }
    }
    let faults = states["states"]["offline_queue"]["faults"].as_array().cloned().unwrap_or_default();
    if faults.iter().any(|fault| fault["code"] == "queue-failed") {
        bail!("the queue can't be read or written");
    }
    Ok(())
}

/// For the maker: a bundle from root, hashes and kernel image.
fn write_bundle(pack: &Pack) -> Result<()> {
    let pair = fs::read(&pack.key).with_context(|| format!("{}", pack.key.display()))?;
    let pair = Ed25519KeyPair::from_pkcs8(&pair)
        .map_err(|error| anyhow::anyhow!("{}: no Ed25519 key: {error}", pack.key.display()))?;
    let part = |path: &Path| Ok::<_, anyhow::Error>(bundle::describe(&mut open(path)?)?);
    let header = Header {
        product: PRODUCT.into(),
        machine: MACHINE.into(),
        version: pack.version,
        root_hash: pack.root_hash.clone(),
        root: part(&pack.root)?,
        verity: part(&pack.verity)?,
        kernel: part(&pack.kernel)?,
    };
    let mut output = File::create(&pack.output).with_context(|| format!("{}", pack.output.display()))?;
    output.write_all(&bundle::sign(&header, &pair)?)?;
    for path in [&pack.root, &pack.verity, &pack.kernel] {
        io::copy(&mut open(path)?, &mut output)?;
    }
    output.sync_all()?;
    // What it would be to a box.
    let key = MakersKey::of(&pair).context("the key has no public half")?;
    bundle::check(&mut open(&pack.output)?, &key)?;
    println!("version {} in {}", header.version, pack.output.display());
    Ok(())
}

/// For the maker: a new key pair. The private half gets into `output`, the public one into `output`.pub.
fn make_key(output: &Path) -> Result<()> {
    let what = || format!("{}", output.display());
    let pair = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
        .map_err(|error| anyhow::anyhow!("no key can be made: {error}"))?;
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(output).with_context(what)?;
    file.write_all(pair.as_ref()).with_context(what)?;
    file.sync_all().with_context(what)?;
    let pair = Ed25519KeyPair::from_pkcs8(pair.as_ref())
        .map_err(|error| anyhow::anyhow!("the new key can't be used: {error}"))?;
    let key = MakersKey::of(&pair).context("the key has no public half")?;
    fs::write(output.with_extension("pub"), format!("{key}\n")).with_context(what)
}
