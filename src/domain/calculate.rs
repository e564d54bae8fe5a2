//! Arithmetic with decimals, for models, which are bad at it: `(19.99 * 3 - 5) * 1.19`.
//!
//! Numbers have 96 bits, some 28 digits, and no binary fractions: `0.1 + 0.2` is `0.3`. What has more digits is rounded at
//! the last one; what is too large is an error. A text has at most 1,000 bytes and 32 levels of parentheses, so that its
//! cost is bounded.

use rust_decimal::{Decimal, RoundingStrategy};

const MAX_LEN: usize = 1_000;
const MAX_DEPTH: u32 = 32;
/// The largest exponent, either way.
const MAX_EXPONENT: i64 = 1_000;
/// The most arguments of a function.
const MAX_ARGUMENTS: usize = 100;
const FUNCTIONS: &str = "abs, ceil, floor, max, min, round";

/// What an expression comes to, without trailing zeros.
///
/// # Errors
/// Words for the model: what is wrong, and where.
pub fn calculate(text: &str) -> Result<String, String> {
    if text.len() > MAX_LEN {
        return Err(format!("An expression has at most {MAX_LEN} bytes, this one has {}.", text.len()));
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(value.normalize().to_string()),
        Some(_) => Err(parser.unexpected("an operator")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_start().len();
        rest.trim_start().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn unexpected(&mut self, wanted: &str) -> String {
        match self.peek() {
            None => format!("The expression ends where {wanted} is expected."),
            Some(there) => {
                format!("There is `{there}` at character {} where {wanted} is expected.", self.place())
            }
        }
    }

    /// Of the next character, from 1.
    fn place(&self) -> usize {
        self.text.get(..self.at).map_or(0, |before| before.chars().count()) + 1
    }

    fn sum(&mut self) -> Result<Decimal, String> {
        let mut value = self.product()?;
        loop {
            let is_plus = self.take('+');
            if !is_plus && !self.take('-') {
                return Ok(value);
            }
            let other = self.product()?;
            let result = if is_plus { value.checked_add(other) } else { value.checked_sub(other) };
            value = result.ok_or_else(too_large)?;
        }
    }

    fn product(&mut self) -> Result<Decimal, String> {
        let mut value = self.signed()?;
        loop {
            let Some(operator @ ('*' | '/' | '%')) = self.peek() else { return Ok(value) };
            self.take(operator);
            let other = self.signed()?;
            if operator != '*' && other.is_zero() {
                return Err("This divides by zero.".to_owned());
            }
            let result = match operator {
                '*' => value.checked_mul(other),
                '/' => value.checked_div(other),
                _ => value.checked_rem(other),
            };
            value = result.ok_or_else(too_large)?;
        }
    }

    /// `-2 ^ 2` is `-(2 ^ 2)`.
    fn signed(&mut self) -> Result<Decimal, String> {
        let mut is_negative = false;
        loop {
            if self.take('-') {
                is_negative = !is_negative;
            } else if !self.take('+') {
                break;
            }
        }
        let value = self.power()?;
        Ok(if is_negative { -value } else { value })
    }

    fn power(&mut self) -> Result<Decimal, String> {
        let base = self.atom()?;
        if !self.take('^') {
            return Ok(base);
        }
        let exponent = self.nested(Self::signed)?;
        let whole = exponent.is_integer().then(|| i64::try_from(exponent).ok()).flatten();
        let whole = whole.filter(|whole| whole.abs() <= MAX_EXPONENT).ok_or_else(|| {
            format!("An exponent is a whole number from -{MAX_EXPONENT} to {MAX_EXPONENT}, not {exponent}.")
        })?;
        let power = raised(base, whole.unsigned_abs()).ok_or_else(too_large)?;
        match whole {
            0.. => Ok(power),
            _ if power.is_zero() => Err("This divides by zero.".to_owned()),
            _ => Decimal::ONE.checked_div(power).ok_or_else(too_large),
        }
    }

    fn atom(&mut self) -> Result<Decimal, String> {
        match self.peek() {
            Some('(') => {
                self.take('(');
                let value = self.nested(Self::sum)?;
                if self.take(')') { Ok(value) } else { Err(self.unexpected("`)`")) }
            }
            Some('0'..='9' | '.') => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() => self.function(),
            _ => Err(self.unexpected("a number")),
        }
    }

    /// One level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("The expression is nested more than {MAX_DEPTH} deep."));
        }
        let done = inner(self);
        self.depth -= 1;
        done
    }

    fn word(&mut self, is_in: impl Fn(u8) -> bool) -> &str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.bytes().position(|b| !is_in(b)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn number(&mut self) -> Result<Decimal, String> {
        let digits = self.word(|b| b.is_ascii_digit() || b == b'.');
        // Zeros at the end of a fraction are no digits that count.
        let shorter = || digits.contains('.').then(|| digits.trim_end_matches('0'));
        let number = Decimal::from_str_exact(digits)
            .or_else(|error| shorter().map_or(Err(error), Decimal::from_str_exact));
        number.map_err(|_| format!("`{digits:.64}` is no decimal number of at most 28 digits."))
    }

    fn function(&mut self) -> Result<Decimal, String> {
        let name = self.word(|b| b.is_ascii_alphanumeric() || b == b'_').to_owned();
        if !self.take('(') {
            return Err(format!("`{name:.64}` is no number; there are the functions {FUNCTIONS}."));
        }
        let arguments = self.nested(Self::arguments)?;
        match (name.as_str(), arguments.as_slice()) {
            ("abs", [x]) => Ok(x.abs()),
            ("ceil", [x]) => Ok(x.ceil()),
            ("floor", [x]) => Ok(x.floor()),
            ("round", [x]) => Ok(rounded(*x, 0)),
            ("round", [x, places]) => match u32::try_from(*places) {
                Ok(places @ 0..=28) if Decimal::from(places) == arguments[1] => Ok(rounded(*x, places)),
                _ => Err("`round` takes from 0 to 28 places.".to_owned()),
            },
            ("max", [first, rest @ ..]) => Ok(rest.iter().fold(*first, |most, x| most.max(*x))),
            ("min", [first, rest @ ..]) => Ok(rest.iter().fold(*first, |least, x| least.min(*x))),
            ("abs" | "ceil" | "floor" | "round" | "max" | "min", _) => {
                Err(format!("`{name}` does not take {} arguments.", arguments.len()))
            }
            _ => Err(format!("There is no function `{name:.64}`; there are {FUNCTIONS}.")),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Decimal>, String> {
        let mut all = Vec::new();
        loop {
            all.push(self.sum()?);
            if self.take(')') {
                return Ok(all);
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `)`"));
            }
            if all.len() == MAX_ARGUMENTS {
                return Err(format!("A function takes at most {MAX_ARGUMENTS} arguments."));
            }
        }
    }
}

/// By squaring: at most 2 × 10 multiplications.
fn raised(mut base: Decimal, mut exponent: u64) -> Option<Decimal> {
    let mut power = Decimal::ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power.checked_mul(base)?;
        }
        exponent >>= 1;
        if exponent > 0 {
            base = base.checked_mul(base)?;
        }
    }
    Some(power)
}

/// Halves away from zero, as people round.
fn rounded(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

fn too_large() -> String {
    "The result is too large: numbers have at most 28 digits.".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_calculated_exactly() {
        for (text, result) in [
            ("0.1 + 0.2", "0.3"),
            ("2 + 3 * 4", "14"),
            ("(2 + 3) * 4", "20"),
            ("10 - 4 - 3", "3"),
            ("100 / 8 / 2", "6.25"),
            ("7 % 3", "1"),
            ("-7 % 3", "-1"),
            ("-2 ^ 2", "-4"),
            ("(-2) ^ 3", "-8"),
            ("2 ^ 3 ^ 2", "512"),
            ("2 ^ -2", "0.25"),
            ("1.1 ^ 10", "2.5937424601"),
            ("0 ^ 0", "1"),
            ("1 / 3", "0.3333333333333333333333333333"),
            ("--1", "1"),
            (" 1.50 ", "1.5"),
            (".5 + 1.", "1.5"),
            ("round(2.5)", "3"),
            ("round(-2.345, 2)", "-2.35"),
            ("floor(-1.5) + ceil(1.2)", "0"),
            ("max(1, 2.5, -3) - min(4, 2)", "0.5"),
            ("abs(3 - 5)", "2"),
            ("(19.99 * 3 - 5) * 1.19", "65.4143"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ] {
            assert_eq!(calculate(text).as_deref(), Ok(result), "{text}");
        }
    }

    #[test]
    fn a_result_is_an_operand_again() {
        for text in [
            "10^27*10",
            "7922816251426433759354395033.5*10",
            "2/3",
            "20/3",
            "1/3*10^20",
            "-(2^95)",
            "1.1^150",
            "10^-28",
            "1/(10^27+1)",
            "79228162514264337593543950335/3",
            "0.1^28*7",
            "2^64*1.00000001",
        ] {
            let result = calculate(text).unwrap();
            assert_eq!(calculate(&result), Ok(result.clone()), "{text}");
            assert_eq!(calculate(&format!("{result} + 0")), Ok(result), "{text}");
        }
        let most = "79228162514264337593543950335";
        assert_eq!(calculate(&format!("{most}.00")).as_deref(), Ok(most));
        assert_eq!(calculate(".0 + 00.10").as_deref(), Ok("0.1"));
    }

    #[test]
    fn what_does_not_work_is_said_in_words() {
        let many = format!("max({}1)", "1,".repeat(100));
        let deep = format!("{}1{}", "(".repeat(40), ")".repeat(40));
        let tower = format!("2{}", " ^ 1".repeat(40));
        let long = "1+".repeat(600);
        for (text, words) in [
            ("", "ends where a number"),
            ("1 +", "ends where a number"),
            ("1 2", "`2` at character 3 where an operator"),
            ("(1", "ends where `)`"),
            ("1 / 0", "divides by zero"),
            ("1 % (2 - 2)", "divides by zero"),
            ("0 ^ -1", "divides by zero"),
            ("2 ^ 0.5", "whole number"),
            ("2 ^ 1001", "whole number"),
            ("10 ^ 29", "too large"),
            ("79228162514264337593543950335 + 1", "too large"),
            ("1.2.3", "no decimal number"),
            ("1,5", "`,` at character 2"),
            ("x + 1", "`x` is no number"),
            ("sin(1)", "no function `sin`"),
            ("abs(1, 2)", "does not take 2 arguments"),
            ("round(1, 0.5)", "places"),
            ("2 € 3", "`€` at character 3"),
            (deep.as_str(), "nested more than 32"),
            (tower.as_str(), "nested more than 32"),
            (long.as_str(), "at most 1000 bytes"),
            (many.as_str(), "at most 100 arguments"),
        ] {
            let said = calculate(text);
            assert!(said.as_ref().is_err_and(|said| said.contains(words)), "{text} {said:?}");
        }
    }

    #[test]
    fn no_text_breaks_it() {
        let pieces = [
            "1",
            "0.5",
            "(",
            ")",
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            ",",
            "max(",
            "round(",
            " ",
            "é",
            "99999999999999",
        ];
        let mut state = 12_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[usize::try_from(state >> 60).unwrap()]);
            }
            if let Ok(result) = calculate(&text) {
                assert_eq!(calculate(&result), Ok(result.clone()), "{text}");
            }
        }
    }
}
