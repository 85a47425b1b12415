import static io.gatling.javaapi.core.CoreDsl.*;
import static io.gatling.javaapi.http.HttpDsl.*;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gatling.javaapi.core.ChainBuilder;
import io.gatling.javaapi.core.OpenInjectionStep;
import io.gatling.javaapi.core.ScenarioBuilder;
import io.gatling.javaapi.core.Simulation;
import io.gatling.javaapi.http.HttpProtocolBuilder;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;

/**
 * One of the benchmarks' loads, told by the environment (benchmarks/peers/tool.py). Where a check does not hold, a
 * request has failed, and Gatling ends with 2.
 */
public class Load extends Simulation {
  private static final ObjectMapper JACKSON = new ObjectMapper();
  private static final String JSON = "application/fhir+json";
  private static final String KIND = System.getenv("BENCH_KIND");
  private static final int USERS = number("BENCH_USERS");
  private static final int THINK_S = number("BENCH_THINK_S");
  private static final int RAMP_S = number("BENCH_RAMP_S");
  private static final Duration LASTS = Duration.ofSeconds(number("BENCH_LASTS_S"));

  private final JsonNode bundle = read("BENCH_BUNDLE");
  private final JsonNode review = read("BENCH_REVIEW");

  private final String end = bundle.get("end").asText();

  private final ChainBuilder readBundle =
      exec(
          http("Bundle")
              .get(bundle.get("path").asText())
              .check(status().is(200), bodyString().transform(body -> body.endsWith(end)).is(true)));

  private ChainBuilder reviewChart() {
    String subject = review.get("subject").asText();
    ChainBuilder steps =
        feed(csv(System.getenv("BENCH_IDENTIFIERS")).circular())
            .exec(
                http("Patient")
                    .get(withSession(review.get("find").asText()))
                    .check(status().is(200), jsonPath("$.entry[0].resource.id").saveAs("patient")));
    int number = 0;
    for (JsonNode search : review.get("searches")) {
      String kind = search.get("kind").asText();
      steps =
          steps.exec(
              http("search " + number++)
                  .get(withSession(search.get("path").asText()))
                  .check(
                      status().is(200),
                      bodyBytes()
                          .transformWithSession(
                              (body, session) ->
                                  isChartOf(body, kind, subject.replace("@patient@", session.getString("patient"))))
                          .is(true)));
    }
    JsonNode write = review.get("transaction");
    return steps.exec(
        http("transaction")
            .post(write.get("path").asText())
            .header("Content-Type", JSON)
            .body(StringBody(withSession(write.get("body").asText())))
            .check(status().is(200), substring(review.get("stored").asText())));
  }

  /** A searchset of which each match is of this kind, and about this patient. */
  private static boolean isChartOf(byte[] body, String kind, String subject) {
    JsonNode found;
    try {
      found = JACKSON.readTree(body);
    } catch (IOException error) {
      return false;
    }
    for (JsonNode entry : found.get("entry")) {
      JsonNode resource = entry.get("resource");
      JsonNode about = resource.has("subject") ? resource.get("subject") : resource.get("patient");
      if (!resource.get("resourceType").asText().equals(kind) || !about.get("reference").asText().equals(subject)) {
        return false;
      }
    }
    return found.get("type").asText().equals("searchset");
  }

  /** Placeholders as Gatling's expression language has them. */
  private static String withSession(String text) {
    return text.replace("@identifier@", "#{identifier}").replace("@patient@", "#{patient}");
  }

  private ScenarioBuilder people() {
    ScenarioBuilder scenario = scenario(KIND);
    switch (KIND) {
      case "bundle":
        return scenario.during(LASTS).on(repeat(number("BENCH_IN_A_ROW")).on(readBundle));
      case "review":
        return scenario.during(LASTS).on(reviewChart());
      case "connected":
        return scenario.during(LASTS).on(exec(readBundle).pause(Duration.ofSeconds(THINK_S)));
      default:
        return scenario.exec(readBundle);
    }
  }

  private static OpenInjectionStep coming() {
    if (KIND.equals("arrivals")) {
      return constantUsersPerSec(number("BENCH_RATE")).during(LASTS);
    }
    return RAMP_S == 0 ? atOnceUsers(USERS) : rampUsers(USERS).during(Duration.ofSeconds(RAMP_S));
  }

  /** Nobody is asked but the server: by itself Gatling would ask its makers' site first, to warm up. */
  private static HttpProtocolBuilder protocol() {
    HttpProtocolBuilder protocol =
        http.baseUrl(System.getenv("BENCH_URL")).acceptHeader(JSON).disableWarmUp().disableCaching().disableUrlEncoding();
    return KIND.equals("arrivals") ? protocol.shareConnections() : protocol;
  }

  {
    setUp(people().injectOpen(coming()))
        .protocols(protocol())
        .maxDuration(LASTS.plusSeconds(1))
        .assertions(global().failedRequests().count().is(0L));
  }

  private static int number(String name) {
    return Integer.parseInt(System.getenv(name));
  }

  private static JsonNode read(String name) {
    try {
      return JACKSON.readTree(new File(System.getenv(name)));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
