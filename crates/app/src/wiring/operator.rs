//! The operator's own line: a Unix socket among the keys, through which `gauze import` stores into a running archive.
//! Who can reach it can read the root key beside it, so it gives nothing away that he has not got. The peer's user is checked
//! all the same.

use crate::home::Home;
use port::{Archive, line};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{UnixListener, UnixStream};

/// A socket's name must fit into `sockaddr_un`.
const NAME_BYTES: usize = 107;

fn path(home: &Home) -> PathBuf {
    home.key("operator.sock")
}

/// Removes the socket's name when the archive stops.
pub struct Socket {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        // The name is only a name: a stale one is replaced at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens; nothing when the home's path is too long for a socket.
pub fn listen(home: &Home, archive: Arc<dyn Archive>) -> Option<Socket> {
    let path = path(home);
    if path.as_os_str().len() > NAME_BYTES {
        tracing::warn!(
            "the home's path is too long for the operator's socket; `gauze import` needs a stopped archive"
        );
        return None;
    }
    // The data folder's lock is ours, so a socket that is there belongs to an archive that died.
    let _ = std::fs::remove_file(&path);
    let listener =
        UnixListener::bind(&path).inspect_err(|e| tracing::warn!(error = %e, "operator's socket")).ok()?;
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if same_user(&stream) {
                let archive = Arc::clone(&archive);
                tokio::spawn(async move { drop(line::serve_operator(stream, archive).await) });
            }
        }
    });
    Some(Socket { path, task })
}

fn same_user(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

/// A line to the running archive of this home, if there is one.
pub async fn connect(home: &Home) -> Option<Arc<dyn Archive>> {
    let stream = UnixStream::connect(path(home)).await.ok()?;
    let client = line::Client::<port::Call, port::Response>::connect(stream).await.ok()?;
    Some(Arc::new(client))
}
