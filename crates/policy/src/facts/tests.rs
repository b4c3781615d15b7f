use super::*;

#[test]
fn a_relation_holds_from_start_to_before_its_end() {
    let relation = |end| Relation { kind: RelationKind::Visit, source: String::new(), start: Time(10), end };
    let cases = [
        (Some(Time(20)), 9, false),
        (Some(Time(20)), 10, true),
        (Some(Time(20)), 19, true),
        (Some(Time(20)), 20, false),
        (None, 9, false),
        (None, i64::MAX, true),
        // Ends before it starts: never.
        (Some(Time(5)), 10, false),
    ];
    for (end, now, holds) in cases {
        assert_eq!(relation(end).holds_at(Time(now)), holds, "{end:?} at {now}");
    }
}
