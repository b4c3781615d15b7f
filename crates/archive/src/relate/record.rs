//! Episodes of a patient as feeds tell them: one sealed row a patient. Messages come twice, late and out of order: what an older
//! one says undoes nothing that a newer one said.

use crate::vault::Relating;
use model::Time;
use policy::{Relation, RelationKind};
use port::ties::{Carer, Episode as Kind, News, Part, StaffNumber, Stamp, Step, Via};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Issuer and number of a patient.
pub type Number = (String, String);

const DAY_S: i64 = 24 * 3600;
/// A visit of which nothing is heard ends: a feed may lose a discharge.
pub const HEARD_S: i64 = 60 * DAY_S;
/// An appointment is prepared and followed up.
const BEFORE_S: i64 = DAY_S;
const AFTER_S: i64 = 7 * DAY_S;
/// It lasts no longer, and is booked no longer ahead.
const APPOINTMENT_S: i64 = DAY_S;
const BOOKED_S: i64 = 400 * DAY_S;
/// A sender's clock, and a sender that does not say its time zone.
const AHEAD_S: i64 = DAY_S;

/// Episodes of a patient; the one that was heard of longest ago goes, but no visit for an order.
pub const EPISODES: usize = 64;
/// Teams of an episode, one after the other; the first goes.
const STAYS: usize = 32;
/// Clinicians of a team.
pub const CARERS: usize = 32;
/// Further numbers of a patient.
pub const OTHERS: usize = 16;

/// A patient's row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PatientRecord {
    /// The number that the house goes by.
    pub patient: Number,
    /// Her others.
    pub others: Vec<Number>,
    /// What goes on.
    pub episodes: Vec<Episode>,
}

/// An episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// What it is.
    pub kind: Kind,
    /// Its number.
    pub number: String,
    /// By which message it is known.
    pub via: Via,
    /// Name of the machine that told.
    pub feed: String,
    /// Who cares, one team after the other; the last one does now.
    pub stays: Vec<Stay>,
    /// When it ended.
    pub end: Option<Time>,
    /// It never was: what it gave ended then.
    pub cancelled: Option<Time>,
    /// The newest that is known of it, by the sender's clock.
    pub last: (Time, Step),
    /// When something was heard of it, by ours.
    pub heard: Time,
}

/// A team for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// From.
    pub since: Time,
    /// Who.
    pub carers: Vec<Carer>,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its time is yet to come, or too far ahead.
    Future,
    /// It ends before it begins.
    Backwards,
}

/// News with its circumstances.
pub struct Heard<'a> {
    /// What was said.
    pub news: &'a News,
    /// By which machine.
    pub feed: &'a str,
    /// When, by our clock.
    pub now: Time,
    /// What the site agreed.
    pub rules: &'a Relating,
}

impl Heard<'_> {
    fn time(&self, stamp: Stamp) -> Time {
        stamp.time(self.rules.utc_offset_s)
    }

    /// What has happened did not happen later than now, whatever the sender's clock says.
    fn past(&self, stamp: Option<Stamp>) -> Time {
        stamp.or(self.news.at).map_or(self.now, |stamp| self.time(stamp)).min(self.now)
    }

    /// Visits and orders that are told of have begun; the others may be planned.
    fn start(&self) -> Time {
        match (self.news.episode, self.news.start) {
            (Kind::Appointment | Kind::CareTeam, Some(start)) => self.time(start),
            (_, start) => self.past(start),
        }
    }

    fn end(&self) -> Option<Time> {
        self.news.end.map(|end| self.time(end))
    }

    /// The team from now on: what is not said of stays.
    fn team(&self, before: &[Carer]) -> Vec<Carer> {
        let stays = before.iter().filter(|carer| !self.news.parts.contains(&carer.part));
        let mut team: Vec<Carer> = self.news.carers.iter().chain(stays).cloned().collect();
        team.sort();
        team.dedup();
        team.truncate(CARERS);
        team
    }
}

