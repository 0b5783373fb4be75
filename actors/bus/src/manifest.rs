//! The manifest, `configs/actors.toml`: who may say what to whom.

use madoguchi_protocol::{ActorKind, Address, LaneId, topic::PREFIX};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// The manifest that is part of the program.
pub const SOURCE: &str = include_str!("../../../configs/actors.toml");

/// One kind of actor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// One for each lane, or one for the box.
    pub per: Per,
    /// Commands it may send: `actor/name`.
    pub asks: Vec<CommandName>,
    /// Events it may publish.
    pub says: Vec<String>,
    /// What it hears of others.
    pub listens: Vec<Source>,
    /// How many messages may wait for it.
    pub mailbox: usize,
    /// The operating-system account of its process.
    pub account: String,
    /// What its process may reach.
    pub network: Network,
    /// Directories below the state directory that it may write.
    pub writes: Vec<String>,
    /// Hardware it may open.
    pub devices: Vec<String>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One for each lane.
    Lane,
    /// One.
    Box,
}

/// What a process may reach over a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Nothing.
    None,
    /// The hospital's side.
    Counter,
    /// The closed line.
    Line,
}

/// `actor/name`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CommandName {
    /// Who hears it.
    pub to: ActorKind,
    /// Its name.
    pub name: String,
}

impl TryFrom<String> for CommandName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (to, name) = text.split_once('/').ok_or_else(|| format!("{text:?} is not ACTOR/NAME"))?;
        Ok(Self { to: to.parse().map_err(|e| format!("{e}"))?, name: name.into() })
    }
}

/// `actor/event/name`, `actor/state` or `actor/figures`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Source {
    /// Who says it.
    pub from: ActorKind,
    /// What of it.
    pub what: Heard,
}

/// What an actor hears of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The event of this name.
    Event(String),
    /// Its retained state.
    State,
    /// What it has counted.
    Figures,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.what {
            Heard::Event(name) => write!(f, "{}/{name}", self.from),
            Heard::State => write!(f, "{}/state", self.from),
            Heard::Figures => write!(f, "{}/figures", self.from),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<_> = text.split('/').collect();
        let (from, what) = match parts[..] {
            [from, "state"] => (from, Heard::State),
            [from, "figures"] => (from, Heard::Figures),
            [from, "event", name] => (from, Heard::Event(name.to_string())),
            _ => {
                return Err(format!("{text:?} is none of ACTOR/event/NAME, ACTOR/state and ACTOR/figures"));
            }
        };
        Ok(Self { from: from.parse().map_err(|e| format!("{e}"))?, what })
    }
}

/// All kinds of actors.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Manifest(BTreeMap<ActorKind, Entry>);

static MANIFEST: LazyLock<Result<Manifest, toml::de::Error>> = LazyLock::new(|| toml::from_str(SOURCE));

