//! Who asks: from a credential to a caller, and signing in and out.

pub mod accounts;
pub mod factor;
pub mod glass;
pub mod machine;
pub mod refusals;
pub mod session;
pub mod throttle;
pub mod ties;
pub mod turns;

#[cfg(test)]
mod tests;

use crate::context::{About, Context};
use crate::journal::new_id;
use crate::vault::{Device, Vault, lock};
use accounts::{AccountRecord, PasswordRecord};
use crypto::TokenKind;
use ledger::Event;
use model::{Arrival, Door, Organisation, Role};
use policy::{Caller, Right, Standing};
use port::archive::Account;
use port::{Code, Credential, Fault, Response};
use turns::Turn;

/// The organisation of machines and local commands: the hospital itself.
const HOUSE: &str = "hospital";
/// The gateway's name for what it does without a caller.
pub const GATEWAY: &str = "gateway";

/// Checks what a caller shows. Nothing valid: refused and counted, without telling what was wrong.
pub fn authenticate(vault: &Vault, credential: &Credential, arrival: &Arrival) -> Result<Context, Fault> {
    let known = match credential {
        Credential::None => None,
        Credential::Cookies { session, viewing } => cookies(vault, session, viewing.as_deref(), arrival),
        Credential::Bearer(token) => {
            bearer(vault, token, arrival).or_else(|| machine::of_token(vault, token, arrival))
        }
        Credential::Device => device(vault, arrival),
        Credential::Operated { session } => operated(vault, session, arrival),
        Credential::Local => Some(machine(vault, Role::Technologist, "import", arrival)),
        Credential::Gateway => Some(machine(vault, Role::Device, GATEWAY, arrival)),
    };
    known.ok_or_else(|| {
        lock(&vault.refusals).note(&arrival.peer, vault.clock.now());
        Code::NotSignedIn.into()
    })
}

/// Only who holds the keys anyway: the operator's line, or a command with the vault in its own process.
pub fn operator(credential: &Credential) -> Result<(), Fault> {
    if *credential == Credential::Local { Ok(()) } else { Err(Code::NotSignedIn.into()) }
}

fn cookies(vault: &Vault, session: &str, viewing: Option<&str>, arrival: &Arrival) -> Option<Context> {
    let cookie = vault.sealing.handle(TokenKind::Session, session)?;
    let viewing = viewing.and_then(|token| vault.sealing.handle(TokenKind::Viewing, token));
    let (id, user, views) = {
        let mut sessions = vault.sessions();
        let session = sessions.touch(&cookie, vault.clock.monotonic())?;
        (session.id, session.user.clone(), viewing.is_some_and(|v| session.views(&v)))
    };
    let context = person(vault, &user, arrival)?;
    Some(Context { session: Some((cookie, id)), views, ..context })
}

fn bearer(vault: &Vault, token: &str, arrival: &Arrival) -> Option<Context> {
    let handle = vault.sealing.handle(TokenKind::Bearer, token)?;
    let (cookie, study, id, user) = {
        let mut sessions = vault.sessions();
        let (cookie, study) = sessions.of_bearer(&handle)?;
        let session = sessions.touch(&cookie, vault.clock.monotonic())?;
        (cookie, study, session.id, session.user.clone())
    };
    let context = person(vault, &user, arrival)?;
    Some(Context { session: Some((cookie, id)), bearer: Some(study), ..context })
}

/// The account of this name, if it may still act.
pub fn person(vault: &Vault, user: &str, arrival: &Arrival) -> Option<Context> {
    let accounts = lock(&vault.accounts);
    let (account, _) = accounts.get(user).filter(|(a, _)| !a.disabled)?;
    Some(context(vault, account, arrival))
}

fn context(vault: &Vault, account: &AccountRecord, arrival: &Arrival) -> Context {
    let own = account.patient.as_ref().map(|(issuer, number)| vault.own_by(issuer, number));
    Context {
        caller: Caller {
            user: account.user.clone(),
            role: account.role,
            organisation: Organisation(account.organisation.clone()),
            tenant: vault.tenant.clone(),
            own_patient: own.map(|own| own.patient),
        },
        name: account.name.clone(),
        session: None,
        bearer: None,
        views: false,
        standing: Standing::default(),
        operator: None,
        own,
        arrival: arrival.clone(),
        now: vault.clock.now(),
    }
}

