//! For which patients a session broke the glass, and until when. In memory only: it ends with the session.

use model::{PatientRef, Time};
use std::collections::HashMap;

/// Broken glass holds for this long, however often a study is opened meanwhile.
pub const BROKEN_S: i64 = 15 * 60;
/// Patients of one session; the one whose time is over first goes.
const PATIENTS: usize = 32;

/// Patients, and the first moment after, on the monotonic clock.
#[derive(Debug, Default)]
pub struct Glass(HashMap<PatientRef, Time>);

impl Glass {
    /// Broken for this patient from now on.
    pub fn broken(&mut self, patient: PatientRef, now: Time) {
        self.0.retain(|_, until| now < *until);
        if self.0.len() >= PATIENTS
            && !self.0.contains_key(&patient)
            && let Some(first) = self.0.iter().min_by_key(|(_, until)| **until).map(|(whose, _)| *whose)
        {
            self.0.remove(&first);
        }
        self.0.insert(patient, now.plus_seconds(BROKEN_S));
    }

    /// Until when it is broken for this patient, if it is now.
    pub fn until(&self, patient: PatientRef, now: Time) -> Option<Time> {
        self.0.get(&patient).copied().filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Id;

    #[test]
    fn it_is_one_patients_and_ends() {
        let (mut glass, hers, his) = (Glass::default(), Id([1; 16]), Id([2; 16]));
        glass.broken(hers, Time(0));
        let end = Time(0).plus_seconds(900);
        assert_eq!(glass.until(hers, Time(end.0 - 1)), Some(end));
        assert_eq!((glass.until(hers, end), glass.until(his, Time(0))), (None, None));
    }

    #[test]
    fn patients_are_bounded() {
        let mut glass = Glass::default();
        let patient = |n: usize| Id([u8::try_from(n).unwrap(); 16]);
        for n in 0..=PATIENTS {
            glass.broken(patient(n), Time(i64::try_from(n).unwrap()));
        }
        assert_eq!(glass.0.len(), PATIENTS);
        assert_eq!(glass.until(patient(0), Time(40)), None, "the oldest went");
        assert!(glass.until(patient(PATIENTS), Time(40)).is_some());
    }
}
