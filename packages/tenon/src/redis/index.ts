/** Limits that are counted together by all instances of an app, in Redis. */
export { openRedisLimits, type RedisLimits, type RedisLimitsOptions } from "./redis-limits.ts";
