//! 200 merges, moves, corrections, rejections and undos at random, against a model written by hand; every object opens
//! under exactly one patient, bit for bit, and no file of an object is touched.

use super::model::{Done, Film, Model};
use super::{back, merge, number, right, words};
use crate::catalog::PatientKey;
use crate::testing::{House, facts, uid};
use ::model::{Attributes, Id, PatientRef, Rejection, Tenant, tags};
use port::putright::{Act, Destination};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt;
use store::{ObjectPart, ObjectPlace};

const ACTS: usize = 200;
const PATIENTS: usize = 8;

/// Numbers that look random and are the same each time (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { of.get(self.roll(of.len())).cloned() }
    }
}

struct Play {
    house: House,
    model: Model,
    dice: Dice,
    /// Numbers of changes, in order of the model's acts.
    numbers: Vec<u64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_acts_and_undos() {
    for seed in [1, 20_261_126] {
        play(seed).await;
    }
}

async fn play(seed: u64) {
    let mut play =
        Play { house: House::new(), model: Model::default(), dice: Dice(seed), numbers: Vec::new() };
    for n in 0..PATIENTS * 3 {
        play.arrive(format!("1.{n}"), n % PATIENTS, 1 + n % 2, n * 10).await;
    }
    let objects = play.objects();
    let (mut done, mut undone) = (0, 0);
    while done + undone < ACTS {
        if play.dice.roll(3) == 0 {
            undone += usize::from(play.undo().await);
        } else {
            done += usize::from(play.act().await);
        }
        play.agrees(&format!("seed {seed}, {done} acts, {undone} undos"));
        if (done + undone) % 40 == 39 {
            play.arrivals().await;
            let house = std::mem::replace(&mut play.house, House::new());
            play.house = house.again(|_| ());
            play.agrees("after a restart");
        }
    }
    assert!(undone > 40, "{undone}");
    while play.undo().await {}
    play.agrees("all taken back");
    play.all_as_arrived().await;
    let now = play.objects();
    for (name, before) in &objects {
        assert_eq!(now.get(name), Some(before), "{name:?} was touched");
    }
}

impl Play {
    /// Films of one study: some in each of two series.
    async fn arrive(&mut self, study: String, patient: usize, films: usize, salt: usize) {
        for (n, series) in (0..films * 2).map(|n| (n, format!("{study}.{}", 1 + n % 2))) {
            let film = Film {
                sop: format!("{series}.{}", 100 + salt + n),
                patient: format!("P{patient}"),
                bytes: [patient as u8, salt as u8, n as u8, (salt >> 8) as u8],
                study: study.clone(),
                series,
            };
            let mut facts = facts(&film.study, &film.sop, &film.patient);
            facts.series_uid = uid(&film.series);
            facts.series.set(tags::SERIES_INSTANCE_UID, *b"UI", [film.series.clone()]);
            self.house.store(facts, &film.bytes).await.unwrap();
            self.model.films.push(film);
        }
    }

    /// More of what is there, and a new study, under the numbers and studies that the senders still use.
    async fn arrivals(&mut self) {
        let salt = 1000 + self.model.films.len();
        let known = self.model.films.clone();
        let one = self.dice.pick(&known).unwrap();
        let patient = one.patient[1..].parse().unwrap();
        self.arrive(one.study, patient, 1, salt).await;
        let patient = self.dice.roll(PATIENTS);
        self.arrive(format!("2.{salt}"), patient, 1, salt + 500).await;
    }

    async fn act(&mut self) -> bool {
        let Some((act, mut done)) = self.wanted() else { return false };
        let change = right(&self.house, act.clone()).await;
        let change = change.unwrap_or_else(|code| panic!("{act:?} {code:?}"));
        if let Done::Series(series, to, Some(_)) = &mut done {
            // The archive names a new study; all else of it the model says.
            let film = self.model.films.iter().find(|f| f.series == series[0].1).unwrap();
            let study = self.house.vault.instance(&uid(&film.sop)).unwrap().map(|(study, _)| study);
            let catalog = self.house.vault.catalog_for(&uid("1.0"), &uid(&film.sop)).unwrap();
            let place = catalog.place(&uid(&film.sop)).unwrap();
            assert!(study.is_none_or(|study| study.record.uid == place.study));
            *to = place.study.as_str().to_owned();
        }
        self.model.acts.push((done, true));
        self.numbers.push(change);
        true
    }

