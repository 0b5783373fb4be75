//! Whether a configuration can be used as a whole. The page, the console and `madoguchi check` all ask here, and
//! nothing takes effect that was not found sound.

use super::{Broker, Config, ConfigError, Mistake};
use std::path::Path;

/// The configuration that `text` says, or everything that is wrong with it: its values, and the files that it names.
pub fn validate(path: &Path, text: &str) -> Result<Config, Vec<Mistake>> {
    let config = Config::parse(path, text).map_err(|error| vec![error.mistake_in(text)])?;
    let unusable = config.unusable_files();
    if unusable.is_empty() {
        return Ok(config);
    }
    Err(unusable.into_iter().map(|reason| Mistake::of(text, &reason)).collect())
}

impl Config {
    /// What is out of its bounds, by its key.
    pub(super) fn out_of_bounds(&self) -> Option<String> {
        if let Err(error) = self.uplink.verify() {
            return Some(error.to_string());
        }
        self.lane.iter().find_map(|lane| {
            let number = lane.number;
            let deadlines = lane.face_reader.deadlines.check();
            let reader = lane.nfc_reader.as_ref().map_or(Ok(()), |reader| reader.check());
            match (deadlines, reader) {
                (Err(error), _) => Some(format!("lane.{number}.face_reader.deadlines: {error}")),
                (_, Err(error)) => Some(format!("lane.{number}.nfc_reader.read_limit_ms: {error}")),
                _ => None,
            }
        })
    }

    /// Files that the configuration names and that can't be used, each by its key: certificates and keys that don't
    /// fit together, lists that are none.
    pub fn unusable_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        // On the appliance each process alone can read its own keys: there a wrong one is seen by an actor that does not
        // start, in the time that there is for confirming.
        if matches!(self.broker, Broker::Appliance {}) {
            return found;
        }
        if let Err(error) = madoguchi_uplink::HttpsCentre::new(&self.uplink) {
            found.push(format!("uplink.certificate: {error}"));
        }
        for lane in &self.lane {
            if let Err(error) = lane.face_reader.link().verify() {
                found.push(format!("lane.{}.face_reader.certificate: {error}", lane.number));
            }
        }
        // These name their own keys.
        found.extend(self.site.holidays().err().map(|error| error.to_string()));
        match self.site.makers() {
            Ok(makers) => {
                let unusable = self.compatibility(&makers).err();
                found.extend(unusable.map(|error| format!("site.compatibility: {error}")));
            }
            Err(error) => found.push(error.to_string()),
        }
        found
    }
}

impl ConfigError {
    /// The mistake, with its place in the text.
    pub fn mistake_in(&self, text: &str) -> Mistake {
        match self {
            Self::Mistake { line, message, hint, .. } => Mistake {
                key: super::document::key_at(text, *line),
                line: Some(*line),
                message: format!("{message}{hint}"),
            },
            Self::Contradiction { reason, .. } => Mistake::of(text, reason),
            Self::Unreadable { .. } | Self::TooLarge { .. } => {
                Mistake { key: None, line: None, message: self.to_string() }
            }
        }
    }
}
