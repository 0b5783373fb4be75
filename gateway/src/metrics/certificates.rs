//! When the gateway's own certificates end, looked up now and then. Those of the line and of the device links are
//! watched by `uplink`, which says so in its state.

use super::Wanted;
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A renewed certificate is seen after this at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(60);

type Ends = BTreeMap<&'static str, Timestamp>;

/// The first end of each kind of certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates(Arc<Mutex<Ends>>);

impl Certificates {
    /// Follows these certificates for as long as the listener that shows them is there.
    pub(super) fn watch(wanted: &Wanted) -> Self {
        let shown = Self::default();
        let metrics = wanted.metrics.tls.iter().map(|tls| tls.certificate.clone()).collect();
        let page = wanted.page.iter().cloned().collect();
        let files: [(_, Vec<PathBuf>); 2] = [("metrics", metrics), ("page", page)];
        let look = move || {
            let now = Timestamp::now();
            // A file that can't be read is what `madoguchi check` and the part that needs it complain about.
            let first = |files: &[PathBuf]| {
                let reports = files.iter().flat_map(|file| madoguchi_uplink::certificates_in(file, now));
                reports.filter_map(|report| report.ok().map(|report| report.not_after)).min()
            };
            files.iter().filter_map(|(what, files)| Some((*what, first(files)?))).collect::<Ends>()
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
