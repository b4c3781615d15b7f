//! What a message asks for: orders as IHE RAD TF-2 Appendix B maps them to a worklist (RAD-2, RAD-4, RAD-13), patients as
//! RAD-12 corrects and merges them.

use super::message::{Message, Segment};
use super::report::Report;
use model::{Attributes, Item, Plain, Tag, Vr, tags};
use port::putright::{Act, PatientNumber};

/// Orders that a message may change.
const ORDERS: usize = 100;
/// Merges of one message.
const MERGES: usize = 20;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Orders to place, and orders that end.
    Orders {
        /// Worklist items.
        place: Vec<Attributes>,
        /// Numbers and steps.
        end: Vec<Ended>,
    },
    /// Patients, one after the other.
    PutRight(Vec<Act>),
    /// A report to be kept beside its film.
    Report(Box<Report>),
    /// Known, and nothing here to be done.
    Nothing,
}

/// An order that ends: its accession number, or the number of its filler or placer; and the step, where one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The number.
    pub number: String,
    /// IPC-4 or OBR-20.
    pub step: Option<String>,
}

/// Why not: a code of HL7 Table 0357 and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause(pub u16, pub &'static str);

/// Reads a message's wish.
///
/// # Errors
/// [`Cause`]: it is of a kind that is not taken, or lacks what it needs.
pub fn wish(message: &Message) -> Result<Wish, Cause> {
    match (message.header(9, 1).as_str(), message.header(9, 2).as_str()) {
        ("ORM", "O01") | ("OMG", "O19") | ("OMI", "O23") => orders(message),
        ("ORU", "R01") => Ok(Wish::Report(Box::new(Report::read(message)?))),
        ("ADT", "A08" | "A31") => corrected(message),
        ("ADT", "A40") => merged(message),
        // Arrivals, transfers, departures, appointments: what they say of relations is read beside this.
        ("ADT", _) | ("SIU", "S12" | "S13" | "S14" | "S15" | "S17") => Ok(Wish::Nothing),
        ("ORM" | "OMG" | "OMI" | "ORU" | "SIU", _) => Err(Cause(201, "unsupported event code")),
        _ => Err(Cause(200, "unsupported message type")),
    }
}

/// The number by which the house knows a patient: of several (CX) the medical record number, else the internal one (HL7 Table
/// 0203), else the first. A national number may stand before them, and no film bears it.
pub fn number(message: &Message, segment: &Segment, field: usize) -> Result<PatientNumber, Cause> {
    let all = message.repetitions(segment, field);
    let typed = |kind: &str| all.iter().find(|one| message.part(one, 5) == kind);
    let own = typed("MR").or_else(|| typed("PI")).or_else(|| all.first()).copied().unwrap_or_default();
    let [number, issuer] = [1, 4].map(|component| message.part(own, component));
    if number.is_empty() {
        Err(Cause(101, "a patient without a number"))
    } else {
        Ok(PatientNumber { issuer, number })
    }
}

/// PID.
pub fn patient(message: &Message) -> Result<&Segment, Cause> {
    message.first("PID").ok_or(Cause(100, "no PID segment"))
}

fn corrected(message: &Message) -> Result<Wish, Cause> {
    let pid = patient(message)?;
    let mut set = Attributes::new();
    demographics(message, pid, &mut set);
    if set.is_empty() {
        return Ok(Wish::Nothing);
    }
    Ok(Wish::PutRight(vec![Act::CorrectPatient { patient: number(message, pid, 3)?, set }]))
}

