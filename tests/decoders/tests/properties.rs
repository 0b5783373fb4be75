//! Every decoder against its own seeds, cut, changed, spliced and oversized, and against random bytes.

use madoguchi_decoders::{ALL, Decoder, Verdict};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// Cases of each property and decoder. The fuzz targets go on from here for as long as they are let.
const CASES: u32 = 512;

/// Nothing within the size that is read at all may keep an actor longer.
const PATIENCE: Duration = Duration::from_secs(5);

fn for_each_decoder<S: Strategy>(inputs: impl Fn(&Decoder) -> S, check: impl Fn(&Decoder, S::Value)) {
    for decoder in ALL {
        let mut runner =
            TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let result = runner.run(&inputs(decoder), |input| {
            check(decoder, input);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{} ({}): {error}", decoder.name, decoder.written_by);
        }
    }
}

#[test]
fn every_seed_is_accepted() {
    for decoder in ALL {
        let seeds = (decoder.seeds)();
        assert!(!seeds.is_empty());
        for (number, seed) in seeds.iter().enumerate() {
            assert_eq!((decoder.check)(seed), Verdict::Accepted, "{} seed {number}", decoder.name);
        }
    }
}

#[test]
fn what_is_cut_short_is_refused() {
    for decoder in ALL {
        for (number, seed) in (decoder.seeds)().iter().enumerate() {
            for cut in 0..seed.len() {
                let verdict = (decoder.check)(&seed[..cut]);
                let refused = !decoder.cut_is_refused || verdict == Verdict::Refused;
                assert!(refused, "{} seed {number} cut at {cut}", decoder.name);
            }
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    for_each_decoder(
        |_| prop::collection::vec(any::<u8>(), 0..2_000),
        |decoder, input| {
            (decoder.check)(&input);
        },
    );
}

/// One way to damage an input.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
}

impl Damage {
    fn strategy() -> impl Strategy<Value = Self> {
        let at = any::<Index>;
        // Bytes with a meaning in one format or another: lengths, markers, quotes, separators.
        let telling = prop::sample::select(
            b"\x00\x18\x1b\x5f\x7f\x9f\xbf\xff\x61\x6c\x90<>&/\"'{}[]:,;=#\x81".to_vec(),
        );
        prop_oneof![
            (at(), prop_oneof![any::<u8>(), telling]).prop_map(|(at, byte)| Self::Set(at, byte)),
            (at(), 0..8u8).prop_map(|(at, bit)| Self::Flip(at, bit)),
            (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (at(), 1..40usize).prop_map(|(at, count)| Self::Remove(at, count)),
            (at(), 1..40usize, 1..200usize).prop_map(|(at, count, times)| Self::Repeat(at, count, times)),
        ]
    }

    fn apply(&self, input: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => *at.get_mut(input) = *byte,
            Self::Flip(at, bit) => *at.get_mut(input) ^= 1 << bit,
            Self::Insert(at, bytes) => {
                let at = at.index(input.len());
                input.splice(at..at, bytes.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = at.index(input.len());
                let end = (at + count).min(input.len());
                input.drain(at..end);
            }
            Self::Repeat(at, count, times) => {
                let at = at.index(input.len());
                let end = (at + count).min(input.len());
                let piece = input[at..end].repeat(*times);
                input.splice(end..end, piece);
            }
        }
    }
}

#[test]
fn damaged_seeds_never_panic() {
    let inputs = |decoder: &Decoder| {
        let damages = prop::collection::vec(Damage::strategy(), 1..6);
        (prop::sample::select((decoder.seeds)()), damages).prop_map(|(mut input, damages)| {
            for damage in damages {
                damage.apply(&mut input);
            }
            input
        })
    };
    for_each_decoder(inputs, |decoder, input| {
        (decoder.check)(&input);
    });
}

#[test]
fn spliced_seeds_never_panic() {
    let inputs = |decoder: &Decoder| {
        let seed = || (prop::sample::select((decoder.seeds)()), any::<Index>());
        (seed(), seed()).prop_map(|((head, cut), (tail, from))| {
            let (cut, from) = (cut.index(head.len()), from.index(tail.len()));
            [&head[..cut], &tail[from..]].concat()
        })
    };
    for_each_decoder(inputs, |decoder, input| {
        (decoder.check)(&input);
    });
}

/// Inputs that are cheap to send and dear to read: as large and as deep as anything that is read at all.
fn exhausting() -> Vec<(&'static str, Vec<u8>)> {
    const MIB: usize = 1024 * 1024;
    let xml = |body: String| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}").into_bytes();
    let numbered = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    vec![
        ("nested arrays", vec![0x81; 64 * 1024]),
        ("nested open arrays", vec![0x9f; 64 * 1024]),
        ("nested tags", vec![0xc1; 64 * 1024]),
        ("an array of 2^64-1", vec![0x9b, 255, 255, 255, 255, 255, 255, 255, 255]),
        ("a frame of 4 GiB", vec![0xff; 64 * 1024]),
        ("nothing but empty frames", vec![0x00; 4 * MIB]),
        ("nested JSON", vec![b'['; 32 * 1024]),
        ("nested TOML arrays", [b"site = ".to_vec(), vec![b'['; 512 * 1024]].concat()),
        ("nested TOML tables", [b"site = ".to_vec(), b"{a=".repeat(256 * 1024)].concat()),
        ("a dotted key without end", b"a.".repeat(512 * 1024)),
        ("nested elements", xml("<a>".repeat(MIB))),
        ("many elements", xml("<a/>".repeat(MIB - 64))),
        ("many attributes", xml(format!("<XmlMsg {}/>", numbered(350_000, &|n| format!("a{n}=\"\" "))))),
        ("many references", xml(format!("<XmlMsg>{}</XmlMsg>", "&#x41;".repeat(600_000)))),
        ("many comments", xml(format!("<XmlMsg>{}</XmlMsg>", "<!---->".repeat(500_000)))),
        ("one long text", xml(format!("<XmlMsg>{}</XmlMsg>", "あ".repeat(MIB)))),
        ("one long name", xml(format!("<{}/>", "a".repeat(4 * MIB - 100)))),
        ("an endless prolog", [b"<?xml version=\"1.0\" ".to_vec(), vec![b' '; 4 * MIB]].concat()),
        ("more than is read", vec![b' '; 5 * MIB]),
    ]
}

#[test]
fn exhausting_inputs_are_refused_soon() {
    for (what, input) in exhausting() {
        for decoder in ALL {
            let begun = Instant::now();
            let verdict = catch_unwind(AssertUnwindSafe(|| (decoder.check)(&input)));
            let Ok(verdict) = verdict else { panic!("{} panics on {what}", decoder.name) };
            assert!(begun.elapsed() < PATIENCE, "{}: {what} took {:?}", decoder.name, begun.elapsed());
            let lenient = decoder.name == "medium";
            assert!(lenient || verdict == Verdict::Refused, "{} accepts {what}", decoder.name);
        }
    }
}
