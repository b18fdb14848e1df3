//! Operators on values, as Python has them.

use std::cmp::Ordering;

use super::format;
use super::tree::{Binary, Comparison, Unary};
use super::value::{LARGEST, Value};

const TOO_LARGE: &str = "expected a result of at most 127 bits, found more";

/// An operator before a value.
pub fn unary(operator: Unary, value: &Value) -> Result<Value, String> {
    if operator == Unary::Not {
        return Ok(Value::Bool(!value.truth()));
    }
    match (operator, value.whole(), value) {
        (Unary::Minus, Some(whole), _) => whole.checked_neg().map(Value::Integer).ok_or_else(|| TOO_LARGE.to_owned()),
        (Unary::Plus, Some(whole), _) => Ok(Value::Integer(whole)),
        (Unary::Invert, Some(whole), _) => Ok(Value::Integer(!whole)),
        (Unary::Minus, None, Value::Float(float)) => Ok(Value::Float(-float)),
        (Unary::Plus, None, Value::Float(float)) => Ok(Value::Float(*float)),
        _ => Err(format!("expected a number behind the sign, found {}", value.kind())),
    }
}

/// An operator between values.
pub fn binary(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    match (operator, left, right) {
        (Binary::Remainder, Value::Text(pattern), arguments) => format::fill(pattern, arguments).map(Value::Text),
        (Binary::Add, Value::Text(left), Value::Text(right)) => {
            bounded(left.len() + right.len())?;
            Ok(Value::Text(format!("{left}{right}")))
        }
        (Binary::Add, Value::List(first), Value::List(second)) => {
            bounded(left.size() + right.size())?;
            Ok(Value::List([first.as_slice(), second].concat()))
        }
        _ => match (left.whole(), right.whole(), left.float(), right.float()) {
            (Some(left), Some(right), ..) => whole(operator, left, right),
            (_, _, Some(left), Some(right)) => float(operator, left, right),
            _ => Err(format!("expected two numbers, found {} and {}", left.kind(), right.kind())),
        },
    }
}

/// Refuses what would grow without end.
pub fn bounded(size: usize) -> Result<(), String> {
    if size > LARGEST { Err(format!("expected at most {LARGEST} members or characters, found more")) } else { Ok(()) }
}

#[allow(clippy::cast_precision_loss)]
fn whole(operator: Binary, left: i128, right: i128) -> Result<Value, String> {
    let result = match operator {
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        Binary::Multiply => left.checked_mul(right),
        Binary::Divide => return float(operator, left as f64, right as f64),
        Binary::FloorDivide | Binary::Remainder if right == 0 => return Err(BY_ZERO.to_owned()),
        Binary::FloorDivide => left.checked_div(right).map(|down| {
            // Python rounds down, Rust towards zero.
            if left % right != 0 && (left < 0) != (right < 0) { down - 1 } else { down }
        }),
        Binary::Remainder => {
            left.checked_rem(right).map(|rest| if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
        }
        Binary::Power if right < 0 => return float(operator, left as f64, right as f64),
        // Only these may be raised to any power at all, and only whether that is even or zero matters then.
        Binary::Power if (-1..=1).contains(&left) => Some(left.pow(match right {
            0 => 0,
            even if even % 2 == 0 => 2,
            _ => 1,
        })),
        Binary::Power => u32::try_from(right).ok().and_then(|exponent| left.checked_pow(exponent)),
        Binary::ShiftLeft | Binary::ShiftRight if right < 0 => {
            return Err(format!("expected a shift of 0 or more bits, found {right}"));
        }
        Binary::ShiftLeft if left == 0 => Some(0),
        Binary::ShiftLeft => u32::try_from(right).ok().and_then(|bits| 2_i128.checked_pow(bits)?.checked_mul(left)),
        Binary::ShiftRight => Some(left >> right.min(127)),
        Binary::And => Some(left & right),
        Binary::Or => Some(left | right),
        Binary::ExclusiveOr => Some(left ^ right),
    };
    result.map(Value::Integer).ok_or_else(|| TOO_LARGE.to_owned())
}

const BY_ZERO: &str = "expected a divisor other than zero";

fn float(operator: Binary, left: f64, right: f64) -> Result<Value, String> {
    let divides = matches!(operator, Binary::Divide | Binary::FloorDivide | Binary::Remainder);
    if divides && right == 0.0 {
        return Err(BY_ZERO.to_owned());
    }
    let result = match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide => left / right,
        Binary::FloorDivide => libm::floor(left / right),
        Binary::Remainder => left - right * libm::floor(left / right),
        Binary::Power if left == 0.0 && right < 0.0 => return Err(BY_ZERO.to_owned()),
        Binary::Power => libm::pow(left, right),
        _ => return Err("expected whole numbers for an operator on bits, found a float".to_owned()),
    };
    Ok(Value::Float(result))
}

/// Whether two values compare so.
pub fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool, String> {
    let order = || match left.order(right) {
        Some(order) => Ok(order),
        None => Err(format!("expected values that have an order, found {} and {}", left.kind(), right.kind())),
    };
    match comparison {
        Comparison::Equal => Ok(left.equals(right)),
        Comparison::NotEqual => Ok(!left.equals(right)),
        Comparison::Less => Ok(order()? == Some(Ordering::Less)),
        Comparison::LessOrEqual => Ok(matches!(order()?, Some(Ordering::Less | Ordering::Equal))),
        Comparison::Greater => Ok(order()? == Some(Ordering::Greater)),
        Comparison::GreaterOrEqual => Ok(matches!(order()?, Some(Ordering::Greater | Ordering::Equal))),
        Comparison::In => contains(left, right),
        Comparison::NotIn => Ok(!contains(left, right)?),
        Comparison::Is => Ok(left.kind() == right.kind() && left.equals(right)),
        Comparison::IsNot => Ok(left.kind() != right.kind() || !left.equals(right)),
    }
}

fn contains(member: &Value, all: &Value) -> Result<bool, String> {
    match (member, all) {
        (_, Value::List(members) | Value::Tuple(members)) => Ok(members.iter().any(|other| other.equals(member))),
        (Value::Text(part), Value::Text(text)) => Ok(text.contains(part.as_str())),
        _ => Err(format!("expected a list, tuple or text behind \"in\", found {}", all.kind())),
    }
}
