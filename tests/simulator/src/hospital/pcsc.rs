//! The PC/SC service of the hospital: virtual readers that stay, or USB readers that come and go.

use crate::pcscd::{Driver, HotplugPcscd, Pcscd, PcscdError, ReaderSpec};
use std::path::{Path, PathBuf};

/// Which kind of service is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PcscKind {
    /// Readers that stay, by this driver.
    Fixed(Driver),
    /// Readers on a mocked USB bus.
    Hotplug,
    /// Readers of another machine.
    Elsewhere,
}

/// Either kind of service.
pub enum PcscService {
    /// Readers from a configuration file; a card can come and go, a reader can't.
    Fixed(Pcscd, Driver),
    /// Readers on a mocked USB bus.
    Hotplug(HotplugPcscd),
    /// Readers and service of another machine.
    Elsewhere,
}

/// What a service of this kind can't do.
#[derive(Debug, thiserror::Error)]
pub enum PcscError {
    /// See there.
    #[error(transparent)]
    Pcscd(#[from] PcscdError),
    /// Needs a bus.
    #[error("these readers can't be unplugged: start the simulator with --hotplug")]
    NoBus,
    /// Out of reach.
    #[error("the PC/SC service is on another machine (--readers-elsewhere)")]
    Elsewhere,
}

impl PcscService {
    /// Starts the service with all readers plugged.
    pub fn start(folder: &Path, readers: &[ReaderSpec], kind: PcscKind) -> Result<Self, PcscError> {
        if let PcscKind::Fixed(driver) = kind {
            return Ok(Self::Fixed(Pcscd::start_with(folder, readers, driver)?, driver));
        }
        if kind == PcscKind::Elsewhere {
            return Ok(Self::Elsewhere);
        }
        let mut service = HotplugPcscd::start(folder, readers)?;
        for reader in readers {
            service.plug(reader.name())?;
        }
        Ok(Self::Hotplug(service))
    }

    /// The value of `PCSCLITE_CSOCK_NAME` for its clients.
    pub fn socket(&self) -> PathBuf {
        match self {
            Self::Fixed(service, _) => service.socket(),
            Self::Hotplug(service) => service.socket(),
            Self::Elsewhere => PathBuf::new(),
        }
    }

    /// The name by which a reader is bound to its lane: as PC/SC clients see it, without the numbers at its end
    /// unless they are needed to tell its slots apart.
    pub fn reader_name(&self, reader: &ReaderSpec) -> String {
        let name = match self {
            Self::Fixed(_, Driver::StockVpcd) => return reader.pcsc_name(),
            Self::Fixed(_, Driver::Madoguchi) | Self::Elsewhere => reader.pcsc_name(),
            Self::Hotplug(_) => reader.usb_pcsc_name(0),
        };
        name.trim_end_matches(" 00 00").to_owned()
    }

    /// Plugs a reader in, or pulls it out.
    pub fn set_plugged(&mut self, reader: &ReaderSpec, plugged: bool) -> Result<(), PcscError> {
        match self {
            Self::Fixed(..) | Self::Elsewhere => Err(PcscError::NoBus),
            Self::Hotplug(service) if plugged => Ok(service.plug(reader.name())?),
            Self::Hotplug(service) => Ok(service.unplug(reader.name())?),
        }
    }

    /// Kills the service.
    pub fn kill(&mut self) -> Result<(), PcscError> {
        match self {
            Self::Fixed(service, _) => Ok(service.kill()?),
            Self::Hotplug(service) => Ok(service.kill()?),
            Self::Elsewhere => Err(PcscError::Elsewhere),
        }
    }

    /// Hangs it.
    pub fn stop(&mut self) -> Result<(), PcscError> {
        match self {
            Self::Fixed(service, _) => Ok(service.stop()?),
            Self::Hotplug(service) => Ok(service.stop()?),
            Self::Elsewhere => Err(PcscError::Elsewhere),
        }
    }

    /// Lets it go on.
    pub fn cont(&mut self) -> Result<(), PcscError> {
        match self {
            Self::Fixed(service, _) => Ok(service.cont()?),
            Self::Hotplug(service) => Ok(service.cont()?),
            Self::Elsewhere => Err(PcscError::Elsewhere),
        }
    }

    /// Starts it anew.
    pub fn restart(&mut self) -> Result<(), PcscError> {
        match self {
            Self::Fixed(service, _) => Ok(service.restart()?),
            Self::Hotplug(service) => Ok(service.restart()?),
            Self::Elsewhere => Err(PcscError::Elsewhere),
        }
    }
}
