//! The OpenAPI document of the contract, made from the code that serves it.

use utoipa::OpenApi;

use super::{api, eligibility, wire};

/// Served at `/v1/openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Eligibility centre (simulated)",
        version = "1",
        description = "The contract between Madoguchi Gateway and an eligibility centre. The national service's \
                       interface is not public; this one is the project's own. Mutual TLS 1.3 on every path; bodies \
                       are JSON of at most 64 KiB.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    paths(api::alive, api::authenticate, api::confirm, api::confirmation, api::query),
    components(schemas(wire::Statement, eligibility::Eligibility))
)]
pub(super) struct Document;
