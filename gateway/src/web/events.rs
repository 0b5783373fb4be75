//! `/events`: the live parts of the pages, as server-sent events. A fragment is rendered when what it shows has changed,
//! once for all who watch in its language, and not at all while nobody watches; so a page that is only looked at costs
//! next to nothing, however many look.

use super::{
    Site,
    access::{Person, Refusal, Right},
    lanes,
    view::View,
};
use crate::board::States;
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Bytes, Data, Query, ServiceConfig},
};
use futures_util::stream;
use madoguchi_protocol::{LaneId, MessageId, texts::Language};
use maud::{Markup, html};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast},
    time::{sleep, timeout},
};

/// Browsers that may watch at the same time; more are told to come back later.
const MOST_WATCHERS: usize = 64;
/// Changes within this are shown together.
const TOGETHER: Duration = Duration::from_millis(400);
/// Something is said this often at least, so that a connection that is gone is noticed.
const ALIVE: Duration = Duration::from_secs(15);
/// After this a browser has to ask again, which it does by itself: whoever was logged out meanwhile is told nothing more.
const LASTS: Duration = Duration::from_secs(60);
/// Fragments that a slow browser may be behind before it is sent all of them anew.
const BEHIND: usize = 256;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/events", web::get().to(events));
}

/// A part of a page that is replaced when the event of its name comes.
pub(super) fn live(name: &str, content: &Markup) -> Markup {
    html! { div sse-swap=(name) { (content) } }
}

/// The part of the page `at` that is fetched again when the event comes. Its content is replaced and never it itself: an
/// event that comes while the answer to the one before is under way is kept by the part, and would be lost with it.
pub(super) fn looks_again(at: &str, event: &str, content: &Markup) -> Markup {
    html! {
        div id="live" hx-get=(at) hx-trigger={ "sse:" (event) } hx-select="#live > *" hx-swap="innerHTML" {
            (content)
        }
    }
}

/// The event of a lane's tile.
pub(super) fn lane_event(lane: LaneId) -> String {
    format!("lane-{lane}")
}

/// A part of a page, and the event that brings it.
#[derive(Clone, Debug)]
struct Fragment {
    language: Language,
    name: String,
    event: Bytes,
}

impl Fragment {
    fn new(language: Language, name: String, content: &Markup) -> Self {
        // A line feed would end the field.
        let data = content.0.replace('\n', "\ndata: ");
        let event = Bytes::from(format!("event: {name}\ndata: {data}\n\n"));
        Self { language, name, event }
    }
}

/// Renders what has changed for all who watch.
#[derive(Debug)]
pub(super) struct Hub {
    fragments: broadcast::Sender<Arc<Fragment>>,
    places: Arc<Semaphore>,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self { fragments: broadcast::channel(BEHIND).0, places: Arc::new(Semaphore::new(MOST_WATCHERS)) }
    }

    /// Follows the states of `site` for as long as the page is served.
    pub(super) async fn run(site: Data<Site>) {
        let mut states = site.states.clone();
        let mut known = Known::default();
        while states.changed().await.is_ok() {
            sleep(TOGETHER).await;
            states.mark_unchanged();
            if site.hub.fragments.receiver_count() == 0 {
                // Whoever comes is sent everything.
                known = Known::default();
                continue;
            }
            let changed = known.look(&site.states.borrow());
            for language in Language::ALL {
                let fragments = site.view(language, |view| known.fragments(view, &changed));
                for fragment in fragments {
                    // The last one who watched may have gone.
                    let _ = site.hub.fragments.send(Arc::new(fragment));
                }
            }
        }
    }
}

