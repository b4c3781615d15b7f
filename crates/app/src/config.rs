//! `gauze.toml`, read once at start. Unknown keys are refused: a misspelt limit would silently not hold.

mod site;

pub use site::{Relations, Site};

use crate::home::Home;
use model::{Purpose, Uid, limits};
use policy::Standing;
use serde::Deserialize;
use std::io::Read;
use std::net::SocketAddr;

/// A configuration file, bytes.
const CONFIG_BYTES: u64 = 1 << 20;
/// Other sites that may use DICOMweb.
const ORIGINS: usize = 32;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens.
    pub network: Network,
    /// Viewing tokens.
    pub viewing: Viewing,
    /// The site.
    pub site: Site,
    /// Secondary use.
    pub consent: Consent,
    /// Where the root key comes from.
    pub key: KeySource,
    /// Relations from feeds.
    pub relations: Relations,
    /// The address book of machines (AEs).
    pub device: Vec<Device>,
    /// SHA-256 of the file.
    #[serde(skip)]
    pub digest: [u8; 32],
}

/// See [`Config::network`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Pages, API and DICOMweb.
    pub https: SocketAddr,
    /// DIMSE without TLS; nothing: none. Only on loopback.
    pub dimse: Option<SocketAddr>,
    /// DIMSE over TLS with client certificates (PS3.15 B.12); nothing: none.
    pub dimse_tls: Option<SocketAddr>,
    /// HL7 v2 over MLLP and TLS with client certificates; nothing: none.
    pub hl7_tls: Option<SocketAddr>,
    /// Our AE title.
    pub ae_title: String,
    /// Origins of other sites whose pages may use DICOMweb with a token of their own, exactly as browsers name them.
    pub cors_origins: Vec<String>,
    /// SOP classes that are stored by DIMSE although PS3.6 does not list them.
    pub storage_classes: Vec<Uid>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            https: SocketAddr::from(([127, 0, 0, 1], 8443)),
            dimse: None,
            dimse_tls: Some(SocketAddr::from(([127, 0, 0, 1], 2762))),
            hl7_tls: None,
            ae_title: "GAUZE".to_owned(),
            cors_origins: Vec::new(),
            storage_classes: Vec::new(),
        }
    }
}

/// See [`Config::consent`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consent {
    /// Organisations, as accounts name them, that work abroad: what a patient did not agree to for abroad is not for them.
    pub abroad: Vec<String>,
}

/// See [`Config::viewing`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Viewing {
    /// Life of a viewing token, 10 to 300.
    pub seconds: i64,
}

impl Default for Viewing {
    fn default() -> Self {
        Self { seconds: 300 }
    }
}

/// See [`Config::key`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySource {
    /// File with the passphrase, mode 0600; nothing: it is asked for, or the key file is plain (the demo).
    pub passphrase_file: Option<std::path::PathBuf>,
}

/// See [`Config::device`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name in the ledger.
    pub name: String,
    /// SHA-256 of its certificate (DER), hexadecimal; empty: plain connections from and to loopback.
    #[serde(default)]
    pub certificate: String,
    /// Its AE title; empty: any.
    #[serde(default)]
    pub ae: String,
    /// Host and port where it takes associations; empty: it is not called.
    #[serde(default)]
    pub address: String,
    /// What it may do: `store`, `find`, `retrieve`, `move-to`, `worklist`, `orders`, `patients`. Not said: store.
    #[serde(default = "stores")]
    pub may: Vec<String>,
    /// What it sees: `deidentified`, `masked`, `clear`; not said: no picture and no name.
    #[serde(default)]
    pub sees: String,
    /// What for; not said: `research` for `deidentified`, else `treatment`.
    #[serde(default)]
    pub purpose: Option<String>,
}

fn stores() -> Vec<String> {
    vec!["store".to_owned()]
}

impl Device {
    /// The purpose that its grants name.
    #[must_use]
    pub fn purpose(&self) -> Option<Purpose> {
        let usual = if self.sees == "deidentified" { Purpose::Research } else { Purpose::Treatment };
        self.purpose.as_ref().map_or(Some(usual), |word| word.parse().ok())
    }

