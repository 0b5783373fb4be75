//! Whether a configuration can be used as a whole. The page, the console and `madoguchi check` all ask here, and
//! nothing takes effect that was not found sound.

use super::{Broker, Config, ConfigError, Mistake, Reason};
use std::path::Path;

/// The configuration that `text` says, or everything that is wrong with it: its values, and the files that it names.
pub fn validate(path: &Path, text: &str) -> Result<Config, Vec<Mistake>> {
    let config = Config::parse(path, text).map_err(|error| vec![error.mistake_in(text)])?;
    let unusable = config.unusable_files();
    if unusable.is_empty() {
        return Ok(config);
    }
    Err(unusable.into_iter().map(|reason| Mistake::of(text, reason)).collect())
}

impl Config {
    /// What is out of its bounds, by its key.
    pub(super) fn out_of_bounds(&self) -> Option<Reason> {
        if let Err(error) = self.uplink.verify() {
            return Some(Reason::of_actor(error));
        }
        self.lane.iter().find_map(|lane| {
            let number = lane.number;
            let deadlines = lane.face_reader.deadlines.check();
            let reader = lane.nfc_reader.as_ref().map_or(Ok(()), |reader| reader.check());
            match (deadlines, reader) {
                (Err(error), _) => {
                    let setting = format!("lane.{number}.face_reader.deadlines");
                    Some(Reason::detailed(&setting, "mistake-bounds", error))
                }
                (_, Err(error)) => {
                    let setting = format!("lane.{number}.nfc_reader.read_limit_ms");
                    Some(Reason::detailed(&setting, "mistake-bounds", error))
                }
                _ => None,
            }
        })
    }

    /// Files that the configuration names and that can't be used, each by its key: certificates and keys that don't
    /// fit together, lists that are none.
    pub fn unusable_files(&self) -> Vec<Reason> {
        let mut found = Vec::new();
        // On the appliance each process alone can read its own keys: there a wrong one is seen by an actor that does not
        // start, in the time that there is for confirming.
        if matches!(self.broker, Broker::Appliance {}) {
            return found;
        }
        if let Err(error) = madoguchi_uplink::HttpsCentre::new(&self.uplink) {
            found.push(Reason::detailed("uplink.certificate", "mistake-certificate", error));
        }
        for lane in &self.lane {
            if let Err(error) = lane.face_reader.link().verify() {
                let setting = format!("lane.{}.face_reader.certificate", lane.number);
                found.push(Reason::detailed(&setting, "mistake-certificate", error));
            }
        }
        let list = |setting, error: &dyn std::fmt::Display| Reason::detailed(setting, "mistake-list", error);
        found.extend(self.site.holidays().err().map(|error| list("site.holidays", &error)));
        match self.site.makers() {
            Ok(makers) => {
                let unusable = self.compatibility(&makers).err();
                found.extend(unusable.map(|error| list("site.compatibility", &error)));
            }
            Err(error) => found.push(list("site.makers", &error)),
        }
        found
    }
}

impl ConfigError {
    /// The mistake, with its place in the text.
    pub fn mistake_in(&self, text: &str) -> Mistake {
        match self {
            Self::Mistake { line, message, near, .. } => {
                let reason = Reason::of_parser(message, near.as_deref());
                let key = super::document::key_at(text, *line);
                Mistake { key, line: Some(*line), message: reason.to_string(), reason }
            }
            Self::Contradiction { reason, .. } => Mistake::of(text, reason.clone()),
            Self::Unreadable { .. } | Self::TooLarge { .. } => Mistake::of(text, Reason::unreadable(self)),
        }
    }
}
