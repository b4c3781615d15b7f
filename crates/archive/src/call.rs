//! `port::Archive`: authenticate, then the flow.

use crate::backup;
use crate::context::{About, Context};
use crate::evidence;
use crate::open::Ask;
use crate::retrieve::{self, retrieve};
use crate::vault::{Vault, lock};
use crate::{
    consent, examine, find, govern, ingest, masks, open, putright, relate, schedule, transfer, who, worklist,
};
use ledger::Event;
use model::Purpose;
use policy::Action;
use port::archive::Glass;
use port::ties::Ask::{Garbled, Tell};
use port::{Archive, Call, Code, Credential, Fault, Request, Response, Stream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The vault as doors see it. Cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Vault>);

/// What a mask is lifted for. Another purpose that the study was opened for, research above all, is none of these.
const LIFTED_FOR: &[Purpose] =
    &[Purpose::Report, Purpose::Treatment, Purpose::Emergency, Purpose::SecondOpinion];

/// Counted refusals and the newest checkpoint are written this often.
const HOUSEKEEPING: Duration = Duration::from_secs(15);
/// How far a backup is, is said so often.
const TOLD: Duration = Duration::from_millis(200);

impl Vault {
    /// Starts the vault's own work (examining, housekeeping) and answers its door.
    ///
    /// # Errors
    /// When the start cannot be recorded.
    pub async fn start(self: &Arc<Self>) -> Result<Door, Fault> {
        let event = Event::Started {
            software: self.options.software.clone(),
            config_digest: self.options.config_digest,
            policy_version: self.rules().policies.version().hex(),
        };
        let by_ms = tokio::task::block_in_place(|| self.clock_went_back())?;
        if by_ms > 0 {
            self.record_own(Event::ClockBack { by_ms }).await?;
        }
        self.record_own(event).await?;
        tokio::task::block_in_place(|| self.keep_policies())?;
        let rows = self.broken_rows.load(std::sync::atomic::Ordering::Relaxed);
        if rows > 0 {
            self.record_own(Event::DamageFound { rows }).await?;
        }
        tokio::spawn(examine::run(Arc::clone(self)));
        let vault = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HOUSEKEEPING).await;
                if vault.stopping.load(Ordering::SeqCst) {
                    return;
                }
                if let Err(fault) = vault.housekeep(false).await {
                    tracing::warn!(code = fault.code.as_str(), "housekeeping waits");
                }
            }
        });
        Ok(Door(Arc::clone(self)))
    }

    /// Ends in order: counts, a last entry, the newest checkpoint.
    ///
    /// # Errors
    /// When the end cannot be recorded.
    pub async fn stop(&self) -> Result<(), Fault> {
        self.stopping.store(true, Ordering::SeqCst);
        self.record_own(Event::Stopped { entries: self.ledger_size() }).await?;
        self.housekeep(true).await
    }

    async fn housekeep(&self, stopping: bool) -> Result<(), Fault> {
        let counts = lock(&self.refusals).take();
        for (source, minute, count) in counts {
            self.record_own(Event::RefusalsCounted { source, minute, count }).await?;
        }
        self.tell_silence().await?;
        tokio::task::block_in_place(|| self.keep_seen_checkpoint())?;
        // An index that cannot be kept costs time at the next start, and nothing else.
        if let Err(error) = tokio::task::block_in_place(|| self.keep_index(stopping)) {
            tracing::warn!(%error, "the index's snapshot could not be written");
        }
        Ok(())
    }

    /// Instances that wait to be examined.
    #[must_use]
    pub fn unexamined(&self) -> usize {
        self.catalog().unexamined_count()
    }

    /// Syncs of the intake log since the start.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.store.syncs()
    }
}

#[async_trait::async_trait]
impl Archive for Door {
    async fn call(&self, call: Call, body: Stream) -> Result<(Response, Stream), Fault> {
        let Call { credential, arrival, request } = call;
        let vault = &self.0;
        match request {
            Request::Ready => return Ok((Response::Done, port::empty())),
            Request::SignIn { user, password } => {
                return who::sign_in(vault, &arrival, &user, password).await.map(plain);
            }
            Request::MachineToken { client, secret } => {
                return who::machine::token(vault, &arrival, &client, secret).await.map(plain);
            }
            Request::Backup { data, wraps } => {
                // What holds the archive's keys anyway, and nobody else.
                who::operator(&credential)?;
                return Ok((Response::Done, backup_stream(vault, data, wraps)));
            }
            Request::Leave(ask) => {
                who::operator(&credential)?;
                return retrieve::leave(vault, &arrival, ask).await;
            }
            _ => {}
        }
        let context = who::authenticate(vault, &credential, &arrival)?;
        match request {
            Request::Retrieve(ask) => retrieve(vault, &context, ask).await,
            Request::Transfer(ask) if ask.job.is_some() == (credential == Credential::Gateway) => {
                transfer::transfer(vault, &context, ask).await
            }
            // The gateway by itself does what it leased and nothing else.
            Request::LeaseJob | Request::JobProgress { .. } if credential != Credential::Gateway => {
                Err(Code::NotAllowed.into())
            }
            _ if credential == Credential::Gateway => transfer::job(vault, request).await.map(plain),
            // A bearer token is one grant: it fetches its study's pixels and does nothing else.
            _ if context.bearer.is_some() => elsewhere(vault, &context, "other-than-retrieve").await,
            // A machine's token is for DICOMweb; storing begins with the question who it is.
            Request::Whoami
            | Request::Store { .. }
            | Request::Find(_)
            | Request::Scheduled(_)
            | Request::Schedule { .. }
            | Request::EndOrder { .. }
            | Request::Ties(Tell(_) | Garbled) => act(vault, &context, request, body).await.map(plain),
            _ if matches!(credential, Credential::Bearer(_)) => {
                elsewhere(vault, &context, "other-than-dicomweb").await
            }
            Request::MaskPlanes(ask) => masks::planes(vault, &context, ask).await,
            Request::Govern(ask) => govern::govern(vault, &context, &credential, *ask).await.map(plain),
            request => act(vault, &context, request, body).await.map(plain),
        }
    }
}

