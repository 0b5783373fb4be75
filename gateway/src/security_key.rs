//! Security keys and passkeys as a second factor (Web Authentication, W3C). What is signed, and whether it is right, is
//! the library's affair (`passki`, with the one cryptographic provider of this house); here is what the box asks for,
//! what it keeps, and how large an answer may be.
//!
//! A key is asked for by the page's name: it answers to no other, so a page elsewhere that looks the same gets nothing.
//! The manufacturer is not asked for (no attestation): a hospital takes the keys that it has.

use jiff::Timestamp;
use passki::{
    AuthenticationCredential, AuthenticationOptions, AuthenticationState, AuthenticatorTransport,
    CredentialProtectionPolicy, Passki, PasskiError, RegistrationCredential, RegistrationOptions,
    RegistrationState, ResidentKeyRequirement, StoredPasskey,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The largest answer of a browser, in bytes: one without the manufacturer's papers has a tenth of it.
pub const LARGEST_ANSWER: usize = 16 * 1024;
/// How long a key is waited for. What is answered later is not taken.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(120);
/// The longest id of a key, in bytes (Web Authentication, 5.8.3 and 7.1).
const LONGEST_ID: usize = 1023;
/// The longest public key, in bytes: RSA with 8192 bits, the largest that is verified.
const LONGEST_PUBLIC_KEY: usize = 1200;

/// The page as browsers know it: what keys are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name, without scheme and port.
    pub name: String,
    /// With both, as a browser writes it.
    pub origin: String,
}

/// A key of a person, as it is kept. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityKey {
    /// What the person calls it.
    pub name: String,
    /// The page's name when it was added: it answers under this one only.
    pub place: String,
    /// When it was added.
    pub added: Timestamp,
    #[serde(with = "text")]
    id: Vec<u8>,
    #[serde(with = "text")]
    public_key: Vec<u8>,
    algorithm: i32,
    /// How often it says that it was used; 0 where it does not count. One that counts and goes back was copied.
    uses: u32,
    transports: Vec<AuthenticatorTransport>,
    protection: Option<CredentialProtectionPolicy>,
}

/// Why a key's answer is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BadAnswer {
    /// See [`LARGEST_ANSWER`].
    #[error("the answer is too large")]
    TooLarge,
    /// Not what a browser sends.
    #[error("the answer is none of a browser: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Another challenge, another page, a wrong signature, nobody's touch.
    #[error("the answer is not right: {0}")]
    Wrong(#[source] PasskiError),
    /// Not one of the person's keys, or no longer one.
    #[error("the key is not known here")]
    Unknown,
    /// Its counter went back: there are two of it, or the answer was made up.
    #[error("the key counts less than before: it may have been copied")]
    Copied,
    /// Larger than any key.
    #[error("the key's id or public key is too long")]
    Oversized,
}

impl From<PasskiError> for BadAnswer {
    fn from(error: PasskiError) -> Self {
        match error {
            PasskiError::CounterRegression => Self::Copied,
            PasskiError::CredentialNotAllowed => Self::Unknown,
            wrong => Self::Wrong(wrong),
        }
    }
}

/// A key that is being added: what was asked, until it is answered. Used up by the first answer.
pub struct Adding {
    place: Place,
    state: RegistrationState,
}

/// A key that is asked for at the log-in, until it is answered. Used up by the first answer.
pub struct Asking {
    place: Place,
    /// Whose keys they are: what an answer that names somebody must name.
    person: Vec<u8>,
    state: AuthenticationState,
}

impl Place {
    fn library(&self, terminal: &str) -> Passki {
        Passki::new(&self.name, &[&self.origin], terminal)
    }

    /// Those of these keys that answer here.
    fn own<'a>(&self, keys: &'a [SecurityKey]) -> impl Iterator<Item = &'a SecurityKey> {
        keys.iter().filter(|key| key.place == self.name)
    }
}

fn patience() -> u64 {
    u64::try_from(ANSWERED_WITHIN.as_millis()).unwrap_or(u64::MAX)
}

