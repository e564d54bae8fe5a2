//! Feature flags: what the operator switches on and off while the platform runs, for all accounts, for a share of them, or
//! for one.
//!
//! A new subsystem starts behind a flag of its own: a variant here with what holds when nothing is set, and
//! `flags.has(Flag::…)` where it is used. Flags are decided when an account's rows are read and hold as long as those do.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::ids::AccountId;

/// What can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// Agents are called under the account's own path, where the body names them.
    AccountWide,
    /// Calls that come while another is being admitted are admitted together, by one hop.
    BatchedAdmissions,
}

impl Flag {
    pub const ALL: [Self; 2] = [Self::AccountWide, Self::BatchedAdmissions];

    const fn row(self) -> (&'static str, bool, &'static str) {
        match self {
            Self::AccountWide => (
                "account_wide",
                true,
                "Agents are called under the account's own path, where the body names them.",
            ),
            Self::BatchedAdmissions => (
                "batched_admissions",
                true,
                "Calls that come while another is being admitted are admitted together, by one hop.",
            ),
        }
    }

    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// Whether it is on where nothing is set.
    pub const fn default(self) -> bool {
        self.row().1
    }

    /// What it switches, in a sentence.
    pub const fn about(self) -> &'static str {
        self.row().2
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.name() == name)
    }

    /// Where the account stands among all, from 0 to 99; another order for each flag. An account that is in a share stays
    /// in it when the share grows.
    fn place(self, account: AccountId) -> u8 {
        let digest = Sha256::digest(format!("{}:{account}", self.name()));
        let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        (number % 100) as u8
    }
}

/// What is set for all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub default: bool,
    /// For so many percent of the accounts it is on whatever the default.
    pub percent: u8,
}

impl Setting {
    /// What holds where nothing is set.
    pub const fn declared(flag: Flag) -> Self {
        Self { default: flag.default(), percent: 0 }
    }

    fn is_on(self, flag: Flag, account: AccountId) -> bool {
        self.default || flag.place(account) < self.percent
    }
}

/// What is set of all flags, as far as one account is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub of_all: BTreeMap<Flag, Setting>,
    pub own: BTreeMap<Flag, bool>,
}

impl Settings {
    pub fn decide(&self, account: AccountId) -> Flags {
        let is_on = |flag: &Flag| {
            let of_all = || self.of_all.get(flag).copied().unwrap_or_else(|| Setting::declared(*flag));
            self.own.get(flag).copied().unwrap_or_else(|| of_all().is_on(*flag, account))
        };
        Flags(Flag::ALL.into_iter().filter(is_on).fold(0, |flags, flag| flags | 1 << flag as u32))
    }
}

/// The flags that are on for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & 1 << flag as u32 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Millis;

    const FLAG: Flag = Flag::BatchedAdmissions;

    fn account(n: u16) -> AccountId {
        let [a, b] = n.to_be_bytes();
        AccountId::new(Millis(1_795_262_400_000), [a, b, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    fn settings(default: bool, percent: u8) -> Settings {
        Settings { of_all: [(FLAG, Setting { default, percent })].into(), own: BTreeMap::new() }
    }

    #[test]
    fn every_flag_has_a_name_of_its_own_and_what_is_declared_holds_where_nothing_is_set() {
        for flag in Flag::ALL {
            assert_eq!(Flag::parse(flag.name()), Some(flag));
            assert_eq!(Settings::default().decide(account(1)).has(flag), flag.default());
            assert!(flag.about().ends_with('.'));
        }
        assert_eq!(Flag::parse("batched"), None);
    }

    #[test]
    fn what_is_set_for_the_account_wins_over_the_share_and_that_over_the_default() {
        for (default, percent, own, on) in [
            (false, 0, None, false),
            (true, 0, None, true),
            (false, 100, None, true),
            (true, 50, None, true),
            (true, 100, Some(false), false),
            (false, 0, Some(true), true),
        ] {
            let settings = Settings {
                own: own.map(|own| (FLAG, own)).into_iter().collect(),
                ..settings(default, percent)
            };
            assert_eq!(settings.decide(account(1)).has(FLAG), on, "{default} {percent} {own:?}");
        }
    }

    #[test]
    fn a_share_is_about_as_large_as_it_says_and_grows_without_losing_any() {
        let in_share = |percent| {
            let settings = settings(false, percent);
            (0..5_000)
                .filter(|n| settings.decide(account(*n)).has(FLAG))
                .collect::<std::collections::BTreeSet<_>>()
        };
        let [one, ten, half] = [1, 10, 50].map(in_share);
        assert!((25..=85).contains(&one.len()), "{}", one.len());
        assert!((400..=600).contains(&ten.len()), "{}", ten.len());
        assert!((2_300..=2_700).contains(&half.len()), "{}", half.len());
        assert!(one.is_subset(&ten) && ten.is_subset(&half));
        assert_eq!(ten, in_share(10), "the same whenever it is asked");
    }
}
