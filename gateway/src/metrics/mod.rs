//! `/metrics`: what Prometheus scrapes, on a listener of its own, of the whole box whatever process an actor is in.
//!
//! Labels are lanes, actors and words of the table of families, never anything personal.

mod certificates;
mod exposition;
mod guard;
mod sheet;
mod states;

use crate::{
    board::{Boards, States, Tallies},
    config::{Config, Metrics},
    web::Desk,
};
use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header::{Accept, Header},
    web::{self, Data},
};
use anyhow::{Context, Result, bail};
use certificates::Certificates;
use exposition::Form;
use guard::Guard;
use jiff::Timestamp;
use madoguchi_bus::events::ScrapeRefused;
use madoguchi_protocol::figures::Family;
use sheet::Sheet;
use states::BOX;
use std::{
    net::{IpAddr, ToSocketAddrs, UdpSocket},
    path::PathBuf,
};
use tokio::sync::watch;

/// What the handler needs.
struct Shown {
    states: watch::Receiver<States>,
    tallies: watch::Receiver<Tallies>,
    certificates: Certificates,
    guard: Guard,
    desk: Desk,
    lanes: usize,
    started: Timestamp,
}

/// What of the configuration the listener depends on.
#[derive(PartialEq)]
struct Wanted {
    metrics: Metrics,
    /// Where the centre is.
    url: String,
    /// The page's certificate, where it has one.
    page: Option<PathBuf>,
    lanes: usize,
}

impl Wanted {
    fn by(config: &Config) -> Self {
        Self {
            metrics: config.metrics.clone(),
            url: config.uplink.url.clone(),
            page: crate::web::page_certificate(&config.web, &config.site.state_directory),
            lanes: config.lanes().len(),
        }
    }
}

/// The listener, which moves when the configuration says so.
pub struct Scrapes {
    boards: Boards,
    desk: Desk,
    started: Timestamp,
    served: Option<(Wanted, ServerHandle)>,
}

impl Scrapes {
    /// Nothing is served before there is a configuration.
    pub fn new(boards: Boards, desk: Desk) -> Self {
        Self { boards, desk, started: Timestamp::now(), served: None }
    }

    /// Serves the metrics where the configuration says. Where that fails none are served, and the next call tries again.
    pub async fn settle(&mut self, config: &Config) -> Result<()> {
        let wanted = Wanted::by(config);
        if self.served.as_ref().is_some_and(|(served, _)| *served == wanted) {
            return Ok(());
        }
        self.close().await;
        let handle = self.serve(&wanted)?;
        self.served = Some((wanted, handle));
        Ok(())
    }

    /// Ends the listener.
    pub async fn close(&mut self) {
        if let Some((_, handle)) = self.served.take() {
            handle.stop(false).await;
        }
    }

    /// Starts the listener on threads of its own.
    fn serve(&self, wanted: &Wanted) -> Result<ServerHandle> {
        let Metrics { listen, tls, password } = &wanted.metrics;
        if is_the_lines(listen.ip(), &wanted.url) {
            bail!("metrics.listen: {listen} is the box's address on the line, where nobody may scrape");
        }
        let shown = Data::new(Shown {
            states: self.boards.states.subscribe(),
            tallies: self.boards.tallies.subscribe(),
            certificates: Certificates::watch(wanted),
            guard: Guard::new(password.as_ref())?,
            desk: self.desk.clone(),
            lanes: wanted.lanes,
            started: self.started,
        });
        let make = move || App::new().app_data(shown.clone()).route("/metrics", web::get().to(metrics));
        let server = HttpServer::new(make).workers(1).disable_signals();
        let server = match tls {
            Some(tls) => server.bind_rustls_0_23(listen, guard::tls(tls)?),
            None => server.bind(listen),
        };
        let cannot = || format!("metrics can't listen on {listen} (metrics.listen); is it in use already?");
        let server = server.with_context(cannot)?.run();
        let handle = server.handle();
        tokio::spawn(server);
        tracing::info!(%listen, tls = tls.is_some(), "metrics are served");
        Ok(handle)
    }
}

/// Whether this address of the box is the one from which the centre is reached. Loopback is on no side.
fn is_the_lines(address: IpAddr, url: &str) -> bool {
    let centre = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
    let with_port = if centre.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        centre.to_string()
    } else {
        format!("{centre}:443")
    };
    // Connecting a datagram socket asks the kernel for the route and sends nothing.
    let route = || {
        let far = with_port.to_socket_addrs().ok()?.next()?;
        let any = if far.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(far).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    !address.is_loopback() && route() == Some(address)
}

