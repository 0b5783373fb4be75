//! The update's file: `MDGUPD01`, the header's length (4 bytes, big-endian), the header (JSON), an Ed25519 signature (64
//! bytes) over all of that, and then the parts one after the other, to the end of the file.
//!
//! The header names each part's length and SHA-256, so the one signature vouches for every byte of the file.

use super::version::Version;
use aws_lc_rs::{
    digest::{Context, SHA256},
    signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// What the file begins with.
pub const MAGIC: &[u8; 8] = b"MDGUPD01";
/// What the header must name.
pub const PRODUCT: &str = "madoguchi";
/// The machines that this program's image is for.
pub const MACHINE: &str = "x86-64";
/// The longest header, in bytes.
pub const LONGEST_HEADER: usize = 16 * 1024;
/// Bytes of the signature.
const SIGNATURE: usize = 64;
/// The largest part: no slot is larger.
const LARGEST_PART: u64 = 4 * 1024 * 1024 * 1024;

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`PRODUCT`]
    pub product: String,
    /// [`MACHINE`]
    pub machine: String,
    /// The new version.
    pub version: Version,
    /// The top of the tree of hashes over the root: 64 hexadecimal digits. It also makes the names of the partitions.
    pub root_hash: String,
    /// The file system of the root.
    pub root: Part,
    /// Its tree of hashes.
    pub verity: Part,
    /// The signed kernel image, which bears the root hash.
    pub kernel: Part,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It can't be read.
    #[error("the file can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Something else.
    #[error("this is no update of the gateway")]
    NotABundle,
    /// Cut off, or with something behind it.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// Signed by somebody else, or changed since.
    #[error("the signature is not that of the maker of this box; the file is foreign or was changed")]
    Foreign,
    /// Of another product or machine.
    #[error("this update is for another box: {product} for {machine}")]
    OtherBox {
        /// Which product.
        product: String,
        /// Which machine.
        machine: String,
    },
    /// Not newer than what runs.
    #[error(
        "version {offered} is not newer than {running}, which runs; going back is done by the box itself only"
    )]
    NotNewer {
        /// The bundle's.
        offered: Version,
        /// The running one's.
        running: Version,
    },
}

/// The maker's public key: 64 hexadecimal digits.
#[derive(Clone, Debug)]
pub struct MakersKey([u8; 32]);

impl MakersKey {
    /// Reads the digits.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(from_hex(text.trim())?))
    }

    /// The key of a key pair.
    pub fn of(pair: &Ed25519KeyPair) -> Option<Self> {
        use aws_lc_rs::signature::KeyPair;
        Some(Self(pair.public_key().as_ref().try_into().ok()?))
    }
}

