/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_scripts.h"

/* clang-format off */

/* A record without an owner is the memory of an epoch: it has no writer either. */
const char redis_script_put[] =
    "local key = KEYS[1]\n"
    "local was = redis.call('HMGET', key, 'epoch', 'owner', 'serial', 'writer')\n"
    "local there, mine = tonumber(was[1] or '0'), tonumber(ARGV[3])\n"
    "if there > mine or (there == mine and was[4] ~= ARGV[2]) then\n"
    "  return {'conflict', was[2] or '', was[1], was[3] or '0', '0', '', '0'}\n"
    "end\n"
    "local serial = there == mine and was[3] + 1 or 1\n"
    "redis.call('HSET', key, 'owner', ARGV[1], 'writer', ARGV[2], 'epoch', ARGV[3],\n"
    "  'serial', serial, 'takes', '0', 'places', ARGV[4], 'record', ARGV[5])\n"
    "redis.call('EXPIRE', key, ARGV[6])\n"
    "return {'done', ARGV[1], ARGV[3], tostring(serial), '0',\n"
    "  was[2] or '', was[2] and was[1] or '0'}\n";

/* A Redis that is full refuses the memory of an epoch, which is no reason to keep the record. */
const char redis_script_remove[] =
    "local key = KEYS[1]\n"
    "local was = redis.call('HMGET', key, 'epoch', 'owner', 'serial', 'writer')\n"
    "local there, mine = tonumber(was[1] or '0'), tonumber(ARGV[2])\n"
    "if was[2] and (there > mine or\n"
    "    (there == mine and was[4] ~= ARGV[1] and was[2] ~= ARGV[1])) then\n"
    "  return {'conflict', was[2], was[1], was[3] or '0', '0', '', '0'}\n"
    "end\n"
    "local last = math.max(there, mine)\n"
    "redis.call('DEL', key)\n"
    "if last > 1 then\n"
    "  redis.pcall('HSET', key, 'epoch', last)\n"
    "  redis.pcall('EXPIRE', key, ARGV[3])\n"
    "end\n"
    "return {'done', '', string.format('%.0f', last), '0', '0',\n"
    "  was[2] or '', was[2] and was[1] or '0'}\n";

const char redis_script_take[] =
    "local key = KEYS[1]\n"
    "local was = redis.call('HMGET', key, 'epoch', 'owner', 'serial', 'takes')\n"
    "if not was[2] then\n"
    "  return {'absent', '', was[1] or '0', '0', '0', '', '0'}\n"
    "end\n"
    "if was[2] ~= ARGV[3] or was[1] ~= ARGV[4] or was[3] ~= ARGV[5] then\n"
    "  return {'conflict', was[2], was[1], was[3] or '0', '0', '', '0'}\n"
    "end\n"
    "local takes = math.max(tonumber(was[4]) + ARGV[7], 0)\n"
    "takes = string.format('%.0f', takes)\n"
    "redis.call('HSET', key, 'owner', ARGV[1], 'writer', ARGV[1], 'epoch', ARGV[2],\n"
    "  'serial', '0', 'takes', takes)\n"
    "redis.call('EXPIRE', key, ARGV[6])\n"
    "return {'done', ARGV[1], ARGV[2], '0', takes, was[2], was[1]}\n";

/* A note of a younger epoch stays: this one comes too late. */
const char redis_script_note[] =
    "local was = redis.call('HGET', KEYS[1], ARGV[1]) or ''\n"
    "local there = tonumber(string.match(was, '^%d+') or '0')\n"
    "if there > tonumber(ARGV[2]) then\n"
    "  return 'done'\n"
    "end\n"
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[4])\n"
    "return 'done'\n";

const char redis_script_strike[] =
    "local was = redis.call('HGET', KEYS[1], ARGV[1])\n"
    "if was and string.match(was, '^%d+') == ARGV[2] then\n"
    "  redis.call('HDEL', KEYS[1], ARGV[1])\n"
    "end\n"
    "return 'done'\n";

const char redis_script_introduce[] =
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[3])\n"
    "return 'done'\n";

/* One that is full goes on with a lease that is there: else all nodes would seem dead. */
const char redis_script_lease[] =
    "local was = redis.call('GET', KEYS[1])\n"
    "if was == ARGV[1] then\n"
    "  redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
    "  return 'done'\n"
    "end\n"
    "if was and was ~= ARGV[3] then\n"
    "  return 'conflict'\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "return 'done'\n";

const char redis_script_unlease[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
    "  return 'done'\n"
    "end\n"
    "if ARGV[2] == '0' then\n"
    "  redis.call('DEL', KEYS[1])\n"
    "else\n"
    "  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])\n"
    "end\n"
    "return 'done'\n";
