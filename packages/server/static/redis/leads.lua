-- What runs once: the highest fence of each name that may publish here.
--   R:leads hash   name -> fence

-- argv: name, fence.
F.raiseFence = function(keys, argv)
  local key = prefix_of(keys) .. 'leads'
  local known = redis.call('HGET', key, argv[1])
  if not known or tonumber(known) < tonumber(argv[2]) then redis.call('HSET', key, argv[1], argv[2]) end
  return 1
end
