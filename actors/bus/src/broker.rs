//! The broker: Mosquitto on a Unix socket, its accounts and access list made from the manifest.
//!
//! It keeps nothing on disk: what must last is in `offline_queue`. Mosquitto decides on delivery and on
//! publishing by the access list; it accepts any subscription and then delivers nothing that is not allowed.

use crate::{connection::MAX_PACKET, manifest::Manifest};
use madoguchi_protocol::{Address, LaneId};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::UnixStream,
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

/// How to reach a broker and prove who one is.
#[derive(Clone, Debug)]
pub struct Access {
    /// The broker's Unix socket.
    pub socket: PathBuf,
    /// A directory with one file for each account, its password in it; a process may read its own only.
    pub passwords: PathBuf,
}

/// An actor's account at the broker: `uplink`, `nfc_reader-2`.
pub fn account(address: Address) -> String {
    match address.lane {
        Some(lane) => format!("{}-{lane}", address.kind),
        None => address.kind.to_string(),
    }
}

impl Access {
    pub(crate) fn password(&self, address: Address) -> io::Result<String> {
        let path = self.passwords.join(account(address));
        let text = fs::read_to_string(&path)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
        Ok(text.trim_end().to_string())
    }
}

/// Why the broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A file or directory.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program is missing or fails.
    #[error("{program} does not run ({source}); install the package mosquitto")]
    Program {
        /// Which.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It refused its password file.
    #[error("mosquitto_passwd failed with {0}")]
    Passwords(std::process::ExitStatus),
    /// It started and does not listen.
    #[error("mosquitto does not listen on {0} within 5 s; its messages are in the log")]
    Silent(PathBuf),
}

/// The access list of Mosquitto for a box with these lanes.
pub fn access_list(manifest: &Manifest, lanes: &[LaneId]) -> String {
    let mut text = String::from("# Made from configs/actors.toml. Changes here are lost.\n");
    for address in manifest.addresses(lanes) {
        let _ = writeln!(text, "\nuser {}", account(address));
        for filter in manifest.reads(address) {
            let _ = writeln!(text, "topic read {filter}");
        }
        for filter in manifest.writes(address) {
            let _ = writeln!(text, "topic write {filter}");
        }
    }
    text
}

/// Mosquitto's configuration: it finds its password file and its access list in `directory`.
pub fn configuration(directory: &Path, socket: &Path, user: &str) -> String {
    let (directory, socket) = (directory.display(), socket.display());
    format!(
        "# Made by madoguchi. Changes here are lost.\n\
         listener 0 {socket}\n\
         user {user}\n\
         allow_anonymous false\n\
         password_file {directory}/passwords\n\
         acl_file {directory}/access-list\n\
         persistence false\n\
         max_packet_size {MAX_PACKET}\n\
         max_inflight_messages 1000\n\
         max_queued_messages 4000\n\
         log_dest stderr\n\
         log_timestamp false\n\
         log_type error\n\
         log_type warning\n"
    )
}

/// A broker that is a child of this program, restarted when it dies and ended with it.
#[derive(Debug)]
pub struct ManagedBroker {
    directory: PathBuf,
    access: Access,
    keeper: JoinHandle<()>,
    process: watch::Receiver<Option<u32>>,
}

impl Drop for ManagedBroker {
    fn drop(&mut self) {
        // The keeper owns the child, which is killed when dropped.
        self.keeper.abort();
    }
}

impl ManagedBroker {
    /// Writes configuration, accounts and access list below `directory` (made if need be, mode 0700), starts
    /// Mosquitto and waits until it listens.
    pub async fn start(directory: &Path, lanes: &[LaneId]) -> Result<Self, BrokerError> {
        let access = Access { socket: directory.join("broker.sock"), passwords: directory.join("accounts") };
        prepare(directory, lanes, &configuration(directory, &access.socket, &user_name()))?;
        let configuration = directory.join("mosquitto.conf");
        let (shown, process) = watch::channel(None);
        let child = launch(&configuration, &access.socket, &shown).await?;
        let keeper = tokio::spawn(keep(child, configuration, access.socket.clone(), shown));
        Ok(Self { directory: directory.to_path_buf(), access, keeper, process })
    }

    /// Has accounts and access list follow the lanes. Accounts that stay keep their passwords, and the connections of
    /// their actors are not touched.
    pub fn set_lanes(&self, lanes: &[LaneId]) -> Result<(), BrokerError> {
        let accounts = &self.access.passwords;
        let mut gone = Vec::new();
        let wanted: BTreeSet<_> = Manifest::get().addresses(lanes).into_iter().map(account).collect();
        let at = |source| BrokerError::File { path: accounts.clone(), source };
        for entry in fs::read_dir(accounts).map_err(at)? {
            let entry = entry.map_err(at)?;
            if !entry.file_name().to_str().is_some_and(|name| wanted.contains(name)) {
                gone.push(entry.path());
            }
        }
        write_accounts(&self.directory, lanes, Passwords::Keep)?;
        for path in gone {
            fs::remove_file(&path).map_err(|source| BrokerError::File { path: path.clone(), source })?;
        }
        // While it is away between a death and a restart, the restart reads the new files.
        if let Some(process) = self.process().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // Mosquitto reads its password file and access list again.
            kill_process(process, Signal::HUP)
                .map_err(|error| BrokerError::Program { program: "mosquitto", source: error.into() })?;
        }
        Ok(())
    }

    /// How actors reach it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The process id of the running Mosquitto; `None` between its death and its restart.
    pub fn process(&self) -> Option<u32> {
        *self.process.borrow()
    }
}

