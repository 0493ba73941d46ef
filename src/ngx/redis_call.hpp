// redis_call: a few commands that are sent together, and their replies. A cluster may send each of
// them elsewhere; that is followed for as long as one command may take. When the client leaves, the
// frame dies and empties its tickets; the late replies then free them.
#pragma once

#include <string>
#include <vector>

#include "ngx/redis_topology.hpp"
#include "ngx/run.hpp"
#include "oauth/base/result.hpp"

namespace oauth {

struct RedisCommand {
  std::string key;  // decides which server is asked
  std::string bytes;
  // What it gives out must never be given out again: it counts once so many replicas have it too as
  // `replicas=` says (WAIT).
  bool consumes = false;
  std::string before;  // sent ahead of it to the same server; nobody hears the answer
};

// One reply for each command. store_down: no command was carried out. store_lost: some may have
// been, or were and a failover might forget it. None is sent while one of them finds no connection;
// one that may have been carried out is never sent again.
Task<Result<std::vector<RedisReply>>> redis_call(Flow& flow, RedisTopology& topology,
                                                 const RedisOptions& options,
                                                 std::vector<RedisCommand> commands);

}  // namespace oauth
