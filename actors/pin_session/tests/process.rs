//! What the operating system says about a process that keeps a PIN.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use hpke::{
    Deserializable, Kem, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use madoguchi_pin_session::{disable_core_dumps, jobs::Jobs};
use madoguchi_protocol::{
    LaneId, VisitId,
    messages::pin_session::PinHeld,
    pin::{INFO_FROM_DEVICE, SealedPin, associated_data},
};
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
use std::time::Instant;

/// Memory of this process that can't be swapped, in KiB.
fn locked_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

// One test: both look at the whole process.
#[test]
fn a_held_pin_is_in_locked_memory_and_no_core_is_written() {
    let before = locked_kib();
    let (mut jobs, lane, visit) = (Jobs::default(), LaneId::new(1).unwrap(), VisitId::random());
    let opened = jobs.open(lane, visit, Instant::now()).unwrap();
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&opened.public_key.0).unwrap();
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            INFO_FROM_DEVICE,
            b"8391",
            &associated_data(visit, lane, opened.job),
        )
        .unwrap();
    let sealed = SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext };
    assert_eq!(jobs.hold(lane, visit, opened.job, &sealed, Instant::now()), PinHeld::Held);
    assert!(locked_kib() > before, "the digits are not in locked memory");
    // The page of the digits is left out of cores ("dd"), emptied in a child ("wf") and locked ("lo").
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let flags = maps.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
    let guarded = flags.filter(|flags| ["lo", "dd", "wf"].iter().all(|flag| flags.contains(flag))).count();
    assert_eq!(guarded, 1, "exactly one page is expected: the digits', the key's being gone");
    jobs.clear();
    assert_eq!(locked_kib(), before);

    disable_core_dumps().unwrap();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    assert_eq!(getrlimit(Resource::Core).current, Some(0));
}
