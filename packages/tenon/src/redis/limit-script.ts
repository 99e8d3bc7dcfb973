/**
 * The generic cell rate algorithm over several limits at once, by the clock of the server: it runs alone there, so all
 * instances count as one, whatever their clocks say.
 *
 * KEYS: one for each limit. ARGV: for each its interval and its window, in microseconds.
 * Gives back, for each: how long to wait, and how far ahead of an even pace the key is, in whole microseconds.
 *
 * Times count from 2025, with three places behind the point: as doubles they are exact to some nanoseconds until 2050,
 * which at a million calls a second is still less than one in a hundred.
 */
export const limitScript = `
local now = redis.call('TIME')
local at = (tonumber(now[1]) - 1735689600) * 1000000 + tonumber(now[2])
local expected, answer, passes = {}, {}, true
for i = 1, #KEYS do
  local interval, per = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local kept = tonumber(redis.call('GET', KEYS[i]) or '')
  if kept == nil or kept < at then kept = at end
  local wait = (kept - at) - (per - interval / 2)
  if wait > 0 then passes = false else wait = 0 end
  expected[i] = kept
  answer[2 * i - 1] = math.ceil(wait)
end
for i = 1, #KEYS do
  if passes then
    expected[i] = expected[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', KEYS[i], string.format('%.3f', expected[i]), 'PX', math.ceil((expected[i] - at) / 1000) + 1)
  end
  answer[2 * i] = math.floor(expected[i] - at)
end
return answer
`;
