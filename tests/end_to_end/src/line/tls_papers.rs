//! What box and centre show each other, with authorities in the test's own hands.

use super::strongswan::put;
use madoguchi_simulator::{
    hospital::TERMINAL,
    pki::tls::{Identity, TlsAuthority, Validity},
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(86_400);

/// The authorities of the centre and of the terminals, in place of those that the simulated hospital made. The simulated
/// centre reads its files for each connection.
pub struct TlsPapers {
    folder: PathBuf,
    /// Issues the centre's certificates.
    pub centres: TlsAuthority,
    /// Issues the terminals'.
    pub terminals: TlsAuthority,
}

impl TlsPapers {
    /// Makes all of them anew, in the hospital's folder.
    pub fn make(hospital: &Path) -> Self {
        let papers = Self {
            folder: hospital.join("pki"),
            centres: TlsAuthority::new("Invented centres").expect("an authority"),
            terminals: TlsAuthority::new("Invented terminals").expect("an authority"),
        };
        put(&papers.folder.join("terminal-ca.pem"), &papers.terminals.certificate_pem());
        papers.trust(&[&papers.centres]);
        papers.revoke_centre(&[], &[&papers.centres]);
        papers.centre(&papers.centres, Validity::days(365));
        papers.terminal(&papers.terminals, Validity::days(365));
        papers
    }

    /// A file of theirs.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Gives the centre a certificate of this authority.
    pub fn centre(&self, of: &TlsAuthority, validity: Validity) -> Identity {
        let identity = of.server(&["localhost", "127.0.0.1"], validity).expect("a certificate");
        put(&self.at("centre.pem"), &identity.certificate_pem());
        put(&self.at("centre.key"), &identity.key_pem());
        identity
    }

    /// Gives the terminal a certificate of this authority.
    pub fn terminal(&self, of: &TlsAuthority, validity: Validity) -> Identity {
        let identity = of.client(TERMINAL, validity).expect("a certificate");
        identity.write(&self.folder, "uplink").expect("files");
        identity
    }

    /// Has the box trust centres of these authorities.
    pub fn trust(&self, authorities: &[&TlsAuthority]) {
        let all: String = authorities.iter().map(|it| it.certificate_pem()).collect();
        put(&self.at("centre-ca.pem"), &all);
    }

    /// Gives the box a list of these revoked certificates of centres, and empty ones of the other authorities.
    pub fn revoke_centre(&self, revoked: &[&Identity], authorities: &[&TlsAuthority]) {
        let list = |it: &&TlsAuthority| it.revoke(revoked, SystemTime::now() + DAY).expect("a list");
        put(&self.at("centre.crl.pem"), &authorities.iter().map(list).collect::<String>());
    }

    /// Gives the centre a list of this revoked certificate of a terminal. Connections that stand are left alone.
    pub fn revoke_terminal(&self, revoked: &Identity) {
        let list = self.terminals.revoke(&[revoked], SystemTime::now() + DAY).expect("a list");
        put(&self.at("terminals.crl.pem"), &list);
    }
}