    /// Why it makes no sense, if it does not.
    fn mistake(&self) -> Option<&'static str> {
        let hex = self.certificate.len() == 64 && self.certificate.bytes().all(|b| b.is_ascii_hexdigit());
        let plain = self.certificate.is_empty();
        let title = self.ae.len() <= 16 && self.ae.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b'\\');
        let acts = |word: &String| Standing::ACTS.contains(&word.as_str());
        let may = |word: &str| self.may.iter().any(|act| act == word);
        let loopback = self.address.parse::<SocketAddr>().is_ok_and(|a| a.ip().is_loopback());
        let port = self.address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let faults = [
            (!hex && !plain, "device.certificate: SHA-256, 64 hexadecimal digits"),
            (!title, "device.ae: at most 16 characters (PS3.5 AE)"),
            (
                !self.may.iter().all(acts),
                "device.may: store, find, retrieve, move-to, worklist, orders, patients",
            ),
            (!Standing::SEES.contains(&self.sees.as_str()), "device.sees: deidentified, masked or clear"),
            (self.purpose().is_none(), "device.purpose: not a purpose"),
            (!self.address.is_empty() && !port, "device.address: host:port"),
            (
                may("move-to") && (self.address.is_empty() || self.ae.is_empty()),
                "device.may: move-to needs an address and an AE title",
            ),
            // PS3.8 has no protection of its own, so it never leaves the machine unencrypted.
            (
                plain && !self.address.is_empty() && !loopback,
                "device.address: without a certificate on loopback only",
            ),
            (
                plain && self.may.iter().any(|act| !matches!(act.as_str(), "store" | "move-to")),
                "device.may: all but store and move-to need a certificate",
            ),
        ];
        faults.into_iter().find(|(wrong, _)| *wrong).map(|(_, text)| text)
    }
}

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("gauze.toml: {0}")]
    Io(#[from] std::io::Error),
    /// It does not parse, or has an unknown key.
    #[error("gauze.toml: {0}")]
    Parse(#[from] toml::de::Error),
    /// A value that makes no sense.
    #[error("gauze.toml: {0}")]
    Value(&'static str),
    /// An environment variable that is no address.
    #[error("{0} is not an address:port")]
    Address(&'static str),
}

impl Config {
    /// Reads the home's file; `GAUZE_HTTPS`, `GAUZE_DIMSE` and `GAUZE_DIMSE_TLS` win over it.
    ///
    /// # Errors
    /// As [`Error`].
    pub fn read(home: &Home) -> Result<Self, Error> {
        let mut text = String::new();
        std::fs::File::open(home.config())?.take(CONFIG_BYTES).read_to_string(&mut text)?;
        let mut config = Self::parse(&text)?;
        let network = &mut config.network;
        if let Some(address) = address("GAUZE_HTTPS")? {
            network.https = address;
        }
        network.dimse = address("GAUZE_DIMSE")?.or(network.dimse);
        network.dimse_tls = address("GAUZE_DIMSE_TLS")?.or(network.dimse_tls);
        network.hl7_tls = address("GAUZE_HL7_TLS")?.or(network.hl7_tls);
        config.checked()
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let config: Self = toml::from_str(text)?;
        Ok(Self { digest: crypto::sha256(text.as_bytes()), ..config })
    }

    fn checked(self) -> Result<Self, Error> {
        // PS3.8 has no protection of its own, so it never leaves the machine unencrypted.
        if self.network.dimse.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(Error::Value("network.dimse: DIMSE without TLS is for loopback only"));
        }
        if !(10..=300).contains(&self.viewing.seconds) {
            return Err(Error::Value("viewing.seconds: 10 to 300"));
        }
        if let Some(mistake) = self.site.mistake() {
            return Err(Error::Value(mistake));
        }
        if !self.relations.sound() {
            return Err(Error::Value("relations: at most 366 days and 8784 hours"));
        }
        let ae = &self.network.ae_title;
        if ae.is_empty() || ae.len() > 16 || !ae.bytes().all(|b| (0x21..0x7F).contains(&b) && b != b'\\') {
            return Err(Error::Value("network.ae_title: 1 to 16 characters (PS3.5 AE)"));
        }
        let origins = &self.network.cors_origins;
        if origins.len() > ORIGINS || !origins.iter().all(|o| is_origin(o)) {
            return Err(Error::Value("network.cors_origins: https://host or https://host:port, no wildcard"));
        }
        if self.device.len() > limits::MATCHES {
            return Err(Error::Value("device: too many"));
        }
        if let Some(mistake) = self.device.iter().find_map(Device::mistake) {
            return Err(Error::Value(mistake));
        }
        for (n, device) in self.device.iter().enumerate() {
            let same = |other: &Device| {
                other.name == device.name
                    || (!device.address.is_empty() && other.ae == device.ae && !other.address.is_empty())
            };
            if device.name.is_empty() || self.device.iter().skip(n + 1).any(same) {
                return Err(Error::Value("device: each has a name, and a title to call, of its own"));
            }
        }
        Ok(self)
    }
}

/// An origin as a browser writes it (RFC 6454 §6.2), over TLS. No `*` and no `null`: everybody may be either.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "443"));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.[]:".contains(&b);
    !name.is_empty() && text.len() <= 255 && name.bytes().all(plain) && port.parse::<u16>().is_ok()
}

fn address(name: &'static str) -> Result<Option<SocketAddr>, Error> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().map(Some).map_err(|_| Error::Address(name)),
        _ => Ok(None),
    }
}

