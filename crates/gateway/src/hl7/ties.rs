//! What a message says of who has to do with a patient: visits (HL7 v2.5.1 chapter 3), appointments (chapter 10) and orders
//! (chapter 4).

use super::act::{self, Cause, Order};
use super::message::{Message, Segment};
use super::{Desk, arrival};
use model::Arrival;
use port::putright::PatientNumber;
use port::ties::{Ask, Carer, Episode, News, Part, StaffNumber, Stamp, Step, Via};
use port::{Code, Request};
use std::net::SocketAddr;

/// Numbers of one patient that are looked at.
const NUMBERS: usize = 16;
/// Clinicians of one message that are looked at.
const CARERS: usize = 64;
/// Of an appointment that does not say how long it takes.
const APPOINTMENT_S: i64 = 3600;

/// Reads a message's news.
///
/// # Errors
/// [`Cause`]: it lacks what it needs.
pub fn news(message: &Message) -> Result<Vec<News>, Cause> {
    let event = message.header(9, 2);
    match (message.header(9, 1).as_str(), event.as_str()) {
        ("ADT", event) => match visit_step(event) {
            Some(step) => visit(message, step),
            None => Ok(Vec::new()),
        },
        ("SIU", event) => appointment(message, event),
        ("ORM", "O01") | ("OMG", "O19") | ("OMI", "O23") => orders(message),
        _ => Ok(Vec::new()),
    }
}

/// Events of chapter 3 that say who cares.
fn visit_step(event: &str) -> Option<Step> {
    Some(match event {
        "A01" | "A04" => Step::Open,
        "A02" => Step::Transfer,
        "A03" => Step::Close,
        "A08" => Step::Update,
        "A11" => Step::CancelOpen,
        "A12" => Step::CancelTransfer,
        "A13" => Step::CancelClose,
        _ => return None,
    })
}

fn visit(message: &Message, step: Step) -> Result<Vec<News>, Cause> {
    // Without a visit there is nothing to say of it.
    let Some(visit) = message.first("PV1") else { return Ok(Vec::new()) };
    let event = message.first("EVN");
    let times = Times::of(message)?;
    let of_event = |field: usize| event.and_then(|event| times.read(&message.value(event, field, 1)));
    let of_visit = |field: usize| times.read(&message.value(visit, field, 1));
    let news = News {
        at: Some(of_event(2).map_or_else(|| times.sent(), Ok)?),
        start: match step {
            Step::Transfer => of_event(6),
            Step::Open => of_visit(44).or_else(|| of_event(6)),
            _ => of_visit(44),
        },
        end: match step {
            Step::Close => of_visit(45).or_else(|| of_event(6)),
            Step::Update => of_visit(45),
            _ => None,
        },
        number: visit_number(message, visit),
        step,
        ..blank(message, Via::Adt, Episode::Visit)?
    };
    Ok(vec![with(news, clinicians(message, visit))])
}

/// PV1-19, else the account (PID-18).
fn visit_number(message: &Message, visit: &Segment) -> String {
    let own = message.value(visit, 19, 1);
    let account = || message.first("PID").map(|pid| message.value(pid, 18, 1)).unwrap_or_default();
    if own.is_empty() { account() } else { own }
}

/// SCH, AIP and PV1 of SIU (chapter 10).
fn appointment(message: &Message, event: &str) -> Result<Vec<News>, Cause> {
    let step = match event {
        "S12" => Step::Open,
        "S13" | "S14" => Step::Update,
        "S15" | "S17" => Step::CancelOpen,
        _ => return Err(Cause(201, "unsupported event code")),
    };
    let schedule = message.first("SCH").ok_or(Cause(100, "no SCH segment"))?;
    let times = Times::of(message)?;
    let first = |name: &str, field: usize, component: usize| {
        message.first(name).and_then(|segment| times.read(&message.value(segment, field, component)))
    };
    let start = first("SCH", 11, 4).or_else(|| first("TQ1", 7, 1)).or_else(|| first("AIS", 4, 1));
    let start = start.or_else(|| first("AIP", 6, 1));
    if start.is_none() && step != Step::CancelOpen {
        return Err(Cause(101, "no begin of the appointment (SCH-11.4, TQ1-7, AIS-4 or AIP-6)"));
    }
    let minutes = message.value(schedule, 9, 1).parse::<u16>().ok().filter(|_| {
        matches!(message.value(schedule, 10, 1).to_uppercase().as_str(), "" | "MIN" | "M" | "MINUTES")
    });
    let lasts = minutes.map_or(APPOINTMENT_S, |minutes| i64::from(minutes) * 60);
    let end = first("SCH", 11, 5)
        .or_else(|| start.map(|start| Stamp { local_s: start.local_s.saturating_add(lasts), ..start }));
    let [filler, placer] = [2, 1].map(|field| message.value(schedule, field, 1));
    let mut said = message.first("PV1").map(|visit| clinicians(message, visit)).unwrap_or_default();
    for resource in message.segments().filter(|segment| segment.name() == "AIP") {
        said.field(message, resource, 3, Part::Visit);
    }
    let news = News {
        at: Some(times.sent()?),
        start,
        end,
        number: if filler.is_empty() { placer } else { filler },
        step,
        ..blank(message, Via::Siu, Episode::Appointment)?
    };
    if news.number.is_empty() {
        return Err(Cause(101, "no number of the appointment (SCH-1 or SCH-2)"));
    }
    Ok(vec![with(news, said)])
}

