//! For the box's own programs (the console, an update that waits for a quiet moment): what the gateway knows of every
//! actor, on a Unix socket that only the gateway's account and root can open. No HTTP and nothing to ask: whoever
//! connects is told, and the connection ends.

use super::{site::Site, support};
use anyhow::{Context, Result};
use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::{UnixListener, UnixStream},
    time::timeout,
};

/// How long whoever connected may take to read.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Listens; tells whoever connects for as long as the site is there.
pub(super) fn tell(site: &Arc<Site>, state_directory: &Path) -> Result<()> {
    listen(site, &madoguchi::update::quiet::socket(state_directory), |site, mut stream| async move {
        let text = support::told(&site).to_string();
        // One that does not read is let go.
        let _ = timeout(READ_WITHIN, async {
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await
        })
        .await;
    })
}

/// Makes a socket for the gateway's account and root, and serves whoever connects for as long as the site is there.
pub(super) fn listen<F>(
    site: &Arc<Site>,
    socket: &Path,
    serve: impl Fn(Arc<Site>, UnixStream) -> F + Send + 'static,
) -> Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let what = || format!("{}", socket.display());
    if let Some(folder) = socket.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(what)?;
    }
    // Left by a gateway that was killed; a running one holds the state directory's lock.
    if socket.exists() {
        fs::remove_file(socket).with_context(what)?;
    }
    let listener = UnixListener::bind(socket).with_context(what)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600)).with_context(what)?;
    let site = Arc::downgrade(site);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Some(site) = site.upgrade() else { return };
            tokio::spawn(serve(site, stream));
        }
    });
    Ok(())
}