/// A token was shown where it does not count: somebody tries what it opens.
async fn elsewhere<T>(vault: &Vault, context: &Context, right: &str) -> Result<T, Fault> {
    let about = About { study: context.bearer.clone(), ..About::nothing() };
    let event = Event::NotAllowed { right: right.to_owned(), rules: vec!["bearer".to_owned()] };
    vault.record(context, about, event).await?;
    Err(Code::NotAllowed.into())
}

/// Makes a backup in the background of a stream that says how far it is.
fn backup_stream(vault: &Arc<Vault>, data: String, wraps: String) -> Stream {
    let (sink, stream) = port::stream();
    let vault = Arc::clone(vault);
    tokio::spawn(async move {
        let target = backup::Target { data: data.into(), wraps: wraps.into() };
        let (say, mut told) = tokio::sync::watch::channel((0, 0));
        let making = vault.backup(target, move |done, total| {
            // The receiver lives as long as the backup.
            let _ = say.send((done, total));
        });
        tokio::pin!(making);
        let made = loop {
            tokio::select! {
                made = &mut making => break made,
                Ok(()) = told.changed() => {
                    let (done, total) = *told.borrow_and_update();
                    let line = format!("{{\"done\":{done},\"total\":{total}}}");
                    // Nobody watches any more: the backup goes on.
                    let _ = sink.send(port::Item::Chunk(line.into())).await;
                    tokio::time::sleep(TOLD).await;
                }
            }
        };
        // The operator may read what went wrong in full.
        let line = match made {
            Ok(manifest) => serde_json::to_vec(&manifest),
            Err(error) => {
                serde_json::to_vec(&std::collections::BTreeMap::from([("error", error.to_string())]))
            }
        };
        match line {
            Ok(line) => {
                if sink.bytes(line.into()).await.is_ok() {
                    drop(sink.finish().await);
                }
            }
            Err(_) => sink.fail(Code::Internal.into()).await,
        }
    });
    stream
}

fn plain(response: Response) -> (Response, Stream) {
    (response, port::empty())
}

async fn glass(vault: &Vault, context: &Context, ask: Glass) -> Result<Response, Fault> {
    match ask {
        Glass::Break { study, reason, code } => {
            open::break_glass(vault, context, study, (reason, &code)).await
        }
        Glass::Reviews => evidence::reviews(vault, context).await,
        Glass::Review { entry, outcome, note } => {
            evidence::review(vault, context, entry, (outcome, note)).await
        }
    }
}

async fn act(
    vault: &Arc<Vault>,
    context: &Context,
    request: Request,
    body: Stream,
) -> Result<Response, Fault> {
    match request {
        Request::SignOut => who::sign_out(vault, context).await,
        Request::Whoami => Ok(Response::Account(who::account(vault, context))),
        Request::Store { study } => ingest::ingest(vault, context, study, body).await,
        Request::Find(query) => find::find(vault, context, query).await,
        Request::Open { study, purpose, reason } => {
            open::open(vault, context, Ask { study, action: Action::Open, purpose, reason }).await
        }
        Request::Lift { study, reason } => {
            let held = vault.purpose_of(context, &study).filter(|held| LIFTED_FOR.contains(held));
            let purpose = held.unwrap_or(Purpose::Treatment);
            let ask = Ask { study, action: Action::Lift, purpose, reason: Some(reason) };
            open::open(vault, context, ask).await
        }
        Request::Glass(ask) => glass(vault, context, ask).await,
        Request::Worklist { search, limit, offset } => {
            worklist::worklist(vault, context, &search, limit, offset).await
        }
        Request::MyStudies => evidence::my_studies(vault, context).await,
        Request::Accesses { study, kinds, limit, before } => {
            evidence::accesses(vault, context, evidence::Ask { study, kinds, limit, before }).await
        }
        Request::Masks { study } => masks::masks(vault, context, &study).await,
        Request::DrawMasks { study, change } => masks::draw(vault, context, &study, change).await,
        Request::BringPlanes(ask) => masks::bring(vault, context, ask, body).await,
        Request::StandingMasks { study } => masks::standing(vault, context, &study).await,
        Request::WishMasks { study, change } => masks::wish(vault, context, &study, change).await,
        Request::Consent(ask) => consent::answer(vault, context, ask).await,
        Request::Scheduled(query) => schedule::scheduled(vault, context, query).await,
        Request::Schedule { orders, report_by } => schedule::place(vault, context, orders, report_by).await,
        Request::EndOrder { accession, step } => {
            schedule::end(vault, context, (&accession, step.as_deref())).await
        }
        Request::PutRight(ask) => putright::answer(vault, context, ask).await,
        Request::Ties(ask) => relate::answer(vault, context, ask).await,
        Request::Gather(ask) => transfer::gather(vault, context, ask).await,
        Request::Commit { transaction, references } => {
            transfer::commit(vault, context, transaction, references).await
        }
        Request::SignIn { .. }
        | Request::MachineToken { .. }
        | Request::Retrieve(_)
        | Request::Transfer(_)
        | Request::MaskPlanes(_)
        | Request::Govern(_)
        | Request::LeaseJob
        | Request::JobProgress { .. }
        | Request::Backup { .. }
        | Request::Leave(_)
        | Request::Ready => Err(Code::BadRequest.into()),
    }
}
