//! Finds the frames in a WebSocket's bytes without keeping them (RFC 6455, 5.2).

/// Where the stream of one direction stands.
#[derive(Default)]
pub struct Frames {
    /// The head of the next frame, as far as it has come: at most 14 bytes.
    head: Vec<u8>,
    /// Bytes of the present frame's payload that are still to come.
    left: u64,
}

impl Frames {
    /// Whether a text, binary or continuation frame begins in these bytes.
    pub fn has_data(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some((is_data, length)) = head(&self.head) {
                found |= is_data;
                self.left = length;
                self.head.clear();
            }
        }
        found
    }
}

/// Whether the frame of this head carries data, and the length of its payload; none while the head is not whole.
fn head(bytes: &[u8]) -> Option<(bool, u64)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if bytes.len() < 2 + extended + mask {
        return None;
    }
    let length = match extended {
        0 => u64::from(second & 0x7f),
        _ => bytes[2..2 + extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    Some((first & 0x0f <= 2, length))
}

#[cfg(test)]
mod tests {
    use super::Frames;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).expect("short")),
            long => {
                frame.push(0xfe);
                frame.extend(u16::try_from(long).expect("two bytes").to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn keep_alives_are_no_data_wherever_the_bytes_are_cut() {
        let pings = [frame(0xa, b"pong"), frame(0x9, &[1; 120]), frame(0xa, b"")].concat();
        let text = frame(1, &[0x81; 300]);
        for size in [1, 2, 3, 7, 1000] {
            let mut frames = Frames::default();
            assert!(!pings.chunks(size).any(|part| frames.has_data(part)), "{size}");
            assert_eq!(text.chunks(size).filter(|part| frames.has_data(part)).count(), 1, "{size}");
            assert!(!pings.chunks(size).any(|part| frames.has_data(part)), "{size}");
        }
    }
}
