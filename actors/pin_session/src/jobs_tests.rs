//! What a job keeps, from whom, and for how long.

use super::*;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal,
};
use madoguchi_protocol::pin::{INFO_FROM_DEVICE, INFO_TO_NFC_READER};
use proptest::prelude::*;

const ANY_LANE: u16 = 2;

fn lane() -> LaneId {
    LaneId::new(ANY_LANE).unwrap()
}

/// What the reader's device does.
fn seal(plain: &[u8], to: &PublicKey, aad: &[u8], info: &[u8]) -> SealedPin {
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&to.0).unwrap();
    let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        plain,
        aad,
    )
    .unwrap();
    SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext }
}

/// What `nfc_reader` does.
struct Reader(<X25519HkdfSha256 as Kem>::PrivateKey, PublicKey);

impl Reader {
    fn new() -> Self {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        Self(private, PublicKey(public.to_bytes().into()))
    }

    fn open(&self, sealed: &SealedPin, aad: &[u8]) -> Option<Vec<u8>> {
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.encapsulated).ok()?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            INFO_TO_NFC_READER,
            &sealed.ciphertext,
            aad,
        )
        .ok()
    }
}

struct Held {
    jobs: Jobs,
    visit: VisitId,
    job: PinJob,
    start: Instant,
}

/// A lane whose patient has typed 1234.
fn held() -> Held {
    let (mut jobs, visit, start) = (Jobs::default(), VisitId::random(), Instant::now());
    let opened = jobs.open(lane(), visit, start).unwrap();
    let aad = associated_data(visit, lane(), opened.job);
    let sealed = seal(b"1234", &opened.public_key, &aad, INFO_FROM_DEVICE);
    assert_eq!(jobs.hold(lane(), visit, opened.job, &sealed, start), PinHeld::Held);
    Held { jobs, visit, job: opened.job, start }
}

#[test]
fn the_digits_reach_the_reader_and_nobody_else() {
    let Held { mut jobs, visit, job, start } = held();
    let (reader, other) = (Reader::new(), Reader::new());
    let PinReleased::Released(sealed) = jobs.release(lane(), visit, job, &reader.1, start) else {
        panic!("not released")
    };
    let aad = associated_data(visit, lane(), job);
    assert_eq!(reader.open(&sealed, &aad).as_deref(), Some(&b"1234"[..]));
    assert_eq!(other.open(&sealed, &aad), None);
    assert_eq!(reader.open(&sealed, &associated_data(VisitId::random(), lane(), job)), None);
}

#[test]
fn a_pin_is_released_once() {
    let Held { mut jobs, visit, job, start } = held();
    let reader = Reader::new();
    assert!(matches!(jobs.release(lane(), visit, job, &reader.1, start), PinReleased::Released(_)));
    assert_eq!(jobs.release(lane(), visit, job, &reader.1, start), PinReleased::NotHeld);
    assert!(jobs.is_empty());
}

#[test]
fn pin_lives_sixty_seconds_at_most() {
    let reader = Reader::new();
    let Held { mut jobs, visit, job, start } = held();
    assert_eq!(jobs.next_expiry(), Some(start + Duration::from_secs(60)));
    assert!(!jobs.expire(start + Duration::from_millis(59_999)));
    assert!(jobs.expire(start + Duration::from_secs(60)));
    assert!(jobs.is_empty());
    // Even if the timer were late, an old PIN is not released.
    let mut late = held();
    let then = late.start + Duration::from_secs(60);
    assert_eq!(late.jobs.release(lane(), late.visit, late.job, &reader.1, then), PinReleased::NotHeld);
    assert_eq!(jobs.release(lane(), visit, job, &reader.1, start), PinReleased::NotHeld);
}

#[test]
fn another_visit_gets_nothing_and_the_pin_is_wiped() {
    let Held { mut jobs, visit, job, start } = held();
    let reader = Reader::new();
    assert_eq!(jobs.release(lane(), VisitId::random(), job, &reader.1, start), PinReleased::NotHeld);
    assert_eq!(jobs.release(lane(), visit, job, &reader.1, start), PinReleased::NotHeld);
}

#[test]
fn another_lane_gets_nothing_and_takes_nothing() {
    let Held { mut jobs, visit, job, start } = held();
    let reader = Reader::new();
    let neighbour = LaneId::new(ANY_LANE + 1).unwrap();
    assert_eq!(jobs.release(neighbour, visit, job, &reader.1, start), PinReleased::NotHeld);
    assert!(matches!(jobs.release(lane(), visit, job, &reader.1, start), PinReleased::Released(_)));
}

#[test]
fn a_new_job_wipes_the_lanes_old_one() {
    let Held { mut jobs, visit, job, start } = held();
    let newer = jobs.open(lane(), VisitId::random(), start).unwrap();
    assert_eq!(jobs.len(), 1);
    jobs.drop_job(lane(), job);
    assert_eq!(jobs.len(), usize::from(newer.job != job), "the old job's late end hurt the new one");
    assert_eq!(jobs.release(lane(), visit, job, &Reader::new().1, start), PinReleased::NotHeld);
}

