//! The gateway's configuration for this hospital.

use super::{INSTITUTION, TERMINAL};
use crate::centre::Centre;
use anyhow::Result;
use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// What differs from lane to lane.
pub(super) struct LaneFile {
    pub lane: u16,
    pub listen: SocketAddr,
    pub nfc_reader: String,
}

/// Writes `gateway.toml` into `directory`.
pub(super) fn write(directory: &Path, centre: &Centre, page: SocketAddr, lanes: &[LaneFile]) -> Result<PathBuf> {
    let here = directory.display();
    let centre = centre.address();
    let mut text = format!(
        r#"# Made by the simulated hospital for a gateway beside it. Invented values only.
[site]
institution = "{INSTITUTION}"
terminal = "{TERMINAL}"
state_directory = "{here}/state"

[web]
listen = "{page}"

[uplink]
url = "https://{centre}"
ca = ["{here}/pki/centre-ca.pem"]
certificate = "{here}/pki/uplink.pem"
key = "{here}/pki/uplink.key"

[receipt_computer]
request_folder = "{here}/receipts/Req"
result_folder = "{here}/receipts/Res"
face_folder = "{here}/receipts/Face"
"#
    );
    for LaneFile { lane, listen, nfc_reader } in lanes {
        write!(
            text,
            r#"
[[lane]]
number = {lane}

[lane.face_reader]
listen = "{listen}"
certificate = "{here}/pki/device-link.pem"
key = "{here}/pki/device-link.key"
client_ca = "{here}/pki/device-ca.pem"

[lane.nfc_reader]
reader = "{nfc_reader}"
"#
        )?;
    }
    let path = directory.join("gateway.toml");
    std::fs::write(&path, text)?;
    Ok(path)
}
