//! Segments that were made from docs/formats/intake-log.md without this code (testdata/formats/make.py): the old version and
//! today's.

use super::read::Found;
use super::*;
use crate::blob::Part;

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../testdata/formats/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn new() -> Vec<u8> {
    vector("intake-segment-2.bin")
}

fn read_bytes(bytes: &[u8]) -> Result<(u64, Vec<Found>)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), bytes).unwrap();
    let mut found = Vec::new();
    let good = read(file.path(), 3, Cursor::START, End::Torn, |one| {
        found.push(one);
        Ok(())
    })?;
    Ok((good.at, found))
}

fn meta(seq: u64, object: Option<(Tenant, Id, Option<Span>)>) -> Meta {
    Meta {
        seq,
        object,
        sidecars: vec![(Tenant::main(), Id([7; 16]), Span::of(b"side"))],
        rows: vec![RowRecord { key: [4; 32], kind: 1, version: 300, sealed: b"row".to_vec() }],
        wraps: vec![([8; 32], b"wrap".to_vec())],
        first_leaf: seq * 10,
        leaves: vec![(b"leaf".to_vec(), b"body".to_vec())],
        gone: vec![(Tenant::main(), Id([9; 16]))],
    }
}

fn written() -> [Meta; 2] {
    let object = (Tenant::main(), Id([7; 16]), Some(Span::of(b"sealed object")));
    [meta(41, Some(object)), meta(42, None)]
}

#[test]
fn the_vector_reads_and_writes_the_same() {
    let bytes = new();
    let (good, found) = read_bytes(&bytes).unwrap();
    assert_eq!(good, bytes.len() as u64);
    assert_eq!(found.iter().map(|f| &f.meta).collect::<Vec<_>>(), written().iter().collect::<Vec<_>>());
    let items = found[0].meta.items(found[0].blob_at);
    let of = |item: &pack::Item| bytes[item.at as usize..(item.at + item.len) as usize].to_vec();
    assert_eq!(items.iter().map(of).collect::<Vec<_>>(), [b"sealed object".to_vec(), b"side".to_vec()]);
    let mut own = header(3).to_vec();
    let mut previous = 0;
    for (meta, blob) in written().iter().zip([&b"sealed objectside"[..], b"side"]) {
        let framed = frame(previous, meta).unwrap();
        assert_eq!(framed.blob_len, blob.len() as u64);
        own.extend([&framed.front, blob].concat());
        previous = framed.checksum;
    }
    assert!(own == bytes);
}

#[test]
fn records_of_version_1_are_read() {
    let bytes = vector("intake-segment.bin");
    let (good, found) = read_bytes(&bytes).unwrap();
    assert_eq!(good, bytes.len() as u64);
    let expected = |seq| Meta { object: None, sidecars: vec![], gone: vec![], ..meta(seq, None) };
    assert_eq!(found.iter().map(|f| &f.meta).collect::<Vec<_>>(), [&expected(41), &expected(42)]);
    let loose =
        |part, bytes: &[u8]| Loose { tenant: Tenant::main(), id: Id([7; 16]), part, bytes: bytes.to_vec() };
    assert_eq!(found[0].loose, [loose(Part::Sidecar, b"side"), loose(Part::Object, b"sealed object")]);
    assert_eq!(found[1].loose, [loose(Part::Sidecar, b"side")]);
    for at in HEADER..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(!matches!(read_bytes(&changed), Ok((_, found)) if found.len() == 2), "byte {at}");
    }
}

#[test]
fn a_torn_or_changed_tail_is_not_believed() {
    let bytes = new();
    let first = {
        let (_, found) = read_bytes(&bytes).unwrap();
        (found[0].blob_at + 17) as usize
    };
    for cut in first..bytes.len() {
        let (good, found) = read_bytes(&bytes[..cut]).unwrap();
        assert_eq!((good, found.len()), (first as u64, 1), "cut to {cut}");
    }
    for at in HEADER..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        match read_bytes(&changed) {
            Ok((_, found)) => assert_eq!(found.len(), usize::from(at >= first), "byte {at}"),
            // The first record's sizes still frame: the second is whole behind it.
            Err(Error::Segment { good, .. }) => {
                assert!(at >= HEADER + 8 && at < first && good == HEADER as u64, "byte {at}")
            }
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    // A record of another segment does not follow: the chain starts anew in each.
    let stale = [&bytes[..HEADER], &bytes[first..]].concat();
    assert_eq!(read_bytes(&stale).unwrap().1.len(), 0);
    for at in 0..16 {
        let mut changed = bytes.clone();
        changed[at] ^= 4; // not the other version
        assert!(read_bytes(&changed).is_err(), "header byte {at}");
    }
}

#[test]
fn damage_in_the_middle_is_no_torn_tail() {
    let mut bytes = new();
    bytes[HEADER + 9] ^= 1;
    assert!(matches!(read_bytes(&bytes), Err(Error::Segment { good: 32, .. })));
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = new();
    std::io::Write::write_all(&mut file.as_file(), &bytes[..bytes.len() - 1]).unwrap();
    let read = |end| {
        let mut count = 0;
        read(file.path(), 3, Cursor::START, end, |_| {
            count += 1;
            Ok(())
        })
        .map(|good| (good.at, count))
    };
    let (good, count) = read(End::Torn).unwrap();
    assert_eq!(count, 1);
    assert!(matches!(read(End::Whole), Err(Error::Segment { .. })), "a closed one has no torn tail");
    assert!(matches!(read(End::Known(bytes.len() as u64)), Err(Error::Segment { .. })));
    assert_eq!(read(End::Known(good)).unwrap(), (good, 1), "what was refused behind it is not read");
    let refused = read(End::Known(HEADER as u64)).unwrap();
    assert_eq!(refused, (HEADER as u64, 0), "a whole record that was refused is not read");
}

/// What the mover reads in steps is what is read at once.
#[test]
fn reading_goes_on_where_it_stopped() {
    let bytes = new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), &bytes).unwrap();
    let first = read_bytes(&bytes).unwrap().1.remove(0);
    let middle = first.blob_at + 17;
    let mut seen = Vec::new();
    let mut take = |found: Found| {
        seen.push(found.meta.seq);
        Ok(())
    };
    let at = read(file.path(), 3, Cursor::START, End::Known(middle), &mut take).unwrap();
    let end = read(file.path(), 3, at, End::Known(bytes.len() as u64), &mut take).unwrap();
    assert_eq!((at.at, end.at, seen), (middle, bytes.len() as u64, vec![41, 42]));
}
