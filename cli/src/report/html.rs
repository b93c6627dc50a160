//! Text for the page: escaping, filling the template, numbers as people read them.

/// Makes text harmless inside HTML, in elements and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// A long word that may be broken after every 16 characters.
pub fn breakable(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let parts = chars
        .chunks(16)
        .map(|c| escape(&c.iter().collect::<String>()));
    parts.collect::<Vec<_>>().join("<wbr>")
}

/// Puts values in place of `{{name}}`. What is put in is not looked at again.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(n, _)| *n == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number to four significant digits, without needless zeros.
pub fn short(x: f64) -> String {
    significant(x, 4)
}

/// A number to so many significant digits, without needless zeros.
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
    trim_zeros(format!("{x:.decimals$}")).replace('-', "−")
}

fn trim_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Whether a metric is a share, shown in per cent.
pub fn is_share(name: &str) -> bool {
    name.contains("accuracy")
}

/// A metric's value, with its unit.
pub fn metric(name: &str, x: f64) -> String {
    if is_share(name) && x.is_finite() {
        format!("{:.2}<span class=\"unit\">%</span>", 100.0 * x)
    } else {
        short(x)
    }
}

/// As [`metric`], without markup.
pub fn metric_text(name: &str, x: f64) -> String {
    if is_share(name) && x.is_finite() {
        format!("{:.2}%", 100.0 * x)
    } else {
        short(x)
    }
}

/// A metric's name as people write it.
pub fn label(name: &str) -> String {
    match name {
        "mae" | "mse" => name.to_uppercase(),
        other => other.replace('_', " "),
    }
}

/// With a capital first letter.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Seconds, in the unit that suits.
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

/// Bytes, in the unit that suits.
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

/// A shape, as `28 × 28`.
pub fn shape(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "scalar".to_string();
    }
    let each: Vec<String> = dims.iter().map(|d| count(*d as u64)).collect();
    each.join(" × ")
}
