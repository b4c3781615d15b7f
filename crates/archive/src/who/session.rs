//! Sessions, viewing sets and bearer tokens, in memory under keyed hashes: nothing at rest, all end with the process.

use super::glass::Glass;
use model::{Id, Purpose, Time, Uid};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// A session ends after this much work without signing in again, and after this much silence.
pub const SESSION_S: i64 = 12 * 3600;
const SILENCE_S: i64 = 3600;
/// Sessions of one account; the oldest ends when one more begins.
const SESSIONS_OF_ONE: usize = 16;
/// Studies in one viewing set; the oldest grant ends when one more is added.
const GRANTS: usize = 256;

/// Viewing cookies of one session that are good at the same time.
const VIEWINGS: usize = 8;

/// Keyed hash of a token.
pub type Handle = [u8; 32];

/// A signed-in person.
#[derive(Debug)]
pub struct Session<Grant> {
    /// Random; the ledger knows the session by it.
    pub id: Id,
    /// Account.
    pub user: String,
    /// When it began, on the monotonic clock.
    pub began: Time,
    last: Time,
    viewing: VecDeque<Handle>,
    /// For whom the glass is broken.
    pub glass: Glass,
    /// Grants by study (as the catalog knows it), newest for each.
    pub grants: BTreeMap<Uid, Held<Grant>>,
}

/// A grant with the handle of its bearer token.
#[derive(Debug, Clone)]
pub struct Held<Grant> {
    /// The record that `policy::readmit` reads.
    pub grant: Grant,
    /// What it was opened for.
    pub purpose: Option<Purpose>,
    bearer: Handle,
    since: Time,
    ends: Time,
}

impl<Grant> Held<Grant> {
    /// Its time on the monotonic clock is not over.
    pub fn alive(&self, now: Time) -> bool {
        self.since <= now && now < self.ends
    }
}

/// All of them.
#[derive(Debug)]
pub struct Sessions<Grant> {
    by_cookie: HashMap<Handle, Session<Grant>>,
    by_bearer: HashMap<Handle, (Handle, Uid)>,
}

impl<Grant> Default for Sessions<Grant> {
    fn default() -> Self {
        Self { by_cookie: HashMap::new(), by_bearer: HashMap::new() }
    }
}

impl<Grant> Sessions<Grant> {
    /// A new session.
    pub fn begin(&mut self, cookie: Handle, id: Id, user: String, now: Time) {
        self.sweep(now);
        let mut own: Vec<_> =
            self.by_cookie.iter().filter(|(_, s)| s.user == user).map(|(h, s)| (s.began, *h)).collect();
        own.sort();
        if own.len() >= SESSIONS_OF_ONE
            && let Some((_, oldest)) = own.first()
        {
            self.end(oldest);
        }
        let (viewing, glass, grants) = Default::default();
        let session = Session { id, user, began: now, last: now, viewing, glass, grants };
        self.by_cookie.insert(cookie, session);
    }

    /// The session of a cookie, kept awake.
    pub fn touch(&mut self, cookie: &Handle, now: Time) -> Option<&mut Session<Grant>> {
        let dead = self.by_cookie.get(cookie).is_some_and(|s| !s.alive(now));
        if dead {
            self.end(cookie);
        }
        let session = self.by_cookie.get_mut(cookie)?;
        session.last = now;
        Some(session)
    }

    /// Ends a session and all it opened.
    pub fn end(&mut self, cookie: &Handle) -> Option<Session<Grant>> {
        let session = self.by_cookie.remove(cookie)?;
        for held in session.grants.values() {
            self.by_bearer.remove(&held.bearer);
        }
        Some(session)
    }

    /// Ends all sessions of an account.
    pub fn end_user(&mut self, user: &str) {
        let own: Vec<Handle> =
            self.by_cookie.iter().filter(|(_, s)| s.user == user).map(|(h, _)| *h).collect();
        for cookie in own {
            self.end(&cookie);
        }
    }

    /// Ends what everybody opened of a study; who asks again is told to open it anew.
    pub fn end_study(&mut self, study: &Uid) {
        let held = self.by_cookie.values_mut().filter_map(|session| session.grants.get_mut(study));
        held.for_each(|held| held.ends = held.since);
    }

