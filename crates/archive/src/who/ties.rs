//! What ties callers to patients: relations and orders, and what a site or a patient has said about research.

use model::{PatientRef, Time, Uid};
use policy::{Relation, RelationKind};
use serde::{Deserialize, Serialize};

/// A user's ties: one sealed row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TiesRecord {
    /// Relations.
    pub relations: Vec<RelationRecord>,
    /// Orders that ask this user for a report or a treatment.
    pub orders: Vec<OrderRecord>,
}

/// A relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelationRecord {
    /// With whom; nobody named: all patients of the tenant (a reading pool).
    pub patient: Option<(String, String)>,
    /// Which kind.
    pub kind: RelationKind,
    /// Where it is known from.
    pub source: String,
    /// From.
    pub start: Time,
    /// Until.
    pub end: Option<Time>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// The study, once it is known.
    pub study: Option<Uid>,
    /// (0008,0050), before.
    pub accession: String,
    /// Whose, by issuer and number: two systems may give the same accession number. Nobody named: as the operator set it.
    #[serde(default)]
    pub patient: Option<(String, String)>,
    /// From.
    pub start: Time,
    /// Until; reported orders end.
    pub end: Option<Time>,
}

/// What the site and its patients have said: one sealed row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SiteRecord {
    /// Research on de-identified data is approved.
    pub research_approval: bool,
    /// Patients who object to secondary use.
    pub objections: Vec<PatientRef>,
}

impl TiesRecord {
    /// Relations to one patient under any of her numbers, ended ones too: policy looks at the time.
    pub fn to_patient(&self, patient: &[(String, String)]) -> Vec<Relation> {
        let theirs = self.relations.iter().filter(|r| r.patient.as_ref().is_none_or(|p| patient.contains(p)));
        let relation = |r: &RelationRecord| Relation {
            kind: r.kind,
            source: r.source.clone(),
            start: r.start,
            end: r.end,
        };
        theirs.map(relation).collect()
    }

    /// There is an order for this study of a patient of these numbers now.
    pub fn ordered(&self, study: &Uid, (accession, patient): (&str, &[(String, String)]), now: Time) -> bool {
        self.orders.iter().any(|order| {
            let holds = order.start <= now && order.end.is_none_or(|end| now < end);
            let named = order.study.as_ref() == Some(study);
            let numbered = order.study.is_none() && !accession.is_empty() && order.accession == accession;
            let hers =
                order.patient.as_ref().is_none_or(|whose| patient.iter().any(|p| same_patient(whose, p)));
            holds && (named || numbered && hers)
        })
    }
}

/// Who says no issuer means the same as who does.
pub fn same_patient((issuer, number): &(String, String), (other, same): &(String, String)) -> bool {
    number == same && (issuer == other || issuer.is_empty() || other.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_name_a_study_or_an_accession_of_a_patient() {
        let order = |study: Option<&str>, accession: &str, end| OrderRecord {
            study: study.map(|s| s.parse().unwrap()),
            accession: accession.into(),
            patient: None,
            start: Time(10),
            end,
        };
        let ties = |order| TiesRecord { relations: vec![], orders: vec![order] };
        let study: Uid = "1.2".parse().unwrap();
        let hers = [("H".to_owned(), "7".to_owned())];
        let of = |accession| (accession, &hers[..]);
        assert!(ties(order(Some("1.2"), "", None)).ordered(&study, of(""), Time(10)));
        assert!(!ties(order(Some("1.2"), "", None)).ordered(&study, of(""), Time(9)), "not yet");
        assert!(!ties(order(Some("1.2"), "", Some(Time(11)))).ordered(&study, of(""), Time(11)), "ended");
        assert!(!ties(order(Some("1.3"), "A", None)).ordered(&study, of("A"), Time(10)), "another study");
        assert!(ties(order(None, "A", None)).ordered(&study, of("A"), Time(10)));
        assert!(
            !ties(order(None, "", None)).ordered(&study, of(""), Time(10)),
            "an empty number ties nothing"
        );
        for (issuer, number, holds) in
            [("H", "7", true), ("", "7", true), ("G", "7", false), ("H", "8", false)]
        {
            let patient = Some((issuer.to_owned(), number.to_owned()));
            let order = OrderRecord { patient, ..order(None, "A", None) };
            assert_eq!(ties(order).ordered(&study, of("A"), Time(10)), holds, "{issuer} {number}");
        }
    }

    #[test]
    fn a_pool_is_with_everybody() {
        let record = |patient: Option<(&str, &str)>| RelationRecord {
            patient: patient.map(|(a, b)| (a.into(), b.into())),
            kind: RelationKind::Pool,
            source: "demo".into(),
            start: Time(0),
            end: None,
        };
        let ties = TiesRecord { relations: vec![record(None), record(Some(("H", "1")))], orders: vec![] };
        assert_eq!(ties.to_patient(&[("H".into(), "1".into())]).len(), 2);
        assert_eq!(ties.to_patient(&[("H".into(), "2".into())]).len(), 1);
    }
}
