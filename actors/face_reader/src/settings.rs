//! What can be configured of a lane's face-auth reader, and what the gateway tells it.

use crate::tls::{LinkSettings, LinkSetupError};
use madoguchi_protocol::texts::Language;
use madoguchi_reception::{
    BadDeadline, Deadlines, Premises,
    compatibility::CompatibilityTable,
    makers::Makers,
    readiness::{Boot, Setup},
};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// One face-auth reader.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the box listens for this lane's reader, on the counter network. One address for each lane.
    pub listen: SocketAddr,
    /// The box's certificate chain for the device link, PEM.
    pub certificate: PathBuf,
    /// Its private key, PKCS#8 PEM.
    pub key: PathBuf,
    /// The authority that issues the readers' client certificates, PEM.
    pub client_ca: PathBuf,
    /// Common name in this reader's client certificate; `face-reader-<lane>` where absent.
    #[serde(default)]
    pub reader_name: Option<String>,
    /// The maker's short name that the reader must give; any where absent.
    #[serde(default)]
    pub maker: Option<String>,
    /// How long each state of a visit may last.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// After how many minutes a rehearsal that nobody ended is over: from 1 to 480.
    #[serde(default = "usual_rehearsal")]
    pub rehearsal_minutes: u16,
    /// What was recorded when the lane was set up for smartphones; without it they are not offered.
    #[serde(default)]
    pub phone_setup: Option<Setup>,
}

/// An hour: longer than practice takes, shorter than a morning.
const fn usual_rehearsal() -> u16 {
    60
}

impl Settings {
    /// Refuses a rehearsal of no time, or of more than a working day.
    pub(crate) fn check_rehearsal(&self) -> Result<(), SetupError> {
        if (1..=480).contains(&self.rehearsal_minutes) { Ok(()) } else { Err(SetupError::Rehearsal) }
    }

    /// What concerns the device link.
    pub fn link(&self) -> LinkSettings {
        LinkSettings {
            listen: self.listen,
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            client_ca: self.client_ca.clone(),
            reader_name: self.reader_name.clone(),
            maker: self.maker.clone(),
        }
    }
}

/// What the gateway knows of the site and the box, and a lane has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Institution, terminal and lane, as every statement to be signed names them.
    pub premises: Premises,
    /// Of the idle screen.
    pub language: Language,
    /// 「スマホによる本人確認の利用有無」 of the site is 利用する.
    pub site_uses_phones: bool,
    /// And that of the lane.
    pub lane_uses_phones: bool,
    /// Which generic readers go with which face-auth reader.
    pub compatibility: CompatibilityTable,
    /// What differs from maker to maker.
    pub makers: Makers,
    /// The box's present start.
    pub box_boot: Boot,
}

/// Why a lane can't be set up as configured.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The device link.
    #[error(transparent)]
    Link(#[from] LinkSetupError),
    /// A deadline.
    #[error(transparent)]
    Deadline(#[from] BadDeadline),
    /// No time, or more than a working day.
    #[error("rehearsal_minutes must be from 1 to 480")]
    Rehearsal,
}
