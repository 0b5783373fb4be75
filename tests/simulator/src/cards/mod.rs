//! Virtual JPKI media (My Number card, Android, iPhone, old resident card).
//!
//! A [`Card`] answers ISO 7816 APDUs as DOMAIN section 3 has them. [`serve`] puts it into a virtual
//! reader: it connects to the reader's port and speaks vpcd's protocol until the [`Insertion`] is
//! dropped, which is the card being taken away.
//!
//! Nothing here is known about the person: whether a card is registered for insurance use is known to
//! the simulated centre, by the serial number of its certificate ([`Card::serial_hex`]).

mod apdu;
mod card;
mod link;
mod options;

pub use apdu::{ApduError, Command, StatusWord};
pub use card::{Card, Reaction, Seen};
pub use link::{Ended, Insertion, ServeError, serve};
pub use options::{CardOptions, EndOfFile, Fault, Medium, ParseMediumError, PinBlocked};
