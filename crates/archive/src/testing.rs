//! A small archive for tests of the flows: real store, ledger and keys in a temporary folder, no pixels, a clock that only
//! the test moves.

use crate::NewAccount;
use crate::context::Context;
use crate::ingest::ingest;
use crate::vault::{Clock, Device, Options, Parts, Vault};
use crypto::Key;
use model::{Arrival, Attributes, Door, InstanceFacts, Organisation, Role, Time, Uid, tags};
use policy::{Caller, Standing, Texts};
use port::archive::Stored;
use port::{Code, Fault, Item, Lease, Outcome, PixelWork, Response, Stream, Trailer};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Strong enough for an account.
pub const PASSWORD: &str = "mellow-otter-canal-77";

/// A clock that stands until it is moved.
pub struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Time {
        self.now()
    }
}

struct NoPixels;

#[async_trait::async_trait]
impl PixelWork for NoPixels {
    async fn work(&self, _: Lease, _: Stream) -> Result<(Outcome, Stream), Fault> {
        Err(Code::Unsupported.into())
    }
}

/// An archive.
pub struct House {
    pub vault: Arc<Vault>,
    clock: Arc<Still>,
    /// Goes last: the vault still moves what it has when it ends.
    folder: tempfile::TempDir,
}

impl House {
    pub fn new() -> Self {
        Self::with(Vec::new())
    }

    /// With an address book.
    pub fn with(devices: Vec<Device>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let clock = Arc::new(Still(AtomicI64::new(1_795_507_200 * 1_000_000_000)));
        Self::begin(folder, clock, devices).unwrap()
    }

    /// The data folder.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Ends, lets somebody at the data, and starts again.
    pub fn again(self, between: impl FnOnce(&std::path::Path)) -> Self {
        let Self { vault, clock, folder } = self;
        let devices = vault.options.devices.clone();
        drop(vault);
        between(&folder.path().join("data"));
        Self::begin(folder, clock, devices).unwrap()
    }

    /// The archive of a folder.
    pub fn open(folder: tempfile::TempDir) -> crate::Result<Self> {
        let clock = Arc::new(Still(AtomicI64::new(1_795_507_200 * 1_000_000_000)));
        Self::begin(folder, clock, Vec::new())
    }

    fn begin(folder: tempfile::TempDir, clock: Arc<Still>, devices: Vec<Device>) -> crate::Result<Self> {
        let mut parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Self::parts(folder.path()) };
        parts.options.devices = devices;
        let vault = Vault::open(parts);
        Ok(Self { vault: vault?, clock, folder })
    }

    /// What a vault on this folder is made of.
    pub fn parts(folder: &std::path::Path) -> Parts {
        Parts {
            data: folder.join("data"),
            seen: keys::Seen::new(&folder.join("seen")),
            root: root(),
            random: Arc::new(keys::SystemRandom),
            clock: Arc::new(Still(AtomicI64::new(1_795_507_200 * 1_000_000_000))),
            rules: Texts::embedded(),
            pixels: Arc::new(NoPixels),
            options: Options {
                viewing_s: 900,
                devices: Vec::new(),
                staff_named: false,
                utc_offset_s: 0,
                software: "test".to_owned(),
                abroad: vec!["overseas".to_owned()],
                config_digest: [0; 32],
                relating: crate::Relating::default(),
            },
        }
    }

    /// Ends the vault; its folder stays.
    pub async fn stop(self) -> tempfile::TempDir {
        self.vault.keep_seen_checkpoint().unwrap();
        let Self { vault, folder, .. } = self;
        // What outlives its caller still holds the vault for a moment.
        while Arc::strong_count(&vault) > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(vault);
        folder
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
    }

    /// Makes an account.
    pub fn account(&self, user: &str, role: Role, patient: Option<&str>) {
        let new = NewAccount {
            user: user.to_owned(),
            name: user.to_owned(),
            role,
            organisation: "hospital".to_owned(),
            patient: patient.map(|number| (String::new(), number.to_owned())),
            password: PASSWORD.to_owned(),
        };
        tokio::task::block_in_place(|| self.vault.add_account(new)).unwrap();
    }

    /// An account of a doctor whom the patient of this number visits.
    pub fn treats(&self, user: &str, number: &str) -> Context {
        self.account(user, Role::Referrer, None);
        let relation = crate::NewRelation {
            user: user.to_owned(),
            patient: Some((String::new(), number.to_owned())),
            kind: policy::RelationKind::Visit,
            source: "test".to_owned(),
            end: None,
        };
        tokio::task::block_in_place(|| self.vault.add_relation(relation)).unwrap();
        self.context(user, Role::Referrer, None)
    }

    /// A caller, as if the proof had been checked.
    pub fn context(&self, user: &str, role: Role, patient: Option<&str>) -> Context {
        let own = patient.map(|number| self.vault.own_by("", number));
        Context {
            caller: Caller {
                user: user.to_owned(),
                role,
                organisation: Organisation("hospital".to_owned()),
                tenant: self.vault.tenant.clone(),
                own_patient: own.map(|own| own.patient),
            },
            name: user.to_owned(),
            session: None,
            bearer: None,
            views: false,
            standing: Standing {
                ae: user.to_owned(),
                may: vec!["store".to_owned()],
                sees: String::new(),
                purpose: None,
            },
            operator: None,
            own,
            arrival: arrival("10.0.0.1:9"),
            now: self.clock.now(),
        }
    }

    /// Stores an object of four bytes.
    pub async fn store(&self, facts: InstanceFacts, bytes: &[u8; 4]) -> Result<Stored, Fault> {
        let context = self.context("modality", Role::Device, None);
        match ingest(&self.vault, &context, None, body(facts, bytes).await).await? {
            Response::Stored(stored) => Ok(stored),
            _ => Err(Code::Internal.into()),
        }
    }

    /// All entries of a kind, oldest first.
    pub fn entries(&self, kind: &str) -> Vec<port::archive::Access> {
        let all = (0..self.vault.ledger_size()).filter_map(|i| self.vault.entry(i).unwrap());
        all.filter(|entry| entry.kind == kind).collect()
    }
}

