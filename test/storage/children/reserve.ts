/** A worker of its own: reserves for sessions again and again, as told, and says what it got; `keep` leaves the last one held. */
import { reserve, settle, stillHeld, type Reserving } from '../../../src/storage/ledger.js';
import { openStore } from '../../../src/storage/sqlite.js';

const [file = '', argument = ''] = process.argv.slice(2);
const { jobs, limits, asked, used, keep } = JSON.parse(argument) as {
  readonly jobs: readonly Reserving[];
  readonly limits: Parameters<typeof reserve>[3]['limits'];
  readonly asked: { readonly input: number; readonly output: number };
  readonly used: number;
  readonly keep?: boolean;
};
const db = await openStore(file);
const budgets = { limits, timezone: 'UTC' };
console.log('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
await Promise.all(
  jobs.map(async (job) => {
    for (;;) {
      const got = await reserve(db, job, asked, budgets);
      if (got.kind === 'held') {
        do await new Promise((resolve) => setTimeout(resolve, 5));
        while (await stillHeld(db, job, asked, budgets));
        continue;
      }
      if (got.kind === 'granted' && keep !== true) await db.transaction().execute((tx) => settle(tx, job.id, { tokens: used, usd: 0 }));
      console.log(JSON.stringify({ run: job.run, kind: got.kind, ...(got.kind === 'over' ? { question: got.question } : {}) }));
      return;
    }
  }),
);
console.log('done');
setInterval(() => undefined, 60_000);
