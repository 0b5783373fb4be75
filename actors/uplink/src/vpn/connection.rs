//! A tunnel's settings in strongSwan's words.

use super::settings::TunnelSettings;
use crate::{
    settings::SetupError,
    tls::{read_certificates, read_crls, read_key_file},
    token::{self, TokenKey, TokenSettings},
    vici::Message,
};
use madoguchi_protocol::messages::line::Way;
use rustls::pki_types::CertificateDer;

/// The name of each tunnel's child in strongSwan; the connections are named after their lines.
pub(super) const CHILD: &str = "centre";

/// The connections' names in strongSwan: no other connection of its may bear them.
pub(crate) const fn name(way: Way) -> &'static str {
    match way {
        Way::Primary => "madoguchi-primary",
        Way::Second => "madoguchi-second",
    }
}

/// Has strongSwan take a private key that is in a token.
pub(super) const LOAD_TOKEN: &str = "load-token";

/// What is loaded for one tunnel, in this order: `(command, message)`. Reads the files anew, so that a certificate that
/// was changed is used for the next tunnel. Waits for the token, where there is one.
pub(super) fn commands(
    way: Way,
    tunnel: &TunnelSettings,
) -> Result<Vec<(&'static str, Message)>, SetupError> {
    let own = read_certificates(&tunnel.certificate)?;
    let key = match (&tunnel.token, own.first()) {
        (Some(token), Some(own)) => (LOAD_TOKEN, key_in(token, own).map_err(|error| of_line(way, error))?),
        _ => {
            let key = read_key_file(&tunnel.key)?;
            ("load-key", Message::new().with("type", "any").with("data", key.as_slice()))
        }
    };
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
    commands.push(key);
    let own = own.first().map(|der| der.to_vec());
    let authorities: Vec<_> = authorities.iter().map(|der| der.to_vec()).collect();
    let connection = connection(tunnel, own, authorities, !crls.is_empty());
    commands.push(("load-conn", Message::new().with_section(name(way), connection)));
    Ok(commands)
}

/// Which key it is and the token's PIN. strongSwan looks for the key's identifier in all tokens that it knows: which slot a
/// token is in, each program counts for itself.
fn key_in(token: &TokenSettings, own: &CertificateDer<'_>) -> Result<Message, SetupError> {
    let handle = TokenKey::of(token, own)?.handle()?;
    let id: String = handle.id.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Message::new().with("handle", id).with("pin", handle.pin.as_bytes()))
}

/// A token's trouble, by the line whose token it is.
fn of_line(way: Way, error: SetupError) -> SetupError {
    let key = match way {
        Way::Primary => "vpn.primary.token",
        Way::Second => "vpn.second.token",
    };
    match error {
        SetupError::Setting { problem, .. } => SetupError::Setting { key, problem },
        error => error,
    }
}

