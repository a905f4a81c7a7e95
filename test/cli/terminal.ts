/** Runs the compiled `openclaw` on a terminal of its own, to type at. Needs the Python that `npm start` needs too. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BIN, type Installation } from './cli.js';

const PTY = fileURLToPath(new URL('pty.py', import.meta.url));

export interface Terminal {
  readonly pid: Promise<number>;
  readonly done: Promise<{ readonly code: number; readonly restored: boolean; readonly screen: string }>;
  type(keys: string): void;
  /** Resolves when the screen shows the text that many times. */
  shows(text: string, times?: number): Promise<void>;
  /** Text on the screen so far, without colours. */
  screen(): string;
}

export function startOnTerminal(home: Installation, args: readonly string[]): Terminal {
  const child = spawn('python3', [PTY, process.execPath, BIN, ...args], { env: { ...home.env, NO_COLOR: '1' }, stdio: ['pipe', 'pipe', 'pipe'] });
  const pid = Promise.withResolvers<number>();
  const waiting = new Set<() => void>();
  let screen = '';
  let facts = '';
  child.stdout.on('data', (data: Buffer) => {
    screen += data.toString('utf8').replaceAll('\r\n', '\n');
    for (const check of waiting) check();
  });
  child.stderr.on('data', (data: Buffer) => {
    facts += data.toString('utf8');
    const [first, rest] = facts.split('\n');
    if (rest !== undefined) pid.resolve((JSON.parse(first ?? '') as { readonly pid: number }).pid);
  });
  child.stdin.on('error', () => undefined);
  const done = new Promise<Awaited<Terminal['done']>>((resolve, reject) =>
    child.on('close', () => {
      try {
        resolve({ ...(JSON.parse(facts.trim().split('\n').at(-1) ?? '') as { readonly code: number; readonly restored: boolean }), screen });
      } catch {
        reject(new Error(`the terminal failed:\n${facts}`));
      }
    }),
  );
  return {
    pid: pid.promise,
    done,
    type: (keys) => void child.stdin.write(keys),
    screen: () => screen,
    shows: (text, times = 1) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (screen.split(text).length <= times) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
        void done.then(({ screen: all }) => reject(new Error(`it ended without showing "${text}":\n${all}`)), reject);
      }),
  };
}
