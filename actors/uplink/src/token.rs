//! A PKCS#11 token that makes private keys and keeps them: a hardware token, a TPM (through tpm2-pkcs11), or SoftHSM in
//! tests. What is signed goes in, the signature comes out; the key itself never does.
//!
//! A key is known by its public half, which stands in the certificate. So a new certificate finds its own key, and nothing
//! but the token need be configured. A token that is away, or was restarted, is opened anew at the next signature; it is
//! needed for connections that are made, not for those that stand.

mod signature;

use crate::{
    settings::SetupError,
    tls::{file_error, read_secret},
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    pki_types::CertificateDer,
    sign::{Signer, SigningKey},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use signature::der;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

/// The curve P-256 (RFC 5480), as a token wants to hear of it.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
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
    /// The digest of the PIN that the session was opened with.
    accepted: Option<[u8; 32]>,
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

/// What another program of the box needs to use a key in a token.
pub(crate) struct Handle {
    /// Its `CKA_ID`.
    pub(crate) id: Vec<u8>,
    /// A PIN that the token has accepted from this program.
    pub(crate) pin: Zeroizing<String>,
}

impl TokenKey {
    /// Makes a key in the token. It can't be taken out. `label` is what people see in the token's list of keys.
    pub(crate) fn make(settings: &TokenSettings, label: &str) -> Result<Self, SetupError> {
        let token = Token::of(settings);
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| SetupError::Client(error.to_string()))?;
        let point = token.with(|session| {
            let common = [Attribute::Token(true), Attribute::Id(id.to_vec()), Attribute::Label(label.into())];
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
        let point = token.point_of(certificate)?;
        Self::with_point(token, point)
    }

    /// The key of this public half.
    pub(crate) fn of_point(settings: &TokenSettings, point: Vec<u8>) -> Result<Self, SetupError> {
        Self::with_point(Token::of(settings), point)
    }

    fn with_point(token: Arc<Token>, point: Vec<u8>) -> Result<Self, SetupError> {
        if !token.with(|session| Ok(private_of(session, &point)?.is_some()))? {
            return Err(token.lacks());
        }
        Ok(Self { token, point })
    }

    /// What strongSwan needs to use it. The PIN is one that the token took from this program a moment ago, so that a wrong
    /// one is never handed on.
    pub(crate) fn handle(&self) -> Result<Handle, SetupError> {
        let pin = self.token.accepted_pin()?;
        let id = self.token.with(|session| public_of(session, &self.point))?;
        Ok(Handle { id: id.ok_or_else(|| self.token.lacks())?, pin })
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

    fn lacks(&self) -> SetupError {
        self.wrong("has no key of this certificate; was the request made in another token?")
    }

    /// The public half in a certificate.
    fn point_of(&self, certificate: &CertificateDer<'_>) -> Result<Vec<u8>, SetupError> {
        let (_, certificate) = parse_x509_certificate(certificate)
            .map_err(|_| self.wrong("is asked for the key of a certificate that can't be read"))?;
        Ok(certificate.public_key().subject_public_key.data.to_vec())
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
        let session = self.open(&mut state)?;
        let done = act(&session).map_err(|error| self.wrong(&format!("refuses: {error}")))?;
        state.session = Some(session);
        Ok(done)
    }

    /// The library, and where in it the token is.
    fn slot(&self) -> Result<(Pkcs11, Slot), SetupError> {
        let module = module(&self.settings.module).map_err(|error| self.closed(&error))?;
        let slots = module.get_slots_with_token().map_err(|error| self.closed(&error))?;
        let is_ours = |slot: &_| {
            module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == self.settings.label)
        };
        let slot = slots.into_iter().find(is_ours);
        Ok((module, slot.ok_or_else(|| self.wrong("is not there; is it plugged in?"))?))
    }

    fn closed(&self, error: &Error) -> SetupError {
        self.wrong(&format!("can't be opened: {error}"))
    }

    fn pin(&self) -> Result<(Zeroizing<String>, [u8; 32]), SetupError> {
        let file = &self.settings.pin_file;
        let bytes = read_secret(file)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| file_error(file, "holds no PIN in UTF-8; write it anew"))?;
        let pin = Zeroizing::new(text.trim_end().to_owned());
        let digest = Sha256::digest(pin.as_bytes()).into();
        Ok((pin, digest))
    }

    /// The PIN in the file, after the token has taken it.
    fn accepted_pin(&self) -> Result<Zeroizing<String>, SetupError> {
        let mut state = lock(&self.state);
        let (pin, digest) = self.pin()?;
        if state.session.is_none() || state.accepted != Some(digest) {
            state.session = None;
            state.session = Some(self.open(&mut state)?);
        }
        Ok(pin)
    }

    fn open(&self, state: &mut State) -> Result<Session, SetupError> {
        let (module, slot) = self.slot()?;
        let session = module.open_rw_session(slot).map_err(|error| self.closed(&error))?;
        let (pin, digest) = self.pin()?;
        if state.refused == Some(digest) {
            let file = self.settings.pin_file.display();
            return Err(self.wrong(&format!("refused the PIN in {file}; put the right one there")));
        }
        let pin = AuthPin::new(pin.as_str().into());
        let log_in = || session.login(UserType::User, Some(&pin));
        let logged_in = match log_in() {
            // Somebody else in this program, maybe with another PIN: nobody's word is taken for this one.
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => session.logout().and_then(|()| log_in()),
            outcome => outcome,
        };
        if let Err(error) = &logged_in {
            if matches!(error, Error::Pkcs11(RvError::PinIncorrect | RvError::PinLocked, _)) {
                state.refused = Some(digest);
            }
            return Err(self.closed(error));
        }
        state.accepted = Some(digest);
        Ok(session)
    }
}

/// Whether the key of a certificate could be used, as far as that can be seen without the PIN, which is not tried: whoever
/// looks at what is broken must not use up the tries of a token.
pub(crate) fn look(settings: &TokenSettings, certificate: &CertificateDer<'_>) -> Result<(), SetupError> {
    let token = Token::of(settings);
    let file = settings.pin_file.display();
    token.pin()?;
    let (module, slot) = token.slot()?;
    let info = module.get_token_info(slot).map_err(|error| token.closed(&error))?;
    if info.user_pin_locked() {
        return Err(token.wrong("has locked its PIN after wrong ones; unlock it with its maker's program"));
    }
    if info.user_pin_count_low() {
        let problem = format!("was given a wrong PIN; put the right one into {file}");
        return Err(token.wrong(&problem));
    }
    let session = module.open_ro_session(slot).map_err(|error| token.closed(&error))?;
    let point = token.point_of(certificate)?;
    match public_of(&session, &point) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(token.lacks()),
        Err(error) => Err(token.closed(&error)),
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

/// The `CKA_ID` that a public key and its private half share.
fn public_of(session: &Session, wanted: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let public = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC)];
    for key in session.find_objects(&public)? {
        let found = session.get_attributes(key, &[AttributeType::EcPoint, AttributeType::Id])?;
        if found.iter().find_map(point).as_deref() != Some(wanted) {
            continue;
        }
        let id = found.into_iter().find_map(|it| if let Attribute::Id(id) = it { Some(id) } else { None });
        if let Some(id) = id {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The private key of a public half.
fn private_of(session: &Session, wanted: &[u8]) -> Result<Option<ObjectHandle>, Error> {
    let Some(id) = public_of(session, wanted)? else { return Ok(None) };
    let private = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id)];
    Ok(session.find_objects(&private)?.into_iter().next())
}

/// The point in an attribute: an OCTET STRING around it by the standard, bare in some tokens.
fn point(attribute: &Attribute) -> Option<Vec<u8>> {
    let Attribute::EcPoint(bytes) = attribute else { return None };
    let bare = bytes.strip_prefix(&[0x04, 0x41]).filter(|rest| rest.len() == POINT).unwrap_or(bytes);
    (bare.len() == POINT && bare[0] == 0x04).then(|| bare.to_vec())
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
