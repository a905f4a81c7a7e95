/**
 * What gateway and standalone worker have in common: state directory, config, store, identity, tools and models.
 */
import type { ActivityDeps } from '../activities/deps.js';
import { killJob } from '../activities/tools/exec/jobs.js';
import type { RunEvents } from '../core/ports.js';
import { loadConfig, type LoadedConfig, type PathOptions } from '../storage/config/index.js';
import { createMediaStore } from '../storage/media.js';
import { type Identity, loadIdentity } from '../storage/meta.js';
import { type Db, openStore } from '../storage/sqlite.js';
import type { MediaStore } from '../core/ports.js';
import { type Live, createLive } from './live.js';
import { createLog } from './log.js';
import { type StateDir, prepareStateDir } from './state-dir.js';

export interface Runtime {
  readonly paths: StateDir;
  readonly log: ReturnType<typeof createLog>;
  readonly db: Db;
  readonly identity: Identity;
  readonly media: MediaStore;
  readonly live: Live;
  activityDeps(events: RunEvents, draining: AbortSignal): ActivityDeps;
  close(): Promise<void>;
}

export interface RuntimeOptions extends PathOptions {
  readonly name: string;
  readonly logLevel?: string | undefined;
}

/** @throws CodedError whatever keeps the process from starting, with what to do */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const pathOptions: PathOptions = { env: options.env, ...(options.profile === undefined ? {} : { profile: options.profile }), ...(options.dev === undefined ? {} : { dev: options.dev }) };
  const paths = prepareStateDir(pathOptions);
  const first = loadConfig(pathOptions);
  const log = createLog(paths.stateDir, options.logLevel ?? first.config.logging.level, options.name);
  const db = await openStore(paths.db);
  try {
    return await compose({ paths, pathOptions, first, log, db });
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

type Opened = Pick<Runtime, 'paths' | 'log' | 'db'> & { readonly pathOptions: PathOptions; readonly first: LoadedConfig };

async function compose({ paths, pathOptions, first, log, db }: Opened): Promise<Runtime> {
  const identity = await loadIdentity(db);
  const media = createMediaStore(db, paths.media);
  const live = await createLive({ paths, pathOptions, media, log, db, first });
  return {
    paths, log, db, identity, media, live,
    activityDeps: (events, draining) => ({
      db, events, media, log, draining, hostId: identity.hostId,
      async endCommand(key) {
        const job = await killJob(paths.jobs, key);
        return job.state === 'running' || job.state === 'unknown' || (job.state === 'done' && job.owner !== undefined);
      },
      models: () => live.models(), speech: () => live.speech(), tools: () => live.tools(), settings: () => live.settings(), budgets: () => live.budgets(), systemPrompt: () => live.systemPrompt(),
    }),
    close: () => db.destroy(),
  };
}