    /// One that makes sense now, by the model.
    fn wanted(&mut self) -> Option<(Act, Done)> {
        let now = self.model.now();
        let films: Vec<Film> = self.model.films.iter().filter(|f| now.seen(f)).cloned().collect();
        let film = self.dice.pick(&films)?;
        let study = now.study(&film);
        let whose = now.patient(&study);
        let other = format!("P{}", self.dice.roll(PATIENTS));
        let target = self.model.who(&other);
        match self.dice.roll(10) {
            0 | 1 => {
                let from = format!("P{}", self.dice.roll(PATIENTS));
                let who = self.model.who(&from);
                (who != target).then(|| (merge(&from, &other), Done::Merge(who, target)))
            }
            2 | 3 => {
                let to = number(&other);
                let act =
                    Act::MoveStudies { studies: vec![uid(&study)], to, demographics: Attributes::new() };
                (whose != target).then(|| (act, Done::Studies(vec![study], target)))
            }
            4..=6 => {
                let series = vec![(film.study.clone(), film.series.clone())];
                let named = vec![uid(&film.series)];
                if self.dice.roll(3) == 0 {
                    let to = Destination::NewStudy(None);
                    let act = Act::MoveSeries { study: uid(&study), series: named, to };
                    return Some((act, Done::Series(series, String::new(), Some(whose))));
                }
                let goal = now.study(&self.dice.pick(&films)?);
                let to = Destination::Study(uid(&goal));
                let act = Act::MoveSeries { study: uid(&study), series: named, to };
                (goal != study).then_some((act, Done::Series(series, goal, None)))
            }
            7 => {
                let name = format!("Doe^{}", self.dice.roll(1000));
                let set = words(&[(tags::PATIENT_NAME, &name)]);
                Some((Act::CorrectPatient { patient: number(&other), set }, Done::Name(target, name)))
            }
            8 => {
                let text = self.dice.roll(1000).to_string();
                let set = words(&[(tags::ACCESSION_NUMBER, &text)]);
                Some((Act::CorrectStudy { study: uid(&study), set }, Done::Accession(study, text)))
            }
            _ => {
                let instances = vec![uid(&film.sop)];
                let act =
                    Act::Reject { study: uid(&study), series: None, instances, code: Rejection::Quality };
                Some((act, Done::Reject(vec![film.sop])))
            }
        }
    }

    /// Takes any change back that still holds, not only the last.
    async fn undo(&mut self) -> bool {
        let holding: Vec<usize> = (0..self.numbers.len()).filter(|n| self.model.acts[*n].1).collect();
        let Some(at) = self.dice.pick(&holding) else { return false };
        back(&self.house, self.numbers[at]).await.unwrap();
        self.model.acts[at].1 = false;
        true
    }

    fn agrees(&self, when: &str) {
        let now = self.model.now();
        let patients = self.patients();
        for film in &self.model.films {
            let sop = uid(&film.sop);
            let catalog = self.house.vault.catalog_for(&sop, &sop).unwrap();
            let (study, _, instance) = catalog.instance(&sop).unwrap();
            let first = |attributes: &Attributes, tag| attributes.first(tag).to_owned();
            let said = instance.shown().then(|| {
                let (patient, own) = (&study.record.patient_attributes, &study.record.attributes);
                (
                    study.record.uid.as_str().to_owned(),
                    first(patient, tags::PATIENT_ID),
                    first(patient, tags::PATIENT_NAME),
                    first(own, tags::ACCESSION_NUMBER),
                )
            });
            assert_eq!(said, now.said(film), "{} {when}", film.sop);
            // The key opens under this patient and under no other.
            let object = instance.record.object;
            let opens: BTreeSet<&String> = patients
                .iter()
                .filter(|(_, patient)| self.house.vault.object_key(**patient, object).is_ok())
                .map(|(number, _)| number)
                .collect();
            let expected = now.patient(&now.study(film));
            assert_eq!(opens, BTreeSet::from([&expected]), "{} {when}", film.sop);
        }
    }

    fn patients(&self) -> BTreeMap<String, PatientRef> {
        let vault = &self.house.vault;
        let numbers = (0..PATIENTS).map(|n| format!("P{n}"));
        let known = numbers.filter_map(|number| {
            let key = PatientKey::Numbered(String::new(), number.clone());
            vault.arrived_as(&vault.catalog(), &key).map(|patient| (number, patient))
        });
        known.collect()
    }

    /// Study, patient, words and bytes of each film are those that came; nothing is laid over any header.
    async fn all_as_arrived(&self) {
        for film in &self.model.films {
            let (study, record) = self.house.vault.instance(&uid(&film.sop)).unwrap().unwrap();
            assert_eq!(
                (study.record.uid.as_str(), study.record.patient_attributes.first(tags::PATIENT_ID)),
                (film.study.as_str(), film.patient.as_str())
            );
            assert!(self.house.vault.corrections(&study, &uid(&film.series)).is_none());
            let object = self.house.vault.open_object(study.patient(), &record).await.unwrap();
            assert_eq!(object.read(0..4).await.unwrap().as_ref(), film.bytes);
        }
    }

    /// Every sealed object: where it was written, and its bytes there.
    fn objects(&self) -> BTreeMap<(String, bool), (u64, u64, Vec<u8>)> {
        let mut out = BTreeMap::new();
        let mut each = |_: &Tenant, id: Id, part: ObjectPart, place: &ObjectPlace| {
            let (pack, path, at, len) = match place {
                ObjectPlace::Packed { pack, path, at, len } => (*pack, path, *at, *len),
                ObjectPlace::File { path, len } => (u64::MAX, path, 0, *len),
            };
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            std::fs::File::open(path).unwrap().read_exact_at(&mut bytes, at).unwrap();
            out.insert((id.hex(), part == ObjectPart::Object), (pack, at, bytes));
        };
        self.house.vault.store.each_object(&mut each).unwrap();
        assert!(!out.is_empty());
        out
    }
}
