//! A new certificate on the page, for the terminal and for a tunnel: the request is taken out, the certificate given in, tried, put in place,
//! and used; the private key is seen nowhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    line::TlsPapers,
    visits::{self, Way},
};
use madoguchi_protocol::texts::{Language, text};
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use std::{fs, os::unix::fs::PermissionsExt};

/// An administrator at the page.
struct Desk<'a> {
    house: &'a House,
    cookie: String,
}

impl Desk<'_> {
    async fn page(&self, path: &str) -> String {
        let answer = self.house.http().get_as(&self.cookie, path).await.expect("an answer");
        answer.text().await.unwrap()
    }

    /// Sends a form with nothing in it; what the page says then.
    async fn post(&self, path: &str) -> String {
        let page = self.page("certificates").await;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = [("csrf", csrf.expect("a form's secret"))];
        let answer = self.house.http().post_form(path, Some(&self.cookie), &fields).await.expect("an answer");
        answer.text().await.unwrap()
    }

    /// Takes a step towards the terminal's; the name of what came of it, or what was given out.
    async fn step(&self, step: &str, certificate: &str) -> String {
        self.step_of("terminal", step, certificate).await
    }

    /// The same for any.
    async fn step_of(&self, of: &str, step: &str, certificate: &str) -> String {
        let page = self.page("certificates").await;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = [("csrf", csrf.expect("a form's secret")), ("certificate", certificate)];
        let path = format!("certificates/{step}?of={of}");
        let answer =
            self.house.http().post_form(&path, Some(&self.cookie), &fields).await.expect("an answer");
        match answer.headers().get("location") {
            Some(to) => to.to_str().unwrap().split_once("?said=").expect("what was said").1.to_owned(),
            None => answer.text().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn terminals_certificate_goes_from_request_to_place_on_the_page() {
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let papers = TlsPapers::make(house.directory());
    let old = papers.terminal(&papers.terminals, Validity::days(6));
    house.start_gateway();
    house.ready().await;
    let person = house.add_person("administrator");
    let cookie = person.log_in(house.http()).await.expect("a session");
    let desk = Desk { house: &house, cookie };
    house
        .until("the page shows how soon it ends", async |_| {
            desk.page("certificates?lang=en").await.contains("7 days or less left")
        })
        .await;
    assert_eq!(desk.step("prove", "").await, "certificates-not-staged");

    let request = desk.step("request", "").await;
    assert!(request.contains("BEGIN CERTIFICATE REQUEST") && !request.contains("PRIVATE"), "{request}");
    let answer = |of: &TlsAuthority, validity| of.answer(&request, validity).unwrap();
    let of_another_key = papers.terminals.client("madoguchi-sim-1", Validity::days(9)).unwrap();
    let key_before = fs::read(papers.at("uplink.key")).unwrap();
    for (certificate, said) in [
        ("no certificate".to_owned(), "certificates-unsound"),
        (of_another_key.certificate_pem(), "certificates-unsound"),
        (answer(&papers.terminals, Validity::expired()), "certificates-not-now"),
        ("-".repeat(33 * 1024), "certificates-too-large"),
        (answer(&TlsAuthority::new("strangers").unwrap(), Validity::days(9)), "certificates-staged"),
    ] {
        assert_eq!(desk.step("stage", &certificate).await, said);
    }
    // Nobody but the centre can tell that this one is a stranger's, and it does.
    assert_eq!(desk.step("swap", "").await, "certificates-unproven");
    assert_eq!(fs::read(papers.at("uplink.key")).unwrap(), key_before, "nothing was changed");

    let certificate = answer(&papers.terminals, Validity::days(400));
    assert_eq!(desk.step("stage", &certificate).await, "certificates-staged");
    assert_eq!(desk.step("prove", "").await, "certificates-proven");
    assert_eq!(desk.step("swap", "").await, "certificates-swapped");
    house
        .until("the page no longer shows its end", async |_| {
            !desk.page("certificates?lang=en").await.contains("7 days or less left")
        })
        .await;
    // The old one gets in no more, and the line is used.
    house.line_down().await;
    papers.revoke_terminal(&old);
    house.centre_well().await;
    house
        .until("the line is up", async |house| {
            house.states().await["uplink"]["detail"]["uplink"]["reachable"] == true
        })
        .await;
    let last = visits::serve(&house.lane(1), Way::CardByFace, "my_number_card").await;
    assert_eq!(last.kind, "done", "{}", last.words());
    // The same page's neighbour walks the line.
    let walked = desk.post("line/walk").await;
    let says = |key: &str| text(Language::Ja, key, &[]);
    assert!(walked.contains(&says("line-walk-well")), "{walked}");
    house.line_down().await;
    let walked = desk.post("line/walk").await;
    let broken = text(Language::Ja, "line-walk-broken", &[("step", &says("line-step-centre-what"))]);
    assert!(walked.contains(&broken) && walked.contains(&says("line-whom-call-centre")), "{walked}");
    let log = desk.page("log?lang=en").await;
    assert!(log.contains("put the new certificate in place"), "{log}");
}

#[tokio::test]
async fn a_tunnels_certificate_goes_from_request_to_place_on_the_page() {
    let tunnels = TlsAuthority::new("Invented VPN gateways").unwrap();
    let folder = tempfile::tempdir().unwrap();
    tunnels.write(folder.path(), "vpn-ca").unwrap();
    let at = |name: &str| folder.path().join(name);
    let line = |name: &str| {
        format!(
            "\n[uplink.vpn.{name}]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nidentity = \"box.example\"\n\
             remote_identity = \"gateway.example\"\nnetworks = [\"198.18.0.0/24\"]\ncertificate = \"{0}/{name}.pem\"\n\
             key = \"{0}/{name}.key\"\nca = [\"{0}/vpn-ca.pem\"]\n",
            folder.path().display()
        )
    };
    // strongSwan is away, so there is no line: a certificate that a tunnel lacks can be had all the same.
    let socket = at("no-vici");
    let append = format!(
        "\n[uplink.vpn]\nmode = \"strongswan\"\nsocket = \"{}\"\n{}{}",
        socket.display(),
        line("primary"),
        line("second")
    );
    let mut house = House::hospital(Options { lanes: 1, append, ..Options::default() }).await;
    house.start_gateway();
    house.lanes_are_ready().await;
    let person = house.add_person("administrator");
    let cookie = person.log_in(house.http()).await.expect("a session");
    let desk = Desk { house: &house, cookie };
    house
        .until("the page offers one for each tunnel", async |_| {
            let page = desk.page("certificates?lang=en").await;
            page.contains("certificates/request?of=primary")
                && page.contains("certificates/request?of=second")
        })
        .await;
    let request = desk.step_of("second", "request", "").await;
    assert!(request.contains("BEGIN CERTIFICATE REQUEST") && !request.contains("PRIVATE"), "{request}");
    let issued = tunnels.answer(&request, Validity::days(400)).unwrap();
    assert_eq!(
        desk.step_of("primary", "stage", &issued).await,
        "certificates-unsound",
        "the other line's key"
    );
    assert_eq!(desk.step_of("primary", "swap", "").await, "certificates-not-staged");
    assert_eq!(desk.step_of("second", "stage", &issued).await, "certificates-staged");
    assert_eq!(desk.step_of("second", "swap", "").await, "certificates-swapped");
    assert_eq!(fs::read_to_string(at("second.pem")).unwrap(), issued);
    assert_eq!(fs::metadata(at("second.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!at("primary.pem").exists() && !at("primary.key").exists());
    let says = text(Language::En, "line-certificate-tunnel", &[]);
    house
        .until("the page shows its end", async |_| desk.page("certificates?lang=en").await.contains(&says))
        .await;
}
