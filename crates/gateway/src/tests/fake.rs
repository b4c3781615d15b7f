//! A vault that answers as a test says, and remembers what it was asked.

use super::planes;
use crate::http::{Door, Incoming, answer};
use bytes::Bytes;
use hyper::{HeaderMap, Request as HttpRequest, StatusCode};
use model::{Arrival, InstanceFacts, Role};
use port::archive::{Account, Glass, Opened, Redraw, Retrieve, Review, Stored, StudyLine};
use port::putright::{Answer, Ask as Asked, LookedUp};
use port::{Archive, Call, Code, Credential, Fault, Item, Part, Request, Response, Stream, Trailer};
use std::sync::{Arc, Mutex};

/// What the fake says.
#[derive(Default)]
pub struct Fake {
    /// Refuses everything with this.
    pub refuse: Option<Fault>,
    /// Panics.
    pub panics: bool,
    /// The caller may not store.
    pub may_not_store: bool,
    /// What a retrieve sends; at its end: well, or with this fault.
    pub items: Vec<Item>,
    /// Instead of an end.
    pub cut: Option<Code>,
    /// What would leave, and by which job.
    pub gathered: port::transfer::Gathered,
    /// All calls, in order.
    pub calls: Mutex<Vec<Call>>,
    /// All objects that came whole.
    pub stored: Mutex<Vec<(Vec<u8>, InstanceFacts)>>,
    /// Faults with which objects ended.
    pub refused: Mutex<Vec<Code>>,
}

/// A response, read.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The body was cut.
    pub cut: bool,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub type Headers<'a> = &'a [(&'static str, &'a str)];

/// A signed-in browser with a viewing set.
pub const COOKIES: (&str, &str) = ("cookie", "__Host-gauze-session=gzs_s; __Host-gauze-view=gzv_v");
/// Names every answer of the fake.
pub const TAG: &str = "0123456789abcdef0123456789abcdef";
pub const JSON: (&str, &str) = ("content-type", "application/json");

impl Fake {
    pub fn refusing(code: Code) -> Self {
        Self { refuse: Some(code.into()), ..Self::default() }
    }

    pub fn sending(items: Vec<Item>) -> Self {
        Self { items, ..Self::default() }
    }

    pub fn last(&self) -> Call {
        self.calls.lock().unwrap().last().cloned().unwrap()
    }

    pub fn retrieve(&self) -> Retrieve {
        match self.last().request {
            Request::Retrieve(retrieve) => retrieve,
            other => panic!("{other:?}"),
        }
    }

