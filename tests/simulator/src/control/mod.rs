//! The documented HTTP interface through which a script plays patient and staff, and reads every outcome.
//!
//! Plain HTTP on loopback; `GET /openapi.json` describes it. A refusal is `{"error": code, "reason": text}`.

mod cards;
mod centre;
mod lanes;
mod pages;
mod pcsc;
mod refusal;

pub use refusal::Refusal;

use crate::administrator::Words;
use crate::hospital::{Addresses, Hospital, Receipt, Wallet};
use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    web::{self, Data, Json},
};
use serde::Serialize;
use std::{net::TcpListener, sync::Arc, time::Duration};
use utoipa::{OpenApi, ToSchema};

/// The largest request body.
const MAX_BODY: usize = 16 * 1024;
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The interface's description.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Madoguchi simulated hospital",
        description = "Plays patients, staff, devices and mishaps around a Madoguchi Gateway. Invented data only."
    ),
    paths(
        see_hospital,
        list_cards,
        cards::see_card,
        cards::set_patient,
        list_receipts,
        log_in,
        lanes::list_lanes,
        lanes::see_lane,
        lanes::see_screen,
        lanes::past_screens,
        lanes::touch_screen,
        lanes::type_pin,
        lanes::insert_card,
        lanes::eject_card,
        lanes::hold_medium,
        lanes::take_medium_away,
        lanes::set_face,
        lanes::act_on_link,
        lanes::act_on_plug,
        pages::follow,
        pcsc::act_on_service,
        centre::list_effects,
        centre::list_faults,
        centre::inject_fault,
        centre::clear_faults,
    )
)]
struct Description;

/// Serves the interface on `listener` until the handle is stopped.
pub fn start(hospital: Arc<Hospital>, listener: TcpListener) -> std::io::Result<ServerHandle> {
    let hospital: Data<Hospital> = Data::from(hospital);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(hospital.clone())
            .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(refusal::of_json))
            .app_data(web::PathConfig::default().error_handler(refusal::of_path))
            .app_data(web::QueryConfig::default().error_handler(refusal::of_query))
            .service(hospital_routes())
    })
    .workers(2)
    // Long, so that a script's next request does not cross the closing of its idle connection.
    .keep_alive(KEEP_ALIVE)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

fn hospital_routes() -> actix_web::Scope {
    web::scope("")
        .service(describe)
        .service(see_hospital)
        .service(list_cards)
        .service(list_receipts)
        .service(log_in)
        .configure(cards::routes)
        .configure(lanes::routes)
        .configure(pcsc::routes)
        .configure(centre::routes)
        .configure(pages::routes)
}

/// This description.
#[actix_web::get("/openapi.json")]
async fn describe() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}

/// Where everything is.
#[utoipa::path(get, path = "/hospital", responses((status = 200, body = Addresses)))]
#[actix_web::get("/hospital")]
async fn see_hospital(hospital: Data<Hospital>) -> Json<Addresses> {
    Json(hospital.addresses.clone())
}

/// Names of cards.
#[derive(Serialize, ToSchema)]
struct Cards {
    /// Names that always work. A number makes a further card of the kind: `android#2`.
    known: Vec<String>,
    /// Cards used so far.
    used: Vec<String>,
}

/// The cards and phones at hand. Healthy ones have the PIN 1234.
#[utoipa::path(get, path = "/cards", responses((status = 200, body = Cards)))]
#[actix_web::get("/cards")]
async fn list_cards(hospital: Data<Hospital>) -> Json<Cards> {
    Json(Cards { known: Wallet::well_known(), used: hospital.wallet.names() })
}

/// The files in the receipt computer's folders Face and Res, decoded.
#[utoipa::path(get, path = "/receipts", responses((status = 200, body = [Receipt])))]
#[actix_web::get("/receipts")]
async fn list_receipts(hospital: Data<Hospital>) -> Result<Json<Vec<Receipt>>, Refusal> {
    Ok(Json(hospital.receipts().map_err(Refusal::internal)?))
}

/// What the gateway's invented administrator types to log in at this moment.
#[utoipa::path(get, path = "/administrator", responses((status = 200, body = Words), (status = 404, body = Refusal)))]
#[actix_web::get("/administrator")]
async fn log_in(hospital: Data<Hospital>) -> Result<Json<Words>, Refusal> {
    let nobody = || Refusal::new(404, "nobody", "there is an administrator only with --gateway");
    let administrator = hospital.administrator.as_ref().ok_or_else(nobody)?;
    Ok(Json(administrator.words().map_err(Refusal::internal)?))
}
