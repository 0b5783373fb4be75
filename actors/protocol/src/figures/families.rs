//! The table of all families. METRICS.md is made from it.

use super::{Kind, Label, Per, Source, labels::*};
use crate::ActorKind::{AuditLog, FaceReader, Gateway, NfcReader, OfflineQueue, PinSession, Uplink};

/// Machine time: from a millisecond to what nobody should wait for. 3 s is the promise made to patients.
const ANSWER: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0];
/// A person's time at a screen.
const STAGE_SECONDS: &[f64] = &[0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];
/// A round trip on the bus, or a disk's sync.
const QUICK: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

macro_rules! families {
    (@source One($kind:ident)) => { Source::One($kind) };
    (@source Two($one:ident, $other:ident)) => { Source::Two($one, $other) };
    (@source $source:ident) => { Source::$source };
    (@kind Histogram($bounds:ident)) => { Kind::Histogram($bounds) };
    (@kind $kind:ident) => { Kind::$kind };
    ($($(#[doc = $help:literal])+ $family:ident = $name:literal, $kind:ident $(($bounds:ident))?,
        $per:ident [$($label:ident),*], $source:ident $(($($who:ident),+))?;)*) => {
        /// A family of metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family {
            $($(#[doc = $help])+ $family,)*
        }

        impl Family {
            /// Every family, in the table's order.
            pub const ALL: &'static [Self] = &[$(Self::$family,)*];

            /// Its name in the exposition.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$family => $name,)* }
            }

            /// What it measures, for people.
            pub fn help(self) -> &'static str {
                match self { $(Self::$family => concat!($($help),+).trim(),)* }
            }

            /// Its type.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$family => families!(@kind $kind $(($bounds))?),)* }
            }

            /// Whose figure it is.
            pub const fn per(self) -> Per {
                match self { $(Self::$family => Per::$per,)* }
            }

            /// Its own labels.
            pub const fn labels(self) -> &'static [Label] {
                match self { $(Self::$family => &[$($label),*],)* }
            }

            /// Who reports it.
            pub const fn source(self) -> Source {
                match self { $(Self::$family => families!(@source $source $(($($who),+))?),)* }
            }
        }
    };
}

