//! The DIMSE door (PS3.7, PS3.8): sockets and deadlines around `dicom::dimse`.

mod association;
mod call;
mod commit;
mod fetch;
mod find;
mod get;
mod jobs;
mod moving;
mod person;
mod prompt;
mod send;
mod store;
pub mod wire;

pub use fetch::{Brought, Partner, Refused};
pub use jobs::run as run_jobs;

use crate::Options;
use crate::http::serve::{self, Places, Stop};
use crate::http::{limits, tls};
use port::Archive;
use prompt::Prompt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Associations at once, on each listener.
pub const ASSOCIATIONS: usize = 64;
/// Associations at once of one address.
pub const ASSOCIATIONS_OF_ONE: usize = 32;
/// From the connection to the association request, and from our own to its answer (PS3.8 §9.1.5, ARTIM timer).
pub const ARTIM: Duration = Duration::from_secs(30);
/// Silence on an association.
pub const IDLE: Duration = Duration::from_secs(60);
/// Until the peer took what is sent to it.
pub const SEND: Duration = Duration::from_secs(30);
/// Until the peer answered what was sent to it whole.
pub const RESPONSE: Duration = Duration::from_secs(120);
/// The largest PDU that is offered.
pub const MAX_PDU: u32 = 128 << 10;
/// Instances that are asked of the vault at once.
pub const BATCH: usize = 128;
/// Our title where peers may call any.
const TITLE: &str = "GAUZE";

/// What all associations share.
pub struct Peers {
    archive: Arc<dyn Archive>,
    called_ae: Option<String>,
    storage_classes: Vec<String>,
    certificate_pem: String,
    key_pem: String,
    stop: Stop,
}

impl Peers {
    /// In front of a vault; an empty title: peers may call any.
    pub fn new(archive: Arc<dyn Archive>, options: &Options, stop: Stop) -> Self {
        let called = options.ae_title.trim().to_owned();
        Self {
            archive,
            called_ae: (!called.is_empty()).then_some(called),
            storage_classes: options.storage_classes.clone(),
            certificate_pem: options.certificate_pem.clone(),
            key_pem: options.key_pem.clone(),
            stop,
        }
    }

    fn title(&self) -> &str {
        self.called_ae.as_deref().unwrap_or(TITLE)
    }
}

/// Accepts associations until told to stop; with `tls` only of peers whose certificate is known.
pub async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, peers: Arc<Peers>, stop: Stop) {
    let places = Places::new(ASSOCIATIONS, ASSOCIATIONS_OF_ONE);
    let each = move |socket: TcpStream, peer, mut stop: Stop| {
        let (peers, tls) = (Arc::clone(&peers), tls.clone());
        async move {
            let socket = Prompt::new(socket);
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
