//! `uplink`: the line, and the eligibility centre at its end.
//!
//! Hears, from the lanes: `authenticate` (face_reader), `confirm` (offline_queue), `query_eligibility`
//! (receipt_computer). Says its state (is the centre reachable, since when) at each change, and records the
//! line's going down and coming back in the audit log. Listens to nobody.
//!
//! Never: keeps anything on disk; passes on an answer that is not bound to the very request; calls an
//! uncertain outcome certain; lets one lane wait for another.
//!
//! From the outside in: [`actor`] speaks with the bus; [`desk`] decides what is tried, when and how often;
//! [`mod@line`] judges from what happened whether the line is up; [`centre`] is the seam to the national service,
//! whose interface is closed; [`https`] is its one adapter and [`wire`] its bodies (`CENTRE.md` for people).

pub mod actor;
pub mod centre;
pub mod certificates;
pub mod desk;
pub mod https;
pub mod line;
pub mod settings;
mod tls;
pub mod wire;

pub use actor::Uplink;
pub use centre::EligibilityCentre;
pub use certificates::{CertificateReport, certificates, certificates_in};
pub use https::HttpsCentre;
pub use settings::{Settings, SetupError};
