-- Who is online: a user has a connection on some node, or is expected back there.
--   R:u hash           user -> nodes, 8 characters each
--   R:uo:<node> set    users of a node, to clear up after it
--   R:uc hash          node -> connections
--   R:left zset        node that has ended in good order -> when its users are no longer expected

-- Notes the change in `changes` when it is one for the whole namespace.
local function set_online(R, node, change, changes)
  local nodes = redis.call('HGET', R .. 'u', change.userId) or ''
  local others = without_node(nodes, node)
  local now = change.state == 'online' and others .. node or others
  if now == nodes then return end
  if now == '' then redis.call('HDEL', R .. 'u', change.userId) else redis.call('HSET', R .. 'u', change.userId, now) end
  redis.call(change.state == 'online' and 'SADD' or 'SREM', R .. 'uo:' .. node, change.userId)
  if nodes == '' or now == '' then changes[#changes + 1] = change end
end

-- @returns the frame, after it was added for every node but this one
local function online_frame(R, node, changes, frames)
  local connections = 0
  for _, count in ipairs(redis.call('HVALS', R .. 'uc')) do connections = connections + tonumber(count) end
  local body = { users = redis.call('HLEN', R .. 'u'), connections = connections }
  if #changes > 0 then body.changes = changes end
  local frame = 'O' .. cjson.encode(body) .. '\n'
  for _, other in ipairs(live_nodes(R)) do if other ~= node then add_frame(frames, other, frame) end end
  return frame
end

-- argv: node, serial, connections of the node; then each change as JSON. @returns OK, k, frame
F.online = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial = argv[1], tonumber(argv[2])
  local ns = namespace_of(keys[1], node)
  local early = guard(R, ns, node, serial)
  if early then return early end
  local given, changes, frames = {}, {}, {}
  for i = 4, #argv do given[#given + 1] = cjson.decode(argv[i]) end
  for _, change in ipairs(given) do set_online(R, node, change, changes) end
  redis.call('HSET', R .. 'uc', node, argv[3])
  local result = { 'OK', ns.k, online_frame(R, node, changes, frames) }
  keep_result(R, node, serial, result)
  tell(R, keys[1], frames, { 'c:' .. node, serial })
  return result
end

-- argv: users. @returns 1 for each who is online
F.whoIsOnline = function(keys, argv)
  local found = hmget(prefix_of(keys) .. 'u', argv)
  local reply = {}
  for i = 1, #argv do reply[i] = found[i] and 1 or 0 end
  return reply
end

-- A slice of the users of a node that is gone. @returns whether there may be more
local function reap_online(R, key, node)
  local users = redis.call('SPOP', R .. 'uo:' .. node, 200)
  local had_connections = redis.call('HDEL', R .. 'uc', node) == 1
  if #users == 0 and not had_connections then return false end
  local changes, frames = {}, {}
  for _, userId in ipairs(users) do
    set_online(R, node, { userId = userId, state = 'offline', rooms = {} }, changes)
  end
  online_frame(R, node, changes, frames)
  tell(R, key, frames, {})
  return true
end
