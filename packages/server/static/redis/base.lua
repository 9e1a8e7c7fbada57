-- What every call shares. A namespace has the prefix R and these keys (see names.ts):
--   R:ns hash       log form n ts forgottenN; per node k:<node> mailbox messages sent, c:<node> latest call executed,
--                   g:<node> its latest connection
--   R:rooms hash    room -> packed numbers, epoch, nodes that have it open
--   R:l:<room> list rows, the index is seq - first
-- Redis does not roll a failed script back, so each call reads and decides first and writes last.
local F = {}

-- seq lastN lastTs, which each append changes; first retention trimmedN; pv; then 12 characters of epoch, then 8 per node
local ROOM = '<ddddI4dd'
local ROOM_HEAD, ROOM_FRONT, ROOM_START = '<ddd', '<dI4d', '<ddddI4'
local LEASE_MS = 8000
local RESULTS_KEPT = 64
local RESULTS_KEPT_MS = 60000
local HOUR_MS = 3600000
local MINUTE_MS = 60000
-- For rows that stay whatever their age.
local FOREVER_MS = 1e14
local CHUNK = 1000
-- Redis keeps a small hash as one block as long as no value of it is longer.
local INLINE_MAX = 64

local function prefix_of(keys)
  return string.sub(keys[1], 1, -3)
end

-- Time moves within a script, so it is read once. A test brings its own.
local function time(given)
  if given ~= '' then return tonumber(given) end
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function unpack_room(text)
  local seq, lastN, lastTs, first, retention, trimmedN, pv = struct.unpack(ROOM, text)
  return {
    seq = seq, first = first, trimmedN = trimmedN, lastN = lastN, lastTs = lastTs, pv = pv, retention = retention,
    epoch = string.sub(text, 53, 64), nodes = string.sub(text, 65),
  }
end

local function pack_room(room)
  return struct.pack(ROOM, room.seq, room.lastN, room.lastTs, room.first, room.retention, room.trimmedN, room.pv)
    .. room.epoch .. room.nodes
end

-- Of packed rooms.
local function pv_of(text)
  return (struct.unpack('<d', text, 45))
end

local function with_pv(text, pv)
  return string.sub(text, 1, 44) .. struct.pack('<d', pv) .. string.sub(text, 53)
end

-- `seed` comes from the node: chance within scripts is the same at every call.
local function new_room(seed, index, retention)
  return {
    seq = 0, first = 1, trimmedN = 0, lastN = 0, lastTs = 0, pv = 0, retention = retention,
    epoch = seed .. string.format('%04x', index), nodes = '',
  }
end

-- A list of arguments has a bound in Lua.
local function in_chunks(values, run)
  local count = #values
  if count <= CHUNK then
    if count > 0 then run(unpack(values)) end
    return
  end
  for at = 1, count, CHUNK do run(unpack(values, at, math.min(at + CHUNK - 1, count))) end
end

local function hmget(key, fields)
  if #fields <= CHUNK then
    if #fields == 0 then return {} end
    return redis.call('HMGET', key, unpack(fields))
  end
  local values = {}
  in_chunks(fields, function(...)
    for _, value in ipairs({ redis.call('HMGET', key, ...) }) do
      for i = 1, #value do values[#values + 1] = value[i] end
    end
  end)
  return values
end

local function hset(key, pairs_list)
  in_chunks(pairs_list, function(...) redis.call('HSET', key, ...) end)
end

local function each_node(nodes)
  local list = {}
  for at = 1, #nodes, 8 do list[#list + 1] = string.sub(nodes, at, at + 7) end
  return list
end

local function has_node(nodes, node)
  for at = 1, #nodes, 8 do
    if string.sub(nodes, at, at + 7) == node then return true end
  end
  return false
end

local function without_node(nodes, node)
  for at = 1, #nodes, 8 do
    if string.sub(nodes, at, at + 7) == node then return string.sub(nodes, 1, at - 1) .. string.sub(nodes, at + 8) end
  end
  return nodes
end

local function is_redacted(row)
  return string.find(row, '^%d+ %d+ %d+ 1') ~= nil
end

local function n_of(row)
  return tonumber(string.match(row, '^%d+'))
end

