//! `gauze init`.

use super::{Done, Failure, home};
use crate::config::{Device, template};
use crate::home::{Home, make_private_folder, remove, write_private, write_public};
use crate::wiring::{Error, certificates, io, passwords};
use crate::{clock, say};
use archive::NewAccount;
use clap::Args;
use keys::KeySource;
use model::Role;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze init /srv/gauze --passphrase-file /root/gauze.passphrase")]
pub struct Init {
    /// The home to make.
    home: Option<PathBuf>,
    /// File with the passphrase of the root key, mode 0600; without one it is asked for.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// No passphrase: whoever has the key file has the key. For demos and for disks that are encrypted already.
    #[arg(long, conflicts_with = "passphrase_file")]
    plain_key: bool,
}

/// An account as `accounts.json` lists it (mode 0600, beside the keys).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountLine {
    /// Name to sign in with.
    pub user: String,
    /// Random, made here.
    pub password: String,
    /// Role.
    pub role: String,
    /// Secret of the second factor, base32 (RFC 4648 §6), where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<String>,
}

pub fn run(command: &Init) -> Done {
    let home = home(command.home.as_ref());
    let passphrase = match (&command.passphrase_file, command.plain_key) {
        (_, true) => None,
        (file, false) => Some(chosen(file.as_deref())?),
    };
    let lines = make(&home, passphrase, false, |vault| {
        let password = passwords::random()?;
        vault.add_account(account("admin", "Administrator", Role::Admin, None, &password))?;
        Ok(vec![line("admin", &password, Role::Admin)])
    })?;
    say::note("init-done", &[&home.path().display(), &home.key("accounts.json").display()]);
    debug_assert_eq!(lines, 1);
    Ok(())
}

/// A passphrase that is worth its name: it is the last thing between a thief of the whole home and the pictures.
fn chosen(file: Option<&std::path::Path>) -> Result<String, Failure> {
    let passphrase = passwords::passphrase(file)?;
    if passphrase.chars().count() < 12 {
        return Err(Failure::Text(say::text("passphrase-short", &[])));
    }
    Ok(passphrase)
}

/// An account of the hospital.
pub fn account(
    user: &str,
    name: &str,
    role: Role,
    patient: Option<(String, String)>,
    password: &str,
) -> NewAccount {
    NewAccount {
        user: user.to_owned(),
        name: name.to_owned(),
        role,
        organisation: if role == Role::Vendor { "vendor" } else { "hospital" }.to_owned(),
        patient,
        password: password.to_owned(),
    }
}

/// Its line in `accounts.json`.
pub fn line(user: &str, password: &str, role: Role) -> AccountLine {
    AccountLine {
        user: user.to_owned(),
        password: password.to_owned(),
        role: role.to_string(),
        second_factor: None,
    }
}

/// Makes a home. The mark goes last: a home that still has it was not finished.
pub fn make(
    home: &Home,
    passphrase: Option<String>,
    demo: bool,
    fill: impl FnOnce(&archive::Vault) -> Result<Vec<AccountLine>, Error>,
) -> Result<usize, Error> {
    let mark = begin(home)?;
    make_private_folder(&home.keys()).map_err(io("keys"))?;
    make_private_folder(&home.data()).map_err(io("data"))?;
    std::fs::create_dir_all(home.policies()).map_err(io("policies"))?;
    write_policies(home)?;
    let (path, data) = (home.key("root.key"), home.data());
    let root = match passphrase {
        Some(passphrase) => keys::Sealed::new(&path, &data, passphrase).create(&keys::SystemRandom)?,
        None => keys::Plain::new(&path, &data).create(&keys::SystemRandom)?,
    };
    write_public(&home.key("ledger.vkey"), verifier_key(&root)?.as_bytes()).map_err(io("keys"))?;
    let devices = devices(home, demo)?;
    let text = template(&devices, demo);
    let vault = archive::Vault::open(parts(home, root, crypto::sha256(text.as_bytes()))?)?;
    let lines = fill(&vault)?;
    vault.keep_seen_checkpoint()?;
    drop(vault);
    let json = serde_json::to_vec_pretty(&lines).map_err(|e| Error::Io("accounts", e.into()))?;
    write_private(&home.key("accounts.json"), &json).map_err(io("accounts"))?;
    write_public(&home.config(), text.as_bytes()).map_err(io("gauze.toml"))?;
    remove(&mark).map_err(io("home"))?;
    Ok(lines.len())
}

