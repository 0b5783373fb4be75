//! The hospital in which every lasting fault can be caused and mended, and the Prometheus that watches it.

use madoguchi_end_to_end::{
    House, Options,
    chrony::GOOD,
    http::Http,
    process::{children, kill},
    prometheus::Prometheus,
    visits::{self, Way},
};
use madoguchi_protocol::fault::FaultCode::{self, *};
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use reqwest::Method;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// See the module.
pub struct Scene {
    pub house: House,
    pub prometheus: Prometheus,
}

fn move_away(path: &Path) {
    fs::rename(path, aside(path)).unwrap();
}

fn move_back(path: &Path) {
    fs::rename(aside(path), path).unwrap();
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".aside");
    name.into()
}

impl Scene {
    pub async fn open() -> Self {
        let replace = vec![
            // An outage is over when four fifths of what was tried in five minutes went well: ten tries a second make
            // that soon.
            ("[uplink]\n".to_owned(), "[uplink]\nprobe_every_ms = 100\n".to_owned()),
        ];
        let append =
            "\n[offline_queue]\nmost_records = 2\nlive_ms = 1000\n\n[audit_log]\nmax_bytes = 1\n".to_owned();
        let options = Options { hotplug: true, replace, append, ..Options::default() };
        let mut house = House::hospital(options).await;
        house.with_chrony();
        house.start_gateway();
        house.ready().await;
        let prometheus = Prometheus::watching(&house, |config| config).await;
        Self { house, prometheus }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.house.directory().join(name)
    }

    fn face(&self) -> PathBuf {
        Path::new(self.house.addresses["receipts"].as_str().unwrap()).join("Face")
    }

    async fn visit(&self, way: Way, card: &str) -> String {
        visits::serve(&self.house.lane(1), way, card).await.kind
    }

    /// The gateway is stopped, something is done, and it is started again.
    async fn restart(&mut self, between: impl FnOnce(&House)) {
        self.house.stop_gateway();
        between(&self.house);
        self.house.start_gateway();
        self.house.ready().await;
    }

    /// The authorities of the centre's certificate and a further one, whose own certificate ends then. Changed
    /// certificates have the clock looked at as well.
    fn trust_until(&self, ends: Option<Validity>) {
        let file = self.file("pki/centre-ca.pem");
        let own = fs::read_to_string(&file).unwrap();
        const END: &str = "-----END CERTIFICATE-----\n";
        let mut text = own.split_inclusive(END).next().unwrap().to_owned();
        if let Some(ends) = ends {
            let further = TlsAuthority::new("further").unwrap().client("further", ends).unwrap();
            text += &further.certificate_pem();
        }
        fs::write(file, text).unwrap();
    }

    fn clock_is_off(&self, seconds: &str) {
        self.house.clock_is_off(seconds);
        self.trust_until(None);
    }

    fn note_update(house: &House, stage: &str) {
        let attempt = json!({ "from": "0.1.0", "to": "0.2.0", "boot": "the boot before", "stage": stage });
        fs::write(house.directory().join("state/gateway/update.json"), attempt.to_string()).unwrap();
    }

    /// The cards of this kind whose holders have names that begin like this.
    async fn cards(&self, kind: &str, begins: &str) -> Vec<String> {
        let control = Http::new(self.house.addresses["control"].as_str().unwrap());
        let mut cards = Vec::new();
        for number in 1..=8 {
            let card = control.must(Method::GET, &format!("cards/{kind}%23{number}"), None).await;
            if card["patient"]["name"].as_str().is_some_and(|name| name.starts_with(begins)) {
                cards.push(format!("{kind}#{number}"));
            }
        }
        assert!(!cards.is_empty(), "nobody is called {begins}");
        cards
    }

