//! The floor: what no gateway can do without. One thread for each lane waits for the phone, sends the APDUs of
//! `nfc_reader` and makes the two requests of `uplink`, one after the other, with nothing in between.

use crate::{
    figures::{Visit, Visits},
    measure::{PIN, Site, card_name},
    pattern::{Gate, Pattern},
};
use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use madoguchi_nfc_reader::{
    apdu::{MAX_ANSWER, Transmit, TransmitError},
    jpki,
};
use madoguchi_protocol::{
    LaneId, RequestId, VisitId,
    eligibility::Verdict,
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, Statement, VerifiedBy},
    messages::{nfc_reader::ReadOutcome, uplink::Authenticate},
};
use madoguchi_simulator::hospital::{INSTITUTION, TERMINAL};
use madoguchi_uplink::{EligibilityCentre, HttpsCentre, Settings};
use pcsc::{Card, Context, Disposition, Protocols, ReaderState, Scope, ShareMode, State};
use std::{
    ffi::CString,
    fs, str,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::{Handle, Runtime};
use zeroize::Zeroizing;

/// Nothing takes so long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(10);
const ALL: Consent = Consent {
    specific_health_checkups: true,
    pharmacists: true,
    diagnosis: true,
    operation: true,
    limit_application: true,
};

/// Makes `visits` visits at each lane, all lanes at the same time.
pub fn run(site: &Arc<Site>, pattern: Pattern, visits: u32) -> Result<Visits> {
    let gate = Arc::new(Gate::new(pattern, site.lanes()));
    let (done, lanes_done) = mpsc::channel();
    for lane in 1..=site.lanes() {
        let (site, gate, done) = (site.clone(), gate.clone(), done.clone());
        thread::Builder::new().name(format!("floor-{lane}")).spawn(move || {
            let made = Straight::new(&site, lane).and_then(|mut lane| lane.visits(&gate, visits));
            let _ = done.send(made.with_context(|| format!("floor, lane {lane}")));
        })?;
    }
    let mut all = Visits::default();
    for _ in 1..=site.lanes() {
        let lane = lanes_done.recv()??;
        all.cpu_ms += lane.cpu_ms / f64::from(site.lanes());
        all.all.extend(lane.all);
    }
    Ok(all)
}

/// One lane without a gateway.
struct Straight<'a> {
    site: &'a Site,
    lane: u16,
    /// Of the hospital, whose cards live there.
    hospital: Handle,
    /// Of this thread: the connection to the centre is served by nobody else.
    own: Runtime,
    centre: HttpsCentre,
    context: Context,
    reader: CString,
    seen: [ReaderState; 1],
}

impl<'a> Straight<'a> {
    fn new(site: &'a Site, lane: u16) -> Result<Self> {
        let reader = CString::new(site.lane(lane)?.nfc.pcsc_name())?;
        let pki = site.directory.join("pki");
        let settings = Settings {
            url: site.hospital.addresses.centre.trim_end_matches('/').into(),
            ca: vec![pki.join("centre-ca.pem")],
            certificate: pki.join("uplink.pem"),
            key: pki.join("uplink.key"),
            ..Settings::default()
        };
        let own = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut this = Self {
            site,
            lane,
            hospital: site.runtime.clone(),
            centre: HttpsCentre::new(&settings)?,
            context: Context::establish(Scope::System)?,
            seen: [ReaderState::new(reader.clone(), State::UNAWARE)],
            reader,
            own,
        };
        this.until_present(false)?;
        Ok(this)
    }

    fn visits(&mut self, gate: &Gate, visits: u32) -> Result<Visits> {
        let before = thread_cpu_ms()?;
        let all = (0..visits).map(|number| self.visit(gate, number)).collect::<Result<_>>()?;
        Ok(Visits { all, cpu_ms: (thread_cpu_ms()? - before) / f64::from(visits) })
    }

