use super::*;
use crate::catalog::{InstanceRecord, Seen};
use crate::testing::{image, uid};
use model::{Id, Time};

const FILM: &str = "1.2.840.10008.5.1.4.1.1.1.1";

fn instance(body_part: &str, found: &[RegionKind]) -> Instance {
    let image = ImageInfo { body_part: body_part.to_owned(), rows: 40, columns: 80, ..image("DX", FILM) };
    let regions =
        found.iter().map(|kind| Region::rectangle(*kind, None, [1.0, 2.0, 3.0, 4.0], "chest/2", 0.9));
    let seen = Seen {
        regions: regions.collect(),
        fallback: false,
        class: "projection".to_owned(),
        level: 3,
        withheld: false,
        maskable: true,
        mosaic: true,
    };
    let record = InstanceRecord {
        object: Id([1; 16]),
        sop_uid: uid("1.1.9"),
        sop_class: uid(FILM),
        transfer_syntax: uid("1.2.840.10008.1.2.1"),
        attributes: model::Attributes::new(),
        image: Some(image),
        head_len: 4,
        len: 4,
        digest: [0; 32],
        arrived: Time(0),
        others: Vec::new(),
        seen: Some(seen),
    };
    Instance { record: Arc::new(record), pending: false, rejected: false, under_way: Vec::new() }
}

/// Account, for whom, what.
type Said<'a> = (&'a str, HoldsFor, &'a [Wish]);
/// Patient, version, by whom.
type Of<'a> = (u8, u64, &'a [Said<'a>]);

fn wishes(all: &[Of<'_>]) -> Wishes {
    let author = |(user, holds, wishes): &Said<'_>| Author {
        user: (*user).to_owned(),
        role: "patient".to_owned(),
        holds: *holds,
        wishes: wishes.to_vec(),
    };
    let record = |(patient, version, of): &Of<'_>| {
        Arc::new(WishRecord {
            patient: Id([*patient; 16]),
            version: *version,
            of: of.iter().map(author).collect(),
        })
    };
    Wishes(all.iter().map(record).collect())
}

/// Recognised: there. Not recognised, and it may be seen: the whole frame. Elsewhere: nothing.
#[test]
fn a_part_is_hidden_where_it_may_be_seen() {
    use RegionKind::{Abdomen, Breast, Drawn, Face};
    let whole = [[0.0, 0.0], [80.0, 0.0], [80.0, 40.0], [0.0, 40.0]];
    let there = [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 4.0]];
    type Case<'a> = (&'a str, &'a [RegionKind], RegionKind, Option<(RegionKind, [[f32; 2]; 4])>);
    let cases: [Case<'_>; 7] = [
        ("CHEST", &[Breast, Abdomen], Breast, Some((Breast, there))),
        ("CHEST", &[Abdomen], Breast, Some((Drawn, whole))),
        ("CHEST", &[Breast], Face, None),
        ("HAND", &[], Breast, None),
        ("HAND", &[Face], Face, Some((Face, there))),
        ("", &[], Face, Some((Drawn, whole))),
        ("NECKCHEST", &[], Face, Some((Drawn, whole))),
    ];
    for (body_part, found, wanted, expected) in cases {
        let wishes = wishes(&[(1, 1, &[("anna", HoldsFor::Everyone, &[Wish::Part(wanted)])])]);
        let hidden = wishes.on(&uid("1.1.1"), &instance(body_part, found));
        let hidden: Vec<_> = hidden.iter().map(|(r, holds)| (r.kind, r.polygon.clone(), *holds)).collect();
        let expected: Vec<_> =
            expected.iter().map(|(kind, shape)| (*kind, shape.to_vec(), HoldsFor::Everyone)).collect();
        assert_eq!(hidden, expected, "{body_part} {found:?} {wanted:?}");
    }
}

#[test]
fn a_shape_is_on_its_series_or_its_view() {
    let polygon = vec![[0.25, 0.5], [1.0, 0.5], [0.25, 1.0]];
    let film = instance("CHEST", &[]);
    let view = On::view_of(film.record.image.as_ref().unwrap());
    for (on, body_part, expected) in [
        (On::Series(uid("1.1.1")), "HAND", true),
        (On::Series(uid("1.1.2")), "CHEST", false),
        (view.clone(), "CHEST", true),
        (view, "HAND", false),
    ] {
        let shape = Wish::Shape { on, polygon: polygon.clone() };
        let wishes = wishes(&[(1, 1, &[("anna", HoldsFor::Related, &[shape])])]);
        let hidden = wishes.on(&uid("1.1.1"), &instance(body_part, &[]));
        let corners: Vec<_> = hidden.iter().map(|(region, _)| region.polygon.clone()).collect();
        let expected = if expected { vec![vec![[20.0, 20.0], [80.0, 20.0], [20.0, 40.0]]] } else { vec![] };
        assert_eq!(corners, expected, "{body_part}");
    }
}

/// Two states of wishes never bear one name, though their versions have one sum.
#[test]
fn states_have_names_of_their_own() {
    let states = [
        (wishes(&[]), 2),
        (wishes(&[(1, 1, &[])]), 1),
        (wishes(&[(1, 2, &[])]), 0),
        (wishes(&[(2, 2, &[])]), 0),
        (wishes(&[(1, 1, &[]), (2, 1, &[])]), 0),
    ];
    let names: std::collections::BTreeSet<String> = states.iter().map(|(w, masks)| w.stamp(*masks)).collect();
    assert_eq!(names.len(), states.len());
    assert!(states.iter().all(|(wishes, masks)| wishes.version() + masks == 2));
    assert!(names.contains("2"), "without wishes as it always was");
}

/// After a merge a person may have two accounts of one name: what is stricter holds.
#[test]
fn the_wider_word_holds() {
    let both = wishes(&[
        (1, 1, &[("anna", HoldsFor::Strangers, &[])]),
        (2, 1, &[("anna", HoldsFor::Everyone, &[]), ("dr", HoldsFor::Strangers, &[])]),
    ]);
    let of = |user| both.holds_for(user);
    assert_eq!(
        (of("anna"), of("dr"), of("nobody")),
        (HoldsFor::Everyone, HoldsFor::Strangers, HoldsFor::Related)
    );
}
