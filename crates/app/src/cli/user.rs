//! `gauze user`: what the operator sets by hand until feeds do it.

mod factor;

use super::init::account;
use super::{Done, Failure, home};
use crate::config::Config;
use crate::say;
use crate::wiring::{self, Error, passwords};
use archive::{NewOrder, NewRelation, RelationKind, Vault};
use clap::{Args, Subcommand};
use model::{Role, Uid};
use port::ties::StaffNumber;
use std::path::PathBuf;

/// `user`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze user add rosa --role radiologist --name 'Dr. Rosa Richter'")]
pub struct User {
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make an account with a random password, printed once.
    Add {
        /// Name to sign in with.
        user: String,
        /// technologist, radiologist, referrer, researcher, patient, officer, admin, vendor; device: a machine that
        /// gauze.toml names, which then gets tokens at /auth/token.
        #[arg(long)]
        role: Role,
        /// Name of the person.
        #[arg(long)]
        name: String,
        /// PatientID of a patient's account.
        #[arg(long)]
        patient: Option<String>,
        /// Issuer of that number (0010,0021), as the films name it.
        #[arg(long, default_value = "")]
        issuer: String,
    },
    /// End an account.
    Disable {
        /// Name of the account.
        user: String,
    },
    /// Give an account a second factor for an authenticator app (RFC 6238), printed once; a new one ends the old one.
    SecondFactor {
        /// Name of the account.
        user: String,
        /// Take it away.
        #[arg(long)]
        remove: bool,
    },
    /// Say that an account has to do with a patient.
    Relate {
        /// Name of the account.
        user: String,
        /// PatientID.
        #[arg(long)]
        patient: String,
        /// Issuer of that number (0010,0021), as the films name it.
        #[arg(long, default_value = "")]
        issuer: String,
    },
    /// Say by which numbers the hospital's systems (HL7 v2 XCN, FHIR identifiers) name an account, instead of those said before.
    Staff {
        /// Name of the account.
        user: String,
        /// NUMBER, or NUMBER^ISSUER where the systems say who gave it; none: they name it no more.
        numbers: Vec<String>,
    },
    /// Say that an account owes a report.
    Order {
        /// Name of the account.
        user: String,
        /// Study Instance UID.
        #[arg(long)]
        study: Uid,
    },
}

pub fn run(command: &User) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    let config = Config::read(&home).map_err(Error::from)?;
    let vault = wiring::open_vault(&home, &config, wiring::pixel_workers())?;
    if let Act::Add { user, role: Role::Device, .. } = &command.act
        && !config.device.iter().any(|device| device.name.to_lowercase() == user.to_lowercase())
    {
        return Err(Failure::Usage(say::text("user-device", &[user])));
    }
    act(&vault, &command.act)?;
    vault.keep_seen_checkpoint().map_err(Error::from)?;
    Ok(())
}

fn act(vault: &Vault, act: &Act) -> Done {
    match act {
        Act::Add { user, role, name, patient, issuer } => {
            if (*role == Role::Patient) != patient.is_some() {
                return Err(Failure::Usage(say::text("user-patient", &[])));
            }
            let password = passwords::random()?;
            let patient = patient.clone().map(|number| (issuer.clone(), number));
            vault.add_account(account(user, name, *role, patient, &password)).map_err(Error::from)?;
            say::line(&say::text("user-added", &[user, &password]));
        }
        Act::Disable { user } => {
            if !vault.disable_account(user).map_err(Error::from)? {
                return Err(Failure::Text(say::text("user-unknown", &[user])));
            }
        }
        Act::SecondFactor { user, remove } => return factor::act(vault, user, *remove),
        Act::Relate { user, patient, issuer } => {
            let relation = NewRelation {
                user: user.clone(),
                patient: Some((issuer.clone(), patient.clone())),
                kind: RelationKind::Visit,
                source: "operator".to_owned(),
                end: None,
            };
            vault.add_relation(relation).map_err(Error::from)?;
        }
        Act::Staff { user, numbers } => {
            let read = |text: &String| {
                StaffNumber::read(text).ok_or_else(|| Failure::Usage(say::text("user-staff", &[text])))
            };
            let numbers = numbers.iter().map(read).collect::<Result<_, _>>()?;
            if !vault.number_staff(user, numbers).map_err(Error::from)? {
                return Err(Failure::Text(say::text("user-unknown", &[user])));
            }
        }
        Act::Order { user, study } => {
            let (user, study) = (user.clone(), Some(study.clone()));
            let order = NewOrder { user, study, accession: String::new(), end: None };
            vault.add_order(order).map_err(Error::from)?;
        }
    }
    Ok(())
}
