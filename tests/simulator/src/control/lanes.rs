//! The lanes: screens, touches, cards, phones.

use super::Refusal;
use crate::{
    cards::Fault,
    face_reader::{Shown, View},
    hospital::{Hospital, Lane},
};
use actix_web::{
    HttpResponse, delete, get, post, put,
    web::{Data, Json, Path, Query, ServiceConfig},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// The longest that a request waits for a screen, in milliseconds.
const LONGEST_WAIT_MS: u64 = 300_000;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_lanes)
        .service(see_screen)
        .service(past_screens)
        .service(see_lane)
        .service(touch_screen)
        .service(type_pin)
        .service(insert_card)
        .service(eject_card)
        .service(hold_medium)
        .service(take_medium_away)
        .service(set_face)
        .service(act_on_link)
        .service(act_on_plug);
}

pub(super) fn find(hospital: &Hospital, number: u16) -> Result<&Lane, Refusal> {
    let last = hospital.lanes.len();
    let unknown = || Refusal::new(404, "no_such_lane", format!("lanes are numbered from 1 to {last}"));
    hospital.lanes.get(&number).ok_or_else(unknown)
}

fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// A lane as somebody standing there sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Counter {
    /// Its number.
    lane: u16,
    /// The card or phone over the generic reader.
    held: Option<String>,
    /// The face-auth reader.
    reader: View,
}

pub(super) async fn counter(number: u16, lane: &Lane) -> Counter {
    Counter { lane: number, held: lane.held().await, reader: lane.reader.view() }
}

/// All lanes.
#[utoipa::path(get, path = "/lanes", responses((status = 200, body = [Counter])))]
#[get("/lanes")]
async fn list_lanes(hospital: Data<Hospital>) -> Json<Vec<Counter>> {
    let mut all = Vec::new();
    for (number, lane) in &hospital.lanes {
        all.push(counter(*number, lane).await);
    }
    Json(all)
}

/// One lane.
#[utoipa::path(get, path = "/lanes/{lane}", params(("lane" = u16, Path)), responses((status = 200, body = Counter), (status = 404, body = Refusal)))]
#[get("/lanes/{lane}")]
async fn see_lane(hospital: Data<Hospital>, number: Path<u16>) -> Result<Json<Counter>, Refusal> {
    Ok(Json(counter(*number, find(&hospital, *number)?).await))
}

/// Which screen to wait for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// Kinds, separated by commas: wait until one of them is shown. Without it, the present screen is answered.
    wait_kind: Option<String>,
    /// Only a screen with a higher sequence number counts.
    after: Option<u64>,
    /// How long to wait at most, in milliseconds; 10,000 where absent.
    timeout_ms: Option<u64>,
}

/// The screen, at once or when one of the wanted kind is shown.
#[utoipa::path(get, path = "/lanes/{lane}/screen", params(("lane" = u16, Path), Wait),
    responses((status = 200, body = Shown), (status = 404, body = Refusal), (status = 504, body = Refusal)))]
#[get("/lanes/{lane}/screen")]
async fn see_screen(
    hospital: Data<Hospital>,
    number: Path<u16>,
    wait: Query<Wait>,
) -> Result<Json<Shown>, Refusal> {
    let lane = find(&hospital, *number)?;
    let kinds: Vec<&str> =
        wait.wait_kind.as_deref().map(|kinds| kinds.split(',').collect()).unwrap_or_default();
    let after = wait.after.unwrap_or(0);
    let limit = Duration::from_millis(wait.timeout_ms.unwrap_or(10_000).min(LONGEST_WAIT_MS));
    let wanted = |view: &View| {
        let fits = |screen: &Shown| {
            screen.sequence > after && (kinds.is_empty() || kinds.contains(&screen.kind.as_str()))
        };
        view.screen.as_ref().is_some_and(fits)
    };
    match lane.reader.wait_for(limit, wanted).await.and_then(|view| view.screen) {
        Some(screen) => Ok(Json(screen)),
        None => {
            let kind = lane.reader.view().screen.map_or("nothing".into(), |screen| screen.kind);
            let reason = format!("the reader shows {kind:?} instead of {kinds:?} (after {after})");
            Err(Refusal::new(504, "no_such_screen", reason))
        }
    }
}

/// Since which screen.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Since {
    /// Only screens with a higher sequence number.
    after: Option<u64>,
}

