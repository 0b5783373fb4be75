//! Which of the attached readers is the lane's: by what stays the same, never by the order of finding.

use serde::{Deserialize, Serialize};
use std::ffi::{CStr, CString};

/// How a reader is bound to its lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderBinding {
    /// The only reader of the box. With two or more attached, none is taken.
    #[default]
    Only,
    /// The PC/SC name without the index and slot at its end, as `madoguchi check` lists it:
    /// `ACS ACR122U PICC Interface (SER123)`. Two equal readers without serials share a name: neither is taken.
    /// With index and slot (`… 00 01`) the slot counts, for a reader that has several; the index never does.
    Name(String),
    /// The serial number in the last parentheses of the PC/SC name: `SER123`.
    Serial(String),
    /// Where it is plugged in, as in `/sys/bus/usb/devices`: `1-2.3`. For equal readers without serials.
    Usb(String),
}

/// A reader that is attached, and how it can be bound to a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The PC/SC name.
    pub name: String,
    /// What fits this reader alone of all that are attached, and stays when it is plugged in again. None where it is one
    /// of several equal ones and does not say where it is plugged in.
    pub binding: Option<ReaderBinding>,
}

/// How each of these readers can be bound: by its serial number, else by its name, else by its USB socket, which only
/// those are asked for that nothing else tells apart.
pub(super) fn offer(names: &[String], port: impl Fn(&str) -> Option<String>) -> Vec<Found> {
    let alone = |binding: &ReaderBinding| names.iter().filter(|name| binding.may_be(name)).count() == 1;
    let binding = |name: &str| {
        let by_serial = serial(name).filter(|it| !it.is_empty()).map(|it| ReaderBinding::Serial(it.into()));
        let by_name = [without_index(name), name].map(|name| ReaderBinding::Name(name.into()));
        let by_port = || port(name).map(ReaderBinding::Usb);
        by_serial.into_iter().chain(by_name).find(alone).or_else(by_port)
    };
    names.iter().map(|name| Found { name: name.clone(), binding: binding(name) }).collect()
}

/// An attached reader, as the binding sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attached {
    /// The full PC/SC name.
    pub name: CString,
    /// Where it is plugged in, if that was asked for and is known.
    pub usb: Option<String>,
}

impl ReaderBinding {
    /// The one reader that fits. None also when several do: a wrong guess would read the wrong lane.
    pub(super) fn choose<'a>(&self, attached: &'a [Attached]) -> Option<&'a CStr> {
        let mut fitting = attached.iter().filter(|reader| self.fits(reader));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(&found.name)
    }

    /// Whether a reader of this PC/SC name may be the one. By its name alone, a reader that is bound by its USB
    /// socket can be any.
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Self::Only | Self::Usb(_) => true,
            Self::Name(wanted) => {
                without_index(name) == without_index(wanted)
                    && slot(wanted).is_none_or(|slot_wanted| slot(name) == Some(slot_wanted))
            }
            Self::Serial(wanted) => serial(name) == Some(wanted.as_str()),
        }
    }

    fn fits(&self, reader: &Attached) -> bool {
        match self {
            Self::Usb(wanted) => reader.usb.as_deref() == Some(wanted.as_str()),
            by_name => by_name.may_be(&reader.name.to_string_lossy()),
        }
    }
}

/// Cuts off what pcscd appends, ` XX YY`: the reader's index, which changes with the order of plugging, and
/// its slot, both in hexadecimal.
fn without_index(name: &str) -> &str {
    let cut = |name: &'_ str| -> Option<usize> {
        let (rest, pair) = name.rsplit_once(' ')?;
        (pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit())).then_some(rest.len())
    };
    let name = name.trim_end();
    let Some(end) = cut(name).and_then(|end| cut(&name[..end])) else { return name };
    name[..end].trim_end()
}

/// The slot that pcscd appends, of a name that bears one.
fn slot(name: &str) -> Option<&str> {
    let name = name.trim_end();
    (without_index(name).len() < name.len()).then(|| &name[name.len() - 2..])
}

