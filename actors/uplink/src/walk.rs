//! The way to the centre, walked step by step: what the first broken step is, and who can mend it.

use crate::{
    centre::{EligibilityCentre, Failure, NotSent},
    certificates::terms,
    clock,
    https::HttpsCentre,
    settings::Settings,
    vici::{Client, Message},
    vpn::{
        Vpn, connection,
        tunnel::{Tunnel, read},
    },
};
use jiff::Timestamp;
use madoguchi_protocol::messages::line::{CertificateRole, CertificateStage, Way};
pub use madoguchi_protocol::messages::line_walk::{Health, Step, Taken, Walk, Whom};
use std::{
    net::{IpAddr, UdpSocket},
    path::Path,
    time::{Duration, Instant},
};

/// How long the centre may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Walks every line of the settings.
pub async fn walk(settings: &Settings, now: Timestamp) -> Walk {
    let mut walk = vec![];
    for way in settings.vpn.ways() {
        let mut take =
            |step, (health, found): (Health, String)| walk.push(Taken { way, step, health, found });
        let local = local(&settings.vpn, way);
        let interface = settings.interfaces.iter().find(|it| it.0 == way).map(|it| it.1.as_str());
        take(Step::Cable, cable(interface, Path::new("/sys/class/net")));
        take(Step::Address, address(local));
        let (source, tunnel) = tunnel(&settings.vpn, way, local).await;
        let carries = tunnel.0 != Health::Broken;
        take(Step::Tunnel, tunnel);
        take(Step::Clock, time().await);
        take(Step::Certificate, certificates(settings, way, now));
        let (tls, centre) = match HttpsCentre::bound(settings, source) {
            Err(error) => ((Health::Broken, error.to_string()), unknown("the certificates can't be used")),
            Ok(_) if !carries => (unknown("there is no tunnel"), unknown("there is no tunnel")),
            Ok(centre) => ask(&centre).await,
        };
        take(Step::Tls, tls);
        take(Step::Centre, centre);
    }
    Walk(walk)
}

fn unknown(why: &str) -> (Health, String) {
    (Health::Unknown, why.into())
}

/// The box's own address on a line, where the settings tell it.
fn local(vpn: &Vpn, way: Way) -> Option<IpAddr> {
    match (vpn, way) {
        (Vpn::Nobody {}, _) => None,
        (Vpn::Strongswan { primary, .. }, Way::Primary) => Some(primary.local),
        (Vpn::Strongswan { second, .. }, Way::Second) => second.as_ref().map(|second| second.local),
        (Vpn::External { primary, .. }, Way::Primary) => primary.source,
        (Vpn::External { second, .. }, Way::Second) => second.as_ref().and_then(|second| second.source),
    }
}

fn cable(interface: Option<&str>, interfaces: &Path) -> (Health, String) {
    let Some(name) = interface else { return unknown("the line's network socket is not known by name") };
    let folder = interfaces.join(name);
    if !folder.exists() {
        return unknown(&format!("there is no network socket {name} here"));
    }
    // Reading fails with EINVAL where the socket is switched off.
    match std::fs::read_to_string(folder.join("carrier")).as_deref().map(str::trim) {
        Ok("1") => (Health::Well, format!("{name} has a link")),
        Ok(_) => {
            (Health::Broken, format!("{name} has no link; check the cable and what is at its other end"))
        }
        Err(_) => (Health::Broken, format!("{name} is switched off")),
    }
}

fn address(local: Option<IpAddr>) -> (Health, String) {
    let Some(local) = local else { return unknown("the settings name none") };
    match UdpSocket::bind((local, 0)) {
        Ok(_) => (Health::Well, format!("the box has {local}")),
        Err(error) => (Health::Broken, format!("the box does not have {local}: {error}")),
    }
}

