/** How a client reaches this installation's gateway. Thin, and light to load: no schema, no store. */
import { readConnection, type Connection } from '../storage/config/connection.js';
import { resolvePaths, type PathOptions, type Paths } from '../storage/config/paths.js';

export type { Connection } from '../storage/config/connection.js';
export const connectionOf = (options: PathOptions): Connection => readConnection(options);
/** Without reading any file. */
export const connectionPaths = (options: PathOptions): Paths => resolvePaths(options);