    async fn store(&self, study: Option<model::Uid>, mut body: Stream) -> Result<Response, Fault> {
        let (mut bytes, mut facts) = (Vec::new(), None);
        loop {
            match body.next().await {
                Ok(Some(Item::Chunk(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(Some(Item::Trailer(trailer))) => {
                    let Trailer::Facts(known) = *trailer else { panic!("of masks") };
                    facts = Some(known);
                }
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) => break,
                Err(fault) => {
                    self.refused.lock().unwrap().push(fault.code);
                    return Err(fault);
                }
            }
        }
        let facts = facts.ok_or(Code::BadRequest)?;
        if study.is_some_and(|study| study != facts.study_uid) {
            return Err(Code::BadRequest.into());
        }
        let stored = Stored {
            study: facts.study_uid.clone(),
            series: facts.series_uid.clone(),
            instance: facts.sop_uid.clone(),
            sop_class: facts.sop_class.clone(),
            version: 1,
            duplicate: false,
        };
        self.stored.lock().unwrap().push((bytes, facts));
        Ok(Response::Stored(stored))
    }

    fn parts(&self) -> Stream {
        let (sink, stream) = port::stream();
        let (items, cut) = (self.items.clone(), self.cut);
        tokio::spawn(async move {
            for item in items {
                if sink.send(item).await.is_err() {
                    return;
                }
            }
            match cut {
                Some(code) => sink.fail(code.into()).await,
                None => drop(sink.finish().await),
            }
        });
        stream
    }
}

#[async_trait::async_trait]
impl Archive for Fake {
    async fn call(&self, call: Call, body: Stream) -> Result<(Response, Stream), Fault> {
        // The gateway asks for jobs by itself, whatever the test is about.
        if call.request == Request::LeaseJob {
            return Ok((Response::Job(None), port::empty()));
        }
        self.calls.lock().unwrap().push(call.clone());
        assert!(!self.panics, "as the test wants");
        if let Some(fault) = &self.refuse {
            return Err(fault.clone());
        }
        let response = match call.request {
            Request::Store { .. } if self.may_not_store => return Err(Code::NotAllowed.into()),
            Request::Store { study } => self.store(study, body).await?,
            Request::Retrieve(asked) if asked.known.iter().any(|tag| tag == TAG) => {
                Response::Unchanged { tag: TAG.to_owned() }
            }
            Request::Retrieve(_) => {
                return Ok((Response::Parts { fallback: true, tag: TAG.to_owned() }, self.parts()));
            }
            Request::SignIn { .. } => {
                Response::SignedIn { session: "gzs_new".into(), account: account(), expires_in_s: 60 }
            }
            Request::MachineToken { .. } => {
                Response::MachineToken { token: "gzm_new".into(), expires_in_s: 600 }
            }
            Request::Whoami => Response::Account(Account { stores: !self.may_not_store, ..account() }),
            Request::Open { .. } | Request::Lift { .. } => Response::Opened(opened()),
            Request::Glass(Glass::Break { .. }) => Response::Opened(opened()),
            Request::Glass(Glass::Reviews) => Response::Reviews { reviews: vec![review()], total: 1 },
            Request::Glass(Glass::Review { .. }) => Response::Done,
            Request::Find(query) | Request::Scheduled(query) => Response::Found(port::find::Found {
                answers: if query.offset == 0 { vec![line()] } else { Vec::new() },
                more: query.offset == 0,
                unsupported: vec![vec![0x0010_1020], vec![0x0040_0275, 0x0040_1001]],
            }),
            Request::Worklist { .. } | Request::MyStudies => {
                let line =
                    StudyLine { attributes: line(), order: true, related: false, looked: 3, mask_version: 2 };
                Response::Studies { studies: vec![line], total: 9 }
            }
            Request::Accesses { .. } => Response::Accesses { entries: Vec::new(), next: Some(4) },
            Request::Masks { .. } => Response::Masks {
                version: 1,
                regions: Vec::new(),
                others: Vec::new(),
                holds_for: model::HoldsFor::Related,
            },
            Request::DrawMasks { change: Redraw { wanted: regions, expect_version, .. }, .. } => {
                Response::Masks {
                    version: expect_version + 1,
                    regions,
                    others: Vec::new(),
                    holds_for: model::HoldsFor::Related,
                }
            }
            Request::MaskPlanes(_) => {
                return Ok((
                    Response::MaskPlanes(Box::new(planes::sheet())),
                    port::stream::of_bytes(planes::PLANES.into()),
                ));
            }
            Request::BringPlanes(brought) => planes::brought(brought, body).await?,
            Request::Consent(ask) => super::consent::answer(&ask),
            Request::StandingMasks { .. } => Response::Standing { version: 0, standing: nothing_wished() },
            Request::WishMasks { change: Redraw { wanted: standing, expect_version, .. }, .. } => {
                Response::Standing { version: expect_version + 1, standing }
            }
            Request::PutRight(asked) => Response::PutRight(match asked {
                Asked::Make { expect_version, .. } | Asked::Undo { expect_version, .. } => {
                    Answer::Done { change: 4, version: expect_version + 1, studies: 2, objects: 3 }
                }
                Asked::Changes { .. } => Answer::Changes { version: 5, changes: Vec::new(), next: None },
                Asked::LookUp { .. } => {
                    let found = LookedUp { study: line(), series: vec![line()] };
                    Answer::LookedUp { version: 5, studies: vec![found] }
                }
            }),
            Request::Govern(_) => Response::Governed(Box::new(port::govern::Answer::Faulty("here".into()))),
            Request::Ties(asked) => Response::Ties(tied(asked)),
            Request::Gather(_) => Response::Gathered(self.gathered.clone()),
            Request::Transfer(_) => {
                return Ok((Response::Parts { fallback: false, tag: TAG.to_owned() }, self.parts()));
            }
            Request::Commit { transaction, references } => {
                Response::Job(Some(report(transaction, references)))
            }
            Request::LeaseJob => Response::Job(None),
            Request::SignOut
            | Request::Ready
            | Request::Schedule { .. }
            | Request::EndOrder { .. }
            | Request::JobProgress { .. }
            | Request::Backup { .. }
            | Request::Leave(_) => Response::Done,
        };
        Ok((response, port::empty()))
    }
}

fn report(transaction: model::Uid, committed: Vec<(model::Uid, model::Uid)>) -> port::transfer::Job {
    let report = port::transfer::Report { transaction, committed, failed: Vec::new() };
    let task = port::transfer::Task::Report(report);
    port::transfer::Job { id: model::Id([7; 16]), peer: None, task, attempts: 0 }
}

fn account() -> Account {
    let (user, name) = ("reader".to_owned(), "张医生".to_owned());
    Account { user, name, role: Role::Radiologist, organisation: "hospital".into(), stores: true }
}

fn opened() -> Opened {
    Opened {
        token: "gzt_t".into(),
        viewing: "gzv_new".into(),
        expires_in_s: 300,
        visibility: "masked".into(),
        mask_version: 7,
        may_lift: true,
        lifted: false,
    }
}

pub fn line() -> model::Attributes {
    let mut line = model::Attributes::new();
    line.set(model::tags::STUDY_INSTANCE_UID, *b"UI", ["1.2.3".to_owned()]);
    line.set(model::tags::SERIES_INSTANCE_UID, *b"UI", ["1.2.4".to_owned()]);
    line.set(model::tags::SOP_INSTANCE_UID, *b"UI", ["1.2.5".to_owned()]);
    line
}

/// Sends a request through the whole door but its socket.
pub async fn send(fake: &Arc<Fake>, method: &str, uri: &str, headers: Headers<'_>, body: Vec<Bytes>) -> Got {
    let door = Door::new(Arc::clone(fake) as Arc<dyn Archive>, Vec::new());
    let mut request = HttpRequest::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (outlet, incoming) = crate::http::Body::flow();
    let incoming = if body.is_empty() { crate::http::Body::empty() } else { incoming };
    let sending = async move {
        for piece in body {
            if outlet.send(piece).await.is_err() {
                return;
            }
        }
        outlet.end().await;
    };
    let peer = "10.0.0.9:1234".parse().unwrap();
    let incoming = Incoming::new(incoming, None);
    let answering = answer(&door, peer, request.body(()).unwrap(), incoming);
    let (reply, ()) = tokio::join!(answering, sending);
    let (head, body) = reply.into_parts();
    let (mut body, mut bytes, mut cut) = (Incoming::new(body, None), Vec::new(), false);
    loop {
        match body.next().await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => break,
            Err(_) => {
                cut = true;
                break;
            }
        }
    }
    Got { status: head.status, headers: head.headers, body: bytes, cut }
}

/// The same without a body.
pub async fn get(fake: &Arc<Fake>, uri: &str, headers: Headers<'_>) -> Got {
    send(fake, "GET", uri, headers, Vec::new()).await
}

/// A part with bytes.
pub fn part(media: &str, syntax: Option<&str>, frame: Option<u32>, bytes: &'static [u8]) -> [Item; 2] {
    let uid = |text: &str| text.parse().unwrap();
    let part = Part {
        media: media.to_owned(),
        transfer_syntax: syntax.map(uid),
        instance: Some((uid("1.2.4"), uid("1.2.5"))),
        frame,
        span: None,
        derived: false,
    };
    [Item::Part(part), Item::Chunk(Bytes::from_static(bytes))]
}

/// A valid small object.
pub fn object(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../dicom/testdata/dicom/intake-pydicom__");
    std::fs::read(format!("{folder}{name}.dcm")).unwrap()
}

/// Who asked, as the vault saw it.
pub fn seen(fake: &Fake) -> (Credential, Arrival) {
    let call = fake.last();
    (call.credential, call.arrival)
}

fn nothing_wished() -> port::archive::Standing {
    port::archive::Standing { holds_for: model::HoldsFor::Related, parts: Vec::new(), shapes: Vec::new() }
}

fn review() -> Review {
    Review {
        entry: 7,
        time: model::Time(0),
        deadline: model::Time(0).plus_seconds(259_200),
        overdue: true,
        user: "rosa".to_owned(),
        role: "radiologist".to_owned(),
        organisation: "hospital".to_owned(),
        study: "1.2.3".parse().ok(),
        reason: "unconscious".to_owned(),
        in_seven_days: 2,
    }
}

/// One of each.
fn tied(asked: port::ties::Ask) -> port::ties::Answer {
    use port::ties::{Answer, Ask, Feed};
    match asked {
        Ask::Tell(news) => Answer::Told(news.len() as u64),
        Ask::Same { .. } | Ask::Garbled => Answer::Told(0),
        Ask::Feeds => Answer::Feeds(vec![Feed {
            name: "index".to_owned(),
            last: Some(model::Time(0)),
            silent: true,
            patients: 3,
        }]),
        Ask::Of { .. } => Answer::Ties(Vec::new()),
        Ask::Make(_) => Answer::Made(1),
        Ask::End { number, .. } => Answer::Made(number),
    }
}
