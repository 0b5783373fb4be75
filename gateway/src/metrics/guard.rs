//! Who may scrape: by client certificate, by password, or anybody on the box itself.

use crate::config::{MetricsPassword, MetricsTls};
use actix_web::{HttpRequest, HttpResponse, http::header};
use anyhow::{Context, Result, bail};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use sha2::{Digest, Sha256};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

/// Lets in whoever knows the password; everybody where there is none. Client certificates are TLS's affair.
pub(super) struct Guard(Option<[u8; 32]>);

impl Guard {
    /// Reads the password.
    pub(super) fn new(password: Option<&MetricsPassword>) -> Result<Self> {
        let Some(MetricsPassword { user, file }) = password else { return Ok(Self(None)) };
        let what = || format!("metrics.password.file: {}", file.display());
        let mode = fs::metadata(file).with_context(what)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("{}: others can read it; chmod 600", what());
        }
        let text = fs::read_to_string(file).with_context(what)?;
        let password = text.trim();
        if password.is_empty() {
            bail!("{}: it is empty", what());
        }
        Ok(Self(Some(digest(format!("{user}:{password}").as_bytes()))))
    }

    /// Whether this request may have the metrics. Takes as long for a wrong password as for the right one.
    pub(super) fn lets_in(&self, request: &HttpRequest) -> bool {
        let Some(expected) = &self.0 else { return true };
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|text| text.strip_prefix("Basic "));
        let given = given.and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default();
        verify_slices_are_equal(&digest(&given), expected).is_ok()
    }
}

/// Of one length whatever was given, so that comparing tells nothing.
fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What a stranger gets.
pub(super) fn refusal() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"madoguchi metrics\", charset=\"UTF-8\""))
        .finish()
}

/// The listener's side of TLS.
pub(super) fn tls(settings: &MetricsTls) -> Result<ServerConfig> {
    let chain = certificates(&settings.certificate, "metrics.tls.certificate")?;
    let what = || format!("metrics.tls.key: {}", settings.key.display());
    let key = PrivateKeyDer::from_pem_file(&settings.key).with_context(what)?;
    let builder = ServerConfig::builder();
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file, "metrics.tls.client_ca")? {
                roots.add(certificate).context("metrics.tls.client_ca")?;
            }
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
        }
    };
    builder.with_single_cert(chain, key).context("metrics.tls")
}

fn certificates(file: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>> {
    let what = || format!("{key}: {}", file.display());
    let all = CertificateDer::pem_file_iter(file).with_context(what)?;
    let all = all.collect::<Result<Vec<_>, _>>().with_context(what)?;
    if all.is_empty() {
        bail!("{}: there is no certificate in it", what());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::io::Write;

    fn password(mode: u32, text: &str) -> (tempfile::NamedTempFile, Result<Guard>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        let settings = MetricsPassword { user: "prometheus".into(), file: file.path().into() };
        let guard = Guard::new(Some(&settings));
        (file, guard)
    }

    fn lets_in(guard: &Guard, credentials: Option<&str>) -> bool {
        let mut request = TestRequest::default();
        if let Some(credentials) = credentials {
            let value = format!("Basic {}", BASE64_STANDARD.encode(credentials));
            request = request.insert_header((header::AUTHORIZATION, value));
        }
        guard.lets_in(&request.to_http_request())
    }

    #[test]
    fn only_the_right_name_with_the_right_password_gets_in() {
        let guard = password(0o600, "correct horse\n").1.unwrap();
        assert!(lets_in(&guard, Some("prometheus:correct horse")));
        for wrong in
            [None, Some(""), Some("prometheus:"), Some("prometheus:wrong"), Some("admin:correct horse")]
        {
            assert!(!lets_in(&guard, wrong), "{wrong:?}");
        }
        assert!(lets_in(&Guard::new(None).unwrap(), None));
    }

    #[test]
    fn a_password_that_others_can_read_or_that_is_none_is_refused() {
        assert!(password(0o644, "secret").1.is_err());
        assert!(password(0o600, " \n").1.is_err());
    }
}
