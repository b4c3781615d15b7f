//! JPEG baseline, sequential, 8 bits (ITU-T T.81). Ours, because a viewer waits for it and the libraries take three times as
//! long for a film; written so that the compiler puts eight lanes into vector registers, without a line of `unsafe`.
//! Colour is not subsampled: what is read from a stain or a Doppler picture is its colour.

pub(crate) mod block;
pub(crate) mod huffman;

use super::Picture;
use block::{Quantiser, Strip};
use huffman::{Bits, CHROMINANCE, LUMINANCE, Tables};

/// T.81 Table K.1, row by row.
#[rustfmt::skip]
const LUMINANCE_STEPS: [u8; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];

/// T.81 Table K.2.
#[rustfmt::skip]
const CHROMINANCE_STEPS: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// Encodes a checked picture whose sides fit 16 bits. `quality` 1 to 100, scaled as by the IJG's library.
pub fn encode(picture: &Picture, (rows, columns): (u16, u16), quality: u8) -> Vec<u8> {
    let steps = [LUMINANCE_STEPS, CHROMINANCE_STEPS].map(|table| scaled(&table, quality));
    let components = if picture.samples == 3 { 3 } else { 1 };
    let mut out = Vec::with_capacity(picture.data.len() / 8 + 1024);
    headers(&mut out, (rows, columns), components, &steps);
    let mut bits = Bits::new(out);
    let [fine, coarse] = steps.map(|steps| Quantiser::new(&steps));
    let (luma, chroma) = (Tables::new(&LUMINANCE), Tables::new(&CHROMINANCE));
    let mut strips: [Strip; 3] = std::array::from_fn(|_| Strip::new(columns.into()));
    let ([y, cb, cr], [dc_y, dc_cb, dc_cr]) = (&mut strips, &mut [0; 3]);
    for top in (0..usize::from(rows)).step_by(8) {
        if components == 1 {
            y.fill(picture, top, block::grey);
            y.blocks().for_each(|block| bits.block(&fine.block(&block), dc_y, &luma));
            continue;
        }
        y.fill(picture, top, block::luminance);
        cb.fill(picture, top, block::blue);
        cr.fill(picture, top, block::red);
        for ((y, cb), cr) in y.blocks().zip(cb.blocks()).zip(cr.blocks()) {
            bits.block(&fine.block(&y), dc_y, &luma);
            bits.block(&coarse.block(&cb), dc_cb, &chroma);
            bits.block(&coarse.block(&cr), dc_cr, &chroma);
        }
    }
    let mut out = bits.done();
    out.extend_from_slice(&[0xFF, 0xD9]); // EOI
    out
}

/// Quality as the IJG's library understands it: 50 is the table itself.
fn scaled(table: &[u8; 64], quality: u8) -> [u8; 64] {
    let quality = u32::from(quality.clamp(1, 100));
    let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    table.map(|step| u8::try_from(((u32::from(step) * scale + 50) / 100).clamp(1, 255)).unwrap_or(u8::MAX))
}

/// Huffman tables under a number (T.81 B.2.4.2).
pub(crate) fn tables(out: &mut Vec<u8>, id: u8, kind: &huffman::Kind) {
    for (class, table) in (0_u8..).zip([&kind.dc, &kind.ac]) {
        let length = u16::try_from(2 + 1 + 16 + table.values.len()).unwrap_or(0);
        out.extend_from_slice(&[0xFF, 0xC4]);
        out.extend_from_slice(&length.to_be_bytes());
        out.push(class << 4 | id);
        out.extend_from_slice(&table.counts);
        out.extend_from_slice(table.values);
    }
}

/// All up to the first entropy-coded byte (T.81 Annex B; JFIF 1.01 says that three components are Y, Cb, Cr).
fn headers(out: &mut Vec<u8>, (rows, columns): (u16, u16), components: u8, steps: &[[u8; 64]; 2]) {
    out.extend_from_slice(&[0xFF, 0xD8]); // SOI
    out.extend_from_slice(b"\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00");
    let kinds = if components == 3 { 2 } else { 1 };
    for (id, steps) in (0_u8..).zip(steps).take(kinds) {
        out.extend_from_slice(&[0xFF, 0xDB, 0, 67, id]);
        out.extend(block::ZIGZAG.iter().filter_map(|at| steps.get(*at)));
    }
    out.extend_from_slice(&[0xFF, 0xC0, 0, 8 + 3 * components, 8]);
    out.extend_from_slice(&rows.to_be_bytes());
    out.extend_from_slice(&columns.to_be_bytes());
    out.push(components);
    for id in 1..=components {
        out.extend_from_slice(&[id, 0x11, u8::from(id > 1)]);
    }
    for (id, kind) in (0_u8..).zip([&LUMINANCE, &CHROMINANCE]).take(kinds) {
        tables(out, id, kind);
    }
    out.extend_from_slice(&[0xFF, 0xDA, 0, 6 + 2 * components, components]);
    for id in 1..=components {
        out.extend_from_slice(&[id, u8::from(id > 1) * 0x11]);
    }
    out.extend_from_slice(&[0, 63, 0]);
}
