//! The page's certificate: the hospital's, or one that the box makes for itself at the first start. Nobody vouches for
//! that one, so its fingerprint is shown on the console, to be compared with what the browser shows.

use crate::config::Web;
use anyhow::{Context, Result, bail};
use madoguchi_face_reader::pair::ShownPair;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;

/// The certificate that the box makes for itself.
const OWN: &str = "page.pem";

/// What the page shows of itself, where it is served over TLS. The hospital's certificate is followed as its files change
/// for as long as the page is served so; `untaken` says whether changed ones are not taken up.
pub(super) fn of(
    web: &Web,
    state_directory: &Path,
    untaken: &watch::Sender<bool>,
) -> Result<Option<ServerConfig>> {
    if !web.is_tls() {
        return Ok(None);
    }
    if let (Some(certificate), Some(key)) = (&web.tls_certificate, &web.tls_key) {
        let pair = read(certificate, key)?;
        let untaken = untaken.clone();
        pair.follow(move |is| {
            untaken.send_if_modified(|was| std::mem::replace(was, is) != is);
        });
        return Ok(Some(showing(pair)));
    }
    let folder = folder(state_directory);
    let (certificate, key) = (folder.join(OWN), folder.join("page.key"));
    let names = names(web);
    make(&folder, &names).with_context(|| format!("no certificate in {}", folder.display()))?;
    let print = fingerprint(&certificate)?;
    eprintln!("madoguchi: the page's certificate is made by this box; its SHA-256 fingerprint is {print}");
    Ok(Some(showing(read(&certificate, &key)?)))
}

/// Where what the box makes for itself is.
fn folder(state_directory: &Path) -> PathBuf {
    state_directory.join("gateway")
}

/// The file with the page's certificate, where it is served over TLS.
pub fn file(web: &Web, state_directory: &Path) -> Option<PathBuf> {
    let own = || folder(state_directory).join(OWN);
    web.is_tls().then(|| web.tls_certificate.clone().unwrap_or_else(own))
}

/// What browsers reach the page by.
fn names(web: &Web) -> Vec<String> {
    let mut names = vec![web.listen.ip().to_string(), "localhost".to_owned()];
    names.extend(web.names.iter().cloned());
    names
}

/// Makes key and certificate, unless they are there for the same names.
fn make(folder: &Path, names: &[String]) -> Result<()> {
    let for_names = folder.join("page.names");
    let wanted = names.join("\n");
    let made = fs::read_to_string(&for_names).is_ok_and(|text| text == wanted);
    if made && folder.join("page.pem").exists() && folder.join("page.key").exists() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Madoguchi Gateway");
    // It is trusted by its fingerprint; an end would only bring a new one to compare.
    parameters.not_before = rcgen::date_time_ymd(2025, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    keep(&folder.join("page.key"), &key.serialize_pem())?;
    keep(&folder.join("page.pem"), &certificate.pem())?;
    keep(&for_names, &wanted)
}

/// For the gateway's account only; replaced as a whole.
fn keep(path: &Path, text: &str) -> Result<()> {
    let being_written = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&being_written)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(fs::rename(&being_written, path)?)
}

fn showing(pair: Arc<ShownPair>) -> ServerConfig {
    ServerConfig::builder().with_no_client_auth().with_cert_resolver(pair)
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ShownPair>> {
    let of_key = || format!("{} (web.tls_key)", key.display());
    if fs::metadata(key).with_context(of_key)?.permissions().mode() & 0o077 != 0 {
        bail!("{}: others can read this key; chmod 600 it", of_key());
    }
    ShownPair::read(certificate, key).context("web.tls_certificate and web.tls_key")
}

/// As browsers show it.
fn fingerprint(certificate: &Path) -> Result<String> {
    let der = CertificateDer::from_pem_file(certificate)?;
    let pairs: Vec<_> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(pairs.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_stays_while_its_names_do_and_its_key_is_for_the_gateway_only() {
        crate::run::install_cryptography();
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("gateway");
        let names = ["192.0.2.1".to_owned(), "madoguchi.example".to_owned()];
        make(&folder, &names).unwrap();
        let (certificate, key) = (folder.join("page.pem"), folder.join("page.key"));
        let first = fingerprint(&certificate).unwrap();
        assert_eq!(first.len(), 32 * 3 - 1, "{first}");
        make(&folder, &names).unwrap();
        assert_eq!(fingerprint(&certificate).unwrap(), first);
        make(&folder, &names[..1]).unwrap();
        assert_ne!(fingerprint(&certificate).unwrap(), first);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read(&certificate, &key).is_ok());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&certificate, &key).unwrap_err().to_string().contains("others can read"));
    }
}
