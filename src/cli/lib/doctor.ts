/**
 * `openclaw doctor`: the checks of this machine, then those the gateway makes of itself.
 * Invariant: every finding that is not ok says what to do; a gateway that is down is one finding among others.
 */
import { CodedError, messageOf } from '../../core/errors.js';
import type { Gateway } from './client.js';
import { paint } from './terminal.js';
import type { GatewayCheck } from './wire.js';

export interface Finding {
  readonly id: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

export interface Report {
  readonly ok: boolean;
  readonly checks: readonly Finding[];
}

/** A call to a model is the slowest of the deep checks. */
export const DEEP_TIMEOUT_MS = 90_000;

export async function gatewayChecks(connect: () => Promise<Gateway>, deep: boolean, timeoutMs: number): Promise<readonly Finding[]> {
  let gateway: Gateway;
  try {
    gateway = await connect();
  } catch (error) {
    return [failed('gateway', error)];
  }
  const up: Finding = { id: 'gateway', status: 'ok', message: `Gateway version ${gateway.hello.server.version} answers` };
  try {
    const { checks } = await gateway.request<{ readonly checks: readonly GatewayCheck[] }>('doctor.checks', deep ? { deep } : {}, { timeoutMs });
    return [up, ...checks.map(findingOf)];
  } catch (error) {
    return [up, failed('gateway-checks', error)];
  } finally {
    gateway.close();
  }
}

const findingOf = ({ id, title, status, detail, remedy }: GatewayCheck): Finding => ({
  id,
  status,
  message: detail === '' ? title : `${title}: ${detail}`,
  ...(remedy === undefined ? {} : { hint: remedy }),
});

function failed(id: string, error: unknown): Finding {
  const hint = error instanceof CodedError ? error.hint : undefined;
  return { id, status: 'fail', message: messageOf(error), ...(hint === undefined ? {} : { hint }) };
}

/** What both sides looked at is told once, as the gateway sees it. */
export function reportOf(local: readonly Finding[], gateway: readonly Finding[]): Report {
  const told = new Set(gateway.map((check) => check.id));
  const checks = [...local.filter((check) => !told.has(check.id)), ...gateway];
  return { ok: checks.every((check) => check.status !== 'fail'), checks };
}

export function showReport({ checks }: Report): string {
  const mark = { ok: paint('green', '✓'), warn: paint('yellow', '!'), fail: paint('red', '✗'), skip: paint('dim', '-') };
  const lines = checks.flatMap((check) => [`${mark[check.status]} ${check.message}`, ...(check.hint === undefined || check.status === 'ok' ? [] : [`  → ${check.hint}`])]);
  const count = (status: Finding['status']): number => checks.filter((check) => check.status === status).length;
  const warnings = `${count('warn')} ${count('warn') === 1 ? 'warning' : 'warnings'}`;
  const sum = count('fail') > 0 ? `${count('fail')} failed, ${warnings}` : count('warn') > 0 ? `works, ${warnings}` : 'all good';
  return `${lines.join('\n')}\n\n${sum}`;
}
