-- Names of guests, and guests who poll.
--   R:g hash          name -> node that has it, 8 characters, and id of the guest
--   R:go:<node> set   names of a node, to clear up after it
--   R:gp:<key> list   guests between two polls

-- argv: node, guest, names, connection. @returns which of them is the guest's now, from 1, or 0
F.takeName = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  local node, guest = argv[1], argv[2]
  for i = 3, #argv do
    local holder = redis.call('HGET', R .. 'g', argv[i])
    if not holder or string.sub(holder, 9) == guest then
      if holder then redis.call('SREM', R .. 'go:' .. string.sub(holder, 1, 8), argv[i]) end
      redis.call('HSET', R .. 'g', argv[i], node .. guest)
      redis.call('SADD', R .. 'go:' .. node, argv[i])
      return i - 2
    end
  end
  return 0
end

-- argv: node, guest, names, connection
F.releaseNames = function(keys, argv)
  if is_late(keys, argv) then return { 'REAPED' } end
  local R = prefix_of(keys)
  for i = 3, #argv do
    if redis.call('HGET', R .. 'g', argv[i]) == argv[1] .. argv[2] then
      redis.call('HDEL', R .. 'g', argv[i])
      redis.call('SREM', R .. 'go:' .. argv[1], argv[i])
    end
  end
  return 1
end

-- argv: key of the poll, guest, for how many ms
F.keepPoller = function(keys, argv)
  local list = prefix_of(keys) .. 'gp:' .. argv[1]
  redis.call('RPUSH', list, argv[2])
  redis.call('LTRIM', list, -100, -1)
  return redis.call('PEXPIRE', list, argv[3])
end

-- argv: key of the poll. @returns the guest, or ''
F.takePoller = function(keys, argv)
  return redis.call('LPOP', prefix_of(keys) .. 'gp:' .. argv[1]) or ''
end

-- argv: key of the poll, guest
F.dropPoller = function(keys, argv)
  return redis.call('LREM', prefix_of(keys) .. 'gp:' .. argv[1], 1, argv[2])
end

-- A slice of the names of a node that is gone. @returns whether there may be more
local function reap_names(R, node)
  local names = redis.call('SPOP', R .. 'go:' .. node, 200)
  for _, name in ipairs(names) do
    local holder = redis.call('HGET', R .. 'g', name)
    if holder and string.sub(holder, 1, 8) == node then redis.call('HDEL', R .. 'g', name) end
  end
  return #names > 0
end
