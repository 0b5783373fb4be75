//! The real pcscd, private: own socket, own readers, ended with its owner.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::process::{is_listening, spawn, wait_for_end, wait_until};
use super::reader::ReaderSpec;
use super::{IFD_HANDLER, MAX_READERS};

const STARTS_WITHIN: Duration = Duration::from_secs(5);
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// Room in `sockaddr_un`, without the closing zero.
const MAX_SOCKET_PATH: usize = 107;
/// How much of pcscd's log goes into an error.
const LOG_TAIL: usize = 2000;

/// pcscd takes its socket by systemd's protocol: descriptor 3, LISTEN_FDS, and LISTEN_PID naming the
/// process itself. The shell gets the socket as its standard input and becomes pcscd.
///
/// Where it may, it does so in a mount namespace of its own, with an empty `/run` and no USB drivers:
/// pcscd then neither takes the machine's real readers nor touches the pid file of the machine's own
/// pcscd, and its traces vanish with it. `$1` is an empty folder, or nothing for no namespace; `$2` the
/// options with which `unshare` may make one.
const LAUNCH: &str = r#"
exec 3<&0 0</dev/null
export LISTEN_FDS=1 LISTEN_PID=$$
drivers=$1 options=$2
shift 2
if [ -n "$drivers" ] && unshare $options --mount true 2>/dev/null; then
    exec unshare $options --mount sh -c '
        mount -t tmpfs tmpfs /run && mount --bind "$1" /usr/lib/pcsc/drivers || exit
        shift
        exec setpriv --pdeathsig KILL "$@"' sh "$drivers" "$@"
fi
exec setpriv --pdeathsig KILL "$@"
"#;

/// The driver behind the readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driver {
    /// Ours: event-driven, loopback only, a torn card is an error.
    #[default]
    Madoguchi,
    /// Debian's vsmartcard-vpcd: polls each 400 ms; takes a reader's port and the next one, since its
    /// readers have two slots.
    StockVpcd,
}

/// Where Debian's vsmartcard-vpcd keeps its library.
const STOCK_VPCD: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// Why there is no pcscd.
#[derive(Debug, thiserror::Error)]
pub enum PcscdError {
    /// A program or library is missing.
    #[error("{path} is missing: install the package {package}")]
    NotInstalled {
        /// What was looked for.
        path: PathBuf,
        /// Debian's package that has it.
        package: &'static str,
    },
    /// Somebody else has a reader's port.
    #[error("port {0} of this machine is taken: end the other simulator, or give the reader another port")]
    PortTaken(u16),
    /// More readers than one pcscd has room for.
    #[error("{0} readers are too many for one pcscd, which has {MAX_READERS}: start several")]
    TooManyReaders(usize),
    /// A path that a Unix socket can't have.
    #[error("{0} is too long for a socket: choose a folder with a shorter path")]
    SocketPathTooLong(PathBuf),
    /// pcscd ended, or its readers did not come up in time.
    #[error("pcscd did not come up with its readers; it said: {log}")]
    DidNotStart {
        /// The end of pcscd's log.
        log: String,
    },
    /// The mocked USB bus refused a command.
    #[error("the mocked USB bus did not do it: {0}")]
    Bus(String),
    /// No reader of this name.
    #[error("no reader is called {0:?}")]
    UnknownReader(String),
    /// A file or process could not be handled.
    #[error("{path}: {source}")]
    Io {
        /// The file or program in question.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> PcscdError + '_ {
    move |source| PcscdError::Io { path: path.to_owned(), source }
}

/// A private pcscd. Dropping it ends it and removes what it wrote.
pub struct Pcscd {
    folder: PathBuf,
    readers: Vec<ReaderSpec>,
    child: Option<Child>,
}

impl Pcscd {
    /// Starts pcscd with `readers` (16 at most), keeping its files in `folder`, which is made if need
    /// be. When this returns, the readers wait for cards.
    ///
    /// Blocks for some 10 ms, 5 s at most.
    ///
    /// # Errors
    /// [`PcscdError`] says what is missing, taken or broken.
    pub fn start(folder: &Path, readers: &[ReaderSpec]) -> Result<Self, PcscdError> {
        Self::start_with(folder, readers, Driver::Madoguchi)
    }

