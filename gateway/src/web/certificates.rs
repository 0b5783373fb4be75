//! The certificates: when each ends, stage by stage; and a new one for the terminal, or for a tunnel that strongSwan
//! holds, from the request that is taken out to its place. Each step is `uplink`'s, which alone has the private key: what
//! comes here is the request, what goes there the certificate that was issued.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    site::Site,
    view::View,
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Query, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::{
    LaneId,
    fault::FaultCode,
    messages::{
        audit_log::PersonAct,
        line::{CertificateRole, CertificateStage, LineReport, Way},
        state::Detail,
        uplink::{Bearer, RenewCertificate, RenewalRefusal, RenewalStep, Renewed},
    },
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;

const PAGE: &str = "/certificates";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/certificates", web::get().to(page))
        .route("/certificates/request", web::post().to(request))
        .route("/certificates/stage", web::post().to(stage))
        .route("/certificates/prove", web::post().to(prove))
        .route("/certificates/swap", web::post().to(swap));
}

/// What came of a step, in the address of the page that tells it: a name of a text, and nothing else is taken.
#[derive(Deserialize)]
struct Said {
    said: Option<String>,
}

/// Everything that can have come of a step, and whether it is good.
const TOLD: [(&str, bool); 11] = [
    ("certificates-staged", true),
    ("certificates-proven", true),
    ("certificates-swapped", true),
    ("certificates-unsound", false),
    ("certificates-other-terminal", false),
    ("certificates-not-now", false),
    ("certificates-unproven", false),
    ("certificates-not-staged", false),
    ("certificates-not-written", false),
    ("certificates-no-answer", false),
    ("certificates-too-large", false),
];

/// No certificate with its chain is larger; it has to fit into a message.
const LARGEST: usize = 32 * 1024;

async fn page(person: Person, site: Data<Site>, said: Query<Said>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let of_page = site.page_certificate_ends();
    Ok(person.page(&Page::titled("certificates-title"), |view| {
        html! {
            (told(view, said.said.as_deref()))
            (ends(view, of_page))
            @if person.can(Right::Configure) {
                @for of in report(view).map_or_else(|| vec![Of::Terminal], Of::all) { (renewal(view, &person, of)) }
            }
        }
    }))
}

fn told(view: &View<'_>, said: Option<&str>) -> Markup {
    let found = TOLD.into_iter().find(|(key, _)| said == Some(*key));
    html! { @if let Some((key, good)) = found {
        p.notice.bad[!good] role="status" { (if good { "✓ " } else { "✖ " }) (view.say(key, &[])) }
    } }
}

/// A line of the table.
struct Row {
    role: &'static str,
    way: Option<Way>,
    lane: Option<LaneId>,
    ends: Timestamp,
    stage: CertificateStage,
}

/// When each ends, those that end first at the front.
fn ends(view: &View<'_>, of_page: Option<(Timestamp, CertificateStage)>) -> Markup {
    let Some(report) = report(view) else { return html! { p { (view.say("page-waiting-for-state", &[])) } } };
    let mut rows = rows(report);
    rows.extend(of_page.map(|(ends, stage)| Row { role: "page", way: None, lane: None, ends, stage }));
    rows.sort_by_key(|row| (std::cmp::Reverse(row.stage), row.ends));
    html! {
        div.wide tabindex="0" { table {
            thead { tr { @for key in ["certificates-which", "certificates-ends", "certificates-stage"] {
                th scope="col" { (view.say(key, &[])) }
            } } }
            tbody { @for row in rows { tr {
                th scope="row" {
                    (view.say(&format!("line-certificate-{}", row.role), &[])) " "
                    @if let Some(way) = row.way { (view.say(&format!("line-way-{}", way.name()), &[])) " " }
                    @if let Some(lane) = row.lane { (view.say("page-lane", &[("lane", &lane.to_string())])) }
                }
                td { (in_japan(row.ends).date().to_string()) }
                td { (stage_of(view, row.stage)) }
            } } }
        } }
        @if is_untaken(view) {
            p.notice.bad { "✖ " (view.say("fault-box-certificate-not-taken-staff", &[])) " "
                (view.say("fault-box-certificate-not-taken-action", &[])) }
        }
        @if of_page.is_none() { p { (view.say("certificates-page-own", &[])) } }
    }
}