impl std::fmt::Display for MakersKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl Header {
    /// Reads the head of a bundle and leaves the reader at its first part. The signature is checked before anything of
    /// the header is looked at.
    pub fn read(file: &mut impl Read, key: &MakersKey) -> Result<Self, BundleError> {
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BundleError::Damaged("it ends within its head"),
            _ => BundleError::Unreadable(error),
        };
        let mut begin = [0; MAGIC.len() + 4];
        file.read_exact(&mut begin).map_err(cut)?;
        let (magic, length) = begin.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(BundleError::NotABundle);
        }
        let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if length > LONGEST_HEADER {
            return Err(BundleError::NotABundle);
        }
        let mut signed = begin.to_vec();
        signed.resize(begin.len() + length, 0);
        file.read_exact(&mut signed[begin.len()..]).map_err(cut)?;
        let mut signature = [0; SIGNATURE];
        file.read_exact(&mut signature).map_err(cut)?;
        UnparsedPublicKey::new(&ED25519, key.0)
            .verify(&signed, &signature)
            .map_err(|_| BundleError::Foreign)?;
        Self::parse(&signed[begin.len()..])
    }

    /// Reads the header's text, which somebody has vouched for.
    pub fn parse(json: &[u8]) -> Result<Self, BundleError> {
        let header: Self =
            serde_json::from_slice(json).map_err(|_| BundleError::Damaged("its header is not understood"))?;
        header.sound()?;
        Ok(header)
    }

    /// What a signature can't vouch for: that it makes sense.
    fn sound(&self) -> Result<(), BundleError> {
        let parts = self.parts();
        if parts.iter().any(|part| part.bytes == 0 || part.bytes > LARGEST_PART) {
            return Err(BundleError::Damaged("a part has no size that fits a slot"));
        }
        let hashes = [&self.root_hash].into_iter().chain(parts.iter().map(|part| &part.sha256));
        if hashes.into_iter().any(|hash| from_hex(hash).is_none()) {
            return Err(BundleError::Damaged("a hash is none"));
        }
        Ok(())
    }

    /// The parts, in the order of the file.
    pub fn parts(&self) -> [&Part; 3] {
        [&self.root, &self.verity, &self.kernel]
    }

    /// Whether it is for this box, and newer than what runs.
    pub fn fits(&self, running: Version) -> Result<(), BundleError> {
        if self.product != PRODUCT || self.machine != MACHINE {
            let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(BundleError::OtherBox {
                product: shown(&self.product),
                machine: shown(&self.machine),
            });
        }
        if self.version <= running {
            return Err(BundleError::NotNewer { offered: self.version, running });
        }
        Ok(())
    }

    /// The names of root and its hashes among the disk's partitions: the halves of the root hash.
    pub fn partition_uuids(&self) -> [String; 2] {
        let uuid = |half: &str| {
            let at = |from: usize, to: usize| half.get(from..to).unwrap_or_default();
            format!("{}-{}-{}-{}-{}", at(0, 8), at(8, 12), at(12, 16), at(16, 20), at(20, 32))
        };
        let (data, hashes) = self.root_hash.split_at_checked(32).unwrap_or_default();
        [uuid(data), uuid(hashes)]
    }
}

/// Copies a part out of `file`, and refuses it at its end where it is not what the header says. `into` may be a sink.
pub fn copy_part(file: &mut impl Read, part: &Part, into: &mut impl Write) -> Result<(), BundleError> {
    let mut hash = Context::new(&SHA256);
    let mut left = part.bytes;
    let mut buffer = vec![0; 256 * 1024];
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let got = file.read(&mut buffer[..wanted])?;
        if got == 0 {
            return Err(BundleError::Damaged("it ends too early"));
        }
        hash.update(&buffer[..got]);
        into.write_all(&buffer[..got])?;
        left -= got as u64;
    }
    if to_hex(hash.finish().as_ref()) == part.sha256 {
        Ok(())
    } else {
        Err(BundleError::Damaged("a part is not what was signed"))
    }
}

/// Checks a bundle from its first byte to its last; writes nothing.
pub fn check(file: &mut impl Read, key: &MakersKey) -> Result<Header, BundleError> {
    let header = Header::read(file, key)?;
    for part in header.parts() {
        copy_part(file, part, &mut io::sink())?;
    }
    if file.read(&mut [0])? > 0 {
        return Err(BundleError::Damaged("something stands behind its end"));
    }
    Ok(header)
}

/// Signs a header: all of the bundle that stands before its parts. For the maker.
pub fn sign(header: &Header, pair: &Ed25519KeyPair) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(header)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length as usize <= LONGEST_HEADER);
    let length = length.ok_or_else(|| io::Error::other("the header is too long"))?;
    let mut head = [MAGIC.as_slice(), &length.to_be_bytes(), &json].concat();
    let signature = pair.sign(&head);
    head.extend_from_slice(signature.as_ref());
    Ok(head)
}

/// What the header says of a part with these contents.
pub fn describe(contents: &mut impl Read) -> io::Result<Part> {
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let got = contents.read(&mut buffer)?;
        if got == 0 {
            return Ok(Part { bytes, sha256: to_hex(hash.finish().as_ref()) });
        }
        hash.update(&buffer[..got]);
        bytes += got as u64;
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 64 digits, lower case.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if text.len() != 64 || !digits {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
