//! Formats numbers and paths for the terminal and the report.

use std::path::Path;

/// Formats a path, relative to the current folder if it is inside.
pub fn path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    inside.as_deref().unwrap_or(path).display().to_string()
}

/// Formats `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    separated(&n.to_string())
}

/// Adds separators of thousands to digits.
fn separated(digits: &str) -> String {
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Formats a number with four significant digits, without trailing zeros.
pub fn short(x: f64) -> String {
    significant(x, 4)
}

/// Formats a number with `digits` significant digits, without trailing zeros.
pub fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 {
        return "0".to_string();
    }
    if !x.is_finite() {
        return if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_string();
    }
    let exponent = x.abs().log10().floor() as i32;
    if !(-4..6).contains(&exponent) {
        let mantissa = x / 10f64.powi(exponent);
        let text = trim_zeros(format!("{mantissa:.*}", (digits - 1).max(0) as usize));
        return format!("{text}e{exponent}").replace('-', "−");
    }
    let decimals = (digits - 1 - exponent).max(0) as usize;
    let text = trim_zeros(format!("{:.decimals$}", x.abs()));
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), ""), |(w, r)| (w, r));
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if x < 0.0 { "−" } else { "" };
    format!("{sign}{}{point}{rest}", separated(whole))
}

fn trim_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Returns whether a metric is a fraction, which is shown in percent.
pub fn is_share(name: &str) -> bool {
    name.contains("accuracy")
}

/// Formats a metric's value with its unit.
pub fn metric(name: &str, x: f64) -> String {
    if is_share(name) && x.is_finite() {
        format!("{:.2}%", 100.0 * x)
    } else {
        short(x)
    }
}

/// Joins parts with commas, in lines of at most 80 columns after a heading of 8 columns.
pub fn paragraph(heading: &str, parts: &[String]) -> String {
    const WIDTH: usize = 80;
    let mut out = format!("{heading:8}");
    let mut column = 8;
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        let width = part.chars().count() + usize::from(!last);
        if i > 0 && column + 1 + width > WIDTH {
            out.push_str("\n        ");
            column = 8;
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(part);
        out.push_str(if last { "" } else { "," });
        column += width;
    }
    out
}

/// Breaks a text at spaces into lines of at most 80 columns; `indent` starts all but the first.
pub fn wrap(text: &str, indent: &str) -> String {
    const WIDTH: usize = 80;
    let body = text.trim_start();
    let mut lines = Vec::new();
    let mut line = text.strip_suffix(body).unwrap_or_default().to_string();
    for (i, word) in body.split(' ').enumerate() {
        if i > 0 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(line.trim_end().to_string());
            line = indent.to_string();
        } else if i > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// Formats seconds in a suitable unit.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        "–".to_string()
    } else if seconds < 1.0 {
        format!("{} ms", significant(seconds * 1e3, 3))
    } else if seconds < 120.0 {
        format!("{} s", significant(seconds, 3))
    } else if seconds < 7200.0 {
        format!("{} min {} s", (seconds / 60.0) as u64, seconds as u64 % 60)
    } else {
        let minutes = (seconds / 60.0) as u64;
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}

/// Formats bytes in a suitable unit.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut x = n as f64 / 1024.0;
    let mut unit = 0;
    while x >= 1024.0 && unit + 1 < UNITS.len() {
        x /= 1024.0;
        unit += 1;
    }
    format!(
        "{} {}",
        significant(x, 3),
        UNITS.get(unit).unwrap_or(&"TiB")
    )
}

/// Shortens a text to `width` characters.
pub fn cut(text: &str, width: usize) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(short(0.001), "0.001");
        assert_eq!(short(0.0761349), "0.07613");
        assert_eq!(short(2903.44), "2,903");
        assert_eq!(short(-123456.7), "−123,457");
        assert_eq!(significant(1234.5, 6), "1,234.5");
        assert_eq!(short(1e-8), "1e−8");
        assert_eq!(short(-1.5), "−1.5");
        assert_eq!(short(f64::NAN), "NaN");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(68_904), "67.3 KiB");
        assert_eq!(duration(0.0521), "52.1 ms");
        assert_eq!(duration(3.2449), "3.24 s");
        assert_eq!(duration(605.0), "10 min 5 s");
        assert_eq!(duration(9000.0), "2 h 30 min");
    }

    #[test]
    fn long_lines_break_at_spaces() {
        let text = format!("  a  {}", ["word"; 30].join(" "));
        let wrapped = wrap(&text, "     ");
        let lines: Vec<&str> = wrapped.lines().collect();
        assert!(lines.iter().all(|l| l.chars().count() <= 80), "{wrapped}");
        assert!(lines[0].starts_with("  a  word word"), "{wrapped}");
        assert!(lines[1].starts_with("     word"), "{wrapped}");
        let words = |text: &str| text.split_whitespace().count();
        assert_eq!(words(&wrapped), words(&text));
    }
}