/// A machine: certificate and AE title (HL7: sending application) as the operator named them; plain only from loopback and only where configured.
fn device(vault: &Vault, arrival: &Arrival) -> Option<Context> {
    // HL7 has no plain door: what comes by it has a certificate.
    if !matches!(arrival.door, Door::Dimse | Door::Hl7)
        || arrival.door == Door::Hl7 && arrival.certificate.is_empty()
    {
        return None;
    }
    let own = vault.options.devices.iter().filter(|d| d.certificate == arrival.certificate);
    let (named, any) =
        (own.clone().find(|d| d.ae == arrival.calling_ae), own.clone().find(|d| d.ae.is_empty()));
    let known = named.or(any)?;
    if known.certificate.is_empty() {
        let loopback = arrival.peer.parse::<std::net::SocketAddr>().is_ok_and(|peer| peer.ip().is_loopback());
        // Nobody proved anything: it may bring films, and sees none.
        let may = known.may.iter().filter(|act| *act == "store").cloned().collect();
        let bare = Device { may, sees: String::new(), ..known.clone() };
        return loopback.then(|| agreed(vault, &bare, arrival));
    }
    Some(agreed(vault, known, arrival))
}

/// A machine with a person at it. Plain machines proved nothing: nobody works at them.
fn operated(vault: &Vault, session: &str, arrival: &Arrival) -> Option<Context> {
    let machine = device(vault, arrival).filter(|_| !arrival.certificate.is_empty())?;
    let person = cookies(vault, session, None, arrival)?;
    Some(Context { operator: Some(Box::new(person)), ..machine })
}

/// Whether who works at the machine may still act.
pub fn works(vault: &Vault, context: &Context) -> bool {
    context.operator.as_deref().is_none_or(|person| acts(vault, person))
}

/// Whether a person's account is not ended, nor the session that she acts by.
pub fn acts(vault: &Vault, person: &Context) -> bool {
    let accounts = lock(&vault.accounts);
    let enabled = accounts.get(&person.caller.user).is_some_and(|(account, _)| !account.disabled);
    drop(accounts);
    enabled
        && person
            .session
            .is_none_or(|(cookie, _)| vault.sessions().touch(&cookie, vault.clock.monotonic()).is_some())
}

/// The machine to which objects are to be sent, by its AE title; `arrival` is of who asked, `operator` the account of who
/// works there, or nobody's.
pub fn receiver(
    vault: &Vault,
    title: &str,
    (arrival, operator): (&Arrival, &str),
) -> Option<(Device, Context)> {
    let known = vault.options.devices.iter().find(|d| d.ae == title && !d.address.is_empty())?;
    let operator = match operator {
        "" => None,
        user => Some(Box::new(person(vault, user, arrival)?)),
    };
    Some((known.clone(), Context { operator, ..agreed(vault, known, arrival) }))
}

/// A machine of the address book.
pub fn agreed(vault: &Vault, known: &Device, arrival: &Arrival) -> Context {
    let standing = Standing {
        ae: known.name.clone(),
        may: known.may.clone(),
        sees: known.sees.clone(),
        purpose: Some(known.purpose),
    };
    Context { standing, ..machine(vault, Role::Device, &known.name, arrival) }
}

fn machine(vault: &Vault, role: Role, name: &str, arrival: &Arrival) -> Context {
    Context {
        caller: Caller {
            user: name.to_owned(),
            role,
            organisation: Organisation(HOUSE.to_owned()),
            tenant: vault.tenant.clone(),
            own_patient: None,
        },
        name: name.to_owned(),
        session: None,
        bearer: None,
        views: false,
        standing: Standing::default(),
        operator: None,
        own: None,
        arrival: arrival.clone(),
        now: vault.clock.now(),
    }
}

/// Signs a person in.
pub async fn sign_in(
    vault: &Vault,
    arrival: &Arrival,
    user: &str,
    password: String,
) -> Result<Response, Fault> {
    let account = checked(vault, arrival, user, password, |account| account.role != Role::Device).await?;
    begin(vault, &context(vault, &account, arrival)).await
}