fn orders(message: &Message) -> Result<Vec<News>, Cause> {
    let at = Times::of(message)?.sent();
    let mut out = Vec::new();
    for order in act::requests(message, act::patient(message)?) {
        let said = ordering(message, &order);
        let step = match (order.ends()?, order.cancelled()) {
            (false, _) => Step::Open,
            (true, true) => Step::CancelOpen,
            (true, false) => Step::Close,
        };
        // Who names nobody relates nobody, and ends what was told before all the same; a sender without a clock does not say when.
        let nobody = step == Step::Open && said.carers.is_empty();
        let (Ok(at), false) = (at, nobody) else { continue };
        let number = order.number()?;
        out.push(with(
            News { at: Some(at), number, step, ..blank(message, Via::Orm, Episode::Order)? },
            said,
        ));
    }
    Ok(out)
}

/// ORC-12 and OBR-16.
fn ordering(message: &Message, order: &Order<'_>) -> Said {
    let mut said = Said::default();
    let [common, request] = order.segments();
    common.into_iter().for_each(|segment| said.field(message, segment, 12, Part::Order));
    request.into_iter().for_each(|segment| said.field(message, segment, 16, Part::Order));
    said
}

impl Desk {
    /// A message that says nothing that can be read is counted by the vault, as a call without a proof is.
    pub async fn garbled(&self, message: Option<&Message>, sender: (SocketAddr, &str)) {
        // A refusal of this changes nothing of the sender's answer.
        let _ = self.ask(&arrival(message, sender), Request::Ties(Ask::Garbled)).await;
    }

    /// Two numbers of which no film has one: false when nothing is known of the first.
    pub async fn same(
        &self,
        arrival: &Arrival,
        from: PatientNumber,
        into: PatientNumber,
    ) -> Result<bool, Code> {
        match self.ask(arrival, Request::Ties(Ask::Same { from, into })).await {
            Ok(_) => Ok(true),
            Err(Code::NotFound) => Ok(false),
            Err(code) => Err(code),
        }
    }
}

/// Of whom something is said.
#[derive(Default)]
struct Said {
    carers: Vec<Carer>,
    parts: Vec<Part>,
}

impl Said {
    /// A field of persons (XCN); one that is there and names nobody says that nobody has this part.
    fn field(&mut self, message: &Message, segment: &Segment, field: usize, part: Part) {
        if segment.raw(field).is_empty() {
            return;
        }
        self.parts.push(part);
        for one in message.repetitions(segment, field) {
            let [number, issuer] = [1, 9].map(|component| message.part(one, component));
            if !number.is_empty() && self.carers.len() < CARERS {
                self.carers.push(Carer { staff: StaffNumber { issuer, number }, part });
            }
        }
    }
}

/// PV1-7, 8, 9, 17 and ROL.
fn clinicians(message: &Message, visit: &Segment) -> Said {
    let mut said = Said::default();
    for (field, part) in [(7, Part::Visit), (8, Part::Referral), (9, Part::Team), (17, Part::Admission)] {
        said.field(message, visit, field, part);
    }
    for role in message.segments().filter(|s| s.name() == "ROL" && message.value(s, 2, 1) != "DE") {
        said.field(message, role, 4, Part::Team);
    }
    said
}

fn with(news: News, said: Said) -> News {
    News { carers: said.carers, parts: said.parts, ..news }
}

/// The patient (PID-3): the number that films bear, and her other ones of this house.
fn blank(message: &Message, via: Via, episode: Episode) -> Result<News, Cause> {
    let pid = act::patient(message)?;
    let patient = act::number(message, pid, 3)?;
    let all = message.repetitions(pid, 3).into_iter().take(NUMBERS);
    let other = |one: &str| {
        let [number, issuer, kind] = [1, 4, 5].map(|component| message.part(one, component));
        // HL7 Table 0203: numbers of accounts and visits are no patient's.
        let hers = matches!(kind.as_str(), "MR" | "PI" | "PT" | "") && !number.is_empty();
        hers.then_some(PatientNumber { issuer, number })
    };
    let others = all.filter_map(other).filter(|one| *one != patient).collect();
    Ok(News {
        via,
        patient,
        others,
        episode,
        number: String::new(),
        step: Step::Update,
        at: None,
        start: None,
        end: None,
        carers: Vec::new(),
        parts: Vec::new(),
    })
}

/// Times of a message (TS, §2.A.77): one that names no time zone has that of MSH-7.
struct Times {
    sent: Option<Stamp>,
}

impl Times {
    fn of(message: &Message) -> Result<Self, Cause> {
        Ok(Self { sent: stamp(&message.header(7, 1)) })
    }

    fn sent(&self) -> Result<Stamp, Cause> {
        self.sent.ok_or(Cause(101, "no date and time (EVN-2 or MSH-7)"))
    }

    fn read(&self, text: &str) -> Option<Stamp> {
        let read = stamp(text)?;
        Some(Stamp { offset_s: read.offset_s.or(self.sent?.offset_s), ..read })
    }
}

/// `YYYYMMDD[HH[MM[SS[.S…]]]][+/-ZZZZ]`; what is no time is none.
fn stamp(text: &str) -> Option<Stamp> {
    let (local, zone) = match text.find(['+', '-']) {
        Some(at) => (text.get(..at)?, text.get(at..)?),
        None => (text, ""),
    };
    let digits = local.split('.').next().unwrap_or_default();
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 8 | 10 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |text| text.parse::<u32>().ok());
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let days = model::time::days((year.into(), month, day));
    let real = model::time::civil(days) == (i64::from(year), month, day);
    if !real || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let local_s = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some(Stamp { local_s, offset_s: if zone.is_empty() { None } else { Some(offset(zone)?) } })
}

fn offset(zone: &str) -> Option<i32> {
    let digits =
        zone.get(1..).filter(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))?;
    let (hours, minutes) = (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().ok()?);
    let east = hours * 3600 + minutes * 60;
    (hours <= 14 && minutes <= 59).then_some(if zone.starts_with('-') { -east } else { east })
}

#[cfg(test)]
mod tests;
