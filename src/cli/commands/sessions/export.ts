import { open } from 'node:fs/promises';
import * as Flags from '@oclif/core/flags';
import { CodedError, messageOf } from '../../../core/errors.js';
import { EXPORT_FORMATS, type ExportFormat, type ExportRow, createExporter } from '../../lib/export-text.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { printable } from '../../lib/terminal.js';
import { sessionArg, textFlag } from '../../lib/text-arg.js';

interface Page {
  readonly key: string;
  readonly rows: readonly ExportRow[];
  readonly nextAfter: number | null;
}

interface Answer {
  readonly key: string;
  readonly count: number;
  readonly out?: string;
  /** Without a file. */
  readonly rows?: readonly ExportRow[];
}

export default class SessionsExportCommand extends RpcCommand {
  static override summary = 'Save the conversations of a session, whole.';
  static override description = 'Attachments are named, not included: their files are in media/ of the state directory. A file is for you alone (0600), and one that exists is not replaced.';
  static override examples = ['<%= config.bin %> sessions export main', '<%= config.bin %> sessions export main --format jsonl --out main.jsonl'];
  static override args = { key: sessionArg('The session, as "sessions list" names it.') };
  static override flags = {
    format: Flags.string({ description: 'For people, or one JSON object a line.', options: [...EXPORT_FORMATS], default: 'markdown' }),
    out: textFlag('out', 'Name a file, or leave --out away for standard output.', { description: 'Into this file.', helpValue: '<file>' }),
  };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(SessionsExportCommand);
    return this.withGateway(flags, async (gateway) => {
      const first = await gateway.request<Page>('sessions.export', { key: args.key });
      const exporter = createExporter(flags.format as ExportFormat, first.key);
      const file = flags.out === undefined ? undefined : await created(flags.out);
      const kept: ExportRow[] = [];
      let count = 0;
      try {
        for (let page = first; ; page = await gateway.request<Page>('sessions.export', { key: first.key, after: page.nextAfter! })) {
          count += page.rows.length;
          const text = exporter.write(page.rows);
          if (file) await file.writeFile(text);
          else if (this.jsonEnabled()) kept.push(...page.rows);
          // A terminal is not to obey what others wrote.
          else process.stdout.write(process.stdout.isTTY ? printable(text) : text);
          if (page.nextAfter === null) break;
        }
      } finally {
        await file?.close();
      }
      if (flags.out === undefined) return { key: first.key, count, rows: kept };
      if (!this.jsonEnabled()) this.note(`${count} rows in ${flags.out}`);
      return { key: first.key, count, out: flags.out };
    });
  }
}

/** @throws CodedError FILE_EXISTS, FILE_UNWRITABLE */
async function created(path: string) {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new CodedError('FILE_EXISTS', `${path} exists`, 'Name another file, or remove that one.');
    throw new CodedError('FILE_UNWRITABLE', `${path} cannot be written: ${messageOf(error)}`, 'Name a file in a folder that is yours.');
  }
}
