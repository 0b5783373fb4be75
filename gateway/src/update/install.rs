//! Puts a checked bundle into the slot that is not in use. systemd-sysupdate knows the slots; the files are unpacked for
//! it under names that bear version and partition.

use super::{
    bundle::{self, BundleError, Header, MakersKey},
    outcome::{self, Attempt, Stage},
    version::Version,
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::{Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
};

/// Where things are on the box.
#[derive(Clone, Debug)]
pub struct Places {
    /// The maker's public key, part of the verified root.
    pub key: PathBuf,
    /// The running system's own description.
    pub os_release: PathBuf,
    /// Where a checked bundle is unpacked; `image/files/usr/lib/sysupdate.d` names the same.
    pub staged: PathBuf,
    /// The gateway's directory, where the attempt is written down.
    pub gateway: PathBuf,
    /// The program that writes into slots.
    pub sysupdate: PathBuf,
}

impl Places {
    /// Those of the appliance with this state directory.
    pub fn appliance(state_directory: &Path) -> Self {
        Self {
            key: "/usr/lib/madoguchi/update.pub".into(),
            os_release: "/usr/lib/os-release".into(),
            staged: "/var/lib/madoguchi-update".into(),
            gateway: state_directory.join("gateway"),
            sysupdate: "/usr/lib/systemd/systemd-sysupdate".into(),
        }
    }

    /// The version that runs, as the image says it.
    pub fn running(&self) -> Result<Version> {
        let what = || format!("{}", self.os_release.display());
        let text = fs::read_to_string(&self.os_release).with_context(what)?;
        let line = text.lines().find_map(|line| line.strip_prefix("IMAGE_VERSION="));
        let version =
            line.context("this is not the appliance: it has no IMAGE_VERSION").with_context(what)?;
        version.trim_matches('"').parse().with_context(what)
    }

    /// The maker's key.
    pub fn makers_key(&self) -> Result<MakersKey> {
        let what = || format!("the maker's key, {}", self.key.display());
        let text = fs::read_to_string(&self.key).with_context(what)?;
        MakersKey::parse(&text).context("it is none").with_context(what)
    }
}

/// Checks the whole bundle, then installs it. The box runs on as it is until it is booted anew.
pub fn install(file: &mut File, places: &Places, boot: &str) -> Result<Header> {
    let (key, running) = (places.makers_key()?, places.running()?);
    let header = bundle::check(file, &key)?;
    header.fits(running)?;
    // Checked once more while it is read the second time: the file may have changed since.
    file.seek(SeekFrom::Start(0))?;
    let again = Header::read(file, &key)?;
    if again != header {
        bail!(BundleError::Damaged("it changed while it was read"));
    }
    let unpacked = unpack(file, &header, &places.staged);
    let done = unpacked.and_then(|()| write_slot(places, header.version));
    // Whatever came of it, the room is given back.
    let cleared = fs::remove_dir_all(&places.staged);
    done?;
    cleared.with_context(|| format!("{}", places.staged.display()))?;
    let attempt =
        Attempt { from: running, to: header.version, boot: boot.to_owned(), stage: Stage::Installed };
    outcome::write(&outcome::file(&places.gateway), &attempt)
        .context("what was done can't be written down")?;
    Ok(header)
}

/// Unpacks the parts; each is checked as it is copied.
fn unpack(file: &mut File, header: &Header, staged: &Path) -> Result<()> {
    let what = || format!("{}", staged.display());
    if staged.exists() {
        fs::remove_dir_all(staged).with_context(what)?;
    }
    fs::create_dir_all(staged).with_context(what)?;
    for (name, part) in names(header).iter().zip(header.parts()) {
        let path = staged.join(name);
        let mut into = File::create_new(&path).with_context(|| format!("{}", path.display()))?;
        bundle::copy_part(file, part, &mut into)?;
        into.sync_all()?;
    }
    Ok(())
}

/// The names by which systemd-sysupdate finds version and partition.
fn names(header: &Header) -> [String; 3] {
    let (version, [data, hashes]) = (header.version, header.partition_uuids());
    [
        format!("madoguchi_{version}_{data}.root"),
        format!("madoguchi_{version}_{hashes}.verity"),
        format!("madoguchi_{version}.efi"),
    ]
}

fn write_slot(places: &Places, version: Version) -> Result<()> {
    let status = Command::new(&places.sysupdate)
        .args(["update", &version.to_string()])
        .status()
        .with_context(|| format!("{}", places.sysupdate.display()))?;
    if status.success() {
        Ok(())
    } else {
        bail!("the slot can't be written: systemd-sysupdate ended with {status}")
    }
}

#[cfg(test)]
mod tests;