/// Each group of PID and MRG (ADT_A39): two numbers of one person.
fn merged(message: &Message) -> Result<Wish, Cause> {
    let mut acts = Vec::new();
    let mut stays: Option<&Segment> = None;
    for segment in message.segments() {
        match (segment.name(), stays) {
            ("PID", _) => stays = Some(segment),
            ("MRG", Some(pid)) => {
                let mut demographics = Attributes::new();
                self::demographics(message, pid, &mut demographics);
                let (from, into) = (number(message, segment, 1)?, number(message, pid, 3)?);
                acts.push(Act::Merge { from, into, demographics });
                stays = None;
            }
            _ => {}
        }
    }
    if acts.len() > MERGES {
        return Err(Cause(102, "too many merges in one message"));
    }
    if acts.is_empty() {
        Err(Cause(100, "no PID segment with an MRG segment"))
    } else {
        Ok(Wish::PutRight(acts))
    }
}

/// Name, birth date and sex, as far as they are said.
fn demographics(message: &Message, pid: &Segment, out: &mut Attributes) {
    let mut put = |tag: Tag, vr: [u8; 2], text: String| {
        if !text.is_empty() {
            out.set(tag, vr, [text]);
        }
    };
    put(tags::PATIENT_NAME, *b"PN", name(message, pid, 5, 1));
    put(tags::PATIENT_BIRTH_DATE, *b"DA", when(&message.value(pid, 7, 1)).0);
    // HL7 Table 0001 has more; DICOM has M, F and O.
    let sex = match message.value(pid, 8, 1).as_str() {
        sex @ ("M" | "F" | "O") => sex.to_owned(),
        "A" => "O".to_owned(),
        _ => String::new(),
    };
    put(tags::PATIENT_SEX, *b"CS", sex);
}

/// A name (XPN, or XCN behind its identifier: `first` is the family's component) as PN: HL7 has the suffix before the prefix.
fn name(message: &Message, segment: &Segment, field: usize, first: usize) -> String {
    let part = |at: usize| message.value(segment, field, first + at).replace(['^', '=', '\\'], " ");
    let parts = [part(0), part(1), part(2), part(4), part(3)];
    parts.join("^").trim_end_matches('^').to_owned()
}

/// A time stamp as date and time.
pub fn when(text: &str) -> (String, String) {
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(14).collect();
    match (digits.get(..8), digits.get(8..)) {
        (Some(date), Some(time)) => {
            (date.to_owned(), if matches!(time.len(), 4 | 6) { time.to_owned() } else { String::new() })
        }
        _ => (String::new(), String::new()),
    }
}

fn orders(message: &Message) -> Result<Wish, Cause> {
    let (mut place, mut end) = (Vec::new(), Vec::new());
    for order in requests(message, patient(message)?) {
        if place.len() + end.len() == ORDERS {
            return Err(Cause(102, "too many orders in one message"));
        }
        match order.ends()? {
            true => end.push(order.ended()?),
            false => place.push(order.item()?),
        }
    }
    if place.is_empty() && end.is_empty() {
        Err(Cause(100, "no OBR segment"))
    } else {
        Ok(Wish::Orders { place, end })
    }
}

/// Each OBR with the ORC before it and what follows it.
pub fn requests<'a>(message: &'a Message, pid: &'a Segment) -> Vec<Order<'a>> {
    let mut common: Option<&Segment> = None;
    let segments: Vec<&Segment> = message.segments().collect();
    let mut out = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        match segment.name() {
            "ORC" => common = Some(segment),
            "OBR" => {
                let rest = segments.get(at + 1..).unwrap_or_default();
                let own = rest.iter().take_while(|s| !matches!(s.name(), "ORC" | "OBR"));
                let find = |name: &str| own.clone().find(|s| s.name() == name).copied();
                let (choice, study) = (find("IPC"), find("ZDS"));
                out.push(Order { message, pid, common, request: segment, choice, study });
            }
            _ => {}
        }
    }
    out
}

/// One OBR with what belongs to it.
pub struct Order<'a> {
    message: &'a Message,
    pid: &'a Segment,
    common: Option<&'a Segment>,
    request: &'a Segment,
    /// IPC of OMI.
    choice: Option<&'a Segment>,
    /// ZDS of IHE RAD-4.
    study: Option<&'a Segment>,
}

