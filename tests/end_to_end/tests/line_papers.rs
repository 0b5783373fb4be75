//! Certificates and clock as they befall lines, with real strongSwan between network namespaces (`make line-test`):
//! over, revoked or a stranger's on either side, of the tunnels and of TLS inside them; authorities and certificates that
//! change under load; a clock that is off by a day. ESP runs in userspace here (kernel-libipsec). The times are printed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    line::{GATEWAYS, Line, PIN, Serving, Token, World, inside},
    visits::{self, Way},
};
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant, SystemTime},
};

const LIMIT: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

async fn one_visit(world: &World, number: u32) -> String {
    visits::serve(&world.house.lane(1), Way::CardByFace, &format!("my_number_card#{number}")).await.kind
}

/// Waits until `uplink` has a fault, or no longer has it; says how long that took.
async fn fault(world: &World, code: &str, there: bool) -> Duration {
    let asked = Instant::now();
    let what = format!("{code}: {there}");
    let is = async |house: &madoguchi_end_to_end::House| {
        let states = house.states().await;
        !states["uplink"].is_null() && house.faults("uplink").await.iter().any(|it| it == code) == there
    };
    world.house.until_within(LIMIT, &what, is).await;
    asked.elapsed()
}

/// Waits until changed certificate files were taken up so many times since the gateway's first start.
async fn taken_up(world: &World, times: usize) -> Duration {
    let asked = Instant::now();
    let count = || {
        let log = fs::read_to_string(world.house.directory().join("gateway.log")).unwrap_or_default();
        log.matches("changed certificate files are proven and taken up").count()
    };
    let what = format!("taken up {times} times");
    world.house.until_within(LIMIT, &what, async |_| count() >= times).await;
    asked.elapsed()
}

/// Cuts what stands between box and centre, changes something, and lets the centre be reached again.
async fn behind_closed_doors(world: &World, change: impl FnOnce()) {
    world.house.line_down().await;
    fault(world, "line-down", true).await;
    change();
    world.house.centre_well().await;
}

/// The line is down because box and centre don't accept each other: a visit is deferred, the check says why, nothing
/// takes effect.
async fn nothing_is_sent(world: &World, name: &str, number: u32) {
    fault(world, "line-down", true).await;
    let effects = world.house.effects().await.len();
    assert_eq!(one_visit(world, number).await, "deferred", "{name}");
    for line in Line::BOTH {
        let wanted = format!("{}: the first broken step: the trust between box and centre", line.name());
        let broken = world.broken(&[]);
        assert!(broken.iter().any(|it| it.contains(&wanted)), "{name}: {broken:#?}");
    }
    assert_eq!(world.house.effects().await.len(), effects, "{name}: something took effect");
}

