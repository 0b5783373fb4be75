//! Names and ports of virtual readers.

use std::net::{Ipv4Addr, SocketAddr};

/// Lane `n`'s virtual reader listens on this port plus `n`, unless told otherwise. Below the range
/// from which Linux takes the ports of outgoing connections.
pub const LANE_PORT_BASE: u16 = 28_100;

const MAX_NAME: usize = 40;

/// A virtual reader: a name that stays the same and the loopback port for its cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderSpec {
    name: String,
    port: u16,
}

/// A name that can't be a reader's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} can't name a reader: take 1 to 40 letters, digits, '-' and '_'")]
pub struct NameError(String);

impl ReaderSpec {
    /// A reader called `name` (1 to 40 ASCII letters, digits, `-` and `_`) on `port`.
    ///
    /// # Errors
    /// [`NameError`] for any other name: it would not survive pcscd's configuration file.
    pub fn new(name: &str, port: u16) -> Result<Self, NameError> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
            return Err(NameError(name.chars().take(2 * MAX_NAME).collect()));
        }
        Ok(Self { name: name.to_owned(), port })
    }

    /// The usual reader of lane `lane`: `LANE<n>` on port 28100 + n.
    pub fn for_lane(lane: u16) -> Self {
        Self { name: format!("LANE{lane}"), port: LANE_PORT_BASE.saturating_add(lane) }
    }

    /// The short name; for a USB reader also its serial number.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port on which its driver waits for a card.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a card connects to: for [`crate::cards::serve`].
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The name without pcscd's numbers, as the configuration has it.
    pub(super) fn friendly_name(&self) -> String {
        format!("Madoguchi Virtual Reader ({})", self.name)
    }

    /// The name under which PC/SC clients see it in [`super::Pcscd`].
    pub fn pcsc_name(&self) -> String {
        format!("{} 00 00", self.friendly_name())
    }

    /// The name under which PC/SC clients see it in [`super::HotplugPcscd`]. As with USB readers in the
    /// field, `number` is the lowest that no other plugged reader has: it may differ after each plug.
    pub fn usb_pcsc_name(&self, number: u8) -> String {
        format!("Madoguchi Virtual USB Reader ({}) {number:02X} 00", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_its_documented_name_and_port() {
        let reader = ReaderSpec::for_lane(3);
        assert_eq!(reader.pcsc_name(), "Madoguchi Virtual Reader (LANE3) 00 00");
        assert_eq!(reader.address(), "127.0.0.1:28103".parse().unwrap());
    }

    #[test]
    fn a_name_that_would_break_the_configuration_is_refused() {
        for name in ["", "a\"b", "a b", "a\nLIBPATH /x", "窓口", &"x".repeat(41)] {
            assert!(ReaderSpec::new(name, 1).is_err(), "{name:?}");
        }
        assert!(ReaderSpec::new("LANE-1_b", 1).is_ok());
    }
}