    /// Ends what these accounts opened of these studies; nothing named: of all.
    pub fn end_grants(&mut self, users: &BTreeSet<String>, studies: Option<&BTreeSet<Uid>>) {
        for session in self.by_cookie.values_mut().filter(|session| users.contains(&session.user)) {
            for (study, held) in &mut session.grants {
                if studies.is_none_or(|some| some.contains(study)) {
                    held.ends = held.since;
                }
            }
        }
    }

    /// Adds a grant to the session's viewing set, in place of an older one for the same study.
    pub fn grant(
        &mut self,
        cookie: &Handle,
        study: Uid,
        (grant, purpose): (Grant, Option<Purpose>),
        bearer: Handle,
        (now, ends): (Time, Time),
    ) {
        let Some(session) = self.by_cookie.get_mut(cookie) else { return };
        let held = Held { grant, purpose, bearer, since: now, ends };
        let mut gone = session.grants.insert(study.clone(), held);
        if session.grants.len() > GRANTS
            && let Some(oldest) = session.grants.iter().min_by_key(|(_, h)| h.since).map(|(u, _)| u.clone())
        {
            gone = session.grants.remove(&oldest);
        }
        if let Some(gone) = gone {
            self.by_bearer.remove(&gone.bearer);
        }
        self.by_bearer.insert(bearer, (*cookie, study));
    }

    /// Names the viewing set of a session; the cookie that names it changes with each `open`. The last [`VIEWINGS`] stay
    /// good: a request of another tab may still carry the one before.
    pub fn set_viewing(&mut self, cookie: &Handle, viewing: Handle) {
        if let Some(session) = self.by_cookie.get_mut(cookie) {
            session.viewing.push_back(viewing);
            if session.viewing.len() > VIEWINGS {
                session.viewing.pop_front();
            }
        }
    }

    /// The session's cookie and study of a bearer token.
    pub fn of_bearer(&self, bearer: &Handle) -> Option<(Handle, Uid)> {
        self.by_bearer.get(bearer).cloned()
    }

    fn sweep(&mut self, now: Time) {
        let dead: Vec<Handle> =
            self.by_cookie.iter().filter(|(_, s)| !s.alive(now)).map(|(h, _)| *h).collect();
        for cookie in dead {
            self.end(&cookie);
        }
    }
}

impl<Grant> Session<Grant> {
    fn alive(&self, now: Time) -> bool {
        self.began.plus_seconds(SESSION_S) > now && self.last.plus_seconds(SILENCE_S) > now
    }

