//! Packets and messages of VICI: bytes in, bytes out.

use std::fmt;
use zeroize::Zeroize;

/// The largest packet that the protocol knows, in bytes, its length field not counted.
pub const MAX_PACKET: usize = 512 * 1024;
/// Sections within sections. strongSwan's own messages go four deep.
pub const MAX_DEPTH: usize = 16;
/// Elements of one message.
pub const MAX_ELEMENTS: usize = 16_384;

const SECTION_START: u8 = 1;
const SECTION_END: u8 = 2;
const KEY_VALUE: u8 = 3;
const LIST_START: u8 = 4;
const LIST_ITEM: u8 = 5;
const LIST_END: u8 = 6;

/// What stands under a key.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Bytes; mostly text, but keys and certificates too.
    Bytes(Vec<u8>),
    /// A list of such.
    List(Vec<Vec<u8>>),
    /// Keys of its own.
    Section(Message),
}

/// Keys and values in the order in which they were sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<(String, Value)>);

/// Values may be private keys, so they are wiped.
impl Drop for Message {
    fn drop(&mut self) {
        for (_, value) in &mut self.0 {
            match value {
                Value::Bytes(bytes) => bytes.zeroize(),
                Value::List(items) => items.iter_mut().for_each(Zeroize::zeroize),
                // It wipes itself.
                Value::Section(_) => {}
            }
        }
    }
}

/// Names only: values may be private keys.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

/// See [`Message`].
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::List(items) => write!(f, "{} items", items.len()),
            Self::Section(message) => message.fmt(f),
        }
    }
}

/// One packet, by its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// 0: a command, by name.
    Request(String, Message),
    /// 1: its answer.
    Response(Message),
    /// 2: no such command.
    UnknownCommand,
    /// 3: wants an event.
    Register(String),
    /// 4: wants it no longer.
    Unregister(String),
    /// 5: so be it.
    Confirmed,
    /// 6: no such event.
    UnknownEvent,
    /// 7: an event, by name.
    Event(String, Message),
}

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends too soon, or goes on too long.
    #[error("its length is wrong")]
    Length,
    /// An unknown type of packet or element.
    #[error("it holds type {0}, which is unknown")]
    Type(u8),
    /// A name that is not UTF-8.
    #[error("it holds a name that is no text")]
    Name,
    /// Sections, lists and items that don't belong there.
    #[error("its sections and lists are not properly nested")]
    Nesting,
    /// More than [`MAX_DEPTH`], [`MAX_ELEMENTS`] or [`MAX_PACKET`].
    #[error("it is larger or deeper than anything strongSwan sends")]
    Bounds,
    /// Something to be written does not fit its length field: a name over 255 bytes, a value over 65,535.
    #[error("a name or value is too long to be sent")]
    TooLong,
}

impl Message {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `key` set to bytes.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.0.push((key.into(), Value::Bytes(value.into())));
        self
    }

    /// With a list.
    #[must_use]
    pub fn with_list<T: Into<Vec<u8>>>(
        mut self,
        key: impl Into<String>,
        items: impl IntoIterator<Item = T>,
    ) -> Self {
        self.0.push((key.into(), Value::List(items.into_iter().map(Into::into).collect())));
        self
    }

    /// With a section.
    #[must_use]
    pub fn with_section(mut self, key: impl Into<String>, section: Self) -> Self {
        self.0.push((key.into(), Value::Section(section)));
        self
    }

    /// The text under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The items of the list under `key` that are text.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            Some(Value::List(items)) => items.iter().filter_map(|it| std::str::from_utf8(it).ok()).collect(),
            _ => vec![],
        }
    }

    /// The section under `key`.
    pub fn section(&self, key: &str) -> Option<&Self> {
        match self.get(key)? {
            Value::Section(section) => Some(section),
            _ => None,
        }
    }

    /// All sections with their names.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.0.iter().filter_map(|(key, value)| match value {
            Value::Section(section) => Some((key.as_str(), section)),
            _ => None,
        })
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        for (key, value) in &self.0 {
            match value {
                Value::Bytes(bytes) => {
                    write_name(KEY_VALUE, key, out)?;
                    write_bytes(bytes, out)?;
                }
                Value::List(items) => {
                    write_name(LIST_START, key, out)?;
                    for item in items {
                        out.push(LIST_ITEM);
                        write_bytes(item, out)?;
                    }
                    out.push(LIST_END);
                }
                Value::Section(section) => {
                    write_name(SECTION_START, key, out)?;
                    section.write(out)?;
                    out.push(SECTION_END);
                }
            }
        }
        Ok(())
    }
}

