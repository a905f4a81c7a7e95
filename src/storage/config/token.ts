/**
 * The gateway's token: who shows it is the owner.
 * Invariant: the file is created once, whole, mode 0600, and never changed by this program.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../core/errors.js';

export const tokenPath = (stateDir: string): string => join(stateDir, 'gateway-token');

/** The token of the file, or undefined when there is none. */
export function readToken(stateDir: string): string | undefined {
  try {
    const token = readFileSync(tokenPath(stateDir), 'utf8').trim();
    return token === '' ? undefined : token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CodedError('TOKEN_UNREADABLE', `The gateway token ${tokenPath(stateDir)} cannot be read`, 'Run as the user who started the gateway, or set OPENCLAW_GATEWAY_TOKEN.');
  }
}

/** The token a gateway accepts: the environment's, else the config's, else the file's, made when missing. */
export function gatewayToken(from: { readonly env: NodeJS.ProcessEnv; readonly configured?: string | undefined; readonly stateDir: string }): string {
  return from.env['OPENCLAW_GATEWAY_TOKEN']?.trim() || from.configured || loadOrCreateToken(from.stateDir);
}

export function loadOrCreateToken(stateDir: string): string {
  const path = tokenPath(stateDir);
  const existing = readToken(stateDir);
  if (existing !== undefined) {
    // A copied or restored file may have lost its mode.
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return existing;
  }
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const token = randomBytes(32).toString('base64url');
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, `${token}\n`, { mode: 0o600 });
  try {
    // An empty file left by a crash would make the link fail for ever.
    if (existsEmpty(path)) rmSync(path);
    linkSync(aside, path);
    return token;
  } catch (error) {
    // Another process made it at the same time: its token counts.
    const theirs = (error as NodeJS.ErrnoException).code === 'EEXIST' ? readToken(stateDir) : undefined;
    if (theirs !== undefined) return theirs;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function existsEmpty(path: string): boolean {
  try {
    return statSync(path).size === 0;
  } catch {
    return false;
  }
}
