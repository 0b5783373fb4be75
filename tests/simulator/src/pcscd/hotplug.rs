//! pcscd on a mocked USB bus: readers that are really plugged and unplugged, as far as pcscd can tell.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::daemon::{
    PcscdError, check_socket_path, end_child, io_error, pcscd_arguments, pcscd_program, send_signal, tail,
    unshare_options,
};
use super::process::{is_listening, spawn, wait_for_end, wait_until};
use super::reader::ReaderSpec;
use super::{IFD_HANDLER, IFD_HANDLER_NAME};

const TESTBED: &str = include_str!("../../hotplug/testbed.py");
const INFO_PLIST: &str = include_str!("../../ifd/Info.plist");
const NOTICED_WITHIN: Duration = Duration::from_secs(5);
const ENDS_WITHIN: Duration = Duration::from_secs(4);

/// pcscd looks for USB drivers in this folder and nowhere else, so ours is mounted over it, in a mount
/// namespace that ends with the process. `/run` is left alone only where our own files are below it.
const LAUNCH: &str = r#"
case $1 in /run/*) ;; *) mount -t tmpfs tmpfs /run || exit ;; esac
mount --bind "$1" /usr/lib/pcsc/drivers && shift && exec "$@"
"#;

/// A private pcscd whose readers are USB devices of a mocked bus (umockdev): they can be plugged and
/// unplugged. As root, or where ordinary users may make user namespaces. Dropping it ends it and
/// removes what it wrote.
pub struct HotplugPcscd {
    folder: PathBuf,
    readers: Vec<ReaderSpec>,
    child: Child,
    pid: u32,
    plugged: BTreeSet<String>,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl HotplugPcscd {
    /// Starts pcscd with an empty bus, keeping its files in `folder`; `readers` (16 plugged at once at
    /// most) can then be plugged by name.
    ///
    /// Blocks for some 300 ms.
    ///
    /// # Errors
    /// [`PcscdError`] says what is missing or broken.
    pub fn start(folder: &Path, readers: &[ReaderSpec]) -> Result<Self, PcscdError> {
        let program = pcscd_program()?;
        require("/usr/bin/umockdev-wrapper", "umockdev")?;
        require("/usr/bin/python3", "python3-gi")?;
        let contents = folder.join("drivers/ifd-madoguchi.bundle/Contents");
        let library_folder = contents.join("Linux");
        fs::create_dir_all(&library_folder).map_err(io_error(&library_folder))?;
        let folder = folder.canonicalize().map_err(io_error(folder))?;
        let socket = folder.join("pcscd.sock");
        check_socket_path(&socket)?;
        let _ = fs::remove_file(&socket);
        let (empty, log, testbed) =
            (folder.join("reader.conf.d"), folder.join("pcscd.log"), folder.join("testbed.py"));
        fs::create_dir_all(&empty).map_err(io_error(&empty))?;
        let library = library_folder.join(IFD_HANDLER_NAME);
        for (path, content) in [
            (&library, IFD_HANDLER),
            (&contents.join("Info.plist"), INFO_PLIST.as_bytes()),
            (&testbed, TESTBED.as_bytes()),
        ] {
            fs::write(path, content).map_err(io_error(path))?;
        }
        let errors = File::create(&log).map_err(io_error(&log))?;

        let mut command = Command::new("unshare");
        command
            .args(unshare_options())
            .args(["--mount", "sh", "-c", LAUNCH, "sh"])
            .arg(folder.join("drivers"));
        command.args(["/usr/bin/umockdev-wrapper", "/usr/bin/python3"]).arg(&testbed).arg(&socket);
        command.arg(program).args(pcscd_arguments(program)).arg("-c").arg(&empty);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = spawn(command).map_err(io_error(Path::new("unshare")))?;
        let no_pipe = || PcscdError::Bus("no pipe to it".to_owned());
        let orders = child.stdin.take().ok_or_else(no_pipe)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(no_pipe)?);
        let mut pcscd = Self {
            folder,
            readers: readers.to_vec(),
            child,
            pid: 0,
            plugged: BTreeSet::new(),
            orders: Some(orders),
            answers,
        };
        pcscd.pid = pcscd.answered_pid()?;
        Ok(pcscd)
    }

    /// The socket for its clients: the value of `PCSCLITE_CSOCK_NAME`.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("pcscd.sock")
    }

    /// pcscd's process id, also when it has been killed.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Kills pcscd without warning (SIGKILL), as a crash does; the bus stays as it is.
    ///
    /// # Errors
    /// [`PcscdError::Io`] when the signal can't be sent.
    pub fn kill(&self) -> Result<(), PcscdError> {
        send_signal(self.pid, Signal::KILL)
    }

    /// Hangs pcscd (SIGSTOP): every call of its clients blocks until [`HotplugPcscd::cont`].
    ///
    /// # Errors
    /// [`PcscdError::Io`] when the signal can't be sent.
    pub fn stop(&self) -> Result<(), PcscdError> {
        send_signal(self.pid, Signal::STOP)
    }

    /// Lets pcscd go on (SIGCONT).
    ///
    /// # Errors
    /// [`PcscdError::Io`] when the signal can't be sent.
    pub fn cont(&self) -> Result<(), PcscdError> {
        send_signal(self.pid, Signal::CONT)
    }

    /// Ends pcscd if it still runs and starts it anew; it finds the readers that are plugged.
    ///
    /// # Errors
    /// Those of [`HotplugPcscd::start`].
    pub fn restart(&mut self) -> Result<(), PcscdError> {
        self.send("restart")?;
        self.pid = self.answered_pid()?;
        let ports: Vec<_> = self.plugged.iter().map(|name| self.port_of(name)).collect::<Result<_, _>>()?;
        self.wait(|| ports.iter().all(|port| is_listening(*port)))
    }

    /// What pcscd and the bus have logged (errors only), for a test that fails.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("pcscd.log")).unwrap_or_default()
    }

    /// Plugs the reader called `name`, with its name as serial number, into its socket of the hub; it
    /// gets a new device number each time. Returns when its driver waits for cards.
    ///
    /// # Errors
    /// [`PcscdError`] when there is no such reader, it is plugged already, or pcscd does not take it.
    pub fn plug(&mut self, name: &str) -> Result<(), PcscdError> {
        self.plug_with_serial(name, name)
    }

    /// As [`HotplugPcscd::plug`], but the device has no serial number, as cheap readers have none.
    ///
    /// # Errors
    /// Those of [`HotplugPcscd::plug`].
    pub fn plug_without_serial(&mut self, name: &str) -> Result<(), PcscdError> {
        self.plug_with_serial(name, "-")
    }

    fn plug_with_serial(&mut self, name: &str, serial: &str) -> Result<(), PcscdError> {
        let port = self.port_of(name)?;
        if is_listening(port) {
            return Err(PcscdError::PortTaken(port));
        }
        self.order(&format!("plug {name} {port} {serial}"))?;
        self.plugged.insert(name.to_owned());
        self.wait(|| is_listening(port))
    }

    /// Pulls the reader called `name` out; returns when pcscd has let go of it.
    ///
    /// # Errors
    /// [`PcscdError`] when there is no such reader or it is not plugged.
    pub fn unplug(&mut self, name: &str) -> Result<(), PcscdError> {
        let port = self.port_of(name)?;
        self.order(&format!("unplug {name}"))?;
        self.plugged.remove(name);
        self.wait(|| !is_listening(port))
    }

    fn port_of(&self, name: &str) -> Result<u16, PcscdError> {
        let reader = self.readers.iter().find(|reader| reader.name() == name);
        reader.map(ReaderSpec::port).ok_or_else(|| PcscdError::UnknownReader(name.to_owned()))
    }

    fn wait(&self, done: impl FnMut() -> bool) -> Result<(), PcscdError> {
        if wait_until(NOTICED_WITHIN, done) {
            return Ok(());
        }
        Err(PcscdError::Bus(format!("pcscd did not notice; it said: {}", tail(&self.log()))))
    }

    fn order(&mut self, line: &str) -> Result<(), PcscdError> {
        self.send(line)?;
        self.answer().map(|_| ())
    }

    fn send(&mut self, line: &str) -> Result<(), PcscdError> {
        let ended = || PcscdError::Bus("it has ended".to_owned());
        let orders = self.orders.as_mut().ok_or_else(ended)?;
        writeln!(orders, "{line}").map_err(|_| ended())
    }

    fn answered_pid(&mut self) -> Result<u32, PcscdError> {
        let answer = self.answer()?;
        answer.parse().map_err(|_| PcscdError::Bus(answer))
    }

    fn answer(&mut self) -> Result<String, PcscdError> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(io_error(Path::new("testbed.py")))?;
        match line.trim().split_once(' ').unwrap_or((line.trim(), "")) {
            ("ok", rest) => Ok(rest.to_owned()),
            ("error", why) => Err(PcscdError::Bus(why.to_owned())),
            _ => Err(PcscdError::DidNotStart { log: tail(&self.log()) }),
        }
    }
}

impl Drop for HotplugPcscd {
    fn drop(&mut self) {
        self.orders = None; // the end of its input is its sign to end pcscd and itself
        if !wait_for_end(&mut self.child, ENDS_WITHIN) {
            end_child(&mut self.child);
        }
        for file in ["pcscd.sock", "pcscd.log", "testbed.py"] {
            let _ = fs::remove_file(self.folder.join(file));
        }
        for folder in ["drivers", "reader.conf.d"] {
            let _ = fs::remove_dir_all(self.folder.join(folder));
        }
        let _ = fs::remove_dir(&self.folder); // unless something of somebody else is in it
    }
}

fn require(path: &str, package: &'static str) -> Result<(), PcscdError> {
    if Path::new(path).exists() {
        return Ok(());
    }
    Err(PcscdError::NotInstalled { path: path.into(), package })
}
