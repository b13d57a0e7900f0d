-- A new result of about 2 KB, which is a change every time, answered with 18 fields.
local query = [[mutation($id: ID!, $input: UpdateAnnotationInput!) { updateAnnotation(id: $id, input: $input) { id uniqueId version result regionCount createdUsername createdAgo createdAt updatedAt leadTime wasCancelled groundTruth lastAction importId task { id } project { id } completedBy { id username } updatedBy { id } } }]]

local regions = {}
for number = 1, 8 do
  regions[number] = string.format(
    '{"original_width":1920,"original_height":1080,"image_rotation":0,"value":{"x":%f,"y":%f,"width":12.5,"height":8.25,"rotation":0,"rectanglelabels":["Car"]},"id":"r%d","from_name":"label","to_name":"image","type":"rectanglelabels","origin":"manual"}',
    number * 3.7, number * 5.1, number)
end
local rest = table.concat(regions, ",", 2)
local count = 0

function init()
  math.randomseed(os.time())
end

request = function()
  count = count + 1
  local first = string.format('{"id":"r1","value":{"x":%f,"n":%d}}', math.random() * 100, count)
  local body = string.format(
    '{"query":%q,"variables":{"id":"%d","input":{"leadTime":%f,"result":[%s,%s]}}}',
    query, math.random(1, 50), math.random() * 100, first, rest)
  return wrk.format("POST", "/graphql", headers(), body)
end

function headers()
  return { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("TOKEN") }
end

response = function(status, _, body)
  if status ~= 200 or body:find('"errors"', 1, true) then
    print("refused: " .. status .. " " .. body:sub(1, 300))
    os.exit(1)
  end
end