async fn metrics(shown: Data<Shown>, request: actix_web::HttpRequest) -> HttpResponse {
    if !shown.guard.lets_in(&request) {
        if let Some(bus) = shown.desk.borrow().as_ref() {
            bus.emit(&ScrapeRefused);
        }
        return guard::refusal();
    }
    let form = Accept::parse(&request).map_or(Form::Text, |accept| Form::preferred(&accept));
    match form.write(&sheet(&shown)) {
        Ok(text) => HttpResponse::Ok().content_type(form.content_type()).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

fn sheet(shown: &Shown) -> Sheet {
    let mut sheet = Sheet::default();
    let mut refused = 0;
    for (address, tally) in shown.tallies.borrow().iter() {
        refused += tally.refused;
        tally.series.iter().for_each(|series| sheet.take(*address, series));
    }
    states::add(&mut sheet, &shown.states.borrow());
    sheet.set(Family::FiguresRefused, BOX, &[], states::number(refused));
    sheet.set(Family::BuildInfo, BOX, &[env!("CARGO_PKG_VERSION")], 1.0);
    sheet.set(Family::Lanes, BOX, &[], states::number(shown.lanes as u64));
    sheet.set(Family::Started, BOX, &[], states::seconds(shown.started));
    for (what, ends) in shown.certificates.ends() {
        sheet.set(Family::CertificateEnds, BOX, &[what], states::seconds(ends));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Counted;
    use madoguchi_bus::Tally;
    use madoguchi_protocol::{
        ActorKind, Address, LaneId,
        fault::{FaultCode, Scope},
        figures::Kind,
    };
    use std::{fmt::Write, fs, thread, time::Duration};

    /// Every series that so many lanes can have, said by every actor that can say it.
    fn full(lanes: u16) -> (Tallies, Sheet) {
        let lanes: Vec<_> = (1..=lanes).map(|lane| LaneId::new(lane).unwrap()).collect();
        let all = ActorKind::ALL.into_iter().flat_map(|kind| {
            let of_lanes = lanes.iter().map(move |lane| Address::of_lane(kind, *lane)).collect::<Vec<_>>();
            if kind.is_per_lane() { of_lanes } else { vec![Address::of_box(kind)] }
        });
        let addresses: Vec<_> = all.collect();
        let tallies = addresses.iter().map(|address| (*address, counted(*address))).collect();
        let mut states = Sheet::default();
        for family in
            Family::ALL.iter().filter(|family| family.source() == madoguchi_protocol::figures::Source::States)
        {
            for labels in family.rows() {
                addresses.iter().for_each(|address| states.set(*family, *address, &labels, 1.0));
            }
        }
        for fault in FaultCode::ALL {
            match fault.scope() {
                Scope::Lane => lanes.iter().for_each(|lane| states.fault(*fault, Some(*lane), true)),
                _ => states.fault(*fault, None, true),
            }
        }
        (tallies, states)
    }

    fn counted(address: Address) -> Counted {
        let tally = Tally::new(address);
        for family in Family::ALL.iter().filter(|family| family.source().allows(address.kind)) {
            for labels in family.rows() {
                match family.kind() {
                    Kind::Counter => tally.count(*family, &labels),
                    Kind::Gauge => tally.set(*family, &labels, 1.0),
                    Kind::Histogram(_) => tally.observe(*family, &labels, Duration::from_millis(20)),
                }
            }
        }
        let (series, refused) = tally.figures().admitted(address.kind);
        Counted { series, refused }
    }

    fn merged(tallies: &Tallies, mut sheet: Sheet) -> Sheet {
        for (address, tally) in tallies {
            tally.series.iter().for_each(|series| sheet.take(*address, series));
        }
        sheet
    }

    fn samples(text: &str) -> usize {
        text.lines().filter(|line| !line.starts_with('#')).count()
    }

    #[test]
    fn a_full_exposition_of_256_lanes_has_fewer_than_20_000_series() {
        let (tallies, states) = full(256);
        assert!(tallies.values().all(|counted| counted.refused == 0));
        let text = Form::Text.write(&merged(&tallies, states)).unwrap();
        let series = samples(&text);
        assert!((10_000..20_000).contains(&series), "{series}");
    }

    #[test]
    fn both_forms_say_the_same_samples() {
        let (tallies, states) = full(3);
        let sheet = merged(&tallies, states);
        let text = Form::Text.write(&sheet).unwrap();
        let open = Form::OpenMetrics.write(&sheet).unwrap();
        assert_eq!(samples(&text), samples(&open));
        assert!(open.ends_with("# EOF\n"));
        assert!(open.contains("# TYPE madoguchi_visits_ended counter\n"));
        assert!(open.contains("# UNIT madoguchi_visit_answer_seconds seconds\n"));
        assert!(open.contains("madoguchi_visit_answer_seconds_bucket{way=\"android\",le=\"3.0\"} 3\n"));
    }

    /// This thread's processor time, the best of a few: what else the machine does is not counted.
    fn best(mut work: impl FnMut()) -> Duration {
        // proc(5): nanoseconds on a processor come first. Whoever yields has them brought up to date.
        let used = || {
            thread::yield_now();
            let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            Duration::from_nanos(spent.split(' ').next().unwrap().parse().unwrap())
        };
        let once = |_| {
            let before = used();
            work();
            used() - before
        };
        (0..7).map(once).min().unwrap()
    }

    #[test]
    fn a_scrape_of_64_lanes_takes_little_time() {
        let (tallies, _) = full(64);
        let mut text = String::new();
        let scrape = best(|| text = Form::Text.write(&merged(&tallies, full(0).1)).unwrap());
        // Writing the same lines with nothing to work out.
        let floor = best(|| {
            let mut copy = String::new();
            for line in text.lines() {
                let (name, value) = line.rsplit_once(' ').unwrap();
                writeln!(copy, "{name} {value}").unwrap();
            }
            assert_eq!(copy.len(), text.len());
        });
        println!("{} series, {scrape:?}; writing its lines alone {floor:?}", samples(&text));
        if cfg!(debug_assertions) {
            // Without optimisation; what grew with the square would be far beyond.
            assert!(scrape < 300 * floor, "{scrape:?} for what takes {floor:?} to write");
        } else {
            assert!(scrape < Duration::from_millis(50), "{scrape:?}");
        }
    }
}
