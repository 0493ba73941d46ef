-- wrk's script: each request carries the next line of a file.
--     wrk -s lines.lua URL -- REQUEST LINES FIRST COUNT round|once CONNECTIONS
-- REQUEST is a file of the bytes to send, with %%LINE%% in the line's place. `round` starts at line
-- FIRST of COUNT and begins again after the last; `once` sends COUNT lines from FIRST on and ends
-- when all answers are there.
local ffi = require "ffi"
ffi.cdef [[ int getpid(void); int kill(int, int); ]]
local kInterrupt = 2

local lines, before, after = {}, "", ""
local at, left, once, busy = 0, 0, false, 0
local looked = false

function init(arguments)
  local request = assert(io.open(arguments[1], "rb")):read("*a")
  local from, to = request:find("%%LINE%%", 1, true)
  before, after = request:sub(1, from - 1), request:sub(to + 1)
  local first, count = tonumber(arguments[3]), tonumber(arguments[4])
  once = arguments[5] == "once"
  busy = tonumber(arguments[6])
  local skip = once and first or 0
  local number = 0
  for line in io.lines(arguments[2]) do
    number = number + 1
    if number > skip + count then break end
    if number > skip then lines[#lines + 1] = line end
  end
  assert(#lines > 0, "no lines left in " .. arguments[2])
  at = once and 0 or first % #lines
  left = once and #lines or math.huge
end

function request()
  -- wrk asks for one that it does not send, to see whether it is well formed.
  if not looked then
    looked = true
    return before .. lines[1] .. after
  end
  if left == 0 then
    -- Nothing to send: this connection rests, and the last of them to do so ends the run.
    busy = busy - 1
    if busy == 0 then
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), kInterrupt)
    end
    return ""
  end
  left = left - 1
  at = at % #lines + 1
  return before .. lines[at] .. after
end
