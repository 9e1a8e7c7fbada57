-- The documents of a namespace, shared by several nodes. All keys have the prefix R, so one server of a Cluster holds them:
--   R:docs hash        form, documents and bytes in all, per node k:<node> messages sent to it
--   R:d:<id> hash      title owner account locked created changed bytes v tag sv sb nodes
--   R:u:<id> stream    changes, by the number v; each with the tag of the call that stored it
--   R:s:<id> string    the snapshot: changes up to sv, folded into one
--   R:f:<id> string    who folds it at the moment
--   R:ad, R:ab hashes  documents and bytes of each account
--   R:changed zset     ids by their latest change; R:gone zset: names of removed documents by the time of the removal
--   R:nodes zset       node -> end of its lease; R:i:<node> set: what it has open; R:c:<node> hash: its latest call
-- Redis does not roll a failed script back, so each call reads and decides first and writes last.
local F = {}

local LEASE_MS = 8000
local FOLD_MS = 60000
local KEPT_MS = 60000
local SLICE = 200
local GONE_MAX = 100000
-- A larger change is announced, and read by those who want it: what waits for a slow node has a bound in Redis.
local INLINE_MAX = 262144

local function prefix_of(keys)
  return string.sub(keys[1], 1, -5)
end

local function time(given)
  if given ~= '' then return tonumber(given) end
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function each_node(nodes)
  local list = {}
  for at = 1, #nodes, 8 do list[#list + 1] = string.sub(nodes, at, at + 7) end
  return list
end

local function has_node(nodes, node)
  for _, each in ipairs(each_node(nodes)) do
    if each == node then return true end
  end
  return false
end

