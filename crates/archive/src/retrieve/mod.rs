//! retrieve: Token → Readmitted → Selected → Recorded → Redacted → Delivered.
//!
//! The one place through which pixels and headers leave (DESIGN.md §2.3). The entry of a release is durable before its
//! first byte is sent.

mod admit;
mod annotate;
mod check;
mod deliver;
mod lease;
mod leaving;
mod manifest;
mod plan;
mod select;
mod standing;
mod tag;
mod value;

pub use deliver::fragments;
pub use lease::of_head;
pub use leaving::leave;
pub use plan::{Plan, in_force};
pub use standing::{Named, lines, once, transfer, unknown};

use crate::catalog::{Instance, Study};
use crate::context::{About, Context};
use crate::vault::Vault;
use crate::who::session::Handle;
use ledger::Event;
use model::{HoldsFor, Pixels, Uid, Visibility, Words};
use policy::{Grant, Hide, Lapse};
use port::archive::{Form, Retrieve, Syntax};
use port::pixels::Corrections;
use port::{Code, Fault, Response, Stream};
use std::sync::Arc;

/// What leaves under one entry of the ledger.
struct Release {
    proof: Proof,
    grant: Grant,
    study: Arc<Study>,
    /// The study by the name that the caller used.
    asked: Uid,
    chosen: Vec<Chosen>,
    form: Form,
    syntaxes: Vec<Syntax>,
}

/// Whence the grant comes, which must hold to the end of the release.
enum Proof {
    /// A session and what it opened.
    Session(Handle),
    /// What was agreed with a machine: decided anew when its time is over.
    Standing(Box<Context>),
    /// Two persons who take all away.
    Two(Box<[Context; 2]>),
}

/// One instance and what happens to it.
struct Chosen {
    instance: Instance,
    plan: Plan,
    /// Series and SOP Instance UID as the caller may know them.
    shown: (Uid, Uid),
    /// What was put right since it came; nothing: every byte leaves as it came.
    corrections: Option<Corrections>,
    /// The UID of what masking makes of it.
    derived: Option<Uid>,
    leaves: Leaves,
}

/// How the bytes of a file or frame leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// As stored.
    Stored,
    /// A header coded anew before pixel data as stored, which are native little endian already.
    Copied,
    /// Native little endian from the decoder, through the one gate.
    Decoded,
    /// As coded, with what is hidden painted over in the stream, through the same gate.
    Edited,
}

/// Fetches. The answer's stream carries the parts.
pub async fn retrieve(
    vault: &Arc<Vault>,
    context: &Context,
    ask: Retrieve,
) -> Result<(Response, Stream), Fault> {
    let (grant, study) = admit::admit(vault, context, &ask).await?;
    let (first, known) = (ask.first, ask.known.clone());
    let mut release = choose(vault, admit::proof(context)?, grant, study, ask).await;
    // Choosing may have waited: what was admitted before need not hold any more.
    let lapse = admit::still(vault, &release).err().or_else(|| {
        let (study, grant) = (&release.study, &release.grant);
        let masks = vault.mask_version(study) != grant.mask_version();
        let consents = vault.consent_changed(study, grant);
        masks.then_some(Lapse::MaskChanged).or(consents.then_some(Lapse::ConsentChanged))
    });
    if let Some(lapse) = lapse {
        return admit::refuse(vault, context, Some(&release.study), lapse.as_str(), Code::OpenAnew).await;
    }
    // What cannot be given is refused before the entry says that it was.
    if let Err((cause, code)) = check::givable(&mut release, first) {
        return admit::refuse(vault, context, Some(&release.study), cause, code).await;
    }
    let tag = tag::of(vault, &release);
    let unchanged = known.iter().any(|known| *known == tag || known == "*");
    // Who is told that a copy still holds looks at it again: that is an act like the first.
    let events = released(&release, unchanged);
    let receipt = vault.record_all(context, About::study(&release.study), events).await?;
    if unchanged {
        return Ok((Response::Unchanged { tag }, port::empty()));
    }
    let fallback = release.chosen.iter().any(|c| matches!(c.plan, Plan::Masked { fallback: true, .. }));
    Ok((Response::Parts { fallback, tag }, deliver::deliver(Arc::clone(vault), release, receipt)))
}

/// Picks the instances that the request names and this grant covers; waits for recognition up to a second.
async fn choose(vault: &Vault, proof: Proof, grant: Grant, study: Arc<Study>, ask: Retrieve) -> Release {
    let masked = grant.visibility().pixels != Pixels::Clear;
    let study = if masked { vault.examined(study, &ask).await } else { study };
    let chosen = picked(vault, &grant, &study, &ask, &|_, _| true);
    Release { proof, grant, study, asked: ask.study, chosen, form: ask.form, syntaxes: ask.syntaxes }
}

