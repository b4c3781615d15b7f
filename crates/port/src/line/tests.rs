//! One suite over a direct call and a socket pair.

use super::{Client, serve_archive};
use crate::{Archive, Call, Code, Credential, Fault, Item, Request, Response, Stream, Trailer, stream};
use bytes::Bytes;
use model::{Arrival, Door};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Echoes bodies, counts what was cancelled.
#[derive(Default)]
struct Echo {
    dropped: Arc<AtomicUsize>,
}

struct OnDrop(Arc<AtomicUsize>);
impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Archive for Echo {
    async fn call(&self, call: Call, mut body: Stream) -> Result<(Response, Stream), Fault> {
        match call.request {
            Request::Whoami => Err(Fault { code: Code::SlowDown, retry_after_s: Some(7) }),
            Request::Ready => {
                let _guard = OnDrop(Arc::clone(&self.dropped));
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok((Response::Done, crate::empty()))
            }
            _ => {
                let (sink, back) = stream();
                tokio::spawn(async move {
                    loop {
                        match body.next().await {
                            Ok(Some(item)) => sink.send(item).await?,
                            Ok(None) => return sink.finish().await,
                            Err(fault) => {
                                sink.fail(fault).await;
                                return Ok(());
                            }
                        }
                    }
                });
                Ok((Response::Done, back))
            }
        }
    }
}

fn ask(request: Request) -> Call {
    let arrival = Arrival {
        door: Door::Command,
        peer: "test".into(),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: String::new(),
        request: "r1".into(),
    };
    Call { credential: Credential::None, arrival, request }
}

async fn lines() -> Vec<(&'static str, Arc<dyn Archive>, Arc<AtomicUsize>)> {
    let direct = Echo::default();
    let direct_dropped = Arc::clone(&direct.dropped);
    let behind = Echo::default();
    let behind_dropped = Arc::clone(&behind.dropped);
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    tokio::spawn(serve_archive(theirs, Arc::new(behind)));
    let client = Client::<Call, Response>::connect(ours).await.unwrap();
    vec![("direct", Arc::new(direct), direct_dropped), ("socket", Arc::new(client), behind_dropped)]
}

#[tokio::test]
async fn bodies_come_back_whole() {
    for (name, archive, _) in lines().await {
        let (sink, body) = stream();
        tokio::spawn(async move {
            for i in 0..500u32 {
                sink.bytes(Bytes::from(vec![(i % 251) as u8; 10_000])).await.unwrap();
            }
            sink.finish().await.unwrap();
        });
        let (answer, back) = archive.call(ask(Request::SignOut), body).await.unwrap();
        assert_eq!(answer, Response::Done, "{name}");
        let bytes = back.collect(5_000_000).await.unwrap();
        assert_eq!(bytes.len(), 5_000_000, "{name}");
        assert!(bytes.chunks(10_000).enumerate().all(|(i, c)| c.iter().all(|b| usize::from(*b) == i % 251)));
    }
}

#[tokio::test]
async fn a_cut_body_is_not_an_end() {
    for (name, archive, _) in lines().await {
        let (sink, body) = stream();
        sink.bytes(Bytes::from_static(b"half")).await.unwrap();
        drop(sink);
        let (_, mut back) = archive.call(ask(Request::SignOut), body).await.unwrap();
        assert_eq!(back.next().await, Ok(Some(Item::Chunk(Bytes::from_static(b"half")))), "{name}");
        assert_eq!(back.next().await, Err(Code::Cut.into()), "{name}");
    }
}

#[tokio::test]
async fn faults_and_limits_travel() {
    for (name, archive, _) in lines().await {
        let fault = archive.call(ask(Request::Whoami), crate::empty()).await.unwrap_err();
        assert_eq!(fault, Fault { code: Code::SlowDown, retry_after_s: Some(7) }, "{name}");
        let (_, back) =
            archive.call(ask(Request::SignOut), crate::stream::of_bytes(vec![0; 101].into())).await.unwrap();
        assert_eq!(back.collect(100).await, Err(Code::TooLarge.into()), "{name}: bound plus one");
    }
}

#[tokio::test]
async fn a_slow_stream_does_not_stop_the_others() {
    for (name, archive, _) in lines().await {
        let slow = crate::stream::of_bytes(vec![1; 4 << 20].into());
        let (_, _unread) = archive.call(ask(Request::SignOut), slow).await.unwrap();
        let quick = async {
            let body = crate::stream::of_bytes(vec![2; 4 << 20].into());
            let (_, back) = archive.call(ask(Request::SignOut), body).await.unwrap();
            back.collect(4 << 20).await.unwrap().len()
        };
        let len = tokio::time::timeout(Duration::from_secs(20), quick).await.expect(name);
        assert_eq!(len, 4 << 20, "{name}");
    }
}

#[tokio::test]
async fn dropping_a_call_cancels_it() {
    for (name, archive, dropped) in lines().await {
        let call = archive.call(ask(Request::Ready), crate::empty());
        assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
        for _ in 0..100 {
            if dropped.load(Ordering::SeqCst) == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "{name}");
    }
}

#[tokio::test]
async fn a_socket_never_speaks_as_the_local_operator() {
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    tokio::spawn(serve_archive(theirs, Arc::new(Echo::default())));
    let client = Client::<Call, Response>::connect(ours).await.unwrap();
    let mut call = ask(Request::SignOut);
    call.credential = Credential::Local;
    assert_eq!(client.call(call, crate::empty()).await.unwrap_err(), Code::NotSignedIn.into());
}

#[tokio::test]
async fn hostile_frames_end_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let cases: &[&[u8]] = &[
        &[0xFF; 13],                                  // a length of 4 GiB
        &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0],     // shorter than a head
        &[0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], // another version
        &[0, 0, 0, 10, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1], // unknown kind
        &[0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 7, 0, 0, 0, 0, 0, 0, 0, 1], // credit the wrong way is ignored, then end
    ];
    for case in cases {
        let (mut ours, theirs) = tokio::net::UnixStream::pair().unwrap();
        let serving = tokio::spawn(serve_archive(theirs, Arc::new(Echo::default())));
        ours.write_all(case).await.unwrap();
        ours.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(5), ours.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "{case:?} left the connection open");
        assert!(tokio::time::timeout(Duration::from_secs(5), serving).await.is_ok());
    }
}

#[test]
fn codes_are_stable_words() {
    // Written by hand from the doors' tables: a change here breaks scripts and pages.
    let words: Vec<&str> = Code::ALL.iter().map(|c| c.as_str()).collect();
    assert_eq!(
        words,
        [
            "not-signed-in",
            "sign-in-failed",
            "slow-down",
            "not-found",
            "not-allowed",
            "reason-needed",
            "second-factor-needed",
            "second-factor-failed",
            "open-anew",
            "bad-request",
            "version-conflict",
            "too-large",
            "unsupported",
            "bad-object",
            "storage-full",
            "unavailable",
            "cut",
            "wrong-version",
            "internal"
        ]
    );
    let _ = std::mem::size_of::<Trailer>();
}
