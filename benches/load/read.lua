-- One annotation with 18 fields.
local query = [[query($id: ID!) { annotation(id: $id) { id uniqueId version result regionCount createdUsername createdAgo createdAt updatedAt leadTime wasCancelled groundTruth lastAction importId task { id } project { id } completedBy { id username } updatedBy { id } } }]]

request = function()
  local id = math.random(1, 50)
  local body = string.format('{"query":%q,"variables":{"id":"%d"}}', query, id)
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