#[tokio::test(flavor = "multi_thread")]
async fn terminals_certificate_is_asked_for_proven_and_swapped_under_load() {
    if !inside("terminals_certificate_is_asked_for_proven_and_swapped_under_load") {
        return;
    }
    let mut world = World::open(2, |config| config).await;
    let old = world.tls.terminal(&world.tls.terminals, Validity::days(20));
    world.start().await;
    let serving = Serving::start(&world.house, 2);
    serving.until(1).await;
    let command = |arguments: &[&str]| {
        let output = world.house.madoguchi(&[&["certificate"], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let request = command(&["csr"]);
    let answer = world.house.directory().join("answer.pem");
    fs::write(&answer, world.tls.terminals.answer(&request, Validity::days(400)).unwrap()).unwrap();
    command(&["stage", &answer.display().to_string()]);
    command(&["prove"]);
    command(&["swap"]);
    println!("terminal's certificate swapped under load: taken up after {:?}", taken_up(&world, 1).await);
    serving.until_confirmed(serving.confirmed() + 2).await;
    let served = serving.stop().await;
    assert_eq!(served.deferred, 0, "{served:?}");
    // It is the new one that is used: the old one gets in no more.
    behind_closed_doors(&world, || world.tls.revoke_terminal(&old)).await;
    println!("with the old one revoked, used after {:?}", fault(&world, "line-down", false).await);
    assert_eq!(one_visit(&world, 1).await, "done");
    world.house.settled(served.all + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centres_authority_is_changed_under_load_and_a_wrong_one_is_not_taken_up() {
    if !inside("centres_authority_is_changed_under_load_and_a_wrong_one_is_not_taken_up") {
        return;
    }
    let mut world = World::open(2, |config| config).await;
    world.start().await;
    let serving = Serving::start(&world.house, 2);
    serving.until(1).await;
    // As the change is announced: first both are trusted, then the centre changes, then only the new one is trusted.
    let (old, new) = (&world.tls.centres, TlsAuthority::new("Invented centres, new").unwrap());
    world.tls.revoke_centre(&[], &[old, &new]);
    world.tls.trust(&[old, &new]);
    println!("both authorities: taken up after {:?}", taken_up(&world, 1).await);
    world.tls.centre(&new, Validity::days(365));
    world.tls.trust(&[&new]);
    println!("the new one alone: taken up after {:?}", taken_up(&world, 2).await);
    serving.until_confirmed(serving.confirmed() + 2).await;
    let served = serving.stop().await;
    assert_eq!(served.deferred, 0, "{served:?}");
    // Somebody puts the old one back.
    world.tls.trust(&[old]);
    println!("a wrong authority: told after {:?}", fault(&world, "box-certificate-not-taken", true).await);
    assert_eq!(one_visit(&world, 1).await, "done", "all goes on as before");
    world.tls.trust(&[&new]);
    fault(&world, "box-certificate-not-taken", false).await;
    world.house.settled(served.all + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centre_that_is_over_a_strangers_or_revoked_gets_nothing_of_a_visit() {
    if !inside("centre_that_is_over_a_strangers_or_revoked_gets_nothing_of_a_visit") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    world.start().await;
    let strangers = TlsAuthority::new("strangers").unwrap();
    let cases =
        [("over", &world.tls.centres, Validity::expired()), ("a stranger's", &strangers, Validity::days(9))];
    let mut visits = 0;
    for (name, authority, validity) in cases {
        behind_closed_doors(&world, || drop(world.tls.centre(authority, validity))).await;
        visits += 1;
        nothing_is_sent(&world, name, visits).await;
        world.tls.centre(&world.tls.centres, Validity::days(365));
        println!("centre {name}, then sound: used after {:?}", fault(&world, "line-down", false).await);
        world.house.settled(visits as usize).await;
    }
    // Revoked while it is connected to: the list itself ends that.
    let revoked = world.tls.centre(&world.tls.centres, Validity::days(365));
    behind_closed_doors(&world, || {}).await;
    fault(&world, "line-down", false).await;
    world.tls.revoke_centre(&[&revoked], &[&world.tls.centres]);
    println!("centre revoked: left after {:?}", fault(&world, "line-down", true).await);
    visits += 1;
    nothing_is_sent(&world, "revoked", visits).await;
    world.tls.centre(&world.tls.centres, Validity::days(365));
    fault(&world, "line-down", false).await;
    world.house.settled(visits as usize).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminal_that_is_over_a_strangers_or_revoked_is_deferred_until_it_has_a_sound_certificate() {
    if !inside("terminal_that_is_over_a_strangers_or_revoked_is_deferred_until_it_has_a_sound_certificate") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    let strangers = TlsAuthority::new("strangers").unwrap();
    let mut visits = 0;
    for (name, validity) in [("over", Validity::expired()), ("a stranger's", Validity::days(9))] {
        let of = if name == "over" { &world.tls.terminals } else { &strangers };
        world.tls.terminal(of, validity);
        world.house.start_gateway();
        world.house.lanes_are_ready().await;
        visits += 1;
        fault(&world, "line-down", true).await;
        assert_eq!(one_visit(&world, visits).await, "deferred", "{name}");
        assert_eq!(world.house.effects().await.len() + 1, visits as usize, "{name}");
        world.tls.terminal(&world.tls.terminals, Validity::days(365));
        println!("terminal {name}, then sound: used after {:?}", fault(&world, "line-down", false).await);
        world.house.settled(visits as usize).await;
        world.house.stop_gateway();
    }
    let revoked = world.tls.terminal(&world.tls.terminals, Validity::days(365));
    world.start().await;
    behind_closed_doors(&world, || world.tls.revoke_terminal(&revoked)).await;
    visits += 1;
    nothing_is_sent(&world, "revoked", visits).await;
    world.tls.terminal(&world.tls.terminals, Validity::days(365));
    println!("terminal revoked, then sound: used after {:?}", fault(&world, "line-down", false).await);
    world.house.settled(visits as usize).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_certificates_that_a_gateway_refuses_cost_no_visit() {
    if !inside("tunnels_certificates_that_a_gateway_refuses_cost_no_visit") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    world.start().await;
    let strangers = TlsAuthority::new("strangers").unwrap();
    for (number, (name, of)) in
        [("over", &world.papers.boxes), ("a stranger's", &strangers)].into_iter().enumerate()
    {
        let validity = if name == "over" { Validity::expired() } else { Validity::days(30) };
        world.papers.box_certificate_of(of, validity);
        // The line that stands by is tried with it first, and the line in use is left alone.
        fault(&world, "box-certificate-not-taken", true).await;
        assert_eq!(world.report().await["report"]["used"], "primary");
        assert_eq!(one_visit(&world, u32::try_from(number).unwrap() + 1).await, "done", "{name}");
        // Both are built anew, the one in use last; then the primary has to settle.
        let tunnels = || world.near.log().matches("established between").count();
        let before = tunnels();
        let asked = Instant::now();
        world.papers.box_certificate(Validity::days(30));
        world
            .house
            .until_within(LIMIT, "both tunnels are built anew", async |_| tunnels() >= before + 2)
            .await;
        println!("tunnel's certificate {name}, then sound: both built anew after {:?}", asked.elapsed());
        fault(&world, "box-certificate-not-taken", false).await;
        world.until_used(Line::Primary, LIMIT).await;
        world.until_stage(Line::Second, &["centre_reachable"], LIMIT).await;
    }
    world.house.settled(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnel_comes_up_with_a_key_that_only_its_token_has_and_a_wrong_pin_is_never_handed_on() {
    if !inside("tunnel_comes_up_with_a_key_that_only_its_token_has_and_a_wrong_pin_is_never_handed_on") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let token = Token::make(directory.path());
    let (certificate, key) = (directory.path().join("vpn.pem"), directory.path().join("vpn.key"));
    let mut world = World::open(1, |config| {
        let mut lines: Vec<_> = config.lines().map(str::to_owned).collect();
        // The primary's come first.
        let mut put = |name: &str, line: String| {
            *lines.iter_mut().find(|it| it.starts_with(&format!("{name} = "))).unwrap() = line;
        };
        put("certificate", format!("certificate = \"{}\"", certificate.display()));
        put("key", format!("key = \"{}\"\n{}", key.display(), token.setting()));
        lines.join("\n") + "\n"
    })
    .await;
    let (name, value) = token.environment();
    world.house.set(name, &value);
    world.near.kill();
    world.near.know(&token);
    world.near.start();

    // The key is made in the token; what goes out is the request, what comes back the certificate.
    let command = |arguments: &[&str]| {
        let line = ["certificate", "--tunnel", "primary"];
        let output = world.house.madoguchi(&[&line, arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let request = command(&["csr"]);
    let answer = directory.path().join("answer.pem");
    fs::write(&answer, world.papers.boxes.answer(&request, Validity::days(400)).unwrap()).unwrap();
    command(&["stage", &answer.display().to_string()]);
    command(&["swap"]);
    assert!(certificate.exists() && !key.exists(), "no key left the token");

    let started = Instant::now();
    world.start().await;
    println!("a tunnel with a key in a token, and one with a file: well after {:?}", started.elapsed());
    world.until_used(Line::Primary, LIMIT).await;
    assert_eq!(one_visit(&world, 1).await, "done");
    world.house.stop_gateway();
    let log = |world: &World| fs::read_to_string(world.house.directory().join("gateway.log")).unwrap();
    assert!(![log(&world), world.near.log()].concat().contains(PIN), "the PIN is in a log");

    // A strongSwan that knows nothing of it any more, and a wrong PIN: the other line is up, the token is not locked.
    world.near.kill();
    world.near.start();
    token.put_pin("wrong-kohaku");
    world.house.start_gateway();
    world.house.lanes_are_ready().await;
    world.until_stage(Line::Second, &["centre_reachable"], LIMIT).await;
    assert_eq!(one_visit(&world, 2).await, "done");
    world
        .house
        .until_within(LIMIT, "the gateway's log says why", async |_| {
            log(&world).contains("put the right one there")
        })
        .await;
    let broken = world.broken(&[]);
    assert!(broken.iter().any(|it| it.contains("was given a wrong PIN")), "{broken:#?}");
    assert!(
        !world.near.log().contains("C_Login"),
        "strongSwan was given the wrong PIN:\n{}",
        world.near.log()
    );
    token.put_pin(PIN);
    println!("with the right PIN: the primary is well after {:?}", {
        let mended = Instant::now();
        world.until_stage(Line::Primary, &["centre_reachable"], LIMIT).await;
        mended.elapsed()
    });
    world.house.settled(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_that_is_revoked_is_left_for_the_second_line() {
    if !inside("gateway_that_is_revoked_is_left_for_the_second_line") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    let revoked = world.papers.gateway_certificate(GATEWAYS[0], Validity::days(30));
    world.far.load_gateways(&world.papers, None);
    world.start().await;
    world.papers.revoke_gateways(&[&revoked]);
    println!("gateway revoked: left after {:?}", world.until_used(Line::Second, LIMIT).await);
    assert_eq!(one_visit(&world, 1).await, "done");
    world.papers.gateway_certificate(GATEWAYS[0], Validity::days(30));
    world.far.load_gateways(&world.papers, None);
    println!("another certificate: primary used after {:?}", world.until_used(Line::Primary, LIMIT).await);
    assert_eq!(one_visit(&world, 2).await, "done");
    world.house.settled(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_a_day_behind_defers_says_so_and_loses_nothing() {
    if !inside("clock_a_day_behind_defers_says_so_and_loses_nothing") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    // Issued an hour ago: for a box that lives yesterday it has not begun.
    let (from, until) = (SystemTime::now() - HOUR, SystemTime::now() + HOUR * 24 * 30);
    world.tls.centre(&world.tls.centres, Validity { from, until });
    // chrony's client, as it answers where the clock is that far off; no time server can be had here.
    let folder = world.house.directory().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let chronyc = folder.join("chronyc");
    let says = "#!/bin/sh\necho 0A000001,10.0.0.1,3,$(date +%s).0,86400.0,0.0,0.0,1.0,0.0,1.0,0.001,0.001,64.0,Normal\n";
    fs::write(&chronyc, says).unwrap();
    fs::set_permissions(&chronyc, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let off = [
        ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1"),
        ("FAKETIME", "-1d"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("PATH", &path),
    ];
    world.house.start_gateway_with(&off);
    world.house.lanes_are_ready().await;
    fault(&world, "line-down", true).await;
    fault(&world, "clock-wrong", true).await;
    assert_eq!(one_visit(&world, 1).await, "deferred");
    let broken = world.broken(&off);
    assert!(broken.iter().any(|it| it.contains("first broken step: the clock")), "{broken:#?}");
    assert!(world.house.effects().await.is_empty());
    world.house.stop_gateway();
    let mended = Instant::now();
    world.start().await;
    world.house.settled(1).await;
    println!("clock put right, the gateway started anew: drained after {:?}", mended.elapsed());
}
