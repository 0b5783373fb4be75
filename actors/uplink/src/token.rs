//! A PKCS#11 token that makes private keys and keeps them: a hardware token, a TPM (through tpm2-pkcs11), or SoftHSM in
//! tests. What is signed goes in, the signature comes out; the key itself never does.
//!
//! A key is known by its public half, which stands in the certificate. So a new certificate finds its own key, and nothing
//! but the token need be configured. A token that is away, or was restarted, is opened anew at the next signature; it is
//! needed for connections that are made, not for those that stand.

use crate::{
    settings::SetupError,
    tls::{file_error, read_secret},
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass},
    session::{Session, UserType},
    types::AuthPin,
};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    pki_types::CertificateDer,
    sign::{Signer, SigningKey},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use x509_parser::parse_x509_certificate;

/// The curve P-256 (RFC 5480), as a token wants to hear of it.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// What people see in the token's list of keys.
const LABEL: &str = "madoguchi terminal";
/// A point of P-256, uncompressed.
const POINT: usize = 65;

/// `token` of `[uplink]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The token's PKCS#11 library.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// A file with its user PIN, which others may not read.
    pub pin_file: PathBuf,
}

/// A token, once for each process and settings: libraries are loaded once, and sessions are few.
struct Token {
    settings: TokenSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    /// The digest of a PIN that the token refused. It is not tried again: the line asks every second, and a few wrong tries
    /// lock a token for good.
    refused: Option<[u8; 32]>,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("settings", &self.settings).finish_non_exhaustive()
    }
}

static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());
static TOKENS: Mutex<BTreeMap<TokenSettings, Arc<Token>>> = Mutex::new(BTreeMap::new());

/// A private key in a token.
#[derive(Clone, Debug)]
pub(crate) struct TokenKey {
    token: Arc<Token>,
    /// The public half.
    point: Vec<u8>,
}

impl TokenKey {
    /// Makes a key in the token. It can't be taken out.
    pub(crate) fn make(settings: &TokenSettings) -> Result<Self, SetupError> {
        let token = Token::of(settings);
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| SetupError::Client(error.to_string()))?;
        let point = token.with(|session| {
            let common = [Attribute::Token(true), Attribute::Id(id.to_vec()), Attribute::Label(LABEL.into())];
            let public = [Attribute::Verify(true), Attribute::EcParams(P256.to_vec())];
            let private = [
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ];
            let (public, private) = ([&common[..], &public].concat(), [&common[..], &private].concat());
            let (public, _) = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
            let found = session.get_attributes(public, &[AttributeType::EcPoint])?;
            Ok(found.iter().find_map(point))
        })?;
        let point = point.ok_or_else(|| token.wrong("tells no public key of P-256"))?;
        Ok(Self { token, point })
    }

    /// The key that belongs to a certificate.
    pub(crate) fn of(settings: &TokenSettings, certificate: &CertificateDer<'_>) -> Result<Self, SetupError> {
        let token = Token::of(settings);
        let (_, certificate) = parse_x509_certificate(certificate)
            .map_err(|_| token.wrong("is asked for the key of a certificate that can't be read"))?;
        let point = certificate.public_key().subject_public_key.data.to_vec();
        Self::with_point(token, point)
    }

    /// The key of this public half.
    pub(crate) fn of_point(settings: &TokenSettings, point: Vec<u8>) -> Result<Self, SetupError> {
        Self::with_point(Token::of(settings), point)
    }

    fn with_point(token: Arc<Token>, point: Vec<u8>) -> Result<Self, SetupError> {
        if !token.with(|session| Ok(private_of(session, &point)?.is_some()))? {
            return Err(token.wrong("has no key of this certificate; was the request made in another token?"));
        }
        Ok(Self { token, point })
    }

    /// Its public half: a point of P-256.
    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }

    /// An ECDSA signature with SHA-256, in DER.
    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SetupError> {
        let digest = Sha256::digest(message);
        let raw = self.token.with(|session| {
            let Some(key) = private_of(session, &self.point)? else { return Ok(None) };
            session.sign(&Mechanism::Ecdsa, key, &digest).map(Some)
        })?;
        let raw = raw.ok_or_else(|| self.token.wrong("no longer has the key"))?;
        der(&raw).ok_or_else(|| self.token.wrong("answers with something that is no signature"))
    }
}

