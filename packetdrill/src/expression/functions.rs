//! Functions of Python that code may call.

use std::cmp::Ordering;

use super::arithmetic::{binary, unary};
use super::tree::{Binary, Unary};
use super::value::Value;

/// Calls `name`.
pub fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    match (name, arguments) {
        ("abs", [value]) => match value {
            Value::Float(float) => Ok(Value::Float(float.abs())),
            _ if value.whole().is_some_and(|whole| whole < 0) => unary(Unary::Minus, value),
            _ => unary(Unary::Plus, value),
        },
        ("bool", [value]) => Ok(Value::Bool(value.truth())),
        ("str", [value]) => Ok(Value::Text(value.to_string())),
        ("int", [value]) => int(value),
        ("float", [Value::Text(text)]) => {
            text.trim().parse().map(Value::Float).map_err(|_| format!("expected a number for float(), found {text:?}"))
        }
        ("float", [value]) => value.float().map(Value::Float).ok_or_else(|| wanted("a number", name, value)),
        ("len", [Value::Text(text)]) => count(text.chars().count()),
        ("len", [Value::List(members) | Value::Tuple(members)]) => count(members.len()),
        ("len", [value]) => Err(wanted("a list, tuple or text", name, value)),
        ("round", [value]) => round(value),
        ("round", [value, digits]) => round_to(value, digits),
        ("sum", [Value::List(members) | Value::Tuple(members)]) => {
            members.iter().try_fold(Value::Integer(0), |sum, member| binary(Binary::Add, &sum, member))
        }
        ("min", [Value::List(members) | Value::Tuple(members)]) => extreme(name, members, Ordering::Less),
        ("max", [Value::List(members) | Value::Tuple(members)]) => extreme(name, members, Ordering::Greater),
        ("min", [_, _, ..]) => extreme(name, arguments, Ordering::Less),
        ("max", [_, _, ..]) => extreme(name, arguments, Ordering::Greater),
        ("abs" | "bool" | "str" | "int" | "float" | "len" | "round" | "sum" | "min" | "max", _) => {
            Err(format!("expected other arguments of {name}() than these {}", arguments.len()))
        }
        _ => Err(format!(
            "expected abs, bool, float, int, len, max, min, round, str or sum, found the function {name:?}"
        )),
    }
}

fn wanted(what: &str, name: &str, value: &Value) -> String {
    format!("expected {what} for {name}(), found {}", value.kind())
}

fn count(number: usize) -> Result<Value, String> {
    i128::try_from(number).map(Value::Integer).map_err(|_| "expected fewer members".to_owned())
}

fn int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Float(float) => whole_of(libm::trunc(*float)),
        Value::Text(text) => {
            let number = text.trim().parse();
            number.map(Value::Integer).map_err(|_| format!("expected a whole number for int(), found {text:?}"))
        }
        _ => value.whole().map(Value::Integer).ok_or_else(|| wanted("a number or text", "int", value)),
    }
}

#[allow(clippy::cast_possible_truncation)]
fn whole_of(float: f64) -> Result<Value, String> {
    // 2^127: the first float that does not fit.
    const LIMIT: f64 = 1.701_411_834_604_692_3e38;
    if float.abs() < LIMIT {
        Ok(Value::Integer(float as i128))
    } else {
        Err(format!("expected a float that fits into 127 bits, found {float:?}"))
    }
}

/// To the nearest whole number, and of two to the even one.
fn round(value: &Value) -> Result<Value, String> {
    match value {
        Value::Float(float) => whole_of(libm::rint(*float)),
        _ => value.whole().map(Value::Integer).ok_or_else(|| wanted("a number", "round", value)),
    }
}

#[allow(clippy::cast_precision_loss)]
fn round_to(value: &Value, digits: &Value) -> Result<Value, String> {
    // More digits than a float has are none to round.
    let digits = digits.whole().filter(|digits| (0..=17).contains(digits));
    let digits = digits.ok_or("expected 0 to 17 digits for round()")?;
    match value {
        Value::Float(float) => {
            let scale = libm::pow(10.0, digits as f64);
            let scaled = float * scale;
            Ok(Value::Float(if scaled.is_finite() { libm::rint(scaled) / scale } else { *float }))
        }
        _ => round(value),
    }
}

/// The member that stands `wanted` to all others, and the first of equals.
fn extreme(name: &str, members: &[Value], wanted: Ordering) -> Result<Value, String> {
    let (first, rest) = members.split_first().ok_or_else(|| format!("expected a member for {name}(), found none"))?;
    let best = rest.iter().try_fold(first, |best, next| match next.order(best) {
        Some(order) => Ok(if order == Some(wanted) { next } else { best }),
        None => Err(format!("expected values that have an order, found {} and {}", next.kind(), best.kind())),
    });
    best.cloned()
}
