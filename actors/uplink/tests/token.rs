//! Private keys in PKCS#11 tokens: SoftHSM, and a TPM (swtpm) through tpm2-pkcs11. Made there, asked for a certificate with,
//! and used for a real connection.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod support;

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    session::UserType,
    types::AuthPin,
};
use jiff::Timestamp;
use madoguchi_simulator::pki::tls::Validity;
use madoguchi_uplink::{
    HttpsCentre, SetupError,
    centre::EligibilityCentre,
    staging::{Staging, StagingError},
    token::TokenSettings,
};
use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};
use support::{Hospital, TERMINAL};

const INSIDE: &str = "MADOGUCHI_TOKEN_IN";
const LABEL: &str = "madoguchi test";
const PIN: &str = "123456";

/// Libraries of tokens take what they need to know from the environment, so the test `name` runs itself anew with it. Says
/// the folder of the one that is inside.
fn inside(name: &str, environment: impl FnOnce(&Path) -> Vec<(&'static str, String)>) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return Some(folder.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, folder.path())
        .envs(environment(folder.path()));
    let output = command.output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}");
    assert!(output.status.success() && out.contains("1 passed"), "{name}: {}\n{error}", output.status);
    None
}

/// A fresh token.
fn token(module: &str, folder: &Path) -> TokenSettings {
    let library = Pkcs11::new(module).unwrap_or_else(|error| panic!("{module}: {error}; run .ci/install"));
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = library.get_slots_with_token().unwrap()[0];
    let pin = AuthPin::new(PIN.into());
    library.init_token(slot, &pin, LABEL).unwrap();
    // SoftHSM puts it into another slot.
    let ours = |slot: &_| library.get_token_info(*slot).unwrap().label().trim_end() == LABEL;
    let slot = library.get_slots_with_token().unwrap().into_iter().find(ours).unwrap();
    let session = library.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&pin)).unwrap();
    session.init_pin(&pin).unwrap();
    session.logout().unwrap();
    let pin_file = folder.join("token.pin");
    fs::write(&pin_file, format!("{PIN}\n")).unwrap();
    fs::set_permissions(&pin_file, fs::Permissions::from_mode(0o600)).unwrap();
    TokenSettings { module: module.into(), label: LABEL.into(), pin_file }
}

/// Ends what is open in the token: until then nobody in this program is asked for a PIN again.
fn log_out(token: &TokenSettings) {
    let library = Pkcs11::new(&token.module).unwrap();
    let ours = |slot: &_| library.get_token_info(*slot).unwrap().label().trim_end() == token.label;
    let slot = library.get_slots_with_token().unwrap().into_iter().find(ours).unwrap();
    library.open_rw_session(slot).unwrap().logout().unwrap();
    // Dropped, it would shut the library down for everybody.
    std::mem::forget(library);
}

