//! Orders at rest and in memory: one row for each scheduled procedure step.

use model::{Attributes, Tag, first_of, tags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What names an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    /// (0008,0050).
    pub accession: String,
    /// (0040,0009).
    pub id: String,
}

/// An order's row; of one that ended only its name is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Its name.
    pub step: Step,
    /// The worklist item.
    pub order: Option<Attributes>,
}

/// When it is to be done: date, time, number.
type Turn = (String, String, Step);

/// All orders.
#[derive(Debug, Default)]
pub struct Orders {
    versions: BTreeMap<Step, u64>,
    open: BTreeMap<Turn, Attributes>,
    turns: BTreeMap<Step, Turn>,
}

impl Orders {
    /// From their rows.
    pub fn of(rows: Vec<(OrderRecord, u64)>) -> Self {
        let mut orders = Self::default();
        rows.into_iter().for_each(|(row, version)| orders.put(row.step, row.order, version));
        orders
    }

    /// As its row says now.
    pub fn put(&mut self, step: Step, order: Option<Attributes>, version: u64) {
        if let Some(turn) = self.turns.remove(&step) {
            self.open.remove(&turn);
        }
        self.versions.insert(step.clone(), version);
        if let Some(order) = order {
            let turn = turn_of(&order, &step);
            self.open.insert(turn.clone(), order);
            self.turns.insert(step, turn);
        }
    }

    /// Version of its row; 0: there is none.
    pub fn version(&self, step: &Step) -> u64 {
        self.versions.get(step).copied().unwrap_or(0)
    }

    /// How many are not ended.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Those not ended, as they will be done.
    pub fn open(&self) -> impl Iterator<Item = &Attributes> {
        self.open.values()
    }

    /// An order that is not ended.
    pub fn order(&self, step: &Step) -> Option<&Attributes> {
        self.open.get(self.turns.get(step)?)
    }

    /// Steps of orders that their placer or filler knows by this number (0040,2016), (0040,2017).
    pub fn steps_known_as(&self, number: &str) -> Vec<Step> {
        const PLACER: Tag = 0x0040_2016;
        const FILLER: Tag = 0x0040_2017;
        let known = |order: &Attributes| [PLACER, FILLER].iter().any(|tag| order.first(*tag) == number);
        let theirs = self.open.iter().filter(|(_, order)| !number.is_empty() && known(order));
        theirs.map(|((_, _, step), _)| step.clone()).collect()
    }

    /// The steps of an accession number.
    pub fn steps_of(&self, accession: &str) -> Vec<Step> {
        let from = Step { accession: accession.to_owned(), id: String::new() };
        let theirs = self.turns.range(from..).take_while(|(step, _)| step.accession == accession);
        theirs.map(|(step, _)| step.clone()).collect()
    }

    /// The Study Instance UID under which an accession number's steps are done.
    pub fn study_of(&self, accession: &str) -> Option<String> {
        let step = self.steps_of(accession).into_iter().next()?;
        let order = self.turns.get(&step).and_then(|turn| self.open.get(turn))?;
        Some(order.first(tags::STUDY_INSTANCE_UID).to_owned())
    }
}

fn turn_of(order: &Attributes, step: &Step) -> Turn {
    let items = order.get(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).map_or(&[][..], |a| &a.items);
    let value = |tag| items.first().map(|item| first_of(item, tag).to_owned()).unwrap_or_default();
    let (date, time) =
        (value(tags::SCHEDULED_PROCEDURE_STEP_START_DATE), value(tags::SCHEDULED_PROCEDURE_STEP_START_TIME));
    (date, time, step.clone())
}