/// Why a tunnel's certificate or key can't be used, if so. A token's PIN is not tried.
pub(crate) fn problem(way: Way, tunnel: &TunnelSettings) -> Option<SetupError> {
    let look = || {
        let own = read_certificates(&tunnel.certificate)?;
        match (&tunnel.token, own.first()) {
            (Some(token), Some(own)) => token::look(token, own).map_err(|error| of_line(way, error)),
            _ => read_key_file(&tunnel.key).map(drop),
        }
    };
    look().err()
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

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
    use std::{
        fs,
        os::unix::fs::PermissionsExt,
        path::{Path, PathBuf},
        process::Command,
    };

    const INSIDE: &str = "MADOGUCHI_TUNNEL_TOKEN_IN";
    const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

    /// A fresh SoftHSM token's folder. It is told of by the environment, so the test `name` runs itself anew inside.
    fn inside(name: &str) -> Option<PathBuf> {
        if let Some(folder) = std::env::var_os(INSIDE) {
            return Some(folder.into());
        }
        let folder = tempfile::tempdir().unwrap();
        let (tokens, config) = (folder.path().join("tokens"), folder.path().join("softhsm2.conf"));
        fs::create_dir(&tokens).unwrap();
        fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display()))
            .unwrap();
        let run = |program: &Path, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).env("SOFTHSM2_CONF", &config).env(INSIDE, folder.path());
            let output = command.output().unwrap();
            assert!(output.status.success(), "{program:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let init = ["--init-token", "--free", "--label", "tunnels", "--pin", "2468", "--so-pin", "2468"];
        run(Path::new("softhsm2-util"), &init);
        let out = run(&std::env::current_exe().unwrap(), &["--exact", name, "--nocapture"]);
        assert!(out.contains("1 passed"), "{name}: {out}");
        None
    }

    fn put_pin(file: &Path, pin: &str) {
        fs::write(file, pin).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_key_in_a_token_is_named_to_strongswan_with_a_pin_that_the_token_has_taken() {
        let name = "a_key_in_a_token_is_named_to_strongswan_with_a_pin_that_the_token_has_taken";
        let Some(folder) = inside(&format!("vpn::connection::tests::{name}")) else { return };
        let authority = TlsAuthority::new("tunnels").unwrap();
        authority.write(&folder, "ca").unwrap();
        let pin_file = folder.join("pin");
        put_pin(&pin_file, "2468\n");
        let token =
            TokenSettings { module: MODULE.into(), label: "tunnels".into(), pin_file: pin_file.clone() };
        let key = TokenKey::make(&token, "madoguchi tunnel-primary").unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["box.example".to_owned()]).unwrap();
        let request = parameters.serialize_request(&key).unwrap().pem().unwrap();
        let tunnel = |certificate: &str| {
            let text = format!(
                "local = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nidentity = \"box.example\"\nremote_identity = \"b\"\n\
                 networks = [\"198.18.0.0/24\"]\ncertificate = \"{0}/{certificate}.pem\"\nkey = \"{0}/none\"\nca = \
                 [\"{0}/ca.pem\"]\ntoken = {{ module = \"{MODULE}\", label = \"tunnels\", pin_file = \"{0}/pin\" }}",
                folder.display()
            );
            toml::from_str::<TunnelSettings>(&text).unwrap()
        };
        let issued = authority.answer(&request, Validity::days(9)).unwrap();
        fs::write(folder.join("own.pem"), issued).unwrap();
        authority.server(&["box.example"], Validity::days(9)).unwrap().write(&folder, "another").unwrap();

        let own = tunnel("own");
        let handed = commands(Way::Second, &own).unwrap();
        let (_, message) = handed.iter().find(|(command, _)| *command == LOAD_TOKEN).expect("load-token");
        assert_eq!(message.text("pin"), Some("2468"));
        assert_eq!(message.text("handle").map(str::len), Some(32), "a CKA_ID of 16 bytes, in hexadecimal");
        assert!(handed.iter().all(|(command, _)| *command != "load-key"), "no key leaves the token");
        assert!(problem(Way::Second, &own).is_none());

        let other = commands(Way::Second, &tunnel("another")).unwrap_err().to_string();
        assert!(
            other.starts_with("uplink.vpn.second.token: ") && other.contains("no key of this"),
            "{other}"
        );

        // A wrong PIN is tried once, by this program, and never handed to strongSwan.
        put_pin(&pin_file, "1357");
        let wrong = commands(Way::Primary, &own).unwrap_err().to_string();
        assert!(wrong.contains("uplink.vpn.primary.token") && wrong.contains("can't be opened"), "{wrong}");
        for _ in 0..20 {
            let again = commands(Way::Primary, &own).unwrap_err().to_string();
            assert!(again.contains("put the right one there"), "{again}");
        }
        let seen = problem(Way::Primary, &own).unwrap().to_string();
        assert!(seen.contains("was given a wrong PIN"), "{seen}");
        assert!(![wrong, seen].concat().contains("1357"), "no PIN in a message");
        put_pin(&pin_file, "2468");
        commands(Way::Primary, &own).unwrap();
        assert!(problem(Way::Primary, &own).is_none());
    }
}
