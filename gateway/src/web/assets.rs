//! Everything that a page loads beside itself: one style sheet and the scripts, all inside the program. Each is
//! addressed with a digest of its content, so browsers may keep it for ever and never mix two versions.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, ServiceConfig},
};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Something that is served as it is.
pub(super) struct Asset {
    /// Where, without the digest.
    path: &'static str,
    media_type: &'static str,
    content: &'static str,
    digest: LazyLock<String, fn() -> String>,
}

impl Asset {
    /// The address to put into a page.
    pub(super) fn href(&self) -> String {
        format!("{}?v={}", self.path, *self.digest)
    }

    fn answer(&'static self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "private, max-age=31536000, immutable"))
            .content_type(self.media_type)
            .body(self.content)
    }
}

fn digest(content: &str) -> String {
    Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! asset {
    ($name:ident, $path:literal, $media_type:literal, $content:expr) => {
        pub(super) static $name: Asset = Asset {
            path: $path,
            media_type: $media_type,
            content: $content,
            digest: LazyLock::new(|| digest($content)),
        };
    };
}

/// One sheet of several files, one for each subject.
macro_rules! sheets {
    ($($file:literal),+ $(,)?) => { concat!($(include_str!(concat!("assets/", $file)),)+) };
}

asset!(
    STYLE,
    "/style.css",
    "text/css; charset=utf-8",
    sheets!("base.css", "forms.css", "lanes.css", "pages.css")
);
// htmx 2.0.11 and its extension for server-sent events, as published (0BSD; licences beside them).
asset!(HTMX, "/htmx.js", "text/javascript; charset=utf-8", include_str!("assets/htmx-2.0.11.min.js"));
asset!(SSE, "/htmx-sse.js", "text/javascript; charset=utf-8", include_str!("assets/htmx-sse-2.2.4.min.js"));

asset!(LIVE, "/live.js", "text/javascript; charset=utf-8", include_str!("assets/live.js"));

asset!(KEY, "/key.js", "text/javascript; charset=utf-8", include_str!("assets/key.js"));

static ALL: [&Asset; 5] = [&STYLE, &HTMX, &SSE, &LIVE, &KEY];

pub(super) fn routes(config: &mut ServiceConfig) {
    for asset in ALL {
        config.route(asset.path, web::get().to(move || async move { asset.answer() }));
    }
}