/// Instances that the request names and this grant covers; `wants` narrows by series and instance as the caller knows them.
fn picked(
    vault: &Vault,
    grant: &Grant,
    study: &Study,
    ask: &Retrieve,
    wants: &dyn Fn(&Uid, &Uid) -> bool,
) -> Vec<Chosen> {
    let project = vault.project();
    let pseudonym = |uid: &Uid| crate::find::Pseudonyms::uid(&project, uid);
    let names = select::Names { words: grant.visibility().words, pseudonym: &pseudonym };
    let related = grant.may_lift() || grant.lifted();
    let wishes = vault.wishes_of(study.patient());
    let stamp = [wishes.stamp(study.record.masks.version), share(grant)].concat();
    // Asked of what is no image only, and of all the study: once.
    let untouched = std::cell::LazyCell::new(|| plan::untouched(grant, &wishes, study));
    let open = || *untouched;
    let mut chosen = Vec::new();
    for (series, instance) in select::select(study, ask, &names) {
        let shown = (names.shown(&series.uid), names.shown(&instance.record.sop_uid));
        if wants(&shown.0, &shown.1)
            && let Some(plan) = plan::plan(grant, (related, &wishes, &open), study, (&series.uid, instance))
        {
            let corrections = vault.corrections(study, &series.uid);
            let leaves = Leaves::Stored;
            let derived = plan != Plan::Clear;
            let derived = derived.then(|| vault.derived_uid(&instance.record, &stamp));
            chosen.push(Chosen { instance: instance.clone(), plan, shown, corrections, derived, leaves });
        }
    }
    chosen
}

/// Of one mask set different callers get different copies, which must not bear one UID: with other words, or with less hidden.
fn share(grant: &Grant) -> String {
    let also: String = grant.also_hidden().iter().map(|kind| format!("/{kind}")).collect();
    match (grant.visibility().words, grant.hide(), grant.drawn_for()) {
        (Words::Full, Hide::Found, _) | (Words::Full, Hide::All, HoldsFor::Related) => also,
        (words, hide, drawn_for) => format!("/{words:?}/{hide:?}/{drawn_for}{also}"),
    }
}

/// The UID by which the holder of a grant knows one of ours.
fn shown(vault: &Vault, grant: &Grant, uid: &Uid) -> Uid {
    let project = vault.project();
    let pseudonym = |uid: &Uid| crate::find::Pseudonyms::uid(&project, uid);
    select::Names { words: grant.visibility().words, pseudonym: &pseudonym }.shown(uid)
}

/// Objects under one entry: it names them all.
pub const NAMED: usize = 256;

fn released(release: &Release, unchanged: bool) -> Vec<Event> {
    let what = match &release.form {
        _ if unchanged => "unchanged",
        Form::Instances => "instance",
        Form::Frames { .. } => "frames",
        Form::Metadata { .. } => "metadata",
        Form::Bulk { .. } => "bulkdata",
        Form::Rendered { .. } => "rendered",
    };
    let frames = match &release.form {
        Form::Frames { numbers } | Form::Rendered { numbers, .. } => numbers.clone(),
        Form::Instances | Form::Metadata { .. } | Form::Bulk { .. } => Vec::new(),
    };
    let event = |chosen: &[&Chosen]| Event::Released {
        what: what.to_owned(),
        objects: chosen.iter().map(|c| c.instance.record.object).collect(),
        frames: frames.clone(),
        visibility: visibility(&release.grant, chosen),
        mask_version: release.grant.mask_version(),
        corrected: chosen.iter().filter(|c| c.corrections.is_some()).count() as u64,
    };
    let (clear, masked): (Vec<&Chosen>, Vec<_>) = release.chosen.iter().partition(|c| c.plan == Plan::Clear);
    [clear, masked].iter().flat_map(|some| some.chunks(NAMED)).map(event).collect()
}

/// As what these leave: under a grant that masks, some of them may have nothing to hide.
fn visibility(grant: &Grant, chosen: &[&Chosen]) -> String {
    let Visibility { words, .. } = grant.visibility();
    let clear = chosen.iter().all(|c| c.plan == Plan::Clear);
    let pixels = if clear { Pixels::Clear } else { grant.visibility().pixels };
    Visibility { pixels, words }.name()
}

fn refused(cause: &str) -> Event {
    Event::ReleaseRefused { cause: cause.to_owned() }
}

#[cfg(test)]
mod tests;
