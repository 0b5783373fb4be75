//! The page's server, which moves when the configuration says so.
//!
//! It moves in the background: the answer to whoever applied the change still goes out from the old place. Where the new
//! place can't be served after all, nobody can confirm the change there, and the keeper takes it back.

use crate::{config::Web, web::Pages};
use anyhow::{Context, Result};
use std::{net::TcpListener, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

/// After a failed try.
const RETRY: Duration = Duration::from_secs(1);
/// How long the old place still answers what it was asked.
const GRACE: Duration = Duration::from_secs(1);

/// Serves the page for as long as it is there.
pub struct Front {
    wanted: watch::Sender<Web>,
    task: JoinHandle<()>,
}

impl Front {
    /// Serves the page; fails where that can't be done at once.
    pub fn open(pages: Pages, at: &Web) -> Result<Self> {
        let server = pages.serve(at)?;
        let (wanted, wishes) = watch::channel(at.clone());
        Ok(Self { wanted, task: tokio::spawn(serve(pages, server, wishes)) })
    }

    /// Moves where the configuration says; fails at once where nothing can listen there.
    pub fn settle(&self, web: &Web) -> Result<()> {
        let now = self.wanted.borrow().clone();
        if *web == now {
            return Ok(());
        }
        if web.listen != now.listen {
            TcpListener::bind(web.listen)
                .with_context(|| format!("the page can't listen on {} (web.listen)", web.listen))?;
        }
        self.wanted.send_replace(web.clone());
        Ok(())
    }

    /// Ends the page.
    pub async fn close(self) {
        // Without a wish there is nothing to serve.
        drop(self.wanted);
        // The task ends with its server; a panic in it is none of the caller's.
        let _ = self.task.await;
    }
}

async fn serve(pages: Pages, server: actix_web::dev::ServerHandle, mut wishes: watch::Receiver<Web>) {
    let mut server = Some(server);
    while wishes.changed().await.is_ok() {
        if let Some(old) = server.take() {
            sleep(GRACE).await;
            old.stop(false).await;
        }
        while server.is_none() && wishes.has_changed().is_ok() {
            let web = wishes.borrow_and_update().clone();
            match pages.serve(&web) {
                Ok(new) => server = Some(new),
                Err(error) => {
                    tracing::error!("{error:#}");
                    sleep(RETRY).await;
                }
            }
        }
    }
    if let Some(server) = server {
        server.stop(false).await;
    }
}
