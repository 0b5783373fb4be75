//! Listening in on the bus: Mosquitto's own client in the name of every account.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Clients of the broker, one for each account, that write down all that the broker lets them hear.
pub struct Listeners {
    clients: Vec<Child>,
    folder: PathBuf,
}

/// One message.
pub struct Message {
    pub account: String,
    pub topic: String,
    pub payload: Vec<u8>,
}

impl Listeners {
    /// Listens at the managed broker below `state`; what is heard is kept in `folder`.
    pub fn start(state: &Path, folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let broker = state.join("broker");
        let clients = fs::read_dir(broker.join("accounts")).unwrap().map(|entry| {
            let file = entry.unwrap().path();
            let account = file.file_name().unwrap().to_str().unwrap().to_owned();
            Command::new("mosquitto_sub")
                .args(["-V", "5", "-q", "1", "-t", "#", "-F", "%t %x", "-u", &account])
                .args(["-P", fs::read_to_string(&file).unwrap().trim()])
                .arg("--unix")
                .arg(broker.join("broker.sock"))
                .stdin(Stdio::null())
                .stdout(File::create(folder.join(&account)).unwrap())
                .stderr(File::create(folder.join(format!("{account}.errors"))).unwrap())
                .spawn()
                .expect("mosquitto_sub is in the package mosquitto-clients")
        });
        Self { clients: clients.collect(), folder: folder.to_owned() }
    }

    /// Whether this account heard anything yet.
    pub fn heard_by(&self, account: &str) -> bool {
        fs::metadata(self.folder.join(account)).is_ok_and(|file| file.len() > 0)
    }

    /// Stops listening; answers with what was heard.
    pub fn stop(mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        for client in &mut self.clients {
            assert!(client.try_wait().unwrap().is_none(), "a listener ended by itself");
            client.kill().unwrap();
            client.wait().unwrap();
        }
        for entry in fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".errors") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            // The last line may be cut short.
            let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            for line in whole.lines() {
                let (topic, payload) = line.split_once(' ').expect("topic and payload");
                let payload = payload.as_bytes().chunks_exact(2);
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
                messages.push(Message {
                    account: name.clone(),
                    topic: topic.into(),
                    payload: payload.map(byte).collect(),
                });
            }
        }
        messages
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for client in &mut self.clients {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}
