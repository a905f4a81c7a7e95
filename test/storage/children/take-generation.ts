/** The first activity of a workflow chain in a worker of its own: waits for a line, then takes the next generation. */
import { createInterface } from 'node:readline';
import { takeGeneration } from '../../../src/storage/fence.js';
import { openStore } from '../../../src/storage/sqlite.js';

const [file = '', session = '', ...chains] = process.argv.slice(2);
const db = await openStore(file);
console.log('ready');
for await (const _ of createInterface({ input: process.stdin })) break;
const taken: number[] = [];
for (const chain of chains) taken.push((await db.transaction().execute((tx) => takeGeneration(tx, session, chain))).generation);
console.log(JSON.stringify(taken));
await db.destroy();
process.exit();
