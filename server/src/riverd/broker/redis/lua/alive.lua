-- How many nodes have a lease that is not over.  KEYS: nodes, claims (with the leases' clock).
return redis.call('ZCOUNT', KEYS[1], redis.call('HGET', KEYS[2], 'clock') or '-inf', '+inf')