impl PatientRecord {
    /// Takes news. False: it is as it was.
    pub fn hear(&mut self, heard: &Heard<'_>) -> Result<bool, Refusal> {
        let news = heard.news;
        let at = news.at.map_or(heard.now, |at| heard.time(at));
        let begins = news.start.map(|_| heard.start());
        let booked = begins.filter(|_| news.episode == Kind::Appointment);
        if at > heard.now.plus_seconds(AHEAD_S)
            || booked.is_some_and(|start| start > heard.now.plus_seconds(BOOKED_S))
        {
            return Err(Refusal::Future);
        }
        if begins.zip(heard.end()).is_some_and(|(start, end)| end < start) {
            return Err(Refusal::Backwards);
        }
        let before = self.clone();
        self.know(news.others.iter().map(|o| (o.issuer.clone(), o.number.clone())));
        let at_hand = |e: &&mut Episode| e.kind == news.episode && e.number == news.number;
        match self.episodes.iter_mut().find(at_hand) {
            Some(known) => known.hear(heard, at),
            // Of what nobody takes part in only this is remembered: that it never was.
            None if news.carers.is_empty() && news.step != Step::CancelOpen => {}
            None => self.add(Episode::new(heard, at), heard.now, heard.rules),
        }
        Ok(*self != before)
    }

    /// Further numbers of hers.
    pub fn know(&mut self, numbers: impl Iterator<Item = Number>) {
        for number in numbers {
            if number != self.patient && !self.others.contains(&number) && self.others.len() < OTHERS {
                self.others.push(number);
            }
        }
    }

    /// The other one is the same person.
    pub fn join(&mut self, other: &Self) {
        self.know(other.others.iter().chain([&other.patient]).cloned());
    }

    fn add(&mut self, new: Episode, now: Time, rules: &Relating) {
        if self.episodes.len() >= EPISODES {
            // Who may tell of orders only takes no visit's place.
            let may_go = |(_, e): &(usize, &Episode)| ordered(e.kind) || !ordered(new.kind);
            let known = self.episodes.iter().enumerate().filter(may_go);
            let goes = known.min_by_key(|(_, e)| (e.until(rules, None) > now, e.heard));
            let Some(goes) = goes.map(|(at, _)| at) else { return };
            self.episodes.remove(goes);
        }
        self.episodes.push(new);
    }

    /// All that these numbers of staff have to do with her, ended too. `silent`: since when a feed says nothing.
    pub fn relations(
        &self,
        staff: &[StaffNumber],
        rules: &Relating,
        silent: impl Fn(&str) -> Option<Time>,
    ) -> Vec<Relation> {
        self.episodes.iter().flat_map(|e| e.relations(staff, rules, silent(&e.feed))).collect()
    }

    /// All who have to do with her now.
    pub fn carers(
        &self,
        now: Time,
        rules: &Relating,
        silent: impl Fn(&str) -> Option<Time>,
    ) -> BTreeSet<Carer> {
        let mut out = BTreeSet::new();
        for episode in &self.episodes {
            let ties = episode.ties(rules, silent(&episode.feed), |_| true);
            out.extend(ties.into_iter().filter(|(_, tie)| tie.holds_at(now)).map(|(carer, _)| carer.clone()));
        }
        out
    }

    /// Nothing of it counts any more.
    pub fn over(&self, now: Time, rules: &Relating) -> bool {
        self.episodes.iter().all(|e| e.until(rules, None) <= now && e.heard.plus_seconds(HEARD_S) <= now)
    }
}

impl Episode {
    fn new(heard: &Heard<'_>, at: Time) -> Self {
        let Heard { news, feed, now, .. } = *heard;
        let first = Stay { since: heard.start(), carers: heard.team(&[]) };
        let mut new = Self {
            kind: news.episode,
            number: news.number.clone(),
            via: news.via,
            feed: feed.to_owned(),
            stays: vec![first],
            end: heard.end(),
            cancelled: None,
            last: (at, news.step),
            heard: now,
        };
        match news.step {
            Step::Close => new.end = Some(heard.past(news.end)),
            Step::CancelOpen => new.cancelled = Some(heard.past(None)),
            _ => {}
        }
        new
    }

    fn hear(&mut self, heard: &Heard<'_>, at: Time) {
        let (last, step) = (self.last, heard.news.step);
        // Of the same second: who left does not arrive again by a message that was sent once more.
        let repeated = at == last.0
            && (step == last.1 && step == Step::CancelTransfer || step == Step::Open && self.ended());
        if at < last.0 || repeated {
            return;
        }
        (self.last, self.heard, self.via) = ((at, step), heard.now, heard.news.via);
        heard.feed.clone_into(&mut self.feed);
        match step {
            Step::Open => self.open(heard),
            Step::Transfer => self.transfer(heard),
            Step::Close => self.end = Some(heard.past(heard.news.end)),
            Step::Update => self.update(heard),
            Step::CancelOpen => self.cancelled = Some(heard.past(None)),
            Step::CancelTransfer => {
                if self.stays.len() > 1 {
                    self.stays.pop();
                }
            }
            Step::CancelClose => self.end = None,
        }
    }

