//! The cards and phones at hand, by the names that scripts use.

use crate::{
    cards::{Card, CardOptions, Fault, Medium},
    centre::{CentreState, Patient, Serial},
    pki::jpki::{CardCredential, JpkiAuthority, JpkiError, Validity},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Long enough that neither the months of grace nor their disputed end save the card.
const EXPIRED_DAYS: u32 = 200;
/// What makes a slow card slow, for each APDU.
const SLOW: Duration = Duration::from_millis(150);
/// In the middle of the certificate.
const TORN_AFTER: u32 = 6;
/// The most cards that can be made.
const MOST_CARDS: usize = 20_000;

/// What is peculiar about a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// Nothing.
    Healthy,
    /// Its certificate expired 200 days ago.
    Expired,
    /// Its PIN is locked.
    Locked,
    /// Its PIN has one try left.
    OneTry,
    /// Each APDU takes 150 ms.
    Slow,
    /// Torn away in the middle of its first read.
    Torn,
    /// Stops answering in the middle of its first read.
    Hang,
    /// Not registered for insurance use.
    Unregistered,
    /// On the revocation list.
    Revoked,
    /// iPhone: its holder has not authorised.
    Unauthorised,
}

impl Trait {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Expired, "_expired"),
        (Self::Locked, "_locked"),
        (Self::OneTry, "_one_try"),
        (Self::Slow, "_slow"),
        (Self::Torn, "_torn"),
        (Self::Hang, "_hang"),
        (Self::Unregistered, "_unregistered"),
        (Self::Revoked, "_revoked"),
        (Self::Unauthorised, "_unauthorised"),
    ];
}

/// A card that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The name says no kind.
    #[error(
        "no card is called {0:?}: take my_number_card, android, iphone or old_resident_card, with _expired, _locked, \
         _one_try, _slow, _torn, _hang, _unregistered, _revoked or _unauthorised behind it where wanted, and a number \
         for further ones (android#2)"
    )]
    Name(String),
    /// Too many.
    #[error("{MOST_CARDS} cards are enough")]
    TooMany,
    /// The machine makes no keys.
    #[error(transparent)]
    Key(#[from] JpkiError),
}

/// Kind and peculiarity that a name tells: `android_one_try`, `iphone#3`.
fn parse(name: &str) -> Option<(Medium, Trait)> {
    let (base, number) = name.split_once('#').unwrap_or((name, "1"));
    number.parse::<u16>().ok()?;
    let (base, peculiar) = Trait::ALL
        .into_iter()
        .find_map(|(peculiar, ending)| Some((base.strip_suffix(ending)?, peculiar)))
        .unwrap_or((base, Trait::Healthy));
    Some((base.parse().ok()?, peculiar))
}

/// Every card that was used so far. Keys take time, so each is made when its name first comes up.
pub struct Wallet {
    authority: JpkiAuthority,
    centre: Arc<CentreState>,
    cards: Mutex<BTreeMap<String, Card>>,
    /// From so many cards on, keys are used again.
    most_keys: usize,
}

impl Wallet {
    /// No cards yet; `authority` issues them and `centre` knows their holders.
    pub fn new(authority: JpkiAuthority, centre: Arc<CentreState>) -> Self {
        Self { authority, centre, cards: Mutex::default(), most_keys: usize::MAX }
    }

    /// Makes no more than about `most` keys, at least one; further cards get certificates for keys of others.
    /// Where thousands of cards are wanted, making their keys would take minutes.
    pub fn share_keys(&mut self, most: usize) {
        self.most_keys = most.max(1);
    }

    /// A new key, or another certificate for the key of a card that was made before.
    fn issue(&self, validity: Validity) -> Result<CardCredential, JpkiError> {
        let other = {
            let cards = self.lock();
            let nth = cards.len() % self.most_keys;
            cards.values().nth(nth).filter(|_| cards.len() >= self.most_keys).map(Card::credential)
        };
        match other {
            Some(other) => self.authority.issue_for_key_of(&other, validity),
            None => self.authority.issue(validity),
        }
    }

    /// The names of the cards made so far.
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// The names that every hospital knows, made or not.
    pub fn well_known() -> Vec<String> {
        let kinds = [Medium::MyNumberCard, Medium::Android, Medium::Iphone];
        let peculiar = |kind: Medium| Trait::ALL.map(|(_, ending)| format!("{kind}{ending}"));
        let mut names: Vec<_> =
            kinds.into_iter().flat_map(|k| [vec![k.to_string()], peculiar(k).to_vec()].concat()).collect();
        names.push(Medium::OldResidentCard.to_string());
        names
    }

    /// The card of this name, made if need be, its holder entered at the centre.
    pub fn card(&self, name: &str) -> Result<Card, CardError> {
        if let Some(card) = self.lock().get(name) {
            return Ok(card.clone());
        }
        let (medium, peculiar) =
            parse(name).ok_or_else(|| CardError::Name(name.chars().take(60).collect()))?;
        let now = Timestamp::now();
        let validity = match peculiar {
            Trait::Expired => Validity::expired_at(now, EXPIRED_DAYS),
            _ => Validity::valid_at(now),
        };
        // Outside the lock: other lanes need not wait for a key.
        let credential = self.issue(validity)?;
        let card = Card::new(medium, credential, options(peculiar));
        let mut cards = self.lock();
        if cards.len() >= MOST_CARDS {
            return Err(CardError::TooMany);
        }
        let number = cards.len();
        let card = cards.entry(name.to_owned()).or_insert(card).clone();
        drop(cards);
        self.enter(&card, number, peculiar);
        Ok(card)
    }

    fn enter(&self, card: &Card, number: usize, peculiar: Trait) {
        let Some(serial) = Serial::of_certificate(card.credential().certificate_der()) else { return };
        let patient = Patient::sample(number);
        let patient = if peculiar == Trait::Unregistered { patient.not_registered() } else { patient };
        self.centre.patients().insert(serial.clone(), patient);
        self.centre.set_revoked(serial, peculiar == Trait::Revoked);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Card>> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn options(peculiar: Trait) -> CardOptions {
    let healthy = CardOptions::default();
    match peculiar {
        Trait::Healthy | Trait::Expired | Trait::Unregistered | Trait::Revoked => healthy,
        Trait::Locked => CardOptions::locked(),
        Trait::OneTry => CardOptions::last_try(),
        Trait::Slow => CardOptions { delay: SLOW, ..healthy },
        Trait::Torn => CardOptions { fault: Some(Fault::TearAfter(TORN_AFTER)), ..healthy },
        Trait::Hang => CardOptions { fault: Some(Fault::HangAfter(TORN_AFTER)), ..healthy },
        Trait::Unauthorised => CardOptions { holder_authorised: false, ..healthy },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_kind_and_peculiarity() {
        assert_eq!(parse("android"), Some((Medium::Android, Trait::Healthy)));
        assert_eq!(parse("my_number_card_one_try#12"), Some((Medium::MyNumberCard, Trait::OneTry)));
        assert_eq!(parse("old_resident_card"), Some((Medium::OldResidentCard, Trait::Healthy)));
        for bad in ["", "phone", "android#", "android#x", "_locked"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(Wallet::well_known().iter().all(|name| parse(name).is_some()));
    }
}
