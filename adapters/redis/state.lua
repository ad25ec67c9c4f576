-- What the scripts of logs have in common begins them.
--
-- A topic's log is a stream and a hash. An entry of the stream has as its id
-- the sequence number, counted from 1 by one, and the time in ms; as "b" the
-- bytes of all events before it in this epoch, and as "e" the event. The hash
-- has the epoch, run (whose it is, see below), last (sequence number), time
-- (of the last), total (bytes of all events ever), gone (those of them that
-- are known to be trimmed), check (when to look for what is too old), and
-- until (when the keys expire).
--
-- An epoch ends when one of its keys is not there (flushed, evicted, expired,
-- lost in a crash), and when the server is not the primary that it was: it
-- may lack the last events then, and would give their numbers to others. That
-- is told by the replication id, which a server draws when it starts and when
-- it becomes a primary. A run id would not tell: a primary that was replaced,
-- and then replaces its replacement, still has its own.

local stream, hash = KEYS[1], KEYS[2]
local fresh, count, bytes, age = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local life = tonumber(ARGV[5]) -- renewed when half of it is over

local run = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if not run then return redis.error_reply('ERR INFO replication has no master_replid, by which a lost log is known') end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local epoch, last, time, total, gone, check, expires = fresh, 0, 0, 0, 0, 0, 0
local begun = true
local known = redis.call('HMGET', hash, 'run', 'epoch', 'last', 'time', 'total', 'gone', 'check', 'until')
if known[1] == run and (known[3] == '0' or redis.call('EXISTS', stream) == 1) then
	begun, epoch, last, time = false, known[2], tonumber(known[3]), tonumber(known[4])
	total, gone, check, expires = tonumber(known[5]), tonumber(known[6]), tonumber(known[7]), tonumber(known[8])
else
	redis.call('UNLINK', stream, hash)
end

local function id(seq, ms) return string.format('%.0f-%.0f', seq, ms) end
local function seqOf(entry) return tonumber(string.match(entry[1], '^%d+')) end

-- trim drops what is too old and what is too much, found by halving.
local function trim()
	local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
	local cut, kept = last + 1, last + 1
	if oldest then cut = seqOf(oldest) end
	gone = total
	while cut < kept do
		local middle = math.floor((cut + kept) / 2)
		local entry = redis.call('XRANGE', stream, id(middle, 0), '+', 'COUNT', 1)[1]
		local before = tonumber(entry[2][2])
		if total - before > bytes or now - tonumber(string.match(entry[1], '%d+$')) >= age then
			cut = middle + 1
		else
			kept, gone = middle, before
		end
	end
	redis.call('XTRIM', stream, 'MINID', id(cut, 0))
	check = now + math.min(age / 8, 2000)
end

local function due() return now >= check or check > now + 2000 end
local function fading() return now > expires - life / 2 end

local function save(renew)
	if renew then expires = now + life end
	redis.call('HSET', hash, 'run', run, 'epoch', epoch, 'last', last, 'time', time,
		'total', total, 'gone', gone, 'check', check, 'until', expires)
	if renew then
		redis.call('PEXPIRE', hash, life)
		redis.call('PEXPIRE', stream, life)
	end
end
