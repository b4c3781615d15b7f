use super::*;

/// Media and bytes of each part, and the end.
type Read = (Vec<(Option<String>, Vec<u8>)>, Result<(), &'static str>);

/// Parts (media, bytes) and how it ended, fed in pieces of these sizes, over and over.
fn read_all(boundary: &str, body: &[u8], sizes: &[usize]) -> Read {
    let mut multipart = Multipart::new(boundary);
    let (mut parts, mut open, mut at, mut turn) = (Vec::new(), false, 0, 0);
    loop {
        match multipart.step() {
            Ok(Step::Part(headers)) => {
                assert!(!open, "a part inside a part");
                open = true;
                parts.push((headers.media, Vec::new()));
            }
            Ok(Step::Data(piece)) => {
                assert!(open && !piece.is_empty());
                parts.last_mut().unwrap().1.extend_from_slice(&piece);
            }
            Ok(Step::PartEnd) => {
                assert!(open, "an end without a part");
                open = false;
            }
            Ok(Step::Done) => return (parts, Ok(())),
            Ok(Step::More) if at == body.len() => return (parts, Err("cut")),
            Ok(Step::More) => {
                let end = body.len().min(at + sizes[turn % sizes.len()]);
                multipart.push(&body[at..end]);
                (at, turn) = (end, turn + 1);
            }
            Err(broken) => return (parts, Err(broken.0)),
        }
    }
}

fn dicom(bytes: &[u8]) -> (Option<String>, Vec<u8>) {
    (Some("application/dicom".into()), bytes.to_vec())
}

fn body(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(b"--b\r\nContent-Type: application/dicom\r\n\r\n");
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"--b--");
    out
}

const SIZES: &[&[usize]] = &[&[1], &[2], &[3, 1], &[7], &[64], &[1 << 20]];

#[test]
fn parts_come_out_as_they_went_in_whatever_the_pieces() {
    let cases: &[&[&[u8]]] = &[
        &[b"one"],
        &[b"one", b"two", b"three"],
        &[b""],
        &[b"\r\n", b"\r\n--", b"\r\n--x", b"--b", b"\r"],
        // Looks like a delimiter, but no line break or `--` follows.
        &[b"a\r\n--boundary of another\r\n", b"\r\n--b-x", b"\r\n--bb"],
        &[b"\r\r\n\r\n-\r\n-\r\n--\r\n--a"],
    ];
    for parts in cases {
        let expected: Vec<_> = parts.iter().map(|p| dicom(p)).collect();
        for sizes in SIZES {
            assert_eq!(read_all("b", &body(parts), sizes), (expected.clone(), Ok(())), "{parts:?} {sizes:?}");
        }
    }
}

#[test]
fn what_the_standard_allows_around_parts() {
    // RFC 2046 §5.1.1: preamble, blanks after the boundary, epilogue, a part without headers.
    let text = b"preamble\r\n--b \t \r\nX: 1\r\nCONTENT-TYPE: Application/DICOM; x=y\r\n folded\r\n\r\nA\r\n--b\r\n\r\nB\r\n--b--\r\nrest";
    for sizes in SIZES {
        let (parts, end) = read_all("b", text, sizes);
        assert_eq!(parts, [dicom(b"A"), (None, b"B".to_vec())], "{sizes:?}");
        assert_eq!(end, Ok(()));
    }
}

#[test]
fn hostile_bodies_are_refused() {
    let long = "x".repeat(limits::PART_HEADERS_BYTES);
    let preamble = "x".repeat(limits::PREAMBLE_BYTES + 1);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "cut"),
        (b"--b".to_vec(), "cut"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nhalf".to_vec(), "cut"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nhalf\r\n--b".to_vec(), "cut"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nhalf\n--b--\n".to_vec(), "cut"),
        (format!("--b\r\nX: {long}\r\n\r\n").into_bytes(), "the headers of a part are too long"),
        (b"--b\r\nno colon\r\n\r\n".to_vec(), "the headers of a part cannot be read"),
        (b"--b\r\nX: \xff\r\n\r\n".to_vec(), "the headers of a part cannot be read"),
        (b"--b\r\nContent-Type: dicom\r\n\r\n".to_vec(), "the media type of a part cannot be read"),
        (b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec(), "parts are binary (PS3.18 §8.6.1.2)"),
        (preamble.into_bytes(), "no boundary at the start"),
    ];
    for (body, expected) in cases {
        for sizes in SIZES {
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(read_all("b", &body, sizes).1, Err(expected), "{shown} {sizes:?}");
        }
    }
    assert_eq!(read_all("b", b"--b--", &[1]), (Vec::new(), Ok(())));
}

#[test]
fn boundaries() {
    for good in ["b", "----WebKitFormBoundary7MA4YWxk", "a b", &"x".repeat(limits::BOUNDARY_BYTES)] {
        assert!(is_boundary(good), "{good}");
    }
    for bad in ["", "a ", "a\r\nb", "a\"b", "ä", &"x".repeat(limits::BOUNDARY_BYTES + 1)] {
        assert!(!is_boundary(bad), "{bad}");
    }
}

/// xorshift64*: a seeded mutator, so that a failure can be had again.
fn random(state: &mut u64) -> usize {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    usize::try_from(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap()
}

#[test]
fn mutated_bodies_never_panic_and_mean_the_same_in_any_pieces() {
    let whole = body(&[b"one\r\n--b", b"", b"two\r\n"]);
    let pieces: &[&[u8]] = &[b"\r\n", b"--b", b"--", b"\r", b"\n", b": ", b"Content-Type:"];
    for seed in 1..=4000u64 {
        let mut state = seed;
        let mut bytes = whole.clone();
        for _ in 0..=random(&mut state) % 4 {
            if bytes.is_empty() {
                break; // cut to one byte, and that one removed
            }
            let at = random(&mut state) % bytes.len();
            match random(&mut state) % 4 {
                0 => bytes[at] = random(&mut state).to_le_bytes()[0],
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at + 1),
                _ => drop(bytes.splice(at..at, pieces[random(&mut state) % pieces.len()].iter().copied())),
            }
        }
        let expected = read_all("b", &bytes, &[1]);
        let sizes = [1 + random(&mut state) % 9, 1 + random(&mut state) % 90];
        let got = read_all("b", &bytes, &sizes);
        // A broken body may be noticed a part earlier when its bytes come together, but is broken either way.
        assert_eq!(got.1.is_ok(), expected.1.is_ok(), "seed {seed}");
        if expected.1.is_ok() {
            assert_eq!(got.0, expected.0, "seed {seed}");
        }
        let out: usize = got.0.iter().map(|(_, part)| part.len()).sum();
        assert!(out <= bytes.len(), "seed {seed}: more came out than went in");
    }
}
