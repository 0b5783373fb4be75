//! One connection to strongSwan.

use super::message::{MAX_PACKET, Malformed, Message, Packet};
use std::{collections::VecDeque, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};
use zeroize::Zeroizing;

/// A command that takes longer is taken for a hung daemon. None of those used here waits for the network.
const PATIENCE: Duration = Duration::from_secs(3);
/// Events that nobody fetched yet; older ones are dropped, as each only says that something changed.
const EVENTS: usize = 64;

/// Sees an event that comes while an answer is waited for; says whether it took it.
type OnEvent<'a> = &'a mut (dyn FnMut(&str, Message) -> bool + Send);

/// Why the daemon could not be asked, or what it refused.
#[derive(Debug, thiserror::Error)]
pub enum ViciError {
    /// Nobody listens at the socket, or the connection broke.
    #[error("strongSwan does not answer: {0}; check that its service runs and that the socket may be used")]
    Connection(#[from] std::io::Error),
    /// Silence.
    #[error("strongSwan does not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// What came is no VICI.
    #[error("what strongSwan says can't be read: {0}")]
    Malformed(#[from] Malformed),
    /// An answer that does not belong there, or a command that it does not know.
    #[error("strongSwan does not know {0}; check its version")]
    Unknown(String),
    /// It said no.
    #[error("strongSwan refuses {command}: {reason}")]
    Refused {
        /// Which command.
        command: String,
        /// Its words.
        reason: String,
    },
}

/// A connection. Drop it after any error: an answer that comes late would be taken for another's.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    /// What came and is not a whole packet yet: kept here so that waiting can be broken off at any time.
    buffer: Vec<u8>,
    events: VecDeque<String>,
}

impl Client {
    /// Connects.
    pub async fn connect(socket: &Path) -> Result<Self, ViciError> {
        let stream =
            timeout(PATIENCE, UnixStream::connect(socket)).await.map_err(|_| ViciError::TimedOut)??;
        Ok(Self { stream, buffer: vec![], events: VecDeque::new() })
    }

    /// Wants to hear of `event` from now on.
    pub async fn listen(&mut self, event: &str) -> Result<(), ViciError> {
        self.send(&Packet::Register(event.into())).await?;
        match self.answer(&mut |_, _| false).await? {
            Packet::Confirmed => Ok(()),
            _ => Err(ViciError::Unknown(event.into())),
        }
    }

    /// Asks, and gives the answer, unless it says that the command failed.
    pub async fn ask(&mut self, command: &str, message: Message) -> Result<Message, ViciError> {
        self.asked(command, message, &mut |_, _| false).await
    }

    /// Asks a command that answers by a stream of `event`s, and gives these.
    pub async fn ask_stream(
        &mut self,
        command: &str,
        event: &str,
        message: Message,
    ) -> Result<Vec<Message>, ViciError> {
        self.listen(event).await?;
        let mut items = vec![];
        self.asked(command, message, &mut |name, item| {
            let ours = name == event;
            if ours {
                items.push(item);
            }
            ours
        })
        .await?;
        self.send(&Packet::Unregister(event.into())).await?;
        match self.answer(&mut |_, _| false).await? {
            Packet::Confirmed => Ok(items),
            _ => Err(ViciError::Unknown(event.into())),
        }
    }

