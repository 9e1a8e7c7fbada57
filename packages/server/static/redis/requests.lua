-- Keys of requests that run, answers that are kept, sessions, marks.
--   R:c hash          digest -> node on which the request runs
--   R:a:<digest>      what it was answered with
--   R:s:<session>     expiry, fence and record

local function binding_of(R, bucket, field)
  if bucket == '' then return redis.call('GET', R .. 'k:' .. field) end
  return redis.call('HGET', R .. 'k:' .. bucket, field)
end

-- argv: node, now, window; then digest, second of the key or '', fingerprint; connection.
-- @returns per request: new | runs | conflict | numbers, and the ack or nothing
F.claim = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  local node, clock, window = argv[1], time(argv[2]), tonumber(argv[3])
  local ts = math.max(clock, tonumber(redis.call('HGET', keys[1], 'ts') or 0))
  local reply, taken = { 'OK' }, {}
  for i = 4, #argv, 3 do
    local field = argv[i]
    local known = binding_of(R, argv[i + 1], field)
    local numbers, then_ts, print, ack
    if known then numbers, then_ts, print, ack = parse_binding(known) end
    if numbers and then_ts >= ts - window then
      reply[#reply + 1] = print == argv[i + 2] and numbers or 'conflict'
      reply[#reply + 1] = ack or redis.call('GET', R .. 'a:' .. field)
    else
      local holder = redis.call('HGET', R .. 'c', field)
      local lease = holder and holder ~= node and redis.call('ZSCORE', R .. 'nodes', holder)
      if lease and tonumber(lease) > clock then reply[#reply + 1] = 'runs' else
        redis.call('HSET', R .. 'c', field, node)
        reply[#reply + 1] = 'new'
      end
      reply[#reply + 1] = false
    end
  end
  return reply
end

-- argv: node, digests, connection.
F.endClaims = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  for i = 2, #argv do
    if redis.call('HGET', R .. 'c', argv[i]) == argv[1] then redis.call('HDEL', R .. 'c', argv[i]) end
  end
  return { 'OK' }
end

-- argv: now, window, digest, second or '', fingerprint, ack. The first one stays.
F.saveAck = function(keys, argv)
  local R = prefix_of(keys)
  local known = binding_of(R, argv[4], argv[3])
  if not known then return 0 end
  local _, then_ts, print, ack = parse_binding(known)
  if ack or print ~= argv[5] or then_ts < time(argv[1]) - tonumber(argv[2]) then return 0 end
  return redis.call('SET', R .. 'a:' .. argv[3], argv[6], 'NX', 'PX', argv[2] + 60000) and 1 or 0
end

-- argv: now, scope, how many a minute. Of the minute that appends of this namespace count in. @returns ms to wait, or 0
F.take = function(keys, argv)
  local R = prefix_of(keys)
  local clock, scope, most = time(argv[1]), argv[2], tonumber(argv[3])
  local wait = wait_of(R, scope, most, 0, clock)
  if wait == 0 then count_in(R, scope, most, 1, clock) end
  return wait
end

-- argv: room.
F.mark = function(keys, argv)
  return { redis.call('HGET', prefix_of(keys) .. 'm', argv[1]) or 0 }
end

-- argv: room, number, epoch that the number is of or ''; the number of a room only grows.
F.setMark = function(keys, argv)
  local R = prefix_of(keys)
  for i = 1, #argv, 3 do
    local name, seq, epoch = argv[i], argv[i + 1], argv[i + 2]
    local packed = epoch ~= '' and redis.call('HGET', R .. 'rooms', name)
    local is_other = packed and string.sub(packed, 53, 64) ~= epoch
    local before = tonumber(redis.call('HGET', R .. 'm', name) or 0)
    if not is_other and tonumber(seq) > before then redis.call('HSET', R .. 'm', name, seq) end
  end
  return 1
end

-- Longer than a node that is suspended stays unaware of what others took over.
local DROPPED_MS = 600000

local function session_of(text)
  if not text then return nil end
  local owner, fence, expires, record = string.match(text, '^(%S+) (%d+) (%d+) (.*)$')
  return { owner = owner, fence = tonumber(fence), expires = tonumber(expires), record = record }
end

-- argv: node, now; then id, fence or '' for whatever is there, ms to live, record ('' drops it); connection.
-- What another node has taken meanwhile has a higher fence and stays as it is. Where a session has had several holders, an empty
-- record stays for a while when it is dropped, so that a former holder that was suspended cannot save it again.
F.saveSessions = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  local clock = time(argv[2])
  for i = 3, #argv, 4 do
    local key = R .. 's:' .. argv[i]
    local known = session_of(redis.call('GET', key))
    local fence = tonumber(argv[i + 1]) or (known and known.fence) or 1
    if not known or known.fence <= fence then
      if argv[i + 3] == '' and fence == 1 then redis.call('DEL', key)
      else
        local ttl = argv[i + 3] == '' and DROPPED_MS or tonumber(argv[i + 2])
        local text = argv[1] .. ' ' .. fence .. ' ' .. string.format('%.0f', clock + ttl) .. ' ' .. argv[i + 3]
        redis.call('SET', key, text, 'PX', math.max(1, math.ceil(ttl)))
      end
    end
  end
  return 1
end

-- argv: now, id. @returns the record and its fence
F.findSession = function(keys, argv)
  local R = prefix_of(keys)
  local known = session_of(redis.call('GET', R .. 's:' .. argv[2]))
  if not known or known.record == '' or known.expires <= time(argv[1]) then return false end
  return { known.record, known.fence }
end

-- argv: node, serial, now, id, fence that the node has seen or ''. Nothing happens when it has another one by now. The former
-- owner is notified by a frame. @returns OK, k, fence, record, 1 when the node itself had it before
F.takeSession = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial = argv[1], tonumber(argv[2])
  local ns = namespace_of(keys[1], node)
  local early = guard(R, ns, node, serial)
  if early then return early end
  local clock, key = time(argv[3]), R .. 's:' .. argv[4]
  local known = session_of(redis.call('GET', key))
  local result, frames = { 'OK', ns.k }, {}
  local is_seen = known and (argv[5] == '' or known.fence == tonumber(argv[5]))
  if is_seen and known.record ~= '' and known.expires > clock then
    local fence = known.fence + 1
    local text = node .. ' ' .. fence .. ' ' .. string.format('%.0f', known.expires) .. ' ' .. known.record
    redis.call('SET', key, text, 'KEEPTTL')
    if known.owner ~= node then frames[known.owner] = { 'T' .. cjson.encode({ id = argv[4], fence = fence }) .. '\n' } end
    result[3], result[4], result[5] = fence, known.record, known.owner == node and 1 or 0
  end
  keep_result(R, node, serial, result)
  tell(R, keys[1], frames, { 'c:' .. node, serial })
  return result
end
