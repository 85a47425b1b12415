-- Requests that are written out in a file, "METHOD<tab>path<tab>body" a line, in turn; all of them wait in memory.
-- Where an answer is no 2xx or 3xx, or none came, wrk ends with 1.

local requests, at = {}, 0

function init(args)
  local accepts = { Accept = "application/fhir+json" }
  local writes = { Accept = "application/fhir+json", ["Content-Type"] = "application/fhir+json" }
  for line in io.lines(os.getenv("BENCH_REQUESTS")) do
    local method, path, body = line:match("^(%u+)\t([^\t]*)\t(.*)$")
    local posts = body ~= ""
    requests[#requests + 1] = wrk.format(method, path, posts and writes or accepts, posts and body or nil)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local errors = summary.errors
  if errors.connect + errors.read + errors.write + errors.status + errors.timeout > 0 then
    io.stderr:write("requests failed\n")
    os.exit(1)
  end
end
