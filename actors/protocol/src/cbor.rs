//! CBOR (RFC 8949), bounded. The only module that knows which library does it.
//!
//! `serde_cbor` was asked for by name and is unmaintained (RUSTSEC-2021-0127), so nothing outside this
//! file may depend on it, and every input is measured before it is handed over: its size, its nesting and
//! that it holds one whole item and nothing after it.

use serde::{Serialize, de::DeserializeOwned};

/// The largest message on the bus and frame on the device link, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// How deep arrays, maps and tags may nest.
pub const MAX_DEPTH: usize = 16;

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Over [`MAX_BYTES`].
    #[error("{0} bytes are more than the {MAX_BYTES} allowed")]
    TooLarge(usize),
    /// Over [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Not CBOR: cut short, trailing bytes, or an impossible header.
    #[error("not one whole CBOR item")]
    Malformed,
    /// CBOR, but not the message that was expected. Says which field or type, never a value.
    #[error("not the expected message")]
    Unexpected,
}

/// Encodes `value`, refusing what the other side would refuse.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CborError> {
    let bytes = serde_cbor::to_vec(value).map_err(|_| CborError::Unexpected)?;
    if bytes.len() > MAX_BYTES { Err(CborError::TooLarge(bytes.len())) } else { Ok(bytes) }
}

/// Decodes exactly one `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    if bytes.len() > MAX_BYTES {
        return Err(CborError::TooLarge(bytes.len()));
    }
    measure(bytes)?;
    serde_cbor::from_slice(bytes).map_err(|_| CborError::Unexpected)
}

/// Walks the headers without recursion and without allocating more than [`MAX_DEPTH`] counters.
fn measure(bytes: &[u8]) -> Result<(), CborError> {
    // How many items each open container still wants; `None` where it ends with a break byte.
    let mut open: Vec<Option<u64>> = Vec::with_capacity(MAX_DEPTH);
    let mut at = 0usize;
    loop {
        let header = *bytes.get(at).ok_or(CborError::Malformed)?;
        at += 1;
        let (major, info) = (header >> 5, header & 0x1f);
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => {
                let width = 1usize << (info - 24);
                let field = bytes.get(at..at + width).ok_or(CborError::Malformed)?;
                at += width;
                Some(field.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            }
            31 => None,
            _ => return Err(CborError::Malformed),
        };
        let opened = match (major, argument) {
            (0 | 1, Some(_)) => None,
            (2 | 3, Some(length)) => {
                let length = usize::try_from(length).map_err(|_| CborError::Malformed)?;
                at = at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(CborError::Malformed)?;
                None
            }
            (2..=5, None) => Some(None),
            (4, Some(items)) => Some(Some(items)),
            (5, Some(pairs)) => Some(Some(pairs.checked_mul(2).ok_or(CborError::Malformed)?)),
            (6, Some(_)) => Some(Some(1)),
            (7, Some(_)) => None,
            (7, None) => {
                // The break byte closes the innermost container of open length.
                match open.pop() {
                    Some(None) => None,
                    _ => return Err(CborError::Malformed),
                }
            }
            _ => return Err(CborError::Malformed),
        };
        match opened {
            Some(Some(0)) | None => {}
            Some(items) => {
                if open.len() == MAX_DEPTH {
                    return Err(CborError::TooDeep);
                }
                open.push(items);
                continue;
            }
        }
        // One item is complete: count it in its container, and that one in its own.
        loop {
            match open.last_mut() {
                None => return if at == bytes.len() { Ok(()) } else { Err(CborError::Malformed) },
                Some(None) => break,
                Some(Some(left)) => {
                    *left -= 1;
                    if *left > 0 {
                        break;
                    }
                    open.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let value = vec![Some("窓口".to_string()), None];
        assert_eq!(decode::<Vec<Option<String>>>(&encode(&value).unwrap()), Ok(value));
    }

    #[test]
    fn seventeen_levels_are_too_deep_and_sixteen_are_not() {
        let nested = |levels| [vec![0x81; levels], vec![0x00]].concat();
        assert_eq!(measure(&nested(16)), Ok(()));
        assert_eq!(measure(&nested(17)), Err(CborError::TooDeep));
        assert_eq!(measure(&nested(60_000)), Err(CborError::TooDeep));
    }

    #[test]
    fn every_cut_of_a_message_is_malformed() {
        let bytes = encode(&vec![("a".to_string(), 1u32), ("b".to_string(), 70_000)]).unwrap();
        for cut in 0..bytes.len() {
            assert_eq!(measure(&bytes[..cut]), Err(CborError::Malformed), "cut at {cut}");
        }
    }

    #[test]
    fn trailing_bytes_and_oversize_are_refused() {
        assert_eq!(decode::<u8>(&[0x01, 0x02]), Err(CborError::Malformed));
        assert_eq!(decode::<u8>(&vec![0; MAX_BYTES + 1]), Err(CborError::TooLarge(MAX_BYTES + 1)));
        // A string that claims 2^64-1 bytes must not be believed.
        assert_eq!(decode::<u8>(&[0x7b, 255, 255, 255, 255, 255, 255, 255, 255]), Err(CborError::Malformed));
    }
}
