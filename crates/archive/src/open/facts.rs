//! Facts are gathered here, all of them, and judged in `policy` only.

use super::Ask;
use crate::catalog::Study;
use crate::context::Context;
use crate::vault::Vault;
use model::tags;
use policy::{Caller, Facts, MaskFacts, StudyFacts};
use std::collections::BTreeSet;

/// Facts for one decision about one study.
pub fn gather(vault: &Vault, context: &Context, study: &Study, ask: &Ask) -> Facts {
    let record = &study.record;
    let attributes = (&record.patient_attributes, &record.attributes);
    let (relations, order) = vault.ties_of(&context.caller.user, &record.uid, attributes, context.now);
    let site = vault.site();
    let own = context.own.filter(|own| vault.is_own(*own, (&record.uid, study.patient())));
    Facts {
        caller: Caller { own_patient: own.map(|own| own.patient), ..context.caller.clone() },
        purpose: Some(ask.purpose),
        relations,
        order_for_report: order,
        reason: ask.reason.clone(),
        study: study_facts(vault, study),
        research_approval: site.research_approval,
        objection: vault.objects(study.patient()),
        // A door that knows nothing of sessions knows nothing of broken glass: `open` adds it.
        glass_until: None,
        consent: crate::consent::said(vault, context, study, ask.purpose),
        standing: context.standing.clone(),
        now: context.now,
        utc_offset_s: vault.options.utc_offset_s,
        mask: mask_facts(vault, study),
    }
}

/// What people drew on this study, and wish of all films of its patient. An empty set has a version, too: what was decided
/// before it holds no more.
fn mask_facts(vault: &Vault, study: &Study) -> Option<MaskFacts> {
    let wishes = vault.wishes_of(study.patient());
    let version = wishes.with(study);
    (version > 0).then_some(MaskFacts { version, holds_for: wishes.at_most(study) })
}

fn study_facts(vault: &Vault, study: &Study) -> StudyFacts {
    let parts = |tag| -> Vec<String> {
        let set: BTreeSet<&str> = study.instances().map(|(s, _)| s.attributes.first(tag)).collect();
        set.into_iter()
            .filter(|p| !p.is_empty())
            .take(policy::facts::STUDY_WORDS)
            .map(str::to_owned)
            .collect()
    };
    let seen = || study.instances().filter_map(|(_, i)| i.record.seen.as_ref());
    StudyFacts {
        study: study.record.id,
        tenant: vault.tenant.clone(),
        patient: study.patient(),
        modalities: parts(tags::MODALITY),
        body_parts: parts(tags::BODY_PART_EXAMINED),
        // Not examined yet: the level of a film that shows a person.
        level: seen().map(|s| s.level).max().unwrap_or(3),
        withheld_class: crate::find::withheld(study),
    }
}