impl Manifest {
    /// The manifest of this program.
    ///
    /// # Panics
    /// Never in a program whose tests passed: the source is part of it, and a test reads it.
    pub fn get() -> &'static Self {
        match MANIFEST.as_ref() {
            Ok(manifest) => manifest,
            Err(error) => panic!("configs/actors.toml: {error}"),
        }
    }

    /// What this kind of actor may do.
    pub fn entry(&self, kind: ActorKind) -> &Entry {
        &self.0[&kind]
    }

    /// Every actor of a box with these lanes.
    pub fn addresses(&self, lanes: &[LaneId]) -> Vec<Address> {
        let of = |kind: ActorKind| match self.entry(kind).per {
            Per::Box => vec![Address::of_box(kind)],
            Per::Lane => lanes.iter().map(|lane| Address::of_lane(kind, *lane)).collect(),
        };
        ActorKind::ALL.into_iter().flat_map(of).collect()
    }

    /// The topic filters that this actor subscribes to, and that the broker lets it read.
    pub fn reads(&self, who: Address) -> Vec<String> {
        let entry = self.entry(who.kind);
        let mut filters = Vec::new();
        // An actor of a lane hears its own lane and the box; an actor of the box hears every lane.
        let lane = who.lane.map_or("+".to_string(), |lane| lane.to_string());
        let mut add = |kind: ActorKind, rest: &str| {
            filters.push(format!("{PREFIX}/lane/{lane}/{kind}/{rest}"));
            if !kind.is_per_lane() {
                filters.push(format!("{PREFIX}/box/{kind}/{rest}"));
            }
        };
        add(who.kind, "command/+");
        for command in &entry.asks {
            add(command.to, &format!("reply/{}", command.name));
        }
        for source in &entry.listens {
            match &source.what {
                Heard::Event(name) => add(source.from, &format!("event/{name}")),
                Heard::State => add(source.from, "state"),
                Heard::Figures => add(source.from, "figures"),
            }
        }
        filters
    }

    /// The topic filters that the broker lets this actor publish to.
    pub fn writes(&self, who: Address) -> Vec<String> {
        let entry = self.entry(who.kind);
        let mut filters = Vec::new();
        let lane = who.lane.map_or("+".to_string(), |lane| lane.to_string());
        let mut add = |kind: ActorKind, rest: &str| {
            filters.push(format!("{PREFIX}/lane/{lane}/{kind}/{rest}"));
            if who.lane.is_none() && !kind.is_per_lane() {
                filters.push(format!("{PREFIX}/box/{kind}/{rest}"));
            }
        };
        add(who.kind, "reply/+");
        for name in &entry.says {
            add(who.kind, &format!("event/{name}"));
        }
        for command in &entry.asks {
            add(command.to, &format!("command/{}", command.name));
        }
        for what in ["state", "figures"] {
            filters.push(match who.lane {
                Some(lane) => format!("{PREFIX}/lane/{lane}/{}/{what}", who.kind),
                None => format!("{PREFIX}/box/{}/{what}", who.kind),
            });
        }
        filters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::messages::{ALL_EVENTS, all_commands};

    #[test]
    fn the_manifest_knows_every_actor_and_names_only_messages_that_exist() {
        let manifest = Manifest::get();
        for kind in ActorKind::ALL {
            let entry = manifest.entry(kind);
            assert_eq!(entry.per == Per::Lane, kind.is_per_lane(), "{kind}");
            assert!(entry.mailbox > 0);
            for command in &entry.asks {
                assert!(all_commands().any(|c| c.to == command.to && c.name == command.name), "{command:?}");
            }
            for name in &entry.says {
                assert!(ALL_EVENTS.contains(&(kind, name.as_str())), "{kind} says {name}");
            }
            for Source { from, what } in &entry.listens {
                let said = !matches!(what, Heard::Event(name) if !manifest.entry(*from).says.contains(name));
                assert!(said, "{kind} listens to {from} {what:?}");
            }
        }
    }

    #[test]
    fn every_command_and_event_has_somebody_who_may_send_it() {
        let manifest = Manifest::get();
        for command in all_commands() {
            let asks = |k: &ActorKind| {
                manifest.entry(*k).asks.iter().any(|c| c.to == command.to && c.name == command.name)
            };
            assert!(ActorKind::ALL.iter().any(asks), "nobody asks {}/{}", command.to, command.name);
        }
        for (kind, name) in ALL_EVENTS {
            assert!(manifest.entry(*kind).says.iter().any(|said| said == name), "{kind} may not say {name}");
        }
    }

    #[test]
    fn only_pin_session_and_nfc_reader_come_near_a_released_pin() {
        let manifest = Manifest::get();
        let lane = [LaneId::new(1).unwrap()];
        for who in manifest.addresses(&lane) {
            let hears = manifest.reads(who).iter().any(|f| f.ends_with("pin_session/reply/release_pin"));
            assert_eq!(hears, who.kind == ActorKind::NfcReader, "{who}");
        }
    }
}
