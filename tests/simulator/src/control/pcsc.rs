//! The PC/SC service and its misfortunes.

use super::Refusal;
use crate::hospital::Hospital;
use actix_web::{
    HttpResponse, post,
    web::{Data, Path, ServiceConfig},
};
use serde::Deserialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(act_on_service);
}

/// What happens to the service.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ServiceAct {
    /// It dies (SIGKILL).
    Kill,
    /// It hangs (SIGSTOP).
    Stop,
    /// It goes on (SIGCONT).
    Cont,
    /// It starts anew.
    Restart,
}

/// Kills, hangs or restarts the PC/SC service of all lanes.
#[utoipa::path(post, path = "/pcscd/{act}", params(("act" = ServiceAct, Path)),
    responses((status = 204), (status = 409, body = Refusal)))]
#[post("/pcscd/{act}")]
async fn act_on_service(hospital: Data<Hospital>, act: Path<ServiceAct>) -> Result<HttpResponse, Refusal> {
    let hospital = hospital.into_inner();
    let act = act.into_inner();
    // Starting takes some 10 ms of blocking.
    let mut service = hospital.pcsc.lock().await;
    let done = match act {
        ServiceAct::Kill => service.kill(),
        ServiceAct::Stop => service.stop(),
        ServiceAct::Cont => service.cont(),
        ServiceAct::Restart => service.restart(),
    };
    done?;
    Ok(HttpResponse::NoContent().finish())
}
