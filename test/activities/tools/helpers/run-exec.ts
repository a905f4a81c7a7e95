/** A worker in small: runs one `exec` call in a process of its own, to be killed. Arguments: root, key, command. */
import { join } from 'node:path';
import { createExecTool } from '../../../../src/activities/tools/exec/exec.js';
import type { ToolEnv } from '../../../../src/activities/tools/types.js';

const [root = '', key = '', command = ''] = process.argv.slice(2);
const quiet = (): void => undefined;
const env: ToolEnv = {
  workspace: join(root, 'state', 'workspace'),
  stateDir: join(root, 'state'),
  jobsDir: join(root, 'state', 'jobs'),
  media: { put: () => Promise.reject(new Error('unused')), get: () => Promise.resolve(undefined), path: () => '' },
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  config: { exec: { mode: 'full', allow: [], timeoutSeconds: 60 }, fs: { roots: [] }, web: {} },
  env: process.env,
};
const result = await createExecTool(env).run({ command }, {
  key,
  session: 'agent:main:main',
  attempt: 1,
  signal: new AbortController().signal,
  cancelled: () => false,
  emit: quiet,
  approved: false, claims: { begin: () => Promise.resolve({ state: 'begun' }), finish: () => Promise.resolve() }, attachments: () => Promise.resolve([]), deliver: () => Promise.resolve(),
});
process.stdout.write(JSON.stringify(result));
