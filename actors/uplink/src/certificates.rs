//! What `madoguchi check` and the page say of the line's certificates.

use crate::{
    settings::{Settings, SetupError},
    tls::{file_error, parse_certificates, read_certificates},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::line::{CertificateRole, CertificateStage, CertificateTerm};
use pem::{EncodeConfig, LineEnding, Pem};
use std::path::{Path, PathBuf};
use x509_parser::parse_x509_certificate;

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It vouches for the centre.
    CentreCa,
    /// It is this terminal's.
    Terminal,
    /// It is one of the box's other certificates.
    Other,
}

/// One certificate of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateReport {
    /// What it is for.
    pub role: Role,
    /// Where it is.
    pub file: PathBuf,
    /// The subject's common name; for the terminal's certificate, the terminal's name in statements.
    pub common_name: String,
    /// Not valid before.
    pub not_before: Timestamp,
    /// Not valid after.
    pub not_after: Timestamp,
    /// Whole days left at the time of the report; negative once expired.
    pub days_left: i64,
}

/// Every certificate that the line uses, or why its file can't be used. The terminal's own comes first; of its
/// chain only the certificate itself is reported. `now` is the box's clock.
pub fn certificates(settings: &Settings, now: Timestamp) -> Vec<Result<CertificateReport, SetupError>> {
    let mut reports = vec![];
    let terminal = report(Role::Terminal, &settings.certificate, now);
    reports.extend(terminal.into_iter().take(1));
    reports.extend(settings.ca.iter().flat_map(|file| report(Role::CentreCa, file, now)));
    reports
}

/// The certificates in a PEM file of the box, whatever they are for.
pub fn certificates_in(file: &Path, now: Timestamp) -> Vec<Result<CertificateReport, SetupError>> {
    report(Role::Other, file, now)
}

/// The certificates of a PEM text that is to be put at `file`, at least one, as PEM again: what stood around them, where
/// any text can stand, does not get into a file of the box.
///
/// # Errors
/// A text that holds no certificate, or one that can't be read.
pub fn only_certificates(pem: &str, file: &Path) -> Result<String, SetupError> {
    let certificates = parse_certificates(pem.as_bytes(), file)?;
    for der in &certificates {
        describe(Role::Other, file, der, Timestamp::UNIX_EPOCH)?;
    }
    let blocks: Vec<_> = certificates.iter().map(|der| Pem::new("CERTIFICATE", der.as_ref())).collect();
    Ok(pem::encode_many_config(&blocks, EncodeConfig::new().set_line_ending(LineEnding::LF)))
}

fn report(role: Role, file: &Path, now: Timestamp) -> Vec<Result<CertificateReport, SetupError>> {
    match read_certificates(file) {
        Ok(certificates) => certificates.iter().map(|der| describe(role, file, der, now)).collect(),
        Err(error) => vec![Err(error)],
    }
}

fn describe(role: Role, file: &Path, der: &[u8], now: Timestamp) -> Result<CertificateReport, SetupError> {
    let unsound = || file_error(file, "holds a certificate that can't be read; install it anew");
    let (_, certificate) = parse_x509_certificate(der).map_err(|_| unsound())?;
    let time = |seconds| Timestamp::from_second(seconds).map_err(|_| unsound());
    let not_before = time(certificate.validity().not_before.timestamp())?;
    let not_after = time(certificate.validity().not_after.timestamp())?;
    let common_name = certificate.subject().iter_common_name().next();
    Ok(CertificateReport {
        role,
        file: file.into(),
        common_name: common_name.and_then(|name| name.as_str().ok()).unwrap_or_default().into(),
        not_before,
        not_after,
        days_left: not_after.duration_since(now).as_secs().div_euclid(24 * 60 * 60),
    })
}

/// When each certificate of the box ends, those that end first at the front. Of a chain, and of several authorities in one
/// file, the end that comes first counts. A file that can't be read is left out: whoever uses it says so.
pub fn terms(settings: &Settings, now: Timestamp) -> Vec<CertificateTerm> {
    let mut files = vec![(CertificateRole::Terminal, None, None, &settings.certificate)];
    files.extend(settings.ca.iter().map(|file| (CertificateRole::CentreCa, None, None, file)));
    for (way, tunnel) in settings.vpn.tunnels() {
        files.push((CertificateRole::Tunnel, Some(way), None, &tunnel.certificate));
        files.extend(tunnel.ca.iter().map(|file| (CertificateRole::TunnelCa, Some(way), None, file)));
    }
    for (lane, file) in &settings.device_links {
        files.push((CertificateRole::DeviceLink, None, Some(*lane), file));
    }
    let mut terms: Vec<_> = files
        .into_iter()
        .filter_map(|(role, way, lane, file)| {
            let first = report(Role::Other, file, now).into_iter().flatten().min_by_key(|it| it.not_after)?;
            let stage = CertificateStage::at(first.not_before, first.not_after, now);
            Some(CertificateTerm { role, way, lane, ends: first.not_after, stage })
        })
        .collect();
    terms.sort_by_key(|term| (std::cmp::Reverse(term.stage), term.ends));
    terms
}
