//! The cards, and what the centre knows of their holders.

use super::Refusal;
use crate::{
    centre::{Eligibility, Serial},
    hospital::Hospital,
};
use actix_web::{
    HttpResponse, get, put,
    web::{Data, Json, Path, ServiceConfig},
};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(see_card).service(set_patient);
}

/// A card or phone and its holder. All of it is invented.
#[derive(Serialize, ToSchema)]
struct Whose {
    /// What kind it is.
    medium: String,
    /// The serial number of its certificate, in hexadecimal.
    serial: String,
    /// The tries left of its PIN.
    tries_left: u8,
    /// The holder's entry at the centre.
    patient: Eligibility,
}

/// A card and its holder; the card is made if need be. Write `#` in its name as `%23`.
#[utoipa::path(get, path = "/cards/{card}", params(("card" = String, Path)),
    responses((status = 200, body = Whose), (status = 404, body = Refusal)))]
#[get("/cards/{card}")]
async fn see_card(hospital: Data<Hospital>, name: Path<String>) -> Result<Json<Whose>, Refusal> {
    let card = hospital.wallet.card(&name)?;
    let patient = hospital.centre().patients().get(&serial(&hospital, &name)?);
    Ok(Json(Whose {
        medium: card.medium().to_string(),
        serial: card.serial_hex(),
        tries_left: card.tries_left(),
        patient: patient.ok_or_else(unknown)?.eligibility,
    }))
}

/// Replaces the holder's entry at the centre.
#[utoipa::path(put, path = "/cards/{card}/patient", params(("card" = String, Path)), request_body = Eligibility,
    responses((status = 204), (status = 404, body = Refusal)))]
#[put("/cards/{card}/patient")]
async fn set_patient(
    hospital: Data<Hospital>,
    name: Path<String>,
    entry: Json<Eligibility>,
) -> Result<HttpResponse, Refusal> {
    let serial = serial(&hospital, &name)?;
    let patients = hospital.centre().patients();
    let mut patient = patients.get(&serial).ok_or_else(unknown)?;
    patient.eligibility = entry.into_inner();
    patients.insert(serial, patient);
    Ok(HttpResponse::NoContent().finish())
}

fn serial(hospital: &Hospital, name: &str) -> Result<Serial, Refusal> {
    let credential = hospital.wallet.card(name)?.credential();
    Serial::of_certificate(credential.certificate_der()).ok_or_else(unknown)
}

fn unknown() -> Refusal {
    Refusal::new(404, "no_such_patient", "the centre does not know this card's holder")
}
