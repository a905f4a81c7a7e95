/**
 * The arrows of the house (DESIGN §2): which room may import which. Calls against the arrows go through the ports of
 * `core/ports.ts`.
 *
 * Invariant: a room that is not listed may import nothing of ours, so a new folder under src/ must be entered here.
 * Needs @swc/core: without it dependency-cruiser sees no TypeScript 7 and passes blindly (a test plants a forbidden import).
 */

/** Room → rooms it may import besides itself. */
const ARROWS = {
  cli: ['host', 'core'],
  host: ['gateway', 'adapters', 'sessions', 'bus', 'workflows', 'activities', 'storage', 'core'],
  gateway: ['sessions', 'bus', 'storage', 'core'],
  adapters: ['sessions', 'storage', 'core'],
  sessions: ['storage', 'core'],
  bus: ['core'],
  workflows: ['core'],
  activities: ['bus', 'storage', 'core'],
  storage: ['core'],
  core: [],
  web: [],
};

const rooms = Object.keys(ARROWS);

/** `(?!a/|b/)` for the rooms that are allowed. */
const except = (allowed) => (allowed.length === 0 ? '' : `(?!(?:${allowed.join('|')})/)`);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...rooms.map((room) => ({
      name: `arrow-${room}`,
      comment: `src/${room} imports only: ${[room, ...ARROWS[room]].join(', ')}`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: {
        path: `^src/${except([room, ...ARROWS[room]])}`,
        // A workflow knows its activities by their types alone.
        ...(room === 'workflows' ? { pathNot: '^src/activities/' } : {}),
      },
    })),
    {
      name: 'unknown-room',
      comment: 'every folder under src/ is a room with arrows of its own in .dependency-cruiser.cjs',
      severity: 'error',
      from: { path: `^src/(?!(?:${rooms.join('|')})/)` },
      to: { path: '^src/' },
    },
    {
      name: 'workflows-know-activities-as-types',
      comment: 'an activity imported for real would be bundled into the sandbox',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: '^src/activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-are-sandboxed',
      comment: 'only assert, url and util exist in the sandbox, and no schema library belongs there',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(assert|url|util)$' },
    },
    {
      name: 'workflows-without-schemas',
      comment: 'core/schema brings typebox; the sandbox gets core without it',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: '^src/core/schema/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'core-is-pure',
      comment: 'core outside schema/ imports nothing but core',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/schema/' },
      // mdast exists only as types, which the resolver does not find.
      to: { pathNot: ['^src/core/', '^mdast$'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'core-without-schemas',
      comment: 'the sandbox-safe part of core does not reach the schemas',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/schema/' },
      to: { path: '^src/core/schema/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'schemas-only-typebox',
      severity: 'error',
      from: { path: '^src/core/schema/' },
      to: { pathNot: ['^src/core/', 'node_modules/typebox/'] },
    },
    {
      name: 'temporal-client-in-sessions',
      comment: 'sessions is the one user of the client; host composes it and prepares namespaces',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(sessions|host)/' },
      to: { path: 'node_modules/@temporalio/client/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'not-to-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    { name: 'resolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true, pathNot: '^mdast$' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'] },
  },
};
