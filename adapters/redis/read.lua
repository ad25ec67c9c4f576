-- Returns the epoch, the last sequence number, that of the first event read, and
-- the events behind a position: as many as asked for, but not many more than
-- 1 MiB. For a position of another epoch there are none.
local after, from, limit = ARGV[6], tonumber(ARGV[7]) + 1, tonumber(ARGV[8])
local look = last > 0 and due()
if look then trim() end
if begun or look or fading() then save(begun or fading()) end

local page = {epoch, last, 0}
if after ~= '' and after ~= epoch then return page end
from = math.max(from, last - count + 1) -- MAXLEN leaves some more
local size, some = 0, 8
while limit > 0 and from <= last and size < 1048576 do
	local part = redis.call('XRANGE', stream, id(from, 0), '+', 'COUNT', math.min(limit, some))
	if #part == 0 then break end
	if page[3] == 0 then from, page[3] = seqOf(part[1]), seqOf(part[1]) end
	if seqOf(part[#part]) ~= from + #part - 1 then return redis.error_reply('ERR entries were deleted out of the stream of a log') end
	for _, entry in ipairs(part) do
		page[#page + 1] = entry[2][4]
		size = size + #entry[2][4]
	end
	from, limit, some = from + #part, limit - #part, some * 4
end
return page
