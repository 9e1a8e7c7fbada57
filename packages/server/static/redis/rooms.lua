-- Rooms: who has them open, where they stand, what is in them, and what time takes from them.

-- @returns the rows that went
local function trim_front(R, name, room, over)
  if over <= 0 then return 0 end
  local list = R .. 'l:' .. name
  local last = redis.call('LINDEX', list, over - 1)
  if last then room.trimmedN = n_of(last) end
  room.first = room.first + over
  redis.call('LTRIM', list, over, -1)
  return over
end

-- The places of rooms in which messages are being written, as one text at the end of a reply.
local function growing_places(R, names)
  local places = {}
  for i, count in ipairs(hmget(R .. 'gr', names)) do if count then places[#places + 1] = i end end
  return table.concat(places, ',')
end

-- The places of rooms that have state.
local function state_places(R, names)
  local places = {}
  for i, fv in ipairs(hmget(R .. 'fv', names)) do if fv then places[#places + 1] = i end end
  return table.concat(places, ',')
end

-- argv: room. @returns the version of its state, then name, version and value of each
F.state = function(keys, argv)
  local R, name = prefix_of(keys), argv[1]
  local fv = string.match(redis.call('HGET', R .. 'fv', name) or '0', '^%d+')
  local reply = { fv }
  local known = redis.call('HGETALL', R .. 'fa:' .. name)
  for i = 1, #known, 2 do
    if string.sub(known[i], 1, 1) == 's' then
      local version, value = string.match(known[i + 1], '^(%d+) (.*)$')
      reply[#reply + 1] = string.sub(known[i], 2)
      reply[#reply + 1] = version
      reply[#reply + 1] = value
    end
  end
  return reply
end

-- argv: user, then rooms. @returns how far the user has read in each
F.readPositions = function(keys, argv)
  local R, reply = prefix_of(keys), {}
  for i = 2, #argv do
    reply[i - 1] = string.match(redis.call('HGET', R .. 'fa:' .. argv[i], 'r' .. argv[1]) or '0', '^%d+')
  end
  return reply
end

-- argv: room. @returns per message that is being written: its row, its text so far, length, time
F.growing = function(keys, argv)
  local R, name = prefix_of(keys), argv[1]
  local packed = redis.call('HGET', R .. 'rooms', name)
  if not packed then return {} end
  local room, reply = unpack_room(packed), {}
  local known = redis.call('HGETALL', R .. 'gr:' .. name)
  for i = 1, #known, 2 do
    local seq = tonumber(known[i])
    local row = seq >= room.first and redis.call('LINDEX', R .. 'l:' .. name, seq - room.first)
    if row and not is_redacted(row) then
      local length, ts = string.match(known[i + 1], '^(%d+) %d+ (%d+)')
      reply[#reply + 1] = row
      reply[#reply + 1] = redis.call('GET', R .. 'gt:' .. known[i] .. ':' .. name) or ''
      reply[#reply + 1] = length
      reply[#reply + 1] = ts
    end
  end
  return reply
end

-- argv: node, now, seed, default retention, ms without an event until a room goes; then name, retention or ''; connection.
F.open = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  local node, seed, retention = argv[1], argv[3], tonumber(argv[4])
  local ns = namespace_of(keys[1], node)
  if not ns.c then return { 'REAPED' } end
  local names = {}
  for i = 6, #argv, 2 do names[#names + 1] = argv[i] end
  local packed = hmget(R .. 'rooms', names)
  local reply, changed, opened = { 'OK', ns.k, ns.n }, {}, {}
  for i, name in ipairs(names) do
    local declared = argv[5 + 2 * i]
    local room = packed[i] and unpack_room(packed[i]) or new_room(seed, i, retention)
    room.retention = declared == '' and retention or tonumber(declared)
    trim_front(R, name, room, room.seq - room.first + 1 - room.retention)
    if not has_node(room.nodes, node) then room.nodes = room.nodes .. node end
    changed[#changed + 1] = name
    changed[#changed + 1] = pack_room(room)
    opened[i] = name
    reply[#reply + 1] = room.epoch
    reply[#reply + 1] = room.seq
    reply[#reply + 1] = room.first
    reply[#reply + 1] = room.lastN
    reply[#reply + 1] = room.pv
  end
  hset(R .. 'rooms', changed)
  in_chunks(opened, function(...) redis.call('SADD', R .. 'i:' .. node, ...) end)
  reply[#reply + 1] = growing_places(R, names)
  reply[#reply + 1] = state_places(R, names)
  return reply
end

-- The node has these rooms open no longer; those that are empty and open nowhere go at `gone_at`.
local function leave_rooms(R, node, names, gone_at)
  local packed = hmget(R .. 'rooms', names)
  local changed, due = {}, {}
  for i, name in ipairs(names) do
    local room = packed[i] and unpack_room(packed[i])
    if room then
      room.nodes = without_node(room.nodes, node)
      changed[#changed + 1] = name
      changed[#changed + 1] = pack_room(room)
      if room.nodes == '' and room.seq < room.first then
        due[#due + 1] = gone_at
        due[#due + 1] = name
      end
    end
  end
  hset(R .. 'rooms', changed)
  in_chunks(due, function(...) redis.call('ZADD', R .. 'age', ...) end)
end

-- argv: node, now, ms that an empty room stays; then names; connection.
F.close = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  local node, clock, stays = argv[1], time(argv[2]), tonumber(argv[3])
  local names = {}
  for i = 4, #argv do names[#names + 1] = argv[i] end
  leave_rooms(R, node, names, clock + stays)
  in_chunks(names, function(...) redis.call('SREM', R .. 'i:' .. node, ...) end)
  return { 'OK' }
end

-- argv: node, then names. The reply has k, so that it takes its place among what the node receives.
F.heads = function(keys, argv)
  local R = prefix_of(keys)
  local ns = namespace_of(keys[1], argv[1])
  local names = {}
  for i = 2, #argv do names[#names + 1] = argv[i] end
  local packed = hmget(R .. 'rooms', names)
  local reply = { 'OK', ns.k, ns.n }
  for i in ipairs(names) do
    local room = packed[i] and unpack_room(packed[i])
    reply[#reply + 1] = room and room.epoch or ''
    reply[#reply + 1] = room and room.seq or 0
    reply[#reply + 1] = room and room.first or 1
    reply[#reply + 1] = room and room.lastN or 0
    reply[#reply + 1] = room and room.pv or 0
  end
  reply[#reply + 1] = growing_places(R, names)
  reply[#reply + 1] = state_places(R, names)
  return reply
end

-- argv: rows at most, bytes at most; then name, first number, last number ('' for the head). Of each room a run without a
-- hole, at least one row while there is one. @returns n, then per room: head, number of the first row, count of rows, rows
F.range = function(keys, argv)
  local R = prefix_of(keys)
  local rows_left, bytes_left = tonumber(argv[1]), tonumber(argv[2])
  local n = tonumber(redis.call('HGET', keys[1], 'n') or 0)
  local names = {}
  for i = 3, #argv, 3 do names[#names + 1] = argv[i] end
  local packed = hmget(R .. 'rooms', names)
  local reply = { n }
  for i, name in ipairs(names) do
    local from, to = tonumber(argv[3 * i + 1]), argv[3 * i + 2]
    local room = packed[i] and unpack_room(packed[i]) or { seq = 0, first = 1 }
    from = math.max(from, room.first)
    to = to == '' and room.seq or math.min(tonumber(to), room.seq)
    reply[#reply + 1] = room.seq
    reply[#reply + 1] = from
    local place = #reply + 1
    local count, share = 0, math.max(1, math.floor(rows_left / (#names - i + 1)))
    reply[place] = 0
    while from <= to and (count == 0 or (count < share and bytes_left > 0)) do
      local upto = math.min(to, from + math.min(31, share - count - 1))
      local rows = redis.call('LRANGE', R .. 'l:' .. name, from - room.first, upto - room.first)
      if #rows == 0 then break end
      for j = 1, #rows do
        reply[#reply + 1] = rows[j]
        bytes_left = bytes_left - #rows[j]
        count = count + 1
        if bytes_left <= 0 then break end
      end
      from = reply[place - 1] + count
    end
    rows_left = rows_left - count
    reply[place] = count
  end
  return reply
end

-- argv: commit, then names. @returns n, forgottenN, then per room: epoch ('' where there is none), number
F.positions = function(keys, argv)
  local R = prefix_of(keys)
  local n = tonumber(argv[1])
  local values = redis.call('HMGET', keys[1], 'n', 'forgottenN')
  local latest = tonumber(values[1] or 0)
  local names = {}
  for i = 2, #argv do names[#names + 1] = argv[i] end
  local packed = hmget(R .. 'rooms', names)
  local reply = { latest, tonumber(values[2] or 0) }
  for i, name in ipairs(names) do
    local room = packed[i] and unpack_room(packed[i])
    local seq = 0
    if room then
      seq = room.seq
      if n < latest and n < room.lastN then
        local low, high = room.first - 1, room.seq
        while low < high do
          local middle = math.ceil((low + high) / 2)
          local row = redis.call('LINDEX', R .. 'l:' .. name, middle - room.first)
          if row and n_of(row) <= n then low = middle else high = middle - 1 end
        end
        seq = (low >= room.first or n >= room.trimmedN) and low or -1
      end
    end
    reply[#reply + 1] = room and room.epoch or ''
    reply[#reply + 1] = seq
  end
  return reply
end

-- Puts a row without its content in the place of the row, if that is still the one the node has read.
-- argv: node, serial, room, epoch that the numbers are of or ''; then number, row as it was, row as it shall be. Tells the numbers to who has the room open.
F.redact = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial, name, epoch = argv[1], tonumber(argv[2]), argv[3], argv[4]
  local ns = namespace_of(keys[1], node)
  local early = guard(R, ns, node, serial)
  if early then return early end
  local packed = redis.call('HGET', R .. 'rooms', name)
  local room = packed and unpack_room(packed)
  if room and epoch ~= '' and room.epoch ~= epoch then room = nil end
  local list = R .. 'l:' .. name
  local seqs, writes = {}, {}
  for i = 5, #argv, 3 do
    local seq = tonumber(argv[i])
    local index = room and seq - room.first or -1
    if index >= 0 and redis.call('LINDEX', list, index) == argv[i + 1] then
      seqs[#seqs + 1] = seq
      writes[#writes + 1] = { index, argv[i + 2] }
    end
  end
  for _, write in ipairs(writes) do redis.call('LSET', list, write[1], write[2]) end
  local result = { 'OK', ns.k, unpack(seqs) }
  keep_result(R, node, serial, result)
  local frames = {}
  if #seqs > 0 then
    local frame = 'D' .. cjson.encode({ roomId = name, seqs = seqs }) .. '\n'
    for _, other in ipairs(each_node(room.nodes)) do if other ~= node then add_frame(frames, other, frame) end end
  end
  tell(R, keys[1], frames, { 'c:' .. node, serial })
  return result
end

-- Where the log is behind what a node has sent of a room, what comes from now on is another log. Asking twice changes nothing.
-- The whole log gets another id as well, unless it has got one since the node knew it: the commits in cursors, which clients
-- bring to any node, may be those of other events now.
-- Versions of presence go on above the last one that was sent. Where Redis may have lost some, the same one may stand for
-- another change by now.
-- argv: seed, now, id of the log that the node knew, another one, 1 where Redis may have lost something; then room, epoch,
-- number, commit (0: not known) and version of presence that the node sent last.
F.renewEpoch = function(keys, argv)
  local R = prefix_of(keys)
  local seed, clock = argv[1], time(argv[2])
  local names = {}
  for i = 6, #argv, 5 do names[#names + 1] = argv[i] end
  local packed = hmget(R .. 'rooms', names)
  local frames, changed, numbered = {}, {}, {}
  for i, name in ipairs(names) do
    local epoch, seq, n = argv[5 * i + 2], tonumber(argv[5 * i + 3]), tonumber(argv[5 * i + 4])
    local room, pv = packed[i] and unpack_room(packed[i]), tonumber(argv[5 * i + 5])
    if room and pv > 0 and (room.pv < pv or (room.pv == pv and argv[5] == '1')) then
      room.pv = math.max(clock, pv + 1)
      numbered[#numbered + 1] = name
      numbered[#numbered + 1] = pack_room(room)
    end
    if room and room.epoch == epoch then
      local is_behind = room.seq < seq
      if not is_behind and n > 0 and seq >= room.first then
        local row = redis.call('LINDEX', R .. 'l:' .. name, seq - room.first)
        is_behind = not row or n_of(row) ~= n
      end
      if is_behind then
        room.epoch = seed .. string.format('%04x', i)
        changed[#changed + 1] = name
        changed[#changed + 1] = pack_room(room)
        local frame = 'X' .. cjson.encode({ roomId = name, epoch = room.epoch, seq = room.seq, first = room.first }) .. '\n'
        for _, other in ipairs(each_node(room.nodes)) do add_frame(frames, other, frame) end
      end
    end
  end
  hset(R .. 'rooms', numbered)
  hset(R .. 'rooms', changed)
  local fields = {}
  local log = redis.call('HMGET', keys[1], 'log', 'n')
  if #changed > 0 and log[1] == argv[3] then
    fields = { 'log', argv[4] }
    local frame = 'L' .. cjson.encode({ logId = argv[4], n = tonumber(log[2] or 0) }) .. '\n'
    for _, other in ipairs(live_nodes(R)) do add_frame(frames, other, frame) end
  end
  tell(R, keys[1], frames, fields)
  return { #changed / 2 }
end

-- Takes rows off the rooms that have the oldest, one room after another as their rows grow younger. argv: rows at most, ms
-- that a row stays (0: whatever its age). @returns how many went
F.trimOldest = function(keys, argv)
  local R = prefix_of(keys)
  local left, age = tonumber(argv[1]), tonumber(argv[2])
  local most = left
  if age == 0 then age = FOREVER_MS end
  -- In the order of their oldest rows, or of rows that are gone since; among them are empty rooms.
  local queue, due = {}, {}
  for page = 0, 900, 100 do
    local names = redis.call('ZRANGE', R .. 'age', page, page + 99)
    for _, name in ipairs(names) do
      local row = redis.call('LINDEX', R .. 'l:' .. name, 0)
      if row then queue[#queue + 1] = { name = name, ts = ts_of(row) } end
    end
    if #queue >= 50 or #names < 100 then break end
  end
  table.sort(queue, function(a, b) return a.ts < b.ts end)
  for i, each in ipairs(queue) do
    if left <= 0 then break end
    local room = unpack_room(redis.call('HGET', R .. 'rooms', each.name))
    local till = queue[i + 1] and queue[i + 1].ts or room.lastTs
    local over = 0
    local rows = redis.call('LRANGE', R .. 'l:' .. each.name, 0, left - 1)
    for _, row in ipairs(rows) do
      if over > 0 and ts_of(row) > till then break end
      over = over + 1
    end
    left = left - trim_front(R, each.name, room, over)
    redis.call('HSET', R .. 'rooms', each.name, pack_room(room))
    local row = redis.call('LINDEX', R .. 'l:' .. each.name, 0)
    each.ts = row and ts_of(row) or room.lastTs
  end
  for _, each in ipairs(queue) do
    due[#due + 1] = each.ts + age
    due[#due + 1] = each.name
  end
  if #due > 0 then redis.call('ZADD', R .. 'age', unpack(due)) end
  return most - left
end

local function alive_nodes(R)
  local alive = {}
  for _, node in ipairs(live_nodes(R)) do alive[node] = true end
  return alive
end

-- Looks at rooms whose time has come: old rows go, a slice at a time, and rooms that no node has open with the last of them.
-- argv: now, ms that a row stays (0: whatever its age), ms that an empty room stays, rooms at most. @returns rooms left to do
F.tend = function(keys, argv)
  local R = prefix_of(keys)
  local clock, age, stays, most = time(argv[1]), tonumber(argv[2]), tonumber(argv[3]), tonumber(argv[4])
  local names = redis.call('ZRANGEBYSCORE', R .. 'age', '-inf', clock, 'LIMIT', 0, most)
  local packed = hmget(R .. 'rooms', names)
  local forgottenN = tonumber(redis.call('HGET', keys[1], 'forgottenN') or 0)
  local alive
  for i, name in ipairs(names) do
    local room = packed[i] and unpack_room(packed[i])
    if not room then
      redis.call('ZREM', R .. 'age', name)
    else
      local list = R .. 'l:' .. name
      local due = age == 0 and room.seq >= room.first and clock + FOREVER_MS or nil
      local had_rows = room.seq >= room.first
      if age > 0 and room.seq >= room.first then
        local over = 0
        for _, row in ipairs(redis.call('LRANGE', list, 0, 199)) do
          local ts = ts_of(row)
          if ts >= clock - age then
            due = ts + age
            break
          end
          over = over + 1
        end
        trim_front(R, name, room, over)
        due = due or clock
      end
      if room.seq < room.first then
        due = nil
        alive = alive or alive_nodes(R)
        for _, node in ipairs(each_node(room.nodes)) do
          if not alive[node] then room.nodes = without_node(room.nodes, node) end
        end
        local has_state = redis.call('HGET', R .. 'fv', name)
        local is_rested = not has_state and (room.seq == 0 or (age > 0 and clock - room.lastTs >= age))
        if room.nodes ~= '' then due = nil
        elseif had_rows then due = clock + stays
        elseif is_rested then
          forgottenN = math.max(forgottenN, room.trimmedN)
          redis.call('HDEL', R .. 'rooms', name)
          local known = redis.call('HGETALL', R .. 'gr:' .. name)
          for k = 1, #known, 2 do redis.call('DEL', R .. 'gt:' .. known[k] .. ':' .. name) end
          redis.call('DEL', R .. 'gr:' .. name)
          redis.call('HDEL', R .. 'gr', name)
          redis.call('DEL', R .. 'fa:' .. name)
          room = nil
        else due = math.max(clock + stays, room.lastTs + age) end
      end
      if room then redis.call('HSET', R .. 'rooms', name, pack_room(room)) end
      if due then redis.call('ZADD', R .. 'age', due, name) else redis.call('ZREM', R .. 'age', name) end
    end
  end
  redis.call('HSET', keys[1], 'forgottenN', forgottenN)
  return { #names }
end

-- argv: cursor, count. @returns cursor, names
F.roomNames = function(keys, argv)
  local R = prefix_of(keys)
  local page = redis.call('HSCAN', R .. 'rooms', argv[1], 'COUNT', argv[2])
  local reply = { page[1] }
  for i = 1, #page[2], 2 do reply[#reply + 1] = page[2][i] end
  return reply
end