    fn visit(&mut self, gate: &Gate, number: u32) -> Result<Visit> {
        let site = self.site;
        let (lane, card) = (site.lane(self.lane)?, card_name(self.lane));
        let visit = VisitId::random();
        let request_id = RequestId::random();
        let statement = self.statement(visit, request_id)?;
        self.own.block_on(gate.hold(self.lane, number));

        let held = Instant::now();
        self.hospital.block_on(lane.hold(&site.hospital.wallet, &card))?;
        self.until_present(true)?;
        let noticed = Instant::now();
        let card = self.context.connect(&self.reader, ShareMode::Exclusive, Protocols::ANY)?;
        let evidence = read(&card, statement)?;
        let read = Instant::now();
        let proof = Authenticate { request_id, evidence };
        let verdict = self.own.block_on(self.centre.authenticate(&proof, PATIENCE))?;
        let authenticated = Instant::now();
        if verdict != Verdict::Confirmed {
            bail!("the centre did not authenticate: {verdict:?}");
        }

        self.own.block_on(gate.agree());
        let agreed = Instant::now();
        let request = ConfirmationRequest {
            request_id,
            visit,
            lane: LaneId::new(self.lane)?,
            at: Timestamp::now(),
            evidence: proof.evidence,
            consent: ALL,
        };
        let answer = self.own.block_on(self.centre.confirm(&request, false, PATIENCE))?;
        let confirmed = Instant::now();
        if answer.verdict != Verdict::Confirmed {
            bail!("the centre did not confirm: {:?}", answer.verdict);
        }

        card.disconnect(Disposition::LeaveCard).map_err(|(_, error)| error)?;
        self.hospital.block_on(lane.take_away());
        self.until_present(false)?;
        let ms = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1000.0;
        Ok(Visit([ms(held, noticed), ms(noticed, read), ms(read, authenticated), ms(agreed, confirmed)]))
    }

    /// What the phone signs, as long as what the gateway has it sign.
    fn statement(&self, visit: VisitId, request_id: RequestId) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&Statement {
            v: 1,
            institution: INSTITUTION.into(),
            terminal: TERMINAL.into(),
            lane: LaneId::new(self.lane)?,
            visit,
            request_id,
            at: Timestamp::now(),
            // Random enough: the centre only wants it never to have been used before.
            nonce: STANDARD.encode(request_id.as_bytes()),
        })?)
    }

    fn until_present(&mut self, present: bool) -> Result<()> {
        while self.seen[0].event_state().contains(State::PRESENT) != present
            || self.seen[0].event_state().is_empty()
        {
            self.context.get_status_change(PATIENCE, &mut self.seen)?;
            self.seen[0].sync_current_state();
        }
        Ok(())
    }
}

/// The exchange of `nfc_reader`, VERIFY and SIGN included.
fn read(card: &Card, statement: Vec<u8>) -> Result<Evidence> {
    let request =
        jpki::Request { expected: Some(Medium::Android), statement: &statement, last_try_allowed: false };
    let pin = || {
        let mut digits = Zeroizing::new([0; 4]);
        digits.copy_from_slice(PIN.as_bytes());
        jpki::Pin::new(digits)
    };
    match jpki::read(&mut Straightly(card), &request, pin) {
        ReadOutcome::Signed { medium, certificate, signature } => {
            Ok(Evidence { medium, verified_by: VerifiedBy::Pin, statement, certificate, signature })
        }
        other => bail!("the phone could not be read: {}", other.name()),
    }
}

struct Straightly<'a>(&'a Card);

impl Transmit for Straightly<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
        let mut buffer = Zeroizing::new(vec![0; MAX_ANSWER]);
        let length = self.0.transmit(command, &mut buffer).map_err(|_| TransmitError::Torn)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// Processor time of this thread so far.
fn thread_cpu_ms() -> Result<f64> {
    let statistics = fs::read("/proc/thread-self/schedstat")?;
    let first = str::from_utf8(&statistics)?.split(' ').next().context("the kernel does not tell")?;
    Ok(first.parse::<f64>()? / 1e6)
}
