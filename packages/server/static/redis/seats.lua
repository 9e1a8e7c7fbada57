-- Who is in a room: one field per user, `<node><until>,…|<user as JSON>`, where `until` is 0 for a user who is connected
-- there, 1 where a join was under way when its node last spoke of it, and else the moment up to which they are expected back.
--   R:p:<room> hash   user -> that
--   R:o:<node> set    room\nuser of every seat the node answers for, to clear up after it
--   R:away zset       room\nuser -> when they are gone
--   R:seated zset     rooms in which users are, by name, without personal ones

local JOINING = 1

local function parse_seat(text)
  local places, user = {}, ''
  if text then
    local list
    list, user = string.match(text, '^([^|]*)|(.*)$')
    for node, till in string.gmatch(list, '([^,].......)(%d+)') do places[#places + 1] = { node = node, till = tonumber(till) } end
  end
  return places, user
end

local function is_personal(room)
  return string.sub(room, 1, 5) == 'user:' or string.sub(room, 1, 2) == 'c_'
end

local function name_of(json)
  return cjson.decode(json).name
end

-- What a user's connections say of themselves, which stands last in what a node says of a user.
local function shown_of(json)
  return string.match(json, '"presence":(.*)}$') or ''
end

local function format_seat(places, user)
  local list = {}
  for i, place in ipairs(places) do
    list[i] = place.node .. (place.till == 0 and '0' or string.format('%.0f', place.till))
  end
  return table.concat(list, ',') .. '|' .. user
end

-- @returns 'gone', 'here' or 'away', and until when
local function state_of(places)
  if #places == 0 then return 'gone', 0 end
  local till = 0
  for _, place in ipairs(places) do
    if place.till <= JOINING then return 'here', 0 end
    till = math.max(till, place.till)
  end
  return 'away', till
end

-- Written by hand: users are JSON already, and cjson is slow with small things.
local function presence_frame(room, by)
  return string.format(
    'P{"roomId":%s,"since":%d,"pv":%d,"by":"%s","changes":[', cjson.encode(room.name), room.since, room.pv, by
  ) .. table.concat(room.changes, ',') .. ']}\n'
end

-- Changes of a call, room by room: read as they are met, sent and written at the end.
local function presence(R, key, clock)
  local rooms, order = {}, {}
  local self = {}

  -- @param packed false when there is none
  local function add(name, packed)
    local pv = packed and pv_of(packed) or 0
    local room = {
      name = name, key = R .. 'p:' .. name, packed = packed, seats = {}, changes = {}, gained = 0, since = pv, pv = pv,
    }
    rooms[name] = room
    order[#order + 1] = room
    return room
  end

  function self.room(name)
    return rooms[name] or add(name, redis.call('HGET', R .. 'rooms', name))
  end

  -- The same for many at once, each named once.
  function self.load(names)
    local packed = hmget(R .. 'rooms', names)
    for i = 1, #names do add(names[i], packed[i]) end
  end

  function self.seat(room, user)
    local seat = room.seats[user]
    if not seat then
      local places, json = parse_seat(redis.call('HGET', room.key, user))
      seat = { places = places, json = json, id = user, before = state_of(places) }
      room.seats[user] = seat
    end
    return seat
  end

  -- `till` of an `away` is the moment at which it ends.
  -- @returns false when so many others sit there; whether the user has a place by another node as well
  function self.change(name, user, json, node, state, till, capacity, reason)
    local room = self.room(name)
    local seat = self.seat(room, user)
    local before = state_of(seat.places)
    local is_in = state == 'here' or state == 'joining'
    if is_in and capacity and before == 'gone' then
      room.held = room.held or redis.call('HLEN', room.key)
      if room.held + room.gained >= capacity then return false end
    end
    -- A user who is connected to one node is expected back by no other. One who joins still is: the join may fail.
    local places, is_connected = {}, false
    for _, place in ipairs(seat.places) do
      local is_over = place.till > JOINING and (state == 'here' or place.till <= clock)
      if place.node ~= node and not is_over then
        places[#places + 1] = place
        is_connected = is_connected or place.till == 0
      end
    end
    local is_elsewhere = #places > 0
    if is_in then places[#places + 1] = { node = node, till = state == 'here' and 0 or JOINING } end
    if state == 'away' and before ~= 'gone' and not is_connected then places[#places + 1] = { node = node, till = till } end
    seat.places = places
    local is_shown = state == 'here' or (state == 'joining' and not is_elsewhere)
    local is_other = is_shown and seat.json ~= '' and seat.json ~= json
    local is_renamed = is_other and (shown_of(seat.json) ~= shown_of(json) or name_of(seat.json) ~= name_of(json))
    if is_shown then seat.json = json end
    seat.touched = true
    local now = state_of(places)
    if before == 'gone' and now ~= 'gone' then room.gained = room.gained + 1 end
    if before ~= 'gone' and now == 'gone' then room.gained = room.gained - 1 end
    if before ~= now or is_renamed then
      -- The first one begins at the time, so that numbers grow also when Redis has lost some.
      room.pv = room.pv > 0 and room.pv + 1 or clock
      room.changes[#room.changes + 1] = '{"user":' .. seat.json .. ',"state":"' .. now .. '","isNew":'
        .. (before == 'gone' and 'true' or 'false') .. (reason and ',"reason":' .. cjson.encode(reason) or '') .. '}'
    end
    seat.owner = seat.owner or {}
    seat.owner[node] = places[#places] ~= nil and places[#places].node == node
    return true, is_elsewhere
  end

  -- @returns frames for the nodes that have the rooms open, and those of `self_node` apart
  function self.write(self_node)
    local frames, own, packed, owned, left, seated = {}, {}, {}, {}, {}, {}
    for _, room in ipairs(order) do
      for user, seat in pairs(room.seats) do
        if seat.touched then
          local member = room.name .. '\n' .. user
          local state, till = state_of(seat.places)
          if state == 'gone' then redis.call('HDEL', room.key, user)
          else redis.call('HSET', room.key, user, format_seat(seat.places, seat.json)) end
          if state == 'away' then redis.call('ZADD', R .. 'away', till, member)
          elseif seat.before == 'away' then redis.call('ZREM', R .. 'away', member) end
          for node, owns in pairs(seat.owner) do add_frame(owns and owned or left, node, member) end
        end
      end
      if room.gained > 0 and not is_personal(room.name) then
        seated[#seated + 1] = 0
        seated[#seated + 1] = room.name
      elseif room.gained < 0 and redis.call('HLEN', room.key) == 0 then
        redis.call('ZREM', R .. 'seated', room.name)
      end
      if #room.changes > 0 then
        local nodes = room.packed and string.sub(room.packed, 65) or ''
        if room.packed then
          packed[#packed + 1] = room.name
          packed[#packed + 1] = with_pv(room.packed, room.pv)
        end
        local frame = presence_frame(room, self_node or string.sub(nodes, 1, 8))
        if self_node then own[#own + 1] = frame end
        for _, node in ipairs(each_node(nodes)) do
          if node ~= self_node then add_frame(frames, node, frame) end
        end
      end
    end
    hset(R .. 'rooms', packed)
    in_chunks(seated, function(...) redis.call('ZADD', R .. 'seated', ...) end)
    for node, members in pairs(owned) do in_chunks(members, function(...) redis.call('SADD', R .. 'o:' .. node, ...) end) end
    for node, members in pairs(left) do in_chunks(members, function(...) redis.call('SREM', R .. 'o:' .. node, ...) end) end
    return frames, own
  end

  return self
end

-- argv: node, serial, now; then room, user, JSON of the user, state, ms of an 'away', capacity or '', reason or ''.
-- @returns OK, k, then per change 1, 2 where the user has a place by another node as well, or 0 where the room is full; then
-- what this node hears of it
F.seats = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial = argv[1], tonumber(argv[2])
  local ns = namespace_of(keys[1], node)
  local early = guard(R, ns, node, serial)
  if early then return early end
  local clock = time(argv[3])
  local work = presence(R, keys[1], clock)
  local names, is_named = {}, {}
  for i = 4, #argv, 7 do
    if not is_named[argv[i]] then
      is_named[argv[i]] = true
      names[#names + 1] = argv[i]
    end
  end
  work.load(names)
  local result = { 'OK', ns.k }
  for i = 4, #argv, 7 do
    local reason = argv[i + 6] ~= '' and argv[i + 6] or nil
    local till = clock + tonumber(argv[i + 4])
    local done, is_elsewhere =
      work.change(argv[i], argv[i + 1], argv[i + 2], node, argv[i + 3], till, tonumber(argv[i + 5]), reason)
    result[#result + 1] = done and (is_elsewhere and 2 or 1) or 0
  end
  local frames, own = work.write(node)
  result[#result + 1] = table.concat(own)
  keep_result(R, node, serial, result)
  tell(R, keys[1], frames, { 'c:' .. node, serial })
  return result
end

-- Seats whose time is up. argv: now, at most. @returns how many
F.expireSeats = function(keys, argv)
  local R = prefix_of(keys)
  local clock = time(argv[1])
  local members = redis.call('ZRANGEBYSCORE', R .. 'away', '-inf', clock, 'LIMIT', 0, argv[2])
  if #members == 0 then return 0 end
  local work = presence(R, keys[1], clock)
  for _, member in ipairs(members) do
    local name, user = string.match(member, '^(.*)\n([^\n]*)$')
    local places = work.seat(work.room(name), user).places
    local over = {}
    for _, place in ipairs(places) do
      if place.till > JOINING and place.till <= clock then over[#over + 1] = place.node end
    end
    for _, node in ipairs(over) do work.change(name, user, '', node, 'gone', 0, nil, 'timeout') end
    if #over == 0 then redis.call('ZREM', R .. 'away', member) end
  end
  tell(R, keys[1], work.write(nil), {})
  return #members
end

-- argv: room, cursor, about how many. @returns pv, cursor, how many in all, then per user: JSON, 1 for one who is away
F.roomUsers = function(keys, argv)
  local R = prefix_of(keys)
  local packed = redis.call('HGET', R .. 'rooms', argv[1])
  local page = redis.call('HSCAN', R .. 'p:' .. argv[1], argv[2], 'COUNT', argv[3])
  local reply = { packed and unpack_room(packed).pv or 0, page[1], redis.call('HLEN', R .. 'p:' .. argv[1]) }
  for i = 2, #page[2], 2 do
    local places, json = parse_seat(page[2][i])
    reply[#reply + 1] = json
    reply[#reply + 1] = state_of(places) == 'away' and 1 or 0
  end
  return reply
end

-- argv: the room behind which they stand or '', how many. @returns how many there are in all, then per room: name, users
F.listRooms = function(keys, argv)
  local R = prefix_of(keys)
  local from = argv[1] == '' and '-' or '(' .. argv[1]
  local reply = { redis.call('ZCARD', R .. 'seated') }
  for _, name in ipairs(redis.call('ZRANGEBYLEX', R .. 'seated', from, '+', 'LIMIT', 0, argv[2])) do
    reply[#reply + 1] = name
    reply[#reply + 1] = redis.call('HLEN', R .. 'p:' .. name)
  end
  return reply
end

-- argv: rooms. @returns the number of users of each
F.countUsers = function(keys, argv)
  local R = prefix_of(keys)
  local reply = {}
  for i, name in ipairs(argv) do reply[i] = redis.call('HLEN', R .. 'p:' .. name) end
  return reply
end

-- A slice of the seats of a dead node: who is connected there is gone, who is expected back from there stays expected.
-- @returns whether there may be more
local function reap_seats(R, key, node, clock)
  local members = redis.call('SPOP', R .. 'o:' .. node, 200)
  if #members == 0 then return false end
  local work = presence(R, key, clock)
  for _, member in ipairs(members) do
    local name, user = string.match(member, '^(.*)\n([^\n]*)$')
    for _, place in ipairs(work.seat(work.room(name), user).places) do
      if place.node == node and place.till <= JOINING then
        work.change(name, user, '', node, 'gone', 0, nil, 'node')
        break
      end
    end
  end
  tell(R, key, work.write(nil), {})
  return true
end
