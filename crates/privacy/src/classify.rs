//! What kind of picture an object is, how private that is, and where to look. The header is believed only upwards:
//! it can make us look for more or hide more, never for less.

#[cfg(test)]
mod tests;

use model::{ImageInfo, RegionKind};

/// What the picture is, as far as recognition cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A projection radiograph; the part says where to look first.
    Projection(Part),
    /// Slices; a head hides its face.
    Slices {
        /// Computed tomography; else magnetic resonance.
        ct: bool,
        /// What the header says of the part: a head, surely not a head, or nothing of use.
        head: Option<bool>,
    },
    /// A scanner's screen: a scan area with words around it.
    Ultrasound,
    /// A copy of a screen: words likely anywhere.
    Capture {
        /// The header says that it shows a head.
        head: bool,
    },
    /// Nuclear medicine and positron emission: blurred, words only.
    Nuclear,
    /// Microscopy: words only.
    Slide,
    /// Nothing may be said of the pixels: withheld.
    Whole,
}

/// Body part of a projection radiograph by the header: a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Thorax, ribs, heart, breastbone: frontal.
    Chest,
    /// The same from the side.
    ChestLateral,
    /// Abdomen, pelvis, hip, lower spine: the lower third may show genitals.
    Pelvis,
    /// Hand, foot, arm, leg: nothing but bones and their soft tissue.
    Limb,
    /// Skull, face, jaw, teeth, neck.
    Head,
    /// Nothing of use.
    Unknown,
}

/// The class of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// The word for index and ledger, e.g. `projection`, `mammography`.
    pub name: &'static str,
    /// Where to look.
    pub kind: Kind,
    /// 1 (least) to 5 (most private).
    pub level: u8,
    /// As if absent for callers without a relation and for every secondary use.
    pub withheld: bool,
    /// Words that identify are likely: hide around text generously.
    pub wordy: bool,
}

/// SOP classes by prefix (PS3.4 Table B.5-1), the longest match wins.
const BY_SOP: &[(&str, Family)] = &[
    ("1.2.840.10008.5.1.4.1.1.1", Family::Projection),
    ("1.2.840.10008.5.1.4.1.1.1.2", Family::Mammography),
    ("1.2.840.10008.5.1.4.1.1.1.3", Family::Teeth),
    ("1.2.840.10008.5.1.4.1.1.2", Family::Ct),
    ("1.2.840.10008.5.1.4.1.1.3", Family::Ultrasound),
    ("1.2.840.10008.5.1.4.1.1.3.1", Family::Ultrasound),
    ("1.2.840.10008.5.1.4.1.1.4", Family::Mr),
    ("1.2.840.10008.5.1.4.1.1.5", Family::Nuclear),
    ("1.2.840.10008.5.1.4.1.1.6", Family::Ultrasound),
    ("1.2.840.10008.5.1.4.1.1.7", Family::Capture),
    ("1.2.840.10008.5.1.4.1.1.12", Family::Projection),
    ("1.2.840.10008.5.1.4.1.1.13.1.1", Family::Projection),
    ("1.2.840.10008.5.1.4.1.1.13.1.2", Family::Projection),
    ("1.2.840.10008.5.1.4.1.1.13.1.3", Family::Mammography),
    ("1.2.840.10008.5.1.4.1.1.13.1.4", Family::Mammography),
    ("1.2.840.10008.5.1.4.1.1.13.1.5", Family::Mammography),
    ("1.2.840.10008.5.1.4.1.1.20", Family::Nuclear),
    ("1.2.840.10008.5.1.4.1.1.77.1", Family::Photograph),
    ("1.2.840.10008.5.1.4.1.1.77.1.2", Family::Slide),
    ("1.2.840.10008.5.1.4.1.1.77.1.3", Family::Slide),
    ("1.2.840.10008.5.1.4.1.1.77.1.5", Family::Eye),
    ("1.2.840.10008.5.1.4.1.1.77.1.6", Family::Slide),
    ("1.2.840.10008.5.1.4.1.1.104", Family::Document),
    ("1.2.840.10008.5.1.4.1.1.128", Family::Nuclear),
    ("1.2.840.10008.5.1.4.1.1.130", Family::Nuclear),
    ("1.2.840.10008.5.1.4.1.1.481.1", Family::Projection),
];

/// Modalities (PS3.3 C.7.3.1.1.1), used when the SOP class says nothing and to find more private kinds in captures.
const BY_MODALITY: &[(&str, Family)] = &[
    ("MG", Family::Mammography),
    ("BMD", Family::Projection),
    ("CR", Family::Projection),
    ("DX", Family::Projection),
    ("RF", Family::Projection),
    ("XA", Family::Projection),
    ("RG", Family::Projection),
    ("RTIMAGE", Family::Projection),
    ("IO", Family::Teeth),
    ("PX", Family::Teeth),
    ("CT", Family::Ct),
    ("MR", Family::Mr),
    ("US", Family::Ultrasound),
    ("BDUS", Family::Ultrasound),
    ("IVUS", Family::Ultrasound),
    ("NM", Family::Nuclear),
    ("PT", Family::Nuclear),
    ("SM", Family::Slide),
    ("GM", Family::Slide),
    ("XC", Family::Photograph),
    ("ES", Family::Photograph),
    ("OP", Family::Eye),
    ("OPT", Family::Eye),
    ("DOC", Family::Document),
    ("OT", Family::Capture),
    ("SC", Family::Capture),
];

