//! When the box's certificates end, looked up now and then.

use super::Wanted;
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A renewed certificate is seen after this at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(600);

type Ends = BTreeMap<&'static str, Timestamp>;

/// The first end of each kind of certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates(Arc<Mutex<Ends>>);

impl Certificates {
    /// Follows these certificates for as long as the listener that shows them is there.
    pub(super) fn watch(wanted: &Wanted) -> Self {
        let (shown, uplink) = (Self::default(), wanted.uplink.clone());
        let links: Vec<PathBuf> = wanted.links.iter().cloned().collect();
        let own: Vec<_> = wanted.metrics.tls.iter().map(|tls| tls.certificate.clone()).collect();
        let look = move || {
            let now = Timestamp::now();
            let line = madoguchi_uplink::certificates(&uplink, now);
            let of = |files: &[PathBuf]| -> Vec<_> {
                files.iter().flat_map(|file| madoguchi_uplink::certificates_in(file, now)).collect()
            };
            let all = [("line", line), ("device_link", of(&links)), ("metrics", of(&own))];
            // A file that can't be read is what `madoguchi check` and the actor that needs it complain about.
            let first = |reports: Vec<Result<madoguchi_uplink::CertificateReport, _>>| {
                reports.into_iter().filter_map(|report| report.ok().map(|report| report.not_after)).min()
            };
            all.into_iter().filter_map(|(what, reports)| Some((what, first(reports)?))).collect::<Ends>()
        };
        let set = Arc::downgrade(&shown.0);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK_EVERY);
            loop {
                ticks.tick().await;
                let ends = tokio::task::spawn_blocking(look.clone()).await.unwrap_or_default();
                let Some(shown) = set.upgrade() else { return };
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = ends;
            }
        });
        shown
    }

    pub(super) fn ends(&self) -> Ends {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
