//! The vault: what all flows share.

mod change;
mod index;
mod rights;
mod seen;
mod studies;
mod tables;

use crate::Result;
use crate::catalog::{Catalog, InstanceRecord};
use crate::consent::ConsentRecord;
use crate::examine::{Arrivals, Queue, Tries};
use crate::govern::{BookRecord, InForce};
use crate::journal::Journal;
use crate::masks::WishRecord;
use crate::putright::Righted;
use crate::relate::Relate;
use crate::rings::Rings;
use crate::schedule::Orders;
use crate::sealing::{Kind, Project, Sealing};
use crate::transfer::Jobs;
use crate::who::accounts::AccountRecord;
use crate::who::factor::Factors;
use crate::who::machine::Tokens;
use crate::who::refusals::Refusals;
use crate::who::session::Sessions;
use crate::who::throttle::Throttle;
use crate::who::ties::{SiteRecord, TiesRecord};
use crate::who::turns::Turns;
use crypto::{Key, Ladder, Random};
pub use index::check_snapshot;
use model::{PatientRef, Purpose, Tenant, Time, Uid};
use policy::{GrantRecord, Texts};
use port::PixelWork;
use seen::{check_key, check_seen, newest_seen};
pub use seen::{key_mark, note};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use store::Store;
pub(crate) use tables::PolicyLog;
use tables::check_tables;
pub use tables::{Accept, fingerprint};

/// Time comes from outside.
pub trait Clock: Send + Sync {
    /// UTC.
    fn now(&self) -> Time;
    /// Never goes back; only differences mean something.
    fn monotonic(&self) -> Time;
}

/// A machine in the address book.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its name in the ledger.
    pub name: String,
    /// SHA-256 of its certificate, hexadecimal; empty: plain connections from and to loopback (the demo).
    pub certificate: String,
    /// Its AE title; empty: any.
    pub ae: String,
    /// Host and port where it can be called; empty: nowhere.
    pub address: String,
    /// What it may do ([`policy::Standing::may`]).
    pub may: Vec<String>,
    /// What it sees ([`policy::Standing::sees`]).
    pub sees: String,
    /// What for; recorded with each grant.
    pub purpose: Purpose,
}

/// How the vault behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seconds that a viewing token lives; the policy's own bound holds too.
    pub viewing_s: i64,
    /// The address book of machines.
    pub devices: Vec<Device>,
    /// Patients read the names of staff who looked, not their functions only (the site's law profile).
    pub staff_named: bool,
    /// Seconds by which the site's clocks are ahead of UTC, for rules about hours and days.
    pub utc_offset_s: i32,
    /// Name and version of the software, for the ledger.
    pub software: String,
    /// Organisations that work abroad: consents not for abroad are not for them.
    pub abroad: Vec<String>,
    /// SHA-256 of the configuration.
    pub config_digest: [u8; 32],
    /// What holds of relations.
    pub relating: Relating,
}

/// What the site agreed about relations from feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relating {
    /// Seconds that a relation lasts after a discharge or a done order.
    pub grace_s: i64,
    /// Seconds after which a feed counts as silent; 0: never.
    pub silent_s: i64,
    /// Seconds east of UTC of senders that do not say their time zone.
    pub utc_offset_s: i32,
}

impl Default for Relating {
    fn default() -> Self {
        Self { grace_s: 30 * 24 * 3600, silent_s: 24 * 3600, utc_offset_s: 0 }
    }
}

/// What a vault is made of.
pub struct Parts {
    /// The data folder.
    pub data: PathBuf,
    /// The newest checkpoint seen, outside the data folder.
    pub seen: keys::Seen,
    /// The root key.
    pub root: Key,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The rules in the home's files; what two persons put in force since goes before them ([`crate::govern`]).
    pub rules: Texts,
    /// Pixel workers.
    pub pixels: Arc<dyn PixelWork>,
    /// Behaviour.
    pub options: Options,
}

type Shared<T> = Mutex<T>;

