//! The command line.

use crate::{
    people::{Right, Role},
    report::Month,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use madoguchi::{render::What, update::version::Version};
use madoguchi_protocol::{Address, RequestId, messages::offline_queue::DiscardReason};
use std::{net::SocketAddr, path::PathBuf};

/// Madoguchi Gateway: smartphones and My Number cards as insurance cards, for many reception counters.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the counters until SIGTERM or Ctrl-C.
    Run(Run),
    /// Look at configuration, broker, readers, line, certificates, disk and clock, and say what to do.
    Check(Check),
    /// A new certificate for the line: its request, and the certificate staged, proven and put in place.
    Certificate(Certificate),
    /// Look into the queue: what waits, what was set aside, another try, a copy, its keys; with the gateway stopped, whether
    /// it is sound.
    Queue(Queue),
    /// The list of compatible readers: show it, or put another one in its place.
    Compatibility(Compatibility),
    /// The configuration: check it as a whole, list its history, export it sealed, restore an export.
    Config(Configuration),
    /// Print a month's visits as CSV: ways, what counts towards usage and what not and why, by lane and hour. Own
    /// counts, an estimate of the official rate.
    Report(Report),
    /// Show what to hand to whoever helps: versions, settings, states, faults, figures, checks, the last lines of the
    /// log; no personal data and no secrets.
    Support(Support),
    /// Write what the appliance's operating system is told: units, accounts, device rules, packet filter.
    Render(Render),
    /// The appliance's new versions, each from one signed file.
    Update(Update),
    /// Whether all that an update could have broken works; what became of an update is written down then.
    Healthy {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
        config: PathBuf,
    },
    /// The menu on the appliance's own screen, in place of a login: state, network, code, restart, factory reset.
    Console {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
        config: PathBuf,
    },
    /// Print the readers of the PC/SC service that the environment names; `check` and the page ask so for each lane.
    #[command(hide = true)]
    ListReaders {
        /// How long the service may take, in milliseconds.
        #[arg(long, value_name = "MS", default_value_t = 3000)]
        patience_ms: u64,
    },
    /// Wait for a card or phone on a reader that is no lane's yet, and print what it is; the page asks so.
    #[command(hide = true)]
    TryReader {
        /// Which reader, as JSON: `{"serial":"EX000001"}`.
        #[arg(long, value_name = "JSON")]
        binding: String,
        /// How long to wait for a medium, in milliseconds.
        #[arg(long, value_name = "MS")]
        wait_ms: u64,
    },
    /// Who may use the page: add people, make tokens for programs, and let somebody in again who can't log in any more.
    People(People),
}