    /// Causes a fault.
    pub async fn cause(&mut self, fault: FaultCode) {
        let (lane, state) = (self.house.lane(1), self.file("state"));
        match fault {
            NfcReaderLost => lane.nfc_reader("unplug").await,
            FaceReaderLost => self.house.lane(2).face_reader("disconnect").await,
            PcscDown => self.house.pcscd("kill").await,
            PcscHung => self.house.pcscd("stop").await,
            Rehearsal => self.rehearse("begin_rehearsal").await,
            LineDown => self.house.line_down().await,
            LineOutage => {
                self.house.line_down().await;
                self.house.raised("uplink", LineOutage).await;
                self.house.centre_well().await;
            }
            ReceiptFolderUnavailable => move_away(&self.face()),
            BoxCertificateEnding => self.trust_until(Some(Validity::days(80))),
            BoxCertificateUrgent => self.trust_until(Some(Validity::days(10))),
            BoxCertificateEnded => self.trust_until(Some(Validity::expired())),
            BoxCertificateNotTaken => {
                for file in ["pki/uplink.pem", "pki/uplink.key"] {
                    move_away(&self.file(file));
                }
                let stranger = TlsAuthority::new("strangers").unwrap();
                let stranger = stranger.client("terminal-1", Validity::days(300)).unwrap();
                stranger.write(&self.file("pki"), "uplink").unwrap();
            }
            ClockUnsure => self.clock_is_off("2.5"),
            ClockWrong => self.clock_is_off("-90.0"),
            AuditLogFailed => {
                move_away(&state.join("audit"));
                // What happens is to be written down, and can't be.
                assert_eq!(self.visit(Way::CardByFace, "my_number_card").await, "done");
            }
            QueueFull => {
                let busy = json!({ "fault": { "kind": "status", "code": 503 }, "path": "/v1/confirmations" });
                self.house.centre_fault(busy).await;
                // Names that Shift_JIS can write, or the results that come later would be a fault of their own.
                let cards = self.cards("android", "試験").await;
                for card in &cards[..2] {
                    assert_eq!(self.visit(Way::Android, card).await, "deferred");
                }
            }
            ConfirmationSetAside => {
                let refuses = json!({
                    "fault": { "kind": "status", "code": 422 }, "path": "/v1/confirmations", "remaining": 1,
                });
                self.house.centre_fault(refuses).await;
                let card = &self.cards("android", "試験").await[0];
                let last = self.visit(Way::Android, card).await;
                assert!(["deferred", "fallback"].contains(&last.as_str()), "nobody confirmed it: {last}");
            }
            CharactersLost => {
                let card = &self.cards("iphone", "𠮷").await[0];
                assert_eq!(self.visit(Way::Iphone, card).await, "done");
            }
            BrokerLost => {
                move_away(&state.join("broker/mosquitto.conf"));
                let children = children(self.house.gateway().id());
                kill(children.iter().find(|(_, name)| name == "mosquitto").expect("a broker").0);
            }
            LineOnSecond => {
                let config = self.house.config();
                fs::copy(&config, aside(&config)).unwrap();
                // The box has no such address: the primary's cable is out.
                let lines = "\n[uplink.vpn]\nmode = \"external\"\n[uplink.vpn.primary]\nsource = \"192.0.2.1\"\n\
                             [uplink.vpn.second]\nsource = \"127.0.0.1\"\n";
                let text = fs::read_to_string(&config).unwrap() + lines;
                self.restart(|_| fs::write(&config, text).unwrap()).await;
            }
            QueueFailed => {
                self.restart(|_| {
                    move_away(&state.join("queue"));
                    fs::write(state.join("queue"), "a file where the folder should be").unwrap();
                })
                .await;
            }
            UpdateFellBack => self.restart(|house| Self::note_update(house, "fell_back")).await,
            ActorGaveUp => {
                self.restart(|_| {
                    move_away(&state.join("audit"));
                    fs::write(state.join("audit"), "a file where the folder should be").unwrap();
                })
                .await;
            }
            other => panic!("{} does not last", other.name()),
        }
    }

    /// Mends it.
    pub async fn mend(&mut self, fault: FaultCode) {
        let (lane, state) = (self.house.lane(1), self.file("state"));
        match fault {
            NfcReaderLost => lane.nfc_reader("plug").await,
            FaceReaderLost => self.house.lane(2).face_reader("connect").await,
            PcscDown => self.house.pcscd("restart").await,
            PcscHung => self.house.pcscd("cont").await,
            Rehearsal => self.rehearse("end_rehearsal").await,
            LineDown | QueueFull => self.house.centre_well().await,
            // It is over when it has been well for long enough.
            LineOutage => {}
            ReceiptFolderUnavailable => move_back(&self.face()),
            BoxCertificateEnding | BoxCertificateUrgent | BoxCertificateEnded => self.trust_until(None),
            BoxCertificateNotTaken => {
                for file in ["pki/uplink.pem", "pki/uplink.key"] {
                    move_back(&self.file(file));
                }
            }
            ClockUnsure | ClockWrong => self.clock_is_off(GOOD),
            AuditLogFailed => move_back(&state.join("audit")),
            ConfirmationSetAside => {
                self.restart(|house| {
                    let said = house.madoguchi(&["queue", "retry", "--all"]).output().unwrap();
                    assert!(said.status.success(), "{said:?}");
                })
                .await;
            }
            // It is shown for an hour, or until a restart.
            CharactersLost => self.restart(|_| {}).await,
            BrokerLost => move_back(&state.join("broker/mosquitto.conf")),
            LineOnSecond => {
                let config = self.house.config();
                self.restart(|_| move_back(&config)).await;
            }
            QueueFailed => {
                // The queue makes itself a new folder; that of before had nothing in it that waited.
                fs::remove_file(state.join("queue")).unwrap();
                fs::remove_dir_all(aside(&state.join("queue"))).unwrap();
            }
            UpdateFellBack => self.restart(|house| Self::note_update(house, "good")).await,
            ActorGaveUp => {
                fs::remove_file(state.join("audit")).unwrap();
                move_back(&state.join("audit"));
            }
            other => panic!("{} does not last", other.name()),
        }
    }

    async fn rehearse(&self, act: &str) {
        let (status, answer) = self.house.staff(1, &json!(act)).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Practice, visits and outages leave nothing behind that would be taken for the next case's doing.
    pub async fn rests(&self) {
        self.house
            .until_within(Duration::from_secs(60), "nothing waits any more", async |house| {
                house.states().await["offline_queue"]["detail"]["offline_queue"]["waiting"] == 0
            })
            .await;
    }
}
