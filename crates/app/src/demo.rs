//! The demo: invented patients, real films of free licences, one account a role. It runs the product's own paths.

use crate::cli::import::{Source, store};
use crate::cli::init::{AccountLine, account, line, make as make_home};
use crate::home::Home;
use crate::say;
use crate::wiring::{Error, Running, io, passwords};
use archive::{NewOrder, NewRelation, RelationKind, Vault};
use model::Role;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const FILMS: &[u8] = include_bytes!("../../../testdata/demo/films.tar.gz");
/// One film of the demo, bytes.
const FILM_BYTES: u64 = 32 << 20;
/// The first start waits this long for recognition; what is not examined then gets the fall-back.
const EXAMINING: Duration = Duration::from_secs(120);

/// Issuer of the demo's patient numbers (0010,0021): a number means nothing without it.
const ISSUER: &str = "GAUZE-DEMO";

const PEOPLE: &[(&str, &str, Role)] = &[
    ("technologist", "Tara Technologist", Role::Technologist),
    ("radiologist", "Dr. Rosa Radiologist", Role::Radiologist),
    ("referrer", "Dr. Remy Referrer", Role::Referrer),
    ("researcher", "Dr. Rui Researcher", Role::Researcher),
    ("patient", "Anna Probe", Role::Patient),
    ("officer", "Olga Officer", Role::Officer),
    ("admin", "Adam Administrator", Role::Admin),
    ("vendor", "Vera Vendor", Role::Vendor),
];
/// Orders that the radiologist owes a report for, by accession number.
const ORDERS: &[&str] = &["A-2601", "A-2605", "A-2607"];
/// Patients whom the referrer treats; to the others he has no relation.
const TREATED: &[&str] = &["GZ-1001", "GZ-1006"];

/// Makes the demo's home with accounts, relations, orders and the research approval.
///
/// # Errors
/// As [`Error`].
pub fn make(home: &Home) -> Result<(), Error> {
    make_home(home, None, true, |vault| {
        let lines = people(vault)?;
        ties(vault)?;
        Ok(lines)
    })?;
    mark(home).map_err(io("demo"))
}

fn people(vault: &Vault) -> Result<Vec<AccountLine>, Error> {
    let mut lines = Vec::new();
    for (user, name, role) in PEOPLE {
        let password = passwords::random()?;
        let patient = (*role == Role::Patient).then(|| (ISSUER.to_owned(), "GZ-1001".to_owned()));
        vault.add_account(account(user, name, *role, patient, &password))?;
        let second_factor = if matches!(role, Role::Radiologist | Role::Referrer) {
            vault.give_second_factor(user)?.map(|secret| secret.dangerous_base32())
        } else {
            None
        };
        lines.push(AccountLine { second_factor, ..line(user, &password, *role) });
    }
    Ok(lines)
}

fn ties(vault: &Vault) -> Result<(), Error> {
    let relation = |user: &str, number: Option<&str>, kind| NewRelation {
        user: user.to_owned(),
        patient: number.map(|n| (ISSUER.to_owned(), n.to_owned())),
        kind,
        source: "demo".to_owned(),
        end: None,
    };
    vault.add_relation(relation("radiologist", None, RelationKind::Pool))?;
    for number in TREATED {
        vault.add_relation(relation("referrer", Some(number), RelationKind::Visit))?;
    }
    for accession in ORDERS {
        let accession = (*accession).to_owned();
        vault.add_order(NewOrder { user: "radiologist".to_owned(), study: None, accession, end: None })?;
    }
    vault.approve_research(true)?;
    Ok(())
}

fn mark_path(home: &Home) -> std::path::PathBuf {
    home.key("films-loading")
}

fn mark(home: &Home) -> std::io::Result<()> {
    crate::home::write_private(&mark_path(home), b"")
}

/// The films were not all loaded when it was stopped.
#[must_use]
pub fn unfinished(home: &Home) -> bool {
    mark_path(home).exists()
}

/// Stores the films through the archive's own door and waits until they were examined.
///
/// # Errors
/// As [`Error`].
pub async fn load(home: &Home, running: &Running) -> Result<(), Error> {
    let mut films = tar::Archive::new(flate2::read::GzDecoder::new(FILMS));
    let mut count = 0;
    for entry in films.entries().map_err(io("films"))? {
        let mut bytes = Vec::new();
        entry.map_err(io("films"))?.take(FILM_BYTES).read_to_end(&mut bytes).map_err(io("films"))?;
        store(&running.archive, Source::Bytes(bytes)).await?;
        count += 1;
    }
    say::note("demo-films", &[&count]);
    let examined = async {
        while running.unexamined() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(EXAMINING, examined).await.is_err() {
        say::note("demo-examining", &[]);
    }
    std::fs::remove_file(mark_path(home)).map_err(io("demo"))
}

/// The accounts that `init` made.
///
/// # Errors
/// The system's.
pub fn accounts(path: &Path) -> Result<Vec<AccountLine>, Error> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(io("accounts"))?;
    file.take(1 << 20).read_to_string(&mut text).map_err(io("accounts"))?;
    serde_json::from_str(&text).map_err(|e| Error::Io("accounts", e.into()))
}
