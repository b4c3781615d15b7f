//! SOP classes and transfer syntaxes that are agreed to, and the agreement itself.

use super::negotiate::{Context, Extended, Role, Terms, Verdict};
use super::{EXPLICIT, IMPLICIT};
use crate::intake::walk::known;
use crate::{IMPLEMENTATION_VERSION, bounds};
use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::StandardSopClassDictionary;

/// Verification (PS3.4 A).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Patient Root Query/Retrieve: FIND (PS3.4 C.6.1).
pub const PATIENT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
/// Patient Root: MOVE.
pub const PATIENT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.1.2";
/// Patient Root: GET.
pub const PATIENT_GET: &str = "1.2.840.10008.5.1.4.1.2.1.3";
/// Study Root Query/Retrieve: FIND (PS3.4 C.6.2).
pub const STUDY_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
/// Study Root: MOVE.
pub const STUDY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Study Root: GET.
pub const STUDY_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// Modality Worklist Information Model: FIND (PS3.4 K.6.1).
pub const WORKLIST_FIND: &str = "1.2.840.10008.5.1.4.31";
/// Storage Commitment Push Model (PS3.4 J).
pub const COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// Its well-known instance.
pub const COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";

/// Classes of queries, retrieval and commitment: their data sets are small and uncompressed.
pub const SERVICES: &[&str] =
    &[PATIENT_FIND, PATIENT_MOVE, PATIENT_GET, STUDY_FIND, STUDY_MOVE, STUDY_GET, WORKLIST_FIND, COMMITMENT];

/// Transfer syntaxes of [`SERVICES`] and [`VERIFICATION`].
pub const PLAIN_SYNTAXES: &[&str] = &[IMPLICIT, EXPLICIT];

/// Extended negotiation that is agreed to, byte by byte (PS3.4 §C.5.1.1: relational queries, date-time matching, fuzzy
/// matching of names, time zone adjustment, enhanced multi-frame conversion; §C.5.2.1: relational retrieval).
const EXTENDED: &[(&[&str], &[u8])] = &[
    (&[PATIENT_FIND, STUDY_FIND], &[1, 1, 1, 0, 0]),
    (&[PATIENT_MOVE, STUDY_MOVE, PATIENT_GET, STUDY_GET], &[1, 0]),
];

/// What an acceptor agrees to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Called AE title that must match, trimmed; `None`: any.
    pub called_ae: Option<String>,
    /// SOP classes that are stored although PS3.6 does not list them.
    pub private_classes: Vec<String>,
    /// Query, retrieval and commitment too, and who works at the machine; not only verification and storage.
    pub services: bool,
    /// Maximum PDU length offered, clamped to [`bounds::PDU_MIN`]..=[`bounds::PDU_MAX`].
    pub max_pdu: u32,
}

impl Options {
    /// The answer to a proposal, or nothing when the called title is not ours.
    pub(super) fn judge(&self, asked: &Terms) -> Option<Terms> {
        if self.called_ae.as_ref().is_some_and(|wanted| *wanted != asked.called) {
            return None;
        }
        let mut answer = asked.clone();
        answer.identity = None;
        answer.max_pdu = self.max_pdu.clamp(bounds::PDU_MIN, bounds::PDU_MAX);
        IMPLEMENTATION_VERSION.clone_into(&mut answer.software);
        for context in &mut answer.contexts {
            context.verdict = self.verdict(context);
        }
        answer.roles = asked.roles.iter().map(|role| self.role(role)).collect();
        let offered = asked.extended.iter().filter(|_| self.services);
        answer.extended = offered.filter_map(agreed).collect();
        Some(answer)
    }

    fn verdict(&self, context: &Context) -> Verdict {
        let class = context.abstract_syntax.as_str();
        let plain = class == VERIFICATION || (self.services && SERVICES.contains(&class));
        if !plain && !self.stores(class) {
            return Verdict::AbstractSyntax;
        }
        let fits = |syntax: &str| if plain { PLAIN_SYNTAXES.contains(&syntax) } else { known(syntax) };
        let first = context.syntaxes.iter().find(|s| fits(s));
        first.map_or(Verdict::TransferSyntaxes, |s| Verdict::Accepted(s.clone()))
    }

    fn stores(&self, class: &str) -> bool {
        is_storage(class) || self.private_classes.iter().any(|c| c == class)
    }

    /// A requester may provide storage (C-GET sends to it) and commitment reports are never taken from one.
    fn role(&self, asked: &Role) -> Role {
        let scp = asked.scp && self.services && self.stores(&asked.class);
        Role { class: asked.class.clone(), scu: asked.scu, scp }
    }
}

fn agreed(asked: &Extended) -> Option<Extended> {
    let (_, ours) = EXTENDED.iter().find(|(classes, _)| classes.contains(&asked.class.as_str()))?;
    let info = asked.info.iter().zip(*ours).map(|(theirs, ours)| *theirs & *ours).collect();
    Some(Extended { class: asked.class.clone(), info })
}

/// Listed in PS3.6 as a storage SOP class.
#[must_use]
pub fn is_storage(uid: &str) -> bool {
    let entry = StandardSopClassDictionary.by_uid(uid).filter(|_| uid.starts_with("1.2.840.10008.5."));
    entry.is_some_and(|e| {
        e.name.contains("Storage") && !e.name.contains("Commitment") && !e.name.contains("Directory")
    })
}