families! {
    /// Visits that ended, by the medium that the patient chose and by how they ended
    VisitsEnded = "madoguchi_visits_ended_total", Counter, Lane [WAY, VISIT_OUTCOME], One(FaceReader);
    /// Visits that were led to another way, by the fault or answer that led there
    VisitFallbacks = "madoguchi_visit_fallbacks_total", Counter, Box [FAULT], One(FaceReader);
    /// Time that visits spent in each step, patients' own time included
    VisitStage = "madoguchi_visit_stage_seconds", Histogram(STAGE_SECONDS), Box [STAGE], One(FaceReader);
    /// From tap to answer: reading the medium, asking the centre and confirming, without the patient's own time
    VisitAnswer = "madoguchi_visit_answer_seconds", Histogram(ANSWER), Box [WAY], One(FaceReader);
    /// Visits with a medium that got no answer while the patient was there: the line was down, it came too late, or the
    /// box could not
    VisitsUnanswered = "madoguchi_visits_unanswered_total", Counter, Box [UNANSWERED], One(FaceReader);
    /// Visits of the lane that were answered while the patient was there
    LaneAnswers = "madoguchi_lane_answers_total", Counter, Lane [], One(FaceReader);
    /// Those of them that took more than 3 s from tap to answer
    LaneSlowAnswers = "madoguchi_lane_slow_answers_total", Counter, Lane [], One(FaceReader);
    /// Connections of face-auth readers that were welcomed
    DeviceLinks = "madoguchi_device_links_total", Counter, Lane [], One(FaceReader);
    /// Connections of the device link that were refused for what they were or said
    DeviceLinksRefused = "madoguchi_device_links_refused_total", Counter, Lane [], One(FaceReader);
    /// Reads of the generic reader, by how they ended
    Reads = "madoguchi_nfc_reads_total", Counter, Lane [READ_OUTCOME], One(NfcReader);
    /// From a medium that was seen to the end of its reading
    ReadSeconds = "madoguchi_nfc_read_seconds", Histogram(ANSWER), Box [], One(NfcReader);
    /// PINs that a medium judged or that were not sent, by medium, on the generic reader and in the face-auth reader
    PinChecks = "madoguchi_pin_checks_total", Counter, Box [MEDIUM, PIN_OUTCOME], Two(FaceReader, NfcReader);
    /// PIN jobs that were opened
    PinJobs = "madoguchi_pin_jobs_total", Counter, Box [], One(PinSession);
    /// PINs that were wiped because they grew too old
    PinsExpired = "madoguchi_pins_expired_total", Counter, Box [], One(PinSession);
    /// Requests to the eligibility centre, by how they ended for the asker
    CentreRequests = "madoguchi_centre_requests_total", Counter, Box [REQUEST, CENTRE_OUTCOME], One(Uplink);
    /// Time of requests to the eligibility centre, waiting for leave to send and second tries included
    CentreSeconds = "madoguchi_centre_request_seconds", Histogram(ANSWER), Box [REQUEST], One(Uplink);
    /// Changes of the line, by where it went
    LineChanges = "madoguchi_line_changes_total", Counter, Box [LINE_TO], One(Uplink);
    /// Seconds of outages of the line that are over
    LineOutage = "madoguchi_line_outage_seconds_total", Counter, Box [], One(Uplink);
    /// Probes of each of the hospital's lines, by what came back; late is more than half of what a probe may take
    LineProbes = "madoguchi_line_probes_total", Counter, Box [LINE, PROBE], One(Uplink);
    /// Round trip of an answered probe over each of the hospital's lines
    LineRoundTrip = "madoguchi_line_round_trip_seconds", Histogram(ANSWER), Box [LINE], One(Uplink);
    /// Confirmations that the queue was asked to accept, by its answer
    QueueAccepts = "madoguchi_queue_accepts_total", Counter, Box [ACCEPTED], One(OfflineQueue);
    /// Time until a confirmation was durable, the disk's sync included
    QueueAccept = "madoguchi_queue_accept_seconds", Histogram(QUICK), Box [], One(OfflineQueue);
    /// Confirmations that the centre answered, by its verdict and by whether the patient was still there
    QueueAnswers = "madoguchi_queue_answers_total", Counter, Box [VERDICT, DEFERRAL], One(OfflineQueue);
    /// Bytes that waiting confirmations take
    QueueBytes = "madoguchi_queue_bytes", Gauge, Box [], One(OfflineQueue);
    /// Time of the audit log's syncs
    AuditSync = "madoguchi_audit_sync_seconds", Histogram(QUICK), Box [], One(AuditLog);
    /// Visits by the medium that was read and by whether they count towards usage (an estimate: R-30)
    Usage = "madoguchi_usage_visits_total", Counter, Box [WAY, COUNTING], One(AuditLog);
    /// Faults that began
    FaultsRaised = "madoguchi_faults_raised_total", Counter, Box [FAULT], Every;
    /// Messages on the bus
    BusMessages = "madoguchi_bus_messages_total", Counter, ActorKind [WAY_OF_MESSAGE, MESSAGE], Every;
    /// Messages that were refused for what they were
    BusRefused = "madoguchi_bus_refused_total", Counter, ActorKind [REFUSED], Every;
    /// Messages that were dropped because their place was full
    BusDropped = "madoguchi_bus_dropped_total", Counter, ActorKind [DROPPED], Every;
    /// Commands that were sent again because no reply had come
    BusRepeats = "madoguchi_bus_repeats_total", Counter, Box [COMMAND], Every;
    /// Commands that were given up without a reply
    BusUnanswered = "madoguchi_bus_unanswered_total", Counter, Box [COMMAND], Every;
    /// From a command to its reply
    BusAsk = "madoguchi_bus_ask_seconds", Histogram(QUICK), Box [COMMAND], Every;
    /// Connections to the broker that were lost
    BusLosses = "madoguchi_bus_connection_losses_total", Counter, ActorKind [], Every;
    /// Times that the supervisor rebuilt the actor
    ActorRestarts = "madoguchi_actor_restarts_total", Counter, Actor [], Every;
    /// 1 while the supervisor has given the actor up and tries it only once a minute
    ActorGaveUp = "madoguchi_actor_gave_up", Gauge, Actor [], Every;
    /// Logins at the page
    PageLogins = "madoguchi_page_logins_total", Counter, Box [LOGIN], One(Gateway);
    /// Scrapes that were turned away for want of a certificate or password
    ScrapesRefused = "madoguchi_metrics_scrapes_refused_total", Counter, Box [], One(Gateway);

    /// 1 while the actor runs and is heard
    ActorUp = "madoguchi_actor_up", Gauge, Actor [], States;
    /// 1 while the fault lasts, 0 while it does not
    FaultActive = "madoguchi_fault_active", Gauge, Fault [], States;
    /// 1 while the lane's face-auth reader is connected
    FaceReaderConnected = "madoguchi_face_reader_connected", Gauge, Lane [], States;
    /// 1 while the lane takes smartphones
    PhonesOffered = "madoguchi_lane_phones_offered", Gauge, Lane [], States;
    /// 1 while a patient is at the lane
    VisitInProgress = "madoguchi_lane_visit_in_progress", Gauge, Lane [], States;
    /// 1 while the lane's generic reader can read
    NfcReaderReady = "madoguchi_nfc_reader_ready", Gauge, Lane [], States;
    /// PIN jobs that are open
    PinJobsOpen = "madoguchi_pin_jobs_open", Gauge, Box [], States;
    /// 1 while the eligibility centre answers
    LineUp = "madoguchi_line_up", Gauge, Box [], States;
    /// Since when the line is as it is
    LineSince = "madoguchi_line_since_timestamp_seconds", Gauge, Box [], States;
    /// 1 for the stage that each of the hospital's lines has reached, 0 for the others
    LineStage = "madoguchi_line_stage", Gauge, Box [LINE, LINE_STAGE], States;
    /// 1 for the line that requests go by
    LineUsed = "madoguchi_line_used", Gauge, Box [LINE], States;
    /// Times that requests changed over to another line
    LineChangeovers = "madoguchi_line_changeovers_total", Counter, Box [], States;
    /// How far the clock is from true time, as chrony sees it; absent where chrony does not tell
    ClockOffset = "madoguchi_clock_offset_seconds", Gauge, Box [], States;
    /// 1 while chrony follows a time server
    ClockSynchronised = "madoguchi_clock_synchronised", Gauge, Box [], States;
    /// Answers of the centre that were not the answer to their request; none was passed on
    WrongAnswers = "madoguchi_centre_wrong_answers_total", Counter, Box [], States;
    /// Confirmations that were accepted and are not answered yet
    QueueWaiting = "madoguchi_queue_waiting", Gauge, Box [], States;
    /// When the oldest of them was accepted; absent where none waits
    QueueOldest = "madoguchi_queue_oldest_timestamp_seconds", Gauge, Box [], States;
    /// How long an outage there is room for at the present rate; absent where nobody can tell
    QueueLeft = "madoguchi_queue_outage_left_seconds", Gauge, Box [], States;
    /// Confirmations that were set aside for a person to look at
    QueueSetAside = "madoguchi_queue_set_aside", Gauge, Box [], States;
    /// Confirmations that went all the way and were wiped
    QueueSettled = "madoguchi_queue_settled_total", Counter, Box [], States;
    /// Confirmations that were given up and wiped, as the configuration or a person wants it
    QueueGivenUp = "madoguchi_queue_given_up_total", Counter, Box [GIVEN_UP], States;
    /// Files that were written for the receipt computer
    ReceiptsWritten = "madoguchi_receipt_files_written_total", Counter, Box [], States;
    /// Characters that the receipt computer's encoding lacks and that are shown as ●
    CharactersLost = "madoguchi_receipt_characters_lost_total", Counter, Box [], States;
    /// Queries of the receipt computer that were answered
    QueriesAnswered = "madoguchi_receipt_queries_answered_total", Counter, Box [], States;
    /// Entries in the audit log
    AuditEntries = "madoguchi_audit_log_entries", Gauge, Box [], States;
    /// When a certificate ends that the box shows or trusts; of several the first
    CertificateEnds = "madoguchi_certificate_expiry_timestamp_seconds", Gauge, Box [CERTIFICATE], States;
    /// 1; its label is the program's version
    BuildInfo = "madoguchi_build_info", Gauge, Box [VERSION], States;
    /// How many lanes are configured
    Lanes = "madoguchi_lanes", Gauge, Box [], States;
    /// Series that actors said and the table of metrics does not foresee
    FiguresRefused = "madoguchi_figures_refused_total", Counter, Box [], States;
    /// When the gateway's program started
    Started = "madoguchi_start_timestamp_seconds", Gauge, Box [], States;
}
