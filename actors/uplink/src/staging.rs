//! A new certificate for this terminal: asked for, staged, proven, put in place.
//!
//! The private key is made here, or in the token where there is one, and never leaves it; what goes out is a request
//! (PKCS#10) that holds the public half. Staged files lie in a folder of their own until a real connection with them was
//! answered by the centre, and until they are in place: after a power cut in between, swapping once more finishes it. The
//! gateway takes the files up by itself, proving them once more (`upkeep`), so no visit is lost.

use crate::{
    centre::{EligibilityCentre, Failure},
    certificates::{CertificateReport, certificates},
    https::HttpsCentre,
    settings::{Settings, SetupError},
    tls::{Papers, file_error},
    token::{TokenKey, TokenSettings},
    walk,
};
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

/// How long the centre may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a step failed. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// A file of the staged ones is missing or unsound.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The certificate is another terminal's.
    #[error(
        "the certificate is for {found:?}, not for this terminal ({wanted:?}); ask for one with this name"
    )]
    Name {
        /// The common name in it.
        found: String,
        /// `site.terminal`.
        wanted: String,
    },
    /// It has ended, or has not begun.
    #[error("the certificate is valid from {from} to {until}, which is not now; check the clock")]
    Term {
        /// From.
        from: Timestamp,
        /// To.
        until: Timestamp,
    },
    /// The centre did not answer to it.
    #[error("no connection with it was answered: {0}")]
    Unproven(Failure),
    /// The request could not be made.
    #[error("the request can't be made: {0}")]
    Request(#[from] rcgen::Error),
    /// A file could not be written.
    #[error("{path}: {source}; check the folder and who may write it", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The staged certificate of one terminal.
#[derive(Debug)]
pub struct Staging<'a> {
    settings: &'a Settings,
    terminal: &'a str,
    folder: PathBuf,
}

impl<'a> Staging<'a> {
    /// Keeps what is staged below `folder`.
    pub fn new(settings: &'a Settings, terminal: &'a str, folder: &Path) -> Self {
        Self { settings, terminal, folder: folder.join("staged") }
    }

    fn key(&self) -> PathBuf {
        self.folder.join("terminal.key")
    }

    /// The public half of a key that a token made for what is staged.
    fn point(&self) -> PathBuf {
        self.folder.join("terminal.point")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("terminal.pem")
    }

    /// The settings, but with the staged files.
    fn staged(&self) -> Settings {
        Settings { certificate: self.certificate(), key: self.key(), ..self.settings.clone() }
    }

    /// A request for a certificate, in PEM. Makes a private key (P-256) where none is staged yet; the same key gives another
    /// request as often as one is wanted.
    pub fn request(&self) -> Result<String, StagingError> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, self.terminal);
        if let Some(token) = &self.settings.token {
            let key = self.key_in(token)?;
            return Ok(parameters.serialize_request(&key)?.pem()?);
        }
        let key = match fs::read_to_string(self.key()).map(Zeroizing::new) {
            Ok(pem) => KeyPair::from_pem(&pem)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                install(&self.key(), Zeroizing::new(key.serialize_pem()).as_bytes(), 0o600)?;
                key
            }
            Err(source) => return Err(StagingError::Write { path: self.key(), source }),
        };
        Ok(parameters.serialize_request(&key)?.pem()?)
    }

    fn key_in(&self, token: &TokenSettings) -> Result<TokenKey, StagingError> {
        match fs::read(self.point()) {
            Ok(point) => Ok(TokenKey::of_point(token, point)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = TokenKey::make(token)?;
                install(&self.point(), key.point(), 0o644)?;
                Ok(key)
            }
            Err(source) => Err(StagingError::Write { path: self.point(), source }),
        }
    }

    /// Stages a certificate that came back: it must belong to the staged key and to this terminal, and be valid at `now`.
    pub fn stage(&self, certificate: &Path, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let unproven = Settings { certificate: certificate.into(), ..self.staged() };
        Papers::read(&unproven)?;
        let report = self.judge(&unproven, now)?;
        let read = |source| StagingError::Write { path: certificate.into(), source };
        install(&self.certificate(), &fs::read(certificate).map_err(read)?, 0o644)?;
        Ok(report)
    }

    /// The same, of a certificate that came as text.
    pub fn stage_text(&self, pem: &str, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let arrived = self.folder.join("arrived.pem");
        install(&arrived, pem.as_bytes(), 0o644)?;
        let staged = self.stage(&arrived, now);
        fs::remove_file(&arrived).map_err(|source| StagingError::Write { path: arrived, source })?;
        staged
    }

    /// Whether a certificate is staged.
    pub fn is_staged(&self) -> bool {
        self.certificate().exists()
    }

    fn judge(&self, settings: &Settings, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let missing = || Err(file_error(&settings.certificate, "holds no certificate"));
        let report = certificates(settings, now).into_iter().next().unwrap_or_else(missing)?;
        if report.common_name != self.terminal {
            return Err(StagingError::Name { found: report.common_name, wanted: self.terminal.into() });
        }
        if now < report.not_before || now > report.not_after {
            return Err(StagingError::Term { from: report.not_before, until: report.not_after });
        }
        Ok(report)
    }

    /// Makes a real connection with what is staged, over each line until the centre answers.
    pub async fn prove(&self, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let staged = self.staged();
        let papers = Papers::read(&staged)?;
        let report = self.judge(&staged, now)?;
        let mut last = Failure::Lost;
        for way in staged.vpn.ways() {
            let source = walk::source(&staged.vpn, way).await;
            match HttpsCentre::with_papers(&staged, &papers, source)?.alive(PATIENCE).await {
                Ok(()) => return Ok(report),
                Err(failure) => last = failure,
            }
        }
        Err(StagingError::Unproven(last))
    }

    /// Proves what is staged once more and puts it in place; what was there is kept beside it as `….previous`. A running
    /// gateway takes it up within seconds.
    pub async fn swap(&self, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let report = self.prove(now).await?;
        let (certificate, key) = (&self.settings.certificate, &self.settings.key);
        let read = |path: &Path| {
            let bytes = fs::read(path).map(Zeroizing::new);
            bytes.map_err(|source| StagingError::Write { path: path.into(), source })
        };
        let in_token = self.settings.token.is_some();
        let new_certificate = read(&self.certificate())?;
        let new_key = if in_token { None } else { Some(read(&self.key())?) };
        for path in [key, certificate] {
            if path.exists() && !(in_token && path == key) {
                let mode = fs::metadata(path).map_or(0o600, |data| data.permissions().mode() & 0o777);
                install(&beside(path, "previous"), &read(path)?, mode)?;
            }
        }
        // Between the two the files don't fit together, and whoever reads them then goes on with what it had.
        if let Some(new_key) = new_key {
            install(key, &new_key, 0o600)?;
        }
        install(certificate, &new_certificate, 0o644)?;
        for path in [self.certificate(), if in_token { self.point() } else { self.key() }] {
            fs::remove_file(&path).map_err(|source| StagingError::Write { path, source })?;
        }
        Ok(report)
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Puts a file in place as a whole, on the disk, with its mode from its first byte on.
fn install(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StagingError> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)?;
        let new = beside(path, "new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|source| StagingError::Write { path: path.into(), source })
}