/// The account of a name and password, if it is of the wanted kind. Unknown users cost the same time as wrong passwords.
async fn checked(
    vault: &Vault,
    arrival: &Arrival,
    user: &str,
    password: String,
    wanted: impl Fn(&AccountRecord) -> bool,
) -> Result<AccountRecord, Fault> {
    let user: String = user.trim().to_lowercase().chars().take(64).collect();
    let source = throttle::source(&arrival.peer);
    let Some(_turn) = Turn::take(vault, &source) else { return Err(slow_down(vault, arrival, 1)) };
    let begun = lock(&vault.throttle).begin(&user, &source, vault.clock.monotonic());
    let attempt = begun.map_err(|wait| slow_down(vault, arrival, wait))?;
    let known = lock(&vault.accounts).get(&user).map(|(a, _)| a.clone());
    let record = known.as_ref().map_or(PasswordRecord::unknown(), |a| a.password.clone());
    let good = {
        let _one_of_two = vault.sign_ins.acquire().await.map_err(|_| Code::Unavailable)?;
        tokio::task::spawn_blocking(move || record.holds(&password)).await.map_err(|_| Code::Internal)?
    };
    let exists = known.is_some();
    let Some(account) = known.filter(|a| good && !a.disabled && wanted(a)) else {
        refused(vault, arrival, &user, &source, exists)?;
        return Err(Code::SignInFailed.into());
    };
    lock(&vault.throttle).passed(&attempt);
    Ok(account)
}

/// Counted, not recorded one by one: nobody needs an account to be slowed down.
fn slow_down(vault: &Vault, arrival: &Arrival, wait: u32) -> Fault {
    lock(&vault.refusals).note(&arrival.peer, vault.clock.now());
    Fault { code: Code::SlowDown, retry_after_s: Some(wait) }
}

async fn begin(vault: &Vault, context: &Context) -> Result<Response, Fault> {
    let (session, cookie) = vault.sealing.new_token(TokenKind::Session)?;
    let id = new_id(&*vault.sealing.random)?;
    let context = Context { session: Some((cookie, id)), ..context.clone() };
    vault.record(&context, About::nothing(), Event::SignedIn {}).await?;
    vault.sessions().begin(cookie, id, context.caller.user.clone(), vault.clock.monotonic());
    let expires_in_s = u32::try_from(session::SESSION_S).unwrap_or(0);
    Ok(Response::SignedIn { session, account: account(vault, &context), expires_in_s })
}

/// One entry an account, source and minute; more, and names that are no account's, are counted. The entry is written in a
/// task of its own: waiting for it would tell by the clock which names are accounts.
fn refused(vault: &Vault, arrival: &Arrival, user: &str, source: &str, exists: bool) -> Result<(), Fault> {
    let now = vault.clock.now();
    let first = exists && lock(&vault.refusals).first(user, source, now);
    if !first {
        lock(&vault.refusals).note(&arrival.peer, now);
        return Ok(());
    }
    let (vault, context) = (vault.shared()?, machine(vault, Role::Device, "", arrival));
    let event = Event::SignInRefused { user: user.to_owned(), cause: "sign-in-failed".to_owned() };
    tokio::spawn(async move {
        if vault.record(&context, About::nothing(), event).await.is_err() {
            tracing::error!("a refused sign-in could not be recorded");
        }
    });
    Ok(())
}

/// Signs out: the session and all it opened end.
pub async fn sign_out(vault: &Vault, context: &Context) -> Result<Response, Fault> {
    vault.record(context, About::nothing(), Event::SignedOut {}).await?;
    if let Some((cookie, _)) = &context.session {
        vault.sessions().end(cookie);
    }
    Ok(Response::Done)
}

/// Who the caller is, in words for people.
pub fn account(vault: &Vault, context: &Context) -> Account {
    Account {
        stores: vault.right(context, Right::Store).is_ok(),
        user: context.caller.user.clone(),
        name: context.name.clone(),
        role: context.caller.role,
        organisation: context.caller.organisation.0.clone(),
    }
}
