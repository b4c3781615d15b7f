//! Fills a stopped home for figures at size: small objects through the same call as every door, or with `--rows-only` rows
//! without objects. The same numbers make the same studies.
#![expect(clippy::disallowed_methods, reason = "a command's own clock, and how long it took")]

mod studies;

use archive::{Clock, Options, Parts, Vault};
use crypto::Key;
use keys::KeySource as _;
use model::{Arrival, Door, InstanceFacts, Time};
use port::{
    Archive, Call, Code, Credential, Fault, Item, Lease, Outcome, PixelWork, Request, Stream, Trailer,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use studies::Studies;
use tokio::task::JoinSet;

/// Stores under way at once: they share a sync.
const AT_ONCE: usize = 64;
/// Instances in one commit of rows.
const ROWS: usize = 500;

/// What to make.
struct Ask {
    home: PathBuf,
    studies: u32,
    series: u32,
    instances: u32,
    rows_only: bool,
}

/// `seed --home HOME --studies N [--series 3] [--instances 10] [--rows-only]`; instances are of a study.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let ask = ask(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|e| e.to_string())?.block_on(async { fill(&ask).await })
}

fn ask(mut arguments: impl Iterator<Item = String>) -> Result<Ask, String> {
    let mut ask = Ask { home: PathBuf::new(), studies: 0, series: 3, instances: 10, rows_only: false };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{name}: not a number"));
        match name.as_str() {
            "--home" => ask.home = PathBuf::from(value()?),
            "--studies" => ask.studies = number(value()?)?,
            "--series" => ask.series = number(value()?)?,
            "--instances" => ask.instances = number(value()?)?,
            "--rows-only" => ask.rows_only = true,
            _ => return Err(format!("{name}: unknown")),
        }
    }
    if ask.home.as_os_str().is_empty() || ask.studies == 0 || ask.series == 0 || ask.instances < ask.series {
        return Err("seed --home HOME --studies N [--series 3] [--instances 10] [--rows-only]".into());
    }
    Ok(ask)
}

async fn fill(ask: &Ask) -> Result<String, String> {
    let since = Instant::now();
    let vault = tokio::task::block_in_place(|| open(ask))?;
    let opened = since.elapsed();
    let archive = vault.start().await.map_err(|e| e.to_string())?;
    let mut studies = Studies::new(ask.studies, ask.series, ask.instances);
    if ask.rows_only {
        tokio::task::block_in_place(|| rows(&vault, studies))?;
    } else {
        store(&archive, &mut studies).await?;
    }
    let made = since.elapsed();
    vault.stop().await.map_err(|e| e.to_string())?;
    drop(archive);
    tokio::task::block_in_place(|| drop(vault));
    let whole = since.elapsed();
    Ok(format!(
        "{} studies; opened in {opened:?}, committed after {made:?}, ended after {whole:?}",
        ask.studies
    ))
}

fn rows(vault: &Vault, mut studies: Studies) -> Result<(), String> {
    loop {
        let batch: Vec<InstanceFacts> = studies.by_ref().take(ROWS).map(|one| one.facts).collect();
        if batch.is_empty() {
            return Ok(());
        }
        vault.dangerous_rows_only(batch).map_err(|e| e.to_string())?;
    }
}

async fn store(archive: &archive::Door, studies: &mut Studies) -> Result<(), String> {
    let mut running: JoinSet<Result<(), Fault>> = JoinSet::new();
    for one in studies {
        if running.len() >= AT_ONCE
            && let Some(done) = running.join_next().await
        {
            done.map_err(|e| e.to_string())?.map_err(|fault| fault.to_string())?;
        }
        let archive = archive.clone();
        running.spawn(async move {
            let (sink, body) = port::stream();
            let send = async {
                sink.bytes(one.bytes.into()).await?;
                sink.send(Item::Trailer(Box::new(Trailer::Facts(one.facts)))).await?;
                sink.finish().await
            };
            let call = Call {
                credential: Credential::Local,
                arrival: arrival(),
                request: Request::Store { study: None },
            };
            let (sent, stored) = tokio::join!(send, archive.call(call, body));
            sent?;
            stored.map(drop)
        });
    }
    while let Some(done) = running.join_next().await {
        done.map_err(|e| e.to_string())?.map_err(|fault| fault.to_string())?;
    }
    Ok(())
}

fn arrival() -> Arrival {
    Arrival {
        door: Door::Command,
        peer: "seed".to_owned(),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: "xtask".to_owned(),
        request: String::new(),
    }
}

fn open(ask: &Ask) -> Result<Arc<Vault>, String> {
    let (keys, data) = (ask.home.join("keys"), ask.home.join("data"));
    let root: Key = keys::Plain::new(&keys.join("root.key"), &data).root().map_err(|e| e.to_string())?;
    let parts = Parts {
        data,
        seen: keys::Seen::new(&keys.join("seen")),
        root,
        random: Arc::new(keys::SystemRandom),
        clock: Arc::new(Now(Instant::now())),
        rules: policy::Texts::embedded(),
        pixels: Arc::new(NoPixels),
        options: Options {
            staff_named: false,
            utc_offset_s: 0,
            viewing_s: 900,
            devices: Vec::new(),
            software: "xtask seed".to_owned(),
            abroad: Vec::new(),
            config_digest: [0; 32],
            relating: archive::Relating::default(),
        },
    };
    Vault::open(parts).map_err(|e| e.to_string())
}

struct Now(Instant);

impl Clock for Now {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Time {
        Time(i64::try_from(self.0.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }
}

/// What is made has no pixels.
struct NoPixels;

#[async_trait::async_trait]
impl PixelWork for NoPixels {
    async fn work(&self, _: Lease, _: Stream) -> Result<(Outcome, Stream), Fault> {
        Err(Code::Unsupported.into())
    }
}