impl Order<'_> {
    fn of(&self, segment: Option<&Segment>, field: usize, component: usize) -> String {
        segment.map(|segment| self.message.value(segment, field, component)).unwrap_or_default()
    }

    /// A component of OBR.
    pub fn obr(&self, field: usize, component: usize) -> String {
        self.message.value(self.request, field, component)
    }

    /// ORC-1 (HL7 Table 0119) and ORC-5: cancelled, discontinued or completed.
    pub fn ends(&self) -> Result<bool, Cause> {
        let control = self.of(self.common, 1, 1);
        match control.as_str() {
            "NW" | "XO" | "" => Ok(false),
            "CA" | "DC" | "OC" | "OD" => Ok(true),
            "SC" | "SN" | "RU" => Ok(matches!(self.of(self.common, 5, 1).as_str(), "CM" | "CA" | "DC")),
            _ => Err(Cause(103, "unsupported order control code")),
        }
    }

    /// Accession number: IPC-1, OBR-18, OBR-3, ORC-3.
    ///
    /// # Errors
    /// There is none.
    pub fn accession(&self) -> Result<String, Cause> {
        let all = [self.of(self.choice, 1, 1), self.obr(18, 1), self.obr(3, 1), self.of(self.common, 3, 1)];
        let number = all.into_iter().find(|number| !number.is_empty());
        number.ok_or(Cause(101, "no accession number (OBR-18)"))
    }

    /// Study Instance UID, where it is said: IPC-3, ZDS-1.
    pub fn study_uid(&self) -> String {
        let all = [self.of(self.choice, 3, 1), self.of(self.study, 1, 1)];
        all.into_iter().find(|uid| !uid.is_empty()).unwrap_or_default()
    }

    /// It ends without having been done: cancelled or discontinued, by ORC-1 or by ORC-5 (HL7 Tables 0119 and 0038).
    pub fn cancelled(&self) -> bool {
        let [control, status] = [1, 5].map(|field| self.of(self.common, field, 1));
        match control.as_str() {
            "CA" | "DC" | "OC" | "OD" => true,
            "SC" | "SN" | "RU" => matches!(status.as_str(), "CA" | "DC"),
            _ => false,
        }
    }

    /// ORC, where there is one, and OBR.
    pub const fn segments(&self) -> [Option<&Segment>; 2] {
        [self.common, Some(self.request)]
    }

    /// Accession number, or the placer's, and the step where one is named.
    ///
    /// # Errors
    /// There is none.
    pub fn number(&self) -> Result<String, Cause> {
        let Ended { number, step } = self.ended()?;
        Ok(step.map_or(number.clone(), |step| format!("{number}/{step}")))
    }

    fn ended(&self) -> Result<Ended, Cause> {
        let placer =
            || [self.obr(2, 1), self.of(self.common, 2, 1)].into_iter().find(|number| !number.is_empty());
        let number = self.accession().or_else(|cause| placer().ok_or(cause))?;
        let step = [self.of(self.choice, 4, 1), self.obr(20, 1)].into_iter().find(|step| !step.is_empty());
        Ok(Ended { number, step })
    }

    fn item(&self) -> Result<Attributes, Cause> {
        let (message, accession) = (self.message, self.accession()?);
        let PatientNumber { issuer, number } = number(message, self.pid, 3)?;
        let mut out = Attributes::new();
        demographics(message, self.pid, &mut out);
        out.set(tags::PATIENT_ID, *b"LO", [number]);
        if !issuer.is_empty() {
            out.set(tags::ISSUER_OF_PATIENT_ID, *b"LO", [issuer]);
        }
        let mut put = |tag: Tag, vr: &[u8; 2], texts: &[String]| {
            if let Some(text) = texts.iter().find(|text| !text.is_empty()) {
                out.set(tag, *vr, [fitting(vr, text)]);
            }
        };
        put(tags::ACCESSION_NUMBER, b"SH", std::slice::from_ref(&accession));
        put(tags::REQUESTED_PROCEDURE_ID, b"SH", &[self.of(self.choice, 2, 1), self.obr(19, 1)]);
        put(tags::STUDY_INSTANCE_UID, b"UI", &[self.of(self.choice, 3, 1), self.of(self.study, 1, 1)]);
        put(tags::REQUESTED_PROCEDURE_DESCRIPTION, b"LO", &[self.obr(44, 2), self.obr(4, 2)]);
        put(tags::REQUESTING_PHYSICIAN, b"PN", &[name(message, self.request, 16, 2)]);
        let visit = message.first("PV1");
        put(
            tags::REFERRING_PHYSICIAN_NAME,
            b"PN",
            &[visit.map(|v| name(message, v, 8, 2)).unwrap_or_default()],
        );
        put(0x0038_0300, b"LO", &[self.of(visit, 3, 1)]);
        put(0x0040_1002, b"LO", &[self.obr(31, 2), self.obr(31, 1)]);
        put(0x0040_2016, b"LO", &[self.obr(2, 1), self.of(self.common, 2, 1)]);
        put(0x0040_2017, b"LO", &[self.obr(3, 1), self.of(self.common, 3, 1)]);
        let code = [(tags::CODE_VALUE, 1), (tags::CODE_MEANING, 2), (tags::CODING_SCHEME_DESIGNATOR, 3)];
        let code: Item =
            code.into_iter().filter_map(|(tag, at)| plain(tag, b"SH", self.obr(4, at))).collect();
        if code.len() == 3 {
            out.set_items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, [code]);
        }
        out.set_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, [self.step()?]);
        Ok(out)
    }

    fn step(&self) -> Result<Item, Cause> {
        let quantity = self.message.first("TQ1");
        let starts = [self.of(quantity, 7, 1), self.of(self.common, 7, 4), self.obr(27, 4), self.obr(36, 1)];
        let (date, time) =
            starts.iter().map(|text| when(text)).find(|(date, _)| !date.is_empty()).unwrap_or_default();
        let modality = [self.of(self.choice, 5, 1), self.obr(24, 1)].into_iter().find(|m| !m.is_empty());
        if date.is_empty() {
            return Err(Cause(101, "no scheduled date (TQ1-7, ORC-7.4 or OBR-27.4)"));
        }
        let modality = modality.ok_or(Cause(101, "no modality (OBR-24 or IPC-5)"))?;
        let either = |a: String, b: String| if a.is_empty() { b } else { a };
        let description = either(self.of(self.choice, 6, 2), either(self.obr(4, 5), self.obr(4, 2)));
        let all = [
            plain(tags::MODALITY, b"CS", modality),
            plain(
                tags::SCHEDULED_STATION_AE_TITLE,
                b"AE",
                either(self.of(self.choice, 9, 1), self.obr(21, 1)),
            ),
            plain(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, b"DA", date),
            plain(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, b"TM", time),
            plain(tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, b"LO", description),
            plain(
                tags::SCHEDULED_PROCEDURE_STEP_ID,
                b"SH",
                either(self.of(self.choice, 4, 1), self.obr(20, 1)),
            ),
            plain(0x0040_0010, b"SH", self.of(self.choice, 7, 1)),
        ];
        Ok(all.into_iter().flatten().collect())
    }
}

fn plain(tag: Tag, vr: &[u8; 2], text: String) -> Option<(Tag, Plain)> {
    (!text.is_empty()).then(|| (tag, Plain { vr: Vr(*vr), values: vec![fitting(vr, &text)] }))
}

/// Words for people are cut to what DICOM has room for (LO; PS3.5 Table 6.2-1). A number or title that is too long is left as
/// it is, and refused where orders are checked: cut, it would be another's.
fn fitting(vr: &[u8; 2], text: &str) -> String {
    const ROOM: usize = 64;
    if vr == b"LO" { text.chars().take(ROOM).collect() } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