/// From the key to the connection.
async fn key_is_made_certified_and_used(token: TokenSettings) {
    let mut hospital = Hospital::open();
    let folder = hospital.papers.folder.path().to_owned();
    // There is no key outside of the token.
    fs::remove_file(&hospital.settings.key).unwrap();
    hospital.settings.token = Some(token.clone());
    let staging = Staging::new(&hospital.settings, TERMINAL, &folder);
    let request = staging.request().unwrap();
    let point = fs::read(folder.join("staged/terminal.point")).unwrap();
    staging.request().unwrap();
    assert_eq!(fs::read(folder.join("staged/terminal.point")).unwrap(), point, "asked twice, the key stays");

    let answer = folder.join("answer.pem");
    fs::write(&answer, hospital.papers.terminals.answer(&request, Validity::days(400)).unwrap()).unwrap();
    staging.stage(&answer, Timestamp::now()).unwrap();
    staging.swap(Timestamp::now()).await.unwrap();
    assert!(!hospital.settings.key.exists(), "no key left the token");
    let asked = Instant::now();
    HttpsCentre::new(&hospital.settings).unwrap().alive(Duration::from_secs(10)).await.unwrap();
    println!("a connection with the token's key: {:?}", asked.elapsed());

    // A certificate of a key that the token never made.
    hospital.papers.terminals.client(TERMINAL, Validity::days(9)).unwrap().write(&folder, "other").unwrap();
    let staging = Staging::new(&hospital.settings, TERMINAL, &folder);
    let refused = staging.stage(&folder.join("other.pem"), Timestamp::now());
    assert!(
        matches!(refused, Err(StagingError::Setup(SetupError::Setting { key: "token", .. }))),
        "{refused:?}"
    );
    let refused = |token: TokenSettings| {
        let settings = madoguchi_uplink::Settings { token: Some(token), ..hospital.settings.clone() };
        HttpsCentre::new(&settings).err().expect("refused").to_string()
    };
    let away = refused(TokenSettings { label: format!("{LABEL}, another"), ..token.clone() });
    assert!(away.contains("is not there"), "{away}");
    // Settings of its own, as in a program that was just started: a session that is open asks for no PIN.
    let pin_file = folder.join("another.pin");
    let another = TokenSettings { pin_file: pin_file.clone(), ..token };
    let put = |pin: &str, mode| {
        fs::write(&pin_file, pin).unwrap();
        fs::set_permissions(&pin_file, fs::Permissions::from_mode(mode)).unwrap();
    };
    put(PIN, 0o644);
    let open = refused(another.clone());
    assert!(open.contains("every account of the box"), "{open}");
    log_out(&another);
    put("654321", 0o600);
    let wrong = refused(another.clone());
    assert!(wrong.contains("can't be opened"), "{wrong}");
    // A few wrong tries lock a token for good.
    let again = refused(another.clone());
    assert!(again.contains("put the right one there"), "{again}");
    put(PIN, 0o600);
    let settings = madoguchi_uplink::Settings { token: Some(another), ..hospital.settings.clone() };
    HttpsCentre::new(&settings).unwrap().alive(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn key_in_softhsm_is_made_certified_and_used() {
    let name = "key_in_softhsm_is_made_certified_and_used";
    let environment = |folder: &Path| {
        let tokens = folder.join("tokens");
        fs::create_dir(&tokens).unwrap();
        let config = folder.join("softhsm2.conf");
        fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display()))
            .unwrap();
        vec![("SOFTHSM2_CONF", config.display().to_string())]
    };
    let Some(folder) = inside(name, environment) else { return };
    key_is_made_certified_and_used(token("/usr/lib/softhsm/libsofthsm2.so", &folder)).await;
}

/// A TPM in software, ended with the test.
struct Tpm(Child);

impl Tpm {
    fn start(folder: &Path) -> (Self, u16) {
        // Two ports in a row that nobody has.
        let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        let first = u16::try_from(std::process::id() % 4_000).unwrap() * 2 + 20_000;
        let port = (0..500).map(|n| first + 2 * n).find(|port| free(*port) && free(port + 1)).unwrap();
        let mut command = Command::new("swtpm");
        command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"]);
        command.arg("--tpmstate").arg(format!("dir={}", folder.display()));
        command.arg("--server").arg(format!("type=tcp,port={port}"));
        command.arg("--ctrl").arg(format!("type=tcp,port={}", port + 1));
        let tpm = Self(command.spawn().expect("swtpm; run .ci/install"));
        let asked = Instant::now();
        while TcpStream::connect(("127.0.0.1", port + 1)).is_err() {
            assert!(asked.elapsed() < Duration::from_secs(20), "swtpm does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        (tpm, port)
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn key_in_a_tpm_is_made_certified_and_used() {
    let name = "key_in_a_tpm_is_made_certified_and_used";
    let mut tpm = None;
    let environment = |folder: &Path| {
        let (running, port) = Tpm::start(folder);
        tpm = Some(running);
        vec![
            ("TPM2_PKCS11_STORE", folder.display().to_string()),
            ("TPM2_PKCS11_TCTI", format!("swtpm:host=127.0.0.1,port={port}")),
        ]
    };
    let Some(folder) = inside(name, environment) else { return };
    key_is_made_certified_and_used(token("libtpm2_pkcs11.so.1", &folder)).await;
}