/// The root key of all of them.
pub fn root() -> Key {
    Key::from_bytes([7; 32])
}

pub fn arrival(peer: &str) -> Arrival {
    Arrival {
        door: Door::Pages,
        peer: peer.to_owned(),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: String::new(),
        request: String::new(),
    }
}

pub fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

/// An instance without pixels of this study and patient.
pub fn facts(study: &str, sop: &str, patient: &str) -> InstanceFacts {
    let attributes = |list: &[(u32, [u8; 2], &str)]| {
        let mut out = Attributes::new();
        list.iter().for_each(|(tag, vr, text)| out.set(*tag, *vr, [(*text).to_owned()]));
        out
    };
    let series = format!("{study}.1");
    InstanceFacts {
        study_uid: uid(study),
        series_uid: uid(&series),
        sop_uid: uid(sop),
        sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
        transfer_syntax: uid("1.2.840.10008.1.2.1"),
        patient: attributes(&[
            (tags::PATIENT_ID, *b"LO", patient),
            (tags::PATIENT_NAME, *b"PN", "Doe^Jane"),
            (tags::PATIENT_SEX, *b"CS", "F"),
        ]),
        study: attributes(&[
            (tags::STUDY_INSTANCE_UID, *b"UI", study),
            (tags::STUDY_DATE, *b"DA", "20260101"),
            (tags::REFERRING_PHYSICIAN_NAME, *b"PN", "Roe^Richard"),
        ]),
        series: attributes(&[(tags::SERIES_INSTANCE_UID, *b"UI", &series), (tags::MODALITY, *b"CS", "CT")]),
        instance: attributes(&[(tags::SOP_INSTANCE_UID, *b"UI", sop)]),
        image: None,
        head_len: 4,
        frames: Vec::new(),
        rejects: None,
    }
}

/// The body of a store.
pub async fn body(facts: InstanceFacts, bytes: &[u8; 4]) -> Stream {
    let (sink, stream) = port::stream();
    sink.bytes(bytes.to_vec().into()).await.unwrap();
    sink.send(Item::Trailer(Box::new(Trailer::Facts(facts)))).await.unwrap();
    sink.finish().await.unwrap();
    stream
}

/// A native grey image of four by four pixels of which nothing else is said.
pub fn image(modality: &str, sop_class: &str) -> model::ImageInfo {
    model::ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        sop_class: sop_class.parse().unwrap(),
        rows: 4,
        columns: 4,
        frames: 1,
        samples: 1,
        photometric: model::Photometric::Monochrome2,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        planar: false,
        rescale_slope: 1.0,
        rescale_intercept: 0.0,
        window: None,
        inverse: false,
        spacing: None,
        palette: None,
        modality: modality.to_owned(),
        body_part: String::new(),
        view_position: String::new(),
        image_type: String::new(),
        burned_in: None,
        age_years: None,
        sex: String::new(),
    }
}