-- What is bound to a key: `n seq ts fingerprint`, and after a blank what the request was answered with, where that is short.
-- @returns `n seq ts`, ts, fingerprint, answer or nothing
local function parse_binding(text)
  local numbers, ts, print, ack = string.match(text, '^(%d+ %d+ (%d+)) ([^ ]*)(.*)$')
  return numbers, tonumber(ts), print, ack ~= '' and string.sub(ack, 2) or nil
end

local function ts_of(row)
  return tonumber(string.match(row, '^%d+ %d+ (%d+)'))
end

-- A change without a serial has the node first and the number of its connection last, which is taken off here. What comes
-- late, of a connection that the node has given up, is of another time: it must not undo what was done since.
-- @returns whether it is late, or the node was reaped
local function is_late(keys, argv)
  local connection = argv[#argv]
  argv[#argv] = nil
  return redis.call('HGET', keys[1], 'g:' .. argv[1]) ~= connection
end

-- The node's place among calls. @returns nothing when the call may run, else what it is answered with
local function guard(R, ns, node, serial)
  if not ns.c then return { 'REAPED' } end
  if serial > ns.c then return nil end
  local kept = redis.call('HGET', R .. 'r:' .. node, serial)
  if not kept then return { 'LOST' } end
  return cmsgpack.unpack(kept)
end

local function namespace_of(key, node)
  local values = redis.call('HMGET', key, 'n', 'ts', 'k:' .. node, 'c:' .. node)
  return {
    n = tonumber(values[1] or 0), ts = tonumber(values[2] or 0),
    k = tonumber(values[3] or 0), c = values[4] and tonumber(values[4]),
  }
end

-- One message per node that receives something: `frames` node -> list of texts. `fields` are other changes of R:ns.
-- @returns nodes that no longer listen
local function tell(R, key, frames, fields)
  local nodes, names = {}, {}
  for node in pairs(frames) do
    nodes[#nodes + 1] = node
    names[#names + 1] = 'k:' .. node
    names[#names + 1] = 'c:' .. node
  end
  if #nodes == 0 then
    if #fields > 0 then hset(key, fields) end
    return {}
  end
  local values = hmget(key, names)
  local messages = {}
  for i, node in ipairs(nodes) do
    local c = values[2 * i]
    if c then
      local k = tonumber(values[2 * i - 1] or 0) + 1
      fields[#fields + 1] = 'k:' .. node
      fields[#fields + 1] = k
      -- Before the first piece and not before the whole: Lua hashes every text that it makes, to its end.
      local list = frames[node]
      list[1] = k .. ' ' .. c .. ' ' .. list[1]
      messages[node] = table.concat(list)
    end
  end
  hset(key, fields)
  local deaf = {}
  for _, node in ipairs(nodes) do
    local message = messages[node]
    if not message or redis.call('SPUBLISH', R .. 'mb:' .. node, message) == 0 then deaf[#deaf + 1] = node end
  end
  return deaf
end

-- Kept so that a call whose answer was lost can be asked again.
local function keep_result(R, node, serial, result)
  local key = R .. 'r:' .. node
  redis.call('HSET', key, serial, cmsgpack.pack(result))
  if serial > RESULTS_KEPT then redis.call('HDEL', key, serial - RESULTS_KEPT) end
  return result
end

-- Sliding minutes: R:w:<scope> holds the latest moments, as many as are allowed. One after now is of a clock that was set
-- back since.
-- @param more how many are counted at `clock` and not there yet @returns ms until one is free, 0 when it is
local function wait_of(R, scope, most, more, clock)
  if more >= most then return MINUTE_MS end
  local blocking = tonumber(redis.call('LINDEX', R .. 'w:' .. scope, more - most) or 0)
  if blocking > clock then return 0 end
  return math.max(0, blocking + MINUTE_MS - clock)
end

local function count_in(R, scope, most, count, clock)
  if count == 0 then return end
  local key = R .. 'w:' .. scope
  for _ = 1, count do redis.call('RPUSH', key, string.format('%.0f', clock)) end
  redis.call('LTRIM', key, -most, -1)
  redis.call('PEXPIRE', key, MINUTE_MS)
end

local function add_frame(frames, node, frame)
  local list = frames[node]
  if list then list[#list + 1] = frame else frames[node] = { frame } end
end

local function live_nodes(R)
  return redis.call('ZRANGE', R .. 'nodes', 0, -1)
end