    /// As [`Pcscd::start`], with the driver of your choice.
    ///
    /// # Errors
    /// Those of [`Pcscd::start`].
    pub fn start_with(folder: &Path, readers: &[ReaderSpec], driver: Driver) -> Result<Self, PcscdError> {
        if readers.len() > MAX_READERS {
            return Err(PcscdError::TooManyReaders(readers.len()));
        }
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        // pcscd changes to "/" before it reads its configuration.
        let folder = folder.canonicalize().map_err(io_error(folder))?;
        let mut pcscd = Self { folder, readers: readers.to_vec(), child: None };
        check_socket_path(&pcscd.socket())?;
        pcscd.write_configuration(driver)?;
        pcscd.launch()?;
        Ok(pcscd)
    }

    /// The socket for its clients: the value of `PCSCLITE_CSOCK_NAME`.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("pcscd.sock")
    }

    /// Its readers, in the order given.
    pub fn readers(&self) -> &[ReaderSpec] {
        &self.readers
    }

    /// Its process id; `None` once killed.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What it has logged (errors only), for a test that fails.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("pcscd.log")).unwrap_or_default()
    }

    /// Kills it without warning (SIGKILL), as a crash does. Its socket stays, with nobody behind.
    ///
    /// # Errors
    /// [`PcscdError::Io`] when the signal can't be sent.
    pub fn kill(&mut self) -> Result<(), PcscdError> {
        if let Some(mut child) = self.child.take() {
            let killed = child.kill().and_then(|()| child.wait());
            killed.map_err(io_error(Path::new("pcscd")))?;
        }
        Ok(())
    }

    /// Hangs it (SIGSTOP): every call of its clients blocks until [`Pcscd::cont`].
    ///
    /// # Errors
    /// [`PcscdError::Io`] when the signal can't be sent.
    pub fn stop(&self) -> Result<(), PcscdError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// [`PcscdError::Io`] when the signal can't be sent.
    pub fn cont(&self) -> Result<(), PcscdError> {
        self.signal(Signal::CONT)
    }

    /// Ends it if it still runs and starts it anew with the same readers on the same socket.
    ///
    /// # Errors
    /// Those of [`Pcscd::start`].
    pub fn restart(&mut self) -> Result<(), PcscdError> {
        self.end();
        self.launch()
    }

    fn signal(&self, signal: Signal) -> Result<(), PcscdError> {
        let pid = self.pid().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        send_signal(pid.map_err(io_error(Path::new("pcscd")))?, signal)
    }

    fn write_configuration(&self, driver: Driver) -> Result<(), PcscdError> {
        let configuration = self.folder.join("reader.conf.d");
        for folder in [&configuration, &self.folder.join("no-drivers")] {
            fs::create_dir_all(folder).map_err(io_error(folder))?;
        }
        let mut text = String::new();
        for reader in &self.readers {
            let port = reader.port();
            // A library for each reader. Stock vpcd keeps its state in it; ours would do with one, but
            // then pcscd numbers the readers, and a reader's name would depend on its place in the list.
            let library = self.library(reader);
            let device = match driver {
                Driver::Madoguchi => {
                    fs::write(&library, IFD_HANDLER).map_err(io_error(&library))?;
                    format!("127.0.0.1:{port}")
                }
                Driver::StockVpcd => {
                    let (path, package) = (PathBuf::from(STOCK_VPCD), "vsmartcard-vpcd");
                    fs::copy(&path, &library).map_err(|_| PcscdError::NotInstalled { path, package })?;
                    format!("/dev/null:0x{port:04X}")
                }
            };
            text.push_str(&format!(
                "FRIENDLYNAME \"{}\"\nDEVICENAME {device}\nLIBPATH {}\nCHANNELID 0x{port:04X}\n\n",
                reader.friendly_name(),
                library.display(),
            ));
        }
        let file = configuration.join("readers");
        fs::write(&file, text).map_err(io_error(&file))
    }

    fn library(&self, reader: &ReaderSpec) -> PathBuf {
        self.folder.join(format!("libifd-{}.so", reader.name()))
    }

    fn launch(&mut self) -> Result<(), PcscdError> {
        if let Some(reader) = self.readers.iter().find(|reader| is_listening(reader.port())) {
            return Err(PcscdError::PortTaken(reader.port()));
        }
        let program = pcscd_program()?;
        let socket = self.socket();
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).map_err(io_error(&socket))?;
        let log_path = self.folder.join("pcscd.log");
        let log = File::create(&log_path).map_err(io_error(&log_path))?;
        let errors = log.try_clone().map_err(io_error(&log_path))?;
        let mut command = Command::new("sh");
        command.args(["-c", LAUNCH, "sh"]);
        // In a folder below /run it would not see its own files.
        let drivers = self.folder.join("no-drivers");
        command.arg(if self.folder.starts_with("/run") { Path::new("") } else { &drivers });
        command.arg(unshare_options().join(" "));
        command.arg(program).args(pcscd_arguments(program));
        command.arg("-c").arg(self.folder.join("reader.conf.d"));
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(log).stderr(errors);
        let child = self.child.insert(spawn(command).map_err(io_error(Path::new("sh")))?);
        let mut exited = false;
        let up = wait_until(STARTS_WITHIN, || {
            exited = !matches!(child.try_wait(), Ok(None));
            exited || self.readers.iter().all(|reader| is_listening(reader.port()))
        });
        if up && !exited {
            return Ok(());
        }
        self.end();
        Err(PcscdError::DidNotStart { log: tail(&self.log()) })
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            end_child(&mut child);
        }
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_file(self.folder.join("pcscd.log"));
        for reader in &self.readers {
            let _ = fs::remove_file(self.library(reader));
        }
        let _ = fs::remove_dir(self.folder.join("no-drivers"));
        let _ = fs::remove_dir_all(self.folder.join("reader.conf.d"));
        let _ = fs::remove_dir(&self.folder); // unless something of somebody else is in it
    }
}

