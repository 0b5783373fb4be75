//! `uplink`: the line, and the eligibility centre at its end.
//!
//! Hears, from the lanes: `authenticate` (face_reader), `confirm` (offline_queue), `query_eligibility`
//! (receipt_computer); from the page, `walk_line` and `renew_certificate`. Says its state (is the centre reachable,
//! since when) at each change, and records the line's going down and coming back in the audit log. Listens to nobody.
//!
//! Never: keeps anything on disk but how much of each month the line was there; passes on an answer that is not bound
//! to the very request; calls an uncertain outcome certain; lets one lane wait for another.
//!
//! From the outside in: [`actor`] speaks with the bus; [`desk`] decides what is tried, when and how often; [`ways`] holds
//! the hospital's lines and says which of them a request goes by; [`mod@line`] judges from what happened how far one line
//! has got, [`choice`] which is used, [`outage`] what counts as an outage, and [`records`] keeps that; [`vpn`] has
//! strongSwan hold the tunnels, over [`vici`]; [`upkeep`] takes up changed certificates and watches their ends and the
//! [`clock`] (`LINE.md` for people), and keys may stand in a [`token`]; [`centre`] is the seam to the national service,
//! whose interface is closed; [`https`] is its one adapter and [`wire`] its bodies (`CENTRE.md` for people).

pub mod actor;
pub mod centre;
pub mod certificates;
pub mod choice;
pub mod clock;
pub mod desk;
pub mod https;
pub mod line;
pub mod outage;
pub mod records;
mod renewal;
pub mod settings;
pub mod staging;
mod tls;
pub mod token;
mod upkeep;
pub mod vici;
pub mod vpn;
pub mod walk;
pub mod ways;
pub mod wire;

pub use actor::Uplink;
pub use centre::EligibilityCentre;
pub use certificates::{CertificateReport, certificates, certificates_in, only_certificates};
pub use https::HttpsCentre;
pub use settings::{Settings, SetupError};
pub use tls::Papers;
