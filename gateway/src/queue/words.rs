//! A record in words and as JSON: what the commands print and an export holds.

use jiff::{Timestamp, tz::TimeZone};
use madoguchi_protocol::messages::offline_queue::{
    GivenUpFirst, Outlook, QueuedRecord, RecordReason, RecordStage,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A line of the list.
pub fn line(record: &QueuedRecord) -> String {
    let QueuedRecord { id, lane, stage, accepted_at, sealed_bytes, reason, .. } = record;
    let lane = lane.map_or(0, |lane| lane.number());
    let reason =
        reason.as_ref().map(|(why, note)| format!(": {} {note}", reason_name(*why))).unwrap_or_default();
    format!(
        "{id}  lane {lane:<3}  {}  {sealed_bytes:>6} bytes  {}{reason}",
        time(*accepted_at),
        stage_name(*stage)
    )
}

/// How long the room lasts, and what would be given up first.
pub fn outlook(outlook: &Outlook) -> String {
    let Outlook { when_full, give_up_after_days, first, hours_left } = outlook;
    let hours = hours_left.map_or_else(|| "unknown".to_owned(), |hours| hours.to_string());
    let when_full = match when_full {
        GivenUpFirst::Nothing => "nothing is given up, new patients take a fallback",
        GivenUpFirst::SetAside => "what was set aside longest ago is given up first",
        GivenUpFirst::Oldest => "what was set aside longest ago is given up first, then what waited longest",
    };
    let mut text = format!("hours of outage left at the present rate: {hours}\nwhen full: {when_full}");
    // Writing to a String can't fail.
    if let Some(first) = first {
        let _ = write!(text, " (now {})", first.id);
    }
    if let Some(days) = give_up_after_days {
        let _ = write!(text, "\nwhat still waits after {days} days is given up");
    }
    text
}

/// All that is known of it.
pub fn described(record: &QueuedRecord) -> Value {
    let QueuedRecord { id, lane, stage, accepted_at, stage_since, sealed_bytes, reason } = record;
    let mut value = json!({
        "id": id.to_string(),
        "lane": lane.map_or(0, |lane| lane.number()),
        "stage": stage_name(*stage),
        "accepted_at": time(*accepted_at),
        "stage_since": time(*stage_since),
        "sealed_bytes": sealed_bytes,
    });
    if let Some((why, note)) = reason {
        value["reason"] = json!(reason_name(*why));
        value["note"] = json!(note);
    }
    value
}

/// With what is sealed in it, as it is sealed.
pub fn exported(record: &QueuedRecord, request: Option<&[u8]>, answer: Option<&[u8]>) -> Value {
    let mut value = described(record);
    value["request_sealed"] = json!(request.map(hexadecimal));
    value["answer_sealed"] = json!(answer.map(hexadecimal));
    value
}

/// The stage's name in lists.
pub const fn stage_name(stage: RecordStage) -> &'static str {
    match stage {
        RecordStage::Accepted => "accepted",
        RecordStage::Answered => "answered",
        RecordStage::Delivered => "delivered",
        RecordStage::Settled => "settled",
        RecordStage::SetAside => "set-aside",
        RecordStage::Practice => "practice",
    }
}

/// The reason's name in lists, and the end of its text's key.
pub const fn reason_name(reason: RecordReason) -> &'static str {
    match reason {
        RecordReason::Refused => "refused-by-centre",
        RecordReason::Undecodable => "undecodable",
        RecordReason::Damaged => "damaged",
        RecordReason::Undeliverable => "undeliverable",
        RecordReason::TooOld => "given-up-too-old",
        RecordReason::MadeRoom => "given-up-for-room",
        RecordReason::Practice => "practice",
        RecordReason::Discarded => "discarded",
    }
}

/// The time in Japan.
pub fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(jiff::tz::offset(9))).strftime("%Y-%m-%dT%H:%M:%S+09:00").to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
