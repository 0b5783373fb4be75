//! Where a reader is plugged in: the way from PC/SC to the USB port.
//!
//! PC/SC tells bus and device number (attribute SCARD_ATTR_CHANNEL_ID, `0020bbdd`); the device number
//! changes with each plugging, so the kernel is asked which port it stands for.

use pcsc::{Attribute, Context, Disposition, Protocols, ShareMode};
use std::{ffi::CStr, fs, path::Path};

/// Where Linux lists USB devices, each folder named by its port.
pub(super) const DEVICES: &str = "/sys/bus/usb/devices";

/// The USB port of a reader; none when it is no USB reader, is in use, or does not tell.
pub(super) fn port(context: &Context, reader: &CStr) -> Option<String> {
    let card = context.connect(reader, ShareMode::Direct, Protocols::UNDEFINED).ok()?;
    let channel = card.get_attribute_owned(Attribute::ChannelId).ok();
    // A medium that lies there is none of our business here.
    let _ = card.disconnect(Disposition::LeaveCard);
    let (bus, device) = usb_channel(&channel?)?;
    port_of(Path::new(DEVICES), bus, device)
}

/// Bus and device number, from the attribute in the machine's byte order.
fn usb_channel(attribute: &[u8]) -> Option<(u8, u8)> {
    const USB: u32 = 0x0020;
    let channel = u32::from_ne_bytes(attribute.get(..4)?.try_into().ok()?);
    (channel >> 16 == USB).then_some(((channel >> 8) as u8, channel as u8))
}

fn port_of(devices: &Path, bus: u8, device: u8) -> Option<String> {
    let number = |folder: &Path, file| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u8>().ok();
    fs::read_dir(devices).ok()?.flatten().find_map(|entry| {
        let folder = entry.path();
        (number(&folder, "busnum") == Some(bus) && number(&folder, "devnum") == Some(device))
            .then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_of_a_usb_reader_names_bus_and_device() {
        assert_eq!(usb_channel(&0x0020_0307_u32.to_ne_bytes()), Some((3, 7)));
        assert_eq!(usb_channel(&0x0001_0307_u32.to_ne_bytes()), None);
        assert_eq!(usb_channel(&[0x20]), None);
    }

    #[test]
    fn the_kernel_tells_the_port() {
        let devices = tempfile::tempdir().unwrap();
        for (port, bus, device) in [("1-2", "1", "7"), ("3-1.4", "3", "7"), ("usb3", "3", "1")] {
            let folder = devices.path().join(port);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("busnum"), format!("{bus}\n")).unwrap();
            fs::write(folder.join("devnum"), format!("{device}\n")).unwrap();
        }
        fs::create_dir(devices.path().join("3-1:1.0")).unwrap();
        assert_eq!(port_of(devices.path(), 3, 7).as_deref(), Some("3-1.4"));
        assert_eq!(port_of(devices.path(), 3, 8), None);
    }
}
