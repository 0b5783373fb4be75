//! The one place where topics are made and parsed.
//!
//! `madoguchi/v1/lane/<lane>/<actor>/{command|reply|event}/<name>`, `…/state` and `…/figures`, and the same under
//! `madoguchi/v1/box/<actor>/…`. What a lane's patient is the cause of travels on the lane's topics, also
//! when it is meant for an actor of the box, so that the broker's access list can tell lanes apart.

use crate::{ActorKind, LaneId};
use std::{fmt, str::FromStr};

/// The first levels of every topic. The version changes when old and new can't understand each other.
pub const PREFIX: &str = "madoguchi/v1";

/// What kind of message a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the actor: do this.
    Command,
    /// From the actor: this is what came of it.
    Reply,
    /// From the actor: this happened.
    Event,
}

impl Direction {
    /// The topic's level.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Reply => "reply",
            Self::Event => "event",
        }
    }
}

/// A topic, taken apart. `actor` is the one that hears a command and says all else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A command, reply or event with its name.
    Message {
        /// The lane concerned; `None` for the box.
        lane: Option<LaneId>,
        /// Whose message it is.
        actor: ActorKind,
        /// Command, reply or event.
        direction: Direction,
        /// The message's name, in snake_case.
        name: String,
    },
    /// The actor's retained state.
    State {
        /// The actor's lane; `None` for the box's.
        lane: Option<LaneId>,
        /// Whose state.
        actor: ActorKind,
    },
    /// What the actor has counted, retained.
    Figures {
        /// The actor's lane; `None` for the box's.
        lane: Option<LaneId>,
        /// Whose figures.
        actor: ActorKind,
    },
}

/// The text is no topic of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a topic of the gateway")]
pub struct BadTopic;

/// The longest name a message may bear.
const MAX_NAME: usize = 40;

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Message { lane, actor, .. } | Self::State { lane, actor } | Self::Figures { lane, actor }) =
            self;
        match lane {
            Some(lane) => write!(f, "{PREFIX}/lane/{lane}/{actor}/")?,
            None => write!(f, "{PREFIX}/box/{actor}/")?,
        }
        match self {
            Self::Message { direction, name, .. } => write!(f, "{}/{name}", direction.name()),
            Self::State { .. } => f.write_str("state"),
            Self::Figures { .. } => f.write_str("figures"),
        }
    }
}

impl FromStr for Topic {
    type Err = BadTopic;
    fn from_str(text: &str) -> Result<Self, BadTopic> {
        let rest = text.strip_prefix(PREFIX).and_then(|r| r.strip_prefix('/')).ok_or(BadTopic)?;
        let mut levels = rest.split('/');
        let mut next = || levels.next().ok_or(BadTopic);
        let lane = match next()? {
            "lane" => Some(next()?.parse().map_err(|_| BadTopic)?),
            "box" => None,
            _ => return Err(BadTopic),
        };
        let actor = next()?.parse().map_err(|_| BadTopic)?;
        let direction = match next()? {
            last @ ("state" | "figures") => {
                let whole = match last {
                    "state" => Self::State { lane, actor },
                    _ => Self::Figures { lane, actor },
                };
                return if levels.next().is_none() { Ok(whole) } else { Err(BadTopic) };
            }
            "command" => Direction::Command,
            "reply" => Direction::Reply,
            "event" => Direction::Event,
            _ => return Err(BadTopic),
        };
        let name = next()?;
        if levels.next().is_some() || !is_name(name) {
            return Err(BadTopic);
        }
        Ok(Self::Message { lane, actor, direction, name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_parses_back() {
        for text in [
            "madoguchi/v1/lane/2/nfc_reader/command/read_medium",
            "madoguchi/v1/box/uplink/state",
            "madoguchi/v1/lane/3/face_reader/figures",
            "madoguchi/v1/lane/999/pin_session/reply/release_pin",
        ] {
            assert_eq!(text.parse::<Topic>().map(|t| t.to_string()), Ok(text.to_string()));
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        for text in [
            "",
            "madoguchi/v1",
            "madoguchi/v2/box/uplink/state",
            "madoguchi/v1/box/uplink/state/x",
            "madoguchi/v1/box/uplink/figures/x",
            "madoguchi/v1/lane/0/nfc_reader/state",
            "madoguchi/v1/lane/2/nobody/state",
            "madoguchi/v1/box/uplink/command/",
            "madoguchi/v1/box/uplink/command/a/b",
            "madoguchi/v1/box/uplink/command/Taro",
        ] {
            assert_eq!(text.parse::<Topic>(), Err(BadTopic), "{text}");
        }
    }
}
