//! The DIMSE door (PS3.7, PS3.8): sockets and deadlines around `dicom::dimse::Acceptor`.

mod association;

use crate::http::serve::{self, Places, Stop};
use crate::http::{limits, tls};
use port::Archive;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Associations at once, on each listener.
pub const ASSOCIATIONS: usize = 64;
/// Associations at once of one address.
pub const ASSOCIATIONS_OF_ONE: usize = 32;
/// From the connection to the association request (PS3.8 §9.1.5, ARTIM timer).
pub const ARTIM: Duration = Duration::from_secs(30);
/// Silence on an association.
pub const IDLE: Duration = Duration::from_secs(60);
/// Until the peer took what is sent to it.
pub const SEND: Duration = Duration::from_secs(30);
/// The largest PDU that is offered.
pub const MAX_PDU: u32 = 128 << 10;

/// What all associations share.
pub struct Peers {
    archive: Arc<dyn Archive>,
    called_ae: Option<String>,
}

impl Peers {
    /// In front of a vault; an empty title: peers may call any.
    pub fn new(archive: Arc<dyn Archive>, ae_title: String) -> Self {
        let called = ae_title.trim().to_owned();
        Self { archive, called_ae: (!called.is_empty()).then_some(called) }
    }
}

/// Accepts associations until told to stop; with `tls` only of peers whose certificate is known.
pub async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, peers: Arc<Peers>, stop: Stop) {
    let places = Places::new(ASSOCIATIONS, ASSOCIATIONS_OF_ONE);
    let each = move |socket: TcpStream, peer, mut stop: Stop| {
        let (peers, tls) = (Arc::clone(&peers), tls.clone());
        async move {
            // Nagle's delay would hold back every C-STORE-RSP; without the option it is only slower.
            let _ = socket.set_nodelay(true);
            match tls {
                None => association::serve(&peers, socket, peer, String::new(), &mut stop).await,
                Some(tls) => {
                    let handshake = tokio::time::timeout(limits::HANDSHAKE, tls.accept(socket)).await;
                    let Ok(Ok(stream)) = handshake else { return };
                    let certificate = tls::digest(stream.get_ref().1);
                    association::serve(&peers, stream, peer, certificate, &mut stop).await;
                }
            }
        }
    };
    serve::accept(listener, places, stop, each).await;
}

#[cfg(test)]
mod tests;
