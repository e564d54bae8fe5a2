//! What comes about by chance in the simulation.

use super::super::typed::misfit;
use crate::domain::run::misfit::Checked;

/// Deterministic noise.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }
}

/// Whether an answer fits.
pub fn checked(dice: &mut Dice) -> Checked {
    match dice.roll(4) {
        0 => Checked::Fits,
        1 => Checked::Tidied,
        _ => misfit("{}"),
    }
}
