/** What is taken of `node:https`, asked of Node by name: an `import` reads every export of `node:http` too, which loads all of undici. */
export const { Agent, createServer, request } = process.getBuiltinModule("node:https");