/// Words in Body Part Examined (PS3.16 Annex L and the field's habits), by part of the word.
const BY_PART: &[(&str, Part)] = &[
    ("CHEST", Part::Chest),
    ("THORAX", Part::Chest),
    ("LUNG", Part::Chest),
    ("HEART", Part::Chest),
    ("RIB", Part::Chest),
    ("STERNUM", Part::Chest),
    ("CLAVICLE", Part::Chest),
    ("BREAST", Part::Chest),
    ("TSPINE", Part::Chest),
    ("BABYGRAM", Part::Chest),
    ("ABDO", Part::Pelvis),
    ("PELVI", Part::Pelvis),
    ("HIP", Part::Pelvis),
    ("SACRUM", Part::Pelvis),
    ("COCCYX", Part::Pelvis),
    ("LSPINE", Part::Pelvis),
    ("SSPINE", Part::Pelvis),
    ("BLADDER", Part::Pelvis),
    ("KIDNEY", Part::Pelvis),
    ("LIVER", Part::Pelvis),
    ("PANCREAS", Part::Pelvis),
    ("SPLEEN", Part::Pelvis),
    ("STOMACH", Part::Pelvis),
    ("COLON", Part::Pelvis),
    ("FEMUR", Part::Pelvis),
    ("THIGH", Part::Pelvis),
    ("BUTTOCK", Part::Pelvis),
    ("UTERUS", Part::Pelvis),
    ("VAGINA", Part::Pelvis),
    ("PENIS", Part::Pelvis),
    ("SCROTUM", Part::Pelvis),
    ("TESTIS", Part::Pelvis),
    ("PROSTATE", Part::Pelvis),
    ("URETHRA", Part::Pelvis),
    ("SKULL", Part::Head),
    ("HEAD", Part::Head),
    ("BRAIN", Part::Head),
    ("FACE", Part::Head),
    ("FACIAL", Part::Head),
    ("JAW", Part::Head),
    ("MAXILLA", Part::Head),
    ("MANDIBLE", Part::Head),
    ("ZYGOMA", Part::Head),
    ("NOSE", Part::Head),
    ("NASAL", Part::Head),
    ("SINUS", Part::Head),
    ("ORBIT", Part::Head),
    ("EYE", Part::Head),
    ("EAR", Part::Head),
    ("MASTOID", Part::Head),
    ("TMJ", Part::Head),
    ("NECK", Part::Head),
    ("CSPINE", Part::Head),
    ("CTSPINE", Part::Head),
    ("HIPPOCAMPUS", Part::Head),
    ("HAND", Part::Limb),
    ("WRIST", Part::Limb),
    ("FINGER", Part::Limb),
    ("THUMB", Part::Limb),
    ("FOREARM", Part::Limb),
    ("ELBOW", Part::Limb),
    ("HUMERUS", Part::Limb),
    ("KNEE", Part::Limb),
    ("PATELLA", Part::Limb),
    ("LEG", Part::Limb),
    ("ANKLE", Part::Limb),
    ("FOOT", Part::Limb),
    ("TOE", Part::Limb),
    ("CALCANEUS", Part::Limb),
];

/// Parts that are the most private whatever shows them.
const GENITAL: &[&str] =
    &["PENIS", "SCROTUM", "TESTIS", "VAGINA", "VULVA", "UTERUS", "URETHRA", "PERINEUM", "ANUS"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Projection,
    Mammography,
    Teeth,
    Ct,
    Mr,
    Ultrasound,
    Nuclear,
    Capture,
    Photograph,
    Eye,
    Slide,
    Document,
}

/// Says what an object is from its header. Nothing known: withheld, level 5.
#[must_use]
pub fn classify(image: &ImageInfo) -> Class {
    let Some(family) = family(image) else {
        return Class { name: "unknown", kind: Kind::Whole, level: 5, withheld: true, wordy: true };
    };
    let part = part(image);
    let head = head(image, part);
    let claimed = image.burned_in == Some(true);
    let class =
        |name, kind, level, withheld, wordy| Class { name, kind, level, withheld, wordy: wordy || claimed };
    let woman = image.sex != "M";
    let breast = image.body_part.contains("BREAST");
    let mut class = match family {
        Family::Mammography => class("mammography", Kind::Whole, 5, true, false),
        Family::Photograph => class("photograph", Kind::Whole, 5, true, true),
        Family::Document => class("document", Kind::Whole, 4, true, true),
        Family::Eye => class("eye", Kind::Capture { head: false }, 3, false, true),
        Family::Teeth => class("projection", Kind::Projection(Part::Head), 3, false, false),
        Family::Projection => {
            class("projection", Kind::Projection(part), projection_level(part, woman), false, false)
        }
        Family::Ct => class("ct", Kind::Slices { ct: true, head }, slices_level(part), false, false),
        Family::Mr => class("mr", Kind::Slices { ct: false, head }, slices_level(part), breast, false),
        Family::Ultrasound => class("ultrasound", Kind::Ultrasound, if breast { 5 } else { 3 }, breast, true),
        Family::Nuclear => class("nuclear", Kind::Nuclear, 3, false, false),
        Family::Slide if image.image_type.contains("LABEL") || image.image_type.contains("OVERVIEW") => {
            class("slide-label", Kind::Whole, 4, true, true)
        }
        Family::Slide => class("slide", Kind::Slide, 2, false, false),
        Family::Capture => class(
            "capture",
            Kind::Capture { head: head == Some(true) || pictured(image, part) },
            if breast { 5 } else { 4 },
            breast,
            true,
        ),
    };
    if GENITAL.iter().any(|word| image.body_part.contains(word)) {
        class.level = 5;
        class.withheld |= family == Family::Projection;
    }
    class
}

