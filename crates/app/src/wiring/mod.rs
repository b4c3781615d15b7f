//! Puts the parts together: keys → vault → gateway, and takes them apart again in order.

pub mod certificates;
pub mod operator;
pub mod passwords;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::home::Home;
use crate::law::Law;
use archive::{Options, Parts, Vault};
use keys::KeySource as _;
use policy::Texts;
use port::{Archive, PixelWork};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Name and version for peers, logs and the ledger.
pub const SOFTWARE: &str = concat!("gauze/", env!("CARGO_PKG_VERSION"));
/// A home that still has this file among its keys was not restored to the end.
pub const RESTORING: &str = "restoring";
/// Policies are small texts.
const POLICY_BYTES: u64 = 256 << 10;

/// Why nothing starts. Each text says the cause and, where there is one, the way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `init` did not run here.
    #[error("no archive at {0}; make one with `gauze init`")]
    NoHome(PathBuf),
    /// Something is there already.
    #[error("{0} holds an archive already; nothing was changed")]
    Exists(PathBuf),
    /// `restore` did not come to its end.
    #[error("{0} was not restored to the end; run `gauze restore` again, it goes on where it was")]
    HalfRestored(PathBuf),
    /// Configuration.
    #[error("{0}")]
    Config(#[from] crate::config::Error),
    /// Keys.
    #[error("{0}")]
    Keys(#[from] keys::Error),
    /// Policies.
    #[error("policies: {0}")]
    Policy(#[from] policy::Error),
    /// The vault.
    #[error("{0}")]
    Vault(#[from] archive::Error),
    /// The doors.
    #[error("{0}")]
    Gateway(#[from] gateway::Error),
    /// Certificates.
    #[error("certificates: {0}")]
    Certificates(String),
    /// A call that failed.
    #[error("{0}")]
    Fault(#[from] port::Fault),
    /// The system.
    #[error("{0}: {1}")]
    Io(&'static str, #[source] std::io::Error),
}

/// Names what the system refused.
pub fn io(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::Io(what, error)
}

/// Nothing of this process may land on a disk by accident: no core dump, no reading by a debugger of the same user
/// (DESIGN.md §2.1).
pub fn harden() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if setrlimit(Resource::Core, none).is_err()
        || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err()
    {
        tracing::warn!("core dumps could not be switched off");
    }
}

/// The root key of a home.
///
/// # Errors
/// As [`keys::Error`].
pub fn root_key(home: &Home, config: &Config) -> Result<crypto::Key, Error> {
    let (path, data) = (home.key("root.key"), home.data());
    if keys::file::needs_passphrase(&path, &data)? {
        let passphrase = passwords::passphrase(config.key.passphrase_file.as_deref())?;
        return Ok(keys::Sealed::new(&path, &data, passphrase).root()?);
    }
    Ok(keys::Plain::new(&path, &data).root()?)
}

/// The policies of a home: `policies/*.cedar`. The schema beside them is there to be read: the words are this program's, and a
/// home that an older one made has fewer of them.
///
/// # Errors
/// What does not parse or validate is refused.
pub fn policies(home: &Home) -> Result<Texts, Error> {
    use std::io::Read;
    let read = |name: &str| -> Result<String, Error> {
        let mut text = String::new();
        let file = std::fs::File::open(home.policies().join(name)).map_err(io("policies"))?;
        file.take(POLICY_BYTES).read_to_string(&mut text).map_err(io("policies"))?;
        Ok(text)
    };
    Ok(Texts { pictures: read("default.cedar")?, rights: read("rights.cedar")? })
}

/// Opens the vault of a home.
///
/// # Errors
/// As [`Error`]; a wrong key or an older ledger changes nothing.
pub fn open_vault(home: &Home, config: &Config, pixels: Arc<dyn PixelWork>) -> Result<Arc<Vault>, Error> {
    if home.key(RESTORING).exists() {
        return Err(Error::HalfRestored(home.path().into()));
    }
    open_with(home, config, root_key(home, config)?, pixels, archive::Accept::default())
}

/// The same with a key that was read before, taking older tables or policies as they are.
///
/// # Errors
/// As [`open_vault`].
pub fn open_with(
    home: &Home,
    config: &Config,
    root: crypto::Key,
    pixels: Arc<dyn PixelWork>,
    accept: archive::Accept,
) -> Result<Arc<Vault>, Error> {
    let devices = config.device.iter().map(|d| archive::Device {
        name: d.name.clone(),
        certificate: d.certificate.to_lowercase(),
        ae: d.ae.clone(),
        address: d.address.clone(),
        may: d.may.clone(),
        sees: d.sees.clone(),
        // Checked when the configuration was read.
        purpose: d.purpose().unwrap_or(model::Purpose::Treatment),
    });
    let parts = Parts {
        data: home.data(),
        seen: keys::Seen::new(&home.key("seen")),
        root,
        random: Arc::new(keys::SystemRandom),
        clock: Arc::new(SystemClock),
        rules: policies(home)?,
        pixels,
        options: Options {
            viewing_s: config.viewing.seconds,
            devices: devices.collect(),
            staff_named: Law::named(&config.site.law).is_some_and(|law| law.says("staff-named-to-patients")),
            utc_offset_s: config.site.utc_offset_s(),
            software: SOFTWARE.to_owned(),
            abroad: config.consent.abroad.clone(),
            config_digest: config.digest,
            relating: config.relations.agreed(&config.site),
        },
    };
    Ok(Vault::open_accepting(parts, accept)?)
}

/// A running archive.
pub struct Running {
    vault: Arc<Vault>,
    gateway: gateway::Running,
    _operator: Option<operator::Socket>,
    /// What a local command may ask.
    pub archive: Arc<dyn Archive>,
}

/// What the `ready` line says (DESIGN.md §5).
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// Address of pages, API, DICOMweb.
    pub https: String,
    /// DIMSE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimse: Option<String>,
    /// DIMSE over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimse_tls: Option<String>,
    /// HL7 over MLLP and TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hl7_tls: Option<String>,
    /// PEM of the certificate authority.
    pub ca: PathBuf,
    /// The home.
    pub home: PathBuf,
    /// A client certificate that may store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality_cert: Option<PathBuf>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality_key: Option<PathBuf>,
    /// Certificate and key of the demo's AE `BENCH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bench_cert: Option<PathBuf>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bench_key: Option<PathBuf>,
    /// Certificate and key of the demo's workstation, AE `READER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_cert: Option<PathBuf>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_key: Option<PathBuf>,
    /// Accounts made at init.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<PathBuf>,
}

/// Threads for pixels: one a core.
#[must_use]
pub fn pixel_workers() -> Arc<dyn PixelWork> {
    pixels::Pool::new(std::thread::available_parallelism().map_or(2, usize::from))
}

/// Starts vault and gateway.
///
/// # Errors
/// As [`Error`].
pub async fn start(home: &Home, config: &Config, vault: Arc<Vault>) -> Result<Running, Error> {
    let archive: Arc<dyn Archive> = Arc::new(vault.start().await?);
    let gateway = gateway::start(doors(home, config)?, Arc::clone(&archive)).await?;
    let operator = operator::listen(home, Arc::clone(&archive));
    Ok(Running { vault, gateway, _operator: operator, archive })
}

/// What the gateway is told of itself.
///
/// # Errors
/// Certificate and key.
pub fn doors(home: &Home, config: &Config) -> Result<gateway::Options, Error> {
    let tls = certificates::read(home)?;
    Ok(gateway::Options {
        https: config.network.https,
        dimse: config.network.dimse,
        dimse_tls: config.network.dimse_tls,
        hl7_tls: config.network.hl7_tls,
        certificate_pem: tls.chain,
        key_pem: tls.key,
        client_ca_pem: tls.ca,
        ae_title: config.network.ae_title.clone(),
        storage_classes: config.network.storage_classes.iter().map(ToString::to_string).collect(),
        software: SOFTWARE.to_owned(),
        origins: config.network.cors_origins.clone(),
    })
}

impl Running {
    /// Instances that wait to be examined.
    #[must_use]
    pub fn unexamined(&self) -> usize {
        self.vault.unexamined()
    }

    /// What to print when ready.
    #[must_use]
    pub fn ready(&self, home: &Home, demo: bool) -> Ready {
        let file = |name: &str| Some(home.key(name)).filter(|path| demo && path.is_file());
        Ready {
            https: self.gateway.https.to_string(),
            dimse: self.gateway.dimse.map(|a| a.to_string()),
            dimse_tls: self.gateway.dimse_tls.map(|a| a.to_string()),
            hl7_tls: self.gateway.hl7_tls.map(|a| a.to_string()),
            ca: home.key("tls/ca.pem"),
            home: home.path().to_path_buf(),
            modality_cert: file("tls/modality.pem"),
            modality_key: file("tls/modality.key"),
            bench_cert: file("tls/bench.pem"),
            bench_key: file("tls/bench.key"),
            reader_cert: file("tls/reader.pem"),
            reader_key: file("tls/reader.key"),
            accounts: file("accounts.json"),
        }
    }

    /// Stops: first the doors, then the vault with its last entry.
    ///
    /// # Errors
    /// When the end could not be recorded.
    pub async fn stop(self) -> Result<(), Error> {
        self.gateway.stop().await;
        Ok(self.vault.stop().await?)
    }
}