/// How the tunnel is, and the address inside it from which the centre is asked.
async fn tunnel(vpn: &Vpn, way: Way, local: Option<IpAddr>) -> (Option<IpAddr>, (Health, String)) {
    let Vpn::Strongswan { socket, .. } = vpn else {
        return (local, unknown("it is not held by this box"));
    };
    let list = async {
        let mut client = Client::connect(socket).await?;
        client.ask_stream("list-sas", "list-sa", Message::new()).await
    };
    let found = list.await.map(|items| read(&items, connection::name(way)));
    if let Ok(Tunnel::Up(inner)) = found {
        return (Some(inner), (Health::Well, format!("up, the box is {inner} inside it")));
    }
    // What keeps the box from asking for it comes first.
    let own = vpn.tunnels().into_iter().find(|tunnel| tunnel.0 == way);
    let why = match (own.and_then(|(way, tunnel)| connection::problem(way, tunnel)), found) {
        (_, Err(error)) => error.to_string(),
        (Some(problem), _) => problem.to_string(),
        (None, Ok(Tunnel::Connecting)) => {
            "the gateway does not answer, or refuses the box's certificate".into()
        }
        (None, Ok(_)) => "there is none; is the gateway program running?".into(),
    };
    (None, (Health::Broken, why))
}

/// The address to ask the centre from over a line: inside the tunnel where strongSwan holds it.
pub(crate) async fn source(vpn: &Vpn, way: Way) -> Option<IpAddr> {
    tunnel(vpn, way, local(vpn, way)).await.0
}

async fn time() -> (Health, String) {
    match clock::ask().await {
        Ok(it) if it.offset_us.saturating_abs() >= 60_000_000 => {
            (Health::Broken, format!("off by {} s", it.offset_us / 1_000_000))
        }
        Ok(it) if it.synchronised() => {
            (Health::Well, format!("follows a time server, off by {} µs", it.offset_us))
        }
        Ok(_) => (Health::Doubtful, "follows no time server".into()),
        Err(error) => unknown(&error.to_string()),
    }
}

fn certificates(settings: &Settings, way: Way, now: Timestamp) -> (Health, String) {
    let ours = |role| !matches!(role, CertificateRole::DeviceLink);
    let terms = terms(settings, now);
    let first = terms.iter().find(|it| ours(it.role) && it.way.is_none_or(|other| other == way));
    let Some(first) = first else { return (Health::Broken, "no certificate can be read".into()) };
    let found = format!("the first to end is {}: {}", first.role.name(), first.ends);
    match first.stage {
        CertificateStage::Expired => (Health::Broken, format!("{found}; it is over or has not begun")),
        CertificateStage::Fine => (Health::Well, found),
        _ => (Health::Doubtful, found),
    }
}

/// What the centre says: how TLS is, and how the centre itself is.
async fn ask(centre: &HttpsCentre) -> ((Health, String), (Health, String)) {
    let asked = Instant::now();
    let accepted = || (Health::Well, "box and centre accept each other".to_owned());
    match centre.alive(PATIENCE).await {
        Ok(()) => (accepted(), (Health::Well, format!("it answers in {} ms", asked.elapsed().as_millis()))),
        Err(Failure::NotSent(why @ (NotSent::Tls(_) | NotSent::Revoked))) => {
            ((Health::Broken, why.to_string()), unknown("box and centre don't accept each other"))
        }
        Err(failure @ Failure::NotSent(_)) => {
            (unknown("there is no connection"), (Health::Broken, failure.to_string()))
        }
        Err(failure) => (accepted(), (Health::Broken, failure.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulled_cable_is_told_from_a_socket_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let line = folder.path().join("line0");
        assert_eq!(cable(Some("line0"), folder.path()).0, Health::Unknown);
        std::fs::create_dir(&line).unwrap();
        assert_eq!(cable(Some("line0"), folder.path()).0, Health::Broken, "switched off");
        for (carrier, health) in [("1\n", Health::Well), ("0\n", Health::Broken)] {
            std::fs::write(line.join("carrier"), carrier).unwrap();
            assert_eq!(cable(Some("line0"), folder.path()).0, health);
        }
        assert_eq!(cable(None, folder.path()).0, Health::Unknown);
    }

    #[test]
    fn the_first_broken_step_is_the_one_that_the_others_need() {
        let taken = |step, health| Taken { way: Way::Primary, step, health, found: String::new() };
        let walk = Walk(vec![
            taken(Step::Centre, Health::Broken),
            taken(Step::Address, Health::Broken),
            taken(Step::Cable, Health::Well),
        ]);
        assert_eq!(walk.broken(Way::Primary).map(|it| it.step), Some(Step::Address));
        assert_eq!(walk.broken(Way::Second), None);
    }

    #[test]
    fn an_address_that_the_box_lacks_is_broken() {
        assert_eq!(address(Some([127, 0, 0, 1].into())).0, Health::Well);
        assert_eq!(address(Some([192, 0, 2, 1].into())).0, Health::Broken);
    }
}
