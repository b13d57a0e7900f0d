-- Script of wrk: posts the bodies of the file BODIES in turns, a body a line, with the header lines of HEADERS.
-- Has no function `response`, which would cost the client as much as the request: the sizes of answers and the
-- stored rows are checked after the run.
-- Prints the figures of the run as a line of JSON.
local requests, changing, sent = {}, false, 0

function init()
  local headers = { ["Content-Type"] = "application/json" }
  for name, value in os.getenv("HEADERS"):gmatch("([^\n:]+): ([^\n]+)") do
    headers[name] = value
  end
  for body in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
    changing = changing or body:find('"@new-number@"', 1, true) ~= nil
  end
end

-- Numbers from 10 to 90, as long as the marker with its quotes, so that Content-Length stays right. The step is
-- prime to the range, and so comes to every number before one is repeated.
local range, step = 80000000, 7368787
local offset = tonumber(os.getenv("OFFSET"))

function request()
  sent = sent + 1
  local text = requests[(sent - 1) % #requests + 1]
  if not changing then
    return text
  end
  local number = string.format("%.11f", ((offset + sent * step) % range) / 1000000 + 10)
  return (text:gsub('"@new%-number@"', number))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"seconds":%f,"bytes":%d,"p50":%f,"p99":%f,"max":%f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
