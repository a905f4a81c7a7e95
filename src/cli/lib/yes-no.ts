/** One question at a terminal, answered with a word and Enter. Invariant: anything but a yes is a no, and Ctrl-C is neither. */
import { createInterface } from 'node:readline/promises';
import { CodedError } from '../../core/errors.js';

export const mayAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** @throws CodedError STOPPED */
export async function askYesNo(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<never>((_, reject) => terminal.once('close', () => reject(new CodedError('STOPPED', 'not answered: nothing was done'))));
    closed.catch(() => undefined);
    return /^y(es)?$/i.test((await Promise.race([terminal.question(`${question} [y/N] `), closed])).trim());
  } finally {
    terminal.close();
  }
}
