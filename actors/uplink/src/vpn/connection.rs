//! A tunnel's settings in strongSwan's words.

use super::settings::TunnelSettings;
use crate::{
    settings::SetupError,
    tls::{read_certificates, read_crls, read_key_file},
    vici::Message,
};
use madoguchi_protocol::messages::line::Way;

/// The name of each tunnel's child in strongSwan; the connections are named after their lines.
pub(super) const CHILD: &str = "centre";

/// The connections' names in strongSwan: no other connection of its may bear them.
pub(crate) const fn name(way: Way) -> &'static str {
    match way {
        Way::Primary => "madoguchi-primary",
        Way::Second => "madoguchi-second",
    }
}

/// What is loaded for one tunnel, in this order: `(command, message)`. Reads the files anew, so that a certificate that
/// was changed is used for the next tunnel.
pub(super) fn commands(
    way: Way,
    tunnel: &TunnelSettings,
) -> Result<Vec<(&'static str, Message)>, SetupError> {
    let own = read_certificates(&tunnel.certificate)?;
    let key = read_key_file(&tunnel.key)?;
    let mut authorities = vec![];
    for file in &tunnel.ca {
        authorities.extend(read_certificates(file)?);
    }
    let mut crls = vec![];
    for file in &tunnel.crl {
        crls.extend(read_crls(file)?);
    }
    let certificate = |flag: &str, der: &[u8]| {
        ("load-cert", Message::new().with("type", "X509").with("flag", flag).with("data", der))
    };
    let mut commands = vec![];
    commands.extend(authorities.iter().map(|der| certificate("CA", der)));
    // What comes after the box's own certificate in its file are those between it and the authority.
    commands.extend(own.iter().skip(1).map(|der| certificate("NONE", der)));
    commands.extend(crls.iter().map(|der| {
        let crl = Message::new().with("type", "X509_CRL").with("flag", "NONE").with("data", der.as_ref());
        ("load-cert", crl)
    }));
    commands.push(("load-key", Message::new().with("type", "any").with("data", key.as_slice())));
    let own = own.first().map(|der| der.to_vec());
    let authorities: Vec<_> = authorities.iter().map(|der| der.to_vec()).collect();
    let connection = connection(tunnel, own, authorities, !crls.is_empty());
    commands.push(("load-conn", Message::new().with_section(name(way), connection)));
    Ok(commands)
}

fn connection(
    tunnel: &TunnelSettings,
    own: Option<Vec<u8>>,
    authorities: Vec<Vec<u8>>,
    strict: bool,
) -> Message {
    let local =
        Message::new().with("auth", "pubkey").with("id", tunnel.identity.as_str()).with_list("certs", own);
    let remote = Message::new()
        .with("auth", "pubkey")
        .with("id", tunnel.remote_identity.as_str())
        .with("revocation", if strict { "strict" } else { "relaxed" })
        .with_list("cacerts", authorities);
    let rekey = format!("{}m", tunnel.rekey_minutes);
    // The mark of a lost gateway is the probe over the tunnel, not IKE's own detection, which only tidies up.
    let child = Message::new()
        .with_list("remote_ts", tunnel.networks.iter().map(String::as_str))
        .with("rekey_time", rekey.as_str())
        .with("dpd_action", "clear")
        .with("close_action", "none")
        .with("start_action", "none");
    let child = match tunnel.inner {
        Some(inner) => child.with_list("local_ts", [inner.to_string()]),
        None => child.with_list("local_ts", ["dynamic"]),
    };
    let any = match tunnel.inner {
        Some(_) => None,
        // One of each family that the centre's networks have: the gateway assigns what it has.
        None => Some(if tunnel.networks.iter().all(|it| it.contains(':')) { "::" } else { "0.0.0.0" }),
    };
    let yes_no = |it| if it { "yes" } else { "no" };
    Message::new()
        .with("version", "2")
        .with_list("local_addrs", [tunnel.local.to_string()])
        .with_list("remote_addrs", [tunnel.remote.to_string()])
        .with_list("vips", any)
        // Each line stands by itself: a tunnel that moved to the other line would make two of one.
        .with("mobike", "no")
        .with("encap", yes_no(tunnel.force_udp))
        .with("dpd_delay", "30s")
        .with("keyingtries", "1")
        .with("unique", "replace")
        .with("reauth_time", "0")
        .with_section("local", local)
        .with_section("remote", remote)
        .with_section("children", Message::new().with_section(CHILD, child))
}