    /// Waits for the next event that was listened to. May be broken off at any time.
    pub async fn event(&mut self) -> Result<String, ViciError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if let Packet::Event(name, _) = self.receive().await? {
                return Ok(name);
            }
        }
    }

    async fn asked(
        &mut self,
        command: &str,
        message: Message,
        on_event: OnEvent<'_>,
    ) -> Result<Message, ViciError> {
        self.send(&Packet::Request(command.into(), message)).await?;
        let Packet::Response(answer) = self.answer(on_event).await? else {
            return Err(ViciError::Unknown(command.into()));
        };
        if answer.text("success") == Some("no") {
            let reason = answer.text("errmsg").unwrap_or("it gives no reason").into();
            return Err(ViciError::Refused { command: command.into(), reason });
        }
        Ok(answer)
    }

    async fn send(&mut self, packet: &Packet) -> Result<(), ViciError> {
        // It may hold a private key.
        let bytes = Zeroizing::new(packet.encode()?);
        Ok(timeout(PATIENCE, self.stream.write_all(&bytes)).await.map_err(|_| ViciError::TimedOut)??)
    }

    /// The next packet that is no event; events that `on_event` does not take are kept.
    async fn answer(&mut self, on_event: OnEvent<'_>) -> Result<Packet, ViciError> {
        let wait = async {
            loop {
                match self.receive().await? {
                    Packet::Event(name, message) if on_event(&name, message.clone()) => {}
                    Packet::Event(name, _) => {
                        if self.events.len() == EVENTS {
                            self.events.pop_front();
                        }
                        self.events.push_back(name);
                    }
                    packet => return Ok(packet),
                }
            }
        };
        timeout(PATIENCE, wait).await.map_err(|_| ViciError::TimedOut)?
    }

    async fn receive(&mut self) -> Result<Packet, ViciError> {
        loop {
            if let Some((length, rest)) = self.buffer.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*length) as usize;
                if length > MAX_PACKET {
                    return Err(Malformed::Bounds.into());
                }
                if let Some(packet) = rest.get(..length) {
                    let packet = Packet::decode(packet)?;
                    self.buffer.drain(..length + 4);
                    return Ok(packet);
                }
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    /// A daemon that answers each packet with the next of its script.
    async fn daemon(script: Vec<Vec<Packet>>) -> (tempfile::TempDir, Client) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("vici");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answers in script {
                let mut length = [0; 4];
                stream.read_exact(&mut length).await.unwrap();
                let mut packet = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut packet).await.unwrap();
                for answer in answers {
                    stream.write_all(&answer.encode().unwrap()).await.unwrap();
                }
            }
        });
        let client = Client::connect(&socket).await.unwrap();
        (folder, client)
    }

    #[tokio::test]
    async fn events_between_question_and_answer_are_kept_in_order() {
        let event = |name: &str| Packet::Event(name.into(), Message::new());
        let script = vec![vec![
            event("child-updown"),
            event("ike-rekey"),
            Packet::Response(Message::new().with("success", "yes")),
        ]];
        let (_folder, mut client) = daemon(script).await;
        client.ask("load-conn", Message::new()).await.unwrap();
        assert_eq!(client.event().await.unwrap(), "child-updown");
        assert_eq!(client.event().await.unwrap(), "ike-rekey");
        assert!(matches!(client.event().await, Err(ViciError::Connection(_))), "the daemon is gone");
    }

    #[tokio::test]
    async fn a_refusal_bears_the_daemons_words_and_an_unknown_command_is_named() {
        let no = Message::new().with("success", "no").with("errmsg", "no such child");
        let script = vec![vec![Packet::Response(no)], vec![Packet::UnknownCommand]];
        let (_folder, mut client) = daemon(script).await;
        let error = client.ask("initiate", Message::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "strongSwan refuses initiate: no such child");
        let error = client.ask("frobnicate", Message::new()).await.unwrap_err();
        assert!(matches!(error, ViciError::Unknown(name) if name == "frobnicate"));
    }

    #[tokio::test]
    async fn a_packet_larger_than_the_protocol_knows_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("vici");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut client = Client::connect(&socket).await.unwrap();
        let (mut daemon, _) = listener.accept().await.unwrap();
        daemon.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        assert!(matches!(client.event().await, Err(ViciError::Malformed(Malformed::Bounds))));
    }

    #[tokio::test]
    async fn waiting_for_an_event_can_be_broken_off_in_the_middle_of_a_packet() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("vici");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut client = Client::connect(&socket).await.unwrap();
        let (mut daemon, _) = listener.accept().await.unwrap();
        let bytes = Packet::Event("ike-rekey".into(), Message::new()).encode().unwrap();
        daemon.write_all(&bytes[..6]).await.unwrap();
        timeout(Duration::from_millis(50), client.event()).await.unwrap_err();
        daemon.write_all(&bytes[6..]).await.unwrap();
        assert_eq!(client.event().await.unwrap(), "ike-rekey");
    }
}