/// `madoguchi support`
#[derive(Debug, Args)]
pub struct Support {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// Keep it in this file, too, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `madoguchi update`
#[derive(Debug, Args)]
pub struct Update {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml", global = true)]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub act: UpdateAct,
}

/// What can be done with an update.
#[derive(Debug, Subcommand)]
pub enum UpdateAct {
    /// Look through the whole file: signature, every byte, whether it is for this box and newer. Changes nothing.
    Check {
        /// The update.
        file: PathBuf,
    },
    /// Check it, write it into the slot that is not in use, wait for a quiet moment and boot into it.
    Install {
        /// The update.
        file: PathBuf,
        /// Don't wait until no patient is at a reader.
        #[arg(long)]
        now: bool,
        /// Don't boot; the next boot, whenever it comes, tries the new version.
        #[arg(long)]
        no_reboot: bool,
    },
    /// What runs, and what became of the newest update.
    Status,
    /// For the maker: make and sign the file.
    Pack(Pack),
    /// For the maker: make a key pair for signing; keep the private half where nobody gets at it.
    MakeKey {
        /// The file of the private half; the public one gets ".pub" behind its name.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// `madoguchi update pack`
#[derive(Debug, Args)]
pub struct Pack {
    /// The private key that `make-key` made.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The new version.
    #[arg(long)]
    pub version: Version,
    /// The top of the tree of hashes over the root, 64 hexadecimal digits (`image/root-hash`).
    #[arg(long, value_name = "HASH")]
    pub root_hash: String,
    /// The file system of the root.
    #[arg(long, value_name = "FILE")]
    pub root: PathBuf,
    /// Its tree of hashes.
    #[arg(long, value_name = "FILE")]
    pub verity: PathBuf,
    /// The signed kernel image.
    #[arg(long, value_name = "FILE")]
    pub kernel: PathBuf,
    /// The update to make.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `madoguchi render`
#[derive(Debug, Args)]
pub struct Render {
    /// What to write.
    pub what: What,
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// The directory to write into; it is made if need be.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

/// `madoguchi compatibility`
#[derive(Debug, Args)]
pub struct Compatibility {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml", global = true)]
    pub config: PathBuf,
    /// What to do with the list.
    #[command(subcommand)]
    pub act: CompatibilityAct,
}

/// What can be done with the list of compatible readers.
#[derive(Debug, Subcommand)]
pub enum CompatibilityAct {
    /// Print version, day and pairs of the list in use, and the configuration's own pairs.
    Show,
    /// Judge a list (TOML, or CSV where its name ends so), show what it changes, and put it in place.
    Import {
        /// The list.
        file: PathBuf,
        /// Only show what it would change.
        #[arg(long)]
        dry_run: bool,
        /// Take it although the one in place is of a later day.
        #[arg(long)]
        older: bool,
    },
}

/// `madoguchi people`
#[derive(Debug, Args)]
pub struct People {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml", global = true)]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub act: PeopleAct,
}

/// What can be done with people on the console. The gateway may run or not.
#[derive(Debug, Subcommand)]
pub enum PeopleAct {
    /// List people and tokens with the ids by which the audit log knows them.
    List,
    /// Add somebody. Prints a one-time code, with which they set up password and second factor on the page.
    Add {
        /// What they will type to log in.
        name: String,
        /// What they are.
        #[arg(long)]
        role: Role,
        /// Set password and second factor up here: reads the password from the input, prints the address for the
        /// authenticator (otpauth://…).
        #[arg(long)]
        here: bool,
    },
    /// Take somebody's password and second factor away. Prints a one-time code, with which they set both up anew.
    Recover {
        /// Who.
        name: String,
    },
    /// Make a token for a program, and print it: it can't be shown again.
    Token {
        /// What it is for.
        name: String,
        /// What it may do; can be given several times.
        #[arg(long, required_unless_present = "revoke")]
        scope: Vec<Right>,
        /// Take the token of this name away instead.
        #[arg(long, conflicts_with = "scope")]
        revoke: bool,
    },
}

/// `madoguchi report`
#[derive(Debug, Args)]
pub struct Report {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// The month in which the visits began, in Japan.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Month,
}

/// `madoguchi config`
#[derive(Debug, Args)]
pub struct Configuration {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml", global = true)]
    pub config: PathBuf,
    /// What to do with it.
    #[command(subcommand)]
    pub act: ConfigAct,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAct {
    /// Check the file as a whole, as the page does before anything takes effect.
    Check,
    /// List the versions that were in effect, newest first: number, time, by whom, how.
    History {
        /// Print the text of this version instead.
        #[arg(long, value_name = "NUMBER")]
        show: Option<u32>,
    },
    /// Write configuration, people and certificates into one file that is sealed with a passphrase.
    Export {
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Take the private keys in as well.
        #[arg(long)]
        with_keys: bool,
        /// A file whose first line is the passphrase; asked for without it.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Restore an export on this box or on a new one. The gateway must be stopped.
    Import {
        /// The export.
        parcel: PathBuf,
        /// Have the export's people in place of those that this box has.
        #[arg(long)]
        replace_people: bool,
        /// A file whose first line is the passphrase; asked for without it.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

/// `madoguchi queue`
#[derive(Debug, Args)]
pub struct Queue {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml", global = true)]
    pub config: PathBuf,
    /// What to do with it.
    #[command(subcommand)]
    pub act: QueueAct,
}

/// What can be done with the queue. The gateway may run, where nothing else is said.
#[derive(Debug, Subcommand)]
pub enum QueueAct {
    /// List what waits and what was set aside, oldest first: ids, lanes, times, stages, reasons; no personal data. While
    /// the gateway runs, also for how long there is room and what would be given up first.
    List {
        /// Also what is settled already.
        #[arg(long)]
        all: bool,
        /// Print JSON instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of one record, without its contents.
    Show {
        /// The record's id, as the list shows it.
        id: RequestId,
    },
    /// Look through the whole queue of a stopped gateway and open every seal; a running one does so at its start. Fails
    /// where something is damaged; changes nothing.
    Check,
    /// Put all that can be read of a stopped gateway's damaged queue into a new file; the damaged one is kept beside it.
    Repair,
    /// Bring the queue of a stopped gateway to the format of an older program, before that one is to run again. This version
    /// brings it forward by itself when it starts.
    Migrate {
        /// The format's number; the older program's message names it.
        #[arg(long, value_name = "N")]
        to: i64,
    },
    /// Write records, still sealed with the queue's key, into a new file that its owner alone can read.
    Export {
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// These records; without any, all that were set aside.
        ids: Vec<RequestId>,
    },
    /// Put records that were set aside back into the line; the gateway tries them again at once, or when it starts.
    Retry {
        /// These records.
        #[arg(required_unless_present = "all")]
        ids: Vec<RequestId>,
        /// Every record that was set aside, but for those whose contents are damaged.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Wipe records that were set aside, for good, and count them as given up. The gateway must run, since this stands in
    /// the audit log.
    Discard {
        /// These records.
        #[arg(required = true)]
        ids: Vec<RequestId>,
        /// Why nothing more is to be done for them.
        #[arg(long)]
        reason: Discarded,
        /// Do it; without this they are only listed.
        #[arg(long)]
        yes: bool,
    },
    /// List the keys that seal and open, by their ids, and whether one can go.
    Keys,
    /// Put a new key on top of the key file and seal everything anew with it. The old one stays until it is dropped.
    RotateKey,
    /// Take the keys out of the key file that nothing is sealed with any more.
    DropOldKeys,
}

/// Why a record is discarded.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Discarded {
    /// The patient's eligibility was confirmed in another way.
    ConfirmedOtherwise,
    /// It can't be confirmed any more: damaged, or refused for good.
    Unconfirmable,
    /// There is no patient behind it: a trial or a mistake.
    NoPatient,
}

impl From<Discarded> for DiscardReason {
    fn from(why: Discarded) -> Self {
        match why {
            Discarded::ConfirmedOtherwise => Self::ConfirmedOtherwise,
            Discarded::Unconfirmable => Self::Unconfirmable,
            Discarded::NoPatient => Self::NoPatient,
        }
    }
}

/// `madoguchi run`
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// Run this actor only, and others named so: `uplink`, `nfc_reader@2`. Without it, all run in this process.
    #[arg(long, value_name = "ACTOR[@LANE]")]
    pub only: Vec<Address>,
    /// Where the box keeps what lasts, for as long as no configuration says so.
    #[arg(long, value_name = "DIR")]
    pub state_directory: Option<PathBuf>,
    /// Where the page is served, for as long as no configuration says so; loopback only.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// How many seconds a change made on the page waits to be confirmed before it is taken back; 90 unless said.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=90))]
    pub confirm_within: Option<u64>,
}

/// `madoguchi certificate`
#[derive(Debug, Args)]
pub struct Certificate {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml", global = true)]
    pub config: PathBuf,
    /// The box's certificate for the tunnel over this line, in place of the terminal's.
    #[arg(long, value_name = "LINE", global = true)]
    pub tunnel: Option<Line>,
    /// What to do.
    #[command(subcommand)]
    pub act: CertificateAct,
}

/// One of the hospital's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Line {
    /// The one that is used when both are well.
    Primary,
    /// The one that steps in.
    Second,
}

/// What can be done about a certificate of the line.
#[derive(Debug, Subcommand)]
pub enum CertificateAct {
    /// Make a private key, which stays in the box, and print the request for a certificate (PKCS#10, PEM).
    Csr {
        /// Write the request here instead.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Take in the certificate that came back; nothing is changed by it yet.
    Stage {
        /// The certificate with its chain, PEM.
        file: PathBuf,
    },
    /// Make a real connection to the centre with what is staged. A tunnel's is only looked at: it is tried in place, over
    /// the line that stands by first.
    Prove,
    /// Prove it once more and put it in place; what was there is kept beside it.
    Swap,
}

/// A part that can be checked alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckPart {
    /// The way to the centre: cable, address, tunnel, clock, certificates, TLS, centre; names the first broken step and
    /// whom to phone.
    Line,
}

/// `madoguchi check`
#[derive(Debug, Args)]
pub struct Check {
    /// Only this part, step by step.
    pub part: Option<CheckPart>,
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// Print JSON instead of lines.
    #[arg(long)]
    pub json: bool,
}