    /// The viewing cookie is this session's.
    pub fn views(&self, viewing: &Handle) -> bool {
        self.viewing.iter().any(|own| crypto::same(own, viewing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(n: u8) -> Handle {
        [n; 32]
    }

    #[test]
    fn a_session_ends_with_all_it_opened() {
        let mut sessions = Sessions::<u32>::default();
        let now = Time(0);
        sessions.begin(handle(1), Id([1; 16]), "anna".into(), now);
        sessions.grant(&handle(1), "1.2".parse().unwrap(), (7, None), handle(2), (now, now.plus_seconds(9)));
        sessions.set_viewing(&handle(1), handle(3));
        assert!(sessions.touch(&handle(1), now).unwrap().views(&handle(3)));
        assert!(!sessions.touch(&handle(1), now).unwrap().views(&handle(4)));
        assert_eq!(sessions.of_bearer(&handle(2)), Some((handle(1), "1.2".parse().unwrap())));
        sessions.grant(&handle(1), "1.2".parse().unwrap(), (8, None), handle(5), (now, now.plus_seconds(9)));
        assert_eq!(sessions.of_bearer(&handle(2)), None, "a newer grant replaces the older token");
        sessions.end(&handle(1));
        assert_eq!(sessions.of_bearer(&handle(5)), None);
        assert!(sessions.touch(&handle(1), now).is_none());
    }

    #[test]
    fn a_study_that_is_put_right_is_opened_anew() {
        let mut sessions = Sessions::<u32>::default();
        let (now, study) = (Time(0), "1.2".parse::<Uid>().unwrap());
        sessions.begin(handle(1), Id([1; 16]), "anna".into(), now);
        for (n, uid) in [(2, "1.2"), (3, "1.3")] {
            let uid = uid.parse().unwrap();
            sessions.grant(&handle(1), uid, (7, None), handle(n), (now, now.plus_seconds(9)));
        }
        sessions.end_study(&study);
        let session = sessions.touch(&handle(1), now).unwrap();
        let alive: Vec<_> = session.grants.values().map(|held| held.alive(now)).collect();
        assert_eq!(alive, [false, true], "that study only");
    }

    #[test]
    fn who_lost_a_relation_opens_these_studies_anew() {
        let now = Time(0);
        let alive = |studies: Option<&BTreeSet<Uid>>| {
            let mut sessions = Sessions::<u32>::default();
            for (n, user, uid) in [(1, "anna", "1.2"), (2, "anna", "1.3"), (3, "bert", "1.2")] {
                sessions.begin(handle(n), Id([n; 16]), user.into(), now);
                let times = (now, now.plus_seconds(9));
                sessions.grant(&handle(n), uid.parse().unwrap(), (7, None), handle(10 + n), times);
            }
            sessions.end_grants(&BTreeSet::from(["anna".to_owned()]), studies);
            [1, 2, 3].map(|n| {
                let session = sessions.touch(&handle(n), now).unwrap();
                session.grants.values().all(|held| held.alive(now))
            })
        };
        let one = BTreeSet::from(["1.2".parse::<Uid>().unwrap()]);
        assert_eq!(alive(Some(&one)), [false, true, true], "hers of that study");
        assert_eq!(alive(None), [false, false, true], "all of hers");
    }

    #[test]
    fn a_second_tab_does_not_close_the_first() {
        let mut sessions = Sessions::<u32>::default();
        sessions.begin(handle(1), Id([1; 16]), "anna".into(), Time(0));
        for n in 0..=VIEWINGS {
            sessions.set_viewing(&handle(1), handle(10 + u8::try_from(n).unwrap()));
        }
        let session = sessions.touch(&handle(1), Time(0)).unwrap();
        assert!(!session.views(&handle(10)), "one more than the bound");
        assert!((11..=18).all(|n| session.views(&handle(n))));
    }

    #[test]
    fn time_ends_sessions() {
        let mut sessions = Sessions::<u32>::default();
        sessions.begin(handle(1), Id([1; 16]), "anna".into(), Time(0));
        assert!(sessions.touch(&handle(1), Time(0).plus_seconds(SILENCE_S - 1)).is_some());
        assert!(sessions.touch(&handle(1), Time(0).plus_seconds(3 * SILENCE_S)).is_none());
        sessions.begin(handle(2), Id([2; 16]), "anna".into(), Time(0));
        for hour in 1..12 {
            assert!(sessions.touch(&handle(2), Time(0).plus_seconds(hour * 3599)).is_some());
        }
        assert!(sessions.touch(&handle(2), Time(0).plus_seconds(SESSION_S)).is_none());
    }

    #[test]
    fn bounds_hold() {
        let mut sessions = Sessions::<u32>::default();
        for n in 0..=SESSIONS_OF_ONE {
            let n8 = u8::try_from(n).unwrap();
            sessions.begin(handle(n8), Id([n8; 16]), "anna".into(), Time(i64::try_from(n).unwrap()));
        }
        assert_eq!(sessions.by_cookie.len(), SESSIONS_OF_ONE);
        for n in 0..=GRANTS {
            let uid: Uid = format!("1.{n}").parse().unwrap();
            let mut bearer = [9; 32];
            bearer[..8].copy_from_slice(&(n as u64).to_be_bytes());
            sessions.grant(
                &handle(1),
                uid,
                (0, None),
                bearer,
                (Time(i64::try_from(n).unwrap()), Time(0).plus_seconds(9)),
            );
        }
        assert_eq!(sessions.touch(&handle(1), Time(9)).unwrap().grants.len(), GRANTS);
        assert_eq!(sessions.by_bearer.len(), GRANTS);
    }
}