    fn ended(&self) -> bool {
        self.end.is_some() || self.cancelled.is_some()
    }

    fn open(&mut self, heard: &Heard<'_>) {
        (self.end, self.cancelled) = (heard.end(), None);
        if heard.news.start.is_some()
            && let [only] = self.stays.as_mut_slice()
        {
            only.since = heard.start();
        }
        self.staff(heard);
    }

    fn update(&mut self, heard: &Heard<'_>) {
        if let Some(end) = heard.end() {
            self.end = Some(end);
        }
        if heard.news.start.is_some()
            && let [only] = self.stays.as_mut_slice()
        {
            only.since = heard.start();
        }
        self.staff(heard);
    }

    fn staff(&mut self, heard: &Heard<'_>) {
        if let Some(now) = self.stays.last_mut() {
            now.carers = heard.team(&now.carers);
        }
    }

    fn transfer(&mut self, heard: &Heard<'_>) {
        let since = heard.past(heard.news.start);
        let carers = heard.team(self.stays.last().map_or(&[][..], |stay| &stay.carers));
        // The same transfer, told again.
        if self.stays.len() > 1 {
            self.stays.retain(|stay| stay.since != since);
        }
        self.stays.push(Stay { since, carers });
        if self.stays.len() > STAYS {
            self.stays.remove(0);
        }
    }

    const fn grace_s(&self, rules: &Relating) -> i64 {
        match self.kind {
            Kind::Visit | Kind::Order => rules.grace_s,
            Kind::Appointment => AFTER_S,
            Kind::CareTeam => 0,
        }
    }

    /// When the last team's part ends.
    pub fn until(&self, rules: &Relating, silent: Option<Time>) -> Time {
        if let Some(cancelled) = self.cancelled {
            return cancelled;
        }
        let ends = self.end.map(|end| self.in_bounds(end).plus_seconds(self.grace_s(rules)));
        // What is over is over; an end that is to come is a plan, and who plans far ahead goes by no other rule than who plans
        // nothing.
        if let Some(ends) = ends
            && self.end.is_some_and(|end| end <= self.heard)
        {
            return ends;
        }
        let open = match self.kind {
            // Booked months ahead: it is bounded by its length.
            Kind::Appointment if ends.is_some() => Time(i64::MAX),
            _ => self.heard.plus_seconds(HEARD_S),
        };
        // Who left since is not known: as if all had left when the feed fell silent.
        let silent = silent.map(|since| since.plus_seconds(rules.grace_s));
        ends.into_iter().chain(silent).fold(open, Time::min)
    }

    fn in_bounds(&self, end: Time) -> Time {
        match (self.kind, self.stays.first()) {
            (Kind::Appointment, Some(stay)) => end.min(stay.since.plus_seconds(APPOINTMENT_S)),
            _ => end,
        }
    }

    fn relations(&self, staff: &[StaffNumber], rules: &Relating, silent: Option<Time>) -> Vec<Relation> {
        let own = |carer: &Carer| staff.iter().any(|own| own.is(&carer.staff));
        self.ties(rules, silent, own).into_iter().map(|(_, relation)| relation).collect()
    }

    /// What those whom `of` names have to do with her.
    fn ties(
        &self,
        rules: &Relating,
        silent: Option<Time>,
        of: impl Fn(&Carer) -> bool,
    ) -> Vec<(&Carer, Relation)> {
        let until = self.until(rules, silent);
        let early = if self.kind == Kind::Appointment { BEFORE_S } else { 0 };
        let mut out = Vec::new();
        for (at, stay) in self.stays.iter().enumerate() {
            let next = self.stays.get(at + 1).map_or(until, |next| next.since.min(until));
            for carer in stay.carers.iter().filter(|carer| of(carer)) {
                let relation = Relation {
                    kind: kind(carer.part),
                    source: self.via.as_str().to_owned(),
                    start: stay.since.plus_seconds(-early),
                    end: Some(next),
                };
                out.push((carer, relation));
            }
        }
        out
    }
}

/// Told by who places orders.
const fn ordered(kind: Kind) -> bool {
    matches!(kind, Kind::Order | Kind::Appointment)
}

/// The word of policies.
pub const fn kind(part: Part) -> RelationKind {
    match part {
        Part::Visit | Part::Admission => RelationKind::Visit,
        Part::Team => RelationKind::Team,
        Part::Referral => RelationKind::Referral,
        Part::Order => RelationKind::Order,
    }
}
