-- wrk's script: each request carries the next line of a file.
--     wrk -s lines.lua URL -- REQUEST LINES FIRST COUNT round|once CONNECTIONS [PAUSE]
-- REQUEST is a file of the bytes to send, with %%LINE%% in the line's place. `round` starts at line
-- FIRST of COUNT and begins again after the last; `once` sends COUNT lines from FIRST on and ends
-- when all answers are there. With PAUSE (ms) a connection rests before each next request.
-- At its end `once` prints "took N" (us), for wrk's own clock is that of the option -d.
local ffi = require "ffi"
ffi.cdef [[
  struct timeval { long seconds; long microseconds; };
  int gettimeofday(struct timeval* time, void* zone);
  int getpid(void);
  int kill(int process, int signal);
  int usleep(unsigned microseconds);
]]
local kInterrupt = 2

-- Of the thread; `done` reads them by name.
began, ended = 0, 0

local lines, before, after = {}, "", ""
local at, left, once, busy = 0, 0, false, 0
local looked = false
local worker

local function now()
  local time = ffi.new "struct timeval"
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.seconds) * 1000000 + tonumber(time.microseconds)
end

function setup(thread)
  worker = thread
end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local request = file:read("*a")
  file:close()
  local from, to = request:find("%%LINE%%", 1, true)
  before, after = request:sub(1, from - 1), request:sub(to + 1)
  local first, count = tonumber(arguments[3]), tonumber(arguments[4])
  once = arguments[5] == "once"
  busy = tonumber(arguments[6])
  local pause = tonumber(arguments[7])
  if pause then delay = function() return pause end end
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
  if began == 0 then
    -- Its main thread shall be asleep when it is interrupted.
    if once then ffi.C.usleep(50000) end
    began = now()
  end
  if left == 0 then
    -- Nothing to send: this connection rests, and the last of them to do so ends the run.
    busy = busy - 1
    if busy == 0 then
      ended = now()
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), kInterrupt)
    end
    return ""
  end
  left = left - 1
  at = at % #lines + 1
  return before .. lines[at] .. after
end

function done()
  local from, to = worker:get "began", worker:get "ended"
  if to > from then io.write(string.format("took %d\n", to - from)) end
end
