//! Requests of our own (RFC 9112): over TLS under named authorities; in the clear to this machine only (DESIGN.md §3).

use crate::Error;
use crate::http::tls;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::fs::File;
use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Until the other side takes the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Until it begins to answer, or goes on: it may read from tape.
const ANSWER: Duration = Duration::from_secs(900);
/// Read of a file at once.
const PIECE: usize = 256 << 10;

/// A server that is called.
#[derive(Debug, Clone)]
pub struct Agent {
    base: Uri,
    tls: Option<Arc<ClientConfig>>,
}

/// What goes with a request.
#[derive(Debug)]
pub enum Outgoing {
    /// Nothing.
    Empty,
    /// So many bytes of a file.
    File(File, u64),
}

impl Agent {
    /// `authorities`: PEM text, for `https`.
    ///
    /// # Errors
    /// The address is none; authorities are missing, or it is not TLS and leads elsewhere than to this machine.
    pub fn new(base: &str, authorities: Option<&str>) -> Result<Self, Error> {
        let base: Uri = base.trim_end_matches('/').parse().map_err(|_| Error::Address)?;
        let tls = match (base.scheme_str(), authorities) {
            (Some("https"), Some(authorities)) => Some(tls::user_agent(authorities)?),
            (Some("https"), None) => return Err(Error::Pem("certificate")),
            (Some("http"), _) if base.host().is_some_and(is_this_machine) => None,
            _ => return Err(Error::Address),
        };
        Ok(Self { base, tls })
    }

    /// Host, with the port where it is said.
    pub fn authority(&self) -> &str {
        self.base.authority().map_or("", hyper::http::uri::Authority::as_str)
    }

    /// The path below which its services lie, without a slash at the end.
    pub fn path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// The answer, its body to come; nothing when there is none.
    pub async fn ask(&self, request: Request<Outgoing>) -> Option<Response<Incoming>> {
        let host = self.base.host()?.trim_matches(['[', ']']);
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let port = self.base.port_u16().unwrap_or(usual);
        let addresses = timeout(CONNECT, lookup_host((host, port))).await.ok()?.ok()?;
        for address in addresses.filter(|a| self.tls.is_some() || a.ip().is_loopback()) {
            let Ok(Ok(socket)) = timeout(CONNECT, TcpStream::connect(address)).await else { continue };
            return match &self.tls {
                None => answered(socket, request).await,
                Some(config) => {
                    let name = ServerName::try_from(host.to_owned()).ok()?;
                    let connector = TlsConnector::from(Arc::clone(config));
                    let stream = timeout(CONNECT, connector.connect(name, socket)).await.ok()?.ok()?;
                    answered(stream, request).await
                }
            };
        }
        None
    }
}

async fn answered(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Outgoing>,
) -> Option<Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.ok()?;
    // It ends with the answer's body.
    tokio::spawn(connection);
    timeout(ANSWER, sender.send_request(request)).await.ok()?.ok()
}

fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// The next bytes of an answer: nothing at its end; an error when it was cut or the other side is silent.
pub async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, ()> {
    loop {
        let frame = timeout(ANSWER, poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await.map_err(drop)?;
        let Some(frame) = frame else { return Ok(None) };
        // Trailers say nothing.
        if let Ok(bytes) = frame.map_err(drop)?.into_data() {
            return Ok(Some(bytes));
        }
    }
}

/// All of an answer, at most so many bytes.
pub async fn whole(mut body: Incoming, most: usize) -> Result<Vec<u8>, ()> {
    let mut out = Vec::new();
    while let Some(bytes) = piece(&mut body).await? {
        if out.len() + bytes.len() > most {
            return Err(());
        }
        out.extend_from_slice(&bytes);
    }
    Ok(out)
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let Self::File(file, left) = &mut *self else { return Poll::Ready(None) };
        if *left == 0 {
            return Poll::Ready(None);
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(*left).unwrap_or(PIECE))];
        let read = file.read(&mut piece).and_then(|read| {
            // It is shorter than it was: what was said of its length is not true any more.
            if read == 0 { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
        });
        Poll::Ready(Some(read.map(|read| {
            piece.truncate(read);
            *left -= read as u64;
            Frame::data(piece.into())
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if let Self::File(_, left) = self { *left } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for near in ["http://127.0.0.1/x", "http://localhost:1", "http://[::1]:7/y/"] {
            assert!(Agent::new(near, None).is_ok(), "{near}");
        }
        for far in ["http://10.0.0.1", "http://pacs", "http://127.0.0.1.example", "ftp://127.0.0.1", "x", ""]
        {
            assert!(matches!(Agent::new(far, None), Err(Error::Address)), "{far}");
        }
        assert!(matches!(Agent::new("https://pacs", None), Err(Error::Pem(_))));
    }
}
