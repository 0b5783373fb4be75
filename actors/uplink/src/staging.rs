//! A new certificate of the line, this terminal's or a tunnel's: asked for, staged, proven, put in place.
//!
//! The private key is made here, or in the token where there is one, and never leaves it; what goes out is a request
//! (PKCS#10) that holds the public half. Staged files lie in a folder of their own until a real connection with them was
//! answered by the centre, and until they are in place. Certificate and key are two files, so a mark says that both are being
//! put in place: after a power cut in between, the gateway finishes it at its next start. It takes the files up by itself,
//! proving them once more (`upkeep`), so no visit is lost. A tunnel's certificate is proven by the tunnels themselves, the one
//! that stands by first (`vpn::driver`).

use crate::{
    centre::{EligibilityCentre, Failure},
    certificates::{CertificateReport, certificates_in, only_certificates},
    https::HttpsCentre,
    settings::{Settings, SetupError},
    tls::{self, Papers, file_error, read_certificates},
    token::{TokenKey, TokenSettings},
    walk,
};
use jiff::Timestamp;
use madoguchi_protocol::messages::{line::Way, uplink::Bearer};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};
use zeroize::Zeroizing;

/// How long the centre may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a step failed. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// A file of the staged ones is missing or unsound.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The certificate bears another name.
    #[error("the certificate is for {found:?}, not for {wanted:?}; ask for one with this name")]
    Name {
        /// The name in it.
        found: String,
        /// The terminal's, or the box's identity in the tunnel.
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
    /// There is one already: another is proven before it takes its place.
    #[error("{path}: this box has a certificate; a new one is proven first", path = .0.display())]
    InPlace(PathBuf),
    /// A file could not be written.
    #[error("{path}: {source}; check the folder and who may write it", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A certificate that is being renewed.
#[derive(Debug)]
pub struct Staging<'a> {
    settings: &'a Settings,
    bearer: Bearer,
    /// Who it must be for.
    names: Vec<&'a str>,
    /// Where it is to be in the end, and its key, in this file or in a token.
    certificate: &'a Path,
    key: &'a Path,
    token: Option<&'a TokenSettings>,
    folder: PathBuf,
}

impl<'a> Staging<'a> {
    /// The terminal's. Keeps what is staged below `folder`.
    pub fn new(settings: &'a Settings, terminal: &'a str, folder: &Path) -> Self {
        Self {
            settings,
            bearer: Bearer::Terminal,
            names: vec![terminal],
            certificate: &settings.certificate,
            key: &settings.key,
            token: settings.token.as_ref(),
            folder: folder.join("staged"),
        }
    }

    /// Anybody's; none where there is no such tunnel.
    pub fn of(settings: &'a Settings, terminal: &'a str, folder: &Path, bearer: Bearer) -> Option<Self> {
        let terminals = Self::new(settings, terminal, folder);
        let Bearer::Tunnel(way) = bearer else { return Some(terminals) };
        let tunnels = settings.vpn.tunnels();
        let (_, ours) = tunnels.iter().find(|(other, _)| *other == way)?;
        // Both lines may have one certificate: then it must name the box as both do.
        let bearers = tunnels.iter().filter(|(_, tunnel)| tunnel.certificate == ours.certificate);
        let mut names: Vec<_> = bearers.map(|(_, tunnel)| tunnel.identity.as_str()).collect();
        names.dedup();
        let (certificate, key, token) = (&*ours.certificate, &*ours.key, ours.token.as_ref());
        Some(Self { bearer, names, certificate, key, token, ..terminals })
    }