/// The vault.
pub struct Vault {
    pub(crate) tenant: Tenant,
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    rules: std::sync::RwLock<Arc<InForce>>,
    pub(crate) book: Shared<(BookRecord, u64)>,
    /// Held while rules are proposed or put in force.
    pub(crate) governing: Arc<tokio::sync::Mutex<()>>,
    /// Trying rules takes seconds of a core: one at a time.
    pub(crate) trying: Arc<tokio::sync::Semaphore>,
    pub(crate) pixels: Arc<dyn PixelWork>,
    pub(crate) store: Store,
    pub(crate) sealing: Sealing,
    pub(crate) rings: Rings,
    pub(crate) journal: Journal,
    pub(crate) queue: Queue,
    pub(crate) arrivals: Arrivals,
    pub(crate) tries: Tries,
    pub(crate) seen: keys::Seen,
    catalog: Shared<Catalog>,
    /// Held while a snapshot of the index is written: two writers would mix their blocks.
    writing_index: Shared<()>,
    /// The last entry is written or under way: nothing begins any more.
    pub(crate) stopping: std::sync::atomic::AtomicBool,
    sessions: Shared<Sessions<GrantRecord>>,
    pub(crate) accounts: Shared<HashMap<String, (AccountRecord, u64)>>,
    pub(crate) factors: Shared<Factors>,
    /// Wrong codes of second factors, by account.
    pub(crate) factor_tries: Shared<Throttle>,
    /// Held from looking at a code until it is spent.
    pub(crate) factoring: tokio::sync::Mutex<()>,
    /// Held while a review is written: there is one of each.
    pub(crate) reviewing: tokio::sync::Mutex<()>,
    pub(crate) ties: Shared<HashMap<String, (TiesRecord, u64)>>,
    pub(crate) site: Shared<(SiteRecord, u64)>,
    /// Locked after the index, never before.
    pub(crate) righted: Shared<Righted>,
    /// Locked before the changes, never after.
    pub(crate) wishes: Shared<HashMap<PatientRef, Arc<WishRecord>>>,
    /// Locked before the changes, never after.
    pub(crate) consents: Shared<HashMap<PatientRef, Arc<ConsentRecord>>>,
    /// Held while consents are changed.
    pub(crate) consenting: Arc<tokio::sync::Mutex<()>>,
    /// Held while wishes are changed.
    pub(crate) wishing: tokio::sync::Mutex<()>,
    pub(crate) throttle: Shared<Throttle>,
    pub(crate) policy_log: Shared<(PolicyLog, u64)>,
    pub(crate) turns: Shared<Turns>,
    pub(crate) refusals: Shared<Refusals>,
    /// Tokens of machines.
    pub(crate) machines: Shared<Tokens>,
    pub(crate) jobs: Shared<Jobs>,
    pub(crate) orders: Shared<Orders>,
    /// Held while orders are changed.
    pub(crate) ordering: Arc<tokio::sync::Mutex<()>>,
    /// Relations from feeds and by hand.
    pub(crate) relate: Relate,
    /// Argon2 takes memory: two at a time.
    pub(crate) sign_ins: tokio::sync::Semaphore,
    /// Rows of what was put right that did not open at the start: name and version.
    pub(crate) lost: Shared<Vec<([u8; 32], u64)>>,
    /// Rows that did not open at the start.
    pub(crate) broken_rows: std::sync::atomic::AtomicU64,
    /// Itself, for work that outlives its caller.
    own: OnceLock<Weak<Self>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves leaves into tiles.
struct Tiles(Arc<Mutex<ledger::Writer>>);

impl store::LeafSink for Tiles {
    fn append(&mut self, first: u64, leaves: &[(Vec<u8>, Vec<u8>)]) -> std::io::Result<()> {
        lock(&self.0).append(first, leaves).map_err(std::io::Error::other)
    }

    fn size(&self) -> u64 {
        lock(&self.0).size()
    }
}

impl Vault {
    /// Opens the data folder: lock, replay, check against what was seen, unlock the index.
    ///
    /// # Errors
    /// As [`Error`]; nothing is changed by a wrong key.
    pub fn open(parts: Parts) -> Result<Arc<Self>> {
        Self::open_accepting(parts, Accept::default())
    }

