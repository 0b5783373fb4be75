//! A signature as TLS wants it, from what a token answers with.

/// `SEQUENCE { r INTEGER, s INTEGER }` of the two halves that a token answers with (RFC 3279, section 2.2.3).
pub(super) fn der(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.len() != 64 {
        return None;
    }
    let integer = |half: &[u8]| {
        let start = half.iter().position(|byte| *byte != 0).unwrap_or(half.len() - 1);
        let sign = if half[start] & 0x80 == 0 { &[][..] } else { &[0][..] };
        let digits = [sign, &half[start..]].concat();
        // 33 bytes at most.
        [&[0x02, u8::try_from(digits.len()).unwrap_or(u8::MAX)], &digits[..]].concat()
    };
    let body = [integer(&raw[..32]), integer(&raw[32..])].concat();
    Some([&[0x30, u8::try_from(body.len()).ok()?], &body[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_that_begin_with_zero_or_a_high_bit_stay_positive_and_short() {
        let mut raw = [0; 64];
        (raw[31], raw[32]) = (1, 0x80);
        let written = der(&raw).unwrap();
        assert_eq!(written[..5], [0x30, 0x26, 0x02, 0x01, 0x01]);
        assert_eq!(written[5..9], [0x02, 0x21, 0x00, 0x80]);
        assert_eq!(der(&raw[1..]), None);
        assert!(der(&[0; 64]).is_some());
    }

    proptest! {
        #[test]
        fn every_pair_of_halves_is_sound_der(raw in prop::collection::vec(any::<u8>(), 64)) {
            let written = der(&raw).unwrap();
            prop_assert_eq!((written[0], usize::from(written[1])), (0x30, written.len() - 2));
            let mut rest = &written[2..];
            for half in [&raw[..32], &raw[32..]] {
                let (head, after) = rest.split_at(2);
                let (digits, after) = after.split_at(head[1].into());
                prop_assert_eq!(head[0], 0x02);
                // Positive, and without more zeros than that takes.
                prop_assert!(digits[0] < 0x80);
                prop_assert!(digits.len() == 1 || digits[0] != 0 || digits[1] >= 0x80);
                let same = [&vec![0; 33 - digits.len()][..], digits].concat();
                prop_assert_eq!(&same[1..], half);
                rest = after;
            }
            prop_assert!(rest.is_empty());
        }
    }
}