/// What stands in the last parentheses.
fn serial(name: &str) -> Option<&str> {
    let rest = without_index(name).strip_suffix(')')?;
    rest.rsplit_once('(').map(|(_, serial)| serial)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attached(names: &[&str]) -> Vec<Attached> {
        names.iter().map(|name| Attached { name: CString::new(*name).unwrap(), usb: None }).collect()
    }

    fn chosen(binding: &ReaderBinding, names: &[&str]) -> Option<String> {
        binding.choose(&attached(names)).map(|name| name.to_str().unwrap().to_owned())
    }

    const FIRST: &str = "ACS ACR122U PICC Interface (SER123) 00 00";
    const SECOND: &str = "ACS ACR122U PICC Interface (SER456) 01 00";
    const RENUMBERED: &str = "ACS ACR122U PICC Interface (SER123) 0A 00";

    #[test]
    fn a_reader_keeps_its_lane_when_pcscd_numbers_it_anew() {
        for binding in [
            ReaderBinding::Serial("SER123".into()),
            ReaderBinding::Name("ACS ACR122U PICC Interface (SER123)".into()),
            ReaderBinding::Name(FIRST.into()),
        ] {
            assert_eq!(chosen(&binding, &[FIRST, SECOND]).as_deref(), Some(FIRST), "{binding:?}");
            assert_eq!(chosen(&binding, &[SECOND, RENUMBERED]).as_deref(), Some(RENUMBERED), "{binding:?}");
            assert_eq!(chosen(&binding, &[SECOND]), None, "{binding:?}");
        }
    }

    #[test]
    fn where_several_fit_none_is_taken() {
        assert_eq!(chosen(&ReaderBinding::Only, &[FIRST]).as_deref(), Some(FIRST));
        assert_eq!(chosen(&ReaderBinding::Only, &[FIRST, SECOND]), None);
        let equal = ["Cheap Reader 00 00", "Cheap Reader 01 00"];
        assert_eq!(chosen(&ReaderBinding::Name("Cheap Reader".into()), &equal), None);
    }

    #[test]
    fn the_slots_of_one_reader_are_told_apart_by_the_end_of_its_name() {
        let slots = ["Dual Reader (SER1) 02 00", "Dual Reader (SER1) 02 01"];
        assert_eq!(chosen(&ReaderBinding::Name("Dual Reader (SER1)".into()), &slots), None);
        for slot in slots {
            // Whatever index it has today.
            let written = slot.replace(" 02 ", " 00 ");
            assert_eq!(chosen(&ReaderBinding::Name(written), &slots).as_deref(), Some(slot));
        }
    }

    #[test]
    fn equal_readers_are_told_apart_by_their_usb_port() {
        let mut readers = attached(&["Cheap Reader 00 00", "Cheap Reader 01 00"]);
        readers[0].usb = Some("1-2".into());
        readers[1].usb = Some("1-2.3".into());
        let binding = ReaderBinding::Usb("1-2.3".into());
        assert_eq!(binding.choose(&readers), Some(c"Cheap Reader 01 00"));
    }

    #[test]
    fn a_reader_is_offered_by_what_fits_it_alone_and_stays() {
        let offered = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let port = |name: &str| name.starts_with("Cheap").then(|| format!("1-{}", &name[13..15]));
            offer(&names, port).into_iter().map(|found| found.binding).collect::<Vec<_>>()
        };
        let serial = |text: &str| Some(ReaderBinding::Serial(text.into()));
        assert_eq!(offered(&[FIRST, SECOND]), [serial("SER123"), serial("SER456")]);
        let plain = Some(ReaderBinding::Name("Plain Reader".into()));
        assert_eq!(offered(&["Plain Reader 00 00", FIRST]), [plain, serial("SER123")]);
        let slot = |name: &str| Some(ReaderBinding::Name(name.into()));
        let slots = ["Dual Reader (SER1) 02 00", "Dual Reader (SER1) 02 01"];
        assert_eq!(offered(&slots), slots.map(slot));
        let usb = |port: &str| Some(ReaderBinding::Usb(port.into()));
        assert_eq!(offered(&["Cheap Reader 00 00", "Cheap Reader 01 00"]), [usb("1-00"), usb("1-01")]);
        assert_eq!(offered(&["Mute Reader 00 00", "Mute Reader 01 00"]), [None, None]);
    }

    #[test]
    fn settings_are_written_as_documented() {
        #[derive(Deserialize)]
        struct Settings {
            reader: ReaderBinding,
        }
        for (json, binding) in [
            (r#"{"reader":"only"}"#, ReaderBinding::Only),
            (r#"{"reader":{"serial":"A1"}}"#, ReaderBinding::Serial("A1".into())),
            (r#"{"reader":{"usb":"1-2.3"}}"#, ReaderBinding::Usb("1-2.3".into())),
            (r#"{"reader":{"name":"N"}}"#, ReaderBinding::Name("N".into())),
        ] {
            assert_eq!(serde_json::from_str::<Settings>(json).unwrap().reader, binding);
            assert_eq!(serde_json::json!({ "reader": binding }).to_string(), json);
        }
    }

    proptest! {
        #[test]
        fn no_name_whatever_makes_the_binding_panic(name in "\\PC{0,40}", index in "( [0-9A-F]{2}){0,3}") {
            let full = format!("{name}{index}");
            if let Ok(name) = CString::new(full.clone()) {
                let readers = [Attached { name, usb: None }];
                prop_assert!(ReaderBinding::Name(full.clone()).choose(&readers).is_some());
                let _ = ReaderBinding::Serial("x".into()).choose(&readers);
                let offered = offer(std::slice::from_ref(&full), |_| None).remove(0).binding;
                prop_assert!(offered.is_some_and(|binding| binding.may_be(&full)));
            }
        }
    }
}
