//! An invented administrator of the gateway that runs beside the hospital, and their authenticator: whoever tries the
//! gateway out can log in at once.

use crate::hospital::Addresses;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
};
use totp_rs::TOTP;
use utoipa::ToSchema;

const NAME: &str = "模擬病院 管理者";
const PASSWORD: &str = "a simulated hospital";

/// What the administrator types to log in, at this moment.
#[derive(Serialize, ToSchema)]
pub struct Words {
    /// Who.
    pub name: &'static str,
    /// The password.
    pub password: &'static str,
    /// What the authenticator shows. Each code works once.
    pub code: String,
    /// How long it is valid, in seconds.
    pub seconds_left: u64,
}

/// The administrator.
#[derive(Debug)]
pub struct Administrator {
    authenticator: TOTP,
}

impl Administrator {
    /// Has the gateway's program add the administrator, unless an earlier run did.
    pub fn meet(gateway: &Path, addresses: &Addresses, directory: &Path) -> Result<Self> {
        let kept = directory.join("administrator");
        let address = match fs::read_to_string(&kept) {
            Ok(address) => address,
            Err(_) => {
                let address = add(gateway, addresses)?;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&kept)?;
                file.write_all(address.as_bytes())?;
                address
            }
        };
        let authenticator =
            TOTP::from_url(address.trim()).map_err(|error| anyhow::anyhow!("{}: {error}", kept.display()))?;
        Ok(Self { authenticator })
    }

    /// What to type now.
    pub fn words(&self) -> Result<Words> {
        Ok(Words {
            name: NAME,
            password: PASSWORD,
            code: self.authenticator.generate_current()?,
            seconds_left: self.authenticator.ttl()?,
        })
    }
}

fn add(gateway: &Path, addresses: &Addresses) -> Result<String> {
    let mut console = Command::new(gateway)
        .args(["people", "add", NAME, "--role", "administrator", "--here", "--config"])
        .arg(&addresses.gateway_config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("--gateway {}", gateway.display()))?;
    writeln!(console.stdin.take().context("no input")?, "{PASSWORD}")?;
    let output = console.wait_with_output()?;
    if !output.status.success() {
        bail!("the gateway takes no administrator: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said = String::from_utf8(output.stdout)?;
    let address = said.lines().find(|line| line.starts_with("otpauth://"));
    address.map(str::to_owned).context("the gateway shows no authenticator's address")
}
