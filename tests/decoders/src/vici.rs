//! What strongSwan's daemon says over its control socket.

use crate::Verdict;
use madoguchi_uplink::{
    vici::{Message, Packet},
    vpn::tunnel,
};

/// A packet is refused, or is written again as it was read; what it tells of a tunnel is read without a panic.
pub fn packet(bytes: &[u8]) -> Verdict {
    let packet = Packet::decode(bytes);
    if let Ok(packet) = &packet {
        match packet.encode() {
            Ok(again) => assert_eq!(&again[4..], bytes),
            Err(error) => panic!("what was read can't be written: {error}"),
        }
        if let Packet::Event(_, message) | Packet::Response(message) = packet {
            tunnel::read(std::slice::from_ref(message), "madoguchi-primary");
        }
    }
    Verdict::of(packet)
}

/// An answer, an event with a tunnel, and packets without a message.
pub fn seeds() -> Vec<Vec<u8>> {
    let child = Message::new().with("state", "INSTALLED").with_list("local-ts", ["10.98.1.1/32"]);
    let ike = Message::new()
        .with("state", "ESTABLISHED")
        .with_list("local-vips", ["10.98.1.1"])
        .with_section("child-sas", Message::new().with_section("centre-1", child));
    let packets = [
        Packet::Response(Message::new().with("success", "no").with("errmsg", "no such child")),
        Packet::Event("list-sa".into(), Message::new().with_section("madoguchi-primary", ike)),
        Packet::Request("initiate".into(), Message::new().with("timeout", "-1")),
        Packet::Confirmed,
        Packet::UnknownCommand,
    ];
    packets.iter().map(seed).collect()
}

fn seed(packet: &Packet) -> Vec<u8> {
    match packet.encode() {
        Ok(bytes) => bytes[4..].to_vec(),
        Err(error) => panic!("a sample can't be written: {error}"),
    }
}
