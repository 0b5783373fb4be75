//! The gateway's configuration file.

use crate::Verdict;
use madoguchi::config::{Config, ConfigError};
use std::path::Path;

/// A configuration, written by hand or by somebody's program.
pub fn file(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    match Config::parse(Path::new("madoguchi.toml"), text) {
        Ok(config) => {
            assert!(!config.lanes().is_empty(), "a gateway without lanes serves nobody");
            Verdict::Accepted
        }
        Err(error) => {
            if let ConfigError::Mistake { line, .. } = &error {
                assert!((1..=text.split('\n').count()).contains(line), "line {line} is not in the file");
            }
            assert!(error.to_string().starts_with("madoguchi.toml"), "the file is named: {error}");
            let lines = text.split('\n').count();
            let line = error.mistake_in(text).line;
            assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "{line:?} is not in the file");
            Verdict::Refused
        }
    }
}

/// The example that we give, and two counters with as little as can be said of them.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![EXAMPLE.to_vec(), SHORT.to_vec()]
}

const EXAMPLE: &[u8] = include_bytes!("../../../configs/example.toml");

const SHORT: &[u8] = br#"[site]
institution = "1312345678"
terminal = "terminal-1"
state_directory = "/var/lib/madoguchi"

[broker]
mode = "managed"

[web]
listen = "127.0.0.1:8480"

[uplink]
url = "https://127.0.0.1:8443"
ca = ["ca.pem"]
certificate = "uplink.pem"
key = "uplink.key"

[receipt_computer]
request_folder = "Req"
result_folder = "Res"
face_folder = "Face"

[[lane]]
number = 1
phones = "do_not_use"

[lane.face_reader]
listen = "127.0.0.1:7001"
certificate = "link.pem"
key = "link.key"
client_ca = "devices.pem"

[lane.nfc_reader]
reader = { name = "ACS ACR122U PICC Interface (SER123) 00 00" }

[[lane]]
number = 2

[lane.face_reader]
listen = "127.0.0.1:7002"
certificate = "link.pem"
key = "link.key"
client_ca = "devices.pem"
"#;
