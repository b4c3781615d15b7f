//! Studies by the names that callers know, and what ties a caller to their patient.

use super::{Vault, lock};
use crate::Result;
use crate::catalog::{InstanceRecord, Study};
use crate::context::Context;
use model::{Attributes, Purpose, Time, Uid, tags};
use policy::Relation;
use std::sync::Arc;

impl Vault {
    /// The study that a caller names for this purpose: by its UID, or for secondary use by its pseudonym only.
    pub(crate) fn known_study(
        &self,
        context: &Context,
        uid: &Uid,
        purpose: Purpose,
    ) -> Result<Option<Arc<Study>>> {
        let pseudonymous = purpose == Purpose::Research || context.caller.role == model::Role::Researcher;
        if !pseudonymous {
            // For teaching and quality a patient may let doctors see her own name.
            let own = self.study(uid)?;
            if own.is_some() || !purpose.secondary() {
                return Ok(own);
            }
        }
        self.by_pseudonym(uid).map_or(Ok(None), |uid| self.study(&uid))
    }

    /// The study by its UID or its pseudonym.
    pub(crate) fn study_by_any_name(&self, uid: &Uid) -> Result<Option<Arc<Study>>> {
        match self.study(uid)? {
            Some(study) => Ok(Some(study)),
            None => self.by_pseudonym(uid).map_or(Ok(None), |uid| self.study(&uid)),
        }
    }

    /// A durable instance with its study.
    pub(crate) fn instance(&self, uid: &Uid) -> Result<Option<(Arc<Study>, Arc<InstanceRecord>)>> {
        let catalog = self.catalog_for(uid, uid)?;
        let found = catalog.instance(uid).filter(|(_, _, instance)| instance.shown());
        Ok(found.map(|(study, _, instance)| (Arc::clone(study), Arc::clone(&instance.record))))
    }

    /// Relations of a user to the study's patient, and whether an order names the study.
    pub(crate) fn ties_of(
        &self,
        user: &str,
        uid: &Uid,
        (patient, study): (&Attributes, &Attributes),
        now: Time,
    ) -> (Vec<Relation>, bool) {
        let key = (
            patient.first(tags::ISSUER_OF_PATIENT_ID).to_owned(),
            patient.first(tags::PATIENT_ID).to_owned(),
        );
        let accession = study.first(tags::ACCESSION_NUMBER);
        let keys = self.all_numbers(key);
        let ordered = lock(&self.ties)
            .get(user)
            .is_some_and(|(record, _)| record.ordered(uid, (accession, &keys), now));
        (self.relations_of(user, &keys, now), ordered)
    }
}