impl Adding {
    /// Asks for a key that the person has not added yet; `person` is 16 random bytes or more that name nobody. With it
    /// comes what the browser is told, as JSON.
    pub fn begin(
        place: &Place,
        terminal: &str,
        person: &[u8],
        name: &str,
        keys: &[SecurityKey],
    ) -> Result<(Self, String), BadAnswer> {
        let known: Vec<_> = place.own(keys).map(SecurityKey::stored).collect();
        let mut options = RegistrationOptions::default();
        options.timeout = patience();
        // The password says who it is: the key need not remember, and its memory is small.
        options.resident_key = ResidentKeyRequirement::Discouraged;
        options.exclude_credentials = Some(&known);
        let library = place.library(terminal);
        let (told, state) = library.start_passkey_registration(person, name, name, options)?;
        Ok((Self { place: place.clone(), state }, serde_json::to_string(&told)?))
    }

    /// The key, if this is its answer.
    pub fn finish(self, answer: &str, name: &str, now: Timestamp) -> Result<SecurityKey, BadAnswer> {
        let answer = read_added(answer)?;
        let made = self.place.library("").finish_passkey_registration(&answer, &self.state)?;
        let StoredPasskey { credential_id: id, public_key, .. } = &made;
        if id.is_empty() || id.len() > LONGEST_ID || public_key.len() > LONGEST_PUBLIC_KEY {
            return Err(BadAnswer::Oversized);
        }
        let mut transports = made.transports;
        transports.truncate(8);
        Ok(SecurityKey {
            name: name.to_owned(),
            place: self.place.name,
            added: now,
            id: made.credential_id,
            public_key: made.public_key,
            algorithm: made.algorithm,
            uses: made.counter,
            transports,
            protection: made.cred_protect,
        })
    }
}

impl Asking {
    /// Asks for any of these keys that answer here, if there are; `person` as when they were added. With it comes what
    /// the browser is told, as JSON.
    pub fn begin(
        place: &Place,
        person: &[u8],
        keys: &[SecurityKey],
    ) -> Result<Option<(Self, String)>, BadAnswer> {
        let known: Vec<_> = place.own(keys).map(SecurityKey::stored).collect();
        // Without one the library would ask for any key of anybody.
        if known.is_empty() {
            return Ok(None);
        }
        let mut options = AuthenticationOptions::default();
        options.timeout = patience();
        let (told, state) = place.library("").start_passkey_authentication(&known, options)?;
        let asking = Self { place: place.clone(), person: person.to_vec(), state };
        Ok(Some((asking, serde_json::to_string(&told)?)))
    }

    /// Whether this is the answer of one of these keys, the person's present ones; its counter is kept in it then.
    pub fn finish(self, answer: &str, keys: &mut [SecurityKey]) -> Result<(), BadAnswer> {
        let answer = read_used(answer)?;
        let id = Passki::base64_decode(&answer.raw_id)?;
        let here = |key: &&mut SecurityKey| key.place == self.place.name && key.id == id;
        let key = keys.iter_mut().find(here).ok_or(BadAnswer::Unknown)?;
        let library = self.place.library("");
        let used = library.finish_passkey_authentication(&answer, &self.state, &key.stored())?;
        if used.user_handle.is_some_and(|named| named != self.person) {
            return Err(BadAnswer::Unknown);
        }
        key.uses = used.counter;
        Ok(())
    }
}

impl SecurityKey {
    /// Its id, as forms carry it.
    pub fn id(&self) -> String {
        Passki::base64_encode(&self.id)
    }

    /// Whether it is the same key, whatever it is called.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    fn stored(&self) -> StoredPasskey {
        let mut stored = StoredPasskey::default();
        stored.credential_id.clone_from(&self.id);
        stored.public_key.clone_from(&self.public_key);
        stored.algorithm = self.algorithm;
        stored.counter = self.uses;
        stored.transports.clone_from(&self.transports);
        stored.cred_protect = self.protection;
        stored
    }
}

/// What a browser sends when a key was added.
pub fn read_added(answer: &str) -> Result<RegistrationCredential, BadAnswer> {
    read(answer)
}

/// What a browser sends when a key was used.
pub fn read_used(answer: &str) -> Result<AuthenticationCredential, BadAnswer> {
    read(answer)
}

fn read<T: DeserializeOwned>(answer: &str) -> Result<T, BadAnswer> {
    if answer.len() > LARGEST_ANSWER {
        return Err(BadAnswer::TooLarge);
    }
    Ok(serde_json::from_str(answer)?)
}

/// Bytes as text in the file: base64url.
mod text {
    use passki::Passki;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Passki::base64_encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Passki::base64_decode(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
