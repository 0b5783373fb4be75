use std::os::unix::fs::OpenOptionsExt;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let db = sled::Config::new().path(&dir).flush_every_ms(None).segment_size(64 * 1024).open().unwrap();
    let f = std::fs::OpenOptions::new().read(true).custom_flags(0).open(format!("{dir}/db")).unwrap();
    let d = std::fs::File::open(&dir).unwrap();
    d.sync_all().unwrap();
    for i in 0u64..3000 {
        db.insert(i.to_be_bytes(), vec![i as u8; 3000]).unwrap();
        if i >= 50 { db.remove((i - 50).to_be_bytes()).unwrap(); }
        db.flush().unwrap();
        f.sync_data().unwrap();
    }
}
