//! The name of an answer, for conditional requests (RFC 9110 §8.8.3): the same for the same bytes under the same grant,
//! another one for anything else. Keyed, so that it says nothing of what it names: a digest of hidden pixels would.

use super::{Chosen, Plan, Release};
use crate::vault::Vault;

/// Bytes of a tag: enough that two never meet.
const LEN: usize = 16;

/// The tag of what a release sends.
pub fn of(vault: &Vault, release: &Release) -> String {
    let asked = format!("{:?} {:?}", release.form, release.syntaxes);
    let grant = &release.grant;
    let (mask, policy) = (grant.mask_version(), grant.policy_version());
    let seen = format!(
        "{:?} {mask} {policy:?} {} {:?} {} {}",
        grant.visibility(),
        grant.lifted(),
        grant.longest_side(),
        grant.consent_version(),
        env!("CARGO_PKG_VERSION")
    );
    let instances: Vec<Vec<u8>> = release.chosen.iter().map(instance).collect();
    let mut pieces: Vec<&[u8]> = vec![asked.as_bytes(), seen.as_bytes()];
    pieces.extend(instances.iter().map(Vec::as_slice));
    let name = vault.sealing.ladder.name("gauze/answer", &pieces);
    name.iter().take(LEN).map(|byte| format!("{byte:02x}")).collect()
}

/// The object, what it is called and what of it is hidden by what.
fn instance(chosen: &Chosen) -> Vec<u8> {
    let record = &chosen.instance.record;
    let hidden = match &chosen.plan {
        Plan::Clear => None,
        Plan::Masked { regions, .. } => Some((&**regions, None)),
    };
    let mosaic = record.seen.as_ref().is_some_and(|seen| seen.mosaic);
    let plan = privacy::plan_digest(hidden, u32::from(mosaic));
    let (series, shown) = &chosen.shown;
    let corrections = format!("{:?}", chosen.corrections);
    [
        &record.object.0[..],
        &plan,
        &[chosen.leaves as u8],
        series.as_str().as_bytes(),
        b"/",
        shown.as_str().as_bytes(),
        corrections.as_bytes(),
    ]
    .concat()
}
