// A k6 script: one request at a constant rate, or by people who think before they ask.
//
// STALL_URL      the request
// STALL_LENGTH   how long, such as 120s
// STALL_RATE     so many a second are begun, by at most STALL_VUS at once (constant-arrival-rate)
// STALL_VUS      so many VUs, all there from the start
// STALL_THINK_S  instead of a rate: each VU thinks so long on the mean, exponential, and waits for its answer (constant-vus)

import http from "k6/http";
import { sleep } from "k6";

const vus = Number(__ENV.STALL_VUS);
const thinkS = Number(__ENV.STALL_THINK_S || 0);
const duration = __ENV.STALL_LENGTH;

const atARate = {
  executor: "constant-arrival-rate",
  rate: Number(__ENV.STALL_RATE),
  timeUnit: "1s",
  duration,
  preAllocatedVUs: vus,
};

export const options = {
  scenarios: { reading: thinkS ? { executor: "constant-vus", vus, duration } : atARate },
  summaryTrendStats: ["med", "p(95)", "p(99)", "max"],
};

export default function () {
  if (thinkS) sleep(-Math.log(1 - Math.random()) * thinkS);
  http.get(__ENV.STALL_URL, { headers: { Accept: "application/fhir+json" } });
}
