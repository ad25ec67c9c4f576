-- Adds an event and publishes it, as parseFrame reads it. An event that cannot be
-- published is in the log all the same: nodes find it there.
local event, size, publish = ARGV[6], tonumber(ARGV[7]), ARGV[8]
local first = last == 0
last, time = last + 1, math.max(now, time)
redis.call('XADD', stream, 'MAXLEN', '~', count, id(last, time), 'b', total, 'e', event)
total = total + size
if total - gone > bytes * 1.125 or due() then trim() end
save(first or fading())
redis.pcall(publish, stream, '+' .. epoch .. ' ' .. string.format('%.0f', last) .. ' ' .. event)
return {epoch, last}