#[test]
fn a_seal_for_an_older_job_does_not_hurt_the_new_one() {
    let (mut jobs, visit, start) = (Jobs::default(), VisitId::random(), Instant::now());
    let opened = jobs.open(lane(), visit, start).unwrap();
    let stale = PinJob((opened.job.0 + 1) % 10_000);
    let aad = associated_data(visit, lane(), opened.job);
    let sealed = seal(b"1234", &opened.public_key, &aad, INFO_FROM_DEVICE);
    assert_eq!(jobs.hold(lane(), visit, stale, &sealed, start), PinHeld::NoSuchJob);
    assert_eq!(jobs.hold(lane(), visit, opened.job, &sealed, start), PinHeld::Held);
}

#[test]
fn a_dropped_pin_is_gone() {
    let Held { mut jobs, visit, job, start } = held();
    jobs.drop_job(lane(), job);
    assert!(jobs.is_empty());
    assert_eq!(jobs.release(lane(), visit, job, &Reader::new().1, start), PinReleased::NotHeld);
}

#[test]
fn a_seal_bound_to_anything_else_does_not_open() {
    let start = Instant::now();
    let elsewhere = LaneId::new(ANY_LANE + 1).unwrap();
    for case in 0..4 {
        let (mut jobs, visit) = (Jobs::default(), VisitId::random());
        let opened = jobs.open(lane(), visit, start).unwrap();
        let right = associated_data(visit, lane(), opened.job);
        let sealed = match case {
            0 => seal(b"1234", &opened.public_key, &right, INFO_TO_NFC_READER),
            1 => {
                let aad = associated_data(VisitId::random(), lane(), opened.job);
                seal(b"1234", &opened.public_key, &aad, INFO_FROM_DEVICE)
            }
            2 => {
                let aad = associated_data(visit, elsewhere, opened.job);
                seal(b"1234", &opened.public_key, &aad, INFO_FROM_DEVICE)
            }
            _ => seal(b"1234", &Reader::new().1, &right, INFO_FROM_DEVICE),
        };
        assert_eq!(jobs.hold(lane(), visit, opened.job, &sealed, start), PinHeld::NotAPin, "case {case}");
        assert!(jobs.is_empty(), "case {case}");
    }
}

#[test]
fn r19_only_four_ascii_digits_are_a_pin() {
    let start = Instant::now();
    for plain in [&b""[..], b"123", b"12345", b"12a4", b"12 4", "１２３４".as_bytes(), b"\0\0\0\0"] {
        let (mut jobs, visit) = (Jobs::default(), VisitId::random());
        let opened = jobs.open(lane(), visit, start).unwrap();
        let aad = associated_data(visit, lane(), opened.job);
        let sealed = seal(plain, &opened.public_key, &aad, INFO_FROM_DEVICE);
        assert_eq!(jobs.hold(lane(), visit, opened.job, &sealed, start), PinHeld::NotAPin, "{plain:?}");
    }
}

#[test]
fn a_pin_typed_too_late_is_not_held() {
    let (mut jobs, visit, start) = (Jobs::default(), VisitId::random(), Instant::now());
    let opened = jobs.open(lane(), visit, start).unwrap();
    let aad = associated_data(visit, lane(), opened.job);
    let sealed = seal(b"1234", &opened.public_key, &aad, INFO_FROM_DEVICE);
    let late = start + LIFETIME;
    assert_eq!(jobs.hold(lane(), visit, opened.job, &sealed, late), PinHeld::NoSuchJob);
}

#[test]
fn open_jobs_have_different_numbers_of_four_digits() {
    let mut jobs = Jobs::default();
    let mut numbers = std::collections::HashSet::new();
    // A memory page of its own for each: stay below a usual limit on locked memory.
    for number in 1..=200 {
        let opened = jobs.open(LaneId::new(number).unwrap(), VisitId::random(), Instant::now()).unwrap();
        assert_eq!(opened.job.to_string().len(), 4);
        assert!(numbers.insert(opened.job));
    }
}

proptest! {
    #[test]
    fn no_seal_whatever_makes_the_keeper_panic(
        encapsulated in prop::collection::vec(any::<u8>(), 0..80),
        ciphertext in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let (mut jobs, visit, start) = (Jobs::default(), VisitId::random(), Instant::now());
        let opened = jobs.open(lane(), visit, start).unwrap();
        let sealed = SealedPin { encapsulated, ciphertext };
        prop_assert_eq!(jobs.hold(lane(), visit, opened.job, &sealed, start), PinHeld::NotAPin);
    }

    #[test]
    fn no_reader_key_whatever_makes_the_keeper_panic(key in any::<[u8; 32]>()) {
        let Held { mut jobs, visit, job, start } = held();
        let _ = jobs.release(lane(), visit, job, &PublicKey(key), start);
        prop_assert!(jobs.is_empty());
    }
}
