//! The page's certificate: a new one is shown without a restart.

use super::{Bench, own_certificate};
use reqwest::{Client, tls::TlsInfo};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{fs, time::Duration};
use tokio::time::{sleep, timeout};

/// The certificate that whoever connects now is shown.
async fn shown(bench: &Bench) -> Vec<u8> {
    let client = Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).tls_info(true);
    let answer = client.build().unwrap().get(bench.url("/status")).send().await.unwrap();
    answer.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

#[actix_web::test]
async fn a_new_certificate_of_the_page_is_shown_without_a_restart_and_one_for_another_name_is_not() {
    let bench = Bench::with(|config| {
        let (certificate, key) = own_certificate(&config.site.state_directory, "localhost");
        (config.web.tls_certificate, config.web.tls_key) = (Some(certificate), Some(key));
    })
    .await;
    let folder = bench.directory.path();
    let first = shown(&bench).await;
    let (certificate, _) = own_certificate(folder, "localhost");
    let second = CertificateDer::from_pem_file(certificate).unwrap();
    assert_ne!(first, second.to_vec());
    let taken = async {
        while shown(&bench).await != second.to_vec() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(20), taken).await.unwrap();

    // Browsers that know the page by its name would refuse this one.
    let mut untaken = bench.boards.page_certificate_untaken.subscribe();
    assert!(!*untaken.borrow_and_update());
    own_certificate(folder, "elsewhere.example");
    timeout(Duration::from_secs(20), untaken.wait_for(|untaken| *untaken)).await.unwrap().unwrap();
    assert_eq!(shown(&bench).await, second.to_vec());
    // Nor is a file that is none.
    fs::write(folder.join("c.pem"), "nothing").unwrap();
    assert_eq!(shown(&bench).await, second.to_vec());
    bench.close().await;
}
