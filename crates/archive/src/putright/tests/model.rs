//! What the archive should say after a list of acts, written down plainly: a table of films, and each act that still
//! holds carried out on it in turn.

use std::collections::{BTreeMap, BTreeSet};

/// A film as it came.
#[derive(Debug, Clone)]
pub struct Film {
    pub sop: String,
    pub study: String,
    pub series: String,
    pub patient: String,
    pub bytes: [u8; 4],
}

/// An act, with the patients that its numbers were when it was done.
#[derive(Debug, Clone)]
pub enum Done {
    Merge(String, String),
    Studies(Vec<String>, String),
    /// Series by the study they came in, to a study; a new one with its patient.
    Series(Vec<(String, String)>, String, Option<String>),
    Name(String, String),
    Accession(String, String),
    Reject(Vec<String>),
}

#[derive(Debug, Default)]
pub struct Model {
    pub films: Vec<Film>,
    pub acts: Vec<(Done, bool)>,
}

/// What is said of a film: study, patient, name, accession; nothing when it is not to be seen.
pub type Said = Option<(String, String, String, String)>;

/// Everything after all acts that hold.
pub struct Now {
    patient: BTreeMap<String, String>,
    home: BTreeMap<(String, String), String>,
    name: BTreeMap<String, String>,
    accession: BTreeMap<String, String>,
    rejected: BTreeSet<String>,
}

impl Model {
    pub fn now(&self) -> Now {
        let mut now = Now {
            patient: self.films.iter().map(|f| (f.study.clone(), f.patient.clone())).collect(),
            home: BTreeMap::new(),
            name: BTreeMap::new(),
            accession: BTreeMap::new(),
            rejected: BTreeSet::new(),
        };
        for (act, holds) in &self.acts {
            if let Done::Series(_, to, Some(patient)) = act {
                now.patient.insert(to.clone(), patient.clone()); // the study is there, if only as an empty one
            }
            if !holds {
                continue;
            }
            match act {
                Done::Merge(from, into) => {
                    for patient in now.patient.values_mut().filter(|patient| *patient == from) {
                        *patient = into.clone();
                    }
                }
                Done::Studies(studies, to) => {
                    for study in studies {
                        now.patient.insert(study.clone(), to.clone());
                    }
                }
                Done::Series(series, to, _) => {
                    for one in series {
                        now.home.insert(one.clone(), to.clone());
                    }
                }
                Done::Name(patient, name) => drop(now.name.insert(patient.clone(), name.clone())),
                Done::Accession(study, text) => drop(now.accession.insert(study.clone(), text.clone())),
                Done::Reject(films) => now.rejected.extend(films.iter().cloned()),
            }
        }
        now
    }

    /// Who is behind a number now.
    pub fn who(&self, number: &str) -> String {
        let merges = self.acts.iter().filter(|(_, holds)| *holds).map(|(act, _)| act);
        merges.fold(number.to_owned(), |who, act| match act {
            Done::Merge(from, into) if *from == who => into.clone(),
            _ => who,
        })
    }
}

impl Now {
    pub fn study(&self, film: &Film) -> String {
        let series = (film.study.clone(), film.series.clone());
        self.home.get(&series).unwrap_or(&film.study).clone()
    }

    pub fn patient(&self, study: &str) -> String {
        self.patient.get(study).cloned().unwrap()
    }

    pub fn seen(&self, film: &Film) -> bool {
        !self.rejected.contains(&film.sop)
    }

    pub fn said(&self, film: &Film) -> Said {
        let study = self.study(film);
        let patient = self.patient(&study);
        let name = self.name.get(&patient).cloned().unwrap_or_else(|| "Doe^Jane".to_owned());
        let accession = self.accession.get(&study).cloned().unwrap_or_default();
        self.seen(film).then_some((study, patient, name, accession))
    }
}