/// The screens that were shown, oldest first; the last 200 are remembered.
#[utoipa::path(get, path = "/lanes/{lane}/screens", params(("lane" = u16, Path), Since),
    responses((status = 200, body = [Shown]), (status = 404, body = Refusal)))]
#[get("/lanes/{lane}/screens")]
async fn past_screens(
    hospital: Data<Hospital>,
    number: Path<u16>,
    since: Query<Since>,
) -> Result<Json<Vec<Shown>>, Refusal> {
    Ok(Json(find(&hospital, *number)?.reader.screens_since(since.after.unwrap_or(0))))
}

/// `{"choice": "use_phone"}`
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Touch {
    /// The id of a choice on the present screen.
    choice: String,
}

/// Touches the screen.
#[utoipa::path(post, path = "/lanes/{lane}/touch", params(("lane" = u16, Path)), request_body = Touch,
    responses((status = 204), (status = 404, body = Refusal), (status = 409, body = Refusal)))]
#[post("/lanes/{lane}/touch")]
async fn touch_screen(
    hospital: Data<Hospital>,
    number: Path<u16>,
    body: Json<Touch>,
) -> Result<HttpResponse, Refusal> {
    find(&hospital, *number)?.reader.touch(&body.choice)?;
    Ok(done())
}

/// `{"digits": "1234"}`
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pin {
    /// 4 digits.
    digits: String,
}

/// Types a PIN: on the box's PIN pad, or for the card in the slot where the reader asks for that.
#[utoipa::path(post, path = "/lanes/{lane}/pin", params(("lane" = u16, Path)), request_body = Pin,
    responses((status = 204), (status = 404, body = Refusal), (status = 409, body = Refusal), (status = 422, body = Refusal)))]
#[post("/lanes/{lane}/pin")]
async fn type_pin(
    hospital: Data<Hospital>,
    number: Path<u16>,
    body: Json<Pin>,
) -> Result<HttpResponse, Refusal> {
    find(&hospital, *number)?.reader.type_pin(&body.digits)?;
    Ok(done())
}

/// `{"card": "android"}`, with mishaps where wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Medium {
    /// A card's name, see `GET /cards`.
    card: String,
    /// Tear it away in the middle of an answer, after so many APDUs.
    tear_after: Option<u32>,
    /// Let it hang after so many APDUs.
    hang_after: Option<u32>,
    /// iPhone: whether its holder has authorised with Face ID or Touch ID.
    holder_authorised: Option<bool>,
    /// Sets the tries left of its PIN.
    tries_left: Option<u8>,
    /// Changes its PIN: 4 digits.
    pin: Option<String>,
    /// Over the generic reader: beside what is held already. The reader notices it when that is taken away.
    #[serde(default)]
    beside: bool,
}

/// Puts a card into the face-auth reader's slot.
#[utoipa::path(put, path = "/lanes/{lane}/slot", params(("lane" = u16, Path)), request_body = Medium,
    responses((status = 204), (status = 404, body = Refusal)))]
#[put("/lanes/{lane}/slot")]
async fn insert_card(
    hospital: Data<Hospital>,
    number: Path<u16>,
    body: Json<Medium>,
) -> Result<HttpResponse, Refusal> {
    let lane = find(&hospital, *number)?;
    prepare(&hospital, &body)?;
    lane.insert(&hospital.wallet, &body.card)?;
    Ok(done())
}

/// Takes the card out of the slot.
#[utoipa::path(delete, path = "/lanes/{lane}/slot", params(("lane" = u16, Path)),
    responses((status = 204), (status = 404, body = Refusal)))]
#[delete("/lanes/{lane}/slot")]
async fn eject_card(hospital: Data<Hospital>, number: Path<u16>) -> Result<HttpResponse, Refusal> {
    find(&hospital, *number)?.reader.set_slot(None);
    Ok(done())
}

/// Holds a card or phone over the lane's generic reader, instead of what was held or beside it.
#[utoipa::path(put, path = "/lanes/{lane}/medium", params(("lane" = u16, Path)), request_body = Medium,
    responses((status = 204), (status = 404, body = Refusal), (status = 409, body = Refusal)))]
#[put("/lanes/{lane}/medium")]
async fn hold_medium(
    hospital: Data<Hospital>,
    number: Path<u16>,
    body: Json<Medium>,
) -> Result<HttpResponse, Refusal> {
    let lane = find(&hospital, *number)?;
    prepare(&hospital, &body)?;
    if body.beside {
        lane.hold_beside(&hospital.wallet, &body.card).await?;
    } else {
        lane.hold(&hospital.wallet, &body.card).await?;
    }
    Ok(done())
}

