-- The append: dedupe, limits, numbers, rows, acks and what other nodes receive, of one batch (or several, joined) in one call.
-- The rules are those of brokers/common/append-batch.ts; a test compares the two over random batches.

-- What the flags of an entry say, looked up instead of computed.
local FLAGS = {}
for flags = 0, 7 do
  FLAGS[flags] = { too_large = flags % 2 >= 1, keyed = flags % 4 >= 2, shares_limits = flags >= 4 }
end

-- A message that is being written: R:gr room -> how many, R:gr:<room> seq -> length, width of the fragment, time;
-- R:gt:<seq>:<room> its text so far, a fragment of JSON. Widths and lengths are in UTF-16. Arguments of its row end in:
local GROWING = '"content":"","streaming":true}]'
local GROWING_MAX = 100
local STATE_MAX = 1000

-- The row with other arguments at its end, whose length stands before its texts.
local function with_args(row, from, from_width, to, to_width)
  local head, width = string.match(row, '^(%d+ %d+ %d+ %d+ %d+ %d+ %d+ %d+ )(%d+) ')
  local kept = string.sub(row, #head + #width + 2, -from - 1)
  return head .. string.format('%d', tonumber(width) - from_width + to_width) .. ' ' .. kept .. to
end

F.append = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial = argv[1], tonumber(argv[2])
  local ns = namespace_of(keys[1], node)
  local early = guard(R, ns, node, serial)
  if early then return early end

  local clock, seed, window, retention, age = time(argv[3]), argv[4], tonumber(argv[5]), tonumber(argv[6]), tonumber(argv[7])
  local ts = math.max(clock, ns.ts)
  local room_count, bucket_count, entry_count = tonumber(argv[8]), tonumber(argv[9]), tonumber(argv[10])
  local limit_count, signal_count, ack_count = tonumber(argv[11]), tonumber(argv[12]), tonumber(argv[13])
  local more, meta = tonumber(argv[14]), argv[15]
  local has_claims, has_fences, has_changes, has_epochs = more % 2 == 1, more % 4 >= 2, more % 8 >= 4, more >= 8
  local at = 15

  -- Changes of messages that are being written: number of the entry, kind, seq, at, length, width, text; for one that grows
  -- again also the arguments of before, those from now on, and their width. Of state: version (-1 for any) or number for
  -- seq, 0, 0, 0, JSON of the value, name of the fact, JSON of its name and of the user.
  local change_of = {}
  if has_changes then
    local count = tonumber(argv[16])
    at = 16
    for _ = 1, count do
      change_of[tonumber(argv[at + 1])] = {
        kind = argv[at + 2], seq = tonumber(argv[at + 3]), at = tonumber(argv[at + 4]), length = tonumber(argv[at + 5]),
        width = tonumber(argv[at + 6]), text = argv[at + 7], was = argv[at + 8], args = argv[at + 9], user = argv[at + 10],
        args_width = tonumber(argv[at + 10]), is_state = string.find('sdpq', argv[at + 2]) ~= nil,
      }
      at = at + 10
    end
  end

  -- Of which log the numbers of an entry are: its place, epoch.
  local epoch_of
  if has_epochs then
    epoch_of = {}
    local count = tonumber(argv[at + 1])
    for i = 1, count do epoch_of[tonumber(argv[at + 2 * i])] = argv[at + 2 * i + 1] end
    at = at + 1 + 2 * count
  end

  -- What leads of before have published is refused. By entry and by signal.
  local fenced_entry, fenced_signal, lost
  if has_fences then
    local given = cjson.decode(argv[#argv])
    local is_lost = {}
    lost = {}
    for i, lead in ipairs(given.leads) do
      local known = redis.call('HGET', R .. 'leads', lead[1])
      is_lost[i] = known and tonumber(known) > tonumber(lead[2])
      if is_lost[i] then lost[#lost + 1] = lead end
    end
    fenced_entry, fenced_signal = {}, {}
    for i, place in ipairs(given.entries) do fenced_entry[i] = is_lost[place] end
    for i, place in ipairs(given.signals) do fenced_signal[i] = is_lost[place] end
  end

  -- Rooms: name, length of the name in UTF-16.
  local names, widths = {}, {}
  for i = 1, room_count do
    names[i], widths[i] = argv[at + 1], argv[at + 2]
    at = at + 2
  end
  local packed = hmget(R .. 'rooms', names)
  -- In arrays by the place of the room, as everything that there are many of: a table for each costs a microsecond.
  local seqs, firsts, kept, lengths, exists = {}, {}, {}, {}, {}
  for i = 1, room_count do
    local text = packed[i]
    exists[i] = text ~= false
    if not text then
      text = pack_room(new_room(seed, i, retention))
      packed[i] = text
    end
    local seq, _, _, first, most = struct.unpack(ROOM_START, text)
    seqs[i], firsts[i], kept[i], lengths[i] = seq, first, most, seq - first + 1
  end

  local buckets = {}
  for i = 1, bucket_count do buckets[i] = argv[at + i] end
  at = at + bucket_count

  -- Entries: tail of the row, digest of the key, fingerprint.
  local room_of, bucket_of, group_of, flags_of, about_of = {}, {}, {}, {}, {}
  local first_entry = at
  local groups = {}
  local fields_of, strings = {}, {}
  local position = 1
  for i = 1, entry_count do
    local room, bucket, group, flags, about
    room, bucket, group, flags, about, position = struct.unpack('<HHHBd', meta, position)
    flags = FLAGS[flags]
    room_of[i], bucket_of[i], group_of[i], flags_of[i], about_of[i] = room, bucket, group, flags, about
    local field = argv[at + 2]
    at = at + 3
    if group > 0 then
      local fate = groups[group]
      if not fate then
        fate = { parts = 0, members = {} }
        groups[group] = fate
      end
      local part = #fate.members
      fate.members[part + 1] = i
      if part > 0 then field = field .. ':' .. part end
    end
    if flags.keyed then
      local list = strings
      if bucket > 0 then
        list = fields_of[bucket]
        if not list then
          list = {}
          fields_of[bucket] = list
        end
      end
      list[#list + 1] = field
    end
  end

  -- Acks that are known before: number of the entry, text.
  local ack_of = {}
  for _ = 1, ack_count do
    ack_of[tonumber(argv[at + 1])] = argv[at + 2]
    at = at + 2
  end

  -- Limits: number of the entry, whose minute, how many, 1 where only a new room counts.
  local limits = {}
  for i = 1, limit_count do
    local entry, scope, most = tonumber(argv[at + 1]), argv[at + 2], tonumber(argv[at + 3])
    local list = limits[entry]
    if not list then
      list = {}
      limits[entry] = list
    end
    list[#list + 1] = { scope = scope, most = most, of_rooms = argv[at + 4] == '1', number = i }
    at = at + 4
  end

  -- Keys: one call per second of their times, one for those without a time.
  local bindings = {}
  for bucket, fields in pairs(fields_of) do
    local values = hmget(R .. 'k:' .. buckets[bucket], fields)
    for i = 1, #fields do bindings[fields[i]] = values[i] end
  end
  if #strings > 0 then
    local wanted = {}
    for i = 1, #strings do wanted[i] = R .. 'k:' .. strings[i] end
    local values = {}
    in_chunks(wanted, function(...)
      for _, value in ipairs({ redis.call('MGET', ...) }) do
        for i = 1, #value do values[#values + 1] = value[i] end
      end
    end)
    for i = 1, #strings do bindings[strings[i]] = values[i] end
  end

  local function field_at(i, part)
    local digest = argv[first_entry + 3 * i - 1]
    if part == 0 then return digest end
    return digest .. ':' .. part
  end

  -- @returns the binding that is still valid: fingerprint and numbers
  local oldest = ts - window
  local function find(i, part)
    if not flags_of[i].keyed then return nil end
    local field = field_at(i, part)
    local known = bindings[field]
    if known == false then return nil end
    if known == nil then
      local bucket = bucket_of[i]
      if bucket == 0 then known = redis.call('GET', R .. 'k:' .. field)
      else known = redis.call('HGET', R .. 'k:' .. buckets[bucket], field) end
      bindings[field] = known
      if not known then return nil end
    end
    local numbers, then_ts, print, ack = parse_binding(known)
    if then_ts < oldest then return nil end
    return print, numbers, ack
  end

  local acks, new_acks = {}, {}
  local function repeated(i, part, print, numbers, ack)
    if print ~= argv[first_entry + 3 * i] then return 'C' end
    if not ack then
      local field = field_at(i, part)
      ack = new_acks[field] or redis.call('GET', R .. 'a:' .. field)
    end
    if not ack then return 'd' .. numbers end
    return 'a' .. numbers, ack
  end

  -- Counts what these entries take of their minutes, of all or of none. @returns the refusal
  local minutes = {}
  local function take(members)
    local taken, made = {}, {}
    for _, member in ipairs(members) do
      local room = room_of[member]
      local is_new = not exists[room] and not made[room]
      for _, limit in ipairs(limits[member] or {}) do
        if is_new or not limit.of_rooms then
          local minute = minutes[limit.scope]
          if not minute then
            minute = { count = 0, most = 0 }
            minutes[limit.scope] = minute
          end
          local wait = wait_of(R, limit.scope, limit.most, minute.count, clock)
          if wait > 0 then
            for _, other in ipairs(taken) do other.count = other.count - 1 end
            return 'W' .. string.format('%.0f', wait) .. ' ' .. limit.number
          end
          minute.count, minute.most = minute.count + 1, math.max(minute.most, limit.most)
          taken[#taken + 1] = minute
        end
      end
      made[room] = true
    end
  end

  local n = ns.n
  local ts_text = string.format(' %.0f', ts)
  local new_keys, new_strings, ended = {}, {}, {}
  local row_at, rows_of, last_of = {}, {}, {}

  local function has_content(room, seq)
    local first = firsts[room]
    if not exists[room] or seq < first or seq > seqs[room] then return false end
    -- What this call is about to trim is gone already.
    local over = seqs[room] - first + 1 - kept[room]
    if over > math.floor(kept[room] / 10) and seq < first + over then return false end
    local index = seq - first
    if index >= lengths[room] then return true end
    local row = redis.call('LINDEX', R .. 'l:' .. names[room], index)
    return row and not is_redacted(row)
  end

  -- Messages that are being written, as this call leaves them.
  local texts, counts, rewritten = {}, {}, {}
  local function text_of(room, seq)
    local list = texts[room]
    if not list then
      list = {}
      texts[room] = list
    end
    local text = list[seq]
    if text == nil then
      text = false
      local known = exists[room] and redis.call('HGET', R .. 'gr:' .. names[room], seq)
      if known then
        local length, width = string.match(known, '^(%d+) (%d+)')
        text = { length = tonumber(length), width = tonumber(width), parts = {}, is_stored = true }
      end
      list[seq] = text
    end
    return text and not text.is_gone and text or nil
  end
  local function count_of(room)
    counts[room] = counts[room] or tonumber(redis.call('HGET', R .. 'gr', names[room]) or 0)
    return counts[room]
  end
  local function row_text(room, seq)
    local index = seq - firsts[room]
    if index < 0 or seq > seqs[room] then return nil end
    local known = rewritten[room] and rewritten[room][seq]
    if known then return known end
    if index >= lengths[room] then return rows_of[room][index - lengths[room] + 1] end
    return redis.call('LINDEX', R .. 'l:' .. names[room], index) or nil
  end
  local function set_row(room, seq, text)
    local index = seq - firsts[room]
    if index >= lengths[room] then
      rows_of[room][index - lengths[room] + 1] = text
      return
    end
    rewritten[room] = rewritten[room] or {}
    rewritten[room][seq] = text
  end
  local function drop_text(room, text)
    text.is_gone = true
    counts[room] = count_of(room) - 1
  end
  local function begin_text(room, seq)
    local count = count_of(room)
    local before = text_of(room, seq) or texts[room][seq]
    texts[room][seq] = { length = 0, width = 0, parts = {}, is_new = true, is_stored = before and before.is_stored }
    counts[room] = count + 1
    return texts[room][seq]
  end
  local function add_piece(text, change)
    text.length, text.width = text.length + change.length, text.width + change.width
    if change.text ~= '' then text.parts[#text.parts + 1] = change.text end
    text.is_changed = true
  end

  -- State of rooms, as this call leaves it: R:fa:<room> key -> version and value; R:fv room -> version and number of names.
  local facts, versions, made = {}, {}, {}
  local function fact_of(room, key)
    local list = facts[room]
    if not list then
      list = {}
      facts[room] = list
    end
    if list[key] == nil then
      local known = exists[room] and redis.call('HGET', R .. 'fa:' .. names[room], key)
      local version, value = string.match(known or '', '^(%d+) (.*)$')
      list[key] = version and { version = tonumber(version), value = value } or false
    end
    local known = list[key]
    return known and not known.is_gone and known or nil
  end
  local function state_of(room)
    if not versions[room] then
      local fv, count = string.match(redis.call('HGET', R .. 'fv', names[room]) or '0 0', '^(%d+) (%d+)$')
      versions[room] = { fv = tonumber(fv), count = tonumber(count) }
    end
    return versions[room]
  end
  local function sum_of(value, by)
    local digits = value and string.match(value, '^%-?(%d+)$')
    if value and (not digits or #digits > 16) then return nil end
    local sum = (value and tonumber(value) or 0) + by
    return sum <= 9007199254740991 and sum >= -9007199254740991 and sum or nil
  end
  local function state_refusal(change, room)
    if change.kind == 'q' then return nil end
    local known = fact_of(room, change.was)
    local version = known and known.version or 0
    local stand = string.format('%d', version)
    if change.kind ~= 'p' and change.seq >= 0 and change.seq ~= version then return 'S' .. stand, known and known.value end
    if change.kind == 'p' and not sum_of(known and known.value, change.seq) then return 'K' .. stand, known.value end
    if not known and change.kind ~= 'd' and state_of(room).count >= STATE_MAX then return 'B' end
  end
  local function set_fact(room, key, version, value)
    facts[room][key] = { version = version, value = value, is_changed = true }
  end
  -- @returns version, whether it was so already, value
  local function change_state(change, room)
    local known = fact_of(room, change.was)
    if change.kind == 'q' then
      local before = known and known.version or 0
      if change.seq <= before then return before, 1 end
      set_fact(room, change.was, change.seq, '')
      return change.seq, 0
    end
    local state = state_of(room)
    if change.kind == 'd' and not known then return state.fv, 1 end
    state.fv, state.is_changed = state.fv + 1, true
    if change.kind == 'd' then
      facts[room][change.was] = { is_gone = true }
      state.count = state.count - 1
      return state.fv, 0
    end
    if not known then state.count = state.count + 1 end
    local value = change.kind == 's' and change.text or string.format('%.0f', sum_of(known and known.value, change.seq))
    set_fact(room, change.was, state.fv, value)
    return state.fv, 0, value
  end

  local function change_refusal(i)
    local change, room = change_of[i], room_of[i]
    if not change then return nil end
    if change.is_state then return state_refusal(change, room) end
    if change.kind == 'b' then return count_of(room) >= GROWING_MAX and 'G' or nil end
    if not exists[room] then return 'N' end
    local text, row = text_of(room, change.seq), row_text(room, change.seq)
    if not row or is_redacted(row) then
      if text then drop_text(room, text) end
      return 'N'
    end
    if change.kind == 'r' then
      if text then return 'A' .. text.length end
      return string.sub(row, -#change.was) ~= change.was and 'O' or nil
    end
    if not text then return 'E' end
    local is_fit = change.length == text.length
    if change.kind == 'x' then
      is_fit = change.at == text.length or (change.at < text.length and change.at + change.length <= text.length)
    end
    return not is_fit and 'V' .. text.length or nil
  end

  -- Of one that was not refused. @returns the length afterwards, whether it was so already
  local function apply_change(i, own_seq)
    local change, room = change_of[i], room_of[i]
    if change.is_state then
      made[room] = true
      return change_state(change, room)
    end
    local seq = change.kind == 'b' and own_seq or change.seq
    if change.kind == 'x' then
      local text = text_of(room, seq)
      if change.at < text.length then return text.length, 1 end
      add_piece(text, change)
      return text.length, 0
    end
    if change.kind == 'e' then
      local text = text_of(room, seq)
      local stored = text.is_stored and not text.is_new and redis.call('GET', R .. 'gt:' .. seq .. ':' .. names[room]) or ''
      local whole = '"content":"' .. stored .. table.concat(text.parts) .. '",' .. change.text
      set_row(room, seq, with_args(row_text(room, seq), #GROWING, #GROWING, whole, 13 + text.width + change.width))
      drop_text(room, text)
      return change.length, 0
    end
    if change.kind == 'r' then
      local row = row_text(room, seq)
      set_row(room, seq, with_args(row, #change.was, change.at, change.args, change.args_width))
    end
    add_piece(begin_text(room, seq), change)
    return change.length, 0
  end

  local function store(i, part)
    local room, flags = room_of[i], flags_of[i]
    local change = change_of[i]
    local is_event = not change or change.kind == 'b' or change.kind == 'e'
    exists[room] = true
    local seq = seqs[room] + 1
    local numbers = string.format('%d %d', n + 1, seq)
    local stamped = numbers .. ts_text
    if is_event then
      n = n + 1
      seqs[room], last_of[room] = seq, n
    end
    if is_event then
      local row = stamped .. ' 0 ' .. argv[first_entry + 3 * i - 2]
      local list = rows_of[room]
      if list then list[#list + 1] = row else rows_of[room] = { row } end
      row_at[i] = row
    end
    local version, is_repeat, value
    if change then
      version, is_repeat, value = apply_change(i, seq)
      change.is_done = is_repeat == 0
      change.seq = change.kind == 'b' and seq or change.seq
      change.version, change.value = version, value
    end
    if flags.keyed then
      local field, bucket = field_at(i, part), bucket_of[i]
      local value = stamped .. ' ' .. argv[first_entry + 3 * i]
      local ack = part == 0 and ack_of[i]
      if ack then
        if bucket == 0 or #value + #ack < INLINE_MAX then value = value .. ' ' .. ack else new_acks[field] = ack end
      end
      if has_claims then ended[#ended + 1] = field end
      bindings[field] = value
      local writes = new_strings
      if bucket > 0 then
        writes = new_keys[bucket]
        if not writes then
          writes = {}
          new_keys[bucket] = writes
        end
      end
      local count = #writes
      writes[count + 1], writes[count + 2] = field, value
    end
    if is_event then return 's' .. numbers end
    if value then return 'v' .. string.format('%d', version) .. ' ' .. is_repeat, value end
    return 'c' .. string.format('%d', version) .. ' ' .. is_repeat
  end

  -- @returns the refusal of one whose numbers are of another log. A version of state is another one there, so the refusal
  -- says which there is.
  local function other_log(i)
    local epoch, room, change = epoch_of[i], room_of[i], change_of[i]
    if not epoch or (exists[room] and string.sub(packed[room], 53, 64) == epoch) then return nil end
    if not change or (change.kind ~= 's' and change.kind ~= 'd') then return 'P' end
    local known = fact_of(room, change.was)
    return 'S' .. string.format('%d', known and known.version or 0), known and known.value
  end

  local function single(i, members)
    if fenced_entry and fenced_entry[i] then return 'F' end
    if flags_of[i].too_large then return 'L' end
    local print, numbers, ack = find(i, 0)
    if print then return repeated(i, 0, print, numbers, ack) end
    if epoch_of then
      for _, member in ipairs(members or { i }) do
        local refusal, value = other_log(member)
        if refusal then return refusal .. (value and ' 1' or ''), value end
      end
    end
    if about_of[i] >= 0 and not has_content(room_of[i], about_of[i]) then return 'N' end
    if has_changes then
      for _, member in ipairs(members or { i }) do
        local refusal, value = change_refusal(member)
        if refusal then return refusal .. (value and ' 1' or ''), value end
      end
    end
    if limit_count > 0 then
      local refusal = take(members or { i })
      if refusal then return refusal end
    end
    return store(i, 0)
  end

  for i = 1, entry_count do
    if group_of[i] > 0 and flags_of[i].too_large then groups[group_of[i]].result = 'L' end
  end
  local results = {}
  for i = 1, entry_count do
    local result, ack
    local before = flags_of[i].shares_limits and results[i - 1]
    local limited = before and string.sub(before, 1, 1) == 'W' and before
    if group_of[i] == 0 then
      if limited then result = limited else result, ack = single(i) end
    else
      local fate = groups[group_of[i]]
      if not fate.result then
        if limited then result = limited else result, ack = single(i, fate.members) end
        fate.result, fate.ack = result, ack
      else
        fate.parts = fate.parts + 1
        local kind = string.sub(fate.result, 1, 1)
        if kind == 'd' or kind == 'a' then
          local print, numbers, kept = find(i, fate.parts)
          if print then result, ack = repeated(i, fate.parts, print, numbers, kept) else result = 'C' end
        elseif kind == 's' or kind == 'c' or kind == 'v' then result, ack = store(i, fate.parts)
        else
          result = fate.result
          if kind == 'S' or kind == 'K' then ack = fate.ack end
        end
      end
    end
    results[i] = result
    if ack then acks[#acks + 1] = ack end
  end

  -- What others receive, in the order of the batch.
  local frames = {}
  local everyone
  local others_of = {}
  local function others(nodes)
    local list = others_of[nodes]
    if list then return list end
    list = {}
    for _, other in ipairs(each_node(nodes)) do if other ~= node then list[#list + 1] = other end end
    others_of[nodes] = list
    return list
  end
  local targets, start_of = {}, {}
  local function targets_of(room)
    local list = targets[room]
    if list then return list end
    local name, text = names[room], packed[room]
    local nodes = string.sub(text, 65)
    if string.sub(name, 1, 5) == 'user:' then
      for _, other in ipairs(each_node(redis.call('HGET', R .. 'u', string.sub(name, 6)) or '')) do
        if not has_node(nodes, other) then nodes = nodes .. other end
      end
    end
    list = others(nodes)
    targets[room] = list
    start_of[room] = list[1] and 'E' .. widths[room] .. ' ' .. string.sub(text, 53, 64) .. name
    return list
  end
  local function signal(where)
    local from, to, audience, text = tonumber(argv[where + 2]), tonumber(argv[where + 3]), argv[where + 4], argv[where + 5]
    for i = from + 1, to do
      local kind = string.sub(results[i], 1, 1)
      if kind ~= 's' and kind ~= 'c' and kind ~= 'v' then return end
    end
    local reached = {}
    if audience == '*' then
      if not everyone then everyone = live_nodes(R) end
      for _, other in ipairs(everyone) do if other ~= node then add_frame(frames, other, text) end end
      return
    end
    for index in string.gmatch(audience, '%d+') do
      for _, other in ipairs(targets_of(tonumber(index))) do
        if not reached[other] then
          reached[other] = true
          add_frame(frames, other, text)
        end
      end
    end
  end
  local next_signal = 1
  for i = 0, entry_count do
    local row = row_at[i]
    if row then
      local room = room_of[i]
      local nodes = targets_of(room)
      for t = 1, #nodes do
        local list = frames[nodes[t]]
        if list then
          local count = #list
          list[count + 1], list[count + 2] = start_of[room], row
        else
          frames[nodes[t]] = { start_of[room], row }
        end
      end
    end
    local change = change_of[i]
    if change and change.is_state and change.is_done and change.kind ~= 'q' then
      local nodes = targets_of(room_of[i])
      local frame = nodes[1] and 'F{"roomId":' .. cjson.encode(names[room_of[i]]) .. ',"name":' .. change.args
        .. ',"version":' .. string.format('%d', change.version) .. (change.value and ',"value":' .. change.value or '') .. change.user .. '}\n'
      for t = 1, #nodes do add_frame(frames, nodes[t], frame) end
    elseif change and not change.is_state and change.is_done and change.kind ~= 'e' and (change.kind ~= 'b' or change.length > 0) then
      local room = room_of[i]
      local nodes = targets_of(room)
      local frame = nodes[1] and 'C{"roomId":' .. cjson.encode(names[room]) .. ',"seq":' .. change.seq .. ',"at":' .. change.at
        .. ',"length":' .. change.length .. ',"isResume":' .. (change.kind == 'r' and 'true' or 'false')
        .. ',"text":"' .. change.text .. '"}\n'
      for t = 1, #nodes do add_frame(frames, nodes[t], frame) end
    end
    while next_signal <= signal_count and tonumber(argv[at + 1]) == i do
      if not (fenced_signal and fenced_signal[next_signal]) then signal(at) end
      at = at + 5
      next_signal = next_signal + 1
    end
  end

  -- Writes.
  for room, list in pairs(texts) do
    local name = names[room]
    local writes, gone = {}, {}
    for seq, text in pairs(list) do
      if text and text.is_gone then
        if text.is_stored then
          gone[#gone + 1] = seq
          redis.call('DEL', R .. 'gt:' .. seq .. ':' .. name)
        end
      elseif text and (text.is_new or text.is_changed) then
        writes[#writes + 1] = seq
        writes[#writes + 1] = string.format('%d %d', text.length, text.width) .. ts_text
        if text.is_new and text.is_stored then redis.call('DEL', R .. 'gt:' .. seq .. ':' .. name) end
        if #text.parts > 0 then redis.call('APPEND', R .. 'gt:' .. seq .. ':' .. name, table.concat(text.parts)) end
      end
    end
    if #gone > 0 then redis.call('HDEL', R .. 'gr:' .. name, unpack(gone)) end
    hset(R .. 'gr:' .. name, writes)
  end
  for room, count in pairs(counts) do
    if count > 0 then redis.call('HSET', R .. 'gr', names[room], count) else redis.call('HDEL', R .. 'gr', names[room]) end
  end
  for room, list in pairs(facts) do
    local writes, gone = {}, {}
    for key, fact in pairs(list) do
      if fact and fact.is_gone then gone[#gone + 1] = key
      elseif fact and fact.is_changed then
        writes[#writes + 1] = key
        writes[#writes + 1] = string.format('%d', fact.version) .. ' ' .. fact.value
      end
    end
    if #gone > 0 then in_chunks(gone, function(...) redis.call('HDEL', R .. 'fa:' .. names[room], ...) end) end
    hset(R .. 'fa:' .. names[room], writes)
  end
  for room, state in pairs(versions) do
    if state.is_changed then redis.call('HSET', R .. 'fv', names[room], string.format('%d %d', state.fv, state.count)) end
  end
  for room, list in pairs(rewritten) do
    for seq, text in pairs(list) do redis.call('LSET', R .. 'l:' .. names[room], seq - firsts[room], text) end
  end
  local changed, due = {}, {}
  for i = 1, room_count do
    local rows = rows_of[i]
    if not rows and made[i] and not redis.call('HGET', R .. 'rooms', names[i]) then
      changed[#changed + 1] = names[i]
      changed[#changed + 1] = packed[i]
    end
    if rows then
      local list, rest = R .. 'l:' .. names[i], string.sub(packed[i], 25)
      local over = seqs[i] - firsts[i] + 1 - kept[i]
      if over > math.floor(kept[i] / 10) then
        local last = over <= lengths[i] and redis.call('LINDEX', list, over - 1) or rows[over - lengths[i]]
        rest = struct.pack(ROOM_FRONT, firsts[i] + over, kept[i], n_of(last)) .. string.sub(rest, 21)
      else
        over = 0
      end
      if #rows == 1 then redis.call('RPUSH', list, rows[1])
      else in_chunks(rows, function(...) redis.call('RPUSH', list, ...) end) end
      if over > 0 then redis.call('LTRIM', list, over, -1) end
      local count = #changed
      changed[count + 1], changed[count + 2] = names[i], struct.pack(ROOM_HEAD, seqs[i], last_of[i], ts) .. rest
      if lengths[i] < 1 then
        due[#due + 1] = ts + (age > 0 and age or FOREVER_MS)
        due[#due + 1] = names[i]
      end
    end
  end
  hset(R .. 'rooms', changed)
  if #due > 0 then in_chunks(due, function(...) redis.call('ZADD', R .. 'age', ...) end) end

  for i = 1, #new_strings, 2 do
    redis.call('SET', R .. 'k:' .. new_strings[i], new_strings[i + 1], 'PX', window + MINUTE_MS)
  end
  for bucket, list in pairs(new_keys) do
    local key = R .. 'k:' .. buckets[bucket]
    hset(key, list)
    local made = tonumber(buckets[bucket]) * 1000
    -- From clients whose clocks are ahead, or that send late, the bucket must outlive the latest that came.
    local ahead = made > clock + HOUR_MS
    local left = (ahead and 0 or math.max(0, made - clock)) + window + 2 * MINUTE_MS
    redis.call('PEXPIRE', key, left, 'NX')
    if ahead or clock > made + MINUTE_MS then redis.call('PEXPIRE', key, left, 'GT') end
  end
  for field, ack in pairs(new_acks) do redis.call('SET', R .. 'a:' .. field, ack, 'PX', window + MINUTE_MS) end
  if #ended > 0 then in_chunks(ended, function(...) redis.call('HDEL', R .. 'c', ...) end) end
  for scope, minute in pairs(minutes) do count_in(R, scope, minute.most, minute.count, clock) end

  local result = { 'OK', ns.k, ts, table.concat(results, ',') }
  for i = 1, #acks do result[4 + i] = acks[i] end
  if has_fences then result[#result + 1] = #lost > 0 and cjson.encode(lost) or '[]' end
  keep_result(R, node, serial, result)
  local deaf = tell(R, keys[1], frames, { 'n', n, 'ts', ts, 'c:' .. node, serial })
  if #deaf > 0 then
    local left = {}
    for i = 1, room_count do
      local packed_room = exists[i] and redis.call('HGET', R .. 'rooms', names[i])
      if packed_room then
        local room = unpack_room(packed_room)
        local before = room.nodes
        for _, gone in ipairs(deaf) do room.nodes = without_node(room.nodes, gone) end
        if room.nodes ~= before then
          left[#left + 1] = names[i]
          left[#left + 1] = pack_room(room)
          for _, gone in ipairs(deaf) do redis.call('SREM', R .. 'i:' .. gone, names[i]) end
        end
      end
    end
    hset(R .. 'rooms', left)
  end
  return result
end