fn rows(report: &LineReport) -> Vec<Row> {
    let row = |term: &madoguchi_protocol::messages::line::CertificateTerm| Row {
        role: term.role.name(),
        way: term.way,
        lane: term.lane,
        ends: term.ends,
        stage: term.stage,
    };
    report.certificates.iter().map(row).collect()
}

/// Whether changed files of some certificate are not taken up: the line's, a device link's, the page's.
fn is_untaken(view: &View<'_>) -> bool {
    let mut faults = view.states.values().flat_map(|state| &state.body.faults);
    faults.any(|fault| fault.code == FaultCode::BoxCertificateNotTaken)
}

/// A sign beside the words, never colour alone.
fn stage_of(view: &View<'_>, stage: CertificateStage) -> Markup {
    use CertificateStage as S;
    let (sign, days) = match stage {
        S::Fine => return html! { "✓ " (view.say("certificates-stage-fine", &[])) },
        S::Expired => return html! { "✖ " (view.say("certificates-stage-expired", &[])) },
        S::Days90 => ("▲ ", "90"),
        S::Days60 => ("▲ ", "60"),
        S::Days30 => ("▲ ", "30"),
        S::Days15 => ("✖ ", "15"),
        S::Days7 => ("✖ ", "7"),
    };
    html! { (sign) (view.say("certificates-stage-days", &[("days", days)])) }
}

/// Whose certificate a step is about, in the step's address.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    #[default]
    Terminal,
    Primary,
    Second,
}

#[derive(Deserialize)]
struct Whose {
    #[serde(default)]
    of: Of,
}

impl Of {
    const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Primary => "primary",
            Self::Second => "second",
        }
    }

    const fn bearer(self) -> Bearer {
        match self {
            Self::Terminal => Bearer::Terminal,
            Self::Primary => Bearer::Tunnel(Way::Primary),
            Self::Second => Bearer::Tunnel(Way::Second),
        }
    }

    /// Those that the line has: a tunnel is known by its certificates, of which its gateway's authority is there first.
    fn all(report: &LineReport) -> Vec<Self> {
        let has = |way| {
            let of_tunnel = |role| matches!(role, CertificateRole::Tunnel | CertificateRole::TunnelCa);
            report.certificates.iter().any(|term| of_tunnel(term.role) && term.way == Some(way))
        };
        let tunnels = [(Self::Primary, Way::Primary), (Self::Second, Way::Second)];
        let tunnels = tunnels.into_iter().filter(|(_, way)| has(*way)).map(|(of, _)| of);
        std::iter::once(Self::Terminal).chain(tunnels).collect()
    }
}

fn report<'a>(view: &View<'a>) -> Option<&'a LineReport> {
    view.states.values().find_map(|state| match &state.body.detail {
        Detail::Uplink { report, .. } => Some(report),
        _ => None,
    })
}

/// A new certificate, step by step.
fn renewal(view: &View<'_>, person: &Person, of: Of) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    let action = |step: &str| format!("/certificates/{step}?of={}", of.name());
    let step = |step: &str, key: &str| {
        html! {
            form method="post" action=(action(step)) {
                (person.csrf_field())
                button.second { (view.say(key, &[])) }
            }
        }
    };
    let field = format!("certificate-{}", of.name());
    let tunnel = of != Of::Terminal;
    html! {
        section {
            h2 {
                @if tunnel {
                    (say("certificates-renewal-tunnel")) " (" (say(&format!("line-way-{}", of.name()))) ")"
                } @else { (say("certificates-renewal")) }
            }
            p { (say("certificates-renewal-about")) }
            ol {
                li {
                    p { (say(if tunnel { "certificates-request-about-tunnel" } else { "certificates-request-about" })) }
                    (step("request", "certificates-request"))
                }
                li {
                    form method="post" action=(action("stage")) {
                        (person.csrf_field())
                        label for=(field) { (say("certificates-stage-about")) }
                        textarea id=(field) name="certificate" rows="8" required spellcheck="false"
                            placeholder="-----BEGIN CERTIFICATE-----" {}
                        button.second { (say("certificates-stage-button")) }
                    }
                }
                // A tunnel's is tried where it is in place, over the line that stands by.
                @if !tunnel { li { p { (say("certificates-prove-about")) } (step("prove", "certificates-prove")) } }
                li {
                    p { (say(if tunnel { "certificates-swap-about-tunnel" } else { "certificates-swap-about" })) }
                    (step("swap", "certificates-swap"))
                }
            }
        }
    }
}

