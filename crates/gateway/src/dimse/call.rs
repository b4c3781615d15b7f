//! Associations that we open: to machines of the address book only, over TLS whose certificate is the one in the book; plain
//! to loopback only (DESIGN.md §3).

use super::prompt::Prompt;
use super::wire::{End, Socket, Wire};
use super::{ARTIM, MAX_PDU, Peers};
use crate::http::tls;
use dicom::bounds;
use dicom::dimse::{Association, Context, Event, Role, Terms};
use port::transfer::Peer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Until the other side takes the connection.
const CONNECT: Duration = Duration::from_secs(10);

/// An association that we opened.
pub type Outgoing = Wire<Box<dyn Socket>>;

/// Calls a peer with one presentation context for each class and its transfer syntaxes.
pub async fn call(
    peers: &Peers,
    peer: &Peer,
    proposals: &[(String, Vec<String>)],
    roles: &[Role],
) -> Result<Outgoing, End> {
    let socket = connect(peers, peer).await.inspect_err(|_| {
        tracing::warn!(peer = peer.name, "a machine cannot be reached");
    })?;
    let mut terms = Terms::ours(&peer.ae, peers.title(), MAX_PDU);
    let odd = (1u8..=255).step_by(2);
    let contexts = odd.zip(proposals).take(bounds::CONTEXTS).map(|(id, (class, syntaxes))| {
        let syntaxes: Vec<&str> = syntaxes.iter().map(String::as_str).collect();
        Context::propose(id, class, &syntaxes)
    });
    terms.contexts = contexts.collect();
    terms.roles = roles.to_vec();
    let mut wire = Wire::new(socket, Association::request(terms), peers.stop.clone());
    match wire.next(ARTIM).await? {
        Event::Associated(_) => Ok(wire),
        _ => Err(End::Closed),
    }
}

async fn connect(peers: &Peers, peer: &Peer) -> Result<Box<dyn Socket>, End> {
    let addresses = timeout(CONNECT, lookup_host(peer.address.as_str())).await;
    let all: Vec<SocketAddr> = addresses.ok().and_then(Result::ok).ok_or(End::Closed)?.collect();
    let plain = peer.certificate.is_empty();
    for address in all.into_iter().filter(|a| !plain || a.ip().is_loopback()) {
        let Ok(Ok(socket)) = timeout(CONNECT, TcpStream::connect(address)).await else { continue };
        let socket = Prompt::new(socket);
        if plain {
            return Ok(Box::new(socket));
        }
        let config = tls::client(&peers.certificate_pem, &peers.key_pem, &peer.certificate);
        let config = config.inspect_err(|e| tracing::warn!(error = %e, "TLS")).map_err(|_| End::Closed)?;
        let connector = TlsConnector::from(Arc::clone(&config));
        let name = rustls_pki_types::ServerName::from(address.ip());
        if let Ok(Ok(stream)) = timeout(CONNECT, connector.connect(name, socket)).await {
            return Ok(Box::new(stream));
        }
    }
    Err(End::Closed)
}