/// Takes away what is held; what was held beside it stays.
#[utoipa::path(delete, path = "/lanes/{lane}/medium", params(("lane" = u16, Path)),
    responses((status = 204), (status = 404, body = Refusal)))]
#[delete("/lanes/{lane}/medium")]
async fn take_medium_away(hospital: Data<Hospital>, number: Path<u16>) -> Result<HttpResponse, Refusal> {
    find(&hospital, *number)?.take_away().await;
    Ok(done())
}

fn prepare(hospital: &Hospital, medium: &Medium) -> Result<(), Refusal> {
    let card = hospital.wallet.card(&medium.card)?;
    if let Some(after) = medium.tear_after {
        card.set_fault(Some(Fault::TearAfter(after)));
    }
    if let Some(after) = medium.hang_after {
        card.set_fault(Some(Fault::HangAfter(after)));
    }
    if let Some(authorised) = medium.holder_authorised {
        card.set_holder_authorised(authorised);
    }
    if let Some(pin) = &medium.pin {
        if pin.len() != 4 || !pin.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Refusal::new(422, "not_a_pin", "a PIN has 4 digits"));
        }
        card.set_pin(pin);
    }
    if let Some(tries) = medium.tries_left {
        card.set_tries_left(tries.min(3));
    }
    Ok(())
}

/// `{"matches": false}`
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Face {
    /// Whether the camera takes the person for the card's holder.
    matches: bool,
}

/// Decides what the camera sees.
#[utoipa::path(put, path = "/lanes/{lane}/face", params(("lane" = u16, Path)), request_body = Face,
    responses((status = 204), (status = 404, body = Refusal)))]
#[put("/lanes/{lane}/face")]
async fn set_face(
    hospital: Data<Hospital>,
    number: Path<u16>,
    body: Json<Face>,
) -> Result<HttpResponse, Refusal> {
    find(&hospital, *number)?.reader.set_face(body.matches);
    Ok(done())
}

/// What to do with the face-auth reader's link.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkAct {
    /// Pull its network cable.
    Disconnect,
    /// Put it back.
    Connect,
    /// Switch the reader off and on.
    Restart,
    /// Put a reader of Canon's in its place, which takes phones itself.
    Canon,
}

/// Pulls or puts back the face-auth reader's cable, or restarts the reader.
#[utoipa::path(post, path = "/lanes/{lane}/face_reader/{act}", params(("lane" = u16, Path), ("act" = LinkAct, Path)),
    responses((status = 204), (status = 404, body = Refusal)))]
#[post("/lanes/{lane}/face_reader/{act}")]
async fn act_on_link(hospital: Data<Hospital>, path: Path<(u16, LinkAct)>) -> Result<HttpResponse, Refusal> {
    let (number, act) = path.into_inner();
    let reader = &find(&hospital, number)?.reader;
    match act {
        LinkAct::Disconnect => reader.disconnect(),
        LinkAct::Connect => reader.connect(),
        LinkAct::Restart => reader.restart(),
        LinkAct::Canon => reader.become_canon(),
    }
    Ok(done())
}

/// What to do with the generic reader's plug.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlugAct {
    /// Plug it in.
    Plug,
    /// Pull it out.
    Unplug,
}

/// Plugs the generic reader in or pulls it out; needs `--hotplug`.
#[utoipa::path(post, path = "/lanes/{lane}/nfc_reader/{act}", params(("lane" = u16, Path), ("act" = PlugAct, Path)),
    responses((status = 204), (status = 404, body = Refusal), (status = 409, body = Refusal)))]
#[post("/lanes/{lane}/nfc_reader/{act}")]
async fn act_on_plug(hospital: Data<Hospital>, path: Path<(u16, PlugAct)>) -> Result<HttpResponse, Refusal> {
    let (number, act) = path.into_inner();
    let lane = find(&hospital, number)?;
    // Some 10 ms of blocking.
    hospital.pcsc.lock().await.set_plugged(&lane.nfc, matches!(act, PlugAct::Plug))?;
    // What was held went with the reader; taken away before, it would look like a patient's doing.
    lane.take_away().await;
    Ok(done())
}
