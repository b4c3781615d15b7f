//! The doors: DIMSE, DICOMweb, API, sign-in and pages.
//!
//! Invariant: holds no key but its own TLS key and no storage; asks the vault through `port` only.

mod api;
mod auth;
mod dicomweb;
mod dimse;
mod fhir;
mod hl7;
pub mod hostile;
mod http;
mod routes;
pub mod s3;
mod ui;

pub use api::said as rules_json;
pub use dicomweb::WebPartner;
pub use dimse::{Brought, Partner, Refused};
pub use routes::{Proof, Route, routes};

use http::serve::{self, Places, Stop};
use http::tls::{self, Clients};
use port::Archive;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Where to stand and with what.
#[derive(Clone)]
pub struct Options {
    /// DICOMweb, API and pages. Port 0: any free one, here and below.
    pub https: SocketAddr,
    /// Plain DIMSE, only where the configuration names it.
    pub dimse: Option<SocketAddr>,
    /// DIMSE over TLS with client certificates.
    pub dimse_tls: Option<SocketAddr>,
    /// HL7 v2 over MLLP and TLS with client certificates.
    pub hl7_tls: Option<SocketAddr>,
    /// The server's certificate and those above it.
    pub certificate_pem: String,
    /// Its key.
    pub key_pem: String,
    /// Authorities of client certificates.
    pub client_ca_pem: String,
    /// AE title that peers must call; empty: any.
    pub ae_title: String,
    /// SOP classes that are stored although PS3.6 does not list them.
    pub storage_classes: Vec<String>,
    /// Name and version, for the log.
    pub software: String,
    /// Origins of other sites whose pages may use DICOMweb with a token of their own; none by default.
    pub origins: Vec<String>,
}

/// Why the doors do not open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A PEM text is not what it should be.
    #[error("no {0} in the PEM text")]
    Pem(&'static str),
    /// Certificate or key are refused.
    #[error("TLS set-up failed: {0}")]
    Tls(#[from] rustls::Error),
    /// The authorities of client certificates are refused.
    #[error("client certificates cannot be checked: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
    /// No address of a service that is called over TLS, or of one on this machine.
    #[error("no https address, nor one of this machine")]
    Address,
    /// An address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Plain DIMSE names nobody and hides nothing: it stands on loopback only.
    #[error("plain DIMSE on {0}, which is not loopback")]
    PlainDimse(SocketAddr),
}

/// Open doors.
#[derive(Debug)]
pub struct Running {
    /// Where HTTPS listens.
    pub https: SocketAddr,
    /// Where plain DIMSE listens.
    pub dimse: Option<SocketAddr>,
    /// Where DIMSE over TLS listens.
    pub dimse_tls: Option<SocketAddr>,
    /// Where HL7 over TLS listens.
    pub hl7_tls: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
}

/// Opens the doors.
///
/// # Errors
/// When an address cannot be had or certificate and key are refused: nothing is open then.
pub async fn start(options: Options, archive: Arc<dyn Archive>) -> Result<Running, Error> {
    let browsers = tls::config(&options.certificate_pem, &options.key_pem, &Clients::Browsers)?;
    if let Some(plain) = options.dimse.filter(|address| !address.ip().is_loopback()) {
        return Err(Error::PlainDimse(plain));
    }
    let https = listen(options.https).await?;
    let plain = match options.dimse {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let secure = certified(&options, options.dimse_tls).await?;
    let messages = certified(&options, options.hl7_tls).await?;
    let (stop, stopping) = watch::channel(false);
    let mut running = Running {
        https: address(&https)?,
        dimse: None,
        dimse_tls: None,
        hl7_tls: None,
        stop,
        listeners: Vec::new(),
    };
    let door = http::Door::new(Arc::clone(&archive), options.origins.clone());
    running.listeners.push(tokio::spawn(web(https, browsers.into(), door, stopping.clone())));
    if let Some((listener, tls)) = messages {
        running.hl7_tls = Some(address(&listener)?);
        let archive = Arc::clone(&archive);
        running.listeners.push(tokio::spawn(hl7::listen(listener, tls, archive, stopping.clone())));
    }
    let peers = Arc::new(dimse::Peers::new(archive, &options, stopping.clone()));
    if plain.is_some() || secure.is_some() {
        running.listeners.push(tokio::spawn(dimse::run_jobs(Arc::clone(&peers))));
    }
    if let Some(listener) = plain {
        running.dimse = Some(address(&listener)?);
        running.listeners.push(tokio::spawn(dimse::listen(
            listener,
            None,
            Arc::clone(&peers),
            stopping.clone(),
        )));
    }
    if let Some((listener, tls)) = secure {
        running.dimse_tls = Some(address(&listener)?);
        running.listeners.push(tokio::spawn(dimse::listen(listener, Some(tls), peers, stopping)));
    }
    tracing::info!(software = options.software, https = %running.https, "doors are open");
    Ok(running)
}

/// A listener for machines that show a certificate of ours.
async fn certified(
    options: &Options,
    address: Option<SocketAddr>,
) -> Result<Option<(TcpListener, TlsAcceptor)>, Error> {
    let Some(address) = address else { return Ok(None) };
    let clients = Clients::Certified(&options.client_ca_pem);
    let config = tls::config(&options.certificate_pem, &options.key_pem, &clients)?;
    Ok(Some((listen(address).await?, TlsAcceptor::from(config))))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| Error::Listen { address: unknown, source })
}

async fn web(listener: TcpListener, tls: TlsAcceptor, door: Arc<http::Door>, stop: Stop) {
    let places = Places::new(http::limits::CONNECTIONS, http::limits::CONNECTIONS_OF_ONE);
    let each =
        move |socket, peer, stop| serve::connection(Arc::clone(&door), tls.clone(), socket, peer, stop);
    serve::accept(listener, places, stop, each).await;
}

impl Running {
    /// Closes the doors: no new connections, answers under way may end, the rest is cut within three seconds.
    pub async fn stop(self) {
        // Without receivers all listeners have ended already.
        let _ = self.stop.send(true);
        let bound = http::limits::STOP + Duration::from_millis(300);
        let mut listeners = self.listeners;
        let all = async {
            for listener in &mut listeners {
                // One that panicked has ended as well.
                let _ = listener.await;
            }
        };
        if tokio::time::timeout(bound, all).await.is_err() {
            listeners.iter().for_each(JoinHandle::abort);
        }
    }
}

#[cfg(test)]
mod tests;
