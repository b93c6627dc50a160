//! The settings in which two configurations differ.

use serde::Serialize;
use serde_json::Value;

/// A setting with its two values.
#[derive(Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The setting: `training.optimizer.lr`.
    pub setting: String,
    /// Its value in the first configuration; `-` if it is not set.
    pub first: String,
    /// Its value in the second one.
    pub second: String,
}

/// Returns the settings in which two configurations differ, in their order. The folder of the
/// results is left out.
pub fn differences(first: &Value, second: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(first), Some(second), &mut found);
    found.retain(|difference| difference.setting != "output.dir");
    found
}

fn compare(at: &str, first: Option<&Value>, second: Option<&Value>, found: &mut Vec<Difference>) {
    if first == second {
        return;
    }
    let (a, b) = (
        first.and_then(Value::as_object),
        second.and_then(Value::as_object),
    );
    // Tables of different kinds have nothing in common.
    let kind = |table: &serde_json::Map<String, Value>| table.get("type").cloned();
    if let (Some(a), Some(b)) = (a, b)
        && kind(a) == kind(b)
    {
        let others = b.keys().filter(|key| !a.contains_key(*key));
        for key in a.keys().chain(others) {
            let inner = match at {
                "" => key.clone(),
                at => format!("{at}.{key}"),
            };
            compare(&inner, a.get(key), b.get(key), found);
        }
        return;
    }
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "-".to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    found.push(Difference {
        setting: at.to_string(),
        first: text(first),
        second: text(second),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_different_settings_are_listed() {
        let first = json!({
            "model": { "hidden": [16] },
            "training": { "optimizer": { "type": "adam", "lr": 0.1, "eps": 1e-8 }, "seed": 1 },
            "output": { "dir": "runs/a" },
        });
        let mut second = first.clone();
        assert!(differences(&first, &second).is_empty());
        second["model"]["hidden"] = json!([32, 16]);
        second["training"]["optimizer"]["lr"] = json!(0.2);
        second["training"]["epochs"] = json!(5);
        second["output"]["dir"] = json!("runs/b");
        let found = differences(&first, &second);
        let found: Vec<(&str, &str, &str)> = found
            .iter()
            .map(|d| (d.setting.as_str(), d.first.as_str(), d.second.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("model.hidden", "[16]", "[32,16]"),
                ("training.optimizer.lr", "0.1", "0.2"),
                ("training.epochs", "-", "5"),
            ]
        );
        second["training"]["optimizer"] = json!({ "type": "sgd", "lr": 0.1 });
        let found = differences(&first, &second);
        assert_eq!(found[1].setting, "training.optimizer");
    }
}
