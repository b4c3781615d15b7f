//! Reports (ORU^R01) as objects beside their film: text as a Basic Text SR (PS3.3 A.35.1), a PDF as an encapsulated one
//! (PS3.3 A.45.1). The same message makes the same objects: sent again, they are duplicates.

use super::act::{self, Cause};
use super::message::{Message, Segment};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dicom::dimse::dataset::{Element, Elements, Value, text, write};
use dicom::dimse::{EXPLICIT, p10_prefix};
use model::{Attributes, Tag, tags};
use port::putright::PatientNumber;

/// Basic Text SR Storage and Encapsulated PDF Storage (PS3.6 Table A-1).
const TEXT_SR: &str = "1.2.840.10008.5.1.4.1.1.88.11";
const PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
/// Observations of one message, and characters of its texts.
const OBSERVATIONS: usize = 1000;
const TEXT_BYTES: usize = 256 << 10;
/// Study Instance UID, Study ID, Series Instance UID, numbers.
const SERIES: Tag = 0x0020_000E;
const SERIES_NUMBER: Tag = 0x0020_0011;
const INSTANCE_NUMBER: Tag = 0x0020_0013;

/// What a message reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whose.
    pub patient: PatientNumber,
    /// (0008,0050).
    pub accession: String,
    /// ZDS-1, when it is said.
    pub study: String,
    /// MSH-3.
    application: String,
    /// OBR-22, else OBR-7: date and time.
    at: (String, String),
    /// Final or corrected.
    complete: bool,
    sections: Vec<Section>,
    pdfs: Vec<Vec<u8>>,
}

/// Texts under one heading.
#[derive(Debug, Clone, PartialEq)]
struct Section {
    /// Code, scheme, words.
    concept: [String; 3],
    text: String,
}

