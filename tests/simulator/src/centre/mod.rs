//! The eligibility centre: an HTTPS server that really verifies what the gateway sends, remembers what took effect,
//! and goes wrong on demand.
//!
//! The national service's interface is closed. The contract here is the project's own (`wire`, published by the centre
//! at `/v1/openapi.json`); what is checked follows DOMAIN section 3 and the rules.

mod api;
mod connection;
mod eligibility;
mod errors;
mod evidence;
mod faults;
mod jpki;
mod ledger;
mod openapi;
mod papers;
mod patients;
mod people;
mod server;
mod state;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpSocket;
use tokio::sync::watch;

pub use eligibility::Eligibility;
pub use evidence::{AHEAD_BY, DEFERRED_FOR, FRESH_FOR};
pub use faults::{Fault, FaultError, Faults, Injection, LONGEST_MS};
pub use jpki::{AuthorityError, CardGrace, TrustedAuthority};
pub use ledger::Effect;
pub use papers::CentrePapers;
pub use patients::{Patient, Patients, Serial};
pub use people::COUNT as NAMED_PATIENTS;
pub use state::{CentreRules, CentreState};
pub use wire::{
    AuthenticateAnswer, AuthenticateRequest, AuthenticateResult, ConfirmationAnswer, ConfirmationRequest,
    ConfirmationResult, Consent, ErrorAnswer, Medium, QueryAnswer, QueryRequest, QueryResult, Statement,
    Validity, VerifiedBy,
};

/// Where and as whom the centre serves.
#[derive(Clone)]
pub struct CentreConfig {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// What it shows, and whom it lets in.
    pub papers: CentrePapers,
    /// What the centre knows; hand in the same again to go on after a stop.
    pub state: Arc<CentreState>,
}

/// Why the centre did not start.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// Certificate or key don't fit.
    #[error("the centre's certificate or key is of no use: {0}")]
    Tls(#[from] rustls::Error),
    /// No usable CA for client certificates was given.
    #[error("the terminals' CA is of no use: {0}")]
    TerminalAuthority(#[from] rustls::server::VerifierBuilderError),
    /// A file of its papers can't be used.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The address is taken, or not this machine's.
    #[error("the centre can't listen on {address}: {source}; choose another address or port 0")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The thread could not be started.
    #[error("the centre's thread could not be started: {0}")]
    Thread(io::Error),
}

/// A running centre. It stops when dropped.
pub struct Centre {
    address: SocketAddr,
    state: Arc<CentreState>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    _port: TcpSocket,
}

impl Centre {
    /// Starts the centre on a thread of its own and returns once it listens (or once it knows that its line is down).
    pub fn start(config: CentreConfig) -> Result<Self, CentreError> {
        let CentreConfig { address, papers, state } = config;
        // Tried once in any case: a mistake is to be told at the start.
        papers.tls()?;
        let listen_error = |source| CentreError::Listen { address, source };
        let (port, bound) = server::reserve(address).map_err(listen_error)?;
        let (stop, stopped) = watch::channel(false);
        let (ready, listening) = std::sync::mpsc::channel();
        let served = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("centre".into())
            .spawn(move || {
                actix_web::rt::System::new().block_on(server::serve(bound, served, papers, stopped, ready));
            })
            .map_err(CentreError::Thread)?;
        let outcome = listening.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended")));
        outcome.map_err(listen_error)?;
        Ok(Self { address: bound, state, stop, thread: Some(thread), _port: port })
    }

    /// Where the centre listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the centre knows and remembers.
    pub fn state(&self) -> &Arc<CentreState> {
        &self.state
    }

    /// Cuts every connection, frees the port and returns the memory, with which the centre can be started again.
    pub fn stop(mut self) -> Arc<CentreState> {
        self.end();
        Arc::clone(&self.state)
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the centre's thread panicked");
        }
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.end();
    }
}