fn write_policies(home: &Home) -> Result<(), Error> {
    let policies = [
        ("default.cedar", policy::policies::DEFAULT_RULES),
        ("rights.cedar", policy::policies::DEFAULT_RIGHTS),
        ("schema.cedarschema", policy::policies::DEFAULT_SCHEMA),
    ];
    for (name, text) in policies {
        write_public(&home.policies().join(name), text.as_bytes()).map_err(io("policies"))?;
    }
    Ok(())
}

/// The public half of the ledger's key: what `gauze verify` needs, and no secret.
pub fn verifier_key(root: &crypto::Key) -> Result<String, Error> {
    let signing = crypto::Ladder::new(root).and_then(|l| l.signing_key()).map_err(archive::Error::from)?;
    let line = ledger::note::verifier_key(&archive::origin(&signing.public()), &signing.public());
    Ok(format!("{line}\n"))
}

fn parts(home: &Home, root: crypto::Key, config_digest: [u8; 32]) -> Result<archive::Parts, Error> {
    Ok(archive::Parts {
        data: home.data(),
        seen: keys::Seen::new(&home.key("seen")),
        root,
        random: std::sync::Arc::new(keys::SystemRandom),
        clock: std::sync::Arc::new(clock::SystemClock),
        rules: crate::wiring::policies(home)?,
        pixels: crate::wiring::pixel_workers(),
        options: archive::Options {
            staff_named: false,
            utc_offset_s: 0,
            viewing_s: crate::config::Viewing::default().seconds,
            devices: Vec::new(),
            software: crate::wiring::SOFTWARE.to_owned(),
            abroad: Vec::new(),
            config_digest,
            relating: archive::Relating::default(),
        },
    })
}

/// Certificates of the demo's machines: file, common name.
const MACHINES: &[(&str, &str)] =
    &[("modality", "Demo modality"), ("bench", "Demo bench"), ("reader", "Demo workstation")];

/// The demo's address book: a modality, a workstation that reads and is sent to, and the AEs of the shared bench.
fn devices(home: &Home, demo: bool) -> Result<Vec<Device>, Error> {
    let certificates = certificates::make(home, if demo { MACHINES } else { &[] })?;
    let [modality, bench, reader] = certificates.as_slice() else { return Ok(Vec::new()) };
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let device =
        |name: &str, certificate: &str, ae: &str, (may, sees): (&[&str], &str), address: &str| Device {
            name: name.to_owned(),
            certificate: certificate.to_owned(),
            ae: ae.to_owned(),
            address: address.to_owned(),
            may: words(may),
            sees: sees.to_owned(),
            purpose: None,
        };
    let all = &["store", "find", "retrieve"];
    let sent = &["store", "find", "retrieve", "move-to"];
    Ok(vec![
        device("demo-modality", modality, "", (&["store"], ""), ""),
        device("loopback", "", "", (&["store"], ""), ""),
        device("bench", bench, "BENCH", (all, "clear"), ""),
        device("bench-receiver", "", "BENCHSCP", (&["move-to"], "clear"), "127.0.0.1:4251"),
        device("reader", reader, "READER", (sent, "clear"), "127.0.0.1:11113"),
    ])
}

/// A home whose making was interrupted carries a mark; nobody was told about it yet, so it is made anew.
fn begin(home: &Home) -> Result<PathBuf, Error> {
    let mark = home.path().join("unfinished");
    let folders = [home.keys(), home.data(), home.policies()];
    if home.exists() {
        // The configuration is written last: with it the home is finished, and somebody may have used it since.
        if mark.exists() {
            remove(&mark).map_err(io("home"))?;
        }
        return Err(Error::Exists(home.path().into()));
    }
    if mark.exists() {
        for folder in folders.iter().filter(|f| f.exists()) {
            std::fs::remove_dir_all(folder).map_err(io("home"))?;
        }
    } else if folders.iter().any(|f| f.exists()) {
        return Err(Error::Exists(home.path().into()));
    } else {
        make_private_folder(home.path()).map_err(io("home"))?;
        write_public(&mark, b"").map_err(io("home"))?;
    }
    Ok(mark)
}

#[cfg(test)]
mod tests;
