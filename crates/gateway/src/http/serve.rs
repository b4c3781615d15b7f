//! Connections of the HTTP door: accepted within bounds, watched while they live, ended in order.

use super::activity::Activity;
use super::{Door, Incoming, Reply, answer, limits};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Ends when its sender says so or is gone.
pub type Stop = watch::Receiver<bool>;

/// Waits for the wish to stop.
pub async fn stopped(stop: &mut Stop) {
    // A sender that is gone wishes the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Read from a socket at once: rustls asks for 4 KiB at a time, which is a system call for each quarter of a record.
const READ_BYTES: usize = 32 << 10;

/// A connection's bytes, still sealed.
type Socket = BufReader<TcpStream>;

/// Connections at once, in all and of one address: one host shall not take all places.
pub struct Places {
    all: Arc<Semaphore>,
    of_one: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, until dropped.
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many.
    #[must_use]
    pub fn new(all: usize, of_one: usize) -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(all)), of_one, held: Mutex::default() })
    }

    /// One for this address, if there is one.
    #[must_use]
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= self.of_one {
            return None;
        }
        *count += 1;
        Some(Place { places: Arc::clone(self), address, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// Accepts until told to stop, then waits for the connections that are left, then cuts them.
pub async fn accept<F, C>(listener: TcpListener, places: Arc<Places>, mut stop: Stop, mut each: F)
where
    F: FnMut(TcpStream, SocketAddr, Stop) -> C,
    C: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, peer)) => {
                if let Some(place) = places.take(peer.ip()) {
                    let connection = each(socket, peer, stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
            }
            // Out of descriptors: the next attempt would fail at once too.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    let rest = async { while connections.join_next().await.is_some() {} };
    // Dropping the set cuts what is left.
    let _ = tokio::time::timeout(limits::STOP, rest).await;
}

/// One connection of a browser or DICOMweb client.
pub async fn connection(door: Arc<Door>, tls: TlsAcceptor, socket: TcpStream, peer: SocketAddr, stop: Stop) {
    // Nagle's delay would hold back short answers; without the option it is only slower.
    let _ = socket.set_nodelay(true);
    let socket = Socket::with_capacity(READ_BYTES, socket);
    let Ok(Ok(stream)) = tokio::time::timeout(limits::HANDSHAKE, tls.accept(socket)).await else { return };
    let activity = Activity::new();
    let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let served = async {
        if second {
            http2(door, stream, peer, Arc::clone(&activity), stop).await
        } else {
            http1(door, stream, peer, Arc::clone(&activity), stop).await;
        }
    };
    tokio::select! {
        () = served => {}
        () = activity.over() => {}
    }
}

async fn one(
    door: Arc<Door>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<Reply, Infallible> {
    let in_flight = activity.begin();
    let (head, body) = request.into_parts();
    let body = Incoming::new(body, Some(activity));
    let mut reply = answer(&door, peer, hyper::Request::from_parts(head, ()), body).await;
    reply.body_mut().hold(in_flight);
    Ok(reply)
}

async fn http1(
    door: Arc<Door>,
    stream: TlsStream<Socket>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    mut stop: Stop,
) {
    let service = service_fn(move |request| one(Arc::clone(&door), peer, Arc::clone(&activity), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD)
        .max_buf_size(limits::HEAD_BYTES)
        .max_headers(limits::HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How a client went away is no news; what it asked is in the log.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn http2(
    door: Arc<Door>,
    stream: TlsStream<Socket>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    mut stop: Stop,
) {
    let service = service_fn(move |request| one(Arc::clone(&door), peer, Arc::clone(&activity), request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::BODY_SILENCE)
        .max_concurrent_streams(limits::REQUESTS)
        .max_header_list_size(limits::HEADER_LIST_BYTES)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_send_buf_size(256 << 10)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_of_one() {
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let places = Places::new(3, 2);
        let first: Vec<_> = (0..2).map(|_| places.take(here).unwrap()).collect();
        assert!(places.take(here).is_none());
        let other = places.take(there).unwrap();
        assert!(places.take(there).is_none(), "all are taken");
        drop((first, other));
        assert!(places.take(here).is_some());
        assert!(places.held.lock().unwrap().is_empty(), "nothing is kept of who left");
    }
}