/// What `init` writes, with every key explained.
#[must_use]
pub fn template(devices: &[Device], plain: bool) -> String {
    let mut text = String::from(
        "# Gauze. Every key is optional; unknown ones are refused. The file's digest stands in the ledger.\n\n\
         [network]\n# Pages, API and DICOMweb.\nhttps = \"127.0.0.1:8443\"\n\
         # DIMSE over TLS; peers show a certificate of keys/tls/ca.pem that is named under [[device]].\n\
         dimse_tls = \"127.0.0.1:2762\"\n",
    );
    text += "# DIMSE without TLS: loopback only, for C-ECHO and C-STORE.\n";
    text += if plain { "dimse = \"127.0.0.1:11112\"\n" } else { "# dimse = \"127.0.0.1:11112\"\n" };
    text += "ae_title = \"GAUZE\"\n# Other sites whose pages may use DICOMweb with a token of their own; cookies never go there.\n# cors_origins = [\"https://viewer.example\"]\n\n[viewing]\n# Seconds that a viewing token lives; viewers renew it by themselves.\nseconds = 300\n";
    text += "\n[site]\n# By how much the site's clocks are ahead of UTC; rules about hours and days go by them.\nutc_offset = \"+08:00\"\n# Whose law it keeps: cn, eu, us (`gauze policy law`).\nlaw = \"cn\"\n";
    text += "\n[relations]\n# Days that a relation lasts after a discharge; hours after which a feed counts as silent (0: never).\n# discharge_grace_days = 30\n# feed_silent_hours = 24\n";
    text += "\n# [consent]\n# Organisations that work abroad: what a patient did not agree to for abroad is not for them.\n# abroad = [\"Partner institute overseas\"]\n";
    text += "\n[key]\n# passphrase_file = \"/run/secrets/gauze\"   # mode 0600\n";
    text += "\n# Machines (AEs), one [[device]] each: name (in the record), certificate (SHA-256 of it, hexadecimal), ae (its title; \
             empty: any),\n# address (host:port, when it is called), may (store, find, retrieve, move-to, worklist, orders, patients), sees (deidentified, \
             masked, clear;\n# nothing: no picture and no name), purpose.\n";
    for device in devices {
        text += &block(device);
    }
    text
}

fn block(device: &Device) -> String {
    let Device { name, certificate, ae, address, may, sees, .. } = device;
    let stores = *may == stores();
    let mut text = String::from(if stores { STORES } else { STANDS });
    text += &format!("[[device]]\nname = \"{name}\"\ncertificate = \"{certificate}\"\nae = \"{ae}\"\n");
    if !address.is_empty() {
        text += &format!("address = \"{address}\"\n");
    }
    if !stores {
        text += &format!("may = {may:?}\nsees = \"{sees}\"\n");
    }
    text
}

const STORES: &str = "\n# A machine that may store. An empty certificate means: plain, from loopback.\n";
const STANDS: &str = "\n# A machine with a standing agreement.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_parses_and_mistakes_are_refused() {
        let device =
            Device { name: "x".into(), certificate: "ab".repeat(32), may: stores(), ..Device::default() };
        let reader = Device {
            name: "reader".into(),
            ae: "READER".into(),
            address: "reading-room:11113".into(),
            may: ["find", "retrieve", "move-to"].map(str::to_owned).to_vec(),
            sees: "clear".into(),
            ..device.clone()
        };
        let config = Config::parse(&template(&[device, reader], true)).unwrap().checked().unwrap();
        assert_eq!(config.device.len(), 2);
        let [first, second] = config.device.as_slice() else { panic!() };
        assert_eq!((first.may.as_slice(), second.may.len()), (["store".to_owned()].as_slice(), 3));
        assert_eq!((second.sees.as_str(), second.purpose()), ("clear", Some(Purpose::Treatment)));
        assert_eq!(config.network.dimse.unwrap().port(), 11112);
        for bad in [
            "[network]\nhtps = \"127.0.0.1:1\"",
            "[network]\ndimse = \"192.0.2.1:104\"",
            "[viewing]\nseconds = 9000",
            "[site]\nlaw = \"atlantis\"",
            "[site]\nutc_offset = \"8\"",
            "[site]\nutc_offset = \"+8:00\"",
            "[site]\nutc_offset = \"+15:00\"",
            "[relations]\ndischarge_grace_days = 400",
            "[relations]\nfeed_silent_hours = 9000",
            "[[device]]\nname = \"x\"\ncertificate = \"12\"",
            "[network]\nae_title = \"\"",
            "[network]\ncors_origins = [\"*\"]",
            "[network]\ncors_origins = [\"null\"]",
            "[network]\ncors_origins = [\"http://viewer.example\"]",
            "[network]\ncors_origins = [\"https://viewer.example/\"]",
            "[network]\ncors_origins = [\"https://*.example\"]",
            "[[device]]\nname = \"x\"\nmay = [\"fly\"]",
            "[[device]]\nname = \"x\"\nmay = [\"find\"]",
            "[[device]]\nname = \"x\"\nsees = \"all\"",
            "[[device]]\nname = \"x\"\nae = \"X\"\naddress = \"192.0.2.1:104\"",
            "[[device]]\nname = \"x\"\nae = \"X\"\nmay = [\"move-to\"]",
            "[[device]]\nname = \"x\"\nae = \"12345678901234567\"",
            "[[device]]\nname = \"x\"\npurpose = \"fun\"",
            "[[device]]\nname = \"x\"\n[[device]]\nname = \"x\"",
        ] {
            assert!(Config::parse(bad).and_then(Config::checked).is_err(), "{bad}");
        }
    }
}
