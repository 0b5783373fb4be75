//! Rules for udev: which USB devices are let in at all, and which reader belongs to which lane.

use super::{Readers, place};
use madoguchi_nfc_reader::pcsc::binding::ReaderBinding;
use madoguchi_protocol::LaneId;
use std::fmt::Write as _;

/// Interfaces by USB class, subclass and protocol that are let in, and why. Everything else stays without a driver
/// and without a program that could claim it.
const KNOWN: [(&str, &str); 3] = [
    ("hub", r#"ATTR{bInterfaceClass}=="09""#),
    ("reader (CCID)", r#"ATTR{bInterfaceClass}=="0b""#),
    (
        "keyboard of the console",
        r#"ATTR{bInterfaceClass}=="03", ATTR{bInterfaceSubClass}=="01", ATTR{bInterfaceProtocol}=="01""#,
    ),
];

/// The rules.
pub fn rules(readers: &Readers) -> String {
    let mut text =
        String::from("# Made by `madoguchi render udev`.\n\nACTION==\"remove\", GOTO=\"madoguchi_end\"\n");
    classes(&mut text);
    let _ =
        writeln!(text, "\n# Which reader is whose: the lane's PC/SC service can open this one and no other.");
    let _ = writeln!(text, "SUBSYSTEM!=\"usb\", GOTO=\"madoguchi_end\"");
    let _ = writeln!(text, "ENV{{DEVTYPE}}!=\"usb_device\", GOTO=\"madoguchi_end\"");
    let _ = writeln!(text, "# A reader that falls asleep misses the card.");
    let _ = writeln!(
        text,
        "ENV{{ID_USB_INTERFACES}}==\"*:0b*\", TEST==\"power/control\", ATTR{{power/control}}=\"on\""
    );
    for (lane, binding) in readers {
        if let Some(match_) = matching(binding) {
            let _ = writeln!(text, "{match_}, {}", belongs_to(*lane));
        }
    }
    text.push_str("\nLABEL=\"madoguchi_end\"\n");
    text
}

fn classes(text: &mut String) {
    let _ = writeln!(text, "\n# Only what is known gets in. A hub lets no interface work by itself …");
    let _ = writeln!(
        text,
        "SUBSYSTEM==\"usb\", KERNEL==\"usb[0-9]*\", ENV{{DEVTYPE}}==\"usb_device\", \
         ATTR{{interface_authorized_default}}=\"0\""
    );
    let _ = writeln!(text, "# … each is let in here, and looked for a driver then, or kept out.");
    let _ = writeln!(text, "SUBSYSTEM!=\"usb\", GOTO=\"madoguchi_known\"");
    let _ = writeln!(text, "ENV{{DEVTYPE}}!=\"usb_interface\", GOTO=\"madoguchi_known\"");
    for (what, known) in KNOWN {
        let _ = writeln!(text, "# {what}");
        let _ = writeln!(
            text,
            "ACTION==\"add\", {known}, ATTR{{authorized}}=\"1\", ATTR{{[subsystem/usb]drivers_probe}}=\"%k\", \
             GOTO=\"madoguchi_known\""
        );
    }
    let _ = writeln!(text, "ACTION==\"add\", ATTR{{authorized}}=\"0\"");
    let _ = writeln!(text, "LABEL=\"madoguchi_known\"");
}

fn belongs_to(lane: LaneId) -> String {
    let account = place::pcsc_account(lane);
    format!("OWNER=\"root\", GROUP=\"{account}\", MODE=\"0660\", SYMLINK+=\"madoguchi/lane-{lane}\"")
}

/// What tells the lane's reader. None by its name in PC/SC, which the kernel does not know.
fn matching(binding: &ReaderBinding) -> Option<String> {
    match binding {
        ReaderBinding::Usb(port) => Some(format!("KERNEL==\"{}\"", quoted(port))),
        ReaderBinding::Serial(serial) => Some(format!("ATTR{{serial}}==\"{}\"", quoted(serial))),
        ReaderBinding::Only => Some("ENV{ID_USB_INTERFACES}==\"*:0b*\"".to_owned()),
        ReaderBinding::Name(_) => None,
    }
}

/// A value that udev takes literally: it has no quoting for what would end the string or mean a pattern, so such a
/// character stands for any single one.
fn quoted(value: &str) -> String {
    let literal = |c: char| c.is_ascii_alphanumeric() || " .-_:/+".contains(c);
    value.chars().map(|c| if literal(c) { c } else { '?' }).collect()
}