/// What was shown last.
#[derive(Debug, Default)]
struct Known {
    states: BTreeMap<madoguchi_protocol::Address, MessageId>,
    shown: BTreeMap<(&'static str, String), Bytes>,
}

impl Known {
    /// The lanes, and the box as `None`, whose states have changed.
    fn look(&mut self, states: &States) -> Vec<Option<LaneId>> {
        let mut changed = Vec::new();
        for (address, state) in states {
            if self.states.insert(*address, state.id) != Some(state.id) && !changed.contains(&address.lane) {
                changed.push(address.lane);
            }
        }
        changed
    }

    /// What the whole box's parts show otherwise than last, and the tile of each lane in `changed`, also where it looks
    /// as before: the lane's own page shows more than its tile and takes this event as the sign to look again.
    fn fragments(&mut self, view: &View<'_>, changed: &[Option<LaneId>]) -> Vec<Fragment> {
        let mut fragments = of_the_box(view);
        fragments.retain(|fragment| {
            let key = (view.language.tag(), fragment.name.clone());
            self.shown.insert(key, fragment.event.clone()).as_ref() != Some(&fragment.event)
        });
        fragments.extend(tiles(view, |lane| changed.contains(&Some(lane))));
        fragments
    }
}

fn of_the_box(view: &View<'_>) -> Vec<Fragment> {
    [("attention", lanes::attention(view)), ("box", lanes::the_box(view))]
        .map(|(name, content)| Fragment::new(view.language, name.into(), &content))
        .into()
}

fn tiles(view: &View<'_>, wanted: impl Fn(LaneId) -> bool) -> Vec<Fragment> {
    lanes::by_lane(view)
        .into_iter()
        .filter(|(lane, _)| wanted(*lane))
        .map(|(lane, of_lane)| {
            Fragment::new(view.language, lane_event(lane), &lanes::tile(view, lane, &of_lane))
        })
        .collect()
}

/// `?lang=ja&only=lane-3`
#[derive(Deserialize)]
struct Wanted {
    lang: Option<Language>,
    only: Option<String>,
}

async fn events(person: Person, site: Data<Site>, wanted: Query<Wanted>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let Ok(place) = site.hub.places.clone().try_acquire_owned() else {
        return Ok(HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, "10")).finish());
    };
    let Wanted { lang, only } = wanted.into_inner();
    let watcher = Watcher {
        _place: place,
        language: lang.unwrap_or_else(|| site.language()),
        only,
        fragments: site.hub.fragments.subscribe(),
        to_send: VecDeque::new(),
        site,
        is_new: true,
        until: Instant::now() + LASTS,
    };
    let stream = stream::unfold(watcher, async |mut watcher| {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(stream))
}

/// One browser that watches.
struct Watcher {
    _place: OwnedSemaphorePermit,
    site: Data<Site>,
    language: Language,
    /// The only event wanted.
    only: Option<String>,
    fragments: broadcast::Receiver<Arc<Fragment>>,
    to_send: VecDeque<Bytes>,
    is_new: bool,
    /// When it has to ask again.
    until: Instant,
}

impl Watcher {
    /// The next event; nothing when the page is served no more.
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.is_new) {
            // What changed since the page was loaded, or while this browser was behind.
            self.everything();
        }
        loop {
            if Instant::now() >= self.until {
                return None;
            }
            if let Some(event) = self.to_send.pop_front() {
                return Some(event);
            }
            match timeout(ALIVE, self.fragments.recv()).await {
                Err(_) => return Some(Bytes::from_static(b": alive\n\n")),
                Ok(Ok(fragment)) if self.wants(&fragment) => return Some(fragment.event.clone()),
                Ok(Ok(_)) => {}
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.everything(),
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
            }
        }
    }

    fn wants(&self, fragment: &Fragment) -> bool {
        fragment.language == self.language && self.only.as_ref().is_none_or(|only| *only == fragment.name)
    }

    fn everything(&mut self) {
        let fragments =
            self.site.view(self.language, |view| [of_the_box(view), tiles(view, |_| true)].concat());
        self.to_send = fragments.into_iter().filter(|it| self.wants(it)).map(|it| it.event).collect();
    }
}