    /// Its name in the folder, and in a token's list of keys.
    const fn name(&self) -> &'static str {
        match self.bearer {
            Bearer::Terminal => "terminal",
            Bearer::Tunnel(Way::Primary) => "tunnel-primary",
            Bearer::Tunnel(Way::Second) => "tunnel-second",
        }
    }

    fn staged(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name()))
    }

    fn staged_key(&self) -> PathBuf {
        self.staged("key")
    }

    /// The public half of a key that a token made for what is staged.
    fn staged_point(&self) -> PathBuf {
        self.staged("point")
    }

    fn staged_certificate(&self) -> PathBuf {
        self.staged("pem")
    }

    /// Is there while the staged files are being put in place.
    fn mark(&self) -> PathBuf {
        self.staged("swapping")
    }

    /// A request for a certificate, in PEM. Makes a private key (P-256) where none is staged yet; the same key gives another
    /// request as often as one is wanted.
    pub fn request(&self) -> Result<String, StagingError> {
        let named = match self.bearer {
            Bearer::Terminal => vec![],
            // strongSwan looks for an identity among the subject's alternative names.
            Bearer::Tunnel(_) => self.names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let mut parameters = CertificateParams::new(named)?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, self.names.first().copied().unwrap_or_default());
        if let Some(token) = self.token {
            let key = self.key_in(token)?;
            return Ok(parameters.serialize_request(&key)?.pem()?);
        }
        let file = self.staged_key();
        let key = match fs::read_to_string(&file).map(Zeroizing::new) {
            Ok(pem) => KeyPair::from_pem(&pem)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                install(&file, Zeroizing::new(key.serialize_pem()).as_bytes(), 0o600)?;
                key
            }
            Err(source) => return Err(StagingError::Write { path: file, source }),
        };
        Ok(parameters.serialize_request(&key)?.pem()?)
    }

    fn key_in(&self, token: &TokenSettings) -> Result<TokenKey, StagingError> {
        let file = self.staged_point();
        match fs::read(&file) {
            Ok(point) => Ok(TokenKey::of_point(token, point)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = TokenKey::make(token, &format!("madoguchi {}", self.name()))?;
                install(&file, key.point(), 0o644)?;
                Ok(key)
            }
            Err(source) => Err(StagingError::Write { path: file, source }),
        }
    }

    /// Stages a certificate that came back: it must belong to the staged key and to its bearer, and be valid at `now`.
    pub fn stage(&self, certificate: &Path, now: Timestamp) -> Result<CertificateReport, StagingError> {
        self.papers(certificate)?;
        let report = self.judge(certificate, now)?;
        let read = |source| StagingError::Write { path: certificate.into(), source };
        install(&self.staged_certificate(), &fs::read(certificate).map_err(read)?, 0o644)?;
        Ok(report)
    }

    /// The settings with this certificate and the staged key, after a look whether they fit together.
    fn papers(&self, certificate: &Path) -> Result<(Settings, Option<Papers>), SetupError> {
        let key = self.staged_key();
        match self.bearer {
            Bearer::Terminal => {
                let settings = Settings { certificate: certificate.into(), key, ..self.settings.clone() };
                let papers = Papers::read(&settings)?;
                Ok((settings, Some(papers)))
            }
            Bearer::Tunnel(_) => {
                tls::pair(certificate, &key, self.token)?;
                Ok((self.settings.clone(), None))
            }
        }
    }

    /// The same, of a certificate that came as text.
    pub fn stage_text(&self, pem: &str, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let arrived = self.folder.join("arrived.pem");
        install(&arrived, only_certificates(pem, &arrived)?.as_bytes(), 0o644)?;
        let staged = self.stage(&arrived, now);
        fs::remove_file(&arrived).map_err(|source| StagingError::Write { path: arrived, source })?;
        staged
    }

    /// Whether a certificate is staged.
    pub fn is_staged(&self) -> bool {
        self.staged_certificate().exists()
    }

    fn judge(&self, file: &Path, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let missing = || Err(file_error(file, "holds no certificate"));
        let report = certificates_in(file, now).into_iter().next().unwrap_or_else(missing)?;
        let wanted = match self.bearer {
            Bearer::Terminal => self.names.iter().find(|name| report.common_name != **name),
            Bearer::Tunnel(_) => {
                let chain = read_certificates(file)?;
                self.names.iter().find(|name| !chain.first().is_some_and(|own| is_for(own, name)))
            }
        };
        if let Some(wanted) = wanted {
            return Err(StagingError::Name { found: report.common_name, wanted: (*wanted).into() });
        }
        if now < report.not_before || now > report.not_after {
            return Err(StagingError::Term { from: report.not_before, until: report.not_after });
        }
        Ok(report)
    }

    /// Makes a real connection with what is staged, over each line until the centre answers. Of a tunnel's, only judges
    /// it once more.
    pub async fn prove(&self, now: Timestamp) -> Result<CertificateReport, StagingError> {
        let certificate = self.staged_certificate();
        let (staged, papers) = self.papers(&certificate)?;
        let report = self.judge(&certificate, now)?;
        let Some(papers) = papers else { return Ok(report) };
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
        self.replace()?;
        Ok(report)
    }

    /// Puts the first certificate of a box in place. Without one nothing could be proven, and nothing that works is lost.
    pub fn first(&self, pem: &str, now: Timestamp) -> Result<CertificateReport, StagingError> {
        if self.certificate.exists() {
            return Err(StagingError::InPlace(self.certificate.into()));
        }
        let report = self.stage_text(pem, now)?;
        self.replace()?;
        Ok(report)
    }

    fn replace(&self) -> Result<(), StagingError> {
        // Where it was begun before, what is there is no longer what was.
        if !self.mark().exists() {
            self.keep_previous()?;
            install(&self.mark(), &[], 0o644)?;
        }
        self.put_in_place()
    }

    /// Finishes a swap that was cut short between its two files. Says whether there was one.
    pub fn finish(&self) -> Result<bool, StagingError> {
        let begun = self.mark().exists();
        if begun {
            self.put_in_place()?;
        }
        Ok(begun)
    }

    fn keep_previous(&self) -> Result<(), StagingError> {
        let key = self.token.is_none().then_some(self.key);
        for path in key.into_iter().chain([self.certificate]).filter(|path| path.exists()) {
            let mode = fs::metadata(path).map_or(0o600, |data| data.permissions().mode() & 0o777);
            install(&beside(path, "previous"), &read(path)?, mode)?;
        }
        Ok(())
    }

    fn put_in_place(&self) -> Result<(), StagingError> {
        let certificate = read(&self.staged_certificate())?;
        // Between the two the files don't fit together, and whoever reads them then goes on with what it had.
        if self.token.is_none() {
            install(self.key, &read(&self.staged_key())?, 0o600)?;
        }
        install(self.certificate, &certificate, 0o644)?;
        // The mark first: as long as it is there, so is what it speaks of.
        remove(&self.mark())?;
        let secret = if self.token.is_some() { self.staged_point() } else { self.staged_key() };
        remove(&self.staged_certificate())?;
        remove(&secret)
    }
}

/// Whether a certificate names somebody among the subject's alternative names.
fn is_for(certificate: &[u8], name: &str) -> bool {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else { return false };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    let address = name.parse::<IpAddr>().map(|it| match it {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    });
    names.value.general_names.iter().any(|found| match (found, &address) {
        (GeneralName::DNSName(found), Err(_)) => found.eq_ignore_ascii_case(name),
        (GeneralName::IPAddress(found), Ok(address)) => found == address,
        _ => false,
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, StagingError> {
    let bytes = fs::read(path).map(Zeroizing::new);
    bytes.map_err(|source| StagingError::Write { path: path.into(), source })
}

/// Removes a file, for good; one that is not there is no error.
fn remove(path: &Path) -> Result<(), StagingError> {
    let remove = || match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all(),
    };
    remove().map_err(|source| StagingError::Write { path: path.into(), source })
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