fn to(said: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, format!("{PAGE}?said={said}"))).finish()
}

/// Has `uplink` take a step; nothing where it does not answer.
async fn take(site: &Site, of: Of, step: RenewalStep) -> Option<Renewed> {
    let bus = site.desk.borrow().clone()?;
    let answered = bus.ask(None, None, RenewCertificate { bearer: of.bearer(), step }).await;
    answered.inspect_err(|error| tracing::warn!(%error, "no step towards a new certificate")).ok()
}

const fn refused(why: RenewalRefusal) -> &'static str {
    match why {
        RenewalRefusal::Unsound => "certificates-unsound",
        RenewalRefusal::OtherTerminal => "certificates-other-terminal",
        RenewalRefusal::NotNow => "certificates-not-now",
        RenewalRefusal::Unproven => "certificates-unproven",
        RenewalRefusal::NotStaged => "certificates-not-staged",
        RenewalRefusal::NotWritten => "certificates-not-written",
    }
}

/// Whether a step that gives nothing out was done, or what is told instead.
fn outcome(renewed: Option<Renewed>) -> Result<(), &'static str> {
    match renewed {
        Some(Renewed::Done) => Ok(()),
        Some(Renewed::Refused(why)) => Err(refused(why)),
        Some(Renewed::Request { .. }) | None => Err("certificates-no-answer"),
    }
}

/// The request, to be taken to who issues such certificates.
async fn request(person: Person, site: Data<Site>, whose: Query<Whose>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    match take(&site, whose.of, RenewalStep::Request).await {
        Some(Renewed::Request { pem }) => {
            person.did(None, PersonAct::CertificateRequested);
            Ok(HttpResponse::Ok()
                .content_type("application/pkcs10")
                .insert_header((
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{}.csr\"", whose.of.name()),
                ))
                .body(pem))
        }
        Some(Renewed::Refused(why)) => Ok(to(refused(why))),
        Some(Renewed::Done) | None => Ok(to("certificates-no-answer")),
    }
}

/// `certificate=-----BEGIN CERTIFICATE-----…`
#[derive(Deserialize)]
struct Issued {
    certificate: String,
}

async fn stage(
    person: Person,
    site: Data<Site>,
    whose: Query<Whose>,
    form: Form<Issued>,
) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    let certificate = form.into_inner().certificate;
    if certificate.len() > LARGEST {
        return Ok(to("certificates-too-large"));
    }
    step(
        &person,
        &site,
        whose.of,
        RenewalStep::Stage { certificate },
        "certificates-staged",
        PersonAct::CertificateStaged,
    )
    .await
}

async fn prove(person: Person, site: Data<Site>, whose: Query<Whose>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    step(&person, &site, whose.of, RenewalStep::Prove, "certificates-proven", PersonAct::CertificateProven)
        .await
}

async fn swap(person: Person, site: Data<Site>, whose: Query<Whose>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    step(&person, &site, whose.of, RenewalStep::Swap, "certificates-swapped", PersonAct::CertificateSwapped)
        .await
}

/// Takes a step, records it where it was done, and tells what came of it.
async fn step(
    person: &Person,
    site: &Site,
    of: Of,
    step: RenewalStep,
    done: &'static str,
    act: PersonAct,
) -> Result<HttpResponse, Refusal> {
    match outcome(take(site, of, step).await) {
        Ok(()) => {
            person.did(None, act);
            Ok(to(done))
        }
        Err(why) => Ok(to(why)),
    }
}
