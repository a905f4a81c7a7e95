/**
 * One vitest project a room, so that `npm run test:<room>` runs one part and `npm test` all of them.
 *
 * Invariant: every test process, and every process a test starts, goes through test/setup/no-network.mjs: no provider
 * key reaches a test and no test reaches another machine.
 */
import { defineConfig } from 'vitest/config';

/** Folders under test/; `servers`, `setup` and `histories` hold helpers and data, no tests of their own. */
const rooms = [
  'core', 'storage', 'bus', 'workflows', 'activities', 'sessions', 'adapters', 'gateway', 'host', 'cli', 'chaos', 'scripts',
] as const;

/** Rooms whose tests start whole installations and kill them: after the others, and more patient. */
const heavy: readonly string[] = ['chaos', 'host', 'scripts'];

export default defineConfig({
  test: {
    globalSetup: ['test/setup/global.ts'],
    // Small machines are the target: two test files at once, or the servers of one starve those of the other.
    maxWorkers: 2,
    projects: rooms.map((room) => ({
      extends: true,
      test: {
        name: room,
        include: [`test/${room}/**/*.test.ts`],
        setupFiles: ['test/setup/no-network.mjs'],
        pool: 'forks',
        // A real server starts in about a second on an idle machine and in many on a busy one.
        testTimeout: heavy.includes(room) ? 120_000 : 60_000,
        hookTimeout: 90_000,
        // Vitest's second is a limit on the machine, not on the code.
        expect: { poll: { timeout: 15_000 } },
        // Projects of one group share the two workers; the heavy ones come last.
        sequence: { groupOrder: heavy.includes(room) ? 1 : 0 },
      },
    })),
  },
});