impl Report {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Cause`].
    pub fn read(message: &Message) -> Result<Self, Cause> {
        let pid = act::patient(message)?;
        let orders = act::requests(message, pid);
        let first = orders.first().ok_or(Cause(100, "no OBR segment"))?;
        let accession = first.accession()?;
        for order in &orders {
            if order.accession()? != accession {
                return Err(Cause(102, "one message reports on one accession number"));
            }
        }
        let at = [first.obr(22, 1), first.obr(7, 1)].into_iter().map(|t| act::when(&t));
        let mut report = Self {
            patient: act::number(message, pid, 3)?,
            accession,
            study: first.study_uid(),
            application: message.header(3, 1),
            at: at.into_iter().find(|(date, _)| !date.is_empty()).unwrap_or_default(),
            complete: !matches!(first.obr(25, 1).as_str(), "P" | "R" | "I" | "S" | "O"),
            sections: Vec::new(),
            pdfs: Vec::new(),
        };
        let observations: Vec<&Segment> = message.segments().filter(|s| s.name() == "OBX").collect();
        if observations.len() > OBSERVATIONS {
            return Err(Cause(102, "too many observations in one message"));
        }
        for observation in observations {
            report.observe(message, observation)?;
        }
        let said: usize = report.sections.iter().map(|section| section.text.len()).sum();
        match (said, report.pdfs.len()) {
            (0, 0) => Err(Cause(101, "no text and no document (OBX-5)")),
            (TEXT_BYTES.., _) => Err(Cause(102, "the text is too long")),
            _ => Ok(report),
        }
    }

    fn observe(&mut self, message: &Message, observation: &Segment) -> Result<(), Cause> {
        let of = |component| message.value(observation, 3, component);
        match message.value(observation, 2, 1).as_str() {
            // Deleted or wrong (HL7 Table 0085).
            _ if matches!(message.value(observation, 11, 1).as_str(), "D" | "W" | "X") => {}
            "ED" => self.pdfs.push(document(message, observation)?),
            "RP" => return Err(Cause(102, "a document elsewhere (RP) cannot be kept")),
            _ => {
                let text = message.text(observation, 5);
                let concept = [of(1), of(3), of(2)];
                match self.sections.last_mut().filter(|section| section.concept == concept) {
                    Some(section) => {
                        section.text.push('\n');
                        section.text.push_str(&text);
                    }
                    None => self.sections.push(Section { concept, text }),
                }
            }
        }
        Ok(())
    }

    /// Files of its objects, for the study as the archive knows it. `name`: a digest of the message.
    pub fn files(&self, study: &Attributes, name: &[u8; 32]) -> Vec<Vec<u8>> {
        let texts = self.sections.iter().any(|section| !section.text.trim().is_empty());
        let text = texts.then(|| self.file(study, (TEXT_SR, uid(name, 0, 0)), uid(name, 0, 1), self.sr()));
        let pdfs = (1u32..)
            .zip(&self.pdfs)
            .map(|(n, pdf)| self.file(study, (PDF, uid(name, 1, n)), uid(name, 1, 0), self.pdf(pdf, n)));
        text.into_iter().chain(pdfs).flatten().collect()
    }

    fn file(
        &self,
        study: &Attributes,
        (class, instance): (&str, String),
        series: String,
        own: Elements,
    ) -> Option<Vec<u8>> {
        let of = |tag: Tag, vr: &[u8; 2]| text(tag, vr, study.first(tag));
        let (date, time) = &self.at;
        let mut all = vec![
            text(tags::SPECIFIC_CHARACTER_SET, b"CS", "ISO_IR 192"),
            text(tags::SOP_CLASS_UID, b"UI", class),
            text(tags::SOP_INSTANCE_UID, b"UI", &instance),
            of(tags::STUDY_DATE, b"DA"),
            of(tags::STUDY_TIME, b"TM"),
            // Content date and time.
            text(0x0008_0023, b"DA", date),
            text(0x0008_0033, b"TM", time),
            text(tags::ACCESSION_NUMBER, b"SH", &self.accession),
            // Manufacturer: whoever made the report.
            text(0x0008_0070, b"LO", &self.application.chars().take(64).collect::<String>()),
            of(tags::REFERRING_PHYSICIAN_NAME, b"PN"),
            of(tags::PATIENT_NAME, b"PN"),
            of(tags::PATIENT_ID, b"LO"),
            of(tags::PATIENT_BIRTH_DATE, b"DA"),
            of(tags::PATIENT_SEX, b"CS"),
            of(tags::STUDY_INSTANCE_UID, b"UI"),
            text(SERIES, b"UI", &series),
            of(tags::STUDY_ID, b"SH"),
            text(SERIES_NUMBER, b"IS", "9000"),
        ];
        if !study.first(tags::ISSUER_OF_PATIENT_ID).is_empty() {
            all.push(of(tags::ISSUER_OF_PATIENT_ID, b"LO"));
        }
        all.extend(own);
        let mut file = p10_prefix(class, &instance, EXPLICIT, "HL7").ok()?;
        file.extend(write(&all, EXPLICIT));
        Some(file)
    }

    /// SR document series, general and content (PS3.3 §C.17.1 to §C.17.3), a text for each section (TID 2000 without its rows
    /// of context: nobody said them).
    fn sr(&self) -> Elements {
        let sections = self.sections.iter().filter(|section| !section.text.trim().is_empty());
        let items = sections.map(|section| {
            vec![
                text(0x0040_A010, b"CS", "CONTAINS"),
                text(0x0040_A040, b"CS", "TEXT"),
                concept(&section.concept),
                text(0x0040_A160, b"UT", &section.text),
            ]
        });
        vec![
            text(tags::MODALITY, b"CS", "SR"),
            // Referenced performed procedure step and performed procedure code: not known.
            sequence(0x0008_1111, Vec::new()),
            sequence(0x0040_A372, Vec::new()),
            text(INSTANCE_NUMBER, b"IS", "1"),
            text(0x0040_A491, b"CS", if self.complete { "COMPLETE" } else { "PARTIAL" }),
            text(0x0040_A493, b"CS", "UNVERIFIED"),
            text(0x0040_A040, b"CS", "CONTAINER"),
            concept(&["18748-4", "LN", "Diagnostic imaging report"].map(str::to_owned)),
            text(0x0040_A050, b"CS", "SEPARATE"),
            sequence(0x0040_A730, items.collect()),
        ]
    }

    /// Encapsulated document series and document (PS3.3 §C.24.1, §C.24.2).
    fn pdf(&self, pdf: &[u8], number: u32) -> Elements {
        vec![
            text(tags::MODALITY, b"CS", "DOC"),
            text(0x0008_0064, b"CS", "WSD"),
            text(0x0008_002A, b"DT", ""),
            text(INSTANCE_NUMBER, b"IS", &number.to_string()),
            // What a report says of its patient stands in its pages.
            text(0x0028_0301, b"CS", "YES"),
            text(0x0042_0010, b"ST", ""),
            concept(&["18748-4", "LN", "Diagnostic imaging report"].map(str::to_owned)),
            Element { tag: 0x0042_0011, vr: *b"OB", value: Value::Bytes(pdf.to_vec()) },
            text(0x0042_0012, b"LO", "application/pdf"),
        ]
    }
}

/// OBX-5 of type ED: source, type, subtype, encoding, data (HL7 v2.5.1 §2.A.24).
fn document(message: &Message, observation: &Segment) -> Result<Vec<u8>, Cause> {
    let of = |component| message.value(observation, 5, component);
    if !of(3).eq_ignore_ascii_case("PDF") || !of(4).eq_ignore_ascii_case("Base64") {
        return Err(Cause(102, "only PDF documents in Base64 are taken"));
    }
    let data: Vec<u8> = of(5).bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let pdf = BASE64_STANDARD.decode(data).ok().filter(|pdf| pdf.starts_with(b"%PDF-"));
    pdf.ok_or(Cause(102, "the document is no PDF in Base64"))
}

fn sequence(tag: Tag, items: Vec<Elements>) -> Element {
    Element { tag, vr: *b"SQ", value: Value::Items(items) }
}

/// A concept name; what is no code of a known scheme is a finding by its words.
fn concept([code, scheme, words]: &[String; 3]) -> Element {
    let coded = matches!(scheme.as_str(), "LN" | "DCM" | "SCT" | "RADLEX")
        && (1..=16).contains(&code.chars().count())
        && !words.is_empty();
    let words = words.chars().take(64).collect::<String>();
    let [code, scheme, words] = match (coded, words.is_empty()) {
        (true, _) => [code.as_str(), scheme, &words],
        (false, false) => ["121071", "DCM", &words],
        (false, true) => ["121071", "DCM", "Finding"],
    };
    let item = vec![
        text(0x0008_0100, b"SH", code),
        text(0x0008_0102, b"SH", scheme),
        text(0x0008_0104, b"LO", words),
    ];
    sequence(0x0040_A043, vec![item])
}

/// PS3.5 B.2, of a digest and a place in the report.
fn uid(name: &[u8; 32], kind: u8, number: u32) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    let place = u128::from(kind) << 32 | u128::from(number);
    format!("2.25.{}", u128::from_be_bytes(bytes) ^ place)
}

#[cfg(test)]
mod tests;
