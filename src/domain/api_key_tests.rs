use proptest::prelude::*;

use super::*;

/// Computed apart from this code: Python's `zlib.crc32` and its own big integers.
const KNOWN: &str = "retinue_flDIBkGwcRKRL9GXCgaFM3UNu2jQTClj15XDuN";

fn random() -> [u8; 32] {
    std::array::from_fn(|i| i as u8)
}

#[test]
fn a_key_is_prefix_random_part_and_checksum() {
    assert_eq!(ApiKey::generate(&random()).expose(), KNOWN);
    assert_eq!(KNOWN.len(), 46);
}

#[test]
fn the_digest_is_the_sha_256_of_the_whole_key() {
    assert_eq!(
        ApiKey::parse(KNOWN).unwrap().digest().to_string(),
        "e832196dfadfbe319c97abee97876e20dd766e174f9cef14f1e4463f696be2d1"
    );
}

#[test]
fn the_checksum_is_the_crc_32_everyone_has() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    assert_eq!(crc32(b""), 0);
}

#[test]
fn what_is_no_key_is_told_apart() {
    for (text, error) in [
        ("", Invalid::Prefix),
        ("sk-0123", Invalid::Prefix),
        ("Retinue_0123", Invalid::Prefix),
        ("retinue_", Invalid::Length),
        (&KNOWN[..45], Invalid::Length),
        (&format!("{KNOWN}0"), Invalid::Length),
        (&format!("{KNOWN} "), Invalid::Alphabet),
        (&KNOWN.replace(&KNOWN[10..12], "é"), Invalid::Alphabet),
        (&KNOWN.replace(&KNOWN[10..11], "-"), Invalid::Alphabet),
    ] {
        assert_eq!(ApiKey::parse(text).err(), Some(error), "{text:?}");
    }
}

#[test]
fn a_key_does_not_print() {
    let key = ApiKey::generate(&random());
    assert_eq!(format!("{key:?}"), "ApiKey(…)");
    assert_eq!(key.hint(), format!("{}…{}", &KNOWN[..10], &KNOWN[42..]));
}

#[test]
fn every_character_is_as_likely_as_any_other() {
    let mut counts = [0_u32; 62];
    for seed in 0..4_000_u64 {
        let random: [u8; 32] = Sha256::digest(seed.to_be_bytes()).into();
        let key = ApiKey::generate(&random);
        for byte in key.expose().as_bytes()[PREFIX.len()..PREFIX.len() + RANDOM_LEN].iter() {
            counts[ALPHABET.iter().position(|c| c == byte).unwrap()] += 1;
        }
    }
    // 128,000 draws: 2065 expected of each, standard deviation 45. A remainder per byte would give the first
    // eight characters 2500 and the others 2000.
    assert!(counts.iter().all(|count| (1_840..2_290).contains(count)), "{counts:?}");
}

proptest! {
    #[test]
    fn a_generated_key_parses_to_itself(random: [u8; 32]) {
        let key = ApiKey::generate(&random);
        prop_assert_eq!(ApiKey::parse(key.expose()).unwrap().digest(), key.digest());
        prop_assert_eq!(key.digest().to_string().len(), 64);
    }

    #[test]
    fn one_wrong_character_is_always_noticed(random: [u8; 32], place in PREFIX.len()..46, other in 0..62_u8) {
        let key = ApiKey::generate(&random);
        let mut text = key.expose().to_owned();
        text.replace_range(place..=place, &digit(other).to_string());
        prop_assert_eq!(ApiKey::parse(&text).is_ok(), text == key.expose());
    }

    #[test]
    fn two_neighbours_swapped_are_always_noticed(random: [u8; 32], place in PREFIX.len()..45) {
        let key = ApiKey::generate(&random);
        let mut bytes = key.expose().as_bytes().to_vec();
        bytes.swap(place, place + 1);
        let text = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(ApiKey::parse(&text).is_ok(), text == key.expose());
    }

    #[test]
    fn no_text_breaks_the_parser(text: String, tail in "retinue_\\PC{0,50}") {
        prop_assert!(ApiKey::parse(&text).is_err());
        prop_assert!(ApiKey::parse(&tail).is_err());
    }
}