/// Starts as many pcscd as `readers` need, 16 readers each, in sub-folders of `folder`.
///
/// # Errors
/// Those of [`Pcscd::start`].
pub fn start_for_lanes(folder: &Path, readers: &[ReaderSpec]) -> Result<Vec<Pcscd>, PcscdError> {
    let start = |(number, readers)| Pcscd::start(&folder.join(format!("pcscd-{number}")), readers);
    readers.chunks(MAX_READERS).enumerate().map(start).collect()
}

/// Sends `signal` to the process `pid`, which must be a child that nobody has waited for yet.
pub(super) fn send_signal(pid: u32, signal: Signal) -> Result<(), PcscdError> {
    let no_process = || io::Error::from(io::ErrorKind::NotFound);
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(no_process);
    let sent = pid.and_then(|pid| kill_process(pid, signal).map_err(io::Error::from));
    sent.map_err(io_error(Path::new("pcscd")))
}

/// Asks a child to end, even one that was stopped, and makes it end.
pub(super) fn end_child(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        let _ = send_signal(child.id(), Signal::TERM);
        let _ = send_signal(child.id(), Signal::CONT);
    }
    if !wait_for_end(child, ENDS_WITHIN) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The options with which `unshare` can make a mount namespace: an ordinary user needs a user
/// namespace around it.
pub(super) fn unshare_options() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] }
}

pub(super) fn check_socket_path(path: &Path) -> Result<(), PcscdError> {
    if path.as_os_str().len() > MAX_SOCKET_PATH {
        return Err(PcscdError::SocketPathTooLong(path.to_owned()));
    }
    Ok(())
}

pub(super) fn tail(log: &str) -> String {
    let start = log.len().saturating_sub(LOG_TAIL);
    let start = (start..=log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(log.len());
    if log.trim().is_empty() { "(nothing)".to_owned() } else { log[start..].trim().to_owned() }
}

/// An ordinary user's PATH does not have it.
pub(super) fn pcscd_program() -> Result<&'static Path, PcscdError> {
    let program = Path::new("/usr/sbin/pcscd");
    if program.exists() {
        Ok(program)
    } else {
        Err(PcscdError::NotInstalled { path: program.to_owned(), package: "pcscd" })
    }
}

/// In the foreground, saying errors only; from pcsc-lite 2 on without asking polkit, which is for
/// people at a desktop.
pub(super) fn pcscd_arguments(program: &Path) -> Vec<&'static str> {
    static KNOWS_POLKIT: OnceLock<bool> = OnceLock::new();
    let knows_polkit = *KNOWS_POLKIT.get_or_init(|| {
        Command::new(program)
            .arg("--help")
            .output()
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--disable-polkit"))
    });
    if knows_polkit { vec!["-f", "-e", "--disable-polkit"] } else { vec!["-f", "-e"] }
}
