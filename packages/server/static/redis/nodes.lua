-- Nodes: a lease each, so that any other clears up after one that is dead.

-- A node whose own lease is over was not alone: while Redis is away none can be renewed, and no node is dead for that.
-- @returns whether it was so
local function spare_others(R, node, clock)
  local own = tonumber(redis.call('ZSCORE', R .. 'nodes', node) or clock + 1)
  if own > clock then return false end
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', R .. 'nodes', '-inf', clock)) do
    redis.call('ZADD', R .. 'nodes', clock + LEASE_MS, other)
  end
  return true
end

-- A log whose commits end before what a node knows of has lost its tail: it gets another id, and goes on after what is known,
-- so that no number is given twice and no position of before is taken for one of now.
-- argv: node, now, id for a log that is new, the form of all this, serial of the node's latest call, latest commit it knows,
-- number of the connection. @returns OK, k, c, log id, n, now; FORM and the form that is there; REAPED for an older connection
F.register = function(keys, argv)
  local R = prefix_of(keys)
  local node, clock = argv[1], time(argv[2])
  local values = redis.call('HMGET', keys[1], 'log', 'form', 'n', 'k:' .. node, 'c:' .. node, 'g:' .. node)
  local log, form = values[1], tonumber(values[2] or argv[4])
  if form > tonumber(argv[4]) then return { 'FORM', form } end
  if tonumber(argv[7]) < tonumber(values[6] or 0) then return { 'REAPED' } end
  local c = values[5] and tonumber(values[5])
  local fields, frames = { 'g:' .. node, argv[7] }, {}
  local n, known = tonumber(values[3] or 0), tonumber(argv[6])
  if not log or n < known then
    if log then
      for _, other in ipairs(live_nodes(R)) do
        if other ~= node then frames[other] = { 'L' .. cjson.encode({ logId = argv[3], n = known }) .. '\n' } end
      end
    end
    log, n = argv[3], math.max(n, known)
    for _, value in ipairs({ 'log', log, 'form', argv[4], 'n', n }) do fields[#fields + 1] = value end
  end
  if not c then
    -- After a reaping: calls that took effect before it show in their results, which are kept for a while.
    c = 0
    for _, serial in ipairs(redis.call('HKEYS', R .. 'r:' .. node)) do c = math.max(c, tonumber(serial)) end
    if c == 0 then c = tonumber(argv[5]) end
    fields[#fields + 1] = 'c:' .. node
    fields[#fields + 1] = c
    fields[#fields + 1] = 'k:' .. node
    fields[#fields + 1] = values[4] or 0
  end
  tell(R, keys[1], frames, fields)
  redis.call('PERSIST', R .. 'r:' .. node)
  -- The first one that comes back must not take the others for dead while they are on their way.
  spare_others(R, node, clock)
  redis.call('ZADD', R .. 'nodes', clock + LEASE_MS, node)
  return { 'OK', tonumber(values[4] or 0), c, log, n, clock }
end

-- argv: node, now. @returns OK, k, c, log, n, now, then nodes whose lease is over
F.renew = function(keys, argv)
  local R = prefix_of(keys)
  local node, clock = argv[1], time(argv[2])
  local values = redis.call('HMGET', keys[1], 'log', 'n', 'k:' .. node, 'c:' .. node)
  if not values[4] then return { 'REAPED' } end
  local was_away = spare_others(R, node, clock)
  local late = redis.call('ZRANGEBYSCORE', R .. 'nodes', '-inf', clock)
  redis.call('ZADD', R .. 'nodes', clock + LEASE_MS, node)
  local reply = { 'OK', tonumber(values[3]), tonumber(values[4]), values[1], tonumber(values[2] or 0), clock }
  if was_away then return reply end
  for _, other in ipairs(late) do reply[#reply + 1] = other end
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', R .. 'left', '-inf', clock)) do reply[#reply + 1] = other end
  return reply
end

-- A slice of what a dead node has left. argv: dead node, now, 'leave' when the node itself says goodbye, ms that an empty
-- room stays.
-- @returns 1 while there is more
F.reap = function(keys, argv)
  local R = prefix_of(keys)
  local node, clock = argv[1], time(argv[2])
  local lease = redis.call('ZSCORE', R .. 'nodes', node)
  local left = redis.call('ZSCORE', R .. 'left', node)
  if argv[3] ~= 'leave' and tonumber(lease or left or 0) > clock then return 0 end
  if reap_seats(R, keys[1], node, clock) or reap_names(R, node) then return 1 end
  local names = redis.call('SPOP', R .. 'i:' .. node, 200)
  if #names > 0 then
    leave_rooms(R, node, names, clock + tonumber(argv[4]))
    return 1
  end
  -- Requests that ran there: none of them will be answered.
  local page = redis.call('HSCAN', R .. 'c', redis.call('HGET', keys[1], 'reap:' .. node) or '0', 'COUNT', 500)
  for i = 1, #page[2], 2 do
    if page[2][i + 1] == node then redis.call('HDEL', R .. 'c', page[2][i]) end
  end
  if page[1] ~= '0' then
    redis.call('HSET', keys[1], 'reap:' .. node, page[1])
    return 1
  end
  redis.call('HDEL', keys[1], 'reap:' .. node)
  if argv[3] == 'leave' and redis.call('EXISTS', R .. 'uo:' .. node) == 1 then
    -- They were sent a time to come back, and are online until then.
    redis.call('HDEL', R .. 'uc', node)
    redis.call('ZADD', R .. 'left', clock + LEASE_MS, node)
  else
    if reap_online(R, keys[1], node) then return 1 end
    redis.call('ZREM', R .. 'left', node)
  end
  redis.call('HDEL', keys[1], 'k:' .. node, 'c:' .. node, 'g:' .. node)
  redis.call('ZREM', R .. 'nodes', node)
  redis.call('PEXPIRE', R .. 'r:' .. node, RESULTS_KEPT_MS)
  return 0
end

-- A page of what this node answers for: `o` room\nuser of seats, `uo` users who are online. argv: node, which of them, cursor,
-- about how many. @returns cursor, members
F.owned = function(keys, argv)
  local page = redis.call('SSCAN', prefix_of(keys) .. argv[2] .. ':' .. argv[1], argv[3], 'COUNT', argv[4])
  return { page[1], unpack(page[2]) }
end

-- Writes one byte, behind everything that was executed before it. argv: node. @returns its latest call
F.touch = function(keys, argv)
  redis.call('SET', prefix_of(keys) .. 'touched', '1')
  return tonumber(redis.call('HGET', keys[1], 'c:' .. argv[1]) or 0)
end

-- argv: node, now. @returns how many others have a lease
F.countNodes = function(keys, argv)
  local R = prefix_of(keys)
  local count = 0
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', R .. 'nodes', time(argv[2]), '+inf')) do
    if other ~= argv[1] then count = count + 1 end
  end
  return count
end
