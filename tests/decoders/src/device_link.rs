//! Frames of the device link, as a stream that is cut anywhere.

use crate::{Verdict, samples, survives_a_round_trip};
use madoguchi_protocol::{
    cbor::CborError,
    device::{FrameBuffer, FromReader, ToReader, decode_frame},
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// The most that either end reads at once.
const PIECE: usize = 16 * 1024;

/// A stream from a reader, or one to it: both ends must bear anything. Accepted when it is whole frames of one
/// direction and nothing else.
pub fn stream(bytes: &[u8]) -> Verdict {
    one_direction::<FromReader>(bytes).or(one_direction::<ToReader>(bytes))
}

fn one_direction<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Verdict {
    // The piece's size comes from the input, so that a finding can be repeated.
    let size = 1 + bytes.first().map_or(0, |byte| usize::from(*byte)) + bytes.len() / 64;
    let frames = read::<T>(bytes, PIECE);
    assert_eq!(frames, read::<T>(bytes, size.min(PIECE)), "pieces of {size} bytes make a difference");
    match frames {
        Ok((frames, mid_frame)) => {
            frames.iter().for_each(survives_a_round_trip);
            if frames.is_empty() || mid_frame { Verdict::Refused } else { Verdict::Accepted }
        }
        Err(_) => Verdict::Refused,
    }
}

/// The stream's frames, and whether another had begun and not ended. As on a connection, the first frame that
/// is none ends it.
fn read<T: DeserializeOwned>(bytes: &[u8], size: usize) -> Result<(Vec<T>, bool), CborError> {
    let mut buffer = FrameBuffer::default();
    let mut frames = Vec::new();
    for piece in bytes.chunks(size) {
        buffer.push(piece);
        while let Some(body) = buffer.next_body()? {
            frames.push(decode_frame(&body)?);
        }
    }
    Ok((frames, buffer.is_mid_frame()))
}

/// A stream for each frame.
pub fn seeds() -> Vec<Vec<u8>> {
    samples::frames()
}
