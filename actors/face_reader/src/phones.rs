//! Whether 「スマートフォンを利用する」 may be shown: the lane's facts, judged anew when one changes.

use crate::settings::Surroundings;
use jiff::Timestamp;
use madoguchi_protocol::device::Hello;
use madoguchi_reception::{
    makers::Wording,
    readiness::{Boot, FaceReader, Facts, Readiness, Setup},
};

/// The facts as this actor has seen them.
pub(crate) struct Phones {
    surroundings: Surroundings,
    setup: Option<Setup>,
    /// The reader while its link is up, and since when its present start is known.
    face_reader: Option<FaceReader>,
    last_boot: Option<Boot>,
    generic_reader: Option<String>,
    readiness: Option<Readiness>,
}

impl Phones {
    pub(crate) fn new(surroundings: Surroundings, setup: Option<Setup>) -> Self {
        Self {
            surroundings,
            setup,
            face_reader: None,
            last_boot: None,
            generic_reader: None,
            readiness: None,
        }
    }

    /// The face-auth reader's link came up, or went down.
    pub(crate) fn face_reader(&mut self, hello: Option<&Hello>, now: Timestamp) {
        self.face_reader = hello.map(|hello| {
            let profile = self.surroundings.makers.find(&hello.maker);
            // A reader that only reconnects has not started anew.
            let same = self.last_boot.take().filter(|boot| boot.id == hello.boot);
            let boot = same.unwrap_or_else(|| Boot { id: hello.boot.clone(), seen: now });
            self.last_boot = Some(boot.clone());
            FaceReader {
                maker: hello.maker.clone(),
                model: hello.model.clone(),
                software: hello.software.clone(),
                boot,
                reads_phones: hello.reads_phones && profile.is_some_and(|maker| maker.takes_phones),
            }
        });
    }

    /// The lane's generic reader can read now (its PC/SC name), or can't.
    pub(crate) fn generic_reader(&mut self, name: Option<String>) {
        self.generic_reader = name;
    }

    /// Whether the button may be shown now.
    pub(crate) fn ready(&mut self, now: Timestamp) -> bool {
        let facts = Facts {
            site_uses_phones: self.surroundings.site_uses_phones,
            lane_uses_phones: self.surroundings.lane_uses_phones,
            face_reader: self.face_reader.clone(),
            generic_reader: self.generic_reader.clone(),
            table: &self.surroundings.compatibility,
            setup: self.setup.clone(),
            box_boot: self.surroundings.box_boot.clone(),
        };
        let readiness = Readiness::evaluate(&facts, now, self.readiness.as_ref());
        self.readiness.insert(readiness).phones_offered()
    }

    /// The wording of the connected reader's maker.
    pub(crate) fn wording(&self) -> Wording {
        let maker = self.face_reader.as_ref().and_then(|it| self.surroundings.makers.find(&it.maker));
        maker.map(|maker| maker.wording.clone()).unwrap_or_default()
    }

    /// Whether the face-auth reader takes phones itself.
    pub(crate) fn read_by_face_reader(&self) -> bool {
        self.face_reader.as_ref().is_some_and(|reader| reader.reads_phones)
    }

    /// The terms as they were judged last.
    pub(crate) fn readiness(&self) -> Option<&Readiness> {
        self.readiness.as_ref()
    }
}
