//! One of the benchmarks' loads, told by the environment (benchmarks/peers/tool.py). Where a check does not hold, a
//! request has failed, and the program ends with 1.

use std::env;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::LazyLock;
use std::time::Duration;

use goose::prelude::*;
use serde_json::Value;

const JSON: &str = "application/fhir+json";

static BUNDLE: LazyLock<(String, String)> = LazyLock::new(|| {
    let told = read("BENCH_BUNDLE");
    (text(&told["path"]), text(&told["end"]))
});

static IN_A_ROW: LazyLock<usize> = LazyLock::new(|| setting("BENCH_IN_A_ROW").parse().unwrap());

struct Review {
    find: String,
    searches: Vec<Search>,
    write: String,
    body: String,
    subject: String,
    stored: String,
}

struct Search {
    path: String,
    kind: String,
}

static REVIEW: LazyLock<Review> = LazyLock::new(|| {
    let told = read("BENCH_REVIEW");
    Review {
        find: text(&told["find"]),
        searches: told["searches"].as_array().unwrap().iter().map(search).collect(),
        write: text(&told["transaction"]["path"]),
        body: text(&told["transaction"]["body"]),
        subject: text(&told["subject"]),
        stored: text(&told["stored"]),
    }
});

static IDENTIFIERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let table = fs::read_to_string(setting("BENCH_IDENTIFIERS")).unwrap();
    table.lines().skip(1).map(str::to_string).collect()
});
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&fs::read(setting(name)).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_string()
}

fn search(told: &Value) -> Search {
    Search { path: text(&told["path"]), kind: text(&told["kind"]) }
}

/// A searchset of which each match is of this kind, and about this patient.
fn is_chart_of(content: &str, kind: &str, subject: &str) -> bool {
    let found: Value = serde_json::from_str(content).unwrap_or_default();
    let is_hers = |entry: &Value| {
        let resource = &entry["resource"];
        let about = resource.get("subject").unwrap_or(&resource["patient"]);
        resource["resourceType"] == kind && about["reference"] == subject
    };
    found["type"] == "searchset" && found["entry"].as_array().is_some_and(|entries| entries.iter().all(is_hers))
}

/// The content of the answer; a request that failed, or one of which the check does not hold, is a failure.
async fn asked(
    user: &mut GooseUser,
    name: &str,
    path: &str,
    body: Option<String>,
    holds: impl Fn(&str) -> bool,
) -> Result<String, Box<TransactionError>> {
    let method = if body.is_some() { GooseMethod::Post } else { GooseMethod::Get };
    let mut builder = user.get_request_builder(&method, path)?.header("Accept", JSON);
    if let Some(body) = body {
        builder = builder.header("Content-Type", JSON).body(body);
    }
    let request = GooseRequest::builder().name(name).set_request_builder(builder).build();
    let mut goose = user.request(request).await?;
    let content = match goose.response {
        Ok(response) if response.status() == 200 => response.text().await.unwrap_or_default(),
        _ => String::new(),
    };
    if !holds(&content) {
        user.set_failure("not whole", &mut goose.request, None, Some(&content))?;
    }
    Ok(content)
}

async fn read_bundle(user: &mut GooseUser) -> TransactionResult {
    let (path, end) = &*BUNDLE;
    for _ in 0..*IN_A_ROW {
        asked(user, "Bundle", path, None, |content| content.ends_with(end.as_str())).await?;
    }
    Ok(())
}

async fn review_chart(user: &mut GooseUser) -> TransactionResult {
    let review = &*REVIEW;
    let identifier = &IDENTIFIERS[NEXT.fetch_add(1, Ordering::Relaxed) % IDENTIFIERS.len()];
    let find = review.find.replace("@identifier@", identifier);
    let found = asked(user, "Patient", &find, None, |content| !content.is_empty()).await?;
    let found: Value = serde_json::from_str(&found).unwrap_or_default();
    let patient = found["entry"][0]["resource"]["id"].as_str().unwrap_or("nobody");
    let subject = review.subject.replace("@patient@", patient);
    for (number, search) in review.searches.iter().enumerate() {
        let path = search.path.replace("@patient@", patient);
        let is_hers = |content: &str| is_chart_of(content, &search.kind, &subject);
        asked(user, &format!("search {number}"), &path, None, is_hers).await?;
    }
    let body = review.body.replace("@patient@", patient);
    let is_stored = |content: &str| content.contains(&review.stored);
    asked(user, "transaction", &review.write, Some(body), is_stored).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    let pause = Duration::from_secs(setting("BENCH_THINK_S").parse().unwrap());
    let work = if setting("BENCH_KIND") == "review" {
        transaction!(review_chart)
    } else {
        transaction!(read_bundle)
    };
    let mut people = scenario!("people").register_transaction(work);
    if !pause.is_zero() {
        people = people.set_wait_time(pause, pause)?;
    }
    let metrics = GooseAttack::initialize()?.register_scenario(people).execute().await?;
    if metrics.requests.values().any(|request| request.fail_count > 0) {
        std::process::exit(1);
    }
    Ok(())
}
