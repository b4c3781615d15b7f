//! Where the frames of an image lie, as the header says it: at the top level (PS3.3 C.7.6.2) or by frame (C.7.6.16.2).

use crate::dataset::{FRAME_GROUPS, SHARED_GROUPS, core_tag, items, text};
use dicom_object::InMemDicomObject;
use model::{Placement, Plane, Tag};

const FRAME_OF_REFERENCE: Tag = 0x0020_0052;
const POSITION_REFERENCE: Tag = 0x0020_1040;
const POSITION: Tag = 0x0020_0032;
const ORIENTATION: Tag = 0x0020_0037;
const SPACING: Tag = 0x0028_0030;
const THICKNESS: Tag = 0x0018_0050;
const POSITION_GROUP: Tag = 0x0020_9113;
const ORIENTATION_GROUP: Tag = 0x0020_9116;
const MEASURES_GROUP: Tag = 0x0028_9110;

/// Longest decimal string (PS3.5 §6.2).
const DECIMAL_BYTES: usize = 16;
/// Longest LO.
const WORD_CHARACTERS: usize = 64;

/// The placement of all frames; nothing when the header does not place each of them, or not in numbers.
#[must_use]
pub fn placement(object: &InMemDicomObject, frames: u32) -> Option<Placement> {
    let frame_of_reference = text(object, FRAME_OF_REFERENCE).parse().ok()?;
    let position_reference = text(object, POSITION_REFERENCE);
    let position_reference = position_reference.chars().take(WORD_CHARACTERS).collect();
    let shared = item(object, SHARED_GROUPS, 0);
    let measures = shared.and_then(|shared| item(shared, MEASURES_GROUP, 0));
    let measures =
        measures.or_else(|| item(item(object, FRAME_GROUPS, 0)?, MEASURES_GROUP, 0)).unwrap_or(object);
    let planes = (0..frames).map(|frame| plane(object, shared, frame));
    Some(Placement {
        frame_of_reference,
        position_reference,
        spacing: numbers(measures, SPACING)?,
        thickness: numbers::<1>(measures, THICKNESS).map(|[thickness]| thickness),
        planes: planes.collect::<Option<_>>()?,
    })
}

fn plane(object: &InMemDicomObject, shared: Option<&InMemDicomObject>, frame: u32) -> Option<Plane> {
    let own = item(object, FRAME_GROUPS, frame);
    let group = |sequence| {
        let of_frame = own.and_then(|own| item(own, sequence, 0));
        of_frame.or_else(|| shared.and_then(|shared| item(shared, sequence, 0))).unwrap_or(object)
    };
    Some(Plane {
        position: numbers(group(POSITION_GROUP), POSITION)?,
        orientation: numbers(group(ORIENTATION_GROUP), ORIENTATION)?,
    })
}

fn item(object: &InMemDicomObject, sequence: Tag, index: u32) -> Option<&InMemDicomObject> {
    items(object, sequence).get(index as usize)
}

/// So many finite numbers.
fn numbers<const N: usize>(object: &InMemDicomObject, tag: Tag) -> Option<[String; N]> {
    let texts = object.get(core_tag(tag))?.to_multi_str().ok()?;
    let good = |text: &String| text.len() <= DECIMAL_BYTES && text.parse::<f64>().is_ok_and(f64::is_finite);
    let texts: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
    texts.try_into().ok().filter(|texts: &[String; N]| texts.iter().all(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> InMemDicomObject {
        crate::json::to_object(&serde_json::from_str(json).unwrap(), &|_| None).unwrap()
    }

    const ORIENTATION: &str = r#"{"vr":"DS","Value":[1,0,0,0,1,0]}"#;

    #[test]
    fn a_slice_lies_where_its_header_says() {
        let header = |position: &str| {
            format!(
                r#"{{"00200052":{{"vr":"UI","Value":["1.2.3"]}},"00200032":{{"vr":"DS","Value":{position}}},
                "00200037":{ORIENTATION},"00280030":{{"vr":"DS","Value":[0.5,0.75]}}}}"#
            )
        };
        let placed = placement(&object(&header("[-1.5,2,3]")), 1).unwrap();
        assert_eq!((placed.frame_of_reference.as_str(), placed.thickness), ("1.2.3", None));
        assert_eq!(
            (placed.spacing, &placed.planes[0].position),
            (["0.5", "0.75"].map(str::to_owned), &["-1.5", "2", "3"].map(str::to_owned))
        );
        for position in ["[1,2]", "[1,2,3,4]", "[]"] {
            assert_eq!(placement(&object(&header(position)), 1), None, "{position}");
        }
        assert_eq!(placement(&object("{}"), 1), None);
    }

    /// Shared orientation, a position of each frame; one more frame than there are groups has no place.
    #[test]
    fn frames_lie_where_their_groups_say() {
        let group = |z: u8| {
            format!(
                r#"{{"00209113":{{"vr":"SQ","Value":[{{"00200032":{{"vr":"DS","Value":[0,0,{z}]}}}}]}}}}"#
            )
        };
        let object = object(&format!(
            r#"{{"00200052":{{"vr":"UI","Value":["1.2.3"]}},
            "52009229":{{"vr":"SQ","Value":[{{"00209116":{{"vr":"SQ","Value":[{{"00200037":{ORIENTATION}}}]}},
            "00289110":{{"vr":"SQ","Value":[{{"00280030":{{"vr":"DS","Value":[1,1]}},"00180050":{{"vr":"DS","Value":[2]}}}}]}}}}]}},
            "52009230":{{"vr":"SQ","Value":[{},{}]}}}}"#,
            group(4),
            group(9)
        ));
        let placed = placement(&object, 2).unwrap();
        let depths: Vec<&str> = placed.planes.iter().map(|plane| plane.position[2].as_str()).collect();
        assert_eq!((depths, placed.thickness.as_deref()), (vec!["4", "9"], Some("2")));
        assert_eq!(placement(&object, 3), None);
    }
}