/// Whether a picture may show a part of the body, by its header. One that says nothing may show all.
#[must_use]
pub fn may_show(image: &ImageInfo, kind: RegionKind) -> bool {
    let photographed = matches!(family(image), None | Some(Family::Photograph | Family::Document));
    let near = match kind {
        RegionKind::Breast | RegionKind::Axilla => Part::Chest,
        RegionKind::Abdomen | RegionKind::Pelvis => Part::Pelvis,
        RegionKind::Face => Part::Head,
        // Nobody recognises it yet: every picture of a body shows it.
        _ => return true,
    };
    let mut said = BY_PART.iter().filter(|(word, _)| image.body_part.contains(word)).peekable();
    photographed || said.peek().is_none() || said.any(|(_, part)| *part == near)
}

/// The family by SOP class; where that is only a container, the modality may name a more private one.
fn family(image: &ImageInfo) -> Option<Family> {
    let sop = image.sop_class.as_str();
    let prefixes =
        |prefix: &str| sop.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let by_sop = BY_SOP.iter().filter(|(prefix, _)| prefixes(prefix)).max_by_key(|(prefix, _)| prefix.len());
    let by_modality =
        BY_MODALITY.iter().find(|(modality, _)| *modality == image.modality).map(|(_, family)| *family);
    match (by_sop.map(|(_, family)| *family), by_modality) {
        // Either word is enough for what is withheld.
        (_, Some(family @ (Family::Mammography | Family::Photograph | Family::Document))) => Some(family),
        // A radiograph sent as a capture is looked at as a radiograph.
        (Some(Family::Capture), Some(family @ (Family::Projection | Family::Ultrasound | Family::Teeth))) => {
            Some(family)
        }
        (Some(family), _) => Some(family),
        (None, family) => family,
    }
}

fn part(image: &ImageInfo) -> Part {
    let said = BY_PART.iter().filter(|(word, _)| image.body_part.contains(word));
    let part = said.max_by_key(|(word, _)| word.len()).map_or(Part::Unknown, |(_, part)| *part);
    let lateral = matches!(image.view_position.as_str(), "LL" | "RL" | "LAT" | "LATERAL" | "LLD" | "RLD");
    if part == Part::Chest && lateral { Part::ChestLateral } else { part }
}

const fn projection_level(part: Part, woman: bool) -> u8 {
    match part {
        Part::Chest | Part::ChestLateral if !woman => 3,
        Part::Limb => 2,
        Part::Head => 3,
        Part::Chest | Part::ChestLateral | Part::Pelvis | Part::Unknown => 4,
    }
}

const fn slices_level(part: Part) -> u8 {
    match part {
        Part::Head | Part::Unknown => 4,
        Part::Chest | Part::ChestLateral | Part::Pelvis => 3,
        Part::Limb => 2,
    }
}

/// A capture of which nothing is said: a surface in three dimensions, a photograph from a telephone. It may show a face.
fn pictured(image: &ImageInfo, part: Part) -> bool {
    part == Part::Unknown && matches!(image.modality.as_str(), "" | "OT" | "SC" | "CT" | "MR" | "PT")
}

/// Whether slices show a head: any word of one counts, beside whatever else stands there (`NECKCHEST`).
fn head(image: &ImageInfo, part: Part) -> Option<bool> {
    let text = image.body_part.as_str();
    let places = |word: &'static str| text.match_indices(word).map(move |(at, _)| (at, at + word.len()));
    let inside = |(from, to): (usize, usize)| {
        let longer = BY_PART.iter().filter(|(word, part)| word.len() > to - from && *part != Part::Head);
        longer.flat_map(|(word, _)| places(word)).any(|(a, b)| a <= from && to <= b)
    };
    let heads = BY_PART.iter().filter(|(_, part)| *part == Part::Head);
    if heads.flat_map(|(word, _)| places(word)).any(|place| !inside(place)) {
        return Some(true);
    }
    match part {
        Part::Head => Some(true),
        Part::Chest | Part::ChestLateral | Part::Pelvis | Part::Limb => Some(false),
        Part::Unknown => None,
    }
}
