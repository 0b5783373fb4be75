//! The gateway's configuration for this hospital.

use super::{INSTITUTION, MAKER, MODEL, TERMINAL};
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
pub(super) fn write(
    directory: &Path,
    centre: &Centre,
    page: SocketAddr,
    metrics: SocketAddr,
    lanes: &[LaneFile],
) -> Result<PathBuf> {
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

[metrics]
listen = "{metrics}"

[uplink]
url = "https://{centre}"
ca = ["{here}/pki/centre-ca.pem"]
certificate = "{here}/pki/uplink.pem"
key = "{here}/pki/uplink.key"

[receipt_computer]
request_folder = "{here}/receipts/Req"
result_folder = "{here}/receipts/Res"
face_folder = "{here}/receipts/Face"

[[compatibility.pairs]]
maker = "{MAKER}"
face_reader = "{MODEL}"
generic_reader = "Madoguchi Virtual"
minimum_software = "1.0"
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

# Box and reader were restarted since: both have another start now (R-13).
[lane.face_reader.phone_setup]
procedure = "an invented procedure"
version = "1.0"
on = "2025-09-19"
by = "an invented technician"
box_boot = "the start before"
reader_boot = "the start before"

[lane.nfc_reader]
reader = {{ name = "{nfc_reader}" }}
"#
        )?;
    }
    let path = directory.join("gateway.toml");
    std::fs::write(&path, text)?;
    Ok(path)
}
