//! Frames of bits: each from a new byte on, as they are handled here, and all in one run, as they are stored (PS3.5 §8.1.1:
//! the first pixel in the lowest bit, no bit between frames).

/// Joins frames into one run.
#[derive(Debug)]
pub struct Packer {
    /// Bits of a frame.
    frame: u64,
    /// Bits of the frame that came.
    came: u64,
    /// Bits that wait for the rest of their byte.
    rest: u8,
    waiting: u32,
}

impl Packer {
    /// For frames of so many pixels.
    #[must_use]
    pub const fn new(frame: u64) -> Self {
        Self { frame, came: 0, rest: 0, waiting: 0 }
    }

    /// The next bytes of frames; what is whole of the run comes back.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 1);
        for byte in bytes {
            let many = (self.frame - self.came).min(8);
            self.came = if self.came + many == self.frame { 0 } else { self.came + many };
            let kept = u16::from(*byte) & ((1u16 << many) - 1);
            let joined = u16::from(self.rest) | kept << self.waiting;
            let [low, high] = joined.to_le_bytes();
            let have = self.waiting + many as u32;
            if have >= 8 {
                out.push(low);
                (self.rest, self.waiting) = (high, have - 8);
            } else {
                (self.rest, self.waiting) = (low, have);
            }
        }
        out
    }

    /// The last byte, when there is one.
    #[must_use]
    pub fn finish(self) -> Option<u8> {
        (self.waiting > 0).then_some(self.rest)
    }
}

/// Takes one run apart into frames; what fills their last bytes is zero.
#[derive(Debug)]
pub struct Joined {
    frame: u64,
    came: u64,
    byte: u8,
    have: u32,
}

impl Joined {
    /// Of frames of so many pixels.
    #[must_use]
    pub const fn new(frame: u64) -> Self {
        Self { frame, came: 0, byte: 0, have: 0 }
    }

    /// The next bytes of the run; what is whole of frames comes back.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        // Nothing is shifted: the byte ends where the frame's does, or not at all.
        if self.frame.is_multiple_of(8) {
            return bytes.to_vec();
        }
        let mut out = Vec::with_capacity(bytes.len() + 1);
        for byte in bytes {
            for bit in 0..8 {
                self.bit(byte >> bit & 1, &mut out);
            }
        }
        out
    }

    /// The next pixel.
    pub fn bit(&mut self, bit: u8, out: &mut Vec<u8>) {
        self.byte |= bit << self.have;
        self.have += 1;
        self.came += 1;
        let last = self.came == self.frame;
        if self.have == 8 || last {
            out.push(self.byte);
            (self.byte, self.have) = (0, 0);
        }
        if last {
            self.came = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: frames of 3 pixels 101, 011, 111 are stored as 101 011 11|1, the first in the lowest bit.
    #[test]
    fn frames_follow_each_other_without_a_gap() {
        let mut packer = Packer::new(3);
        let mut run = packer.push(&[0b101, 0b110, 0b111]);
        run.extend(packer.finish());
        assert_eq!(run, [0b1111_0101, 0b1]);
        let mut joined = Joined::new(3);
        let frames = [joined.push(&run[..1]), joined.push(&run[1..])].concat();
        assert_eq!(frames.get(..3), Some(&[0b101, 0b110, 0b111][..]));
        let mut packer = Packer::new(16);
        assert_eq!(packer.push(&[1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(packer.finish(), None);
    }

    #[test]
    fn what_is_joined_comes_apart_again() {
        for pixels in 1..40u64 {
            let bytes = pixels.div_ceil(8);
            let mask = |at: u64| {
                if at % bytes == bytes - 1 && pixels % 8 > 0 { (1u8 << (pixels % 8)) - 1 } else { 255 }
            };
            let frames: Vec<u8> = (0..bytes * 5).map(|at| (at * 77 + pixels) as u8 & mask(at)).collect();
            let mut packer = Packer::new(pixels);
            let mut run = packer.push(&frames);
            run.extend(packer.finish());
            assert_eq!(run.len() as u64, (pixels * 5).div_ceil(8));
            let mut joined = Joined::new(pixels);
            let mut back = joined.push(&run);
            back.truncate(frames.len());
            assert_eq!(back, frames, "{pixels}");
        }
    }
}
