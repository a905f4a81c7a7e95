/**
 * What was asked for on the command line.
 * Invariant: an unknown flag or bench is refused before anything is started; nothing is guessed.
 */
import { parseArgs } from 'node:util';

export interface Remote {
  /** `ws://…` */
  readonly url: string;
  readonly token?: string;
  /** The instant model is served here, for a gateway that was configured to ask it. */
  readonly modelPort?: number;
  /** Its processes, when they run on this machine and the caller names them. */
  readonly pids: readonly number[];
}

export interface Asked {
  readonly benches: readonly string[];
  readonly quick: boolean;
  /** A gateway somebody else started. */
  readonly remote?: Remote;
}

const whole = (flag: string, text: string): number => {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new Error(`--${flag} wants a whole number, not "${text}"`);
  return Number(text);
};

/** @throws Error one line for a person */
export function parseFlags(words: readonly string[], known: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, url: { type: 'string' }, token: { type: 'string' }, 'model-port': { type: 'string' }, pid: { type: 'string', multiple: true } },
  });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no bench "${unknown}" → one of: ${known.join(', ')}`);
  const asked: Asked = { benches: positionals.length > 0 ? positionals : known, quick: values.quick };
  if (values.url === undefined) {
    const lonely = (['token', 'model-port', 'pid'] as const).find((flag) => values[flag] !== undefined);
    if (lonely !== undefined) throw new Error(`--${lonely} belongs to --url`);
    return asked;
  }
  const url = values.url.replace(/^http/, 'ws');
  if (!/^wss?:\/\//.test(url)) throw new Error(`--url wants ws://host:port, not "${values.url}"`);
  return {
    ...asked,
    remote: {
      url,
      ...(values.token === undefined ? {} : { token: values.token }),
      ...(values['model-port'] === undefined ? {} : { modelPort: whole('model-port', values['model-port']) }),
      pids: (values.pid ?? []).flatMap((each) => each.split(',')).map((each) => whole('pid', each)),
    },
  };
}
