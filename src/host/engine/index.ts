/** The embedded Temporal server and its alternatives: what the rest of `host/` uses. */
export type { Begun } from './begin.js';
export { findTemporalCli } from './cli.js';
export { recordedAddress, startEngine, stopRecordedEngine } from './engine.js';
export { externalTemporal, type ConnectOptions, type ExternalTemporal, type TemporalConfig } from './external.js';
export { UI_PATH } from './flags.js';
export { prepareNamespace, readEpoch, writeEpoch, type NamespaceOptions } from './namespace.js';
export type { Engine, EngineOptions, EnginePorts, EngineSettings, Log, LogLevel } from './types.js';