fn write_name(kind: u8, name: &str, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let length = u8::try_from(name.len()).map_err(|_| Malformed::TooLong)?;
    out.extend([kind, length]);
    out.extend(name.as_bytes());
    Ok(())
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let length = u16::try_from(bytes.len()).map_err(|_| Malformed::TooLong)?;
    out.extend(length.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a [u8],
    elements: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed::Length)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn name(&mut self) -> Result<String, Malformed> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed::Name)
    }

    fn value(&mut self) -> Result<Vec<u8>, Malformed> {
        let length = self.take(2)?;
        let length = u16::from_be_bytes([length[0], length[1]]);
        Ok(self.take(length.into())?.to_vec())
    }

    fn element(&mut self) -> Result<u8, Malformed> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Malformed::Bounds);
        }
        self.byte()
    }

    /// A section's contents: to its end, or to the end of the packet where it is the whole message.
    fn section(&mut self, depth: usize) -> Result<Message, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed::Bounds);
        }
        let mut message = Message::new();
        loop {
            if self.rest.is_empty() {
                return if depth == 0 { Ok(message) } else { Err(Malformed::Length) };
            }
            let (key, value) = match self.element()? {
                SECTION_START => (self.name()?, Value::Section(self.section(depth + 1)?)),
                SECTION_END if depth > 0 => return Ok(message),
                KEY_VALUE => (self.name()?, Value::Bytes(self.value()?)),
                LIST_START => (self.name()?, Value::List(self.list()?)),
                SECTION_END | LIST_ITEM | LIST_END => return Err(Malformed::Nesting),
                other => return Err(Malformed::Type(other)),
            };
            message.0.push((key, value));
        }
    }

    fn list(&mut self) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut items = vec![];
        loop {
            match self.element()? {
                LIST_ITEM => items.push(self.value()?),
                LIST_END => return Ok(items),
                _ => return Err(Malformed::Nesting),
            }
        }
    }
}

impl Packet {
    /// Reads a packet, its length field taken off.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_PACKET {
            return Err(Malformed::Bounds);
        }
        let mut reader = Reader { rest: bytes, elements: 0 };
        let packet = match reader.byte()? {
            0 => Self::Request(reader.name()?, reader.section(0)?),
            1 => Self::Response(reader.section(0)?),
            2 => Self::UnknownCommand,
            3 => Self::Register(reader.name()?),
            4 => Self::Unregister(reader.name()?),
            5 => Self::Confirmed,
            6 => Self::UnknownEvent,
            7 => Self::Event(reader.name()?, reader.section(0)?),
            other => return Err(Malformed::Type(other)),
        };
        if reader.rest.is_empty() { Ok(packet) } else { Err(Malformed::Length) }
    }

    /// The packet with its length field before it.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let mut out = vec![0; 4];
        match self {
            Self::Request(name, message) => {
                write_name(0, name, &mut out)?;
                message.write(&mut out)?;
            }
            Self::Response(message) => {
                out.push(1);
                message.write(&mut out)?;
            }
            Self::UnknownCommand => out.push(2),
            Self::Register(name) => write_name(3, name, &mut out)?,
            Self::Unregister(name) => write_name(4, name, &mut out)?,
            Self::Confirmed => out.push(5),
            Self::UnknownEvent => out.push(6),
            Self::Event(name, message) => {
                write_name(7, name, &mut out)?;
                message.write(&mut out)?;
            }
        }
        let length = out.len() - 4;
        if length > MAX_PACKET {
            return Err(Malformed::Bounds);
        }
        // It is at most MAX_PACKET, so the conversion never falls back.
        out[..4].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of strongSwan's own description of the protocol.
    #[test]
    fn the_example_of_the_protocol_is_read_and_written_alike() {
        let message = Message::new().with("key1", "value1").with_section(
            "section1",
            Message::new()
                .with_section("sub-section", Message::new().with("key2", "value2"))
                .with_list("list1", ["item1", "item2"]),
        );
        let mut expected = vec![1];
        expected.extend(
            b"\x03\x04key1\x00\x06value1\x01\x08section1\x01\x0bsub-section\x03\x04key2\x00\x06value2\x02",
        );
        expected.extend(b"\x04\x05list1\x05\x00\x05item1\x05\x00\x05item2\x06\x02");
        let packet = Packet::Response(message);
        assert_eq!(packet.encode().unwrap()[4..], expected);
        assert_eq!(Packet::decode(&expected), Ok(packet));
    }

    #[test]
    fn what_is_nested_wrongly_or_too_deep_is_refused() {
        assert_eq!(Packet::decode(b"\x01\x02"), Err(Malformed::Nesting));
        assert_eq!(Packet::decode(b"\x01\x05\x00\x01a"), Err(Malformed::Nesting));
        assert_eq!(Packet::decode(b"\x01\x04\x01a\x03\x01b\x00\x00"), Err(Malformed::Nesting));
        assert_eq!(Packet::decode(b"\x01\x01\x01a"), Err(Malformed::Length));
        assert_eq!(Packet::decode(b"\x09"), Err(Malformed::Type(9)));
        let mut deep = vec![1];
        deep.extend(b"\x01\x01a".repeat(MAX_DEPTH + 1));
        assert_eq!(Packet::decode(&deep), Err(Malformed::Bounds));
        let mut many = vec![1];
        many.extend(b"\x03\x00\x00\x00".repeat(MAX_ELEMENTS + 1));
        assert_eq!(Packet::decode(&many), Err(Malformed::Bounds));
    }

    #[test]
    fn a_private_key_does_not_show_in_debug() {
        let message = Message::new().with("type", "any").with("data", "-----BEGIN PRIVATE KEY-----");
        let shown = format!("{:?} {:?}", message, Packet::Request("load-key".into(), message.clone()));
        assert!(!shown.contains("BEGIN"), "{shown}");
    }

    #[test]
    fn what_does_not_fit_its_length_field_is_not_sent() {
        let long = Message::new().with("data", vec![0; 70_000]);
        assert_eq!(Packet::Request("load-cert".into(), long).encode(), Err(Malformed::TooLong));
    }
}
