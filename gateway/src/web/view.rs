//! What a page is made from, and what several pages show.

use crate::board::{Standings, States};
use jiff::{SignedDuration, Timestamp};
use madoguchi::figures::Figures;
use madoguchi_protocol::{
    messages::state::Detail,
    texts::{Language, text},
};
use madoguchi_reception::{
    availability::{Today, should_leave_list},
    call_centre,
    holidays::{Coverage, Holidays},
    in_japan,
};
use maud::{Markup, html};

/// Everything that a page shows, at one moment.
pub(super) struct View<'a> {
    pub(super) language: Language,
    pub(super) states: &'a States,
    pub(super) standings: &'a Standings,
    pub(super) figures: &'a Figures,
    /// Whether phones work today.
    pub(super) phones: Today,
    pub(super) holidays: &'a Holidays,
    /// After which phones have been down too long.
    pub(super) patience: SignedDuration,
    pub(super) now: Timestamp,
}

impl View<'_> {
    pub(super) fn say(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        text(self.language, key, arguments)
    }

    /// Since when, where that is known.
    pub(super) fn since(&self, since: Option<Timestamp>) -> String {
        since.map_or(String::new(), |since| self.say("page-since", &[("since", &clock(since))]))
    }

    /// The call centre's number, its hours, and whether it is open now.
    pub(super) fn call_centre(&self) -> Markup {
        let open = call_centre::is_open(self.now, self.holidays);
        let key = if open { "page-call-centre-open" } else { "page-call-centre-closed" };
        html! {
            p.centre {
                (self.say("page-call-centre", &[("number", call_centre::NUMBER)])) " "
                strong { (if open { "● " } else { "○ " }) (self.say(key, &[])) }
            }
            @match self.holidays.coverage(in_japan(self.now).date()) {
                Coverage::Enough => {}
                Coverage::EndsSoon(until) | Coverage::Ended(until) => p {
                    "! " (self.say("page-holidays-end", &[("until", &until.to_string())]))
                }
            }
        }
    }

    /// The day of the first confirmed phone.
    pub(super) fn first_phone(&self) -> Option<jiff::civil::Date> {
        self.states.values().find_map(|state| match &state.body.detail {
            Detail::AuditLog { first_phone, .. } => *first_phone,
            _ => None,
        })
    }

    /// Whether the hospital is to be taken off the Ministry's list.
    pub(super) fn leaves_list(&self) -> bool {
        should_leave_list(self.phones, self.first_phone().is_some(), self.now, self.patience)
    }

    /// The date of the first confirmed phone, and when to have the hospital taken off the list.
    pub(super) fn listing(&self) -> Markup {
        let first = self.first_phone();
        let since = match self.phones {
            Today::Down { since } => since,
            Today::Accepted { .. } | Today::NotWanted => None,
        };
        html! {
            @if self.leaves_list() {
                p.leave { "! " (self.say("page-leave-list", &[
                    ("since", &since.map(clock).unwrap_or_default()), ("number", call_centre::NUMBER),
                ])) }
            }
            @match first {
                Some(day) => p { (self.say("page-first-phone", &[("day", &day.to_string())])) },
                None => p { (self.say("page-no-first-phone", &[])) },
            }
        }
    }
}

/// Day and time in Japan.
pub(super) fn clock(at: Timestamp) -> String {
    in_japan(at).strftime("%m-%d %H:%M:%S").to_string()
}
