//! Lines of the audit log, which somebody with the disk in hand may have altered.

use crate::{Verdict, samples};
use madoguchi_audit_log::line::{Line, LineError};
use sha2::{Digest, Sha256};

/// A line as it stands; and the same bytes under a hash that fits, since who alters a line can hash it, too.
pub fn line(bytes: &[u8]) -> Verdict {
    let hashed = Line::unseal(&with_its_hash(bytes));
    assert!(!matches!(hashed, Err(LineError::Altered)), "the hash fits");
    let as_it_stands = Line::unseal(bytes);
    for (line, _) in [&hashed, &as_it_stands].into_iter().flatten() {
        // It may have been spelt otherwise than we do; what we write is read as it was meant.
        let Ok((sealed, sealed_hash)) = line.seal() else { continue };
        let again = Line::unseal(sealed.trim_ascii_end());
        assert_eq!(again.as_ref(), Ok(&(line.clone(), sealed_hash)));
    }
    Verdict::of(hashed).or(Verdict::of(as_it_stands))
}

fn with_its_hash(covered: &[u8]) -> Vec<u8> {
    let digits: String = Sha256::digest(covered).iter().map(|byte| format!("{byte:02x}")).collect();
    [covered, b",\"hash\":\"", digits.as_bytes(), b"\"}"].concat()
}

/// A line as it is written, and what its hash covers.
pub fn seeds() -> Vec<Vec<u8>> {
    let line = samples::audit_line();
    let end = line.windows(8).position(|part| part == b",\"hash\":").unwrap_or(line.len());
    vec![line.clone(), line[..end].to_vec()]
}