impl Token {
    fn of(settings: &TokenSettings) -> Arc<Self> {
        let fresh = || Arc::new(Self { settings: settings.clone(), state: Mutex::default() });
        lock(&TOKENS).entry(settings.clone()).or_insert_with(fresh).clone()
    }

    fn wrong(&self, problem: &str) -> SetupError {
        let problem = format!("{:?} ({}) {problem}", self.settings.label, self.settings.module.display());
        SetupError::Setting { key: "token", problem }
    }

    /// Does something in a session; once more in a new one where that failed: a token may have been away meanwhile.
    fn with<T>(&self, act: impl Fn(&Session) -> Result<T, Error>) -> Result<T, SetupError> {
        let mut state = lock(&self.state);
        if let Some(session) = &state.session
            && let Ok(done) = act(session)
        {
            return Ok(done);
        }
        state.session = None;
        let session = self.open(&mut state.refused)?;
        let done = act(&session).map_err(|error| self.wrong(&format!("refuses: {error}")))?;
        state.session = Some(session);
        Ok(done)
    }

    fn open(&self, refused: &mut Option<[u8; 32]>) -> Result<Session, SetupError> {
        let failed = |error: Error| self.wrong(&format!("can't be opened: {error}"));
        let module = module(&self.settings.module).map_err(failed)?;
        let slots = module.get_slots_with_token().map_err(failed)?;
        let is_ours = |slot: &_| {
            module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == self.settings.label)
        };
        let slot =
            slots.into_iter().find(is_ours).ok_or_else(|| self.wrong("is not there; is it plugged in?"))?;
        let session = module.open_rw_session(slot).map_err(failed)?;
        let pin = read_secret(&self.settings.pin_file)?;
        let digest = Sha256::digest(&pin).into();
        if *refused == Some(digest) {
            let file = self.settings.pin_file.display();
            return Err(self.wrong(&format!("refused the PIN in {file}; put the right one there")));
        }
        let pin = std::str::from_utf8(&pin)
            .map_err(|_| file_error(&self.settings.pin_file, "holds no PIN in UTF-8; write it anew"))?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.trim_end().into()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => {
                if matches!(error, Error::Pkcs11(RvError::PinIncorrect | RvError::PinLocked, _)) {
                    *refused = Some(digest);
                }
                Err(failed(error))
            }
        }
    }
}

/// A library, loaded and made ready once.
fn module(path: &Path) -> Result<Pkcs11, Error> {
    let mut modules = lock(&MODULES);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

/// The private key of a public half.
fn private_of(session: &Session, wanted: &[u8]) -> Result<Option<cryptoki::object::ObjectHandle>, Error> {
    let public = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC)];
    for key in session.find_objects(&public)? {
        let found = session.get_attributes(key, &[AttributeType::EcPoint, AttributeType::Id])?;
        if found.iter().find_map(point).as_deref() != Some(wanted) {
            continue;
        }
        let Some(id) = found.into_iter().find(|it| matches!(it, Attribute::Id(_))) else { continue };
        let private = [Attribute::Class(ObjectClass::PRIVATE_KEY), id];
        return Ok(session.find_objects(&private)?.into_iter().next());
    }
    Ok(None)
}

/// The point in an attribute: an OCTET STRING around it by the standard, bare in some tokens.
fn point(attribute: &Attribute) -> Option<Vec<u8>> {
    let Attribute::EcPoint(bytes) = attribute else { return None };
    let bare = bytes.strip_prefix(&[0x04, 0x41]).filter(|rest| rest.len() == POINT).unwrap_or(bytes);
    (bare.len() == POINT && bare[0] == 0x04).then(|| bare.to_vec())
}

/// `SEQUENCE { r INTEGER, s INTEGER }` of the two halves that a token answers with (RFC 3279, section 2.2.3).
fn der(raw: &[u8]) -> Option<Vec<u8>> {
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

impl SigningKey for TokenKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let ours = SignatureScheme::ECDSA_NISTP256_SHA256;
        offered.contains(&ours).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for TokenKey {
    // Waits for the token: a TPM takes some 100 ms. That is as rare as connections are made.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.signature(message).map_err(|error| {
            tracing::error!(%error, "the token does not sign");
            rustls::Error::General(error.to_string())
        })
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

impl rcgen::PublicKeyData for TokenKey {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for TokenKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signature(message).map_err(|error| {
            tracing::error!(%error, "the token does not sign");
            rcgen::Error::RemoteKeyError
        })
    }
}

/// The data stay sound whoever panicked while holding the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
