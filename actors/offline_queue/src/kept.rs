//! What is kept of a confirmation: the answer while it is handed on, and one byte once it is wiped.

use madoguchi_protocol::{
    eligibility::{ConfirmationAnswer, Validity, Verdict},
    messages::offline_queue::Settlement,
};
use serde::{Deserialize, Serialize};

/// The centre's answer as it is sealed in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The answer.
    pub answer: ConfirmationAnswer,
    /// Whether it came after the patient's visit.
    pub deferred: bool,
}

impl KeptAnswer {
    /// How the confirmation ended.
    pub fn settlement(&self) -> Settlement {
        let ConfirmationAnswer { verdict, validity, .. } = self.answer;
        Settlement { verdict, validity, deferred: self.deferred }
    }
}

/// How a confirmation ended that a person disposed of, or that the centre refused to read.
pub const REFUSED: Settlement = Settlement { verdict: Verdict::Refused, validity: None, deferred: true };

// The order is that of the stored numbers: only ever add at the end.
const VERDICTS: [Verdict; 5] =
    [Verdict::Confirmed, Verdict::NotRegistered, Verdict::Expired, Verdict::Revoked, Verdict::Refused];
const VALIDITIES: [Option<Validity>; 7] = [
    None,
    Some(Validity::Valid),
    Some(Validity::NotValid),
    Some(Validity::NotValidNewExists),
    Some(Validity::None),
    Some(Validity::Several),
    Some(Validity::MedicalAidNotRegistered),
];

/// The byte that stays: bit 7 deferred, bits 3 to 5 the validity, bits 0 to 2 the verdict.
pub fn outcome(settlement: Settlement) -> u8 {
    let place = |found: Option<usize>| u8::try_from(found.unwrap_or(0)).unwrap_or(0);
    let verdict = place(VERDICTS.iter().position(|known| *known == settlement.verdict));
    let validity = place(VALIDITIES.iter().position(|known| *known == settlement.validity));
    u8::from(settlement.deferred) << 7 | validity << 3 | verdict
}

/// What a byte of [`outcome`] said; `None` where a later version wrote it.
pub fn settlement(outcome: u8) -> Option<Settlement> {
    if outcome & 0x40 != 0 {
        return None;
    }
    Some(Settlement {
        verdict: *VERDICTS.get(usize::from(outcome & 7))?,
        validity: *VALIDITIES.get(usize::from(outcome >> 3 & 7))?,
        deferred: outcome & 0x80 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_settlement_comes_back_from_its_byte() {
        let mut seen = std::collections::HashSet::new();
        for verdict in VERDICTS {
            for validity in VALIDITIES {
                for deferred in [false, true] {
                    let ended = Settlement { verdict, validity, deferred };
                    assert_eq!(settlement(outcome(ended)), Some(ended));
                    assert!(seen.insert(outcome(ended)), "two settlements share {}", outcome(ended));
                }
            }
        }
        assert_eq!((0..=255).filter(|byte| settlement(*byte).is_some()).count(), seen.len());
    }
}
