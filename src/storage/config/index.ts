/** The config file: where it is, what it says, how it is changed. Clients that only connect use `connection.ts`. */
export { loadConfig, parseConfig, showIssue, configHash, type ConfigIssue, type LoadedConfig } from './load.js';
export { expandHome, resolvePaths, stateDirProblem, workspaceOf, type PathOptions, type Paths } from './paths.js';
export { setConfig, unsetConfig, replaceConfig, type ConfigTarget, type ConfigWritten } from './edit.js';
export { parsePath } from './text-edit.js';
export { REDACTED, redactConfig, redactRaw } from './redact.js';
export { gatewayToken, loadOrCreateToken, readToken, tokenPath } from './token.js';
export { fileSchema } from './file-schema.js';
