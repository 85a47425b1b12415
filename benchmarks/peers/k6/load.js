// A k6 script: one of the benchmarks' loads, told by the environment (benchmarks/peers/tool.py).
// Where a check does not hold, or an iteration was dropped, k6 ends with 99.

import http from "k6/http";
import { check, sleep } from "k6";
import { SharedArray } from "k6/data";
import exec from "k6/execution";

const kind = __ENV.BENCH_KIND;
const url = __ENV.BENCH_URL;
const users = Number(__ENV.BENCH_USERS);
const thinkS = Number(__ENV.BENCH_THINK_S);
const inARow = Number(__ENV.BENCH_IN_A_ROW);
const lasts = `${__ENV.BENCH_LASTS_S}s`;
const accept = { Accept: "application/fhir+json" };
const write = { Accept: "application/fhir+json", "Content-Type": "application/fhir+json" };

const bundle = JSON.parse(open(__ENV.BENCH_BUNDLE));
const review = kind === "review" ? JSON.parse(open(__ENV.BENCH_REVIEW)) : null;
const identifiers = new SharedArray("identifiers", () =>
  open(__ENV.BENCH_IDENTIFIERS).trim().split(/\r?\n/).slice(1),
);

const scenarios = {
  bundle: { executor: "constant-vus", vus: users, duration: lasts, exec: "readInARow" },
  review: { executor: "constant-vus", vus: users, duration: lasts, exec: "reviewChart" },
  connected: {
    executor: "ramping-vus",
    exec: "readAndThink",
    gracefulStop: "1s",
    stages: [
      { duration: `${__ENV.BENCH_RAMP_S}s`, target: users },
      { duration: `${__ENV.BENCH_LASTS_S - __ENV.BENCH_RAMP_S}s`, target: users },
    ],
  },
  arrivals: {
    executor: "constant-arrival-rate",
    exec: "readBundle",
    rate: Number(__ENV.BENCH_RATE),
    timeUnit: "1s",
    duration: lasts,
    preAllocatedVUs: users,
  },
};

export const options = {
  scenarios: { load: scenarios[kind] },
  thresholds: kind === "arrivals" ? { checks: ["rate==1"], dropped_iterations: ["count==0"] } : { checks: ["rate==1"] },
};

const isWhole = { "is whole": (answer) => answer.status === 200 && answer.body.endsWith(bundle.end) };
const bundleUrl = url + bundle.path;
const asBundle = { headers: accept, tags: { name: "Bundle" } };

export function readBundle() {
  check(http.get(bundleUrl, asBundle), isWhole);
}

export function readInARow() {
  for (let asked = 0; asked < inARow; asked++) readBundle();
}

export function readAndThink() {
  readBundle();
  sleep(thinkS);
}

const asPatient = { headers: accept, tags: { name: "Patient" } };
const asTransaction = { headers: write, tags: { name: "transaction" } };
const searches = review
  ? review.searches.map((search, number) => ({ ...search, tags: { headers: accept, tags: { name: `search ${number}` } } }))
  : [];
const isStored = { "is stored": (answer) => answer.status === 200 && answer.body.includes(review.stored) };

// a searchset of which each match is of this kind, and about this patient
const isChartOf = (kind, subject) => ({
  "is her chart": (answer) => {
    if (answer.status !== 200) return false;
    const found = answer.json();
    return (
      found.type === "searchset" &&
      found.entry.every(
        ({ resource }) =>
          resource.resourceType === kind && (resource.subject || resource.patient).reference === subject,
      )
    );
  },
});

export function reviewChart() {
  const identifier = identifiers[exec.scenario.iterationInTest % identifiers.length];
  const found = http.get(url + review.find.replace("@identifier@", identifier), asPatient);
  const patient = found.status === 200 ? found.json().entry[0].resource.id : "";
  check(patient, { "is found": (id) => id !== "" });
  const subject = review.subject.replace("@patient@", patient);
  for (const search of searches) {
    check(http.get(url + search.path.replace("@patient@", patient), search.tags), isChartOf(search.kind, subject));
  }
  const body = review.transaction.body.replaceAll("@patient@", patient);
  check(http.post(url + review.transaction.path, body, asTransaction), isStored);
}
