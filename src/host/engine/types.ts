/** What the parts of the embedded engine share. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface EnginePorts {
  /** gRPC, for workers and clients. */
  readonly grpc: number;
  /** The Web UI. */
  readonly ui: number;
}

/** What a server is started with. */
export interface EngineSettings {
  readonly stateDir: string;
  /** The `temporal` executable. */
  readonly cliPath: string;
  readonly ports: EnginePorts;
  /** Were the ports named in the configuration? Then a server of ours on others is not adopted but moved. */
  readonly portsExplicit: { readonly grpc: boolean; readonly ui: boolean };
  /** SQLite's setting: `full` keeps an acknowledged message through a power cut, `normal` is faster. */
  readonly synchronous: 'full' | 'normal';
  readonly retentionDays: number;
  readonly namespace: string;
  /** Server settings above the engine's own, e.g. lower history limits in tests. */
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
}

export interface EngineOptions extends EngineSettings {
  /** Id of this installation, from `openclaw.db`. */
  readonly installId: string;
  readonly log: Log;
}

export interface Engine {
  /** `127.0.0.1:<port>`; stays the same over restarts of the server. */
  readonly address: string;
  readonly uiUrl: string;
  readonly ports: EnginePorts;
  /** Was a running server taken over? */
  readonly adopted: boolean;
  /** Of the running server; changes when it is restarted. */
  readonly pid: number;
  /**
   * Is the server another one than the process `pid`? A dead one's successor is waited for, so that what failed with
   * it can be done again; false when `pid` lives and the failure was not its death.
   */
  replaced(pid: number): Promise<boolean>;
  /** Called whenever the server is found dead or hung, before it is started again. */
  onDown(callback: (reason: string) => void): void;
  /** Called when it answers again. */
  onUp(callback: () => void): void;
  /** Stops watching and leaves the server running: the end of a normal gateway. */
  release(): void;
  /** Stops watching and the server. */
  stop(): Promise<void>;
}