    /// The same, taking older tables or policies as they are; whoever asks for that records it.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_accepting(parts: Parts, accept: Accept) -> Result<Arc<Self>> {
        let Parts { data, seen, root, random, clock, rules, pixels, options } = parts;
        let ladder = Ladder::new(&root)?;
        let signing = ladder.signing_key()?;
        let origin = origin(&signing.public());
        let folder = data.join("ledger");
        check_key(&data, &ladder)?;
        let newest = newest_seen(&seen, &signing.public())?;
        // The log is read once: by its writer, who keeps the tree of the newest checkpoint seen and then goes on.
        let writer = ledger::Writer::open_noting(&folder, newest.as_ref().map(|seen| seen.size))?;
        let writer = Arc::new(Mutex::new(writer));
        let mut how = store::Options::new(data.clone());
        how.fingerprint = Some(fingerprint(&ladder)?);
        let store = Store::open(how, Box::new(Tiles(Arc::clone(&writer))))?;
        let tree = lock(&writer).tree().clone();
        check_seen(newest.as_ref(), lock(&writer).noted(), tree.size())?;
        if !accept.tables {
            check_tables(&store, &folder, tree.size())?;
        }
        let tenant = Tenant::main();
        let vault = Self {
            sealing: Sealing { ladder, random, tenant: tenant.clone() },
            tenant,
            options,
            clock,
            rules: std::sync::RwLock::new(Arc::new(InForce::of(rules)?)),
            book: Mutex::default(),
            governing: Arc::default(),
            trying: Arc::new(tokio::sync::Semaphore::new(1)),
            pixels,
            journal: Journal::new(origin, signing, &folder, tree),
            rings: Rings::default(),
            queue: Queue::default(),
            arrivals: Arrivals::default(),
            tries: Tries::new(&data),
            seen,
            catalog: Mutex::default(),
            writing_index: Mutex::default(),
            stopping: std::sync::atomic::AtomicBool::new(false),
            sessions: Mutex::default(),
            accounts: Mutex::default(),
            factors: Mutex::default(),
            factor_tries: Mutex::default(),
            factoring: tokio::sync::Mutex::default(),
            reviewing: tokio::sync::Mutex::default(),
            ties: Mutex::default(),
            site: Mutex::default(),
            righted: Mutex::default(),
            wishes: Mutex::default(),
            consents: Mutex::default(),
            consenting: Arc::default(),
            wishing: tokio::sync::Mutex::default(),
            throttle: Mutex::default(),
            policy_log: Mutex::default(),
            turns: Mutex::default(),
            refusals: Mutex::default(),
            machines: Mutex::default(),
            jobs: Mutex::default(),
            orders: Mutex::default(),
            ordering: Arc::default(),
            relate: Relate::default(),
            sign_ins: tokio::sync::Semaphore::new(2),
            lost: Mutex::default(),
            broken_rows: std::sync::atomic::AtomicU64::new(0),
            own: OnceLock::new(),
            store,
        };
        vault.load(accept)?;
        vault.take_up_rules()?;
        vault.check_policies(accept)?;
        let vault = Arc::new(vault);
        vault.own.get_or_init(|| Arc::downgrade(&vault));
        Ok(vault)
    }

    /// Rows, opened. One that does not open is counted and left out: what it told of is as if absent, and denies. That none
    /// was put back, put in or taken away is known before ([`Vault::open`]).
    fn records<T: serde::de::DeserializeOwned>(&self, rows: &[store::Row]) -> Vec<(T, u64)> {
        rows.iter().filter_map(|row| Some((self.readable(row)?, row.version))).collect()
    }

    /// A row's record; one that does not open is counted.
    fn readable<T: serde::de::DeserializeOwned>(&self, row: &store::Row) -> Option<T> {
        let opened = self.sealing.open_row(row).inspect_err(|error| {
            tracing::error!(%error, kind = row.kind, "a row does not open; see `gauze check`");
            if [Kind::Change, Kind::Arrived, Kind::Wishes, Kind::Rules, Kind::Consents, Kind::Site]
                .map(|kind| kind as u8)
                .contains(&row.kind)
            {
                lock(&self.lost).push((row.key, row.version));
            }
            self.broken_rows.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        opened.ok()
    }

    /// The rules in force now. A decision takes them once and is of one set.
    pub(crate) fn rules(&self) -> Arc<InForce> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in force: every grant of the ones before lapses with its next request or chunk.
    pub(crate) fn put_in_force(&self, rules: InForce) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions<GrantRecord>> {
        lock(&self.sessions)
    }

    pub(crate) fn site(&self) -> SiteRecord {
        lock(&self.site).0.clone()
    }

    pub(crate) fn project(&self) -> Project {
        Project::new(self.sealing.project_key(&self.tenant))
    }

    /// The UID of an instance as it is under the masks that `stamp` names ([`crate::masks::Wishes::stamp`]).
    pub(crate) fn derived_uid(&self, record: &InstanceRecord, stamp: &str) -> Uid {
        self.sealing.derived_uid(record, stamp)
    }

    /// Itself, for work that outlives its caller.
    pub(crate) fn shared(&self) -> Result<Arc<Self>> {
        self.own.get().and_then(Weak::upgrade).ok_or(crate::Error::Internal("the vault has ended"))
    }
}

/// The log's name: fixed by its key.
pub fn origin(public: &[u8]) -> String {
    let id: String = crypto::sha256(public).iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("gauze/{id}")
}
