/**
 * What every command shares: root flags, `--json`, failures.
 * Invariant: under `--json` exactly one document reaches stdout, also when the command fails; people's text about
 * progress and failures goes to stderr.
 */
import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import { failureDocument, failureOf, failureText } from './fail.js';
import { paint } from './terminal.js';

export interface RootFlags {
  readonly dev?: boolean;
  readonly profile?: string | undefined;
  readonly 'log-level'?: string | undefined;
}

export interface InstallOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly profile?: string;
  readonly dev?: boolean;
}

export abstract class BaseCommand extends Command {
  static override baseFlags = {
    dev: Flags.boolean({ description: 'Use the development profile: its own state directory, port 19001.', helpGroup: 'GLOBAL' }),
    profile: Flags.string({ description: 'Use the installation in ~/.openclaw-<name>.', helpGroup: 'GLOBAL', helpValue: '<name>', exclusive: ['dev'] }),
    'log-level': Flags.string({ description: 'Least important lines that are written.', helpGroup: 'GLOBAL', options: ['silent', 'error', 'warn', 'info', 'debug', 'trace'] }),
    'no-color': Flags.boolean({ description: 'No colours (also: NO_COLOR).', helpGroup: 'GLOBAL' }),
  };

  /** Which installation the command is about. */
  install(flags: RootFlags): InstallOptions {
    return { env: process.env, ...(flags.profile === undefined ? {} : { profile: flags.profile }), ...(flags.dev ? { dev: true } : {}) };
  }

  /** For processes that outlive the terminal or pipe they write to: a lost reader is no reason to end. */
  keepRunningWithoutReader(): void {
    for (const stream of [process.stdout, process.stderr]) {
      stream.removeAllListeners('error');
      stream.on('error', () => undefined);
    }
  }

  /** A line for people beside the data: stderr. */
  note(text: string): void {
    process.stderr.write(`${paint('dim', text, process.stderr)}\n`);
  }

  warnings(list: readonly string[]): void {
    for (const line of list) process.stderr.write(`${paint('yellow', 'Warning:', process.stderr)} ${line}\n`);
  }

  protected override async catch(error: Error & { readonly exitCode?: number }): Promise<void> {
    // oclif ends `--help` by throwing.
    if ((error as { readonly code?: string }).code === 'EEXIT') throw error;
    const failure = failureOf(error);
    if (this.jsonEnabled()) process.stdout.write(`${JSON.stringify(failureDocument(failure), null, 2)}\n`);
    else process.stderr.write(failureText(failure));
    process.exitCode = failure.exit;
  }
}
