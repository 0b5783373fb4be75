//! The virtual My Number card satisfies somebody else's JPKI driver: OpenSC's.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are tests

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use std::net::SocketAddr;

use madoguchi_simulator::cards::{Card, CardOptions, Insertion, Medium, serve};
use madoguchi_simulator::pcscd::{Driver, Pcscd, SOCKET_VARIABLE};
use rsa::RsaPublicKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::{Digest, Sha256};
use support::{card, credential, reader};

/// Runs one of OpenSC's tools against our pcscd and hands back what it printed.
async fn tool(socket: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::from(Command::new(program));
    command.args(arguments).env(SOCKET_VARIABLE, socket).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), command.output())
        .await
        .unwrap_or_else(|_| panic!("{program} did not end"))
        .unwrap_or_else(|error| panic!("{program}: {error}; install opensc"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{text}", output.status);
    text
}

/// Puts the card in and waits until the reader has powered it (`opensc-tool --wait` of OpenSC 0.23
/// misses an insertion that comes while it starts).
async fn insert(card: &Card, address: SocketAddr) -> Insertion {
    let before = card.seen().resets;
    let inside = serve(card.clone(), address).await.unwrap();
    let powered = async {
        while card.seen().resets == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), powered).await.expect("the reader notices the card");
    inside
}

/// Signs through PKCS#11 and verifies with the key of the card's certificate.
async fn signs_with_pkcs11(socket: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let (data, signature) = (folder.path().join("data"), folder.path().join("signature"));
    std::fs::write(&data, b"who goes there").unwrap();
    let (data, signature_path) = (data.to_str().unwrap(), signature.to_str().unwrap());
    let module = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
    let module = if Path::new(module).exists() { module } else { "opensc-pkcs11.so" };
    let mut arguments = vec!["--module", module, "--login", "--pin", "1234", "--sign"];
    arguments.extend(["-m", "SHA256-RSA-PKCS", "--id", "01", "-i", data, "-o", signature_path]);
    tool(socket, "pkcs11-tool", &arguments).await;

    use x509_parser::prelude::{FromDer, X509Certificate};
    let credential = credential();
    let (_, certificate) = X509Certificate::from_der(credential.certificate_der()).unwrap();
    let key = RsaPublicKey::from_public_key_der(certificate.public_key().raw).unwrap();
    let digest = Sha256::digest(b"who goes there");
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, &std::fs::read(signature).unwrap()).unwrap();
}

#[tokio::test]
async fn opensc_knows_lists_and_signs_with_the_virtual_my_number_card() {
    let folder = tempfile::tempdir().unwrap();
    let pcscd = Pcscd::start(&folder.path().join("p"), &[reader("LANE1")]).unwrap();
    let card = card(Medium::MyNumberCard);
    let _inside = insert(&card, pcscd.readers()[0].address()).await;
    let socket = pcscd.socket();
    let name = tool(&socket, "opensc-tool", &["-a", "-n"]).await;
    assert!(name.contains("3b:80:80:01:01") && name.contains("jpki"), "{name}");
    let certificates = tool(&socket, "pkcs15-tool", &["--list-certificates"]).await;
    assert!(certificates.contains("User Authentication Certificate"), "{certificates}");
    signs_with_pkcs11(&socket).await;
    assert_eq!((card.seen().signatures, card.tries_left()), (1, 3));
}

#[tokio::test]
async fn opensc_sees_that_a_locked_card_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let pcscd = Pcscd::start(&folder.path().join("p"), &[reader("LANE1")]).unwrap();
    let (socket, address) = (pcscd.socket(), pcscd.readers()[0].address());
    let locked = Card::new(Medium::MyNumberCard, credential(), CardOptions::locked());
    let _inside = insert(&locked, address).await;
    tool(&socket, "opensc-tool", &["-n"]).await;
    let pins = tool(&socket, "pkcs15-tool", &["--list-pins"]).await;
    assert!(pins.contains("Tries left     : 0"), "{pins}");
}

#[tokio::test]
async fn stock_vpcd_takes_the_same_card() {
    let folder = tempfile::tempdir().unwrap();
    let pcscd = Pcscd::start_with(&folder.path().join("p"), &[reader("LANE1")], Driver::StockVpcd).unwrap();
    let _inside = insert(&card(Medium::MyNumberCard), pcscd.readers()[0].address()).await;
    tool(&pcscd.socket(), "opensc-tool", &["-n"]).await;
    signs_with_pkcs11(&pcscd.socket()).await;
}