local function without_node(nodes, node)
  local kept = {}
  for _, each in ipairs(each_node(nodes)) do
    if each ~= node then kept[#kept + 1] = each end
  end
  return table.concat(kept)
end

local function read_document(R, id)
  local f = redis.call('HMGET', R .. 'd:' .. id, 'title', 'owner', 'account', 'locked', 'created', 'changed', 'bytes', 'v',
    'tag', 'sv', 'sb', 'nodes')
  return {
    id = id, title = f[1], owner = f[2], account = f[3], locked = f[4], created = f[5], changed = tonumber(f[6] or 0),
    bytes = tonumber(f[7] or 0), v = tonumber(f[8] or 0), tag = f[9] or '', sv = tonumber(f[10] or 0),
    sb = tonumber(f[11] or 0), nodes = f[12] or '',
  }
end

local function is_gone(R, id)
  return redis.call('ZSCORE', R .. 'gone', id) ~= false
end

local function record_of(doc)
  if not doc.created then return { 0 } end
  return {
    1, doc.id, doc.title, doc.owner, doc.account, doc.locked, tonumber(doc.created), doc.changed, doc.bytes,
  }
end

-- One frame: a line that says what it is and how many bytes follow, then these.
local function frame(kind, id, v, tag, account, bytes)
  return cjson.encode({ kind, id, v, tag, account, #bytes }) .. '\n' .. bytes
end

local function add(frames, nodes, except, text)
  for _, node in ipairs(each_node(nodes)) do
    if node ~= except then
      local list = frames[node]
      if list then list[#list + 1] = text else frames[node] = { text } end
    end
  end
end

-- One numbered message for each node that receives something, as long as it has a lease.
local function tell(R, key, frames)
  for node, list in pairs(frames) do
    if redis.call('HEXISTS', key, 'k:' .. node) == 1 then
      local k = redis.call('HINCRBY', key, 'k:' .. node, 1)
      redis.call('SPUBLISH', R .. 'mb:' .. node, k .. '\n' .. table.concat(list))
    end
  end
end

-- A call of a node is executed once: one that is sent again gets the answer of the first time.
local function guard(R, node, serial)
  if not redis.call('ZSCORE', R .. 'nodes', node) then return { 'REAPED' } end
  local kept = redis.call('HMGET', R .. 'c:' .. node, 'serial', 'reply')
  local last = tonumber(kept[1] or 0)
  if serial > last then return nil end
  if serial == last then return cmsgpack.unpack(kept[2]) end
  return { 'LOST' }
end

local function keep(R, node, serial, reply)
  redis.call('HSET', R .. 'c:' .. node, 'serial', serial, 'reply', cmsgpack.pack(reply))
  return reply
end

local function usage_of(R, accounts, account)
  local known = accounts[account]
  if known then return known end
  known = {
    documents = tonumber(redis.call('HGET', R .. 'ad', account) or 0),
    bytes = tonumber(redis.call('HGET', R .. 'ab', account) or 0),
  }
  accounts[account] = known
  return known
end

-- Counts what changed; an account that has nothing is forgotten.
local function count(R, key, account, documents, bytes)
  redis.call('HINCRBY', key, 'documents', documents)
  redis.call('HINCRBY', key, 'bytes', bytes)
  if redis.call('HINCRBY', R .. 'ad', account, documents) <= 0 then redis.call('HDEL', R .. 'ad', account) end
  if redis.call('HINCRBY', R .. 'ab', account, bytes) <= 0 then redis.call('HDEL', R .. 'ab', account) end
end

-- argv: node, now, form, serial of the node's latest call. @returns OK, k, 1 when Redis did not know the node; or FORM, form
F.register = function(keys, argv)
  local R = prefix_of(keys)
  local node, clock = argv[1], time(argv[2])
  local form = tonumber(redis.call('HGET', keys[1], 'form') or argv[3])
  if form > tonumber(argv[3]) then return { 'FORM', form } end
  redis.call('HSET', keys[1], 'form', argv[3])
  local is_new = redis.call('HSETNX', keys[1], 'k:' .. node, 0)
  redis.call('PERSIST', R .. 'c:' .. node)
  redis.call('ZADD', R .. 'nodes', clock + LEASE_MS, node)
  return { 'OK', tonumber(redis.call('HGET', keys[1], 'k:' .. node)), is_new }
end

-- argv: node, now. @returns OK, k, then nodes whose lease is over
F.renew = function(keys, argv)
  local R = prefix_of(keys)
  local node, clock = argv[1], time(argv[2])
  local own = tonumber(redis.call('ZSCORE', R .. 'nodes', node) or 0)
  local k = redis.call('HGET', keys[1], 'k:' .. node)
  if own == 0 or not k then return { 'REAPED' } end
  local late = redis.call('ZRANGEBYSCORE', R .. 'nodes', '-inf', clock)
  redis.call('ZADD', R .. 'nodes', clock + LEASE_MS, node)
  local reply = { 'OK', tonumber(k) }
  for _, other in ipairs(late) do
    if other ~= node then
      -- If its own lease is over too, Redis was away: no lease could be renewed, and none of the others is dead for that.
      if own <= clock then redis.call('ZADD', R .. 'nodes', clock + LEASE_MS, other) else reply[#reply + 1] = other end
    end
  end
  return reply
end

local function leave_documents(R, node, ids)
  for _, id in ipairs(ids) do
    local doc = read_document(R, id)
    local nodes = without_node(doc.nodes, node)
    if doc.created then redis.call('HSET', R .. 'd:' .. id, 'nodes', nodes)
    elseif nodes == '' then redis.call('DEL', R .. 'd:' .. id)
    else redis.call('HSET', R .. 'd:' .. id, 'nodes', nodes) end
  end
end

-- A slice of what a dead node has left. The others learn of it first: its cursors are gone.
-- argv: dead node, now, 'leave' when the node itself says goodbye. @returns 1 while there is more
F.reap = function(keys, argv)
  local R = prefix_of(keys)
  local dead, clock = argv[1], time(argv[2])
  local lease = tonumber(redis.call('ZSCORE', R .. 'nodes', dead) or 0)
  if argv[3] ~= 'leave' and lease > clock then return 0 end
  if redis.call('HDEL', keys[1], 'k:' .. dead) == 1 then
    local frames = {}
    local others = table.concat(redis.call('ZRANGE', R .. 'nodes', 0, -1))
    add(frames, others, dead, frame('gone', dead, 0, '', '', ''))
    tell(R, keys[1], frames)
  end
  local ids = redis.call('SPOP', R .. 'i:' .. dead, SLICE)
  if #ids > 0 then
    leave_documents(R, dead, ids)
    return 1
  end
  redis.call('ZREM', R .. 'nodes', dead)
  redis.call('PEXPIRE', R .. 'c:' .. dead, KEPT_MS)
  return 0
end

-- A document, for a node that knows it up to the change v with this tag: what came after it, or all of it where the log does
-- not have that change any more. argv: node, id, v, tag, 'follow' from when on the node is told of changes.
-- @returns OK, record, v, tag, 1 when only what came after v follows, other nodes that have it open, 1 when it was removed;
--   then the changes
F.open = function(keys, argv)
  local R = prefix_of(keys)
  local node, id, v, tag, follows = argv[1], argv[2], tonumber(argv[3]), argv[4], argv[5] == 'follow'
  if follows and not redis.call('ZSCORE', R .. 'nodes', node) then return { 'REAPED' } end
  if is_gone(R, id) then return { 'OK', { 0 }, 0, '', 0, '', 1 } end
  local doc = read_document(R, id)
  if follows then
    if not has_node(doc.nodes, node) then redis.call('HSET', R .. 'd:' .. id, 'nodes', doc.nodes .. node) end
    redis.call('SADD', R .. 'i:' .. node, id)
  end
  local is_same = v > 0 and v == doc.v and tag == doc.tag
  if v > 0 and v < doc.v then
    local entry = redis.call('XRANGE', R .. 'u:' .. id, v, v)[1]
    if entry then is_same = entry[2][4] == tag end
  end
  local reply = { 'OK', record_of(doc), doc.v, doc.tag, is_same and 1 or 0, without_node(doc.nodes, node), 0 }
  if not is_same then
    local snapshot = redis.call('GET', R .. 's:' .. id)
    if snapshot then reply[#reply + 1] = snapshot end
  end
  for _, entry in ipairs(redis.call('XRANGE', R .. 'u:' .. id, is_same and ('(' .. v) or '-', '+')) do
    reply[#reply + 1] = entry[2][2]
  end
  return reply
end

-- argv: node, ids that it has open no longer
F.close = function(keys, argv)
  local R = prefix_of(keys)
  local ids = {}
  for i = 2, #argv do ids[#ids + 1] = argv[i] end
  if #ids == 0 then return 0 end
  redis.call('SREM', R .. 'i:' .. argv[1], unpack(ids))
  leave_documents(R, argv[1], ids)
  return #ids
end

-- What nodes say to each other about a document, and nothing keeps. argv: node, id, kind, bytes, node that it is for or all
F.signal = function(keys, argv)
  local R = prefix_of(keys)
  local node, id, kind, bytes, to = argv[1], argv[2], argv[3], argv[4], argv[5]
  if not redis.call('ZSCORE', R .. 'nodes', node) then return { 'REAPED' } end
  local nodes = redis.call('HGET', R .. 'd:' .. id, 'nodes') or ''
  if to ~= '' then nodes = has_node(nodes, to) and to or '' end
  local frames = {}
  add(frames, nodes, node, frame(kind, id, 0, node, '', bytes))
  tell(R, keys[1], frames)
  return { 'OK' }
end

-- argv: node, serial, now, most documents, documents of an account, bytes of an account, bytes; changes and bytes that make a
-- document long; then per change: id, user, account, 'free' when no bound refuses it, bytes.
-- @returns OK, the tag of this call, then per change its number or why it is refused, the document's account, and 1 when it is to be folded
F.append = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial, clock = argv[1], tonumber(argv[2]), time(argv[3])
  local kept = guard(R, node, serial)
  if kept then return kept end
  local most, most_own = tonumber(argv[4]), tonumber(argv[5])
  local bytes_own, bytes_all = tonumber(argv[6]), tonumber(argv[7])
  local long_updates, long_bytes = tonumber(argv[8]), tonumber(argv[9])
  local totals = redis.call('HMGET', keys[1], 'documents', 'bytes')
  local documents, total = tonumber(totals[1] or 0), tonumber(totals[2] or 0)
  local tag = node .. serial
  local docs, order, accounts, counted, reply, frames = {}, {}, {}, {}, { 'OK', tag }, {}
  for at = 10, #argv, 5 do
    local id, owner, account, update = argv[at], argv[at + 1], argv[at + 2], argv[at + 4]
    local doc = docs[id]
    if not doc then
      doc = read_document(R, id)
      doc.isGone = is_gone(R, id)
      doc.added = {}
      docs[id] = doc
      order[#order + 1] = doc
    end
    local refusal = nil
    if doc.isGone then refusal = 'FORBIDDEN' else
      local payer = doc.created and doc.account or account
      local own, is_bounded = usage_of(R, accounts, payer), argv[at + 3] == ''
      local is_own = payer ~= ''
      if is_bounded and not doc.created and ((is_own and own.documents >= most_own) or documents >= most) then
        refusal = 'TOO_MANY_DOCUMENTS'
      elseif is_bounded and ((is_own and own.bytes + #update > bytes_own) or total + #update > bytes_all) then
        refusal = 'QUOTA_EXCEEDED'
      else
        if not doc.created then
          doc.title, doc.owner, doc.account, doc.locked, doc.created = id, owner, account, '0', clock
          doc.isNew = true
          own.documents = own.documents + 1
          documents = documents + 1
        end
        doc.v = doc.v + 1
        doc.bytes = doc.bytes + #update
        own.bytes = own.bytes + #update
        total = total + #update
        doc.added[#doc.added + 1] = { doc.v, update }
      end
    end
    reply[#reply + 1] = refusal or doc.v
    reply[#reply + 1] = doc.account or ''
    counted[#counted + 1] = doc
  end
  for i, doc in ipairs(counted) do
    local is_long = doc.v - doc.sv >= long_updates or doc.bytes - doc.sb >= doc.sb + long_bytes
    table.insert(reply, 2 + 3 * i, (not doc.isGone and is_long) and 1 or 0)
  end
  for _, doc in ipairs(order) do
    local grown = 0
    for _, entry in ipairs(doc.added) do
      local v, update = entry[1], entry[2]
      redis.call('XADD', R .. 'u:' .. doc.id, v, 'u', update, 't', tag)
      grown = grown + #update
      local kind, body = 'update', update
      if #update > INLINE_MAX then kind, body = 'large', '' end
      add(frames, doc.nodes, node, frame(kind, doc.id, v, tag, doc.account, body))
    end
    if #doc.added > 0 then
      local changed = math.max(clock, doc.changed)
      redis.call('HSET', R .. 'd:' .. doc.id, 'title', doc.title, 'owner', doc.owner, 'account', doc.account, 'locked',
        doc.locked, 'created', doc.created, 'changed', changed, 'bytes', doc.bytes, 'v', doc.v, 'tag', tag)
      redis.call('ZADD', R .. 'changed', changed, doc.id)
      count(R, keys[1], doc.account, doc.isNew and 1 or 0, grown)
    end
  end
  keep(R, node, serial, reply)
  tell(R, keys[1], frames)
  return reply
end

-- argv: node, serial, now, most documents, documents of an account, id, title, owner, account.
-- @returns OK and the record; or TAKEN, TOO_MANY_DOCUMENTS
F.create = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial, clock = argv[1], tonumber(argv[2]), time(argv[3])
  local kept = guard(R, node, serial)
  if kept then return kept end
  local id, title, owner, account = argv[6], argv[7], argv[8], argv[9]
  local doc = read_document(R, id)
  if doc.created or is_gone(R, id) then return keep(R, node, serial, { 'TAKEN' }) end
  local documents = tonumber(redis.call('HGET', keys[1], 'documents') or 0)
  local own = usage_of(R, {}, account)
  if documents >= tonumber(argv[4]) or (account ~= '' and own.documents >= tonumber(argv[5])) then
    return keep(R, node, serial, { 'TOO_MANY_DOCUMENTS' })
  end
  redis.call('HSET', R .. 'd:' .. id, 'title', title, 'owner', owner, 'account', account, 'locked', '0', 'created', clock,
    'changed', clock, 'bytes', 0, 'v', 0)
  redis.call('ZADD', R .. 'changed', clock, id)
  count(R, keys[1], account, 1, 0)
  return keep(R, node, serial, { 'OK', record_of(read_document(R, id)) })
end

-- argv: node, serial, now, id, '1' and a title or '0' and nothing, locked as '0', '1' or ''. @returns OK and the record
F.change = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial, clock = argv[1], tonumber(argv[2]), time(argv[3])
  local kept = guard(R, node, serial)
  if kept then return kept end
  local id = argv[4]
  local doc = read_document(R, id)
  if not doc.created then return keep(R, node, serial, { 'OK', { 0 } }) end
  if argv[5] == '1' then
    local changed = math.max(clock, doc.changed)
    redis.call('HSET', R .. 'd:' .. id, 'title', argv[6], 'changed', changed)
    redis.call('ZADD', R .. 'changed', changed, id)
  end
  if argv[7] ~= '' then redis.call('HSET', R .. 'd:' .. id, 'locked', argv[7]) end
  local frames = {}
  add(frames, doc.nodes, node, frame('recheck', id, 0, '', '', ''))
  local reply = keep(R, node, serial, { 'OK', record_of(read_document(R, id)) })
  tell(R, keys[1], frames)
  return reply
end

-- Rules are to be asked again. argv: node, serial, now, id
F.recheck = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial = argv[1], tonumber(argv[2])
  local kept = guard(R, node, serial)
  if kept then return kept end
  local frames = {}
  local reply = keep(R, node, serial, { 'OK' })
  add(frames, redis.call('HGET', R .. 'd:' .. argv[4], 'nodes') or '', node, frame('recheck', argv[4], 0, '', '', ''))
  tell(R, keys[1], frames)
  return reply
end

-- Its content goes, its name is remembered. argv: node, serial, now, id. @returns OK, 1 when it was there, its account
F.remove = function(keys, argv)
  local R = prefix_of(keys)
  local node, serial, clock = argv[1], tonumber(argv[2]), time(argv[3])
  local kept = guard(R, node, serial)
  if kept then return kept end
  local id = argv[4]
  local doc = read_document(R, id)
  if not doc.created then return keep(R, node, serial, { 'OK', 0, '' }) end
  local frames = {}
  add(frames, doc.nodes, node, frame('removed', id, 0, '', '', ''))
  local reply = keep(R, node, serial, { 'OK', 1, doc.account })
  redis.call('UNLINK', R .. 'd:' .. id, R .. 'u:' .. id, R .. 's:' .. id, R .. 'f:' .. id)
  redis.call('ZREM', R .. 'changed', id)
  redis.call('ZADD', R .. 'gone', clock, id)
  redis.call('ZREMRANGEBYRANK', R .. 'gone', 0, -GONE_MAX - 1)
  count(R, keys[1], doc.account, -1, -doc.bytes)
  tell(R, keys[1], frames)
  return reply
end

-- argv: id
F.find = function(keys, argv)
  return record_of(read_document(prefix_of(keys), argv[1]))
end

-- Newest change first. argv: limit, changedAt and id of the last one that is known, or ''. @returns records
F.list = function(keys, argv)
  local R = prefix_of(keys)
  local limit, below, last = tonumber(argv[1]), argv[2] == '' and '+inf' or argv[2], argv[3]
  local records, offset = {}, 0
  while #records < limit do
    local page = redis.call('ZREVRANGEBYSCORE', R .. 'changed', below, '-inf', 'WITHSCORES', 'LIMIT', offset, SLICE)
    for i = 1, #page, 2 do
      local is_after = below == '+inf' or tonumber(page[i + 1]) < tonumber(below) or page[i] < last
      if is_after and #records < limit then records[#records + 1] = record_of(read_document(R, page[i])) end
    end
    offset = offset + SLICE
    if #page < 2 * SLICE then break end
  end
  return records
end

-- argv: an account, or nothing for all. @returns documents, bytes
F.usage = function(keys, argv)
  local R = prefix_of(keys)
  if #argv == 0 then
    local totals = redis.call('HMGET', keys[1], 'documents', 'bytes')
    return { tonumber(totals[1] or 0), tonumber(totals[2] or 0) }
  end
  local own = usage_of(R, {}, argv[1])
  return { own.documents, own.bytes }
end

-- Begins a fold, unless another one is under way. The token is written after everything that is read here: a log that loses
-- some of that has lost the token as well. argv: id, token. @returns OK, sv, v, bytes of the snapshot, 1 when there is one,
-- then what there is; or BUSY, or NOTHING
F.beginFold = function(keys, argv)
  local R = prefix_of(keys)
  local id, token = argv[1], argv[2]
  local doc = read_document(R, id)
  if not doc.created or doc.v == doc.sv then return { 'NOTHING' } end
  if not redis.call('SET', R .. 'f:' .. id, token, 'NX', 'PX', FOLD_MS) then return { 'BUSY' } end
  local snapshot = redis.call('GET', R .. 's:' .. id)
  local reply = { 'OK', doc.sv, doc.v, doc.sb, snapshot and 1 or 0 }
  if snapshot then reply[#reply + 1] = snapshot end
  for _, entry in ipairs(redis.call('XRANGE', R .. 'u:' .. id, '-', '+')) do reply[#reply + 1] = entry[2][2] end
  return reply
end

-- Writes the snapshot of the changes up to v, if it is still this fold's turn and the snapshot is still the one that it
-- read; then drops these changes. argv: id, token, sv that was read, v, bytes of the changes that were read, snapshot
F.endFold = function(keys, argv)
  local R = prefix_of(keys)
  local id, token, sv, v, folded, snapshot = argv[1], argv[2], tonumber(argv[3]), tonumber(argv[4]), tonumber(argv[5]), argv[6]
  if redis.call('GET', R .. 'f:' .. id) ~= token then return 0 end
  local doc = read_document(R, id)
  redis.call('DEL', R .. 'f:' .. id)
  if not doc.created or doc.sv ~= sv or doc.v < v then return 0 end
  local change = #snapshot - doc.sb - folded
  redis.call('SET', R .. 's:' .. id, snapshot)
  redis.call('XTRIM', R .. 'u:' .. id, 'MINID', v + 1)
  redis.call('HSET', R .. 'd:' .. id, 'sv', v, 'sb', #snapshot, 'bytes', doc.bytes + change)
  count(R, keys[1], doc.account, 0, change)
  return 1
end
