/**
 * A secret from a person or a pipe. Invariants: what is typed is not shown, and the terminal is as before however the
 * question ends; a secret given this way is in no process list and no shell history.
 */
import { text } from 'node:stream/consumers';
import type { ReadStream } from 'node:tty';
import { usageError } from './fail.js';

const ENTER = /[\r\n]/;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const ERASE = /[\u007f\b]/;

/** @throws CodedError USAGE when nothing is given */
export async function readSecret(question: string, stdin: ReadStream = process.stdin): Promise<string> {
  const secret = (stdin.isTTY ? await typed(question, stdin) : await text(stdin)).trim();
  if (secret === '') throw usageError('no token was given', 'Paste it when asked, pipe it in, or use --token-file or --token-env.');
  if (/\s/.test(secret)) throw usageError('a token is one word: what was given has spaces or lines in it');
  return secret;
}

function typed(question: string, stdin: ReadStream): Promise<string> {
  process.stderr.write(`${question} (not shown): `);
  const { promise, resolve } = Promise.withResolvers<string>();
  let line = '';
  const onData = (data: Buffer | string): void => {
    for (const character of data.toString()) {
      if (character === CTRL_C) return void process.kill(process.pid, 'SIGINT');
      if (ENTER.test(character) || character === CTRL_D) return resolve(line);
      line = ERASE.test(character) ? line.slice(0, -1) : line + character;
    }
  };
  const ended = (): void => resolve(line);
  stdin.on('data', onData).once('end', ended).once('error', ended);
  stdin.setRawMode(true);
  stdin.resume();
  return promise.finally(() => {
    stdin.setRawMode(false);
    stdin.pause();
    stdin.off('data', onData).off('end', ended).off('error', ended);
    process.stderr.write('\n');
  });
}
