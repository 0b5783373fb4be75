//! The appliance's updates, which come as a file from wherever.

use crate::Verdict;
use aws_lc_rs::signature::Ed25519KeyPair;
use madoguchi::update::bundle::{self, Header, MACHINE, MakersKey, PRODUCT};

/// An invented maker, whose key everybody may know.
fn pair() -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).ok()
}

/// A whole bundle, or its header alone: nobody but the maker gets past the signature, so what is behind it is asked for
/// by itself.
pub fn bundle(input: &[u8]) -> Verdict {
    let Some(key) = pair().as_ref().and_then(MakersKey::of) else { panic!("no key") };
    let whole = bundle::check(&mut &input[..], &key);
    let header = Header::parse(input);
    for header in [&whole, &header].into_iter().flatten() {
        let [data, hashes] = header.partition_uuids();
        assert_eq!((data.len(), hashes.len()), (36, 36));
        let written = serde_json::to_vec(header).unwrap_or_default();
        assert_eq!(Header::parse(&written).ok().as_ref(), Some(header));
        // What is offered again is never newer than itself.
        assert!(header.fits(header.version).is_err());
    }
    Verdict::of(whole).or(Verdict::of(header))
}

/// A bundle with three small parts, and its header.
pub fn seeds() -> Vec<Vec<u8>> {
    let parts: [&[u8]; 3] = [b"root", b"hashes", b"kernel"];
    let part = |number: usize| bundle::describe(&mut &parts[number][..]).ok();
    let make = || {
        let header = Header {
            product: PRODUCT.into(),
            machine: MACHINE.into(),
            version: "0.2.0".parse().ok()?,
            root_hash: "ab".repeat(32),
            root: part(0)?,
            verity: part(1)?,
            kernel: part(2)?,
        };
        let head = bundle::sign(&header, &pair()?).ok()?;
        Some(vec![[head, parts.concat()].concat(), serde_json::to_vec(&header).ok()?])
    };
    make().unwrap_or_default()
}