/// Writes what Mosquitto needs below `directory` (made if need be, mode 0700): its configuration `text`, the access
/// list, new accounts with their hashed passwords, and in `accounts` a file with the password for each of them.
///
/// # Errors
/// A file can't be written, or `mosquitto_passwd` is missing or fails.
pub fn prepare(directory: &Path, lanes: &[LaneId], text: &str) -> Result<(), BrokerError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BrokerError::File { path, source }
    };
    let passwords = directory.join("accounts");
    DirBuilder::new().recursive(true).mode(0o700).create(&passwords).map_err(at(&passwords))?;
    fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(at(directory))?;
    write_accounts(directory, lanes, Passwords::Anew)?;
    let path = directory.join("mosquitto.conf");
    write_secret(&path, text).map_err(at(&path))
}

/// What becomes of the passwords that accounts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passwords {
    /// Every account gets a new one: nobody is connected yet.
    Anew,
    /// Who has one keeps it.
    Keep,
}

/// Writes each account's password, the list of all, hashed, and the access list.
fn write_accounts(directory: &Path, lanes: &[LaneId], passwords: Passwords) -> Result<(), BrokerError> {
    let write = |path: PathBuf, text: &str| {
        write_secret(&path, text).map_err(|source| BrokerError::File { path, source })
    };
    let manifest = Manifest::get();
    let mut list = String::new();
    for address in manifest.addresses(lanes) {
        let account = account(address);
        let path = directory.join("accounts").join(&account);
        let known = fs::read_to_string(&path).ok().filter(|known| !known.is_empty());
        let password = match known {
            Some(known) if passwords == Passwords::Keep => known,
            _ => {
                let new = random_password()?;
                write(path, &new)?;
                new
            }
        };
        let _ = writeln!(list, "{account}:{password}");
    }
    write(directory.join("passwords"), &list)?;
    write(directory.join("access-list"), &access_list(manifest, lanes))?;
    hash_passwords(directory)
}

fn random_password() -> Result<String, BrokerError> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).map_err(|e| BrokerError::File {
        path: "random numbers".into(),
        source: io::Error::other(e.to_string()),
    })?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // An older file keeps its mode when it is opened.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}

/// The account that Mosquitto is to run under: the one of this process. It only matters for root, from
/// which Mosquitto would otherwise change to an account that can't read the directory.
fn user_name() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "root".into())
}

fn hash_passwords(directory: &Path) -> Result<(), BrokerError> {
    let program = "mosquitto_passwd";
    let status = std::process::Command::new(program)
        .arg("-U")
        .arg(directory.join("passwords"))
        .status()
        .map_err(|source| BrokerError::Program { program, source })?;
    if status.success() { Ok(()) } else { Err(BrokerError::Passwords(status)) }
}

/// Starts Mosquitto and waits until it listens.
async fn launch(
    configuration: &Path,
    socket: &Path,
    shown: &watch::Sender<Option<u32>>,
) -> Result<Child, BrokerError> {
    // setpriv makes the kernel end Mosquitto when this program dies, even by SIGKILL. By SIGKILL as well: on
    // SIGTERM it would remove its socket's name, which may be that of its successor by then. It keeps nothing
    // that could be lost. Debian puts mosquitto into /usr/sbin, which not every PATH has.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "/usr/sbin/mosquitto", "-c"])
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| BrokerError::Program { program: "mosquitto", source })?;
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::warn!(broker = line.as_str());
            }
        });
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while UnixStream::connect(socket).await.is_err() {
        if Instant::now() > deadline || child.try_wait().ok().flatten().is_some() {
            return Err(BrokerError::Silent(socket.to_path_buf()));
        }
        sleep(Duration::from_millis(5)).await;
    }
    shown.send_replace(child.id());
    Ok(child)
}

/// Waits for the child's end and starts another, for ever.
async fn keep(mut child: Child, configuration: PathBuf, socket: PathBuf, shown: watch::Sender<Option<u32>>) {
    loop {
        let ended = child.wait().await;
        shown.send_replace(None);
        tracing::error!(?ended, "the broker died; starting it again");
        let mut pause = Duration::from_millis(50);
        child = loop {
            match launch(&configuration, &socket, &shown).await {
                Ok(child) => break child,
                Err(error) => tracing::error!(%error, "the broker does not start"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        };
    }
}
